//! Writing a network's document.

use virtus_xml::{OnOff, WriteOptions, Writer, YesNo};

use super::*;

impl Network {
    /// The document; `inactive` leaves out what only a running network has.
    pub fn format(&self, inactive: bool) -> String {
        let mut w = Writer::new(WriteOptions { inactive, ..WriteOptions::default() });
        self.write(&mut w, 0);
        w.finish()
    }

    /// Writes the element; `connections` is how many interfaces use the running network.
    pub fn write(&self, w: &mut Writer, connections: u32) {
        w.start("network");
        if !self.dnsmasq_options.is_empty() {
            w.attr("xmlns:dnsmasq", DNSMASQ_NAMESPACE);
        }
        if connections > 0 && !w.options().inactive {
            w.attr_fmt("connections", format_args!("{connections}"));
        }
        if self.ipv6 == Some(YesNo::Yes) {
            w.attr("ipv6", "yes");
        }
        w.attr_opt("trustGuestRxFilters", self.trust_guest_rx_filters.map(YesNo::as_str));
        w.element_text("name", &self.name);
        w.element_fmt("uuid", format_args!("{}", self.uuid));
        if let Some(title) = &self.title {
            w.element_text("title", title);
        }
        if let Some(description) = &self.description {
            w.element_text("description", description);
        }
        if !self.metadata.is_empty() {
            w.start("metadata");
            self.metadata.iter().for_each(|m| w.raw_element(m));
            w.end();
        }
        if let Some(forward) = &self.forward {
            forward.write(w);
        }
        self.write_bridge(w);
        if let Some(mtu) = self.mtu {
            w.start("mtu");
            w.attr_fmt("size", format_args!("{mtu}"));
            w.end();
        }
        if let Some(mac) = &self.mac {
            w.start("mac");
            w.attr_value("address", mac);
            w.end();
        }
        if self.domain.name.is_some() {
            w.start("domain");
            w.attr_opt("name", self.domain.name.as_deref());
            w.attr_opt("localOnly", self.domain.local_only.map(YesNo::as_str));
            w.attr_opt("register", self.domain.register.map(YesNo::as_str));
            w.end();
        }
        self.dns.write(w);
        if let Some(vlan) = &self.vlan {
            w.element("vlan", vlan);
        }
        if let Some(bandwidth) = self.bandwidth.as_ref().filter(|b| !b.is_empty()) {
            w.element("bandwidth", bandwidth);
        }
        if let Some(isolated) = self.port_isolated {
            w.start("port");
            w.attr("isolated", isolated.as_str());
            w.end();
        }
        self.ips.iter().for_each(|ip| ip.write(w));
        self.routes.iter().for_each(|route| route.write(w));
        if let Some(port) = &self.virtual_port {
            w.element("virtualport", port);
        }
        self.portgroups.iter().for_each(|group| group.write(w));
        if !self.dnsmasq_options.is_empty() {
            w.start("dnsmasq:options");
            for option in &self.dnsmasq_options {
                w.start("dnsmasq:option");
                w.attr("value", option);
                w.end();
            }
            w.end();
        }
        w.end();
    }

    fn write_bridge(&self, w: &mut Writer) {
        let own = self.has_own_bridge();
        if !own && (self.mode() != Some(ForwardMode::Bridge) || self.bridge.name.is_none()) {
            if let Some(manager) =
                self.bridge.mac_table_manager.filter(|_| self.mode() == Some(ForwardMode::Bridge))
            {
                w.start("bridge");
                w.attr("macTableManager", manager.as_str());
                w.end();
            }
            return;
        }
        w.start("bridge");
        w.attr_opt("name", self.bridge.name.as_deref());
        w.attr_opt("zone", self.bridge.zone.as_deref());
        if own {
            w.attr("stp", self.bridge.stp.unwrap_or(OnOff::On).as_str());
            w.attr_fmt("delay", format_args!("{}", self.bridge.delay.unwrap_or(0)));
        }
        w.attr_opt("macTableManager", self.bridge.mac_table_manager.map(MacTableManager::as_str));
        w.end();
    }
}

impl PortGroup {
    fn write(&self, w: &mut Writer) {
        w.start("portgroup");
        w.attr_opt("name", self.name.as_deref());
        if self.default {
            w.attr("default", "yes");
        }
        w.attr_opt("trustGuestRxFilters", self.trust_guest_rx_filters.map(YesNo::as_str));
        w.keep_open();
        if let Some(vlan) = &self.vlan {
            w.element("vlan", vlan);
        }
        if let Some(port) = &self.virtual_port {
            w.element("virtualport", port);
        }
        if let Some(bandwidth) = self.bandwidth.as_ref().filter(|b| !b.is_empty()) {
            w.element("bandwidth", bandwidth);
        }
        w.end();
    }
}
