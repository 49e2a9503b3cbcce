//! `<features>`: what the hypervisor offers the guest.

mod stable;

use virtus_base::Result;
use virtus_xml::{Element, OnOff, Writer, Xml, YesNo, field, keywords};

use super::parse::{RULES, keyword_attr, xml_error};
use crate::scaled::{self, KiB};

/// `<name state='on'/>`; the state is `on` when not said.
#[derive(Clone, Copy, Debug, PartialEq, Xml)]
pub struct Switch {
    #[xml(attr, default = OnOff::On)]
    pub state: OnOff,
}

/// `<features>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = known)]
pub struct Features {
    #[xml(flag)]
    pub acpi: bool,
    pub apic: Option<Apic>,
    #[xml(flag)]
    pub pae: bool,
    pub hap: Option<Switch>,
    #[xml(flag)]
    pub viridian: bool,
    #[xml(flag)]
    pub privnet: bool,
    pub hyperv: Option<HyperV>,
    pub kvm: Option<KvmFeatures>,
    pub pvspinlock: Option<Switch>,
    pub capabilities: Option<Capabilities>,
    pub pmu: Option<Switch>,
    pub vmport: Option<Switch>,
    pub gic: Option<Gic>,
    pub smm: Option<Smm>,
    #[xml(at = "ioapic/@driver")]
    pub ioapic: Option<IoApic>,
    pub hpt: Option<Hpt>,
    pub vmcoreinfo: Option<Switch>,
    pub htm: Option<RequiredSwitch>,
    #[xml(child = "nested-hv")]
    pub nested_hv: Option<RequiredSwitch>,
    #[xml(at = "msrs/@unknown")]
    pub msrs: Option<MsrsUnknown>,
    #[xml(child = "ccf-assist")]
    pub ccf_assist: Option<RequiredSwitch>,
    pub xen: Option<XenFeatures>,
    #[xml(at = "cfpc/@value")]
    pub cfpc: Option<Mitigation>,
    #[xml(at = "sbbc/@value")]
    pub sbbc: Option<Mitigation>,
    #[xml(at = "ibs/@value")]
    pub ibs: Option<IndirectBranches>,
    pub tcg: Option<TcgFeatures>,
    #[xml(child = "async-teardown")]
    pub async_teardown: Option<AsyncTeardown>,
    pub ras: Option<RequiredSwitch>,
    pub ps2: Option<RequiredSwitch>,
    #[xml(at = "aia/@value")]
    pub aia: Option<Aia>,
}

/// The names libvirt knows below `<features>`.
const NAMES: &[&str] = &[
    "acpi",
    "apic",
    "pae",
    "hap",
    "viridian",
    "privnet",
    "hyperv",
    "kvm",
    "pvspinlock",
    "capabilities",
    "pmu",
    "vmport",
    "gic",
    "smm",
    "ioapic",
    "hpt",
    "vmcoreinfo",
    "htm",
    "nested-hv",
    "msrs",
    "ccf-assist",
    "xen",
    "cfpc",
    "sbbc",
    "ibs",
    "tcg",
    "async-teardown",
    "ras",
    "ps2",
    "aia",
];

fn known(_: &mut Features, e: Element<'_>) -> Result<()> {
    if let Some(msrs) = e.child("msrs").filter(|msrs| msrs.attr("unknown").is_none()) {
        return Err(field::missing(msrs.name(), "unknown", &RULES));
    }
    match e.elements().find(|c| !NAMES.contains(&c.name())) {
        Some(other) => Err(super::parse::unsupported(format!("unexpected feature '{}'", other.name()))),
        None => Ok(()),
    }
}

/// `<name state='on'/>`, where the state has to be said.
#[derive(Clone, Copy, Debug, PartialEq, Xml)]
pub struct RequiredSwitch {
    #[xml(attr)]
    pub state: OnOff,
}

/// The local interrupt controller.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Apic {
    /// End of interrupt without leaving the guest.
    #[xml(attr)]
    pub eoi: Option<OnOff>,
}

keywords! {
    /// Which enlightenments are offered.
    pub enum HyperVMode { Custom = "custom", Passthrough = "passthrough" }
}

/// Hyper-V enlightenments.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct HyperV {
    #[xml(attr, default = HyperVMode::Custom)]
    pub mode: HyperVMode,
    pub relaxed: Option<RequiredSwitch>,
    pub vapic: Option<RequiredSwitch>,
    pub spinlocks: Option<Spinlocks>,
    pub vpindex: Option<RequiredSwitch>,
    pub runtime: Option<RequiredSwitch>,
    pub synic: Option<RequiredSwitch>,
    pub stimer: Option<Stimer>,
    pub reset: Option<RequiredSwitch>,
    pub vendor_id: Option<VendorId>,
    pub frequencies: Option<RequiredSwitch>,
    pub reenlightenment: Option<RequiredSwitch>,
    pub tlbflush: Option<TlbFlush>,
    pub ipi: Option<RequiredSwitch>,
    pub evmcs: Option<RequiredSwitch>,
    pub avic: Option<RequiredSwitch>,
    pub emsr_bitmap: Option<RequiredSwitch>,
    pub xmm_input: Option<RequiredSwitch>,
}

/// How often a guest spins before it tells.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = said_retries)]
pub struct Spinlocks {
    #[xml(attr)]
    pub state: OnOff,
    #[xml(attr)]
    pub retries: Option<u32>,
}

fn said_retries(spinlocks: &mut Spinlocks, e: Element<'_>) -> Result<()> {
    match spinlocks.state {
        OnOff::Off => spinlocks.retries = None,
        OnOff::On if spinlocks.retries.is_none() => return Err(field::missing(e.name(), "retries", &RULES)),
        OnOff::On => {}
    }
    Ok(())
}

/// Synthetic timers.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Stimer {
    #[xml(attr)]
    pub state: OnOff,
    pub direct: Option<RequiredSwitch>,
}

/// The hypervisor's signature.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = said_vendor)]
pub struct VendorId {
    #[xml(attr)]
    pub state: OnOff,
    #[xml(attr)]
    pub value: Option<String>,
}

fn said_vendor(vendor: &mut VendorId, _: Element<'_>) -> Result<()> {
    match vendor.state {
        OnOff::Off => vendor.value = None,
        OnOff::On if vendor.value.is_none() => {
            return Err(xml_error("missing 'value' attribute for HyperV feature 'vendor_id'"));
        }
        OnOff::On => {}
    }
    Ok(())
}

/// Paravirtual TLB flushes.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct TlbFlush {
    #[xml(attr)]
    pub state: OnOff,
    pub direct: Option<RequiredSwitch>,
    pub extended: Option<RequiredSwitch>,
}

/// What KVM shows the guest.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct KvmFeatures {
    pub hidden: Option<RequiredSwitch>,
    #[xml(child = "hint-dedicated")]
    pub hint_dedicated: Option<RequiredSwitch>,
    #[xml(child = "poll-control")]
    pub poll_control: Option<RequiredSwitch>,
    #[xml(child = "pv-ipi")]
    pub pv_ipi: Option<RequiredSwitch>,
    #[xml(child = "dirty-ring")]
    pub dirty_ring: Option<DirtyRing>,
}

/// Dirty pages by ring; the size in entries, a power of two.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = said_size)]
pub struct DirtyRing {
    #[xml(attr)]
    pub state: OnOff,
    #[xml(attr)]
    pub size: Option<u32>,
}

fn said_size(ring: &mut DirtyRing, e: Element<'_>) -> Result<()> {
    match (ring.state, ring.size) {
        (OnOff::Off, _) => ring.size = None,
        (OnOff::On, None) => return Err(field::missing(e.name(), "size", &RULES)),
        (OnOff::On, Some(size)) if !size.is_power_of_two() || !(1024..=65536).contains(&size) => {
            return Err(xml_error("dirty ring must be power of 2 and ranges [1024, 65536]"));
        }
        (OnOff::On, Some(_)) => {}
    }
    Ok(())
}

keywords! {
    /// What a container may do by default.
    pub enum CapabilitiesPolicy { Default = "default", Allow = "allow", Deny = "deny" }
}

/// A container's capabilities.
#[derive(Clone, Debug, PartialEq)]
pub struct Capabilities {
    pub policy: CapabilitiesPolicy,
    /// Exceptions by name.
    pub exceptions: Vec<(String, OnOff)>,
}

impl Xml for Capabilities {
    fn read(e: Element<'_>) -> Result<Self> {
        let exceptions = e
            .elements()
            .map(|c| Ok((c.accept().name().to_owned(), keyword_attr(c, "state")?.unwrap_or(OnOff::On))))
            .collect::<Result<_>>()?;
        let policy = keyword_attr(e, "policy")?.unwrap_or(CapabilitiesPolicy::Default);
        Ok(Capabilities { policy, exceptions })
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr_value("policy", &self.policy);
    }
    fn write_body(&self, w: &mut Writer) {
        for (name, state) in &self.exceptions {
            w.raw_lines(&format!("<{} state='{state}'/>", Writer::escaped(name)));
        }
    }
}

/// ARM's interrupt controller.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Gic {
    #[xml(attr)]
    pub version: Option<GicVersion>,
}

keywords! {
    /// Which one.
    pub enum GicVersion { V2 = "2", V3 = "3", Host = "host" }
}

/// System management mode.
#[derive(Clone, Debug, PartialEq)]
pub struct Smm {
    pub state: OnOff,
    /// The TSEG's size in bytes.
    pub tseg: Option<u64>,
}

impl Xml for Smm {
    fn read(e: Element<'_>) -> Result<Self> {
        let tseg = e.child("tseg").map(|t| scaled::read_bytes(t, "MiB")).transpose()?.flatten();
        let state = keyword_attr(e, "state")?;
        Ok(Smm { state: state.unwrap_or(OnOff::On), tseg })
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr_value("state", &self.state);
    }
    fn write_body(&self, w: &mut Writer) {
        if let Some(tseg) = self.tseg {
            let (value, unit) = scaled::pretty(tseg);
            w.start("tseg");
            w.attr("unit", unit);
            w.text_value(&value);
            w.end();
        }
    }
}

keywords! {
    /// Who emulates the I/O APIC.
    pub enum IoApic { Qemu = "qemu", Kvm = "kvm" }
}

keywords! {
    /// Whether pSeries' page table can be resized.
    pub enum HptResizing { Enabled = "enabled", Disabled = "disabled", Required = "required" }
}

/// pSeries' page table.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Hpt {
    #[xml(attr)]
    pub resizing: Option<HptResizing>,
    pub maxpagesize: Option<KiB>,
}

keywords! {
    /// What unknown model-specific registers do.
    pub enum MsrsUnknown { Ignore = "ignore", Fault = "fault" }
}

/// Xen's own features.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct XenFeatures {
    pub e820_host: Option<RequiredSwitch>,
    pub passthrough: Option<XenPassthrough>,
}

keywords! {
    /// How the IOMMU's tables are made.
    pub enum XenPassthroughMode { SyncPt = "sync_pt", SharePt = "share_pt" }
}

/// Device passthrough of Xen.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct XenPassthrough {
    #[xml(attr)]
    pub state: OnOff,
    #[xml(attr)]
    pub mode: Option<XenPassthroughMode>,
}

keywords! {
    /// pSeries' answer to speculative execution.
    pub enum Mitigation { Broken = "broken", Workaround = "workaround", Fixed = "fixed" }
}
keywords! {
    /// pSeries' indirect branch speculation.
    pub enum IndirectBranches {
        Broken = "broken", Workaround = "workaround", FixedIbs = "fixed-ibs", FixedCcd = "fixed-ccd",
        FixedNa = "fixed-na",
    }
}
keywords! {
    /// RISC-V's interrupt architecture.
    pub enum Aia { None = "none", Aplic = "aplic", AplicImsic = "aplic-imsic" }
}

/// Whether a guest's memory is freed after its process is gone.
#[derive(Clone, Copy, Debug, PartialEq, Xml)]
pub struct AsyncTeardown {
    #[xml(attr, default = YesNo::Yes)]
    pub enabled: YesNo,
}

impl AsyncTeardown {
    /// Whether it is.
    pub fn is_true(self) -> bool {
        self.enabled.is_true()
    }
}

/// Emulation by TCG.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct TcgFeatures {
    /// The size of the cache of translated code.
    #[xml(child = "tb-cache")]
    pub tb_cache: Option<KiB>,
}
