//! The driver traits: every procedure of libvirt's API, declared once with its number, permission and
//! priority. A method's signature is its wire layout. XML travels as text here.

mod macros;

pub mod admin;
pub mod call;
pub mod calls;
pub mod connection;
pub mod constants;
pub mod domain;
mod drivers;
pub mod event;
pub mod interface;
pub mod lxc;
pub mod manual;
pub mod network;
pub mod node;
pub mod nodedev;
pub mod nwfilter;
pub mod procedure;
pub mod qemu;
pub mod reference;
pub mod registration;
pub mod secret;
pub mod session;
pub mod storage;
pub mod stream;

pub use admin::Admin;
pub use call::{Call, Caller, ConnectionId, Identity};
pub use calls::Request;
pub use connection::Connections;
pub use domain::*;
pub use drivers::*;
pub use event::{
    DomainEvent, Event, EventSink, NetworkEvent, NodeDeviceEvent, QemuMonitorEvent, SecretEvent,
    StoragePoolEvent, Told,
};
pub use interface::Interfaces;
pub use lxc::LxcCalls;
pub use network::Networks;
pub use node::Node;
pub use nodedev::{NodeDeviceAssignment, NodeDevices};
pub use nwfilter::{FilterBindings, FilteredPort, NetworkFilters};
pub use procedure::{BoxFuture, Check, Mark, Permission, Priority, Procedure, Program};
pub use qemu::{QemuCalls, QemuEventRegistration};
pub use reference::*;
pub use registration::{Registrar, Registrations};
pub use secret::{SecretValues, Secrets};
pub use session::{EventRegistration, Session};
pub use storage::{StoragePools, StorageVolumes, VolumePlace, VolumePlaces};
pub use stream::{Piece, StreamPair, StreamReader, StreamWriter};
