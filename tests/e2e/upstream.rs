//! The project's clients with upstream's daemon: what they are for where `virtusd` is not, and what it cannot yet do.

use virtus_tests::{Library, Outcome, Upstream, World, ensure, wait_for};

const DISK: &str = "vda";

/// A running guest with a disk.
fn guest(world: &World, daemon: &Upstream) -> Outcome {
    let image = path(world, "disk.qcow2");
    virtus_tests::machine::run(&format!("qemu-img create -q -f qcow2 {image} 16M"))?;
    let disk = format!(
        "<disk type='file'><driver name='qemu' type='qcow2'/><source file='{image}'/>\
         <target dev='{DISK}' bus='virtio'/></disk>"
    );
    let file = world.file("alpha.xml", &world.guest_xml("alpha", &disk))?;
    daemon.virsh(world, &["define", &file])?;
    daemon.virsh(world, &["start", "alpha"]).map(drop)
}

fn path(world: &World, name: &str) -> String {
    world.home().join(name).to_string_lossy().into_owned()
}

/// Where the guest's disk is.
fn source(world: &World, daemon: &Upstream) -> Outcome<String> {
    let list = daemon.virsh(world, &["domblklist", "alpha"])?;
    let line = list.lines().find(|line| line.trim_start().starts_with(DISK)).unwrap_or_default();
    Ok(line.split_whitespace().nth(1).unwrap_or_default().to_owned())
}

fn state(world: &World, daemon: &Upstream) -> Outcome<String> {
    Ok(daemon.virsh(world, &["domstate", "alpha"])?.trim().to_owned())
}

pub(crate) fn a_guest_is_saved_dumped_and_brought_back(world: &mut World) -> Outcome {
    let daemon = Upstream::start(world, "one")?;
    guest(world, &daemon)?;
    let (saved, dumped) = (path(world, "saved"), path(world, "dumped"));
    daemon.virsh(world, &["save", "alpha", &saved])?;
    ensure!(state(world, &daemon)? == "shut off", "a saved guest does not run");
    let kept = daemon.virsh(world, &["save-image-dumpxml", &saved])?;
    ensure!(kept.starts_with("<domain type='qemu'>"), "the image has the definition: {kept}");
    daemon.virsh(world, &["restore", &saved])?;
    ensure!(state(world, &daemon)? == "running", "a restored guest runs");
    let again = daemon.try_virsh(world, &["restore", &saved])?;
    ensure!(!again.ok && again.err.contains("already"), "it cannot run twice: {again:?}");

    daemon.virsh(world, &["dump", "alpha", &dumped, "--memory-only", "--live"])?;
    ensure!(std::fs::metadata(&dumped)?.len() > 64 << 20, "the dump has the guest's memory");

    daemon.virsh(world, &["managedsave", "alpha"])?;
    let info = daemon.virsh(world, &["dominfo", "alpha"])?;
    ensure!(info.contains("Managed save:   yes"), "dominfo: {info}");
    daemon.virsh(world, &["start", "alpha"])?;
    let info = daemon.virsh(world, &["dominfo", "alpha"])?;
    ensure!(info.contains("Managed save:   no"), "dominfo: {info}");
    daemon.virsh(world, &["destroy", "alpha"]).map(drop)
}

pub(crate) fn a_disk_changes_under_a_running_guest(world: &mut World) -> Outcome {
    let daemon = Upstream::start(world, "one")?;
    guest(world, &daemon)?;
    let (below, above, copy) =
        (path(world, "disk.qcow2"), path(world, "above.qcow2"), path(world, "copy.qcow2"));
    let spec = format!("{DISK},snapshot=external,file={above}");
    let shot = ["snapshot-create-as", "alpha", "s", "--disk-only", "--no-metadata", "--diskspec", &spec];
    daemon.virsh(world, &shot)?;
    ensure!(source(world, &daemon)? == above, "the guest writes above the snapshot");
    daemon.virsh(world, &["blockcommit", "alpha", DISK, "--active", "--pivot", "--wait"])?;
    ensure!(source(world, &daemon)? == below, "what was above is in the image below");

    daemon.virsh(world, &["blockcopy", "alpha", DISK, &copy, "--wait", "--transient-job"])?;
    let job = daemon.try_virsh(world, &["blockjob", "alpha", DISK])?;
    ensure!(job.ok && job.err.contains("Block Copy: [100.00 %]"), "blockjob: {job:?}");
    daemon.virsh(world, &["blockjob", "alpha", DISK, "--pivot"])?;
    ensure!(source(world, &daemon)? == copy, "the guest is on the copy");

    daemon.virsh(world, &["blockresize", "alpha", DISK, "32M"])?;
    daemon.virsh(world, &["checkpoint-create-as", "alpha", "c"])?;
    daemon.virsh(world, &["backup-begin", "alpha"])?;
    wait_for("the backup to end", 60, || {
        Ok(daemon.virsh(world, &["domjobinfo", "alpha", "--completed"])?.contains("Operation:        Backup"))
    })?;
    let points = daemon.virsh(world, &["checkpoint-list", "alpha", "--name"])?;
    ensure!(points.trim() == "c", "checkpoints: {points}");
    daemon.virsh(world, &["destroy", "alpha"]).map(drop)
}

/// Moves the guest forth and back by every client: the command line, the module of Python, the C library.
pub(crate) fn a_guest_moves_from_host_to_host(world: &mut World) -> Outcome {
    let (one, two) = (Upstream::start(world, "one")?, Upstream::start(world, "two")?);
    let file = world.file("alpha.xml", &world.guest_xml("alpha", ""))?;
    one.virsh(world, &["define", &file])?;
    let offline = ["migrate", "alpha", &two.uri(), "--offline", "--persistent"];
    one.virsh(world, &offline)?;
    ensure!(state(world, &one)? == "shut off" && state(world, &two)? == "shut off", "both know it");
    two.virsh(world, &["undefine", "alpha"])?;

    one.virsh(world, &["start", "alpha"])?;
    let live =
        ["migrate", "alpha", &two.uri(), "--live", "--verbose", "--migrateuri", "tcp://127.0.0.1:49160"];
    let said = one.try_virsh(world, &live)?;
    ensure!(said.ok && said.err.contains("Migration: [100.00 %]"), "migrate: {said:?}");
    ensure!(state(world, &one)? == "shut off" && state(world, &two)? == "running", "it runs there");

    let moves = |from: &Upstream, to: &Upstream, port: u16| {
        format!(
            "import libvirt\n\
             here, there = libvirt.open('{}'), libvirt.open('{}')\n\
             flags = libvirt.VIR_MIGRATE_LIVE\n\
             params = {{libvirt.VIR_MIGRATE_PARAM_URI: 'tcp://127.0.0.1:{port}'}}\n\
             moved = here.lookupByName('alpha').migrate3(there, params, flags)\n\
             assert moved.isActive() and there.lookupByName('alpha').isActive()\n",
            from.uri(),
            to.uri()
        )
    };
    world.own_python(&moves(&two, &one, 49170))?;
    ensure!(state(world, &one)? == "running", "it is back");
    let binding = moves(&one, &two, 49180);
    Library::find()?.run(&["/usr/bin/python3", "-c", &binding])?;
    ensure!(state(world, &two)? == "running", "and there again");

    let refused = two.try_virsh(world, &["migrate", "alpha", &two.uri(), "--live"])?;
    ensure!(!refused.ok && refused.err.contains("to the same host"), "no way to where it is: {refused:?}");
    ensure!(state(world, &two)? == "running", "and nothing happened to it");
    two.virsh(world, &["migrate", "alpha", &one.uri(), "--live", "--p2p", "--tunnelled"])?;
    ensure!(state(world, &one)? == "running", "the daemons do it among themselves");
    one.virsh(world, &["destroy", "alpha"]).map(drop)
}
