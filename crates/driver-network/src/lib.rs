//! The network driver: definitions of virtual networks.

mod bridge;
mod calls;

use std::path::PathBuf;
use std::sync::Arc;

use virtus_api::event::NetworkEvent;
use virtus_api::{Event, EventSink, NetworkRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_conf::network::{Command, Network};
use virtus_state::definitions::{Definitions, Entry, Files};

/// The network driver. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Driver(Arc<Shared>);

struct Shared {
    networks: Definitions<Definition>,
    events: Arc<dyn EventSink>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("networks", &self.networks).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Definition(Network);

impl virtus_state::Definition for Definition {
    fn uuid(&self) -> Uuid {
        self.0.uuid
    }
    fn name(&self) -> String {
        self.0.name.clone()
    }
    fn from_file(text: &str) -> Result<Self> {
        Network::parse(text, false).map(Definition)
    }
    fn to_file(&self) -> Option<String> {
        Some(self.0.format(true))
    }
}

impl Driver {
    /// A driver that keeps its files in `directory`, and reads what is there.
    ///
    /// # Errors
    /// When the directory cannot be made or read, or a definition that had to be completed cannot be written.
    pub fn start(directory: PathBuf, events: Arc<dyn EventSink>) -> Result<Driver> {
        let files =
            Files { directory, errors: ErrorDomain::NETWORK, command: Some("net-edit"), autostart: true };
        let networks = Definitions::<Definition>::open(files)?;
        // what was written by hand may lack an identity or a MAC address: what it gets is kept from now on
        for entry in networks.list().iter() {
            let mut network = entry.definition().0.clone();
            let lacks_mac = network.has_own_bridge() && network.mac.is_none();
            if lacks_mac || !network.uuid_given {
                bridge::complete_mac(&mut network)?;
                network.uuid_given = true;
                networks.edit().define(Definition(network))?;
            }
        }
        Ok(Driver(Arc::new(Shared { networks, events })))
    }
}

impl Shared {
    fn find(&self, net: &NetworkRef) -> Result<Arc<Entry<Definition>>> {
        self.networks
            .by_uuid(&net.uuid)
            .ok_or_else(|| missing(format!("no network with matching uuid '{}' ({})", net.uuid, net.name)))
    }

    fn define(&self, mut network: Network) -> Result<NetworkRef> {
        let edit = self.networks.edit();
        bridge::complete(&mut network, &self.networks)?;
        network.validate()?;
        if let Some(old) = self.networks.by_uuid(&network.uuid).map(|entry| entry.definition()) {
            if old.0.name != network.name {
                let (name, uuid) = (&old.0.name, old.0.uuid);
                return Err(failed(format!("network '{name}' is already defined with uuid {uuid}")));
            }
        } else if let Some(old) = self.networks.by_name(&network.name).map(|entry| entry.definition()) {
            let (name, uuid) = (&old.0.name, old.0.uuid);
            return Err(failed(format!("network '{name}' already exists with uuid {uuid}")));
        }
        let reference = reference(&network);
        edit.define(Definition(network))?;
        drop(edit);
        self.tell(&reference, virtus_api::constants::VIR_NETWORK_EVENT_DEFINED);
        Ok(reference)
    }

    fn undefine(&self, net: &NetworkRef) -> Result<()> {
        let edit = self.networks.edit();
        let entry = self.find(net)?;
        let reference = reference(&entry.definition().0);
        edit.undefine(&entry)?;
        drop(edit);
        self.tell(&reference, virtus_api::constants::VIR_NETWORK_EVENT_UNDEFINED);
        Ok(())
    }

    /// Changes one section of a definition.
    fn update(&self, net: &NetworkRef, command: Command, section: u32, index: i32, xml: &str) -> Result<()> {
        let edit = self.networks.edit();
        let mut network = self.find(net)?.definition().0.clone();
        network.update(command, section, index, xml)?;
        edit.define(Definition(network)).map(|_| ())
    }

    fn set_autostart(&self, net: &NetworkRef, on: bool) -> Result<()> {
        let edit = self.networks.edit();
        edit.set_autostart(&*self.find(net)?, on)
    }

    fn tell(&self, network: &NetworkRef, event: i32) {
        let event = NetworkEvent::Lifecycle { event, detail: 0 };
        self.events.publish(Event::Network(network.clone(), event));
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;
    impl EventSink for Nobody {
        fn publish(&self, _: Event) {}
    }

    #[test]
    fn networks_have_bridges_and_addresses_of_their_own() {
        let root = tempfile::tempdir().unwrap();
        let start = || Driver::start(root.path().to_owned(), Arc::new(Nobody)).unwrap().0;
        let driver = start();
        let define = |inside: &str| {
            driver.define(Network::parse(&format!("<network>{inside}</network>"), true).unwrap())
        };
        define("<name>a</name><bridge name='tst%d'/>").unwrap();
        define("<name>b</name><bridge name='tst%d'/>").unwrap();
        define("<name>c</name><forward mode='bridge'/><bridge name='br9'/>").unwrap();
        let seen =
            |driver: &Shared, name: &str| driver.networks.by_name(name).unwrap().definition().0.clone();
        let (a, b) = (seen(&driver, "a"), seen(&driver, "b"));
        assert_eq!((a.bridge.name.as_deref(), b.bridge.name.as_deref()), (Some("tst0"), Some("tst1")));
        assert!(a.mac.is_some() && a.mac != b.mac && seen(&driver, "c").mac.is_none());
        let e = define("<name>d</name><bridge name='tst1'/>").unwrap_err();
        assert_eq!(e.message(), "internal error: bridge name 'tst1' already in use.");
        assert!(define("<name>a</name>").is_err());
        assert_eq!(seen(&start(), "a").mac, a.mac);
    }
}
