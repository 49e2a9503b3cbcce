//! A guest gets more and less of its host while it runs, and goes back to where it was.

use virtus_tests::{Outcome, World, ensure, wait_for};

/// An image of the guest's own that holds snapshots, and the guest with it.
fn start(world: &mut World, extra: &str) -> Outcome<String> {
    let image = world.file("data.qcow2", "")?;
    let made = std::process::Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2", &image, "8M"])
        .status()?;
    ensure!(made.success(), "qemu-img makes an image");
    let disk = format!(
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{image}'/>\
         <target dev='vda' bus='virtio'/></disk>"
    );
    let xml = world.guest_xml("alpha", &disk).replace("<vcpu>1</vcpu>", extra);
    let file = world.file("alpha.xml", &xml)?;
    world.virsh(&["define", &file])?;
    world.virsh(&["start", "alpha"])?;
    Ok(image)
}

fn has(world: &World, args: &[&str], part: &str) -> Outcome {
    let text = world.virsh(args)?;
    ensure!(text.contains(part), "virsh {} lacks {part}: {text}", args.join(" "));
    Ok(())
}

pub(crate) fn a_guest_is_tuned_while_it_runs(world: &mut World) -> Outcome {
    start(world, "<vcpu current='1'>2</vcpu><iothreads>1</iothreads>")?;
    let mut console = world.login("alpha")?;

    // memory: the guest gives it up, and takes it again
    world.virsh(&["setmem", "alpha", "100M", "--live"])?;
    wait_for("the guest to give up memory", 60, || {
        Ok(world.virsh(&["dommemstat", "alpha"])?.contains("actual 102400"))
    })?;
    let refused = world.try_virsh(&["setmem", "alpha", "1G", "--live"])?;
    ensure!(refused.err.contains("cannot set memory higher than max memory"), "{refused:?}");
    world.virsh(&["setmem", "alpha", "120M", "--config"])?;
    has(world, &["dumpxml", "alpha", "--inactive"], "<currentMemory unit='KiB'>122880</currentMemory>")?;

    // a processor joins
    world.virsh(&["setvcpus", "alpha", "2", "--live"])?;
    has(world, &["vcpucount", "alpha", "--current", "--live"], "2")?;
    has(world, &["vcpucount", "alpha", "--current", "--config"], "1")?;
    console
        .send("until [ -e /sys/devices/system/cpu/cpu1 ]; do sleep 0.1; done; echo is-$((40+2))-there\n")?;
    console.expect("is-42-there", 60)?;
    world.virsh(&["vcpupin", "alpha", "1", "0", "--live"])?;
    let refused = world.try_virsh(&["setvcpus", "alpha", "3", "--live"])?;
    ensure!(
        refused.err.contains("greater than max allowable vcpus for the live domain: 3 > 2"),
        "{refused:?}"
    );

    // an I/O thread comes and goes
    world.virsh(&["iothreadadd", "alpha", "4", "--live"])?;
    has(world, &["iothreadinfo", "alpha"], "4 ")?;
    world.virsh(&["iothreadset", "alpha", "4", "--poll-max-ns", "1000", "--live"])?;
    has(world, &["domstats", "alpha", "--iothread"], "iothread.4.poll-max-ns=1000")?;
    world.virsh(&["iothreaddel", "alpha", "4", "--live"])?;

    // a disk gets a limit, which QEMU keeps
    world.virsh(&["blkdeviotune", "alpha", "vda", "--total-iops-sec", "50", "--live", "--config"])?;
    has(world, &["blkdeviotune", "alpha", "vda", "--live"], "total_iops_sec : 50")?;
    has(world, &["qemu-monitor-command", "alpha", "{\"execute\":\"query-block\"}"], "\"iops\":50")?;
    world.virsh(&["blockresize", "alpha", "vda", "16M"])?;
    has(world, &["domblkinfo", "alpha", "vda"], "16777216")?;

    // CPU time, where the host can share it out
    let shares = world.try_virsh(&["schedinfo", "alpha", "--live", "--set", "cpu_shares=512"])?;
    match shares.ok {
        true => has(world, &["schedinfo", "alpha", "--live"], "cpu_shares     : 512")?,
        false => {
            let expected = "cgroup CPU controller is not mounted";
            ensure!(shares.err.contains(expected), "{shares:?}");
        }
    }

    // another daemon finds it all
    let before = world.virsh(&["dumpxml", "alpha"])?;
    world.kill_daemon()?;
    world.start_daemon()?;
    let after = world.virsh(&["dumpxml", "alpha"])?;
    ensure!(after == before, "the definition changed with the daemon: {before}\nnow: {after}");
    world.virsh(&["destroy", "alpha"])?;
    world.virsh(&["start", "alpha"])?;
    has(world, &["blkdeviotune", "alpha", "vda", "--live"], "total_iops_sec : 50")?;
    world.virsh(&["destroy", "alpha"])?;
    world.virsh(&["undefine", "alpha"])?;
    let left = world.leftovers()?;
    ensure!(left.is_empty(), "left behind: {left:?}");
    Ok(())
}

pub(crate) fn a_guest_goes_back_to_a_snapshot(world: &mut World) -> Outcome {
    let image = start(world, "<vcpu>1</vcpu>")?;
    let mut console = world.login("alpha")?;
    console.send("echo before-$((40+2)) >/tmp/mark; cat /tmp/mark\n")?;
    console.expect("before-42", 30)?;
    world.virsh(&["snapshot-create-as", "alpha", "warm"])?;
    has(world, &["snapshot-list", "alpha"], "running")?;
    console.send("echo after-$((40+2)) >/tmp/mark; cat /tmp/mark\n")?;
    console.expect("after-42", 30)?;
    drop(console);
    world.virsh(&["snapshot-revert", "alpha", "warm"])?;
    let mut console = world.background(&["console", "alpha", "--force"])?;
    console.expect("Connected to domain", 20)?;
    // what is typed before the console has the terminal is lost
    let shown =
        (0..12).any(|_| console.send("cat /tmp/mark\n").is_ok() && console.expect("before-42", 5).is_ok());
    ensure!(shown, "the guest is where it was");
    drop(console);

    // one of a guest that is off builds on it, and another daemon knows both
    world.virsh(&["destroy", "alpha"])?;
    world.virsh(&["snapshot-create-as", "alpha", "cold"])?;
    world.kill_daemon()?;
    world.start_daemon()?;
    has(world, &["snapshot-current", "alpha", "--name"], "cold")?;
    has(world, &["snapshot-parent", "alpha", "cold"], "warm")?;
    let refused = world.try_virsh(&["undefine", "alpha"])?;
    ensure!(refused.err.contains("cannot delete inactive domain with 2 snapshots"), "{refused:?}");
    world.virsh(&["snapshot-delete", "alpha", "warm", "--children"])?;
    let kept = std::process::Command::new("qemu-img").args(["snapshot", "-l", &image]).output()?;
    ensure!(kept.stdout.is_empty(), "the image keeps nothing: {}", String::from_utf8_lossy(&kept.stdout));

    // what is written from now on goes into another file, until that is given up
    world.virsh(&["snapshot-create-as", "alpha", "layer", "--disk-only"])?;
    has(world, &["domblklist", "alpha"], "data.layer")?;
    world.virsh(&["snapshot-delete", "alpha", "layer"])?;
    has(world, &["domblklist", "alpha"], "data.qcow2")?;
    world.virsh(&["undefine", "alpha"])?;
    let left = world.leftovers()?;
    ensure!(left.is_empty(), "left behind: {left:?}");
    Ok(())
}

/// The policies of a guest's threads, as `NAME NUMBER` of the kernel.
fn policies(world: &World, name: &str) -> Outcome<Vec<String>> {
    let mut all = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{}/task", world.qemu(name)?.as_raw_nonzero()))? {
        let task = task?.path();
        let stat = std::fs::read_to_string(task.join("stat"))?;
        let policy = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(38)).unwrap_or("none");
        all.push(format!("{} {policy}", std::fs::read_to_string(task.join("comm"))?.trim()));
    }
    Ok(all)
}

pub(crate) fn threads_are_scheduled_and_counted_as_defined(world: &mut World) -> Outcome {
    const BATCH: u32 = 3;
    const IDLE: u32 = 5;
    let xml = "<domain type='qemu'><name>alpha</name><memory>65536</memory><vcpu current='1'>2</vcpu>\
               <iothreads>1</iothreads><cputune><vcpusched vcpus='0-1' scheduler='idle'/>\
               <iothreadsched iothreads='1' scheduler='batch'/><emulatorsched scheduler='batch'/></cputune>\
               <os><type>hvm</type></os><perf><event name='task_clock' enabled='yes'/></perf></domain>";
    let file = world.file("alpha.xml", xml)?;
    world.virsh(&["define", &file])?;
    let started = world.try_virsh(&["start", "alpha", "--paused"])?;
    if !started.ok && started.err.contains("unable to open host cpu perf event for task_clock") {
        // where nobody may count, it is refused, and nothing is left of it
        let plain = world.file("plain.xml", &xml.replace("enabled='yes'", "enabled='no'"))?;
        world.virsh(&["define", &plain])?;
        world.virsh(&["start", "alpha", "--paused"])?;
    } else {
        ensure!(started.ok, "{started:?}");
        let counted = |world: &World| world.virsh(&["domstats", "alpha", "--perf"]);
        ensure!(counted(world)?.contains("perf.task_clock="), "{}", counted(world)?);
        world.virsh(&["perf", "alpha", "--enable", "page_faults", "--live"])?;
        ensure!(counted(world)?.contains("perf.page_faults="), "{}", counted(world)?);
        // the caches' counters have left the kernel long ago
        let refused = world.try_virsh(&["perf", "alpha", "--enable", "cmt", "--live"])?;
        ensure!(refused.err.contains("unable to enable host cpu perf event for cmt"), "{refused:?}");
        world.kill_daemon()?;
        world.start_daemon()?;
        ensure!(counted(world)?.contains("perf.page_faults="), "the next daemon counts: {}", counted(world)?);
        world.virsh(&["perf", "alpha", "--disable", "page_faults,task_clock", "--live"])?;
        ensure!(!counted(world)?.contains("perf."), "{}", counted(world)?);
    }
    world.virsh(&["setvcpus", "alpha", "2", "--live"])?;
    let now = policies(world, "alpha")?;
    for (thread, policy) in
        [("CPU 0/TCG", IDLE), ("CPU 1/TCG", IDLE), ("IO iothread1", BATCH), ("qemu-system-x86", BATCH)]
    {
        ensure!(now.contains(&format!("{thread} {policy}")), "{thread} has not the policy {policy}: {now:?}");
    }
    world.virsh(&["destroy", "alpha"])?;
    world.virsh(&["undefine", "alpha"])?;

    // a priority that no host has
    let file = world.file("bad.xml", &xml.replace("scheduler='idle'", "scheduler='fifo' priority='200'"))?;
    world.virsh(&["define", &file])?;
    let refused = world.try_virsh(&["start", "alpha"])?;
    ensure!(
        refused.err.contains("unsupported configuration: Scheduler priority 200 out of range [1, 99]")
            || refused.err.contains("perf event"),
        "{refused:?}"
    );
    world.virsh(&["undefine", "alpha"])?;
    let left = world.leftovers()?;
    ensure!(left.is_empty(), "left behind: {left:?}");
    Ok(())
}
