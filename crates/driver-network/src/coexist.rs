//! Others who filter packets on the host. A rule that lets a packet pass does so in its own table only: what another
//! table drops is lost. Firewalld has zones for that; of Docker, ufw and whoever else drops what is forwarded, it is
//! said in the log precisely what will be lost and what lets it pass.

use std::path::Path;

use serde_json::Value;
use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::network::{ForwardMode, Network};
use virtus_host::nft;
use virtus_host::program::{Program, run_blocking};

use crate::{Shared, bridge, firewall};

/// Firewalld's zones for networks, which its package or ours brings.
const ZONE: &str = "libvirt";
const ROUTED_ZONE: &str = "libvirt-routed";
/// Firewalld's mark that it runs.
const FIREWALLD: &str = "/run/firewalld.pid";

/// An error that is no driver's own.
fn general(text: impl Into<String>) -> Error {
    Error::internal(ErrorDomain::NONE, text)
}

impl Shared {
    /// Puts a network's bridge into its zone, where firewalld runs.
    ///
    /// # Errors
    /// When the network wants a zone it cannot have.
    pub(crate) fn join_zone(&self, network: &Network) -> Result<()> {
        let wanted = network.bridge.zone.as_deref();
        let runs = Path::new(FIREWALLD).exists();
        if !runs {
            return match wanted {
                None => Ok(()),
                Some(zone) => Err(general(format!(
                    "zone {zone} requested for network {} but firewalld is not active",
                    network.name
                ))),
            };
        }
        if !firewall::has_rules(network) && wanted.is_none() {
            return Ok(());
        }
        let bridge = bridge::name(network)?;
        let zone = match wanted {
            Some(zone) => zone.to_owned(),
            None => {
                let zones = self.firewalld(&["--get-zones".to_owned()])?;
                let has = |name: &str| zones.split_whitespace().any(|zone| zone == name);
                let routed = network.mode() == Some(ForwardMode::Route) && has(ROUTED_ZONE);
                match (routed, has(ZONE)) {
                    (true, _) => ROUTED_ZONE.to_owned(),
                    (_, true) => ZONE.to_owned(),
                    _ => {
                        return Err(general(
                            "firewalld is active, but the required firewalld 'libvirt' zone is missing: \
                             what guests send to the host or through it would be dropped",
                        ));
                    }
                }
            }
        };
        self.firewalld(&[format!("--zone={zone}"), format!("--change-interface={bridge}")]).map(drop)
    }

    fn firewalld(&self, arguments: &[String]) -> Result<String> {
        let program =
            Program::new("firewall-cmd").args(arguments).timeout(std::time::Duration::from_secs(30));
        let output = run_blocking(self.runner(), &program)?.success(&program)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Says who else drops what a network's guests send, if anybody does.
    pub(crate) fn warn_of_others(&self, network: &Network) {
        if !firewall::has_rules(network) || network.mode().is_none() {
            return;
        }
        let Some(bridge) = &network.bridge.name else { return };
        match nft::chains(self.runner()) {
            Ok(chains) => {
                for text in chains.iter().filter_map(|chain| loss(chain, bridge)) {
                    tracing::warn!("network '{}': {text}", network.name);
                }
            }
            Err(e) => tracing::debug!("cannot look at the packet filter: {e}"),
        }
    }
}

/// What a chain of somebody else takes from a bridge's guests, and what to do about it.
fn loss(chain: &Value, bridge: &str) -> Option<String> {
    let word = |name: &str| chain.get(name).and_then(Value::as_str).unwrap_or_default();
    let (family, table, name) = (word("family"), word("table"), word("name"));
    if word("hook") != "forward" || word("policy") != "drop" || !matches!(family, "ip" | "ip6" | "inet") {
        return None;
    }
    let who =
        format!("chain '{name}' of table '{family} {table}' drops by its policy what the host forwards");
    Some(if Path::new("/run/docker.sock").exists() && (table, name) == ("filter", "FORWARD") {
        format!(
            "{who}, as Docker sets it: guests reach nobody beyond the host until Docker's own chain lets them \
             pass: iptables -I DOCKER-USER -i {bridge} -j ACCEPT; iptables -I DOCKER-USER -o {bridge} -j ACCEPT"
        )
    } else if Path::new("/etc/ufw/ufw.conf").exists() && (table, name) == ("filter", "FORWARD") {
        format!(
            "{who}, as ufw sets it: guests reach nobody beyond the host until it is told to let them pass: \
             ufw route allow in on {bridge}; ufw allow in on {bridge} to any port 53,67,547 proto udp"
        )
    } else {
        format!(
            "{who}: guests reach nobody beyond the host until it lets packets to and from '{bridge}' pass: \
             nft insert rule {family} {table} {name} iifname {bridge} accept; \
             nft insert rule {family} {table} {name} oifname {bridge} accept"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_drops_is_named_with_the_remedy() {
        let chain = |hook: &str, policy: &str| serde_json::json!({"family": "inet", "table": "t", "name": "c", "hook": hook, "policy": policy});
        let text = loss(&chain("forward", "drop"), "virbr0").unwrap();
        assert!(
            text.contains("chain 'c' of table 'inet t' drops")
                && text.contains("nft insert rule inet t c iifname virbr0 accept")
        );
        assert!(
            loss(&chain("forward", "accept"), "b").is_none() && loss(&chain("input", "drop"), "b").is_none()
        );
    }
}
