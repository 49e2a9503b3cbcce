//! What a network may be: the checks that look at several parts at once.

use virtus_base::{ErrorCode, ErrorDomain, Result};

use super::*;

impl Network {
    /// What a way of connecting allows, checked while reading.
    pub(super) fn check_forward(&self) -> Result<()> {
        let name = &self.name;
        let Some(forward) = &self.forward else { return Ok(()) };
        let mode = forward.mode;
        let no_bridge_settings = || -> Result<()> {
            if self.bridge.delay.is_some_and(|d| d > 0)
                || self.bridge.stp.is_some()
                || self.bridge.zone.is_some()
            {
                return Err(xml_error(format!(
                    "bridge delay/stp/zone options only allowed in open, route, nat, and isolated mode, not in {mode} (network '{name}')"
                )));
            }
            if self.mtu.is_some() {
                return Err(xml_error(format!(
                    "mtu size only allowed in open, route, nat, and isolated mode, not in {mode} (network '{name}')"
                )));
            }
            Ok(())
        };
        match mode {
            ForwardMode::Nat | ForwardMode::Route => {
                if self.ips.is_empty() {
                    return Err(xml_error(format!(
                        "{mode} forwarding requested, but no IP address provided for network '{name}'"
                    )));
                }
                if forward.interfaces.len() > 1 {
                    return Err(xml_error(format!(
                        "multiple forwarding interfaces specified for network '{name}', only one is supported"
                    )));
                }
            }
            ForwardMode::Open => {
                if !forward.interfaces.is_empty() {
                    return Err(xml_error(format!(
                        "forward dev not allowed for network '{name}' with forward mode='{mode}'"
                    )));
                }
            }
            ForwardMode::Private | ForwardMode::Vepa | ForwardMode::Passthrough | ForwardMode::Hostdev => {
                if self.bridge.name.is_some() {
                    return Err(xml_error(format!(
                        "bridge name not allowed in {mode} mode (network '{name}')"
                    )));
                }
                if self.bridge.zone.is_some() {
                    return Err(xml_error(format!(
                        "bridge zone not allowed in {mode} mode (network '{name}')"
                    )));
                }
                if self.bridge.mac_table_manager.is_some() {
                    return Err(xml_error(format!(
                        "bridge macTableManager setting not allowed in {mode} mode (network '{name}')"
                    )));
                }
                no_bridge_settings()?;
            }
            ForwardMode::Bridge => {
                no_bridge_settings()?;
                if self.bridge.name.is_some() && (!forward.interfaces.is_empty() || forward.pf.is_some()) {
                    return Err(xml_error(format!(
                        "A network with forward mode='{mode}' can specify a bridge name or a forward dev, but not both (network '{name}')"
                    )));
                }
            }
        }
        Ok(())
    }

    /// What the network driver can do with such a network.
    ///
    /// # Errors
    /// `CONFIG_UNSUPPORTED` and `XML_ERROR` with libvirt's texts.
    pub fn validate(&self) -> Result<()> {
        let name = &self.name;
        let with_bridge = self.has_own_bridge();
        if !with_bridge {
            let mode = self.mode().map(ForwardMode::as_str).unwrap_or_default();
            let refuse = |what: &str| {
                Err(unsupported(format!(
                    "Unsupported {what} element in network {name} with forward mode='{mode}'"
                )))
            };
            if !self.ips.is_empty() {
                return refuse("<ip>");
            }
            if self.dns != Dns::default() {
                return refuse("<dns>");
            }
            if self.domain.name.is_some() {
                return refuse("<domain>");
            }
        }
        self.check_hostdev()?;
        self.check_one_dhcp()?;
        self.check_portgroups()?;
        self.check_vlan()
    }

    fn check_hostdev(&self) -> Result<()> {
        let Some(forward) = &self.forward else { return Ok(()) };
        let name = &self.name;
        if forward.mode != ForwardMode::Hostdev {
            let by_address = forward.interfaces.iter().any(|i| matches!(i, ForwardInterface::Pci { .. }));
            return match by_address {
                true => Err(unsupported(format!(
                    "network '{name}' has forward mode '{}' but lists a device by PCI address in the device pool. This is only supported for networks with forward mode 'hostdev'",
                    forward.mode
                ))),
                false => Ok(()),
            };
        }
        for interface in &forward.interfaces {
            if let ForwardInterface::Device { dev, .. } = interface {
                return Err(unsupported(format!(
                    "hostdev network '{name}' lists '{dev}' in the device pool, but hostdev networks require all devices to be listed by PCI address, not network device name"
                )));
            }
        }
        Ok(())
    }

    fn check_one_dhcp(&self) -> Result<()> {
        for (v4, what) in [(true, "IPv4"), (false, "IPv6")] {
            let with_dhcp = |ip: &&Ip| {
                ip.address.is_ipv4() == v4
                    && ip.dhcp.as_ref().is_some_and(|d| !d.ranges.is_empty() || !d.hosts.is_empty())
            };
            if self.ips.iter().filter(with_dhcp).count() > 1 {
                return Err(unsupported(format!(
                    "Multiple {what} dhcp sections found -- dhcp is supported only for a single {what} address on each network"
                )));
            }
        }
        Ok(())
    }

    fn check_portgroups(&self) -> Result<()> {
        let mut default = None;
        for (i, group) in self.portgroups.iter().enumerate() {
            if let (true, Some(other)) = (group.default, &default) {
                return Err(unsupported(format!(
                    "network '{}' has multiple default <portgroup> elements ({} and {}), but only one default is allowed",
                    self.name,
                    other,
                    group.name.as_deref().unwrap_or_default()
                )));
            }
            if group.default {
                default = group.name.clone();
            }
            if self.portgroups.iter().take(i).any(|g| g.name == group.name) {
                return Err(virtus_base::Error::new(
                    ErrorDomain::NETWORK,
                    ErrorCode::CONFIG_UNSUPPORTED,
                    format!(
                        "network '{}' has multiple <portgroup> elements with the same name ({})",
                        self.name,
                        group.name.as_deref().unwrap_or_default()
                    ),
                ));
            }
        }
        Ok(())
    }

    fn check_vlan(&self) -> Result<()> {
        use crate::net::virtual_port::PortType;
        let allowed = |port: &Option<VirtualPort>| {
            let kind = port.as_ref().or(self.virtual_port.as_ref()).and_then(|p| p.kind);
            self.mode() == Some(ForwardMode::Hostdev)
                || (self.mode() == Some(ForwardMode::Passthrough) && kind.is_none())
                || (self.mode() == Some(ForwardMode::Bridge) && kind == Some(PortType::OpenVSwitch))
                || (self.mode() == Some(ForwardMode::Bridge) && kind.is_none() && self.bridge.name.is_some())
                || (self.has_own_bridge() && self.mode() == Some(ForwardMode::Bridge))
        };
        if self.vlan.is_some() && !allowed(&self.virtual_port) {
            return Err(unsupported(format!(
                "<vlan> element specified for network {}, whose type doesn't support vlan configuration",
                self.name
            )));
        }
        Ok(())
    }
}
