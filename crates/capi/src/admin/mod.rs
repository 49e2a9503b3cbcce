//! `libvirt-admin.h`: the administration of daemons.

pub(crate) mod clients;
pub(crate) mod close;
pub(crate) mod connection;
pub(crate) mod servers;

pub use clients::*;
pub use close::*;
pub use connection::*;
pub use servers::*;
