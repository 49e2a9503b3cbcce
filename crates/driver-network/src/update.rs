//! Changes to one section of a network: of its definition, of what runs, or of both at once.

use std::sync::Arc;

use virtus_api::NetworkRef;
use virtus_api::constants::*;
use virtus_base::{ErrorCode, Result};
use virtus_conf::network::{Command, ForwardInterface, Network};

use crate::dnsmasq::{Change, serves_addresses};
use crate::live::{Definition, Live};
use crate::{Shared, error, invalid};

/// What a change is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) command: Command,
    pub(crate) section: u32,
    pub(crate) index: i32,
    pub(crate) xml: &'a str,
}

/// Which of a network's definitions a call with `flags` is about: the running one, the defined one.
///
/// # Errors
/// When it does not run, or there is only what runs.
pub(crate) fn affected(definition: &Definition, flags: u32) -> Result<(bool, bool)> {
    let (mut live, mut config) =
        (flags & VIR_NETWORK_UPDATE_AFFECT_LIVE != 0, flags & VIR_NETWORK_UPDATE_AFFECT_CONFIG != 0);
    if !live && !config {
        (live, config) = (definition.live.is_some(), definition.live.is_none());
    }
    if live && definition.live.is_none() {
        return Err(invalid("network is not running"));
    }
    if config && definition.config.is_none() {
        return Err(invalid("cannot change persistent config of a transient network"));
    }
    Ok((live, config))
}

impl Shared {
    /// Changes a section.
    pub(crate) fn update(&self, net: &NetworkRef, part: Part<'_>, flags: u32) -> Result<()> {
        let edit = self.networks.edit();
        let entry = self.find(net)?;
        let definition = entry.definition();
        let (on_live, on_config) = affected(&definition, flags)?;
        let change = |network: &Network| -> Result<Network> {
            let mut changed = network.clone();
            changed.update(part.command, part.section, part.index, part.xml)?;
            Ok(changed)
        };
        // both are tried before either is changed
        let config = match definition.config.as_deref() {
            Some(config) if on_config => Some(change(config)?),
            _ => None,
        };
        let live = match definition.live.as_deref() {
            Some(live) if on_live => Some(self.update_live(live, part, change)?),
            _ => None,
        };
        if let Some(config) = config {
            let live = definition.live.clone();
            edit.define(Definition { config: Some(Arc::new(config)), live })?;
        }
        if let Some(live) = live {
            let now = live.network.clone();
            self.keep(&edit, &entry, live)?;
            let before = definition.live.as_deref().map_or(&now, |live| &live.network);
            self.follow(before, &now, part.section)?;
        }
        Ok(())
    }

    fn update_live(
        &self,
        live: &Live,
        part: Part<'_>,
        change: impl Fn(&Network) -> Result<Network>,
    ) -> Result<Live> {
        let mut network = change(&live.network).map_err(|e| match e.code() {
            // a command nobody knows is refused in other words here
            ErrorCode::NO_SUPPORT => error(ErrorCode::OPERATION_UNSUPPORTED, unknown(part.command)),
            _ => e,
        })?;
        match number(part.section) {
            VIR_NETWORK_SECTION_FORWARD_INTERFACE => check_unused(&live.network, &network)?,
            // the document a change goes through has no place for who uses what
            _ => network.forward = live.network.forward.clone(),
        }
        let mut live = Live { network, ..live.clone() };
        live.count();
        Ok(live)
    }

    /// Has the host follow a change of a running network.
    fn follow(&self, before: &Network, now: &Network, section: u32) -> Result<()> {
        match number(section) {
            VIR_NETWORK_SECTION_FORWARD_INTERFACE if now.has_own_bridge() => self.apply_rules(now),
            VIR_NETWORK_SECTION_IP_DHCP_RANGE | VIR_NETWORK_SECTION_DNS_TXT | VIR_NETWORK_SECTION_DNS_SRV => {
                self.refresh_dnsmasq(now, Change::Settings)
            }
            VIR_NETWORK_SECTION_IP_DHCP_HOST => {
                // the first host, or the last one gone, turns the service on or off
                let same = serves_addresses(before) == serves_addresses(now);
                self.refresh_dnsmasq(now, if same { Change::Hosts } else { Change::Settings })
            }
            VIR_NETWORK_SECTION_DNS_HOST => self.refresh_dnsmasq(now, Change::Hosts),
            _ => Ok(()),
        }
    }
}

fn unknown(command: Command) -> String {
    let number = if let Command::Unknown(number) = command { number } else { 0 };
    format!("unrecognized network update command code {number}")
}

/// A section as the constants have it.
fn number(section: u32) -> i32 {
    i32::try_from(section).unwrap_or(VIR_NETWORK_SECTION_NONE)
}

/// A device that guests use cannot be taken from a network's pool.
fn check_unused(before: &Network, now: &Network) -> Result<()> {
    let interfaces = |n: &Network| n.forward.iter().flat_map(|f| f.interfaces.clone()).collect::<Vec<_>>();
    let kept = interfaces(now);
    for interface in interfaces(before) {
        let ForwardInterface::Device { dev, connections } = &interface else { continue };
        let same = |i: &ForwardInterface| matches!(i, ForwardInterface::Device { dev: d, .. } if d == dev);
        if *connections > 0 && !kept.iter().any(same) {
            return Err(invalid(format!(
                "unable to delete interface '{dev}' in network '{}'. It is currently being used  by {connections} domains.",
                before.name
            )));
        }
    }
    Ok(())
}
