//! `nodecpumap`, `nodecpustats` and `nodememstats`

use std::thread;
use std::time::Duration;

use virtus::calls::Remote;
use virtus_base::Bitmap;

use crate::command::{Command, Opt};
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, out};

/// How many CPUs the host has.
///
/// # Errors
/// The daemon's.
pub(crate) fn cpu_count(shell: &Shell) -> virtus::Result<usize> {
    let count = match shell.call(Remote::node_get_cpu_map(0, 0, 0)) {
        Ok(reply) => reply.ret,
        // a driver that knows the call of old only
        Err(_) => {
            let info = shell.call(Remote::node_get_info())?;
            info.nodes.saturating_mul(info.sockets).saturating_mul(info.cores).saturating_mul(info.threads)
        }
    };
    Ok(usize::try_from(count).unwrap_or(0))
}

pub(super) static CPUMAP: Command = Command {
    name: "nodecpumap",
    summary: "tell which CPUs of the host are in use",
    options: &[Opt::flag("pretty", "print a list of numbers")],
    run: cpumap,
    ..Command::PLAIN
};

fn cpumap(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let reply = shell.call(Remote::node_get_cpu_map(1, 1, 0)).or_say("Unable to get cpu map")?;
    let map = Bitmap::from_bytes(&reply.cpumap.0);
    out!(shell, "{:<15} {}\n", "CPUs present:", reply.ret);
    out!(shell, "{:<15} {}\n", "CPUs online:", reply.online);
    let count = usize::try_from(reply.ret).unwrap_or(0);
    let text = match arguments.has("pretty") {
        true => map.to_string(),
        false => (0..count).map(|cpu| if map.contains(cpu) { 'y' } else { '-' }).collect(),
    };
    out!(shell, "{:<15} {text}\n", "CPU map:");
    Ok(())
}

pub(super) static CPUSTATS: Command = Command {
    name: "nodecpustats",
    summary: "tell what the host's CPUs did, in nanoseconds",
    options: &[
        Opt::number("cpu", "only this CPU").also_positional(),
        Opt::flag("percent", "print percents, after a second"),
    ],
    run: cpustats,
    ..Command::PLAIN
};

/// Figures in the order in which they are printed, with their names in the protocol.
const FIGURES: [(&str, &str); 5] =
    [("user", "user:"), ("kernel", "system:"), ("idle", "idle:"), ("iowait", "iowait:"), ("intr", "intr:")];

fn cpustats(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let cpu = arguments.number::<i32>("cpu")?.unwrap_or(-1);
    let percent = arguments.has("percent");
    let count = shell
        .call(Remote::node_get_cpu_stats(cpu, 0, 0))
        .or_say("Unable to get number of cpu stats")?
        .nparams;
    if count == 0 {
        return Ok(());
    }
    let ask = |shell: &Shell| {
        let reply =
            shell.call(Remote::node_get_cpu_stats(cpu, count, 0)).or_say("Unable to get node cpu stats")?;
        let value = |name: &str| reply.params.iter().find(|p| p.field == name).map(|p| p.value);
        Ok::<_, crate::shell::Failure>((FIGURES.map(|(name, _)| value(name)), value("utilization")))
    };
    let (mut figures, usage) = ask(shell)?;
    if !percent {
        for ((_, title), value) in FIGURES.iter().zip(figures) {
            if let Some(value) = value {
                out!(shell, "{title:<15} {value:>20}\n");
            }
        }
        return Ok(());
    }
    if let Some(usage) = usage {
        out!(shell, "{:<15} {usage:>5}%\n", "usage:");
        out!(shell, "{:<15} {:>5}%\n", "idle:", 100u64.saturating_sub(usage));
        return Ok(());
    }
    thread::sleep(Duration::from_secs(1));
    let (later, _) = ask(shell)?;
    for (figure, later) in figures.iter_mut().zip(later) {
        *figure = figure.zip(later).map(|(before, after)| after.wrapping_sub(before));
    }
    let total: f64 = figures.iter().flatten().map(|value| *value as f64).sum();
    let share = |value: u64| match value as f64 / total * 100.0 {
        // nothing of nothing, as the C library of this processor prints it
        share if share.is_nan() => format!("{}nan", if cfg!(target_arch = "x86_64") { "-" } else { "" }),
        share => format!("{share:.1}"),
    };
    let busy = figures.iter().take(2).flatten().sum();
    out!(shell, "{:<15} {:>5}%\n", "usage:", share(busy));
    for ((_, title), value) in FIGURES.iter().zip(figures) {
        if let Some(value) = value {
            out!(shell, "{title:<15} {:>5}%\n", share(value));
        }
    }
    Ok(())
}

pub(super) static MEMSTATS: Command = Command {
    name: "nodememstats",
    summary: "tell how much memory the host has, in KiB",
    options: &[Opt::number("cell", "only this NUMA cell").also_positional()],
    run: memstats,
    ..Command::PLAIN
};

fn memstats(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let cell = arguments.number::<i32>("cell")?.unwrap_or(-1);
    let count = shell
        .call(Remote::node_get_memory_stats(0, cell, 0))
        .or_say("Unable to get number of memory stats")?
        .nparams;
    if count == 0 {
        return Ok(());
    }
    let figures = shell
        .call(Remote::node_get_memory_stats(count, cell, 0))
        .or_say("Unable to get memory stats")?
        .params;
    for figure in figures {
        out!(shell, "{:<7}: {:>20} KiB\n", figure.field, figure.value);
    }
    Ok(())
}
