//! Network interfaces.

use virtus_base::Result;
use virtus_conf::domain::device::interface::{BackendType, Interface, InterfaceSource};

use super::{Checks, unsupported, xml_error};

impl Checks<'_> {
    pub(super) fn interfaces(&self, net: &Interface) -> Result<()> {
        let kind = net.source.tag();
        let rest = &net.rest;
        let virtio = rest.model.as_deref().is_some_and(|model| model.starts_with("virtio"));
        let passt = rest.backend.kind == Some(BackendType::Passt);
        match &net.source {
            InterfaceSource::User { .. } => self.user_network(net)?,
            InterfaceSource::VhostUser(_) if passt && virtio => self.user_network(net)?,
            _ if !rest.routes.is_empty() => {
                return Err(unsupported(
                    "Invalid attempt to set network interface guest-side IP route, not supported by QEMU",
                ));
            }
            InterfaceSource::Vdpa { .. } | InterfaceSource::VhostUser { .. } if !virtio => {
                return Err(unsupported(format!(
                    "invalid model for interface of type '{kind}': '{}' - must be 'virtio'",
                    rest.model.as_deref().unwrap_or_default()
                )));
            }
            _ if !rest.ips.is_empty() => {
                return Err(unsupported(
                    "Invalid attempt to set network interface guest-side IP address info, not supported by QEMU",
                ));
            }
            InterfaceSource::VhostUser(socket) => {
                if socket.path.is_none() && !passt {
                    return Err(xml_error("Missing required attribute 'path' in element 'source'"));
                }
                self.shared_memory("interface")?;
            }
            _ => {}
        }
        if virtio {
            for (name, size) in
                [("rx_queue_size", rest.driver.rx_queue_size), ("tx_queue_size", rest.driver.tx_queue_size)]
            {
                if size.is_some_and(|size| size != 0 && !size.is_power_of_two()) {
                    return Err(unsupported(format!("{name} has to be a power of two")));
                }
            }
        }
        if rest.mtu.is_some_and(|mtu| mtu != 0)
            && !matches!(kind, "network" | "bridge" | "ethernet" | "vhostuser")
        {
            let text = format!("setting MTU on interface type {kind} is not supported yet");
            return Err(unsupported(text));
        }
        if let Some(teaming) = &rest.teaming {
            self.teaming(net, teaming, virtio)?;
        }
        if rest.coalesce_rx_frames.is_some() && !matches!(kind, "network" | "bridge") {
            return Err(unsupported(format!("coalesce settings on interface type {kind} are not supported")));
        }
        Ok(())
    }

    fn teaming(
        &self,
        net: &Interface,
        teaming: &virtus_conf::domain::device::interface::Teaming,
        virtio: bool,
    ) -> Result<()> {
        use virtus_conf::domain::device::interface::TeamingType;
        match teaming.kind {
            TeamingType::Persistent if !virtio => Err(unsupported(format!(
                "virtio-net teaming persistent interface must be <model type='virtio'/>, not '{}'",
                net.rest.model.as_deref().unwrap_or("(null)")
            ))),
            TeamingType::Transient
                if !matches!(net.source, InterfaceSource::HostDev(_) | InterfaceSource::Network(_)) =>
            {
                Err(unsupported(format!(
                    "virtio-net teaming transient interface must be type='hostdev', not '{}'",
                    net.source.tag()
                )))
            }
            _ => Ok(()),
        }
    }

    fn user_network(&self, net: &Interface) -> Result<()> {
        let rest = &net.rest;
        if !rest.routes.is_empty() {
            return Err(unsupported(
                "Invalid attempt to set network interface guest-side IP route, not supported by QEMU",
            ));
        }
        let (mut v4, mut v6) = (false, false);
        for ip in &rest.ips {
            if ip.peer.is_some() {
                return Err(unsupported("Invalid attempt to set peer IP for guest"));
            }
            let seen = if ip.address.contains(':') { &mut v6 } else { &mut v4 };
            if std::mem::replace(seen, true) {
                let version = if ip.address.contains(':') { "IPv6" } else { "IPv4" };
                return Err(unsupported(format!("Only one {version} address per interface is allowed")));
            }
            match (ip.address.contains(':'), ip.prefix.unwrap_or(0)) {
                (false, prefix) if prefix > 0 && !(4..=27).contains(&prefix) => {
                    return Err(super::xml_error("invalid prefix, must be in range of 4-27"));
                }
                (true, prefix) if prefix > 120 => return Err(super::xml_error("prefix too long")),
                _ => {}
            }
        }
        Ok(())
    }
}
