//! `cpu-stats`

use virtus::calls::Remote;
use virtus::constants::VIR_TYPED_PARAM_STRING_OKAY;
use virtus::{TypedParam, TypedValue};

use crate::command::{ACTIVE_DOMAIN, Command, Opt};
use crate::grammar::Arguments;
use crate::shell::{Failure, OrSay, Outcome, Shell, fail, out};
use crate::show;

pub(super) static COMMAND: Command = Command {
    name: "cpu-stats",
    summary: "tell how much time of the host's CPUs a domain has used",
    options: &[
        ACTIVE_DOMAIN,
        Opt::flag("total", "only the total"),
        Opt::number("start", "from this CPU on").also_positional(),
        Opt::number("count", "how many CPUs").also_positional(),
    ],
    run,
    ..Command::PLAIN
};

/// How many CPUs are asked for at once.
const AT_ONCE: i32 = 128;

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let (start, count) = (arguments.number::<i32>("start")?, arguments.number::<i32>("count")?);
    if start.is_some_and(|start| start < 0) {
        fail!("Invalid value for start CPU");
    }
    if count.is_some_and(|count| count < 0) {
        fail!("Invalid value for number of CPUs to show");
    }
    let each = start.is_some() || count.is_some();
    let (total, each) = match (arguments.has("total"), each) {
        (false, false) => (true, true),
        given => given,
    };
    let ask = |params: i32, cpu: i32, count: u32| {
        let flags = VIR_TYPED_PARAM_STRING_OKAY;
        let params = u32::try_from(params).unwrap_or(0);
        shell
            .call(Remote::domain_get_cpu_stats(domain.clone(), params, cpu, count, flags))
            .or_say(format_args!("Failed to retrieve CPU statistics for domain '{}'", domain.name))
    };
    let mut lines: Vec<String> = Vec::new();
    let mut outcome = Ok(());
    if each {
        let known = ask(0, 0, 0)?.nparams;
        let mut cpu = start.unwrap_or(0);
        if cpu >= known {
            fail!("Start CPU {cpu} is out of range (min: 0, max: {})", known - 1);
        }
        let mut left = match count {
            Some(count) if count <= known => count,
            Some(_) => {
                lines.push(format!("Only {known} CPUs available to show\n"));
                known - cpu
            }
            None => known - cpu,
        };
        let params = ask(0, 0, 1)?.nparams;
        if params == 0 {
            lines.push("No per-CPU stats available".to_owned());
            if !total {
                outcome = Err(Failure::silent());
            }
            left = 0;
        }
        while left > 0 {
            let now = left.min(AT_ONCE);
            let reply = ask(params, cpu, now.unsigned_abs())?;
            let per_cpu = usize::try_from(reply.nparams).unwrap_or(0).max(1);
            for (offset, figures) in reply.params.chunks(per_cpu).enumerate() {
                lines.push(format!("CPU{}:\n", i64::from(cpu) + i64::try_from(offset).unwrap_or(0)));
                lines.extend(figures.iter().map(figure));
            }
            cpu += now;
            left -= now;
        }
    }
    if total {
        match ask(0, -1, 1)?.nparams {
            0 => {
                lines.push("No total stats available".to_owned());
                outcome = Err(Failure::silent());
            }
            params => {
                let reply = ask(params, -1, 1)?;
                lines.push("Total:\n".to_owned());
                lines.extend(reply.params.iter().map(figure));
            }
        }
    }
    for line in lines {
        out!(shell, "{line}");
    }
    outcome
}

/// Times in seconds, other figures as they are.
fn figure(param: &TypedParam) -> String {
    let name = &param.field;
    match (&**name, &param.value) {
        ("cpu_time" | "vcpu_time" | "user_time" | "system_time", TypedValue::ULLong(ns)) => {
            format!("\t{name:<12} {:>9}.{:09} seconds\n", ns / 1_000_000_000, ns % 1_000_000_000)
        }
        (_, value) => format!("\t{name:<12} {}\n", show::param(value)),
    }
}
