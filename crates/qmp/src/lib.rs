//! QEMU's machine protocol (QMP) and the guest agent's, over Unix sockets.
//!
//! [`Monitor`] sends typed [`commands`](command) or raw JSON, many at a time; replies are matched by id and events
//! arrive through [`Events`]. [`Agent`] speaks to the agent inside a guest, which is never trusted. Nothing here
//! knows of domains.

pub mod agent;
pub mod command;
mod error;
pub mod event;
#[doc(hidden)]
pub mod fake;
mod message;
mod monitor;
mod pending;
mod request;
mod transport;

pub use agent::Agent;
pub use command::Command;
pub use error::{Error, Result};
pub use event::{Event, EventKind, Events};
pub use message::{Greeting, Version};
pub use monitor::{Monitor, Options};
pub use request::{Batch, Ticket};
