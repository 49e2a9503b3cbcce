//! Commands about the host and the hypervisor.

mod capabilities;
mod identity;
mod nodeinfo;
mod version;

use super::Group;

pub(crate) static GROUP: Group = Group {
    name: "Host and Hypervisor",
    keyword: "host",
    commands: &[
        &capabilities::CAPABILITIES,
        &capabilities::DOMCAPABILITIES,
        &identity::HOSTNAME,
        &nodeinfo::COMMAND,
        &identity::SYSINFO,
        &identity::URI,
        &version::COMMAND,
    ],
};
