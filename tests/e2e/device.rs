//! Devices that come and go while the guest runs.

use virtus_tests::{Console, Outcome, World, ensure, wait_for};

/// Places to plug something in, and what the stories need.
const ROOM: &str = "<controller type='pci' model='pcie-root'/><controller type='pci' model='pcie-root-port'/><controller type='pci' model='pcie-root-port'/>\
    <controller type='pci' model='pcie-root-port'/><controller type='pci' model='pcie-root-port'/>\
    <controller type='pci' model='pcie-root-port'/><controller type='pci' model='pcie-root-port'/>\
    <controller type='scsi' model='virtio-scsi'/>\
    <disk type='file' device='cdrom'><target dev='sda' bus='scsi'/><readonly/></disk>";

fn start(world: &mut World) -> Outcome {
    let file = world.file("alpha.xml", &world.guest_xml("alpha", ROOM))?;
    world.virsh(&["define", &file])?;
    world.virsh(&["start", "alpha"]).map(drop)
}

/// An image of so many bytes.
fn image(world: &World, name: &str, size: usize) -> Outcome<String> {
    world.file(name, &"\0".repeat(size))
}

/// Waits until a path is there in the guest, or is not.
fn until(console: &mut Console, path: &str, there: bool) -> Outcome {
    let (test, word) = if there { ("-e", "there") } else { ("! -e", "gone") };
    // what is waited for must not stand in the command that the console shows
    console.send(&format!("until [ {test} {path} ]; do sleep 0.1; done; echo is-$((40+2))-{word}\n"))?;
    console.expect(&format!("is-42-{word}"), 60)
}

fn live(world: &World) -> Outcome<String> {
    world.virsh(&["dumpxml", "alpha"])
}

pub(crate) fn devices_join_and_leave_a_running_guest(world: &mut World) -> Outcome {
    start(world)?;
    let disk = image(world, "disk.img", 1 << 20)?;
    let mut console = world.login("alpha")?;
    world.virsh(&["attach-disk", "alpha", &disk, "vda", "--targetbus", "virtio", "--live", "--config"])?;
    until(&mut console, "/sys/block/vda", true)?;
    let card = "<interface type='user'><mac address='52:54:00:00:00:17'/><model type='virtio'/></interface>";
    let card = world.file("card.xml", card)?;
    world.virsh(&["attach-device", "alpha", &card])?;
    until(&mut console, "/sys/class/net/eth0", true)?;
    let rng = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>";
    let rng = world.file("rng.xml", rng)?;
    world.virsh(&["attach-device", "alpha", &rng])?;
    until(&mut console, "/sys/class/misc/hw_random/rng_current", true)?;
    let joined = live(world)?;
    for part in ["<alias name='virtio-disk0'/>", "<alias name='net0'/>", "<alias name='rng0'/>"] {
        ensure!(joined.contains(part), "the live definition lacks {part}: {joined}");
    }
    let kept = world.virsh(&["dumpxml", "--inactive", "alpha"])?;
    ensure!(kept.contains("dev='vda'") && !kept.contains("<rng"), "only what was asked for is kept: {kept}");

    // another daemon knows of them and can take them out again
    world.kill_daemon()?;
    world.start_daemon()?;
    let mut console = world.background(&["console", "alpha", "--force"])?;
    console.expect("Connected to domain", 20)?;
    ensure!(live(world)? == joined, "the definition changed with the daemon");
    let mut events = world.background(&["event", "--event", "device-removed", "--loop", "alpha"])?;
    wait_for("somebody to be told of events", 20, || {
        let info = world.virsh(&["dominfo", "alpha"])?;
        Ok(info.contains("running"))
    })?;
    world.virsh(&["detach-disk", "alpha", "vda", "--live", "--config"])?;
    until(&mut console, "/sys/block/vda", false)?;
    world.virsh(&["detach-device", "alpha", &card])?;
    until(&mut console, "/sys/class/net/eth0", false)?;
    world.virsh(&["detach-device-alias", "alpha", "rng0"])?;
    events.expect("event 'device-removed' for domain 'alpha': rng0", 30)?;
    let left = live(world)?;
    for part in ["virtio-disk0", "net0", "<rng"] {
        ensure!(!left.contains(part), "the live definition still has {part}: {left}");
    }
    ensure!(!world.virsh(&["dumpxml", "--inactive", "alpha"])?.contains("dev='vda'"), "not kept any more");
    world.virsh(&["destroy", "alpha"])?;
    world.virsh(&["undefine", "alpha"])?;
    let left = world.leftovers()?;
    ensure!(left.is_empty(), "left behind: {left:?}");
    Ok(())
}

pub(crate) fn a_drive_gets_other_media(world: &mut World) -> Outcome {
    start(world)?;
    let (one, two) = (image(world, "one.iso", 1 << 20)?, image(world, "two.iso", 2 << 20)?);
    world.virsh(&["change-media", "alpha", "sda", &one, "--insert"])?;
    ensure!(world.virsh(&["domblklist", "alpha"])?.contains(&one), "the first medium is in the drive");
    world.virsh(&["change-media", "alpha", "sda", &two, "--update"])?;
    ensure!(world.virsh(&["domblklist", "alpha"])?.contains(&two), "then the second");
    let drives = world.virsh(&["qemu-monitor-command", "alpha", "{\"execute\":\"query-block\"}"])?;
    ensure!(drives.contains("\"virtual-size\":2097152"), "QEMU sees the second: {drives}");
    let missing = world.try_virsh(&["change-media", "alpha", "sda", "/nowhere.iso", "--update"])?;
    ensure!(!missing.ok && missing.err.contains("Cannot access storage file '/nowhere.iso'"), "{missing:?}");
    ensure!(world.virsh(&["domblklist", "alpha"])?.contains(&two), "a failure leaves the old medium in");
    world.virsh(&["change-media", "alpha", "sda", "--eject"])?;
    ensure!(!world.virsh(&["domblklist", "alpha"])?.contains(".iso"), "the drive is empty");
    Ok(())
}

pub(crate) fn what_cannot_be_plugged_is_refused(world: &mut World) -> Outcome {
    start(world)?;
    let disk = image(world, "disk.img", 1 << 20)?;
    let before = live(world)?;
    for (xml, text) in [
        ("<sound model='ich9'/>", "Operation not supported: live attach of device 'sound' is not supported"),
        (
            "<controller type='usb' model='qemu-xhci' index='1'/>",
            "Operation not supported: 'usb' controller cannot be hot plugged.",
        ),
        (
            "<input type='mouse' bus='ps2'/>",
            "Operation not supported: input device on bus 'ps2' cannot be hot plugged.",
        ),
        (
            "<interface type='bridge'><source bridge='nowhere'/><model type='virtio'/></interface>",
            "Cannot get interface MTU on 'nowhere': No such device",
        ),
    ] {
        let file = world.file("device.xml", xml)?;
        let answer = world.try_virsh(&["attach-device", "alpha", &file])?;
        ensure!(!answer.ok && answer.err.contains(text), "{xml}: {answer:?}");
    }
    let sata = world.try_virsh(&["attach-disk", "alpha", &disk, "sdb", "--targetbus", "sata"])?;
    ensure!(sata.err.contains("Operation not supported: disk bus 'sata' cannot be hotplugged."), "{sata:?}");
    let absent = world.try_virsh(&["detach-device-alias", "alpha", "net7"])?;
    ensure!(absent.err.contains("internal error: no device found with alias net7"), "{absent:?}");
    ensure!(live(world)? == before, "refusals change nothing");
    world.virsh(&["destroy", "alpha"])?;
    let off = world.try_virsh(&["attach-disk", "alpha", &disk, "vda", "--live"])?;
    ensure!(off.err.contains("Requested operation is not valid: domain is not running"), "{off:?}");
    Ok(())
}
