//! `net-dhcp-leases`

use virtus::calls::Remote;

use super::{NETWORK, network};
use crate::command::{Command, OUTPUT, Opt};
use crate::grammar::Arguments;
use crate::objects::sort_by_name;
use crate::shell::{OrSay, Outcome, Shell};
use crate::show::{Cell, Table, time};

pub(super) static COMMAND: Command = Command {
    name: "net-dhcp-leases",
    summary: "list the addresses that a network's DHCP server has given away",
    options: &[
        NETWORK,
        Opt::text("mac", "only those of the network card with this MAC address").also_positional(),
        OUTPUT,
    ],
    run,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let mac = arguments.text("mac")?.map(str::to_owned);
    let (network, name) = (network(shell, arguments)?, arguments.needed("network")?);
    let mut leases = shell
        .call(Remote::network_get_dhcp_leases(network, mac, 1, 0))
        .or_say(format_args!("Failed to get leases info for {name}"))?
        .leases
        .0;
    sort_by_name(&mut leases, |lease| lease.mac.as_deref().unwrap_or_default());
    let mut table = Table::new(&[
        "Expiry Time",
        "MAC address",
        "Protocol",
        "IP address",
        "Hostname",
        "Client ID or DUID",
    ]);
    for lease in leases {
        let protocol = match lease.kind {
            0 => Some("ipv4".to_owned()),
            1 => Some("ipv6".to_owned()),
            _ => None,
        };
        table.row(vec![
            time::plain(lease.expirytime).into(),
            Cell::maybe(lease.mac),
            Cell::maybe(protocol),
            format!("{}/{}", lease.ipaddr, lease.prefix).into(),
            Cell::maybe(lease.hostname),
            Cell::maybe(lease.clientid),
        ]);
    }
    table.show(shell, arguments)
}
