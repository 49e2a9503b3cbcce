//! CPUs: what guests can have is what they get, and the same is told of them as long as they run.

use virtus_tests::{Outcome, World, ensure};

fn domain(world: &World, name: &str, cpu: &str) -> Outcome<String> {
    let text = format!(
        "<domain type='qemu'><name>{name}</name><memory>65536</memory>\
         <os><type arch='x86_64' machine='q35'>hvm</type></os>{cpu}</domain>"
    );
    world.file(&format!("{name}.xml"), &text)
}

pub(crate) fn a_guest_has_the_cpu_that_is_told_of_it(world: &mut World) -> Outcome {
    let offered = world.virsh(&["domcapabilities", "--virttype", "qemu", "--arch", "x86_64"])?;
    let (_, offered) =
        offered.split_once("<mode name='host-model' supported='yes'>").ok_or("no host-model")?;
    let offered: Vec<&str> =
        offered.lines().take_while(|line| !line.contains("</mode>")).map(str::trim).collect();

    let alpha = domain(world, "alpha", "<cpu mode='host-model'/>")?;
    world.virsh(&["define", &alpha])?;
    world.virsh(&["start", "alpha", "--paused"])?;
    let live = world.virsh(&["dumpxml", "alpha"])?;
    ensure!(live.contains("<cpu mode='custom' match='exact' check='full'>"), "it has become a model: {live}");
    for line in offered.iter().filter(|line| line.starts_with("<feature") || line.starts_with("<model")) {
        ensure!(live.contains(line), "{line} was offered: {live}");
    }
    let migratable = world.virsh(&["dumpxml", "alpha", "--migratable"])?;
    ensure!(migratable.contains("<cpu mode='host-model'"), "another host finds its own: {migratable}");

    world.kill_daemon()?;
    world.start_daemon()?;
    ensure!(world.virsh(&["dumpxml", "alpha"])? == live, "the next daemon tells the same");
    ensure!(world.virsh(&["dumpxml", "alpha", "--migratable"])? == migratable, "of migration too");
    world.virsh(&["destroy", "alpha"])?;
    let left = world.leftovers()?;
    ensure!(left.is_empty(), "left behind: {left:?}");
    Ok(())
}

pub(crate) fn a_cpu_that_cannot_be_had_is_refused(world: &mut World) -> Outcome {
    let cases = [
        (
            "<cpu check='none'><model>Quantum</model></cpu>",
            "error: internal error: Unknown CPU model Quantum",
        ),
        (
            "<cpu check='none'><model>qemu64</model><feature policy='require' name='warp'/></cpu>",
            "error: unsupported configuration: unknown CPU feature: warp",
        ),
        (
            "<cpu mode='host-passthrough'/>",
            "CPU mode 'host-passthrough' for x86_64 qemu domain on x86_64 host is not supported by hypervisor",
        ),
        // the guest has more than that, and learns it only when it is there
        (
            "<cpu check='full'><model>qemu64</model></cpu>",
            "error: operation failed: guest CPU doesn't match specification: extra features: hypervisor,lahf_lm",
        ),
    ];
    for (cpu, want) in cases {
        let file = domain(world, "alpha", cpu)?;
        world.virsh(&["define", &file])?;
        let answer = world.try_virsh(&["start", "alpha"])?;
        ensure!(!answer.ok && answer.err.contains(want), "{cpu}: {}", answer.err);
        ensure!(world.qemus()? == 0, "nothing runs");
        world.virsh(&["undefine", "alpha"])?;
    }
    let left = world.leftovers()?;
    ensure!(left.is_empty(), "left behind: {left:?}");
    Ok(())
}
