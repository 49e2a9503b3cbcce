//! After a restart of the daemon: the networks that run are found by their status files. What belongs to them on the
//! host is looked at, and only what is missing is made anew: no packet is lost of a network that is whole.

use std::sync::Arc;

use virtus_host::{net, nft};

use crate::dnsmasq::Change;
use crate::live::{Definition, Live};
use crate::{Shared, firewall};

impl Shared {
    /// Takes up the networks that run.
    pub(crate) fn reconnect(&self) {
        let saved = self.saved();
        let there: Vec<&str> =
            saved.iter().filter(|l| self.is_there(l)).map(|l| l.network.name.as_str()).collect();
        self.end_strays(&there);
        for live in saved {
            let name = live.network.name.clone();
            match self.is_there(&live) {
                true => self.take_up(live),
                false => {
                    tracing::warn!("network '{name}' is gone from the host; it is inactive");
                    // half of it may still be there
                    self.take_down(&live.network);
                }
            }
        }
    }

    /// Makes sure of what belongs to running networks on the host, and removes rules of others. All that was in order
    /// has stayed so while the daemon was away; so this is done beside its start.
    pub(crate) fn make_sure(&self) {
        let edit = self.networks.edit();
        for entry in self.networks.list().iter() {
            let definition = entry.definition();
            let live = definition.live.as_deref().filter(|live| live.network.has_own_bridge());
            if let Some(live) = live
                && let Err(e) = self.furnish(&live.network)
            {
                tracing::error!("network '{}' is not whole: {e}", live.network.name);
            }
        }
        if self.setup.privileged {
            self.sweep_rules();
        }
        drop(edit);
    }

    /// Removes the rules of networks that do not run.
    fn sweep_rules(&self) {
        let tables = nft::tables(self.runner()).unwrap_or_default();
        let all = self.networks.list();
        let running: Vec<String> = all
            .iter()
            .filter_map(|entry| firewall::table_of(&entry.definition().live.as_ref()?.network))
            .collect();
        let left = tables.iter().filter(|(family, name)| {
            family == "inet" && name.starts_with(firewall::PREFIX) && !running.contains(name)
        });
        for (_, name) in left {
            tracing::info!("removing the rules '{name}' of a network that does not run");
            if let Err(e) = self.remove_table(name) {
                tracing::warn!("they stay: {e}");
            }
        }
    }

    fn is_there(&self, live: &Live) -> bool {
        match (&live.network.bridge.name, live.network.has_own_bridge()) {
            // a bridge of the host may come and go
            (Some(bridge), true) => net::exists(bridge),
            _ => true,
        }
    }

    fn take_up(&self, live: Live) {
        let network = live.network.clone();
        let edit = self.networks.edit();
        let known = match self.networks.by_uuid(&network.uuid) {
            Some(entry) if entry.definition().next().name != network.name => Err("its name has changed"),
            Some(entry) => {
                let config = entry.definition().config.clone();
                edit.refresh(&entry, Definition { config, live: Some(Arc::new(live)) });
                Ok(())
            }
            None => edit
                .define(Definition { config: None, live: Some(Arc::new(live)) })
                .map(drop)
                .map_err(|_| "its name is another's"),
        };
        drop(edit);
        if let Err(why) = known {
            tracing::error!("the running network '{}' is passed over: {why}", network.name);
        }
    }

    /// Puts all rules in place again and has every dnsmasq read its files anew.
    pub(crate) fn reload(&self) {
        let edit = self.networks.edit();
        for entry in self.networks.list().iter() {
            let definition = entry.definition();
            let Some(live) = definition.live.as_deref().filter(|l| l.network.has_own_bridge()) else {
                continue;
            };
            let done =
                self.furnish(&live.network).and_then(|()| self.refresh_dnsmasq(&live.network, Change::Hosts));
            if let Err(e) = done {
                tracing::error!("network '{}': {e}", live.network.name);
            }
        }
        drop(edit);
    }
}
