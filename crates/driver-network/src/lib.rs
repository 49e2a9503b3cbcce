//! The network driver: virtual networks, what they are on the host (a bridge, name and address service by dnsmasq,
//! rules of the packet filter), the ports guests have on them, and the addresses they were given.
//!
//! A network is defined (`definitions`), started (`start`), found again by the next daemon (`reconnect`). What a
//! network of its own bridge needs of the host is in `bridge`, `address`, `firewall` and `dnsmasq`; a network on the
//! host's devices only hands those out (`pool`). Guests are connected through ports (`port`).

mod address;
mod bridge;
mod calls;
mod coexist;
mod definitions;
mod dnsmasq;
mod firewall;
mod first_run;
mod guard;
mod lease;
mod live;
mod metadata;
mod pool;
mod port;
mod qos;
mod reconnect;
mod start;
mod update;

use std::path::PathBuf;
use std::sync::Arc;

use virtus_api::event::NetworkEvent;
use virtus_api::{Event, EventSink, NetworkRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::network::Network;
use virtus_host::program::Runner;
use virtus_state::definitions::{Definitions, Files};

pub use lease::helper::{is_lease_event, lease_event};

use live::Definition;

/// What a driver is made from.
pub struct Setup {
    /// Definitions: `/etc/libvirt/qemu/networks`.
    pub config: PathBuf,
    /// What runs: `/run/libvirt/network`.
    pub state: PathBuf,
    /// What dnsmasq reads, and the leases: `/var/lib/libvirt/dnsmasq`.
    pub dnsmasq: PathBuf,
    /// Whether it serves the whole host.
    pub privileged: bool,
    /// Where events go.
    pub events: Arc<dyn EventSink>,
    /// What runs nft, tc and dnsmasq.
    pub runner: Arc<dyn Runner>,
    /// The program that dnsmasq tells of leases; it has to pass what it is told to [`lease_event`].
    pub lease_program: PathBuf,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup")
            .field("config", &self.config)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// The network driver. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Driver(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    setup: Setup,
    networks: Definitions<Definition>,
}

impl Driver {
    /// Makes the directories, reads all definitions, takes up the networks that run, and starts those that start
    /// with the daemon. It returns when all of them are known; that
    /// those that ran are whole is made sure of in the background.
    ///
    /// # Errors
    /// When a directory cannot be made or read, or a definition that had to be completed cannot be written.
    pub fn start(setup: Setup) -> Result<Driver> {
        let fresh = !setup.config.exists();
        let files = Files {
            directory: setup.config.clone(),
            errors: ErrorDomain::NETWORK,
            command: Some("net-edit"),
            autostart: true,
        };
        let shared = Arc::new(Shared { networks: Definitions::open(files)?, setup });
        for directory in [&shared.setup.state, &shared.setup.dnsmasq] {
            make_directory(directory)?;
        }
        shared.complete_definitions()?;
        shared.reconnect();
        if shared.setup.privileged {
            guard::watch(Arc::downgrade(&shared));
        }
        if fresh && shared.setup.privileged {
            shared.define_default();
        }
        let late = Arc::clone(&shared);
        std::thread::spawn(move || late.make_sure());
        shared.autostart();
        Ok(Driver(shared))
    }

    /// Puts the packet filter's rules of all running networks in place again, and has every dnsmasq read its files
    /// anew: for when somebody else has emptied the packet filter.
    pub fn reload(&self) {
        self.0.reload();
    }
}

fn make_directory(path: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o755).create(path).map_err(|e| {
        Error::system(ErrorDomain::NETWORK, format!("cannot create directory {}", path.display()), &e)
    })
}

impl Shared {
    fn runner(&self) -> &dyn Runner {
        &*self.setup.runner
    }

    fn tell(&self, network: &NetworkRef, event: i32) {
        let event = NetworkEvent::Lifecycle { event, detail: 0 };
        self.setup.events.publish(Event::Network(network.clone(), event));
    }
}

fn reference(network: &Network) -> NetworkRef {
    NetworkRef { name: network.name.clone(), uuid: network.uuid }
}

fn error(code: ErrorCode, text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NETWORK, code, text)
}

fn missing(text: impl Into<String>) -> Error {
    error(ErrorCode::NO_NETWORK, text)
}

fn failed(text: impl Into<String>) -> Error {
    error(ErrorCode::OPERATION_FAILED, text)
}

fn internal(text: impl Into<String>) -> Error {
    error(ErrorCode::INTERNAL_ERROR, text)
}

fn invalid(text: impl Into<String>) -> Error {
    error(ErrorCode::OPERATION_INVALID, text)
}

fn unsupported(text: impl Into<String>) -> Error {
    error(ErrorCode::CONFIG_UNSUPPORTED, text)
}
