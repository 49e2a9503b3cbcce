//! What networks and the interfaces of domains have in common.

pub mod address;
pub mod bandwidth;
pub mod mac;
pub mod virtual_port;
pub mod vlan;

pub use address::Subnet;
pub use bandwidth::Bandwidth;
pub use mac::MacAddr;
pub use virtual_port::VirtualPort;
pub use vlan::Vlan;
