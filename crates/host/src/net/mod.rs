//! Network devices of this host: tap devices for guests, their bridges, their counters.

mod interface;
mod stats;
mod tap;

pub use interface::{add_to_bridge, exists, index, is_up, mtu, remove_from_bridge, set_mac, set_mtu, set_up};
pub use stats::{InterfaceStats, all_stats, stats};
pub use tap::{Tap, TapOptions, delete_tap, open_vhost_net};

/// An interface's name may have this many bytes.
pub const MAX_NAME: usize = libc::IFNAMSIZ - 1;
