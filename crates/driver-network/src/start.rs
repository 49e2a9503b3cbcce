//! Starting a network and ending it. What is begun and fails is taken back as a whole: ending goes on after each
//! failure, so that nothing stays on the host.

use std::sync::Arc;

use virtus_api::NetworkRef;
use virtus_api::constants::{VIR_NETWORK_EVENT_STARTED, VIR_NETWORK_EVENT_STOPPED};
use virtus_base::Result;
use virtus_conf::network::{ForwardMode, Nat, Network};
use virtus_host::net;
use virtus_state::definitions::{Edit, Entry};

use crate::live::{Definition, Live};
use crate::{Shared, address, bridge, failed, firewall, invalid, pool, qos, reference};

impl Shared {
    /// Starts a defined network.
    pub(crate) fn create(&self, net: &NetworkRef) -> Result<()> {
        let edit = self.networks.edit();
        let entry = self.find(net)?;
        let definition = entry.definition();
        if definition.live.is_some() {
            return Err(invalid("network is already active"));
        }
        self.start(&edit, &entry, definition.next().clone())?;
        drop(edit);
        self.tell(&reference(entry.definition().current()), VIR_NETWORK_EVENT_STARTED);
        Ok(())
    }

    /// Starts a network that is there only as long as it runs, or an inactive one with another definition.
    pub(crate) fn create_transient(&self, mut network: Network) -> Result<NetworkRef> {
        let edit = self.networks.edit();
        bridge::complete(&mut network, &self.networks)?;
        network.validate()?;
        pool::check(&network)?;
        let existing = self.same(&network)?;
        if existing.as_ref().is_some_and(|entry| entry.definition().live.is_some()) {
            let text = format!("network is already active as '{}'", network.name);
            return Err(invalid(text));
        }
        let reference = reference(&network);
        match existing {
            Some(entry) => self.start(&edit, &entry, network)?,
            None => {
                let live = self.bring_up(network)?;
                let definition = Definition { config: None, live: Some(Arc::new(live.clone())) };
                if let Err(e) = self.save_status(&live).and_then(|()| edit.define(definition).map(drop)) {
                    self.take_down(&live.network);
                    self.remove_dnsmasq_files(&live.network);
                    return Err(e);
                }
            }
        }
        drop(edit);
        self.tell(&reference, VIR_NETWORK_EVENT_STARTED);
        Ok(reference)
    }

    fn start(
        &self,
        edit: &Edit<'_, Definition>,
        entry: &Arc<Entry<Definition>>,
        network: Network,
    ) -> Result<()> {
        let live = self.bring_up(network)?;
        let network = live.network.clone();
        self.keep(edit, entry, live).inspect_err(|_| self.take_down(&network))
    }

    /// Makes what a network needs of the host.
    fn bring_up(&self, mut network: Network) -> Result<Live> {
        complete(&mut network);
        if network.has_own_bridge() {
            address::check_collision(&network)?;
            // known to the next daemon before there is anything to find
            self.save_status(&Live::new(network.clone()))?;
            let made = bridge::create(&network);
            if made.is_err() {
                self.forget_status(&network.name);
            }
            made?;
            if let Err(e) = self.furnish(&network) {
                self.take_down(&network);
                self.remove_dnsmasq_settings(&network.name);
                return Err(e);
            }
        } else {
            pool::fill(&mut network)?;
            qos::limit_bridge(self.runner(), &network)?;
        }
        Ok(Live::new(network))
    }

    /// Gives a network's own bridge what it does not have of what belongs to it.
    pub(crate) fn furnish(&self, network: &Network) -> Result<()> {
        let bridge = bridge::name(network)?;
        self.join_zone(network)?;
        address::set_ipv6(network, bridge)?;
        address::add(network, bridge)?;
        net::set_up(bridge, true)?;
        address::add_routes(network, bridge)?;
        address::enable_forwarding(network)?;
        // each of these waits for a program, and none for another
        std::thread::scope(|scope| {
            let rules = scope.spawn(|| self.apply_rules(network));
            let rates = scope.spawn(|| qos::limit_bridge(self.runner(), network));
            let served = match self.dnsmasq(&network.name) {
                Some(_) => Ok(()),
                None => self.start_dnsmasq(network),
            };
            let ended = |e| Err(failed(format!("a thread ended: {e:?}")));
            rules.join().unwrap_or_else(ended)?;
            rates.join().unwrap_or_else(ended)?;
            served
        })
    }

    /// Ends a network.
    pub(crate) fn destroy(&self, net: &NetworkRef) -> Result<()> {
        let edit = self.networks.edit();
        let entry = self.find(net)?;
        let definition = entry.definition();
        let name = definition.current().name.clone();
        let Some(live) = &definition.live else {
            return Err(invalid(format!("network '{name}' is not active")));
        };
        self.take_down(&live.network);
        match &definition.config {
            Some(config) => edit.refresh(&entry, Definition { config: Some(Arc::clone(config)), live: None }),
            None => self.remove(&edit, &entry)?,
        }
        drop(edit);
        self.tell(&reference(&live.network), VIR_NETWORK_EVENT_STOPPED);
        Ok(())
    }

    /// Removes all that a network has on the host. What fails is logged, and the rest still done.
    pub(crate) fn take_down(&self, network: &Network) {
        let warn = |what: &str, done: Result<()>| {
            if let Err(e) = done {
                tracing::warn!("network '{}': {what}: {e}", network.name);
            }
        };
        if let (true, Some(bridge)) = (network.has_own_bridge(), &network.bridge.name) {
            std::thread::scope(|scope| {
                scope.spawn(|| self.stop_dnsmasq(&network.name));
                scope.spawn(|| warn("its rules stay", self.remove_rules(network)));
                if net::exists(bridge) {
                    // a bridge that is on cannot be removed by older kernels
                    warn("its bridge stays on", net::set_up(bridge, false));
                    warn("its bridge stays", net::delete_link(bridge));
                }
            });
            crate::live::remove(&self.mac_file(bridge));
        } else if let (Some(bridge), Some(_)) = (&network.bridge.name, &network.bandwidth) {
            warn("its rates stay", net::bandwidth::clear(self.runner(), bridge));
        }
        self.forget_status(&network.name);
    }

    /// Starts the networks that start with the daemon, once in a boot of the host: one that was ended since stays so.
    pub(crate) fn autostart(&self) {
        let stamp = self.setup.state.join("autostarted");
        if stamp.exists() {
            return;
        }
        if let Err(e) = std::fs::write(&stamp, "") {
            tracing::warn!("cannot write {}: {e}", stamp.display());
        }
        for entry in self.networks.list().iter() {
            let view = entry.view();
            if !view.autostart || view.definition.live.is_some() {
                continue;
            }
            let network = reference(view.definition.current());
            if let Err(e) = self.create(&network) {
                tracing::error!("cannot start network '{}': {e}", network.name);
            }
        }
    }
}

/// What a definition leaves open and a running network has.
fn complete(network: &mut Network) {
    use virtus_xml::YesNo;
    let has = |v4: bool| address::subnets(network, v4).next().is_some();
    let (v4, v6) = (has(true), has(false));
    let Some(forward) = network.forward.as_mut().filter(|f| f.mode == ForwardMode::Nat) else { return };
    let both = forward.nat.as_ref().is_some_and(|nat| nat.ipv6 == Some(YesNo::Yes));
    if !(v4 || v6 && both) {
        return;
    }
    let nat = forward.nat.get_or_insert_with(Nat::default);
    nat.ports = nat.ports.filter(|ports| *ports != (0, 0)).or(Some(firewall::NAT_PORTS));
}
