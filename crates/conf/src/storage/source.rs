//! Where a pool's storage comes from.

use virtus_base::Result;
use virtus_xml::{Element, Value, Writer, YesNo, field};

use super::{Adapter, Auth, Kind, unsupported, xml_error};

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its port; the service's own if 0.
    pub port: i32,
}

/// A block device of the host, or an iSCSI target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its path or name.
    pub path: String,
    /// Whether a `p` stands between the device's name and a partition's number.
    pub part_separator: Option<YesNo>,
}

/// Where a pool's storage comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The servers.
    pub hosts: Vec<Host>,
    /// The devices.
    pub devices: Vec<Device>,
    /// The directory on the server.
    pub dir: Option<String>,
    /// The host bus adapter.
    pub adapter: Option<Adapter>,
    /// What the storage calls itself.
    pub name: Option<String>,
    /// The name one has as an iSCSI initiator.
    pub initiator: Option<String>,
    /// One of [`Kind::formats`], where the kind has any.
    pub format: Option<&'static str>,
    /// How the server is convinced.
    pub auth: Option<Auth>,
    /// The version of NFS.
    pub protocol: Option<String>,
    /// Who made it.
    pub vendor: Option<String>,
    /// What it is called by whom made it.
    pub product: Option<String>,
}

impl Source {
    pub(super) fn read(e: Element<'_>, kind: Kind) -> Result<Self> {
        let name_of = |element: &str| e.child(element).and_then(|c| c.attr("name")).map(str::to_owned);
        let name = e.child("name").and_then(|n| n.text());
        if kind == Kind::Rbd && name.is_none() {
            return Err(xml_error("element 'name' is mandatory for RBD pool"));
        }
        let format = match e.child("format").and_then(|f| f.attr("type")) {
            Some(word) if !kind.formats().is_empty() => Some(
                kind.formats()
                    .iter()
                    .find(|f| **f == word)
                    .ok_or_else(|| unsupported(format!("unknown pool format type {word}")))?,
            ),
            _ => kind.formats().first(),
        };
        let mut source = Source { name, format: format.copied(), ..Source::default() };
        for host in e.children("host") {
            let name =
                host.attr("name").ok_or_else(|| xml_error("missing storage pool host name"))?.to_owned();
            let port = match host.attr("port") {
                None => 0,
                Some(port) => <i32 as Value>::parse(port, 10)
                    .ok_or_else(|| xml_error(format!("Invalid port number: {port}")))?,
            };
            source.hosts.push(Host { name, port });
        }
        source.initiator =
            e.descend(&["initiator", "iqn"]).and_then(|iqn| iqn.attr("name")).map(str::to_owned);
        for device in e.children("device") {
            let path =
                device.attr("path").ok_or_else(|| xml_error("missing storage pool source device path"))?;
            source.devices.push(Device {
                path: path.to_owned(),
                part_separator: field::attr(Some(device), "part_separator", &crate::RULES)?,
            });
            // what a disk has free is known while its pool is active, and read of none
            device.children("freeExtent").for_each(|extent| {
                extent.accept_all();
            });
        }
        source.dir = e.child("dir").and_then(|d| d.attr("path")).map(str::to_owned);
        if source.dir.is_none() && kind == Kind::Gluster {
            source.dir = Some("/".into());
        }
        source.adapter = e.child("adapter").map(Adapter::read).transpose()?.flatten();
        source.auth = e.child("auth").map(Auth::read).transpose()?;
        if let Some(version) = e.child("protocol").and_then(|p| p.attr("ver")) {
            if source.format != Some("nfs") {
                let kind = source.format.unwrap_or(kind.as_str());
                return Err(unsupported(format!(
                    "storage pool protocol ver unsupported for pool type '{kind}'"
                )));
            }
            if version.contains(',') {
                let text = format!("storage pool protocol ver '{version}' must not contain ','");
                return Err(xml_error(text));
            }
            source.protocol = Some(version.to_owned());
        }
        (source.vendor, source.product) = (name_of("vendor"), name_of("product"));
        Ok(source)
    }

    /// What the kind needs has to be there.
    pub(super) fn check(&mut self, kind: Kind, pool: &str) -> Result<()> {
        let needs = kind.needs();
        for (lacks, text) in [
            (needs.host && self.hosts.is_empty(), "missing storage pool source host name"),
            (needs.dir && self.dir.is_none(), "missing storage pool source path"),
        ] {
            if lacks {
                return Err(xml_error(text));
            }
        }
        if needs.name && self.name.is_none() {
            self.name = Some(pool.to_owned());
        }
        for (lacks, text) in [
            (needs.adapter && self.adapter.is_none(), "missing storage pool source adapter"),
            (
                needs.device && kind != Kind::Logical && kind != Kind::Zfs && self.devices.is_empty(),
                "missing storage pool source device name",
            ),
            (needs.initiator && self.initiator.is_none(), "missing initiator IQN"),
        ] {
            if lacks {
                return Err(xml_error(text));
            }
        }
        Ok(())
    }

    pub(super) fn write(&self, kind: Kind, w: &mut Writer) {
        let needs = kind.needs();
        w.start("source");
        w.keep_open();
        for host in self.hosts.iter().filter(|_| needs.host) {
            w.start("host");
            w.attr("name", &host.name);
            if host.port != 0 {
                w.attr_fmt("port", format_args!("{}", host.port));
            }
            w.end();
        }
        for device in self.devices.iter().filter(|_| needs.device) {
            w.start("device");
            w.attr("path", &device.path);
            if kind == Kind::Disk {
                w.attr_opt("part_separator", device.part_separator.map(YesNo::as_str));
            }
            w.end();
        }
        if let Some(dir) = self.dir.as_deref().filter(|_| needs.dir) {
            w.start("dir");
            w.attr("path", dir);
            w.end();
        }
        if let Some(adapter) = self.adapter.as_ref().filter(|_| needs.adapter) {
            adapter.write(w);
        }
        if let Some(name) = self.name.as_deref().filter(|_| needs.name) {
            w.element_text("name", name);
        }
        if let Some(iqn) = self.initiator.as_deref().filter(|_| needs.initiator) {
            w.start("initiator");
            w.start("iqn");
            w.attr("name", iqn);
            w.end();
            w.end();
        }
        if let Some(format) = self.format {
            w.start("format");
            w.attr("type", format);
            w.end();
        }
        if let Some(auth) = &self.auth {
            auth.write(w);
        }
        if let Some(version) = self.protocol.as_deref().filter(|_| needs.protocol) {
            w.start("protocol");
            w.attr("ver", version);
            w.end();
        }
        for (element, name) in [("vendor", &self.vendor), ("product", &self.product)] {
            if let Some(name) = name {
                w.start(element);
                w.attr("name", name);
                w.end();
            }
        }
        w.end();
    }
}
