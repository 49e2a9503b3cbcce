//! `domifaddr`

use virtus::calls::Remote;

use crate::command::{ACTIVE_DOMAIN, Command, OUTPUT, Opt};
use crate::complete;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, extra, fail, out};
use crate::show::{Cell, Table};

pub(super) static COMMAND: Command = Command {
    name: "domifaddr",
    summary: "list the addresses of a domain's network interfaces",
    about: "Lists the addresses of a running domain as its networks' DHCP servers, its agent, or the host's table of \
            neighbours know them.",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("interface", "only this interface").positional().asks(complete::interfaces),
        Opt::flag("full", "print name and MAC address in each line"),
        Opt::text("source", "who is asked: lease (if left out), agent or arp")
            .also_positional()
            .one_of(&SOURCES),
        OUTPUT,
    ],
    run,
    ..Command::PLAIN
};

/// Who can be asked, by number.
pub(crate) const SOURCES: [&str; 3] = ["lease", "agent", "arp"];

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let only = arguments.text("interface")?;
    let source = match arguments.text("source")? {
        None => 0,
        Some(word) => match SOURCES.iter().position(|source| *source == word) {
            Some(source) => source as u32,
            None => fail!("Unknown data source '{word}'"),
        },
    };
    let domain = shell.domain(arguments)?;
    let interfaces = shell
        .call(Remote::domain_interface_addresses(domain, source, 0))
        .or_say("Failed to query for interfaces addresses")?;
    let interfaces = interfaces.iter().filter(|interface| only.is_none_or(|name| name == interface.name));
    if arguments.knows("output") && !matches!(arguments.text("output")?, None | Some("table")) {
        let mut table = Table::new(&["Name", "MAC address", "Protocol", "Address", "Prefix"]);
        for interface in interfaces {
            for address in interface.addrs.iter() {
                table.row(vec![
                    interface.name.as_str().into(),
                    Cell::maybe(interface.hwaddr.clone()),
                    protocol(address.kind).into(),
                    address.addr.as_str().into(),
                    address.prefix.into(),
                ]);
            }
        }
        return table.show(shell, arguments);
    }
    extra!(shell, " {:<10} {:<20} {:<8}     {}\n{:-<79}\n", "Name", "MAC address", "Protocol", "Address", "");
    for interface in interfaces {
        let name = &interface.name;
        if interface.addrs.is_empty() {
            let mac = interface.hwaddr.as_deref().unwrap_or("N/A");
            out!(shell, " {name:<10} {mac:<17}    {:<12} N/A\n", "N/A");
        }
        for (index, address) in interface.addrs.iter().enumerate() {
            let (name, mac) = match index == 0 || arguments.has("full") {
                true => (name.as_str(), interface.hwaddr.as_deref().unwrap_or_default()),
                false => ("-", "-"),
            };
            let kind = protocol(address.kind);
            out!(shell, " {name:<10} {mac:<17}    {kind:<12} {}/{}\n", address.addr, address.prefix);
        }
    }
    Ok(())
}

fn protocol(kind: i32) -> &'static str {
    if kind == 0 { "ipv4" } else { "ipv6" }
}
