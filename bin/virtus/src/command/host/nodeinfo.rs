//! `nodeinfo`

use virtus::calls::Remote;

use crate::command::Command;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, out};

pub(super) static COMMAND: Command =
    Command { name: "nodeinfo", summary: "the most important facts about the host", run, ..Command::PLAIN };

fn run(shell: &mut Shell, _: &Arguments) -> Outcome {
    let info = shell.call(Remote::node_get_info()).or_say("failed to get node information")?;
    let model = info.model.text();
    let mut line = |title: &str, value: String| out!(shell, "{title:<20} {value}\n");
    line("CPU model:", model);
    line("CPU(s):", info.cpus.to_string());
    if info.mhz != 0 {
        line("CPU frequency:", format!("{} MHz", info.mhz));
    }
    line("CPU socket(s):", info.sockets.to_string());
    line("Core(s) per socket:", info.cores.to_string());
    line("Thread(s) per core:", info.threads.to_string());
    line("NUMA cell(s):", info.nodes.to_string());
    line("Memory size:", format!("{} KiB", info.memory));
    Ok(())
}
