//! The command line of this project: what it says beside Debian's virsh, consoles, editors, events, waiting.

use virtus_tests::{Outcome, World, ensure, wait_for};

/// Called `virsh`, it answers as Debian's virsh does, word for word.
pub(crate) fn it_answers_as_virsh_does(world: &mut World) -> Outcome {
    world.define("alpha")?;
    world.define("beta")?;
    let missing = world.home().join("missing.xml").display().to_string();
    let cases: &[&[&str]] = &[
        &["list", "--all"],
        &["list", "--all", "--uuid", "--name"],
        &["list", "--inactive", "--title"],
        &["dominfo", "alpha"],
        &["domstate", "alpha", "--reason"],
        &["dumpxml", "alpha"],
        &["dumpxml", "alpha", "--xpath", "//memory", "--wrap"],
        &["domuuid", "alpha"],
        &["domblklist", "alpha", "--details"],
        &["version", "--daemon"],
        &["nodeinfo"],
        &["start"],
        &["start", "nobody"],
        &["destroy", "alpha"],
        &["lists"],
        &["list", "--bogus"],
        &["define", &missing],
        &["setmem", "alpha", "12x"],
        &["dominfo alpha; domstate beta; domid alpha"],
    ];
    for case in cases {
        let (theirs, ours) = (world.try_virsh(case)?, world.called("virsh", case)?);
        ensure!(theirs == ours, "virsh {}: {theirs:?}, but ours says {ours:?}", case.join(" "));
    }
    Ok(())
}

pub(crate) fn lists_are_for_programs_too(world: &mut World) -> Outcome {
    world.define("alpha")?;
    let list = world.called("virtus", &["list", "--all", "--output", "json"])?;
    let line: String = list.out.split_whitespace().collect();
    ensure!(line == r#"[{"id":null,"name":"alpha","state":"shutoff"}]"#, "JSON: {list:?}");
    let list = world.called("virtus", &["list", "--all", "--output", "yaml"])?;
    ensure!(list.out.trim() == "- id: null\n  name: \"alpha\"\n  state: \"shut off\"", "YAML: {list:?}");
    let refused = world.called("virsh", &["list", "--output", "json"])?;
    ensure!(!refused.ok && refused.err.contains("doesn't support option --output"), "virsh: {refused:?}");
    Ok(())
}

pub(crate) fn an_editor_changes_a_definition(world: &mut World) -> Outcome {
    world.define("alpha")?;
    let edit = |script: &str| {
        let editor = format!("sed -i {script}");
        world.called_with("virsh", &["edit", "alpha"], &[("EDITOR", &editor)])
    };
    let unchanged = edit("s/nothing/else/")?;
    ensure!(unchanged.ok && unchanged.out.is_empty(), "nothing to do, quietly: {unchanged:?}");
    let changed = edit("s/131072/65536/")?;
    ensure!(changed.ok, "changed: {changed:?}");
    let info = world.virsh(&["dominfo", "alpha"])?;
    ensure!(info.contains("Max memory:     65536 KiB"), "the daemon has it: {info}");
    let refused = edit("s/domain/damain/")?;
    ensure!(!refused.ok && refused.err.contains("Failed."), "the daemon refuses: {refused:?}");
    Ok(())
}

pub(crate) fn a_console_is_entered_and_left(world: &mut World) -> Outcome {
    world.define("alpha")?;
    world.virsh(&["start", "alpha"])?;
    let mut console = world.own(&["console", "alpha"])?;
    console.expect("Connected to domain 'alpha'", 20)?;
    console.expect("Escape character is ^]", 20)?;
    console.send("\n")?;
    console.expect("login:", 90)?;
    console.send("root\n")?;
    console.expect("#", 30)?;
    console.send("echo $((6*7))\n")?;
    console.expect("42", 20)?;
    console.leave()
}

pub(crate) fn one_waits_for_what_happens(world: &mut World) -> Outcome {
    world.define("alpha")?;
    let mut events = world.own(&["event", "--event", "lifecycle", "--loop"])?;
    // it registers some time after it starts; what it shows first tells that it is there
    wait_for("events to be told", 20, || {
        world.define("alpha")?;
        Ok(events.expect("Defined", 1).is_ok())
    })?;
    let too_early = world.called("virtus", &["wait", "alpha", "ip"])?;
    ensure!(!too_early.ok && too_early.err.contains("is not running"), "not running: {too_early:?}");
    world.virsh(&["start", "alpha"])?;
    events.expect("event 'lifecycle' for domain 'alpha': Started Booted", 20)?;
    let in_vain = world.called("virtus", &["wait", "alpha", "--for", "shutdown", "--timeout", "1"])?;
    ensure!(!in_vain.ok && in_vain.err.contains("timed out"), "it runs on: {in_vain:?}");
    world.virsh(&["destroy", "alpha"])?;
    events.expect("event 'lifecycle' for domain 'alpha': Stopped Destroyed", 20)?;
    let ended = world.called("virtus", &["wait", "alpha", "--for", "shutdown", "--timeout", "20"])?;
    ensure!(ended.ok, "it has ended: {ended:?}");
    Ok(())
}

pub(crate) fn the_daemon_is_administrated(world: &mut World) -> Outcome {
    let ours = world.called("virt-admin", &["server-list"])?;
    ensure!(ours.ok && ours.out.contains("libvirtd"), "servers: {ours:?}");
    let ours = world.called("virtus", &["admin", "client-list", "libvirtd", "--output", "json"])?;
    ensure!(ours.ok && ours.out.starts_with('['), "clients: {ours:?}");
    Ok(())
}
