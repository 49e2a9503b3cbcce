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

/// Every list that the page of lists has, with its fields, as JSON and as YAML.
pub(crate) fn every_list_has_its_fields(world: &mut World) -> Outcome {
    const PAGE: &str = include_str!("../../docs/output.md");
    const ON_TEST: [&str; 10] = [
        "domblklist",
        "domblkinfo",
        "domiflist",
        "domifaddr",
        "domfsinfo",
        "vcpupin",
        "vol-list",
        "iface-list",
        "nodedev-list",
        "pool-list",
    ];
    world.define("alpha")?;
    let network = "<network><name>lan</name><bridge name='virbr7'/></network>";
    world.virsh(&["net-define", &world.file("lan.xml", network)?])?;
    world.virsh(&["net-start", "lan"])?;
    world.virsh(&[
        "secret-define",
        &world.file("secret.xml", "<secret><description>of one</description></secret>")?,
    ])?;
    world.virsh(&["nwfilter-define", &world.file("filter.xml", "<filter name='one'/>")?])?;
    let mut filled = 0;
    for line in PAGE.lines().filter(|line| line.starts_with("| `")) {
        let mut columns = line.split('|').skip(1);
        let (commands, fields) = (columns.next().unwrap_or_default(), columns.next().unwrap_or_default());
        let quoted =
            |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
        for command in quoted(commands) {
            let name = command.trim_start_matches("admin ").trim_end_matches(" --all");
            let mut args: Vec<&str> = match ON_TEST.contains(&name) {
                true => vec!["-c", "test:///default"],
                false => Vec::new(),
            };
            args.extend(command.split(' '));
            let domain = [if args.contains(&"-c") { "test" } else { "alpha" }];
            args.extend(match name {
                "vol-list" => &["default-pool"][..],
                "net-dhcp-leases" | "net-port-list" => &["lan"],
                "client-list" => &["libvirtd"],
                "cpu-models" => &["x86_64"],
                "list" | "net-list" => &["--all"],
                name if name.starts_with("dom") || name.ends_with("info") || name.ends_with("pin") => {
                    &domain[..]
                }
                "snapshot-list" | "checkpoint-list" => &["alpha"],
                _ => &[],
            });
            let json = world.called("virtus", &[&args[..], &["--output", "json"]].concat())?;
            let yaml = world.called("virtus", &[&args[..], &["--output", "yaml"]].concat())?;
            ensure!(json.ok && yaml.ok, "{args:?}: {json:?} {yaml:?}");
            let empty = json.out.trim() == "[]";
            ensure!(empty == (yaml.out.trim() == "[]"), "{args:?}: {json:?} {yaml:?}");
            if empty {
                continue;
            }
            filled += 1;
            let keys = |text: &str, start: &str| -> Vec<String> {
                let first = text.split(start).nth(1).unwrap_or_default();
                first
                    .lines()
                    .filter_map(|line| line.trim().split_once(':'))
                    .map(|(key, _)| key.trim_matches('"').to_owned())
                    .collect()
            };
            let in_json = keys(json.out.split('}').next().unwrap_or_default(), "{");
            let in_yaml = keys(
                &yaml.out.replacen("- ", "+ ", 1).split("\n- ").next().unwrap_or_default().replace("+ ", "+"),
                "+",
            );
            ensure!(
                in_json == quoted(fields) && in_yaml == in_json,
                "{args:?}: {in_json:?}, {in_yaml:?} instead of {fields}"
            );
        }
    }
    ensure!(filled > 12, "only {filled} lists had something in them");
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

/// Of a guest's addresses, its agent and its ports nobody is told by the daemon's first answer.
pub(crate) fn one_waits_for_a_guest_on_a_network(world: &mut World) -> Outcome {
    let network = "<network><name>lan</name><bridge name='virbr7'/><ip address='10.7.0.1' prefix='24'><dhcp>\
                   <range start='10.7.0.10' end='10.7.0.99'/></dhcp></ip></network>";
    let file = world.file("lan.xml", network)?;
    world.virsh(&["net-define", &file])?;
    world.virsh(&["net-start", "lan"])?;
    let devices = "<interface type='network'><source network='lan'/><model type='virtio'/></interface>\
                   <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>";
    let file = world.file("alpha.xml", &world.guest_xml("alpha", devices))?;
    world.virsh(&["define", &file])?;
    world.virsh(&["start", "alpha"])?;
    let wait = |what: &str, seconds: &str| {
        world.called("virtus", &["wait", "alpha", "--for", what, "--timeout", seconds])
    };
    let too_early = wait("port:2000", "1")?;
    ensure!(
        !too_early.ok && too_early.err.contains("timed out while waiting for port:2000"),
        "{too_early:?}"
    );
    let found = wait("ip", "50").and_then(|found| if found.ok { Ok(found) } else { wait("ip", "50") })?;
    let address = found.out.trim().to_owned();
    ensure!(found.ok && address.starts_with("10.7.0."), "{found:?}");

    let mut console = world.login("alpha")?;
    console.send("nc -l -p 2000 >/dev/null & echo listens\n")?;
    console.expect("listens", 20)?;
    let found = wait("port:2000", "40")?;
    ensure!(found.ok && found.out.trim() == format!("{address}:2000"), "{found:?}");

    let nobody = wait("agent", "1")?;
    ensure!(!nobody.ok && nobody.err.contains("timed out"), "nobody has opened the channel: {nobody:?}");
    // whoever opens the channel is the agent
    console.send("for port in /dev/vport*p1; do sleep 1000 <>$port & done; echo opened\n")?;
    console.expect("opened", 20)?;
    let agent = wait("agent", "40")?;
    ensure!(agent.ok, "{agent:?}");
    for wrong in ["port:0", "boot"] {
        let refused = wait(wrong, "1")?;
        ensure!(!refused.ok && refused.err.contains("cannot wait for"), "{refused:?}");
    }
    Ok(())
}

/// On a terminal one line tells how far a job is, and is written over; Debian's virsh shows the same.
pub(crate) fn jobs_show_how_far_they_are(world: &mut World) -> Outcome {
    let file = world.home().join("saved").display().to_string();
    let on_test = ["-c", "test:///default"];
    let commands: [(&[&str], &str); 2] = [
        (&["save", "test", &file, "--verbose"], "Save: [100.00 %]\r\nDomain 'test' saved to"),
        (
            &["managedsave", "test", "--verbose"],
            "Managedsave: [100.00 %]\r\nDomain 'test' state saved by libvirt",
        ),
    ];
    for (command, shown) in commands {
        let args = [&on_test[..], command].concat();
        for mut console in [world.own(&args)?, world.background(&args)?] {
            console.expect(shown, 30)?;
        }
    }
    Ok(())
}

/// Whoever waits when the daemon goes is told, as by Debian's virsh, and no longer waits.
pub(crate) fn a_daemon_that_goes_is_told(world: &mut World) -> Outcome {
    let args = ["event", "--all", "--loop"];
    let mut consoles = [world.own(&args)?, world.background(&args)?];
    for console in &mut consoles {
        wait_for("events to be told", 20, || {
            world.define("alpha")?;
            Ok(console.expect("Defined", 1).is_ok())
        })?;
    }
    world.kill_daemon()?;
    for console in &mut consoles {
        console.expect("error: Disconnected from qemu:///system due to end of file", 20)?;
    }
    Ok(())
}

/// A command that takes too long ends the program, and one that does not is left alone.
pub(crate) fn no_command_takes_longer_than_it_may(world: &mut World) -> Outcome {
    world.define("alpha")?;
    let quick = world.called("virtus", &["--timeout", "60", "domstate", "alpha"])?;
    ensure!(quick.ok && quick.out.trim() == "shut off", "{quick:?}");
    let begun = std::time::Instant::now();
    let slow = world.called("virtus", &["--timeout", "0.5", "event", "--all", "--loop"])?;
    ensure!(!slow.ok && slow.err.contains("'event' did not end within 0.5 seconds"), "{slow:?}");
    ensure!(begun.elapsed() < std::time::Duration::from_secs(30), "it took {:?}", begun.elapsed());
    // each command has that time, not all of them together
    let both = world.called("virtus", &["--timeout", "30", "domstate alpha; domid alpha"])?;
    ensure!(both.ok, "{both:?}");
    // a daemon that does not answer
    let daemon = i32::try_from(world.daemon_pid()?).ok().and_then(rustix::process::Pid::from_raw);
    let daemon = daemon.ok_or("the daemon has no number")?;
    world.freeze(daemon, true)?;
    let hung = world.called("virtus", &["--timeout", "0.5", "domstate", "alpha"]);
    world.freeze(daemon, false)?;
    let hung = hung?;
    ensure!(!hung.ok && hung.err.contains("did not end within 0.5 seconds"), "{hung:?}");
    let wrong = world.called("virtus", &["--timeout", "x", "domstate", "alpha"])?;
    ensure!(!wrong.ok && wrong.err.contains("--timeout takes a number of seconds"), "{wrong:?}");
    let virsh = world.called("virsh", &["--timeout", "5", "domstate", "alpha"])?;
    ensure!(!virsh.ok && virsh.err.contains("unsupported option"), "virsh has no such option: {virsh:?}");
    Ok(())
}

pub(crate) fn the_daemon_is_administrated(world: &mut World) -> Outcome {
    let ours = world.called("virt-admin", &["server-list"])?;
    ensure!(ours.ok && ours.out.contains("libvirtd"), "servers: {ours:?}");
    let ours = world.called("virtus", &["admin", "client-list", "libvirtd", "--output", "json"])?;
    ensure!(ours.ok && ours.out.starts_with('['), "clients: {ours:?}");
    Ok(())
}
