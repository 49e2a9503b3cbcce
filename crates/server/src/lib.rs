//! The daemon's side of the RPC protocol: listeners, connections, dispatch, events and streams.
//!
//! A few threads (`Shards`) each serve their share of the connections with an event loop of their own. A
//! call is first polled right where it was read; what answers at once costs no hand-over at all. What has
//! to wait goes on beside, so that no call ever waits for another.

mod accept;
mod client;
mod connection;
mod dispatch;
mod events;
mod listener;
mod outbox;
mod server;
mod session;
mod shard;
mod socket;
mod streams;

pub use client::Client;
pub use events::EventBus;
pub use listener::Listener;
pub use server::{Auth, Limits, Opener, Server, ServerConfig, Target};
pub use shard::Shards;
