//! `domifstat`

use virtus::calls::Remote;

use crate::command::{ACTIVE_DOMAIN, Command, Opt};
use crate::complete;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, out};

pub(super) static COMMAND: Command = Command {
    name: "domifstat",
    summary: "traffic of a domain's network interface",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("interface", "the interface: its device on the host or its MAC address")
            .positional()
            .required()
            .asks(complete::interfaces),
    ],
    run,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let domain = shell.domain(arguments)?;
    let name = arguments.needed("domain")?;
    let device = arguments.needed("interface")?;
    let stats = shell
        .call(Remote::domain_interface_stats(domain, device.to_owned()))
        .or_say(format_args!("Failed to get interface stats {name} {device}"))?;
    let figures = [
        ("rx_bytes", stats.rx_bytes),
        ("rx_packets", stats.rx_packets),
        ("rx_errs", stats.rx_errs),
        ("rx_drop", stats.rx_drop),
        ("tx_bytes", stats.tx_bytes),
        ("tx_packets", stats.tx_packets),
        ("tx_errs", stats.tx_errs),
        ("tx_drop", stats.tx_drop),
    ];
    for (what, value) in figures.into_iter().filter(|(_, value)| *value >= 0) {
        out!(shell, "{device} {what} {value}\n");
    }
    Ok(())
}
