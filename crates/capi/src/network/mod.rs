//! `libvirt-network.h`: networks, what is plugged into them, addresses they gave out.

pub(crate) mod leases;
pub(crate) mod networks;
pub(crate) mod ports;

pub use leases::*;
pub use networks::*;
pub use ports::*;
