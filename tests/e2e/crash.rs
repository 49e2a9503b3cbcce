//! The daemon dies at each kind of thing it does, the first time and later ones; the next one finds everything whole.

use virtus_tests::{Outcome, STEPS, Threads, World, die_at, ensure};

/// Runs `command`, the daemon dying at each step of it; `check` looks at what the next daemon makes of that.
fn at_every_step(
    world: &mut World,
    prepare: fn(&World) -> Outcome,
    command: &[&str],
    threads: Threads,
    check: fn(&World) -> Outcome,
) -> Outcome {
    let mut deaths = 0;
    for call in STEPS {
        for nth in [1, 2, 4, 8] {
            prepare(world)?;
            let mut watcher = die_at(world.daemon_pid()?, call, nth, threads)?;
            let answer = world.try_virsh(command)?;
            // what comes after the answer may also be its death: as long as virsh needs to ask again
            let _ = world.try_virsh(&["list"])?;
            watcher.kill()?;
            watcher.wait()?;
            let died = world.daemon_crashed()?;
            if died {
                deaths += 1;
                world.start_daemon()?;
            }
            check(world).map_err(|e| format!("after dying at {call} {nth} ({}): {e}", answer.err.trim()))?;
            if !died {
                break;
            }
        }
    }
    ensure!(deaths > 3, "the daemon died only {deaths} times: the steps are not those it takes");
    Ok(())
}

/// What is listed is whole, what is whole can be listed, and nothing else is there.
fn tidy(world: &World) -> Outcome {
    let running = world.virsh(&["list", "--name"])?.lines().filter(|l| !l.is_empty()).count();
    virtus_tests::wait_for("one QEMU for each running domain", 20, || {
        let running = world.virsh(&["list", "--name"])?.lines().filter(|l| !l.is_empty()).count();
        Ok(world.qemus()? == running)
    })?;
    if running == 0 {
        let left = world.leftovers()?;
        ensure!(left.is_empty(), "left behind: {left:?}");
    }
    for name in world.virsh(&["list", "--all", "--name"])?.lines().filter(|l| !l.is_empty()) {
        let xml = world.virsh(&["dumpxml", "--inactive", name])?;
        ensure!(xml.contains("</devices>\n</domain>"), "half a definition: {xml}");
    }
    Ok(())
}

pub(crate) fn dying_while_a_domain_is_defined(world: &mut World) -> Outcome {
    let new = world.guest_xml("alpha", "").replace("<vcpu>1<", "<vcpu>3<").replacen(
        "<memory",
        "<title>new</title><memory",
        1,
    );
    let file = world.file("new.xml", &new)?;
    at_every_step(
        world,
        |world| world.define("alpha"),
        &["define", &file],
        Threads::Later,
        |world| {
            tidy(world)?;
            let xml = world.virsh(&["dumpxml", "alpha"])?;
            let (title, cpus) = (xml.contains("<title>new"), xml.contains(">3</vcpu>"));
            ensure!(title == cpus, "half old, half new: {xml}");
            Ok(())
        },
    )
}

pub(crate) fn dying_while_a_guest_starts(world: &mut World) -> Outcome {
    world.define("alpha")?;
    at_every_step(world, stopped, &["start", "alpha"], Threads::Now, tidy)
}

fn stopped(world: &World) -> Outcome {
    if world.state("alpha")? != "shut off" {
        world.virsh(&["destroy", "alpha"])?;
    }
    Ok(())
}

pub(crate) fn dying_while_a_guest_is_destroyed(world: &mut World) -> Outcome {
    world.define("alpha")?;
    at_every_step(
        world,
        |world| {
            stopped(world)?;
            world.virsh(&["start", "alpha"]).map(drop)
        },
        &["destroy", "alpha"],
        Threads::Now,
        tidy,
    )
}

pub(crate) fn dying_while_a_domain_is_undefined(world: &mut World) -> Outcome {
    at_every_step(
        world,
        |world| {
            if world.virsh(&["list", "--all", "--name"])?.contains("alpha") {
                return Ok(());
            }
            world.define("alpha")
        },
        &["undefine", "alpha"],
        Threads::Later,
        tidy,
    )
}
