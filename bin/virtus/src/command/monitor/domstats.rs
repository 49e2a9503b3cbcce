//! `domstats`

use virtus::calls::Remote;
use virtus::constants::*;

use crate::command::{Command, Opt};
use crate::complete;
use crate::domain::By;
use crate::grammar::Arguments;
use crate::shell::{Outcome, Shell, out};
use crate::show;

pub(super) static COMMAND: Command = Command {
    name: "domstats",
    summary: "figures of one, several or all domains",
    about: "Prints the figures of domains, a line each: all kinds of figures, or those that the options name.",
    options: &[
        Opt::flag("state", "state"),
        Opt::flag("cpu-total", "use of the host's CPUs"),
        Opt::flag("balloon", "memory balloon"),
        Opt::flag("vcpu", "virtual CPUs"),
        Opt::flag("interface", "network interfaces"),
        Opt::flag("block", "disks"),
        Opt::flag("perf", "perf events"),
        Opt::flag("iothread", "I/O threads"),
        Opt::flag("memory", "memory bandwidth"),
        Opt::flag("dirtyrate", "rate at which memory is written"),
        Opt::flag("vm", "what the hypervisor alone knows"),
        Opt::flag("list-active", "domains that run"),
        Opt::flag("list-inactive", "domains that do not run"),
        Opt::flag("list-persistent", "domains with a stored definition"),
        Opt::flag("list-transient", "domains without a stored definition"),
        Opt::flag("list-running", "domains that are running"),
        Opt::flag("list-paused", "domains that are paused"),
        Opt::flag("list-shutoff", "domains that are shut off"),
        Opt::flag("list-other", "domains in other states"),
        Opt::flag("raw", "print the figures as they come"),
        Opt::flag("enforce", "fail when a kind of figures is not known"),
        Opt::flag("backing", "tell about disks' backing files, too"),
        Opt::flag("nowait", "leave out what cannot be had at once"),
        Opt::many("domain", "the domains").positional().asks(complete::domains),
    ],
    run,
    ..Command::PLAIN
};

const KINDS: [(&str, u32); 11] = [
    ("state", VIR_DOMAIN_STATS_STATE),
    ("cpu-total", VIR_DOMAIN_STATS_CPU_TOTAL),
    ("balloon", VIR_DOMAIN_STATS_BALLOON),
    ("vcpu", VIR_DOMAIN_STATS_VCPU),
    ("interface", VIR_DOMAIN_STATS_INTERFACE),
    ("block", VIR_DOMAIN_STATS_BLOCK),
    ("perf", VIR_DOMAIN_STATS_PERF),
    ("iothread", VIR_DOMAIN_STATS_IOTHREAD),
    ("memory", VIR_DOMAIN_STATS_MEMORY),
    ("dirtyrate", VIR_DOMAIN_STATS_DIRTYRATE),
    ("vm", VIR_DOMAIN_STATS_VM),
];

const FLAGS: [(&str, u32); 11] = [
    ("list-active", VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE),
    ("list-inactive", VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE),
    ("list-persistent", VIR_CONNECT_GET_ALL_DOMAINS_STATS_PERSISTENT),
    ("list-transient", VIR_CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT),
    ("list-running", VIR_CONNECT_GET_ALL_DOMAINS_STATS_RUNNING),
    ("list-paused", VIR_CONNECT_GET_ALL_DOMAINS_STATS_PAUSED),
    ("list-shutoff", VIR_CONNECT_GET_ALL_DOMAINS_STATS_SHUTOFF),
    ("list-other", VIR_CONNECT_GET_ALL_DOMAINS_STATS_OTHER),
    ("enforce", VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS),
    ("backing", VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING),
    ("nowait", VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT),
];

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let stats = arguments.flags(&KINDS);
    let flags = arguments.flags(&FLAGS);
    let domains = arguments
        .many("domain")
        .iter()
        .map(|name| shell.find_domain(name, By::Anything))
        .collect::<Outcome<Vec<_>>>()?;
    let records = shell.call(Remote::connect_get_all_domain_stats(domains.into(), stats, flags))?;
    for (index, record) in records.iter().enumerate() {
        if index > 0 {
            out!(shell, "\n");
        }
        out!(shell, "Domain: '{}'\n", record.dom.name);
        for param in record.params.iter() {
            out!(shell, "  {}={}\n", param.field, show::param(&param.value));
        }
    }
    Ok(())
}
