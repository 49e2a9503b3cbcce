//! Commands about virtual networks.

mod definition;
mod description;
mod event;
mod leases;
mod lifecycle;
mod list;
mod port;
mod update;

use virtus::NetworkRef;
use virtus::calls::Remote;
use virtus::constants::{VIR_CONNECT_LIST_NETWORKS_ACTIVE, VIR_CONNECT_LIST_NETWORKS_INACTIVE};

use super::{Group, Opt};
use crate::grammar::Arguments;
use crate::objects::{self, Lookup};
use crate::shell::{Outcome, Shell};

pub(crate) static GROUP: Group = Group {
    name: "Networking",
    keyword: "network",
    commands: &[
        &lifecycle::AUTOSTART,
        &definition::CREATE,
        &definition::DEFINE,
        &description::DESC,
        &lifecycle::DESTROY,
        &leases::COMMAND,
        &definition::DUMPXML,
        &definition::EDIT,
        &event::COMMAND,
        &list::INFO,
        &list::LIST,
        &description::METADATA,
        &list::NAME,
        &lifecycle::START,
        &lifecycle::UNDEFINE,
        &update::COMMAND,
        &list::UUID,
        &port::LIST,
        &port::CREATE,
        &port::DUMPXML,
        &port::DELETE,
    ],
};

const NETWORK: Opt =
    Opt::text("network", "the network: its name or UUID").positional().required().asks(networks);

pub(crate) fn networks(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    let flags = VIR_CONNECT_LIST_NETWORKS_ACTIVE | VIR_CONNECT_LIST_NETWORKS_INACTIVE;
    let listed = shell.call(Remote::connect_list_all_networks(1, flags));
    listed.map(|reply| reply.nets.0.into_iter().map(|network| network.name).collect()).unwrap_or_default()
}

/// The network that is meant.
fn network(shell: &Shell, arguments: &Arguments) -> Outcome<NetworkRef> {
    network_by(shell, arguments, Lookup::Any)
}

fn network_by(shell: &Shell, arguments: &Arguments, by: Lookup) -> Outcome<NetworkRef> {
    let name = arguments.needed("network")?;
    let kind = ("network", "virNetworkLookupByUUIDString");
    objects::find(shell, kind, name, by, Remote::network_lookup_by_uuid, Remote::network_lookup_by_name)
}
