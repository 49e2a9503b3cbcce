//! Defining networks and taking definitions away.

use std::sync::Arc;

use virtus_api::NetworkRef;
use virtus_api::constants::{VIR_NETWORK_EVENT_DEFINED, VIR_NETWORK_EVENT_UNDEFINED};
use virtus_base::Result;
use virtus_conf::network::Network;
use virtus_state::definitions::{Edit, Entry};

use crate::live::Definition;
use crate::{Shared, bridge, failed, invalid, missing, pool, reference};

impl Shared {
    pub(crate) fn find(&self, net: &NetworkRef) -> Result<Arc<Entry<Definition>>> {
        self.networks
            .by_uuid(&net.uuid)
            .ok_or_else(|| missing(format!("no network with matching uuid '{}' ({})", net.uuid, net.name)))
    }

    /// What was written by hand may lack an identity or a MAC address: what it gets is kept from now on.
    pub(crate) fn complete_definitions(&self) -> Result<()> {
        for entry in self.networks.list().iter() {
            let mut network = entry.definition().next().clone();
            let lacks_mac = network.has_own_bridge() && network.mac.is_none();
            if lacks_mac || !network.uuid_given {
                bridge::complete_mac(&mut network)?;
                network.uuid_given = true;
                self.networks.edit().define(Definition::of_config(network))?;
            }
        }
        Ok(())
    }

    /// The object that `network` is another definition of.
    ///
    /// # Errors
    /// When only one of its name and its UUID is that of another.
    pub(crate) fn same(&self, network: &Network) -> Result<Option<Arc<Entry<Definition>>>> {
        if let Some(entry) = self.networks.by_uuid(&network.uuid) {
            let name = entry.definition().current().name.clone();
            return match name == network.name {
                true => Ok(Some(entry)),
                false => {
                    Err(failed(format!("network '{name}' is already defined with uuid {}", network.uuid)))
                }
            };
        }
        match self.networks.by_name(&network.name) {
            Some(entry) => {
                let uuid = entry.definition().current().uuid;
                Err(failed(format!("network '{}' already exists with uuid {uuid}", network.name)))
            }
            None => Ok(None),
        }
    }

    pub(crate) fn define(&self, mut network: Network) -> Result<NetworkRef> {
        let edit = self.networks.edit();
        bridge::complete(&mut network, &self.networks)?;
        network.validate()?;
        pool::check(&network)?;
        let live = self.same(&network)?.and_then(|entry| entry.definition().live.clone());
        let reference = reference(&network);
        edit.define(Definition { config: Some(Arc::new(network)), live })?;
        drop(edit);
        self.tell(&reference, VIR_NETWORK_EVENT_DEFINED);
        Ok(reference)
    }

    pub(crate) fn undefine(&self, net: &NetworkRef) -> Result<()> {
        let edit = self.networks.edit();
        let entry = self.find(net)?;
        let definition = entry.definition();
        let reference = reference(definition.current());
        if definition.config.is_none() {
            return Err(invalid("can't undefine transient network"));
        }
        match &definition.live {
            Some(live) => {
                edit.set_autostart(&entry, false)?;
                edit.define(Definition { config: None, live: Some(Arc::clone(live)) })?;
            }
            None => self.remove(&edit, &entry)?,
        }
        drop(edit);
        self.tell(&reference, VIR_NETWORK_EVENT_UNDEFINED);
        Ok(())
    }

    /// Takes away a network that does not run, with all that is kept of it.
    pub(crate) fn remove(&self, edit: &Edit<'_, Definition>, entry: &Arc<Entry<Definition>>) -> Result<()> {
        let definition = entry.definition();
        edit.undefine(entry)?;
        self.forget_status(&definition.current().name);
        self.remove_dnsmasq_files(definition.current());
        Ok(())
    }

    pub(crate) fn set_autostart(&self, net: &NetworkRef, on: bool) -> Result<()> {
        let edit = self.networks.edit();
        let entry = self.find(net)?;
        if entry.definition().config.is_none() {
            return Err(invalid("cannot set autostart for transient network"));
        }
        edit.set_autostart(&entry, on)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use virtus_api::{Event, EventSink};
    use virtus_host::program::Recorder;

    use super::*;
    use crate::{Driver, Setup};

    struct Nobody;
    impl EventSink for Nobody {
        fn publish(&self, _: Event) {}
    }

    fn start(root: &std::path::Path) -> Driver {
        Driver::start(Setup {
            config: root.join("networks"),
            state: root.join("run"),
            dnsmasq: root.join("dnsmasq"),
            privileged: false,
            events: Arc::new(Nobody),
            runner: Arc::new(Recorder::default()),
            lease_program: "/bin/false".into(),
        })
        .unwrap()
    }

    #[test]
    fn networks_have_bridges_and_addresses_of_their_own() {
        let root = tempfile::tempdir().unwrap();
        let driver = start(root.path());
        let define = |inside: &str| {
            driver.0.define(Network::parse(&format!("<network>{inside}</network>"), true).unwrap())
        };
        define("<name>a</name><bridge name='tst%d'/>").unwrap();
        define("<name>b</name><bridge name='tst%d'/>").unwrap();
        define("<name>c</name><forward mode='bridge'/><bridge name='br9'/>").unwrap();
        let seen = |driver: &Driver, name: &str| {
            driver.0.networks.by_name(name).unwrap().definition().current().clone()
        };
        let (a, b) = (seen(&driver, "a"), seen(&driver, "b"));
        assert_eq!((a.bridge.name.as_deref(), b.bridge.name.as_deref()), (Some("tst0"), Some("tst1")));
        assert!(a.mac.is_some() && a.mac != b.mac && seen(&driver, "c").mac.is_none());
        let e = define("<name>d</name><bridge name='tst1'/>").unwrap_err();
        assert_eq!(e.message(), "internal error: bridge name 'tst1' already in use.");
        assert!(define("<name>a</name>").is_err());
        assert_eq!(seen(&start(root.path()), "a").mac, a.mac);
    }

    #[test]
    fn a_running_network_outlives_its_definition_and_its_daemon() {
        let root = tempfile::tempdir().unwrap();
        let driver = start(root.path());
        let xml = "<network><name>a</name><forward mode='bridge'/><bridge name='br9'/></network>";
        let a = driver.0.define(Network::parse(xml, true).unwrap()).unwrap();
        driver.0.set_autostart(&a, true).unwrap();
        driver.0.create(&a).unwrap();
        assert!(driver.0.create(&a).unwrap_err().message().ends_with("network is already active"));
        driver.0.undefine(&a).unwrap();
        let again = start(root.path());
        let found = again.0.find(&a).unwrap();
        assert!(found.definition().live.is_some() && found.definition().config.is_none());
        assert!(again.0.set_autostart(&a, true).is_err() && again.0.undefine(&a).is_err());
        again.0.destroy(&a).unwrap();
        assert!(again.0.find(&a).is_err() && again.0.saved().is_empty());
    }
}
