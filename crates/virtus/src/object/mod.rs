//! The objects of a connection, with a method for each procedure of the protocol.

use std::os::fd::OwnedFd;

use crate::types::*;
use virtus_api::calls::{Administration, Lxc, Qemu, Remote};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam, Uuid};

use crate::connection::Connection;
use crate::stream::Stream;

#[macro_use]
mod macros;
mod admin;
#[cfg(feature = "tokio")]
pub mod asynchronous;
mod connection;
mod domain;
mod interface;
mod migration;
mod moment;
mod network;
mod nodedev;
mod nwfilter;
mod secret;
mod storage;
mod wire;

pub use self::admin::Admin;
use self::wire::{FromReply, ToWire};
use virtus_api::{
    ClientRef, DomainCheckpointRef, DomainRef, DomainSnapshotRef, InterfaceRef, NetworkPortRef, NetworkRef,
    NodeDeviceRef, NwfilterBindingRef, NwfilterRef, SecretRef, ServerRef, StoragePoolRef, StorageVolRef,
};

objects! {
    /// A virtual machine.
    ///
    /// ```
    /// # fn main() -> virtus::Result<()> {
    /// let connection = virtus::Connection::open("test:///default")?;
    /// let domain = connection.lookup_domain_by_name("test")?;
    /// assert!(domain.is_active()?);
    /// domain.set_memory(1 << 20)?;
    /// assert!(domain.xml(0)?.contains("<currentMemory unit='KiB'>1048576</currentMemory>"));
    /// # Ok(()) }
    /// ```
    Domain(DomainRef) text[name] plain[uuid: Uuid];

    /// A virtual network.
    ///
    /// ```
    /// # fn main() -> virtus::Result<()> {
    /// let connection = virtus::Connection::open("test:///default")?;
    /// for network in connection.list_all_networks(0)? {
    ///     println!("{} is on {}", network.name(), network.bridge_name()?);
    /// }
    /// # Ok(()) }
    /// ```
    Network(NetworkRef) text[name] plain[uuid: Uuid];

    /// What is plugged into a network.
    ///
    /// ```no_run
    /// # fn main() -> virtus::Result<()> {
    /// let connection = virtus::Connection::open("network:///system")?;
    /// let network = connection.lookup_network_by_name("default")?;
    /// for port in network.list_all_ports(0)? {
    ///     println!("{}", port.xml(0)?);
    /// }
    /// # Ok(()) }
    /// ```
    NetworkPort(NetworkPortRef) text[] plain[uuid: Uuid];

    /// One of the host's network interfaces.
    ///
    /// ```
    /// # fn main() -> virtus::Result<()> {
    /// let connection = virtus::Connection::open("test:///default")?;
    /// let interface = connection.lookup_interface_by_name("eth1")?;
    /// assert_eq!(interface.mac(), "aa:bb:cc:dd:ee:ff");
    /// # Ok(()) }
    /// ```
    Interface(InterfaceRef) text[name, mac] plain[];

    /// Where volumes are kept.
    ///
    /// ```
    /// # fn main() -> virtus::Result<()> {
    /// let connection = virtus::Connection::open("test:///default")?;
    /// let pool = connection.lookup_storage_pool_by_name("default-pool")?;
    /// let info = pool.info()?;
    /// assert_eq!(info.capacity, info.allocation + info.available);
    /// # Ok(()) }
    /// ```
    StoragePool(StoragePoolRef) text[name] plain[uuid: Uuid];

    /// A disk, or what can become one.
    ///
    /// ```
    /// # fn main() -> virtus::Result<()> {
    /// let connection = virtus::Connection::open("test:///default")?;
    /// let pool = connection.lookup_storage_pool_by_name("default-pool")?;
    /// let xml = "<volume><name>disk</name><capacity unit='MiB'>10</capacity></volume>";
    /// let volume = pool.create_volume(xml, 0)?;
    /// assert_eq!(volume.info()?.capacity, 10 << 20);
    /// volume.delete(0)?;
    /// # Ok(()) }
    /// ```
    StorageVolume(StorageVolRef) text[name, key] plain[];

    /// One of the host's devices.
    ///
    /// ```
    /// # fn main() -> virtus::Result<()> {
    /// let connection = virtus::Connection::open("test:///default")?;
    /// let device = connection.lookup_node_device_by_name("computer")?;
    /// assert_eq!(device.list_caps()?, ["system"]);
    /// # Ok(()) }
    /// ```
    NodeDevice(NodeDeviceRef) text[name] plain[];

    /// Rules for packets.
    ///
    /// ```no_run
    /// # fn main() -> virtus::Result<()> {
    /// let connection = virtus::Connection::open("nwfilter:///system")?;
    /// let filter = connection.define_nwfilter("<filter name='quiet' chain='root'/>")?;
    /// filter.undefine()?;
    /// # Ok(()) }
    /// ```
    NwFilter(NwfilterRef) text[name] plain[uuid: Uuid];

    /// Where a filter applies.
    ///
    /// ```no_run
    /// # fn main() -> virtus::Result<()> {
    /// let connection = virtus::Connection::open("nwfilter:///system")?;
    /// for binding in connection.list_all_nwfilter_bindings(0)? {
    ///     println!("{} has {}", binding.portdev(), binding.filtername());
    /// }
    /// # Ok(()) }
    /// ```
    NwFilterBinding(NwfilterBindingRef) text[portdev, filtername] plain[];

    /// What nobody else should know.
    ///
    /// ```no_run
    /// # fn main() -> virtus::Result<()> {
    /// let connection = virtus::Connection::open("secret:///system")?;
    /// let secret = connection.define_secret("<secret><description>of a volume</description></secret>", 0)?;
    /// secret.set_value(b"mellon", 0)?;
    /// # Ok(()) }
    /// ```
    Secret(SecretRef) text[usage_id] plain[uuid: Uuid, usage_type: i32];

    /// What a domain was at a moment.
    ///
    /// ```
    /// # fn main() -> virtus::Result<()> {
    /// let connection = virtus::Connection::open("test:///default")?;
    /// let domain = connection.lookup_domain_by_name("test")?;
    /// let snapshot = domain.create_snapshot("<domainsnapshot><name>before</name></domainsnapshot>", 0)?;
    /// snapshot.revert(0)?;
    /// snapshot.delete(0)?;
    /// # Ok(()) }
    /// ```
    DomainSnapshot(DomainSnapshotRef) text[name] plain[];

    /// A moment since which a domain's disks keep what changes.
    ///
    /// ```no_run
    /// # fn main() -> virtus::Result<()> {
    /// let connection = virtus::Connection::open("qemu:///system")?;
    /// let domain = connection.lookup_domain_by_name("alpha")?;
    /// let checkpoint = domain.create_checkpoint("<domaincheckpoint/>", 0)?;
    /// println!("{}", checkpoint.name());
    /// # Ok(()) }
    /// ```
    DomainCheckpoint(DomainCheckpointRef) text[name] plain[];

    /// One of a daemon's servers.
    ///
    /// ```no_run
    /// # fn main() -> virtus::Result<()> {
    /// for client in virtus::Admin::open(None)?.lookup_server("libvirtd", 0)?.list_clients(0)? {
    ///     println!("{}", client.id());
    /// }
    /// # Ok(()) }
    /// ```
    AdminServer(ServerRef) text[name] plain[];

    /// Who is connected to a daemon.
    ///
    /// ```no_run
    /// # fn main() -> virtus::Result<()> {
    /// let server = virtus::Admin::open(None)?.lookup_server("libvirtd", 0)?;
    /// server.lookup_client(1, 0)?.close(0)?;
    /// # Ok(()) }
    /// ```
    AdminClient(ClientRef) text[] plain[id: u64, timestamp: i64, transport: u32];
}

impl Connection {
    /// Itself: what its objects have as well.
    pub(crate) fn connection(&self) -> &Connection {
        self
    }
}

impl Domain {
    /// The id of the running domain, as it was when the domain was looked up.
    pub fn id(&self) -> Option<i32> {
        (self.reference.id >= 0).then_some(self.reference.id)
    }
}

impl NetworkPort {
    /// The network.
    pub fn network(&self) -> Network {
        FromReply::from_reply(&self.connection, self.reference.net.clone())
    }
}

impl StorageVolume {
    /// The name of the pool it is in.
    pub fn pool_name(&self) -> &str {
        &self.reference.pool
    }
}

impl DomainSnapshot {
    /// Whose it is.
    pub fn domain(&self) -> Domain {
        FromReply::from_reply(&self.connection, self.reference.dom.clone())
    }
}

impl DomainCheckpoint {
    /// Whose it is.
    pub fn domain(&self) -> Domain {
        FromReply::from_reply(&self.connection, self.reference.dom.clone())
    }
}

impl AdminClient {
    /// The server it is connected to.
    pub fn server(&self) -> AdminServer {
        FromReply::from_reply(&self.connection, self.reference.srv.clone())
    }
}

#[cfg(test)]
mod tests;
