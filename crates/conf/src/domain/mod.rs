//! `<domain>`: one guest.

pub mod clock;
pub mod cpu;
pub mod cpu_tune;
pub mod device;
pub mod features;
pub mod launch_security;
pub mod memory;
pub mod metadata;
pub mod misc;
pub mod numa;
pub mod os;
mod owners;
mod parse;
pub mod post_parse;
pub mod qemu_ns;
pub mod schema;
pub mod seclabel;
pub mod stable;
pub mod sysinfo;
pub mod validate;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_xml::{Document, Element, ReadOptions, WriteOptions, Writer, Xml, keywords};

use crate::scaled::KiB;
pub use device::Devices;

keywords! {
    /// `@type`: the hypervisor.
    pub enum VirtType {
        Qemu = "qemu", Kqemu = "kqemu", Kvm = "kvm", Xen = "xen", Lxc = "lxc", Uml = "uml", Openvz = "openvz",
        Test = "test", Vmware = "vmware", Hyperv = "hyperv", Vbox = "vbox", Phyp = "phyp",
        Parallels = "parallels", Bhyve = "bhyve", Vz = "vz", Hvf = "hvf",
    }
}
keywords! {
    /// What is done when the guest powers off or reboots.
    pub enum LifecycleAction {
        Destroy = "destroy", Restart = "restart", RenameRestart = "rename-restart", Preserve = "preserve",
        CoredumpDestroy = "coredump-destroy", CoredumpRestart = "coredump-restart",
    }
}
keywords! {
    /// What is done when a lock on a resource is lost.
    pub enum LockFailureAction {
        Default = "default", Poweroff = "poweroff", Restart = "restart", Pause = "pause", Ignore = "ignore",
    }
}

/// How a domain document is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParseOptions {
    /// It is a persistent definition: ids, generated aliases and the like are passed over.
    pub inactive: bool,
    /// Skip the generic validation (documents from disk, which once were valid).
    pub skip_validate: bool,
    /// Refuse what the schema does not have, as [`schema`] does.
    pub strict: bool,
}

/// How a domain is written. See [`virtus_xml::WriteOptions`].
pub type FormatOptions = WriteOptions;

/// A guest's whole definition. Field names are the document's.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(
    check = tidy,
    order(
        id, uuid, fn one_genid, genid, virt_type, fn os::check_kind, title, fn one_line, description, seclabels, fn seclabel::check_all, memory, current_memory,
        max_memory, memory_backing, memtune, blkiotune, vcpu, vcpus, iothreads, defaultiothread, iothreadids, cputune,
        cpu, fn numa::enough_vcpus(vcpu, cpu), fn one_numatune, numatune, fn numa::check_binding(vcpu, numatune),
        fn one_resource, resource, features, on_reboot, on_poweroff, on_crash, on_lockfailure, pm, perf, clock, os,
        throttlegroups, devices, idmap, launch_security, sysinfo, keywrap, metadata, qemu
    )
)]
pub struct Domain {
    #[xml(attr = "type", missing = "missing domain type attribute", code = INTERNAL_ERROR,
        invalid = "invalid domain type {}", invalid_code = CONFIG_UNSUPPORTED, nonempty)]
    pub virt_type: VirtType,
    /// The running domain's id, from 1.
    #[xml(attr, only = "live")]
    pub id: Option<i32>,
    #[xml(value, default)]
    pub name: String,
    #[xml(value, default = Uuid::default(), invalid = "malformed uuid element", code = INTERNAL_ERROR)]
    pub uuid: Uuid,
    #[xml(child)]
    pub genid: Option<GenId>,
    #[xml(value)]
    pub title: Option<String>,
    #[xml(value)]
    pub description: Option<String>,
    pub metadata: Option<metadata::Metadata>,
    #[xml(child = "maxMemory")]
    pub max_memory: Option<memory::MaxMemory>,
    #[xml(default)]
    pub memory: memory::BootMemory,
    #[xml(child = "currentMemory")]
    pub current_memory: Option<KiB>,
    pub blkiotune: Option<misc::BlkioTune>,
    pub memtune: Option<memory::MemTune>,
    #[xml(child = "memoryBacking")]
    pub memory_backing: Option<memory::MemoryBacking>,
    #[xml(default)]
    pub vcpu: cpu_tune::Vcpu,
    pub vcpus: Option<cpu_tune::Vcpus>,
    #[xml(value, invalid = "invalid iothreads count '{}'")]
    pub iothreads: Option<u32>,
    pub iothreadids: Option<cpu_tune::IoThreadIds>,
    pub defaultiothread: Option<cpu_tune::DefaultIoThread>,
    pub throttlegroups: Option<cpu_tune::ThrottleGroups>,
    pub cputune: Option<cpu_tune::CpuTune>,
    pub numatune: Option<numa::NumaTune>,
    pub resource: Option<misc::Resource>,
    #[xml(child = "sysinfo")]
    pub sysinfo: Vec<sysinfo::SysInfo>,
    #[xml(value)]
    pub bootloader: Option<String>,
    #[xml(value)]
    pub bootloader_args: Option<String>,
    #[xml(missing = "an os <type> must be specified")]
    pub os: os::Os,
    pub idmap: Option<misc::IdMaps>,
    pub features: Option<features::Features>,
    pub cpu: Option<cpu::Cpu>,
    #[xml(default)]
    pub clock: clock::Clock,
    #[xml(value, default = LifecycleAction::Destroy, invalid = "unknown on_poweroff action: {}", invalid_code = CONFIG_UNSUPPORTED)]
    pub on_poweroff: LifecycleAction,
    #[xml(value, default = LifecycleAction::Restart, invalid = "unknown on_reboot action: {}", invalid_code = CONFIG_UNSUPPORTED)]
    pub on_reboot: LifecycleAction,
    #[xml(value, default = LifecycleAction::Destroy, invalid = "unknown on_crash action: {}", invalid_code = CONFIG_UNSUPPORTED)]
    pub on_crash: LifecycleAction,
    #[xml(value, invalid = "unknown on_lockfailure action: {}", invalid_code = CONFIG_UNSUPPORTED)]
    pub on_lockfailure: Option<LockFailureAction>,
    pub pm: Option<misc::PowerManagement>,
    pub perf: Option<misc::Perf>,
    #[xml(default)]
    pub devices: Devices,
    #[xml(child = "seclabel")]
    pub seclabels: Vec<seclabel::SecLabel>,
    pub keywrap: Option<misc::KeyWrap>,
    #[xml(child = "launchSecurity")]
    pub launch_security: Option<launch_security::LaunchSecurity>,
    #[xml(flatten)]
    pub qemu: qemu_ns::QemuNamespace,
}

/// Drops elements that say nothing, and gives the guest an identity if it has none.
fn tidy(domain: &mut Domain, e: Element<'_>) -> Result<()> {
    domain.drop_empty();
    if domain.uuid.is_nil() {
        domain.uuid = Uuid::random()?;
    }
    if let Some(GenId { uuid: uuid @ None }) = &mut domain.genid {
        *uuid = Some(Uuid::random()?);
    }
    numa::place(domain, e);
    cpu_tune::settle(domain)?;
    let vcpus = domain.vcpu.max;
    if let Some(tune) = &mut domain.cputune {
        tune.share(vcpus)?;
    }
    domain.drop_empty();
    Ok(())
}

fn at_most_one(domain: Element<'_>, name: &str, text: &str) -> Result<()> {
    match domain.children(name).nth(1) {
        Some(_) => Err(parse::xml_error(text)),
        None => Ok(()),
    }
}

fn one_genid(domain: Element<'_>) -> Result<()> {
    at_most_one(domain, "genid", "element 'genid' can only appear once")
}

fn one_numatune(domain: Element<'_>) -> Result<()> {
    at_most_one(domain, "numatune", "only one numatune is supported")
}

fn one_resource(domain: Element<'_>) -> Result<()> {
    at_most_one(domain, "resource", "only one resource element is supported")
}

fn one_line(domain: Element<'_>) -> Result<()> {
    match domain.child("title").and_then(|title| title.text()) {
        Some(title) if title.contains('\n') => Err(parse::xml_error("Domain title can't contain newlines")),
        _ => Ok(()),
    }
}

/// `<genid>`: the guest's generation; made anew when empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GenId {
    pub uuid: Option<Uuid>,
}

impl Xml for GenId {
    fn read(e: Element<'_>) -> Result<Self> {
        let uuid = match e.text() {
            Some(text) => Some(Uuid::parse(&text).ok_or_else(|| {
                Error::new(ErrorDomain::DOMAIN, ErrorCode::INTERNAL_ERROR, "malformed genid element")
            })?),
            None => None,
        };
        Ok(GenId { uuid })
    }
    fn write_attrs(&self, _: &mut Writer) {}
    fn write_body(&self, w: &mut Writer) {
        if let Some(uuid) = &self.uuid {
            w.text_value(uuid);
        }
    }
}

impl Domain {
    /// Reads a `<domain>` document. What it leaves out is filled in by [`post_parse`].
    ///
    /// # Errors
    /// libvirt's: `XML_DETAIL` for an ill-formed document, `XML_ERROR` and `CONFIG_UNSUPPORTED` for bad content.
    pub fn parse(xml: &str, options: &ParseOptions) -> Result<Domain> {
        let read = ReadOptions { inactive: options.inactive, status: false, track: options.strict };
        let document = Document::parse(xml, ErrorDomain::DOMAIN, &read)?;
        let root = document.root_named("domain")?;
        let domain = Domain::from_element(root, options);
        if !options.strict {
            return domain;
        }
        match &domain {
            Err(found) if found.code() == ErrorCode::XML_INVALID_SCHEMA => return domain,
            Err(_) => schema::to_the_end(root)?,
            Ok(_) => {}
        }
        match document.unknown() {
            Some((kind, name, line)) => Err(schema::unknown(root, kind, name, line)),
            None => domain,
        }
    }

    /// Reads a `<domain>` element inside another document (a status file, a snapshot).
    pub fn from_element(e: Element<'_>, options: &ParseOptions) -> Result<Domain> {
        // the name is looked at before anything else; the schema has its own word for a missing one
        let named = || e.child("name").and_then(|n| n.text()).filter(|n| !n.is_empty()).map(drop);
        let nameless = || Error::new(ErrorDomain::DOMAIN, ErrorCode::NO_NAME, "");
        let mut domain = match options.strict {
            true => schema::read(e).and_then(|domain| named().map(|()| domain).ok_or_else(nameless))?,
            false => named().ok_or_else(nameless).and_then(|()| Domain::read(e))?,
        };
        if domain.name.contains('/') {
            let text = format!("name {} cannot contain '/'", domain.name);
            return Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::XML_ERROR, text));
        }
        post_parse::order::arrange(&mut domain.devices);
        Ok(domain)
    }

    /// Drops elements that say nothing.
    pub fn drop_empty(&mut self) {
        fn drop_empty<T: Default + PartialEq>(element: &mut Option<T>) {
            *element = element.take().filter(|e| *e != T::default());
        }
        drop_empty(&mut self.blkiotune);
        drop_empty(&mut self.memtune);
        drop_empty(&mut self.memory_backing);
        drop_empty(&mut self.iothreadids);
        drop_empty(&mut self.throttlegroups);
        drop_empty(&mut self.cputune);
        drop_empty(&mut self.numatune);
        drop_empty(&mut self.resource);
        drop_empty(&mut self.features);
        drop_empty(&mut self.pm);
        drop_empty(&mut self.perf);
        drop_empty(&mut self.keywrap);
    }

    /// The ids of all I/O threads: those the document names, then the lowest free ones up to the count.
    pub fn iothread_ids(&self) -> Vec<u32> {
        let mut ids: Vec<u32> =
            self.iothreadids.iter().flat_map(|list| &list.iothreads).map(|thread| thread.id).collect();
        // an absurd count is refused later; it must not cost memory first
        let count = usize::try_from(self.iothreads.unwrap_or(0).min(u32::from(u16::MAX))).unwrap_or(0);
        let named: std::collections::HashSet<u32> = ids.iter().copied().collect();
        let free = (1..).filter(|id| !named.contains(id));
        ids.extend(free.take(count.saturating_sub(ids.len())));
        ids
    }

    /// The document's text.
    pub fn format(&self, options: &FormatOptions) -> String {
        let mut w = Writer::new(*options);
        self.write(&mut w);
        w.finish()
    }

    /// Writes the `<domain>` element into another document.
    pub fn write(&self, w: &mut Writer) {
        w.element("domain", self);
    }
}
