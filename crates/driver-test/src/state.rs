//! What the host in memory has.

use virtus_api::{DomainRef, NetworkRef, StoragePoolRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_conf::interface::Interface;
use virtus_conf::network::Network;
use virtus_conf::nodedev::NodeDevice;
use virtus_conf::storage::{Pool, Volume};

use crate::domain::Domain;
use crate::{error, internal};

/// The host's processors and memory (`virNodeInfo`).
#[derive(Clone, Debug)]
pub(crate) struct NodeInfo {
    pub(crate) model: String,
    /// In KiB.
    pub(crate) memory: u64,
    pub(crate) cpus: i32,
    pub(crate) mhz: i32,
    pub(crate) nodes: i32,
    pub(crate) sockets: i32,
    pub(crate) cores: i32,
    pub(crate) threads: i32,
}

impl Default for NodeInfo {
    fn default() -> Self {
        NodeInfo {
            model: "i686".to_owned(),
            memory: 3 << 20,
            cpus: 16,
            mhz: 1400,
            nodes: 2,
            sockets: 2,
            cores: 2,
            threads: 2,
        }
    }
}

impl NodeInfo {
    /// The highest number of processors it may have (`VIR_NODEINFO_MAXCPUS`).
    pub(crate) fn most_cpus(&self) -> usize {
        [self.nodes, self.sockets, self.cores, self.threads]
            .into_iter()
            .map(|factor| usize::try_from(factor).unwrap_or(0))
            .fold(1_usize, usize::saturating_mul)
            .min(virtus_base::bitmap::MAX_BITS)
    }
}

/// A NUMA node of the host: its memory in KiB.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) memory: u64,
    pub(crate) free: u64,
}

/// A network interface.
#[derive(Clone, Debug)]
pub(crate) struct InterfaceObject {
    pub(crate) definition: Interface,
    pub(crate) active: bool,
}

/// A network.
#[derive(Clone, Debug)]
pub(crate) struct NetworkObject {
    /// What it is; while it runs and is persistent, what it will be next time is beside it.
    pub(crate) definition: Network,
    pub(crate) next: Option<Network>,
    pub(crate) active: bool,
    pub(crate) persistent: bool,
    pub(crate) autostart: bool,
}

impl NetworkObject {
    pub(crate) fn reference(&self) -> NetworkRef {
        NetworkRef { name: self.definition.name.clone(), uuid: self.definition.uuid }
    }
}

/// A storage pool and its volumes.
#[derive(Clone, Debug)]
pub(crate) struct PoolObject {
    pub(crate) definition: Pool,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) active: bool,
    pub(crate) persistent: bool,
    pub(crate) autostart: bool,
}

impl PoolObject {
    pub(crate) fn reference(&self) -> StoragePoolRef {
        StoragePoolRef { name: self.definition.name.clone(), uuid: self.definition.uuid }
    }
}

/// The host.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) node: NodeInfo,
    pub(crate) cells: Vec<Cell>,
    pub(crate) domains: Vec<Domain>,
    pub(crate) last_id: i32,
    pub(crate) networks: Vec<NetworkObject>,
    pub(crate) interfaces: Vec<InterfaceObject>,
    /// What they were before changes that are neither kept nor taken back yet.
    pub(crate) interfaces_before: Option<Vec<InterfaceObject>>,
    pub(crate) pools: Vec<PoolObject>,
    pub(crate) devices: Vec<NodeDevice>,
    /// Whether one of them is a virtual adapter, which is neither active nor persistent.
    pub(crate) has_vport: bool,
    pub(crate) users: Vec<(String, Option<String>)>,
}

impl State {
    /// The domain that a client means.
    pub(crate) fn domain(&mut self, dom: &DomainRef) -> Result<&mut Domain> {
        let found = self.domains.iter_mut().find(|domain| domain.definition.uuid == dom.uuid);
        found.ok_or_else(|| {
            let text = format!("no domain with matching uuid '{}' ({})", dom.uuid, dom.name);
            error(ErrorCode::NO_DOMAIN, text)
        })
    }

    /// Takes a domain off the list that is neither persistent nor running any more.
    pub(crate) fn forget_domain(&mut self, uuid: &Uuid) {
        self.domains.retain(|domain| domain.definition.uuid != *uuid);
    }
}

/// What a document's identity may be in a list: new, or that of one that is there already.
pub(crate) enum Identity {
    New,
    /// The place of the one that it is.
    Known(usize),
}

/// Compares a document's name and UUID with those of a list. `kind` is what errors call such an object.
pub(crate) fn identify<'a>(
    list: impl Iterator<Item = (&'a str, Uuid)> + Clone,
    (name, uuid): (&str, Uuid),
    errors: ErrorDomain,
    kind: &str,
) -> Result<Identity> {
    let failed = |text: String| Error::new(errors, ErrorCode::OPERATION_FAILED, text);
    let mut numbered = list.clone().enumerate();
    if let Some((place, (other, _))) = numbered.find(|(_, (_, other))| *other == uuid) {
        return match other == name {
            true => Ok(Identity::Known(place)),
            false => Err(failed(format!("{kind} '{other}' is already defined with uuid {uuid}"))),
        };
    }
    match list.clone().find(|(other, _)| *other == name) {
        Some((other, uuid)) => Err(failed(format!("{kind} '{other}' already exists with uuid {uuid}"))),
        None => Ok(Identity::New),
    }
}

/// The object at `place`, which was found there a moment ago.
pub(crate) fn at<T>(list: &mut [T], place: usize) -> Result<&mut T> {
    list.get_mut(place).ok_or_else(|| internal("the object is gone"))
}
