//! Where the bytes of a disk, of firmware variables or of a backing file are: `<source>` and all it holds.

mod backing;
mod secret;

pub use backing::*;
pub use secret::*;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, RawElement, Value, Writer, Xml, YesNo, field, keywords};

use crate::domain::parse::{RULES, xml_error};
use crate::domain::seclabel::DeviceSecLabel;

use super::address::PciAddress;

/// A source of bytes: the location that `@type` chooses, and what every location can have.
#[derive(Clone, Debug, PartialEq)]
pub struct StorageSource {
    pub location: Location,
    pub common: SourceCommon,
}

/// Where the bytes are; `@type` of the element around `<source>`.
#[derive(Clone, Debug, PartialEq)]
pub enum Location {
    File(FileSource),
    Block(BlockSource),
    Dir(DirSource),
    Network(Box<NetworkSource>),
    Volume(VolumeSource),
    Nvme(NvmeSource),
    VhostUser(VhostUserSource),
    VhostVdpa(VhostVdpaSource),
}

/// A file of the host.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct FileSource {
    #[xml(attr, nonempty)]
    pub file: Option<String>,
    #[xml(attr)]
    pub fdgroup: Option<String>,
}

/// A block device of the host.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct BlockSource {
    #[xml(attr, nonempty)]
    pub dev: Option<String>,
    #[xml(attr)]
    pub fdgroup: Option<String>,
}

/// A directory shown as a FAT volume.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct DirSource {
    #[xml(attr, nonempty)]
    pub dir: Option<String>,
}

keywords! {
    /// How a network source is spoken to.
    pub enum NetProtocol {
        Nbd = "nbd", Rbd = "rbd", Sheepdog = "sheepdog", Gluster = "gluster", Iscsi = "iscsi", Http = "http",
        Https = "https", Ftp = "ftp", Ftps = "ftps", Tftp = "tftp", Ssh = "ssh", Vxhs = "vxhs", Nfs = "nfs",
    }
}

/// An image on the network.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = distinct_cookies, order(protocol, fn named))]
pub struct NetworkSource {
    #[xml(attr, missing = "missing network source protocol type")]
    pub protocol: Option<NetProtocol>,
    #[xml(attr, nonempty)]
    pub name: Option<String>,
    #[xml(attr)]
    pub query: Option<String>,
    #[xml(attr)]
    pub tls: Option<YesNo>,
    #[xml(attr = "tlsHostname")]
    pub tls_hostname: Option<String>,
    #[xml(child = "host")]
    pub hosts: Vec<NetHost>,
    #[xml(at = "snapshot/@name")]
    pub snapshot: Option<String>,
    #[xml(at = "config/@file")]
    pub config: Option<String>,
    #[xml(at = "ssl/@verify")]
    pub ssl_verify: Option<YesNo>,
    #[xml(child = "cookies/cookie", only = "secure")]
    pub cookies: Vec<Cookie>,
    #[xml(at = "readahead/@size")]
    pub readahead: Option<u64>,
    #[xml(at = "timeout/@seconds")]
    pub timeout: Option<u64>,
    #[xml(at = "reconnect/@delay")]
    pub reconnect_delay: Option<u64>,
    #[xml(at = "knownHosts/@path")]
    pub known_hosts: Option<String>,
    pub identity: Option<Identity>,
}

/// libvirt reads cookies of web servers only.
fn distinct_cookies(source: &mut NetworkSource, _: Element<'_>) -> Result<()> {
    if !matches!(source.protocol, Some(NetProtocol::Http | NetProtocol::Https)) {
        return Ok(());
    }
    let mut seen = std::collections::HashSet::new();
    match source.cookies.iter().find(|cookie| !seen.insert(&cookie.name)) {
        Some(twice) => {
            let text = format!("duplicate cookie '{}'", twice.name);
            Err(Error::new(ErrorDomain::STORAGE, ErrorCode::XML_ERROR, text))
        }
        None => Ok(()),
    }
}

/// All but NBD's exports have a name; images in pools have the pool's before a slash.
fn named(e: Element<'_>) -> Result<()> {
    match (e.attr("protocol"), e.attr("name")) {
        (Some(protocol), None) if protocol != "nbd" => Err(xml_error("missing name for disk source")),
        (Some("rbd" | "gluster"), Some(name)) if matches!(name.find('/'), None | Some(0)) => {
            Err(xml_error(format!("can't split path '{name}' into pool name and image name")))
        }
        _ => Ok(()),
    }
}

keywords! {
    /// How a host is reached.
    pub enum NetTransport { Tcp = "tcp", Unix = "unix", Rdma = "rdma" }
}

/// A server of a network source.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = reachable)]
pub struct NetHost {
    #[xml(attr)]
    pub name: Option<String>,
    #[xml(attr)]
    pub port: Option<String>,
    #[xml(attr)]
    pub transport: Option<NetTransport>,
    #[xml(attr)]
    pub socket: Option<String>,
}

/// A socket of the host has a path, everything else a name and perhaps a port.
fn reachable(host: &mut NetHost, _: Element<'_>) -> Result<()> {
    let transport = host.transport.unwrap_or(NetTransport::Tcp);
    if transport == NetTransport::Unix {
        host.name = None;
        return match host.socket {
            Some(_) => Ok(()),
            None => Err(xml_error("missing socket for unix transport")),
        };
    }
    if host.socket.is_some() {
        return Err(xml_error(format!("transport '{transport}' does not support socket attribute")));
    }
    if host.name.is_none() {
        return Err(xml_error("missing name for host"));
    }
    let Some(port) = &host.port else { return Ok(()) };
    let wrong = |text: String| Err(Error::new(ErrorDomain::NONE, ErrorCode::INVALID_ARG, text));
    match <u32 as Value>::parse(port, 10) {
        None => wrong(format!("failed to parse port number '{port}'")),
        Some(number) if number > u32::from(u16::MAX) => wrong(format!("port '{port}' out of range")),
        Some(_) => Ok(()),
    }
}

/// A cookie of an HTTP source.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = said)]
pub struct Cookie {
    #[xml(attr, nonempty, missing = "missing cookie name")]
    pub name: String,
    #[xml(text, missing = "missing value for cookie")]
    pub value: Option<String>,
}

fn said(cookie: &mut Cookie, _: Element<'_>) -> Result<()> {
    match cookie.value {
        Some(_) => Ok(()),
        None => Err(xml_error(format!("missing value for cookie '{}'", cookie.name))),
    }
}

/// As whom an SSH or NFS source is opened.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Identity {
    #[xml(attr)]
    pub user: Option<String>,
    #[xml(attr)]
    pub group: Option<String>,
    #[xml(attr)]
    pub username: Option<String>,
    #[xml(attr)]
    pub keyfile: Option<String>,
    #[xml(attr)]
    pub agentsock: Option<String>,
}

keywords! {
    /// How an iSCSI volume of a pool is used.
    pub enum VolumeMode { Host = "host", Direct = "direct" }
}

/// A volume of a storage pool.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct VolumeSource {
    #[xml(attr)]
    pub pool: Option<String>,
    #[xml(attr)]
    pub volume: Option<String>,
    #[xml(attr)]
    pub mode: Option<VolumeMode>,
}

keywords! {
    /// The bus of an NVMe controller.
    pub enum NvmeBus { Pci = "pci" }
}

/// A namespace of an NVMe controller that the guest's process drives itself.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct NvmeSource {
    #[xml(attr = "type")]
    pub bus: Option<NvmeBus>,
    #[xml(attr)]
    pub managed: Option<YesNo>,
    #[xml(attr)]
    pub namespace: Option<u64>,
    pub address: Option<PciAddress>,
}

/// A vhost-user-blk server's socket.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct VhostUserSource {
    #[xml(attr = "type")]
    pub kind: Option<String>,
    #[xml(attr)]
    pub path: Option<String>,
    pub reconnect: Option<Reconnect>,
}

/// A vhost-vdpa block device.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct VhostVdpaSource {
    #[xml(attr)]
    pub dev: Option<String>,
}

/// Whether and how often (in seconds) a lost connection is tried again.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Reconnect {
    #[xml(attr)]
    pub enabled: YesNo,
    #[xml(attr)]
    pub timeout: Option<u32>,
}

keywords! {
    /// What happens when the source is not there.
    pub enum StartupPolicy { Mandatory = "mandatory", Requisite = "requisite", Optional = "optional" }
}

/// What every kind of `<source>` can have.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct SourceCommon {
    #[xml(attr = "startupPolicy")]
    pub startup_policy: Option<StartupPolicy>,
    #[xml(attr, reads = "live")]
    pub index: Option<u32>,
    #[xml(child = "slices/slice")]
    pub slices: Vec<Slice>,
    #[xml(child = "seclabel")]
    pub seclabels: Vec<DeviceSecLabel>,
    #[xml(at = "initiator/iqn/@name")]
    pub initiator: Option<String>,
    pub auth: Option<Auth>,
    pub encryption: Option<Encryption>,
    pub reservations: Option<Reservations>,
    #[xml(child = "dataStore")]
    pub data_store: Option<Box<DataStore>>,
    /// What the hypervisor's driver keeps in the status file.
    #[xml(child = "privateData", only = "status")]
    pub private_data: Option<RawElement>,
}

keywords! {
    /// What a slice holds.
    pub enum SliceType { Storage = "storage" }
}

/// A part of the file that holds the image, in bytes.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Slice {
    #[xml(attr = "type")]
    pub kind: SliceType,
    #[xml(attr)]
    pub offset: u64,
    #[xml(attr, rule = "nonzero")]
    pub size: u64,
}

/// SCSI persistent reservations.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Reservations {
    #[xml(attr)]
    pub managed: YesNo,
    #[xml(attr)]
    pub migration: Option<YesNo>,
    pub source: Option<ReservationsSource>,
}

/// The helper's socket.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct ReservationsSource {
    #[xml(attr = "type")]
    pub kind: String,
    #[xml(attr)]
    pub path: String,
    #[xml(attr)]
    pub mode: String,
}

impl Default for StorageSource {
    fn default() -> Self {
        StorageSource { location: Location::File(FileSource::default()), common: SourceCommon::default() }
    }
}

impl Location {
    /// The word of `@type`.
    pub fn tag(&self) -> &'static str {
        match self {
            Location::File(_) => "file",
            Location::Block(_) => "block",
            Location::Dir(_) => "dir",
            Location::Network(_) => "network",
            Location::Volume(_) => "volume",
            Location::Nvme(_) => "nvme",
            Location::VhostUser(_) => "vhostuser",
            Location::VhostVdpa(_) => "vhostvdpa",
        }
    }

    /// Reads the location of type `tag` from `<source>`, which may be missing.
    fn read(tag: &str, around: Element<'_>, source: Option<Element<'_>>) -> Result<Self> {
        fn inner<T: Xml + Default>(source: Option<Element<'_>>) -> Result<T> {
            source.map_or_else(|| Ok(T::default()), T::read)
        }
        Ok(match tag {
            "file" => Location::File(inner(source)?),
            "block" => Location::Block(inner(source)?),
            "dir" => Location::Dir(inner(source)?),
            "network" => Location::Network(Box::new(inner(source)?)),
            "volume" => Location::Volume(inner(source)?),
            "nvme" => Location::Nvme(source.map_or_else(|| Ok(NvmeSource::default()), NvmeSource::whole)?),
            "vhostuser" if source.is_some_and(|s| s.attr("type").is_some() && s.attr("path").is_none()) => {
                return Err(xml_error("missing 'path' attribute for vhostuser disk source"));
            }
            "vhostuser" => Location::VhostUser(inner(source)?),
            "vhostvdpa" if source.is_some_and(|s| s.attr("dev").is_none()) => {
                return Err(field::missing("source", "dev", &RULES));
            }
            "vhostvdpa" => Location::VhostVdpa(inner(source)?),
            other if around.name() == "backingStore" => {
                return Err(xml_error(format!("unknown storage source type '{other}'")));
            }
            other => return Err(field::invalid(around, "type", other, "", &RULES)),
        })
    }

    fn write(&self, w: &mut Writer, body: bool) {
        fn half<T: Xml>(value: &T, w: &mut Writer, body: bool) {
            match body {
                false => value.write_attrs(w),
                true => value.write_body(w),
            }
        }
        match self {
            Location::File(s) => half(s, w, body),
            Location::Block(s) => half(s, w, body),
            Location::Dir(s) => half(s, w, body),
            Location::Network(s) => half(s, w, body),
            Location::Volume(s) => half(s, w, body),
            Location::Nvme(s) => half(s, w, body),
            Location::VhostUser(s) => half(s, w, body),
            Location::VhostVdpa(s) => half(s, w, body),
        }
    }
}

impl NetworkSource {
    /// Drops what other protocols have: libvirt does not look for it.
    fn forget_others(&mut self) {
        use NetProtocol as P;
        if !matches!(self.protocol, Some(P::Https | P::Ftps)) {
            self.ssl_verify = None;
        }
        if !matches!(self.protocol, Some(P::Http | P::Https)) {
            self.query = None;
            self.cookies.clear();
        }
        if !matches!(self.protocol, Some(P::Http | P::Https | P::Ftp | P::Ftps)) {
            (self.readahead, self.timeout) = (None, None);
        }
        if self.protocol != Some(P::Nbd) {
            self.reconnect_delay = None;
        }
    }
}

impl NvmeSource {
    /// Reads one that has to say which namespace of which controller it is.
    fn whole(e: Element<'_>) -> Result<Self> {
        for name in ["type", "namespace"] {
            if e.attr(name).is_none() {
                return Err(match name {
                    "type" => xml_error("missing 'type' attribute to disk source"),
                    _ => field::missing(e.name(), name, &RULES),
                });
            }
        }
        match NvmeSource::read(e)? {
            source if source.address.is_none() => Err(xml_error("NVMe disk source is missing address")),
            source => Ok(source),
        }
    }
}

impl StorageSource {
    /// A file of the host.
    pub fn file(path: impl Into<String>) -> Self {
        StorageSource {
            location: Location::File(FileSource { file: Some(path.into()), fdgroup: None }),
            common: SourceCommon::default(),
        }
    }

    /// The local path, if the bytes are in a file, device or directory of the host.
    pub fn path(&self) -> Option<&str> {
        match &self.location {
            Location::File(s) => s.file.as_deref(),
            Location::Block(s) => s.dev.as_deref(),
            Location::Dir(s) => s.dir.as_deref(),
            Location::VhostUser(s) => s.path.as_deref(),
            Location::VhostVdpa(s) => s.dev.as_deref(),
            _ => None,
        }
    }

    /// The network location, if it is one.
    pub fn network(&self) -> Option<&NetworkSource> {
        match &self.location {
            Location::Network(s) => Some(s),
            _ => None,
        }
    }

    /// Whether no bytes are named: an empty drive.
    pub fn is_empty(&self) -> bool {
        match &self.location {
            Location::File(s) => s.file.as_ref().is_none_or(String::is_empty) && s.fdgroup.is_none(),
            Location::Block(s) => s.dev.as_ref().is_none_or(String::is_empty),
            Location::Dir(s) => s.dir.as_ref().is_none_or(String::is_empty),
            Location::Network(s) => s.protocol.is_none(),
            Location::Volume(s) => s.pool.is_none() && s.volume.is_none(),
            Location::Nvme(s) => s.address.is_none(),
            Location::VhostUser(s) => s.path.is_none(),
            Location::VhostVdpa(s) => s.dev.is_none(),
        }
    }
}

/// Reads and writes `@type` and `<source>` of the element around.
impl Xml for StorageSource {
    fn read(e: Element<'_>) -> Result<Self> {
        let source = e.child("source");
        let mut location = Location::read(e.attr("type").unwrap_or("file"), e, source)?;
        if let Location::Network(network) = &mut location {
            network.forget_others();
        }
        if let (Location::Network(network), Some(_)) = (&location, source)
            && network.protocol.is_none()
        {
            return Err(field::missing("source", "protocol", &RULES));
        }
        if let (Location::Nvme(_) | Location::VhostUser(_), Some(source)) = (&location, source)
            && source.attr("type").is_none()
        {
            return Err(xml_error("missing 'type' attribute to disk source"));
        }
        let mut common = source.map(SourceCommon::read).transpose()?.unwrap_or_default();
        crate::domain::seclabel::check_once(common.seclabels.iter().map(|label| label.model.as_deref()))?;
        if e.options().inactive {
            common.seclabels.retain(|label| !label.is_void());
        }
        Ok(StorageSource { location, common })
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr("type", self.location.tag());
    }
    fn write_body(&self, w: &mut Writer) {
        w.start("source");
        self.location.write(w, false);
        self.common.write_attrs(w);
        self.location.write(w, true);
        self.common.write_body(w);
        w.end_unless_empty();
    }
}
