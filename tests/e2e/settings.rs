//! The driver's own file of settings, and the /dev that guests see.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;

use virtus_tests::{Outcome, World, ensure};

const PAUSED: &str = "<domain type='qemu'><name>alpha</name><memory unit='MiB'>64</memory>\
    <os><type arch='x86_64' machine='q35'>hvm</type></os><devices><memballoon model='none'/>";

fn paused(world: &World, devices: &str) -> Outcome<u32> {
    let file = world.file("alpha.xml", &format!("{PAUSED}{devices}</devices></domain>"))?;
    world.virsh(&["create", "--paused", &file])?;
    Ok(fs::read_to_string("/run/libvirt/qemu/alpha.pid")?.trim().parse()?)
}

fn nodes(pid: u32) -> Outcome<BTreeSet<String>> {
    let entries = fs::read_dir(format!("/proc/{pid}/root/dev"))?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

pub(crate) fn the_driver_does_what_its_file_says(world: &mut World) -> Outcome {
    world.kill_daemon()?;
    fs::write(
        "/etc/libvirt/qemu.conf",
        "# a comment\nvnc_listen = \"0.0.0.0\"\nvnc_password = \"secret\"\nremote_display_port_min = 5990\n\
         set_process_name = 1\nmax_files = 3333\nseccomp_sandbox = 0\nnamespaces = [ ]\n",
    )?;
    world.start_daemon()?;
    let pid = paused(world, "<graphics type='vnc'/>")?;
    let line = fs::read_to_string(format!("/proc/{pid}/cmdline"))?.replace('\0', " ");
    for part in ["guest=alpha,process=qemu:alpha", "-vnc 0.0.0.0:90,password=on", "-sandbox off"] {
        ensure!(line.contains(part), "the command line lacks {part}: {line}");
    }
    let limits = fs::read_to_string(format!("/proc/{pid}/limits"))?;
    ensure!(limits.lines().any(|l| l.starts_with("Max open files") && l.contains("3334")), "{limits}");
    let same = |path: &str| Ok::<_, std::io::Error>(fs::metadata(path)?.ino());
    ensure!(same(&format!("/proc/{pid}/ns/mnt"))? == same("/proc/self/ns/mnt")?, "it has mounts of its own");
    world.virsh(&["destroy", "alpha"])?;

    // a file that is wrong is told with its place, and nothing starts
    world.kill_daemon()?;
    for (text, told) in [
        ("vnc_tls = 3\n", "/etc/libvirt/qemu.conf: value for 'vnc_tls' parameter must be 0 or 1"),
        ("\nvnc_listen 1\n", "/etc/libvirt/qemu.conf:2: expecting an assignment"),
        ("user = \"nobody-at-all\"\n", "Failed to parse user 'nobody-at-all'"),
    ] {
        fs::write("/etc/libvirt/qemu.conf", text)?;
        let Err(e) = world.start_daemon() else { return Err(format!("the daemon took {text:?}").into()) };
        ensure!(e.to_string().contains(told), "{text:?}: {e}");
    }
    Ok(())
}

pub(crate) fn a_guest_sees_only_its_own_devices(world: &mut World) -> Outcome {
    let rng = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>";
    let serial = "<serial type='dev'><source path='/dev/tty12'/></serial>";
    let pid = paused(world, &format!("{rng}{serial}"))?;
    let usual =
        ["full", "kvm", "null", "ptmx", "pts", "random", "shm", "tty12", "urandom", "userfaultfd", "zero"];
    let seen = nodes(pid)?;
    ensure!(seen.iter().all(|node| usual.contains(&node.as_str())), "it sees {seen:?}");
    ensure!(seen.contains("tty12") && seen.contains("null"), "it sees {seen:?}");
    // the node is its user's, the host's stays as it was
    let user = fs::metadata(format!("/proc/{pid}"))?.uid();
    ensure!(fs::metadata(format!("/proc/{pid}/root/dev/tty12"))?.uid() == user, "tty12 is somebody else's");
    ensure!(fs::metadata("/dev/tty12")?.uid() == 0, "the host's tty12 has another owner");

    // one that comes later gets its node, also from another daemon
    world.kill_daemon()?;
    world.start_daemon()?;
    let late = "<serial type='dev'><source path='/dev/tty13'/><target type='usb-serial'/></serial>";
    let file =
        world.file("late.xml", "<rng model='virtio'><backend model='random'>/dev/tty14</backend></rng>")?;
    let plugged = world.try_virsh(&["attach-device", "alpha", &file])?;
    ensure!(plugged.ok, "{plugged:?}");
    ensure!(nodes(pid)?.contains("tty14"), "it does not see what was plugged in: {:?}", nodes(pid)?);
    let file = world.file("serial.xml", late)?;
    if world.try_virsh(&["attach-device", "alpha", &file])?.ok {
        ensure!(nodes(pid)?.contains("tty13"), "it does not see what was plugged in: {:?}", nodes(pid)?);
    }
    world.virsh(&["destroy", "alpha"]).map(drop)
}
