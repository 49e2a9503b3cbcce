//! `<disk>`.

use virtus_base::Result;
use virtus_xml::{Element, OnOff, Only, RawElement, Value as _, Writer, Xml, YesNo, keywords};

use super::info::DeviceInfo;
use super::storage::{self, Auth, BackingStore, Encryption, FileSource, Location, StorageSource};
use super::virtio::VirtioOptions;
use crate::domain::parse::{keyword_attr, unsupported, xml_error};
use crate::domain::stable::{Or, Stable, equal, text, told};

keywords! {
    /// What the guest sees.
    pub enum DiskDevice { Disk = "disk", Cdrom = "cdrom", Floppy = "floppy", Lun = "lun" }
}
keywords! {
    /// What it is plugged into.
    pub enum DiskBus {
        Ide = "ide", Fdc = "fdc", Scsi = "scsi", Virtio = "virtio", Xen = "xen", Usb = "usb", Uml = "uml",
        Sata = "sata", Sd = "sd",
    }
}
keywords! {
    /// Which virtio generation.
    pub enum VirtioModel {
        Virtio = "virtio", Transitional = "virtio-transitional", NonTransitional = "virtio-non-transitional",
    }
}
keywords! {
    /// Where a snapshot of the disk goes.
    pub enum SnapshotLocation { No = "no", Internal = "internal", External = "external", Manual = "manual" }
}
keywords! {
    /// How the host caches.
    pub enum CacheMode {
        Default = "default", None = "none", Writethrough = "writethrough", Writeback = "writeback",
        Directsync = "directsync", Unsafe = "unsafe",
    }
}
keywords! {
    /// What an I/O error does.
    pub enum ErrorPolicy { Stop = "stop", Report = "report", Ignore = "ignore", Enospace = "enospace" }
}
keywords! {
    /// How the host does I/O.
    pub enum IoMode { Native = "native", Threads = "threads", IoUring = "io_uring" }
}
keywords! {
    /// What becomes of the guest's discards.
    pub enum DiscardMode { Unmap = "unmap", Ignore = "ignore" }
}
keywords! {
    /// Whether written zeroes are looked for.
    pub enum DetectZeroes { Off = "off", On = "on", Unmap = "unmap" }
}
keywords! {
    /// Whether the drive's tray is out.
    pub enum Tray { Closed = "closed", Open = "open" }
}
keywords! {
    /// Raw SCSI commands of the guest.
    pub enum Sgio { Filtered = "filtered", Unfiltered = "unfiltered" }
}

/// `<disk>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Disk {
    pub device: DiskDevice,
    pub model: Option<VirtioModel>,
    pub rawio: Option<YesNo>,
    pub sgio: Option<Sgio>,
    pub snapshot: Option<SnapshotLocation>,
    pub driver: DiskDriver,
    /// `@type` and `<source>`. `<auth>` and `<encryption>` of the disk itself are in here too.
    pub source: StorageSource,
    /// `<auth>` stood beside `<source>`, not in it.
    pub auth_outside: bool,
    /// `<encryption>` stood beside `<source>`, not in it.
    pub encryption_outside: bool,
    /// The next image of the chain; unknown when absent.
    pub backing: Option<BackingStore>,
    /// The rest of the chain was found by looking, so it is not part of the persistent definition.
    pub backing_detected: bool,
    /// What the hypervisor's driver keeps in the status file.
    pub private_data: Option<RawElement>,
    /// A running copy.
    pub mirror: Option<Mirror>,
    pub rest: DiskRest,
    pub info: DeviceInfo,
}

/// The part of a disk that follows its source.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = filtered_once, order(fn whole_limits))]
pub struct DiskRest {
    #[xml(at = "backenddomain/@name")]
    pub backend_domain: Option<String>,
    pub geometry: Option<Geometry>,
    pub blockio: Option<BlockIo>,
    #[xml(default)]
    pub target: Target,
    #[xml(omit_default)]
    pub iotune: IoTune,
    #[xml(child = "throttlefilters/throttlefilter")]
    pub throttlefilters: Vec<ThrottleFilter>,
    #[xml(flag)]
    pub readonly: bool,
    #[xml(flag)]
    pub shareable: bool,
    pub transient: Option<Transient>,
    #[xml(value)]
    pub serial: Option<String>,
    #[xml(value)]
    pub wwn: Option<String>,
    #[xml(value)]
    pub vendor: Option<String>,
    #[xml(value)]
    pub product: Option<String>,
}

fn filtered_once(rest: &mut DiskRest, _: Element<'_>) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    match rest.throttlefilters.iter().find(|filter| !seen.insert(&filter.group)) {
        Some(twice) => Err(xml_error(format!("duplicate filter name '{}' found", twice.group))),
        None => Ok(()),
    }
}

fn whole_limits(disk: Element<'_>) -> Result<()> {
    disk.child("iotune").map_or(Ok(()), |tune| IoTune::check_numbers(tune, "disk iotune"))
}

/// `<driver>` of a disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DiskDriver {
    pub name: Option<String>,
    /// The image's format.
    pub format: Option<String>,
    pub options: DriverOptions,
    /// At most so many bytes of a qcow2 image's metadata are cached.
    pub metadata_cache_max: Option<u64>,
}

/// The regular attributes of a disk's `<driver>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct DriverOptions {
    #[xml(attr)]
    pub cache: Option<CacheMode>,
    #[xml(attr)]
    pub error_policy: Option<ErrorPolicy>,
    #[xml(attr)]
    pub rerror_policy: Option<ErrorPolicy>,
    #[xml(attr)]
    pub io: Option<IoMode>,
    #[xml(attr)]
    pub ioeventfd: Option<OnOff>,
    #[xml(attr)]
    pub event_idx: Option<OnOff>,
    #[xml(attr)]
    pub copy_on_read: Option<OnOff>,
    #[xml(attr)]
    pub discard: Option<DiscardMode>,
    #[xml(attr)]
    pub discard_no_unref: Option<OnOff>,
    #[xml(attr, rule = "nonzero")]
    pub iothread: Option<u32>,
    #[xml(attr)]
    pub detect_zeroes: Option<DetectZeroes>,
    #[xml(attr)]
    pub queues: Option<u32>,
    #[xml(attr)]
    pub queue_size: Option<u32>,
    #[xml(flatten)]
    pub virtio: VirtioOptions,
    pub iothreads: Option<IoThreadMap>,
    #[xml(child = "statistics/statistic")]
    pub statistics: Vec<Statistic>,
}

/// `<iothreads>`: which I/O thread serves which queue.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct IoThreadMap {
    #[xml(child = "iothread")]
    pub iothreads: Vec<MappedIoThread>,
}

/// One I/O thread of the map.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct MappedIoThread {
    #[xml(attr, rule = "nonzero")]
    pub id: u32,
    #[xml(child = "queue")]
    pub queues: Vec<MappedQueue>,
}

/// One queue.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct MappedQueue {
    #[xml(attr)]
    pub id: u32,
}

/// A latency histogram's interval, in seconds.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Statistic {
    #[xml(attr, rule = "nonzero")]
    pub interval: u32,
}

impl Xml for DiskDriver {
    fn read(e: Element<'_>) -> Result<Self> {
        let format = e.attr("type").map(|t| if t == "aio" { "raw" } else { t }.to_owned());
        if let Some(name) = format.as_deref().filter(|name| !storage::is_format(name)) {
            return Err(unsupported(format!("unknown driver format value '{name}'")));
        }
        Ok(DiskDriver {
            name: e.attr("name").map(str::to_owned),
            format,
            options: DriverOptions::read(e)?,
            metadata_cache_max: storage::metadata_cache_max(e)?,
        })
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr_opt("name", self.name.as_deref());
        w.attr_opt("type", self.format.as_deref());
        self.options.write_attrs(w);
    }
    fn write_body(&self, w: &mut Writer) {
        self.options.write_body(w);
        storage::write_metadata_cache(w, self.metadata_cache_max);
    }
}

keywords! {
    /// Why a disk is being copied.
    pub enum MirrorJob { Copy = "copy", ActiveCommit = "active-commit" }
}
keywords! {
    /// How far a copy is.
    pub enum MirrorState { Yes = "yes", Abort = "abort", Pivot = "pivot" }
}

/// `<mirror>`: a copy of the disk being made.
#[derive(Clone, Debug, PartialEq)]
pub struct Mirror {
    pub job: MirrorJob,
    pub ready: Option<MirrorState>,
    pub format: Option<String>,
    pub source: StorageSource,
    pub backing: Option<BackingStore>,
}

impl Xml for Mirror {
    fn read(e: Element<'_>) -> Result<Self> {
        let format = e.child("format").and_then(|f| f.attr("type")).or(e.attr("format")).map(str::to_owned);
        let source = match (e.attr("type"), e.attr("file")) {
            (None, Some(file)) => StorageSource::file(file),
            (None, None) => return Err(xml_error("mirror requires file name")),
            _ => StorageSource::read(e)?,
        };
        Ok(Mirror {
            job: keyword_attr(e, "job")?.unwrap_or(MirrorJob::Copy),
            ready: keyword_attr(e, "ready")?,
            format,
            source,
            backing: e.child("backingStore").map(BackingStore::read).transpose()?,
        })
    }
    fn write_attrs(&self, w: &mut Writer) {
        self.source.write_attrs(w);
        // readers of old know copies of files alone
        if let (MirrorJob::Copy, Some(path), "file") =
            (self.job, self.source.path(), self.source.location.tag())
        {
            w.attr("file", path);
            w.attr_opt("format", self.format.as_deref());
        }
        w.attr_value("job", &self.job);
        w.attr_opt("ready", self.ready.map(MirrorState::as_str));
    }
    fn write_body(&self, w: &mut Writer) {
        if let Some(format) = &self.format {
            w.start("format");
            w.attr("type", format);
            w.end();
        }
        self.source.write_body(w);
        if let Some(backing) = &self.backing {
            w.element("backingStore", backing);
        }
    }
}

keywords! {
    /// How the BIOS translates the geometry.
    pub enum GeometryTranslation { None = "none", Auto = "auto", Lba = "lba" }
}

/// The geometry the guest sees.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Geometry {
    #[xml(attr, invalid = "invalid geometry settings (cyls)", code = INTERNAL_ERROR)]
    pub cyls: u32,
    #[xml(attr, invalid = "invalid geometry settings (heads)", code = INTERNAL_ERROR)]
    pub heads: u32,
    #[xml(attr, invalid = "invalid geometry settings (secs)", code = INTERNAL_ERROR)]
    pub secs: u32,
    #[xml(attr, invalid = "invalid translation value '{}'", code = INTERNAL_ERROR)]
    pub trans: Option<GeometryTranslation>,
}

/// Block sizes the guest sees, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct BlockIo {
    #[xml(attr)]
    pub logical_block_size: Option<u32>,
    #[xml(attr)]
    pub physical_block_size: Option<u32>,
    #[xml(attr)]
    pub discard_granularity: Option<u32>,
}

/// `<target>`: the device's name, and what it is plugged into.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Target {
    /// Has to be there, which is looked at when the domain is defined.
    #[xml(attr)]
    pub dev: Option<String>,
    #[xml(attr)]
    pub bus: Option<DiskBus>,
    #[xml(attr)]
    pub tray: Option<Tray>,
    #[xml(attr)]
    pub removable: Option<OnOff>,
    #[xml(attr)]
    pub rotation_rate: Option<u32>,
    #[xml(attr)]
    pub dpofua: Option<OnOff>,
}

/// Declares [`IoTune`]: limits in bytes or operations a second, bursts, and how long (in seconds) these last.
macro_rules! limits {
    ($($early:ident),*; $($late:ident),*) => {
        /// Limits of a disk's throughput.
        #[derive(Clone, Debug, Default, PartialEq, Xml)]
        #[allow(missing_docs)]
        pub struct IoTune {
            $(#[xml(value)] pub $early: Option<u64>,)*
            /// Disks with the same name share the limits.
            #[xml(value)]
            pub group_name: Option<String>,
            $(#[xml(value)] pub $late: Option<u64>,)*
        }

        impl IoTune {
            /// The names of all limits, in the document's order.
            pub const LIMITS: &'static [&'static str] =
                &[$(stringify!($early),)* $(stringify!($late),)*];

            /// Refuses limits that are no numbers; `what` is whose they are.
            pub(crate) fn check_numbers(e: Element<'_>, what: &str) -> Result<()> {
                for name in Self::LIMITS {
                    let text = e.child(name).and_then(|e| e.text());
                    if text.is_some_and(|text| u64::parse(&text, 10).is_none()) {
                        return Err(xml_error(format!("{what} field '{name}' must be an integer")));
                    }
                }
                Ok(())
            }

            /// A limit by its name.
            pub fn limit(&self, name: &str) -> Option<u64> {
                match name {
                    $(stringify!($early) => self.$early,)*
                    $(stringify!($late) => self.$late,)*
                    _ => None,
                }
            }

            /// All limits with their names, as the document and the calls that set them have them.
            pub fn limits(&self) -> impl Iterator<Item = (&'static str, Option<u64>)> {
                [$((stringify!($early), self.$early),)* $((stringify!($late), self.$late)),*].into_iter()
            }

            /// The limit of this name.
            pub fn limit_mut(&mut self, name: &str) -> Option<&mut Option<u64>> {
                match name {
                    $(stringify!($early) => Some(&mut self.$early),)*
                    $(stringify!($late) => Some(&mut self.$late),)*
                    _ => None,
                }
            }
        }
    };
}
limits! {
    total_bytes_sec, read_bytes_sec, write_bytes_sec, total_iops_sec, read_iops_sec, write_iops_sec,
    total_bytes_sec_max, read_bytes_sec_max, write_bytes_sec_max, total_iops_sec_max, read_iops_sec_max,
    write_iops_sec_max, size_iops_sec;
    total_bytes_sec_max_length, read_bytes_sec_max_length, write_bytes_sec_max_length,
    total_iops_sec_max_length, read_iops_sec_max_length, write_iops_sec_max_length
}

/// A throttle group the disk is in.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct ThrottleFilter {
    #[xml(attr)]
    pub group: String,
}

/// `<transient>`: writes are forgotten at the end.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Transient {
    #[xml(attr = "shareBacking")]
    pub share_backing: Option<YesNo>,
}

impl Disk {
    /// The target's name, e.g. `vda`.
    pub fn dst(&self) -> &str {
        self.rest.target.dev.as_deref().unwrap_or_default()
    }

    /// What it is plugged into; chosen by post-parse when the document does not say.
    pub fn bus(&self) -> Option<DiskBus> {
        self.rest.target.bus
    }
}

impl Xml for Disk {
    fn read(e: Element<'_>) -> Result<Self> {
        let driver = e.child("driver").map(DiskDriver::read).transpose()?.unwrap_or_default();
        let mut source = StorageSource::read(e)?;
        let auth = e.child("auth").map(Auth::read).transpose()?;
        let encryption = e.child("encryption").map(Encryption::read).transpose()?;
        if auth.is_some() && source.common.auth.is_some() {
            return Err(unsupported("an <auth> definition already found for disk source"));
        }
        if encryption.is_some() && source.common.encryption.is_some() {
            return Err(unsupported("an <encryption> definition already found for disk source"));
        }
        let (auth_outside, encryption_outside) = (auth.is_some(), encryption.is_some());
        source.common.auth = source.common.auth.or(auth);
        source.common.encryption = source.common.encryption.or(encryption);
        let device = keyword_attr(e, "device")?.unwrap_or(DiskDevice::Disk);
        let mirror = match e.child("mirror").filter(|_| e.reads(Only::Live)) {
            Some(mirror) => Some(Mirror::read(mirror)?),
            None => None,
        };
        if let Some(mirror) = e.child("mirror").filter(|_| mirror.is_none()) {
            mirror.accept_all();
        }
        let mut disk = Disk {
            device,
            model: keyword_attr(e, "model")?,
            rawio: keyword_attr(e, "rawio")?,
            sgio: keyword_attr(e, "sgio")?,
            snapshot: keyword_attr(e, "snapshot")?,
            driver,
            source,
            auth_outside,
            encryption_outside,
            backing: e.child("backingStore").map(BackingStore::read).transpose()?,
            backing_detected: false,
            private_data: match e.reads(Only::Status) {
                true => e.child("privateData").map(RawElement::read).transpose()?,
                false => None,
            },
            mirror,
            rest: DiskRest::read(e)?,
            info: DeviceInfo::read(e)?,
        };
        // what is so anyway is not written
        let options = &mut disk.driver.options;
        options.cache = options.cache.filter(|c| *c != CacheMode::Default);
        disk.rest.target.tray = disk.rest.target.tray.filter(|t| *t != Tray::Closed);
        let nowhere = e.child("source").is_none()
            && matches!(disk.source.location, Location::Block(_) | Location::Dir(_));
        let network = matches!(disk.source.location, Location::Network(_) | Location::Volume(_));
        if nowhere || (network && disk.source.is_empty()) {
            disk.source.location = Location::File(FileSource::default());
        }
        if disk.rest.blockio == Some(BlockIo::default()) {
            disk.rest.blockio = None;
        }
        Ok(disk)
    }

    fn write_attrs(&self, w: &mut Writer) {
        self.source.write_attrs(w);
        w.attr_value("device", &self.device);
        w.attr_opt("model", self.model.map(VirtioModel::as_str));
        w.attr_opt("rawio", self.rawio.map(YesNo::as_str));
        w.attr_opt("sgio", self.sgio.map(Sgio::as_str));
        w.attr_opt("snapshot", self.snapshot.map(SnapshotLocation::as_str));
    }

    fn write_body(&self, w: &mut Writer) {
        w.start("driver");
        self.driver.write_attrs(w);
        self.driver.write_body(w);
        w.end_unless_empty();
        let common = &self.source.common;
        if let (Some(auth), true) = (&common.auth, self.auth_outside) {
            w.element("auth", auth);
        }
        if (common.auth.is_some() && self.auth_outside)
            || (common.encryption.is_some() && self.encryption_outside)
        {
            let mut inside = self.source.clone();
            if self.auth_outside {
                inside.common.auth = None;
            }
            if self.encryption_outside {
                inside.common.encryption = None;
            }
            inside.write_body(w);
        } else {
            self.source.write_body(w);
        }
        let shown = w.shows(Only::Live) || !self.backing_detected;
        if let Some(backing) = self.backing.as_ref().filter(|_| shown) {
            w.element("backingStore", backing);
        }
        if let (Some(mirror), true) = (&self.mirror, w.shows(Only::Live)) {
            w.element("mirror", mirror);
        }
        self.rest.write_body(w);
        if let (Some(encryption), true) = (&common.encryption, self.encryption_outside) {
            w.element("encryption", encryption);
        }
        self.info.write_body(w);
        if let (Some(private), true) = (&self.private_data, w.shows(Only::Status)) {
            w.element("privateData", private);
        }
    }
}

/// The place of a disk's name among those of its prefix: `vdc` is 2, `hdaa` 26. `None` for a name without
/// meaning; a partition's number at the end is passed over.
pub fn name_index(name: &str) -> Option<u32> {
    let rest = ["fd", "hd", "vd", "sd", "xvd", "ubd"].iter().find_map(|prefix| name.strip_prefix(prefix))?;
    let letters = rest.trim_end_matches(|c: char| c.is_ascii_digit());
    if letters.is_empty() || !letters.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    // a partition's number has no leading zero
    let number = rest.get(letters.len()..).unwrap_or_default();
    if number.starts_with('0') && number != "0" {
        return None;
    }
    let index = letters
        .bytes()
        .try_fold(0i32, |index, b| index.checked_mul(26)?.checked_add(i32::from(b - b'a') + 1))?;
    u32::try_from(index - 1).ok()
}

impl Stable for Disk {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| d.device, "Target disk device {to} does not match source {from}");
        told!(
            self,
            to,
            |d| d.bus().map_or("", DiskBus::as_str),
            "Target disk bus {to} does not match source {from}"
        );
        told!(self, to, |d| d.dst(), "Target disk {to} does not match source {from}");
        told!(self, to, |d| text(&d.rest.serial), "Target disk serial {to} does not match source {from}");
        told!(self, to, |d| text(&d.rest.wwn), "Target disk wwn '{to}' does not match source '{from}'");
        equal!(
            self,
            to,
            |d| (d.rest.readonly, d.rest.shareable),
            "Target disk access mode does not match source"
        );
        told!(self, to, |d| Or(d.model, "default"), "Target disk model {to} does not match source {from}");
        told!(
            self,
            to,
            |d| d.rest.target.rotation_rate.unwrap_or(0),
            "Target disk rotation rate {to} RPM does not match source {from} RPM"
        );
        told!(
            self,
            to,
            |d| d.driver.options.queues.unwrap_or(0),
            "Target disk queue count {to} does not match source {from}"
        );
        self.check_queue_size(to)?;
        self.driver.options.virtio.check_stable(&to.driver.options.virtio)?;
        self.info.check_stable(&to.info)?;
        told!(
            self,
            to,
            |d| d.block_size(|b| b.logical_block_size),
            "Target disk logical_block_size {to} does not match source {from}"
        );
        told!(
            self,
            to,
            |d| d.block_size(|b| b.physical_block_size),
            "Target disk physical_block_size {to} does not match source {from}"
        );
        told!(
            self,
            to,
            |d| d.block_size(|b| b.discard_granularity),
            "Target disk discard_granularity {to} does not match source {from}"
        );
        Ok(())
    }
}

impl Disk {
    /// libvirt tells how many queues there are, not how long they are.
    fn check_queue_size(&self, to: &Self) -> Result<()> {
        let (from, to) = (&self.driver.options, &to.driver.options);
        if from.queue_size == to.queue_size {
            return Ok(());
        }
        let (from, to) = (from.queues.unwrap_or(0), to.queues.unwrap_or(0));
        Err(unsupported(format!("Target disk queue size {to} does not match source {from}")))
    }

    fn block_size(&self, size: impl Fn(&BlockIo) -> Option<u32>) -> u32 {
        self.rest.blockio.as_ref().and_then(size).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::name_index;

    #[test]
    fn names_count_in_letters() {
        for (name, want) in [
            ("vda", Some(0)),
            ("hdz", Some(25)),
            ("sdaa", Some(26)),
            ("xvdb1", Some(1)),
            ("hdaxxxxxxxxxx", None),
            ("off", None),
            ("vd", None),
            ("vd1", None),
            ("vda01", None),
        ] {
            assert_eq!(name_index(name), want, "{name}");
        }
    }
}
