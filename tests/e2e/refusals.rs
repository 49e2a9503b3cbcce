//! Wrong commands get libvirt's own answers: programs match on them.

use virtus_tests::{Outcome, World, ensure};

const UUID: &str = "8f7a3c1e-5d2b-4e6f-9a10-0c0ffee00011";

fn definition(name: &str, last: &str, devices: &str) -> String {
    format!(
        "<domain type='qemu'><name>{name}</name><uuid>8f7a3c1e-5d2b-4e6f-9a10-0c0ffee000{last}</uuid>\
         <memory>65536</memory><os><type>hvm</type></os><devices>{devices}</devices></domain>"
    )
}

pub(crate) fn wrong_commands_get_libvirts_answers(world: &mut World) -> Outcome {
    let file = |name: &str, text: String| world.file(name, &text);
    let alpha = file("alpha.xml", definition("alpha", "11", ""))?;
    let other_name = file("other-name.xml", definition("beta", "11", ""))?;
    let other_uuid = file("other-uuid.xml", definition("alpha", "12", ""))?;
    let bus = "<disk type='file' device='disk'><source file='/x'/><target dev='vda' bus='bogus'/></disk>";
    let bad_bus = file("bus.xml", definition("delta", "13", bus))?;
    let disk = "<disk type='file' device='disk'><driver name='qemu' type='raw'/>\
                <source file='/nowhere/disk.img'/><target dev='vda'/></disk>";
    let no_image = file("image.xml", definition("gamma", "14", disk))?;
    let no_name = file(
        "name.xml",
        "<domain type='qemu'><memory>1024</memory><os><type>hvm</type></os></domain>".into(),
    )?;
    let cut = file("cut.xml", "<domain type='qemu'>\n<name>x</name>\n<memory>5".into())?;
    world.virsh(&["define", &alpha])?;
    world.virsh(&["define", &no_image])?;

    let not_running = "error: Requested operation is not valid: domain is not running";
    let exists = format!("error: operation failed: domain 'alpha' already exists with uuid {UUID}");
    let defined = format!("error: operation failed: domain 'alpha' is already defined with uuid {UUID}");
    let cases: &[(&[&str], &str)] = &[
        (&["define", &other_name], &defined),
        (&["define", &other_uuid], &exists),
        (
            &["define", &bad_bus],
            "error: XML error: Invalid value for attribute 'bus' in element 'target': 'bogus'.",
        ),
        (&["define", &no_name], "error: missing name information"),
        (
            &["define", &cut],
            "error: at line 3: Premature end of data in tag memory line 3\n<memory>5\n---------^",
        ),
        (&["start", "nobody"], "error: failed to get domain 'nobody'"),
        (&["start", "gamma"], "error: Cannot access storage file '/nowhere/disk.img'"),
        (&["shutdown", "alpha"], not_running),
        (&["destroy", "alpha"], not_running),
        (&["suspend", "alpha"], not_running),
        (&["resume", "alpha"], not_running),
        (&["reboot", "alpha"], not_running),
        (&["reset", "alpha"], not_running),
        (&["screenshot", "alpha"], not_running),
        (
            &["domrename", "alpha", "gamma"],
            "error: Requested operation is not valid: domain with name 'gamma' already exists",
        ),
    ];
    for (command, text) in cases {
        let answer = world.try_virsh(command)?;
        ensure!(!answer.ok && answer.err.contains(text), "{command:?} answered {answer:?} instead of {text}");
    }
    world.virsh(&["start", "alpha"])?;
    let again = world.try_virsh(&["start", "alpha"])?;
    ensure!(again.err.contains("error: Domain is already active"), "started twice: {again:?}");
    Ok(())
}

pub(crate) fn a_read_only_connection_changes_nothing(world: &mut World) -> Outcome {
    let file = world.file("alpha.xml", &definition("alpha", "11", ""))?;
    world.virsh(&["define", &file])?;
    let before = world.virsh(&["dumpxml", "alpha"])?;
    for (command, function) in [
        (&["start", "alpha"][..], "virDomainCreate"),
        (&["undefine", "alpha"], "virDomainUndefineFlags"),
        (&["define", &file], "virDomainDefineXML"),
        (&["autostart", "alpha"], "virDomainSetAutostart"),
        (&["qemu-monitor-command", "alpha", "{}"], "virDomainQemuMonitorCommand"),
        (&["qemu-agent-command", "alpha", "{}"], "virDomainQemuAgentCommand"),
    ] {
        let answer = world.try_virsh(&[&["-r"][..], command].concat())?;
        let text = format!("error: operation forbidden: read only access prevents {function}");
        ensure!(!answer.ok && answer.err.contains(&text), "{command:?} answered {answer:?}");
    }
    for command in
        [&["list", "--all"][..], &["dumpxml", "alpha"], &["dominfo", "alpha"], &["domstats"], &["nodeinfo"]]
    {
        world.virsh(&[&["-r"][..], command].concat())?;
    }
    ensure!(world.virsh(&["dumpxml", "alpha"])? == before, "something changed");
    Ok(())
}

pub(crate) fn a_start_that_cannot_be_says_why_and_leaves_nothing(world: &mut World) -> Outcome {
    let garbage = world.file("garbage.img", "this is no image")?;
    let gone = "No such file or directory";
    let disk = |path: &str, format: &str| {
        format!(
            "<disk type='file' device='disk'><driver name='qemu' type='{format}'/><source file='{path}'/>\
             <target dev='vda' bus='virtio'/></disk>"
        )
    };
    let card = |kind: &str, inner: &str| {
        format!("<interface type='{kind}'>{inner}<model type='virtio'/></interface>")
    };
    let cases = [
        (disk("/nowhere/disk.img", "raw"), format!("Cannot access storage file '/nowhere/disk.img': {gone}")),
        (disk(&garbage, "qcow2"), "Image is not in qcow2 format".to_owned()),
        (
            card("bridge", "<source bridge='nobr0'/>"),
            "Cannot get interface MTU on 'nobr0': No such device".to_owned(),
        ),
        (
            card("direct", "<source dev='nodev0' mode='bridge'/>"),
            "Unable to get index for interface nodev0: No such device".to_owned(),
        ),
        (
            card("direct", "<source dev='nodev0' mode='passthrough'/>"),
            "Cannot get interface MAC on 'nodev0': No such device".to_owned(),
        ),
        (
            card("ethernet", "<target dev='nosuch0' managed='no'/>"),
            "target managed='no' but specified dev doesn't exist".to_owned(),
        ),
        (
            card("ethernet", "<target dev='averyveryverylongname0'/>"),
            "Network interface name 'averyveryverylongname0' is too long".to_owned(),
        ),
        (
            card("ethernet", "<backend tap='/dev/nosuch'/>"),
            format!("Unable to open /dev/nosuch, is tun module loaded?: {gone}"),
        ),
        (
            "<serial type='unix'><source mode='connect' path='/nowhere/socket'/></serial>".to_owned(),
            format!("unable to stat: /nowhere/socket: {gone}"),
        ),
        (
            "<serial type='dev'><source path='/dev/nosuch'/></serial>".to_owned(),
            format!("Path '/dev/nosuch' is not accessible: {gone}"),
        ),
        (
            "<rng model='virtio'><backend model='random'>/dev/nosuch</backend></rng>".to_owned(),
            format!("Path '/dev/nosuch' is not accessible: {gone}"),
        ),
        (
            "<input type='evdev'><source dev='/dev/input/nosuch'/></input>".to_owned(),
            format!("Path '/dev/input/nosuch' is not accessible: {gone}"),
        ),
        (
            "<serial type='file'><source path='/nowhere/log'/></serial>".to_owned(),
            format!("Unable to open file: /nowhere/log: {gone}"),
        ),
    ];
    for (devices, text) in cases {
        let file = world.file("refused.xml", &definition("refused", "11", &devices))?;
        world.virsh(&["define", &file])?;
        let answer = world.try_virsh(&["start", "refused"])?;
        ensure!(!answer.ok && answer.err.contains(&text), "{devices} answered {answer:?} instead of {text}");
        ensure!(world.state("refused")? == "shut off", "{devices}: it is {}", world.state("refused")?);
        world.virsh(&["undefine", "refused"])?;
        let left = world.leftovers()?;
        ensure!(left.is_empty(), "{devices} left behind: {left:?}");
    }
    Ok(())
}
