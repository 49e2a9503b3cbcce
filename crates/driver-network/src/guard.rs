//! Sees to it that the rules of running networks stay: somebody who loads a packet filter of his own begins by
//! removing all there is.

use std::sync::Weak;
use std::time::Duration;

use virtus_host::net::TableWatch;
use virtus_host::nft;

use crate::{Shared, firewall};

/// How long a change by many steps may take, until it is looked at.
const SETTLE: Duration = Duration::from_millis(200);

impl Shared {
    /// Puts rules in place again that somebody has removed.
    fn restore_rules(&self) {
        // changes of our own have come to their end then
        let edit = self.networks.edit();
        let present = match nft::tables(self.runner()) {
            Ok(tables) => tables,
            Err(e) => return tracing::warn!("cannot look at the packet filter: {e}"),
        };
        for entry in self.networks.list().iter() {
            let definition = entry.definition();
            let Some(live) = &definition.live else { continue };
            let Some(table) = firewall::table_of(&live.network) else { continue };
            if present.iter().any(|(family, name)| family == "inet" && *name == table) {
                continue;
            }
            match self.apply_rules(&live.network) {
                Ok(()) => tracing::info!(
                    "the rules of network '{}' were removed; they are made anew",
                    live.network.name
                ),
                Err(e) => tracing::error!("network '{}' has no rules: {e}", live.network.name),
            }
        }
        drop(edit);
    }
}

/// Watches the packet filter for as long as the driver lives.
pub(crate) fn watch(driver: Weak<Shared>) {
    let watch = match TableWatch::new() {
        Ok(watch) => watch,
        Err(e) => return tracing::warn!("nobody sees when others empty the packet filter: {e}"),
    };
    let work = move || {
        loop {
            match watch.removed() {
                // whether it was ours cannot be seen here
                Ok(Some(names)) if !names.iter().any(|name| name.starts_with(firewall::PREFIX)) => continue,
                Ok(_) => {}
                Err(e) => {
                    return tracing::warn!("nobody sees any more when others empty the packet filter: {e}");
                }
            }
            std::thread::sleep(SETTLE);
            match driver.upgrade() {
                Some(shared) => shared.restore_rules(),
                None => return,
            }
        }
    };
    let started = std::thread::Builder::new().name("packet-filter".into()).spawn(work);
    if let Err(e) = started {
        tracing::warn!("nobody sees when others empty the packet filter: {e}");
    }
}
