//! The network of this host: tap devices for guests, bridges, addresses, routes, counters.

mod address;
pub mod bandwidth;
mod ethtool;
mod interface;
mod link;
mod macvtap;
mod netlink;
mod packet;
mod route;
mod stats;
mod sysctl;
mod tap;
mod watch;

pub use address::{Address, add_address, addresses};
pub use ethtool::features;
pub use interface::{add_to_bridge, exists, index, is_up, mtu, remove_from_bridge, set_mac, set_mtu, set_up};
pub use link::{
    BridgeOptions, Link, PortOptions, PortVlan, add_to_mac_table, delete_link, links, ports, set_noqueue,
    set_port, set_port_vlans,
};
pub use macvtap::{MacvtapMode, MacvtapOptions};
pub use packet::{Packet, PacketSocket, Sees};
pub use route::{Route, add_route, routes};
pub use stats::{InterfaceStats, all_stats, stats};
pub use sysctl::{set_sysctl, sysctl};
pub use tap::{Tap, TapOptions, delete_tap, open_vhost_net};
pub use watch::TableWatch;

/// An interface's name may have this many bytes.
pub const MAX_NAME: usize = libc::IFNAMSIZ - 1;
