//! The daemon goes, the guests stay.

use virtus_tests::{Outcome, World, ensure};

pub(crate) fn a_guest_does_not_notice_a_killed_daemon(world: &mut World) -> Outcome {
    world.define("alpha")?;
    world.virsh(&["start", "alpha"])?;
    let mut console = world.login("alpha")?;
    console.send("echo kept-it > /tmp/mark\n")?;
    console.expect("#", 20)?;
    drop(console);
    let (id, qemu) = (world.virsh(&["domid", "alpha"])?, world.qemu("alpha")?);
    let before = world.virsh(&["dumpxml", "alpha"])?;

    world.kill_daemon()?;
    ensure!(world.qemu("alpha")? == qemu, "QEMU outlives the daemon");
    world.start_daemon()?;

    ensure!(world.state("alpha")? == "running", "found running");
    ensure!(world.virsh(&["domid", "alpha"])? == id, "under its old id");
    let after = world.virsh(&["dumpxml", "alpha"])?;
    ensure!(after == before, "its definition changed:\n{before}\n{after}");
    let mut console = world.background(&["console", "alpha", "--force"])?;
    console.expect("Connected to domain", 20)?;
    console.send("\ncat /tmp/mark\n")?;
    console.expect("kept-it", 30)?;
    drop(console);
    world.virsh(&["destroy", "alpha"])?;
    ensure!(world.qemus()? == 0, "and it can still be destroyed");
    let left = world.leftovers()?;
    ensure!(left.is_empty(), "left behind: {left:?}");
    Ok(())
}

pub(crate) fn a_guest_that_ended_meanwhile_is_found_shut_off(world: &mut World) -> Outcome {
    world.define("alpha")?;
    world.virsh(&["start", "alpha"])?;
    let qemu = world.qemu("alpha")?;
    world.kill_daemon()?;
    rustix::process::kill_process(qemu, rustix::process::Signal::KILL)?;
    virtus_tests::wait_for("QEMU to end", 20, || Ok(world.qemus()? == 0))?;
    world.start_daemon()?;
    world.until_state("alpha", "shut off")?;
    let left = world.leftovers()?;
    ensure!(left.is_empty(), "left behind: {left:?}");
    world.virsh(&["start", "alpha"])?;
    world.until_state("alpha", "running")
}

pub(crate) fn a_damaged_file_hinders_nothing_else(world: &mut World) -> Outcome {
    world.define("alpha")?;
    world.define("beta")?;
    world.kill_daemon()?;
    std::fs::write("/etc/libvirt/qemu/alpha.xml", "<domain type='qemu'><name>alpha</na")?;
    world.start_daemon()?;
    ensure!(world.virsh(&["list", "--all", "--name"])?.trim() == "beta", "the sound one is there");
    ensure!(world.log_end(50).contains("alpha.xml"), "the log names the file");
    world.define("alpha")?;
    ensure!(world.state("alpha")? == "shut off", "and the name can be used again");
    Ok(())
}
