//! Commands about the host's devices.

mod definition;
mod driver;
mod event;
mod list;
mod one;

use virtus::calls::Remote;
use virtus::constants::{VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE, VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE};
use virtus::{Error, ErrorDomain, NodeDeviceRef};

use super::{Group, Opt};
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, fail};

pub(crate) static GROUP: Group = Group {
    name: "Node Device",
    keyword: "nodedev",
    commands: &[
        &definition::CREATE,
        &one::DESTROY,
        &driver::DETACH,
        &definition::DUMPXML,
        &list::COMMAND,
        &driver::REATTACH,
        &driver::RESET,
        &event::COMMAND,
        &definition::DEFINE,
        &one::UNDEFINE,
        &one::START,
        &one::AUTOSTART,
        &one::INFO,
        &definition::UPDATE,
    ],
};

const DEVICE: Opt = Opt::text("device", "the device: its name, or WWNN and WWPN with a comma between them")
    .positional()
    .required()
    .asks(devices);

fn devices(shell: &mut Shell, _: &Arguments) -> Vec<String> {
    let flags = VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE | VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE;
    let listed = shell.call(Remote::connect_list_all_node_devices(1, flags));
    listed.map(|reply| reply.devices.0.into_iter().map(|device| device.name).collect()).unwrap_or_default()
}

/// The device that is meant, by its name only.
fn named(shell: &Shell, arguments: &Arguments) -> Outcome<NodeDeviceRef> {
    let name = arguments.needed("device")?;
    shell
        .call(Remote::node_device_lookup_by_name(name.to_owned()))
        .or_say(format_args!("Could not find matching device '{name}'"))
}

/// The device that is meant, by its name or its WWNN and WWPN.
fn device(shell: &Shell, arguments: &Arguments) -> Outcome<NodeDeviceRef> {
    let name = arguments.needed("device")?;
    if !name.contains(',') {
        return named(shell, arguments);
    }
    let [wwnn, wwpn] = name.split(',').collect::<Vec<_>>()[..] else {
        fail!("Malformed device value '{name}'");
    };
    for wwn in [wwnn, wwpn] {
        let digits = wwn.strip_prefix("0x").unwrap_or(wwn);
        if !digits.chars().all(|c| c.is_ascii_hexdigit()) || digits.len() != 16 {
            return Err(Error::internal(ErrorDomain::NONE, format!("Malformed wwn: {wwn}")).into());
        }
    }
    let request = Remote::node_device_lookup_scsi_host_by_wwn(wwnn.to_owned(), wwpn.to_owned(), 0);
    shell.call(request).or_say(format_args!("Could not find matching device '{name}'"))
}
