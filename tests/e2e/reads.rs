//! Reads never wait.

use std::time::{Duration, Instant};

use virtus_tests::{Outcome, World, ensure};

pub(crate) fn a_stopped_guest_delays_no_reader(world: &mut World) -> Outcome {
    for name in ["alpha", "beta", "gamma"] {
        world.define(name)?;
        world.virsh(&["start", name])?;
    }
    world.virsh(&["domstats"])?;
    let stopped = world.qemu("beta")?;
    world.freeze(stopped, true)?;

    // far below the two seconds a change would wait for another, far above what an answer needs
    let at_once = Duration::from_millis(1500);
    let reads: &[&[&str]] = &[
        &["list", "--all"],
        &["dominfo", "beta"],
        &["dumpxml", "beta"],
        &["domstate", "beta"],
        &["domstats"],
        &["domstats", "beta"],
        &["dommemstat", "alpha"],
        &["dumpxml", "gamma"],
    ];
    let read_all = |world: &World, when: &str| -> Outcome {
        for read in reads {
            let begun = Instant::now();
            world.virsh(read)?;
            ensure!(begun.elapsed() < at_once, "{when}, {read:?} took {:?}", begun.elapsed());
        }
        Ok(())
    };
    read_all(world, "with a guest stopped")?;
    let stats = world.virsh(&["domstats", "beta"])?;
    ensure!(stats.contains("balloon.current="), "its last known figures are given: {stats}");

    // one change hangs in the stopped QEMU, the next one waits for it and says for whom
    let hanging = world.background(&["suspend", "beta"])?;
    let refused = std::cell::RefCell::new(String::new());
    virtus_tests::wait_for("the change to be refused", 40, || {
        let answer = world.try_virsh(&["resume", "beta"])?;
        let named = answer.err.contains("cannot acquire state change lock");
        refused.replace(answer.err);
        Ok(named)
    })
    .map_err(|e| format!("{e}; the last answer was {}", refused.borrow()))?;
    let text = refused.into_inner();
    ensure!(
        text.contains("held by") && text.contains("remoteDispatchDomainSuspend"),
        "the holder is not named: {text}"
    );
    read_all(world, "with a change hanging")?;

    world.virsh(&["suspend", "alpha"])?;
    world.virsh(&["resume", "alpha"])?;
    let begun = Instant::now();
    world.virsh(&["destroy", "beta"])?;
    ensure!(begun.elapsed() < Duration::from_secs(5), "destroy took {:?}", begun.elapsed());
    ensure!(world.state("beta")? == "shut off", "and it is gone");
    ensure!(world.qemus()? == 2, "and nobody else");
    drop(hanging);
    Ok(())
}
