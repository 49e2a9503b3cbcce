//! Commands about the host's network interfaces.

mod bridge;
mod change;
mod definition;
mod list;

use virtus::InterfaceRef;
use virtus::calls::Remote;
use virtus::constants::{VIR_CONNECT_LIST_INTERFACES_ACTIVE, VIR_CONNECT_LIST_INTERFACES_INACTIVE};

use super::{Group, Opt, normal_mac};
use crate::grammar::Arguments;
use crate::objects::Lookup;
use crate::shell::{Failure, OrSay, Outcome, Shell};

pub(crate) static GROUP: Group = Group {
    name: "Interface",
    keyword: "interface",
    commands: &[
        &change::BEGIN,
        &bridge::BRIDGE,
        &change::COMMIT,
        &definition::DEFINE,
        &change::DESTROY,
        &definition::DUMPXML,
        &definition::EDIT,
        &list::LIST,
        &list::MAC,
        &list::NAME,
        &change::ROLLBACK,
        &change::START,
        &bridge::UNBRIDGE,
        &definition::UNDEFINE,
    ],
};

const INTERFACE: Opt =
    Opt::text("interface", "the interface: its name or MAC address").positional().required().asks(interfaces);

fn interfaces(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    let flags = VIR_CONNECT_LIST_INTERFACES_ACTIVE | VIR_CONNECT_LIST_INTERFACES_INACTIVE;
    let listed = shell.call(Remote::connect_list_all_interfaces(1, flags));
    listed.map(|reply| reply.ifaces.0.into_iter().map(|one| one.name).collect()).unwrap_or_default()
}

/// The interface that is meant.
fn interface(shell: &Shell, arguments: &Arguments) -> Outcome<InterfaceRef> {
    interface_by(shell, arguments.needed("interface")?, Lookup::Any)
}

/// The interface of this name, or of this MAC address, which stands for a UUID here.
fn interface_by(shell: &Shell, name: &str, by: Lookup) -> Outcome<InterfaceRef> {
    let is_mac = normal_mac(name).is_some();
    let found = match is_mac {
        true if by != Lookup::Name => shell.call(Remote::interface_lookup_by_mac_string(name.to_owned())),
        false if by != Lookup::Uuid => shell.call(Remote::interface_lookup_by_name(name.to_owned())),
        _ => return Err(Failure::new(format_args!("failed to get interface '{name}'"))),
    };
    found.or_say(format_args!("failed to get interface '{name}'"))
}
