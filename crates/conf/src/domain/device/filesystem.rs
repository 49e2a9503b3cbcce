//! `<filesystem>`: directories of the host in the guest.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, OnOff, Writer, Xml, field, keywords};

use super::info::DeviceInfo;
use super::virtio::{VirtioOptions, check_driver};
use crate::domain::misc::IdMaps;
use crate::domain::parse::{RULES, keyword_attr, xml_error};
use crate::domain::stable::{Or, Stable, equal, told};
use crate::scaled::KiB;

keywords! {
    /// `@type`: what is mounted.
    pub enum FsType {
        Mount = "mount", Block = "block", File = "file", Template = "template", Ram = "ram", Bind = "bind",
        Volume = "volume",
    }
}
keywords! {
    /// How owners and modes are kept.
    pub enum AccessMode { Passthrough = "passthrough", Mapped = "mapped", Squash = "squash" }
}
keywords! {
    /// Which virtio generation.
    pub enum FsModel {
        Virtio = "virtio", Transitional = "virtio-transitional", NonTransitional = "virtio-non-transitional",
    }
}
keywords! {
    /// How directories on several devices are told apart.
    pub enum MultiDevs { Default = "default", Remap = "remap", Forbid = "forbid", Warn = "warn" }
}
keywords! {
    /// Who serves the files.
    pub enum FsDriverType {
        Path = "path", Handle = "handle", Loop = "loop", Nbd = "nbd", Ploop = "ploop", Virtiofs = "virtiofs",
        Mtp = "mtp",
    }
}
keywords! {
    /// When writes reach the host's disk.
    pub enum WritePolicy { Immediate = "immediate" }
}

/// `<filesystem>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Filesystem {
    pub kind: FsType,
    pub options: FsOptions,
    pub driver: FsDriver,
    pub binary: Option<Binary>,
    pub idmap: Option<IdMaps>,
    /// What of the host: the attribute of `<source>` that `kind` names.
    pub source: Option<String>,
    /// Of `volume`: the pool.
    pub pool: Option<String>,
    /// A running virtiofsd's socket.
    pub socket: Option<String>,
    /// Of `ram`: the size.
    pub usage: Option<KiB>,
    /// Where in the guest, or the mount tag.
    pub target: Option<String>,
    pub readonly: bool,
    pub space_hard_limit: Option<u64>,
    pub space_soft_limit: Option<u64>,
    pub info: DeviceInfo,
}

/// The attributes of `<filesystem>` itself.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct FsOptions {
    #[xml(attr, nonempty)]
    pub accessmode: Option<AccessMode>,
    /// The mode of new files, octal.
    #[xml(attr, base = 8, format = "{:04o}")]
    pub fmode: Option<u32>,
    /// The mode of new directories, octal.
    #[xml(attr, base = 8, format = "{:04o}")]
    pub dmode: Option<u32>,
    #[xml(attr)]
    pub model: Option<FsModel>,
    #[xml(attr)]
    pub multidevs: Option<MultiDevs>,
}

/// `<driver>` of a file system.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct FsDriver {
    #[xml(attr = "type")]
    pub kind: Option<FsDriverType>,
    #[xml(attr)]
    pub format: Option<String>,
    #[xml(attr)]
    pub wrpolicy: Option<WritePolicy>,
    #[xml(attr, invalid = "cannot parse queue size '{}' for virtiofs")]
    pub queue: Option<u64>,
    #[xml(flatten)]
    pub virtio: VirtioOptions,
}

keywords! {
    /// How much virtiofsd caches.
    pub enum FsCache { None = "none", Always = "always" }
}
keywords! {
    /// How virtiofsd confines itself.
    pub enum FsSandbox { Namespace = "namespace", Chroot = "chroot" }
}

/// `<binary>`: how virtiofsd is run.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Binary {
    #[xml(attr)]
    pub path: Option<String>,
    #[xml(attr)]
    pub xattr: Option<OnOff>,
    #[xml(at = "cache/@mode")]
    pub cache: Option<FsCache>,
    #[xml(at = "sandbox/@mode")]
    pub sandbox: Option<FsSandbox>,
    #[xml(at = "lock/@posix")]
    pub lock_posix: Option<OnOff>,
    #[xml(at = "lock/@flock")]
    pub lock_flock: Option<OnOff>,
    #[xml(at = "thread_pool/@size")]
    pub thread_pool: Option<i32>,
    #[xml(at = "openfiles/@max")]
    pub openfiles: Option<u64>,
}

impl FsType {
    /// The attribute of `<source>` that says what.
    fn attribute(self) -> &'static str {
        match self {
            FsType::Mount | FsType::Bind => "dir",
            FsType::Block => "dev",
            FsType::File => "file",
            FsType::Template => "name",
            FsType::Ram => "usage",
            FsType::Volume => "volume",
        }
    }
}

impl Xml for Filesystem {
    fn read(e: Element<'_>) -> Result<Self> {
        let kind = keyword_attr(e, "type")?.unwrap_or(FsType::Mount);
        let source = e.child("source");
        let text = |name: &str| source.and_then(|s| s.attr(name)).map(str::to_owned);
        let no_usage = || xml_error("missing 'usage' attribute for RAM filesystem");
        let usage = match (kind, source) {
            (FsType::Ram, None) => return Err(no_usage()),
            (FsType::Ram, Some(s)) => {
                let usage = s.attr("usage").ok_or_else(no_usage)?;
                let units = s.attr("units").unwrap_or("KiB");
                Some(KiB::from_bytes(crate::scaled::scale(usage, units, "./source/@usage")?))
            }
            _ => None,
        };
        let target: Option<String> = field::attr(e.child("target"), "dir", &RULES)?;
        let target = target.filter(|target| !target.is_empty());
        let anywhere = match kind {
            FsType::Ram | FsType::Volume => true,
            _ => text(kind.attribute()).is_some() || text("socket").is_some(),
        };
        if !anywhere {
            let target = target.unwrap_or_default();
            return Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::NO_SOURCE, target));
        }
        Ok(Filesystem {
            kind,
            options: FsOptions::read(e)?,
            driver: e.child("driver").map(FsDriver::read).transpose()?.unwrap_or_default(),
            binary: field::child(Some(e), "binary")?.filter(|b: &Binary| *b != Binary::default()),
            idmap: field::child(Some(e), "idmap")?,
            source: if kind == FsType::Ram { None } else { text(kind.attribute()) },
            pool: text("pool").filter(|_| kind == FsType::Volume),
            socket: text("socket"),
            usage,
            target,
            readonly: e.child("readonly").is_some(),
            space_hard_limit: e
                .child("space_hard_limit")
                .map(|l| crate::scaled::read_bytes(l, "bytes"))
                .transpose()?
                .flatten(),
            space_soft_limit: e
                .child("space_soft_limit")
                .map(|l| crate::scaled::read_bytes(l, "bytes"))
                .transpose()?
                .flatten(),
            info: DeviceInfo::read(e)?,
        })
    }

    fn write_attrs(&self, w: &mut Writer) {
        w.attr_value("type", &self.kind);
        self.options.write_attrs(w);
    }

    fn write_body(&self, w: &mut Writer) {
        w.start("driver");
        self.driver.write_attrs(w);
        w.end_unless_empty();
        if let Some(binary) = &self.binary {
            w.element("binary", binary);
        }
        if let Some(idmap) = &self.idmap {
            w.element("idmap", idmap);
        }
        w.start("source");
        w.attr_opt("pool", self.pool.as_deref());
        w.attr_opt(self.kind.attribute(), self.source.as_deref());
        w.attr_opt("socket", self.socket.as_deref());
        if let Some(usage) = &self.usage {
            w.attr_value("usage", &usage.0);
            w.attr("units", "KiB");
        }
        w.end_unless_empty();
        if let Some(target) = &self.target {
            w.start("target");
            w.attr("dir", target);
            w.end();
        }
        if self.readonly {
            w.empty("readonly");
        }
        for (name, limit) in
            [("space_hard_limit", self.space_hard_limit), ("space_soft_limit", self.space_soft_limit)]
        {
            if let Some(limit) = limit {
                w.element(name, &crate::scaled::Bytes(limit));
            }
        }
        self.info.write_body(w);
    }
}

impl Stable for Filesystem {
    fn check_stable(&self, to: &Self) -> Result<()> {
        equal!(self, to, |d| d.options.model, "Target filesystem model does not match source");
        told!(
            self,
            to,
            |d| Or(d.target.as_deref(), "(null)"),
            "Target filesystem guest target {to} does not match source {from}"
        );
        equal!(self, to, |d| d.readonly, "Target filesystem access mode does not match source");
        check_driver(&self.driver, &to.driver, |driver| &driver.virtio)?;
        self.info.check_stable(&to.info)
    }
}
