//! What an administrator does every day.

use virtus_tests::{Outcome, World, ensure, wait_for};

pub(crate) fn a_guest_from_define_to_undefine(world: &mut World) -> Outcome {
    world.define("alpha")?;
    ensure!(world.virsh(&["list", "--all", "--name"])?.trim() == "alpha", "a defined domain is listed");
    ensure!(world.virsh(&["list", "--name"])?.trim().is_empty(), "it does not run yet");
    world.virsh(&["start", "alpha"])?;
    let mut console = world.login("alpha")?;
    console.send("echo $((6*7))-$(hostname)\n")?;
    console.expect("42-virtus-guest", 20)?;
    console.leave()?;

    let info = world.virsh(&["dominfo", "alpha"])?;
    for part in [
        "Name:           alpha",
        "State:          running",
        "Max memory:     131072 KiB",
        "Persistent:     yes",
    ] {
        ensure!(info.contains(part), "dominfo lacks '{part}': {info}");
    }
    let live = world.virsh(&["dumpxml", "alpha"])?;
    for part in ["<domain type='qemu' id='1'>", "<alias name='serial0'/>", "<source path='/dev/pts/"] {
        ensure!(live.contains(part), "dumpxml lacks {part}: {live}");
    }
    let kept = world.virsh(&["dumpxml", "--inactive", "alpha"])?;
    ensure!(
        !kept.contains("<alias") && kept.starts_with("<domain type='qemu'>"),
        "what is kept has nothing of the run: {kept}"
    );
    let stats = world.virsh(&["domstats", "alpha"])?;
    for part in ["state.state=1", "cpu.time=", "balloon.current=131072", "vcpu.current=1"] {
        ensure!(stats.contains(part), "domstats lacks {part}: {stats}");
    }
    ensure!(world.state("alpha")? == "running", "reading changed nothing");

    world.virsh(&["suspend", "alpha"])?;
    ensure!(
        world.virsh(&["domstate", "--reason", "alpha"])?.trim() == "paused (user)",
        "suspended by the user"
    );
    world.virsh(&["resume", "alpha"])?;
    ensure!(world.virsh(&["domstate", "--reason", "alpha"])?.trim() == "running (unpaused)", "running again");
    world.virsh(&["destroy", "alpha"])?;
    ensure!(world.virsh(&["domstate", "--reason", "alpha"])?.trim() == "shut off (destroyed)", "destroyed");
    ensure!(world.qemus()? == 0, "no QEMU outlives destroy");
    world.virsh(&["start", "alpha"])?;
    ensure!(world.virsh(&["domid", "alpha"])?.trim() == "2", "the next start has the next id");
    world.virsh(&["destroy", "alpha"])?;
    world.virsh(&["undefine", "alpha"])?;
    ensure!(world.virsh(&["list", "--all", "--name"])?.trim().is_empty(), "undefined");
    let left = world.leftovers()?;
    ensure!(left.is_empty(), "left behind: {left:?}");
    Ok(())
}

pub(crate) fn a_guest_is_shut_down_and_rebooted_by_its_own_means(world: &mut World) -> Outcome {
    world.define("alpha")?;
    world.virsh(&["start", "alpha"])?;
    let qemu = world.qemu("alpha")?;
    let mut console = world.login("alpha")?;
    console.send("echo seen > /tmp/boot\n")?;
    console.expect("#", 20)?;

    world.virsh(&["reset", "alpha"])?;
    console.expect("login:", 90)?;
    ensure!(world.qemu("alpha")? == qemu, "a reset keeps the process");
    console.send("root\n")?;
    console.expect("#", 30)?;
    console.send("ls /tmp/boot || echo fresh-$((1+1))\n")?;
    console.expect("fresh-2", 30)?;

    world.virsh(&["reboot", "alpha"])?;
    console.expect("login:", 90)?;
    world.until_state("alpha", "running")?;
    world.virsh(&["shutdown", "alpha"])?;
    world.until_state("alpha", "shut off")?;
    ensure!(
        world.virsh(&["domstate", "--reason", "alpha"])?.trim() == "shut off (shutdown)",
        "by its own doing"
    );
    Ok(())
}

pub(crate) fn events_tell_what_happens(world: &mut World) -> Outcome {
    let mut events = world.background(&["event", "--event", "lifecycle", "--loop"])?;
    world.define("alpha")?;
    // virsh registers some time after it starts; what it shows first tells that it is there
    wait_for("events to be told", 20, || {
        world.define("alpha")?;
        Ok(events.expect("Defined", 1).is_ok())
    })?;
    world.virsh(&["start", "alpha"])?;
    events.expect("event 'lifecycle' for domain 'alpha': Resumed Unpaused", 20)?;
    events.expect("event 'lifecycle' for domain 'alpha': Started Booted", 20)?;
    world.virsh(&["suspend", "alpha"])?;
    events.expect("event 'lifecycle' for domain 'alpha': Suspended Paused", 20)?;
    world.virsh(&["resume", "alpha"])?;
    events.expect("event 'lifecycle' for domain 'alpha': Resumed Unpaused", 20)?;
    world.virsh(&["destroy", "alpha"])?;
    events.expect("event 'lifecycle' for domain 'alpha': Stopped Destroyed", 20)?;
    world.virsh(&["undefine", "alpha"])?;
    events.expect("event 'lifecycle' for domain 'alpha': Undefined Removed", 20)
}

pub(crate) fn autostart_is_kept_and_obeyed(world: &mut World) -> Outcome {
    world.define("alpha")?;
    world.define("beta")?;
    world.virsh(&["autostart", "alpha"])?;
    ensure!(world.virsh(&["list", "--all", "--autostart", "--name"])?.trim() == "alpha", "marked");
    // domains are started once a boot of the host: after a mere restart of the daemon nothing is
    world.kill_daemon()?;
    world.start_daemon()?;
    ensure!(world.state("alpha")? == "shut off", "the host has not booted anew");
    world.kill_daemon()?;
    world.reboot_host()?;
    world.start_daemon()?;
    world.until_state("alpha", "running")?;
    ensure!(world.state("beta")? == "shut off", "what is not marked is not started");
    world.virsh(&["autostart", "--disable", "alpha"])?;
    ensure!(world.virsh(&["list", "--all", "--autostart", "--name"])?.trim().is_empty(), "unmarked");
    Ok(())
}
