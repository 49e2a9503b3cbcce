//! A client of libvirt's daemons, and of Virtus', in Rust alone: no C library, no hidden threads, no runtime.
//!
//! ```no_run
//! use virtus::Connection;
//!
//! # fn main() -> virtus::Result<()> {
//! let connection = Connection::open("qemu:///system")?;
//! for domain in connection.list_all_domains(0)? {
//!     println!("{} {} {}", domain.name(), domain.uuid(), domain.state(0)?.state);
//! }
//! # Ok(()) }
//! ```
//!
//! A [`Connection`] can be cloned and used by several threads at once: one of those that wait reads the socket
//! for all of them. Whatever the daemon's protocol has can be called through [`Connection::call`] with the
//! requests of [`calls`]; the objects' methods are these calls with the object put in. With the feature `tokio`
//! they are there to be awaited as well. What stands for libvirt's constants, such as flags, is in
//! [`constants`].

mod admin;
mod auth;
mod callbacks;
mod cgroup;
mod config;
mod connection;
mod events;
mod lasting;
mod link;
mod local;
mod object;
mod open;
mod peer;
mod reach;
mod stream;
mod transport;
pub mod types;
mod uri;
mod watch;
mod way;

pub use virtus_api::event::{
    DomainEvent, Event, NetworkEvent, NodeDeviceEvent, QemuMonitorEvent, SecretEvent, StoragePoolEvent,
};
/// How objects are named in calls.
pub use virtus_api::{
    ClientRef, DomainCheckpointRef, DomainRef, DomainSnapshotRef, InterfaceRef, NetworkPortRef, NetworkRef,
    NodeDeviceRef, NwfilterBindingRef, NwfilterRef, SecretRef, ServerRef, StoragePoolRef, StorageVolRef,
};
pub use virtus_api::{Request, calls, constants, manual};
pub use virtus_base::{Error, ErrorCode, ErrorDomain, ErrorLevel, Result, TypedParam, TypedValue, Uuid};
pub use virtus_xdr::{CharArray, Decode, List, Opaque};

pub use auth::{Credential, CredentialKind};
pub use callbacks::Subject;
pub use cgroup::enter_cgroup;
pub use connection::Connection;
pub use events::Registration;
pub use lasting::Reconnect;
#[cfg(feature = "tokio")]
pub use object::asynchronous;
pub use object::{
    Admin, AdminClient, AdminServer, Domain, DomainCheckpoint, DomainSnapshot, Interface, Network,
    NetworkPort, NodeDevice, NwFilter, NwFilterBinding, Secret, StoragePool, StorageVolume,
};
pub use open::OpenOptions;
pub use peer::CloseReason;
pub use stream::{Piece, Stream};
pub use uri::{TransportKind, Uri};
