//! `dommemstat`

use virtus::calls::Remote;
use virtus::constants::{VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE};

use crate::command::{ACTIVE_DOMAIN, CONFIG, CURRENT, Command, LIVE, Opt};
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, fail, out};

pub(super) static COMMAND: Command = Command {
    name: "dommemstat",
    summary: "how a domain uses its memory",
    about: "Prints what the guest and the hypervisor know about the memory of a running domain, or, with --period, \
            sets how often the guest is asked.",
    options: &[
        ACTIVE_DOMAIN,
        Opt::number("period", "ask the guest every so many seconds"),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run,
    ..Command::PLAIN
};

/// Figures by their number.
const TAGS: [&str; 13] = [
    "swap_in",
    "swap_out",
    "major_fault",
    "minor_fault",
    "unused",
    "available",
    "actual",
    "rss",
    "usable",
    "last_update",
    "disk_caches",
    "hugetlb_pgalloc",
    "hugetlb_pgfail",
];

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.exclusive("current", "live")?;
    arguments.exclusive("current", "config")?;
    let mut flags =
        arguments.flags(&[("config", VIR_DOMAIN_AFFECT_CONFIG), ("live", VIR_DOMAIN_AFFECT_LIVE)]);
    let domain = shell.domain(arguments)?;
    let name = arguments.needed("domain")?;
    if flags == 0 && !arguments.has("current") && shell.is_active(&domain) {
        flags = VIR_DOMAIN_AFFECT_LIVE;
    }
    if let Some(period) = arguments.number::<i32>("period")? {
        if period < 0 {
            fail!("Invalid collection period value '{period}'");
        }
        return shell
            .call(Remote::domain_set_memory_stats_period(domain, period, flags))
            .or_say("Unable to change balloon collection period.");
    }
    let stats = shell
        .call(Remote::domain_memory_stats(domain, TAGS.len() as u32, 0))
        .or_say(format_args!("Failed to get memory statistics for domain {name}"))?;
    for stat in stats.iter() {
        if let Some(tag) = usize::try_from(stat.tag).ok().and_then(|tag| TAGS.get(tag)) {
            out!(shell, "{tag} {}\n", stat.val);
        }
    }
    Ok(())
}
