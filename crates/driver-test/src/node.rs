//! The node's file: `<node>` with all that the host has.

use std::path::Path;

use virtus_api::constants::*;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::interface::Interface;
use virtus_conf::network::Network;
use virtus_conf::nodedev::NodeDevice;
use virtus_conf::storage::{Capacity, Pool, Sizes, Volume};
use virtus_xml::{Document, Element, ReadOptions};

use crate::calls::snapshot;
use crate::domain::{self, Domain};
use crate::state::{Identity, NetworkObject, PoolObject, State, identify};
use crate::{error, internal};

/// The namespace of what a domain's document says to this driver alone.
const NAMESPACE: &str = "http://libvirt.org/schemas/domain/test/1.0";
/// How large a pool is.
pub(crate) const POOL_CAPACITY: u64 = 100 << 30;

/// Where the documents are that elements name by `file`.
pub(crate) enum Include<'a> {
    /// There are none.
    Nothing,
    /// Relative names begin at this file's directory.
    Beside(&'a Path),
}

impl Include<'_> {
    /// The document that the element names instead of having content.
    fn text(&self, e: Element<'_>) -> Result<Option<String>> {
        let Some(name) = e.attr("file") else { return Ok(None) };
        let path = match self {
            Include::Beside(file) => file.parent().unwrap_or(Path::new("")).join(name),
            Include::Nothing => Path::new(name).to_owned(),
        };
        read_file(&path.display().to_string()).map(Some)
    }

    /// Reads the element, or the document that it names.
    fn read<T>(&self, e: Element<'_>, read: impl FnOnce(Element<'_>) -> Result<T>) -> Result<T> {
        match self.text(e)? {
            None => read(e),
            Some(text) => read(Document::parse(&text, ErrorDomain::TEST, &INACTIVE)?.root()),
        }
    }
}

const INACTIVE: ReadOptions = ReadOptions { inactive: true, status: false, track: false };

fn xml_error(text: impl Into<String>) -> Error {
    error(ErrorCode::XML_ERROR, text)
}

impl State {
    /// Takes all from a node's document.
    pub(crate) fn read(&mut self, text: &str, include: &Include<'_>) -> Result<()> {
        let document = Document::parse(text, ErrorDomain::TEST, &INACTIVE)?;
        let root = document.root();
        if root.name() != "node" {
            return Err(xml_error("Root element is not 'node'"));
        }
        self.read_node(root)?;
        root.children("domain").try_for_each(|e| self.read_domain(e, include))?;
        root.children("network").try_for_each(|e| include.read(e, |e| self.read_network(e)))?;
        for e in root.children("interface") {
            let definition = include.read(e, Interface::read)?;
            let name = definition.name.clone();
            self.assign_interface(definition);
            if let Some(interface) = self.interfaces.iter_mut().find(|i| i.definition.name == name) {
                interface.active = true;
            }
        }
        root.children("pool").try_for_each(|e| include.read(e, |e| self.read_pool(e, include)))?;
        for e in root.children("device") {
            let device = include.read(e, |e| NodeDevice::read(e, None))?;
            self.devices.retain(|other| other.name != device.name);
            self.devices.push(device);
        }
        for user in root.children("auth").flat_map(|auth| auth.elements().filter(|e| e.name() == "user")) {
            let name = user.text().filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| xml_error("missing username in /node/auth/user field"))?;
            self.users.push((name, user.attr("password").map(str::to_owned)));
        }
        Ok(())
    }

    fn read_node(&mut self, root: Element<'_>) -> Result<()> {
        let number = |path: &[&str], what: &str| -> Result<Option<i64>> {
            let text = root.descend(path).and_then(|e| e.text());
            let wrong = || xml_error(format!("invalid node {what} value"));
            text.map(|text| text.trim().parse().map_err(|_| wrong())).transpose()
        };
        let node = &mut self.node;
        for (name, field) in [
            ("nodes", &mut node.nodes),
            ("sockets", &mut node.sockets),
            ("cores", &mut node.cores),
            ("threads", &mut node.threads),
        ] {
            if let Some(value) = number(&["cpu", name], &format!("cpu {name}"))? {
                *field = i32::try_from(value).unwrap_or(i32::MAX);
            }
        }
        node.cpus =
            node.cores.saturating_mul(node.threads).saturating_mul(node.sockets).saturating_mul(node.nodes);
        if let Some(active) = number(&["cpu", "active"], "cpu active")? {
            node.cpus = node.cpus.min(i32::try_from(active).unwrap_or(i32::MAX));
        }
        if let Some(mhz) = number(&["cpu", "mhz"], "cpu mhz")? {
            node.mhz = i32::try_from(mhz).unwrap_or(i32::MAX);
        }
        if let Some(model) = root.descend(&["cpu", "model"]).and_then(|e| e.text()) {
            if model.len() >= 32 {
                return Err(internal(format!("Model {model} too big for destination")));
            }
            node.model = model;
        }
        if let Some(memory) = number(&["memory"], "memory")? {
            node.memory = u64::try_from(memory).unwrap_or(0);
        }
        Ok(())
    }

    fn read_domain(&mut self, e: Element<'_>, include: &Include<'_>) -> Result<()> {
        include.read(e, |e| {
            let mut definition = domain::from_element(e)?;
            domain::name_interfaces(&mut definition)?;
            let extra = Extra::read(e)?;
            let mut domain = Domain::new(definition);
            for e in e.children_ns(NAMESPACE, "domainsnapshot") {
                include.read(e, |e| snapshot::read_of_node(&mut domain, e))?;
            }
            snapshot::check_of_node(&domain)?;
            domain.persistent = !extra.transient;
            if extra.state != VIR_DOMAIN_SHUTOFF {
                let id = self.next_id();
                domain.start(id, VIR_DOMAIN_RUNNING_BOOTED);
            }
            domain.managed_save = extra.managed_save;
            domain.set_state(extra.state, 0);
            domain.find_taints();
            self.add_domain(domain)
        })
    }

    fn add_domain(&mut self, domain: Domain) -> Result<()> {
        let definition = &domain.definition;
        let known = self.domains.iter().map(|d| (d.definition.name.as_str(), d.definition.uuid));
        match identify(known, (&definition.name, definition.uuid), ErrorDomain::DOMAIN, "domain")? {
            Identity::New => self.domains.push(domain),
            Identity::Known(place) => {
                if let Some(old) = self.domains.get_mut(place) {
                    *old = domain;
                }
            }
        }
        Ok(())
    }

    fn read_network(&mut self, e: Element<'_>) -> Result<()> {
        let definition = Network::read(e)?;
        self.networks.push(NetworkObject {
            definition,
            next: None,
            active: true,
            persistent: true,
            autostart: false,
        });
        Ok(())
    }

    fn read_pool(&mut self, e: Element<'_>, include: &Include<'_>) -> Result<()> {
        let mut definition = Pool::read(e)?;
        definition.sizes = Sizes { capacity: POOL_CAPACITY, allocation: 0, available: POOL_CAPACITY };
        let mut pool =
            PoolObject { definition, volumes: Vec::new(), active: true, persistent: true, autostart: false };
        for e in e.children("volume") {
            let mut volume = include.read(e, |e| Volume::read(e, Capacity::UnlessBacked))?;
            pool.place(&mut volume);
            pool.add(volume);
        }
        self.pools.push(pool);
        Ok(())
    }

    /// The number of the next domain that starts.
    pub(crate) fn next_id(&mut self) -> i32 {
        self.last_id = self.last_id.saturating_add(1);
        self.last_id
    }
}

impl PoolObject {
    /// Gives a volume its path and key.
    pub(crate) fn place(&self, volume: &mut Volume) {
        if volume.target.path.is_empty() {
            let directory = self.definition.target.as_ref().map_or("", |target| target.path.as_str());
            volume.target.path = format!("{directory}/{}", volume.name);
        }
        if volume.key.is_empty() {
            volume.key = volume.target.path.clone();
        }
    }

    /// Takes a volume in; it uses of the pool what it has allocated.
    pub(crate) fn add(&mut self, volume: Volume) {
        let sizes = &mut self.definition.sizes;
        sizes.allocation = sizes.allocation.saturating_add(allocation(&volume));
        sizes.available = sizes.capacity.saturating_sub(sizes.allocation);
        self.volumes.push(volume);
    }
}

/// How much of the pool a volume uses: all of it where its document does not say.
pub(crate) fn allocation(volume: &Volume) -> u64 {
    volume.allocation.unwrap_or(volume.capacity)
}

/// What a domain's document says to this driver alone.
struct Extra {
    state: i32,
    transient: bool,
    managed_save: bool,
}

impl Extra {
    fn read(e: Element<'_>) -> Result<Self> {
        let child = |name: &str| e.children_ns(NAMESPACE, name).next();
        let transient = child("transient").is_some();
        let managed_save = child("hasmanagedsave").is_some();
        let state = match child("runstate").and_then(|e| e.text()) {
            None => VIR_DOMAIN_RUNNING,
            Some(text) => {
                let number: u32 = text.trim().parse().map_err(|_| xml_error("invalid runstate"))?;
                match i32::try_from(number) {
                    Ok(state) if state <= VIR_DOMAIN_PMSUSPENDED => state,
                    _ => return Err(xml_error(format!("runstate '{number}' out of range'"))),
                }
            }
        };
        if transient && state == VIR_DOMAIN_SHUTOFF {
            return Err(xml_error("transient domain cannot have runstate 'shutoff'"));
        }
        if managed_save && state != VIR_DOMAIN_SHUTOFF {
            return Err(xml_error("domain with managedsave data can only have runstate 'shutoff'"));
        }
        Ok(Extra { state, transient, managed_save })
    }
}

/// The text of a document, as libvirt's reader of XML files complains of it.
pub(crate) fn read_file(path: &str) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|e| Error::system(ErrorDomain::XML, format!("Failed to open file '{path}'"), &e))
}
