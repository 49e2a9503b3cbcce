//! A network as the driver knows it: its definition, and what it is while it runs; the status file that tells the
//! next daemon.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use virtus_base::{Bitmap, Error, ErrorDomain, Result, Uuid};
use virtus_conf::network::{ForwardInterface, Network, NetworkPort, Plug};
use virtus_state::definitions::{Entry, with_header};
use virtus_state::file::{self, Durability};
use virtus_xml::{Document, ReadOptions, WriteOptions, Writer};

use crate::{Shared, internal};

/// The classes of a bridge's traffic that no guest gets.
const RESERVED_CLASSES: usize = 3;

/// A network: defined, running, or both.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    /// What it is when it is started the next time; a transient network has none.
    pub(crate) config: Option<Arc<Network>>,
    /// What it is now.
    pub(crate) live: Option<Arc<Live>>,
}

/// A running network.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    /// The definition it runs with.
    pub(crate) network: Network,
    /// The guests' places in it.
    pub(crate) ports: BTreeMap<Uuid, NetworkPort>,
    /// The classes of the bridge's traffic that are taken.
    pub(crate) classes: Bitmap,
    /// What the ports are guaranteed together, in KiB/s.
    pub(crate) floor_sum: u64,
}

impl Definition {
    /// The definition it has now.
    pub(crate) fn current(&self) -> &Network {
        match (&self.live, &self.config) {
            (Some(live), _) => &live.network,
            (None, Some(config)) => config,
            // one of the two is always there; whoever takes away both takes away the network
            (None, None) => unreachable_network(),
        }
    }

    /// The definition it will have.
    pub(crate) fn next(&self) -> &Network {
        self.config.as_deref().unwrap_or_else(|| self.current())
    }

    pub(crate) fn of_config(network: Network) -> Definition {
        Definition { config: Some(Arc::new(network)), live: None }
    }
}

/// The network of an object that is neither defined nor running, of which there is none.
fn unreachable_network() -> &'static Network {
    static EMPTY: std::sync::OnceLock<Network> = std::sync::OnceLock::new();
    EMPTY.get_or_init(Network::default)
}

impl virtus_state::Definition for Definition {
    fn uuid(&self) -> Uuid {
        self.current().uuid
    }
    fn name(&self) -> String {
        self.current().name.clone()
    }
    fn from_file(text: &str) -> Result<Self> {
        Network::parse(text, false).map(Definition::of_config)
    }
    fn to_file(&self) -> Option<String> {
        self.config.as_ref().map(|network| network.format(true))
    }
}

impl Live {
    /// A network that was just started.
    pub(crate) fn new(network: Network) -> Live {
        Live { network, ports: BTreeMap::new(), classes: Bitmap::filled(RESERVED_CLASSES), floor_sum: 0 }
    }

    /// The document.
    pub(crate) fn format(&self, inactive: bool) -> String {
        let mut w = Writer::new(WriteOptions { inactive, ..WriteOptions::default() });
        self.network.write(&mut w, self.connections());
        w.finish()
    }

    fn connections(&self) -> u32 {
        u32::try_from(self.ports.len()).unwrap_or(u32::MAX)
    }

    /// Counts how often each device of a pool is used.
    pub(crate) fn count(&mut self) {
        let Live { network, ports, .. } = self;
        for interface in network.forward.iter_mut().flat_map(|f| &mut f.interfaces) {
            let (used, connections) = match interface {
                ForwardInterface::Device { dev, connections } => {
                    let uses = |p: &&NetworkPort| matches!(&p.plug, Plug::Direct { dev: d, .. } if d == dev);
                    (ports.values().filter(uses).count(), connections)
                }
                ForwardInterface::Pci { address, connections } => {
                    let uses = |p: &&NetworkPort| matches!(&p.plug, Plug::HostdevPci { address: a, .. } if a == address);
                    (ports.values().filter(uses).count(), connections)
                }
            };
            *connections = u32::try_from(used).unwrap_or(u32::MAX);
        }
    }

    fn format_status(&self) -> String {
        let mut w = Writer::new(WriteOptions { inactive: false, ..WriteOptions::default() });
        w.start("networkstatus");
        w.start("class_id");
        w.attr_fmt("bitmap", format_args!("{}", self.classes));
        w.end();
        w.start("floor");
        w.attr_fmt("sum", format_args!("{}", self.floor_sum));
        w.end();
        self.network.write(&mut w, self.connections());
        w.end();
        w.finish()
    }

    /// Reads a status file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse_status(text: &str) -> Result<Live> {
        let read = ReadOptions { inactive: false, ..ReadOptions::default() };
        let document = Document::parse(text, ErrorDomain::NETWORK, &read)?;
        let root = document.root_named("networkstatus")?;
        let element = root.child("network").ok_or_else(|| internal("no network config in its status"))?;
        let mut live = Live::new(Network::read(element)?);
        if let Some(bitmap) = root.child("class_id").and_then(|c| c.attr("bitmap")) {
            live.classes = Bitmap::parse(bitmap).ok_or_else(|| internal("Malformed 'class_id' attribute"))?;
        }
        if let Some(sum) = root.child("floor").and_then(|f| f.attr("sum")) {
            live.floor_sum = sum.parse().map_err(|_| internal("Malformed 'floor_sum' attribute"))?;
        }
        Ok(live)
    }
}

impl Shared {
    fn status_file(&self, name: &str) -> PathBuf {
        self.setup.state.join(format!("{name}.xml"))
    }

    fn ports_directory(&self, name: &str) -> PathBuf {
        self.setup.state.join(name).join("ports")
    }

    /// Writes what the next daemon has to know of a running network.
    pub(crate) fn save_status(&self, live: &Live) -> Result<()> {
        let name = &live.network.name;
        write(&self.status_file(name), &format!("net-edit {name}"), &live.format_status())
    }

    /// Writes what the next daemon has to know of a port.
    pub(crate) fn save_port(&self, network: &str, port: &NetworkPort) -> Result<()> {
        let directory = self.ports_directory(network);
        crate::make_directory(&directory)?;
        let path = directory.join(format!("{}.xml", port.uuid));
        write(&path, &format!("net-port-create {}", port.uuid), &port.format())
    }

    pub(crate) fn forget_port(&self, network: &str, port: &Uuid) {
        remove(&self.ports_directory(network).join(format!("{port}.xml")));
    }

    /// Removes what was written for the next daemon.
    pub(crate) fn forget_status(&self, name: &str) {
        remove(&self.status_file(name));
        let ports = self.setup.state.join(name);
        match std::fs::remove_dir_all(&ports) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!("cannot remove {}: {e}", ports.display());
            }
            _ => {}
        }
    }

    /// What an earlier daemon wrote of running networks; a file that cannot be read is set aside.
    pub(crate) fn saved(&self) -> Vec<Live> {
        let files = file::list(&self.setup.state, "xml").unwrap_or_else(|e| {
            tracing::error!("cannot read {}: {e}", self.setup.state.display());
            Vec::new()
        });
        let mut found = Vec::new();
        for (name, path) in files {
            let text = std::fs::read_to_string(&path)
                .map_err(|e| Error::system(ErrorDomain::NETWORK, "cannot read", &e));
            match text.and_then(|text| Live::parse_status(&text)) {
                Ok(live) if live.network.name == name => found.push(self.with_ports(live)),
                Ok(live) => {
                    let other = internal(format!("it is the status of network '{}'", live.network.name));
                    file::set_aside(&path, None, &other);
                }
                Err(e) => {
                    file::set_aside(&path, u32::try_from(e.fields().int1).ok().filter(|line| *line > 0), &e);
                }
            }
        }
        found
    }

    fn with_ports(&self, mut live: Live) -> Live {
        let directory = self.ports_directory(&live.network.name);
        for (_, path) in file::list(&directory, "xml").unwrap_or_default() {
            let text = std::fs::read_to_string(&path)
                .map_err(|e| Error::system(ErrorDomain::NETWORK, "cannot read", &e));
            match text.and_then(|text| NetworkPort::parse(&text, false)) {
                Ok(port) => drop(live.ports.insert(port.uuid, port)),
                Err(e) => file::set_aside(&path, None, &e),
            }
        }
        live.count();
        live
    }

    /// Publishes what became of a running network, and writes it for the next daemon.
    pub(crate) fn keep(
        &self,
        edit: &virtus_state::definitions::Edit<'_, Definition>,
        entry: &Arc<Entry<Definition>>,
        live: Live,
    ) -> Result<()> {
        self.save_status(&live)?;
        let config = entry.definition().config.clone();
        edit.refresh(entry, Definition { config, live: Some(Arc::new(live)) });
        Ok(())
    }
}

fn write(path: &std::path::Path, command: &str, document: &str) -> Result<()> {
    file::write(path, with_header(command, document).as_bytes(), 0o600, Durability::Process).map_err(|e| {
        Error::system(ErrorDomain::NETWORK, format!("cannot write config file '{}'", path.display()), &e)
    })
}

pub(crate) fn remove(path: &std::path::Path) {
    if let Err(e) = file::remove(path, Durability::Process) {
        tracing::warn!("cannot remove {}: {e}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_outlives_the_daemon() {
        let xml = "<network><name>n</name><forward mode='bridge'><interface dev='eth1'/></forward></network>";
        let mut live = Live::new(Network::parse(xml, false).unwrap());
        live.classes.set(3);
        live.floor_sum = 20;
        let text = live.format_status();
        assert!(
            text.starts_with("<networkstatus>\n  <class_id bitmap='0-3'/>\n  <floor sum='20'/>\n  <network>")
        );
        let read = Live::parse_status(&with_header("net-edit n", &text)).unwrap();
        assert_eq!(read.format_status(), text);
        assert!(Live::parse_status(&text.replace("0-3", "x")).is_err());
        assert!(Live::parse_status("<networkstatus/>").is_err());
    }
}
