//! Features as the guest sees them.

use virtus_base::{Error, Result};
use virtus_xml::OnOff;

use super::*;
use crate::domain::parse::unsupported;
use crate::domain::stable::{Or, Stable, switch, told};

/// How libvirt tells that a feature differs.
fn differs(name: &str, from: &str, to: &str) -> Error {
    unsupported(format!("State of feature '{name}' differs: source: '{from}', destination: '{to}'"))
}

/// A part of a feature with a state of its own.
fn part(what: &str, from: Option<OnOff>, to: Option<OnOff>) -> Result<()> {
    let (from, to) = (switch(from), switch(to));
    match from == to {
        true => Ok(()),
        false => Err(unsupported(format!("State of {what} differs: source: '{from}', destination: '{to}'"))),
    }
}

impl Features {
    /// Each feature's name, and its state in libvirt's words, in libvirt's order.
    fn states(&self) -> [(&'static str, String); 27] {
        let plain = |on: bool| switch(on.then_some(OnOff::On)).to_string();
        let said = |state: Option<OnOff>| switch(state).to_string();
        let value = |value: &dyn std::fmt::Display| format!("value={value}");
        let required = |feature: Option<RequiredSwitch>| said(feature.map(|f| f.state));
        let optional = |feature: Option<Switch>| said(feature.map(|f| f.state));
        let apic = self.apic.as_ref();
        let gic = self.gic.as_ref();
        let hpt = self.hpt.as_ref();
        // of Hyper-V's two modes, libvirt tells the second one as off
        let hyperv = self.hyperv.as_ref().map(|hyperv| OnOff::from(hyperv.mode == HyperVMode::Custom));
        let policy = self.capabilities.as_ref().map_or(CapabilitiesPolicy::Default, |c| c.policy);
        [
            ("acpi", plain(self.acpi)),
            ("apic", format!("{},eoi={}", plain(apic.is_some()), switch(apic.and_then(|apic| apic.eoi)))),
            ("pae", plain(self.pae)),
            ("hap", optional(self.hap)),
            ("viridian", plain(self.viridian)),
            ("privnet", plain(self.privnet)),
            ("hyperv", said(hyperv)),
            ("kvm", plain(self.kvm.is_some())),
            ("pvspinlock", optional(self.pvspinlock)),
            ("capabilities", format!("policy={policy}")),
            ("pmu", optional(self.pmu)),
            ("vmport", optional(self.vmport)),
            (
                "gic",
                format!("{},version={}", plain(gic.is_some()), Or(gic.and_then(|gic| gic.version), "none")),
            ),
            ("smm", said(self.smm.as_ref().map(|smm| smm.state))),
            ("ioapic", format!("driver={}", Or(self.ioapic, "none"))),
            (
                "hpt",
                format!(
                    "{},resizing={},maxpagesize={}",
                    plain(hpt.is_some()),
                    Or(hpt.and_then(|hpt| hpt.resizing), "none"),
                    hpt.and_then(|hpt| hpt.maxpagesize).unwrap_or_default().0
                ),
            ),
            ("vmcoreinfo", optional(self.vmcoreinfo)),
            ("htm", required(self.htm)),
            ("nested-hv", required(self.nested_hv)),
            ("ccf-assist", required(self.ccf_assist)),
            ("xen", plain(self.xen.is_some())),
            ("cfpc", value(&Or(self.cfpc, "none"))),
            ("sbbc", value(&Or(self.sbbc, "none"))),
            ("ibs", value(&Or(self.ibs, "none"))),
            ("ras", required(self.ras)),
            ("ps2", required(self.ps2)),
            ("aia", value(&switch(self.aia))),
        ]
    }
}

impl Stable for Features {
    fn check_stable(&self, to: &Self) -> Result<()> {
        for ((name, from), (_, to)) in self.states().into_iter().zip(to.states()) {
            if from != to {
                return Err(differs(name, &from, &to));
            }
        }
        if let (Some(from), Some(to)) = (&self.hyperv, &to.hyperv) {
            from.check_stable(to)?;
        }
        if let (Some(from), Some(to)) = (&self.kvm, &to.kvm) {
            from.check_stable(to)?;
        }
        if let (Some(from), Some(to)) = (&self.xen, &to.xen) {
            from.check_stable(to)?;
        }
        if let (Some(from), Some(to)) = (&self.smm, &to.smm) {
            from.check_stable(to)?;
        }
        Ok(())
    }
}

impl Stable for HyperV {
    fn check_stable(&self, to: &Self) -> Result<()> {
        let check = |name: &str, of: &dyn Fn(&HyperV) -> Option<OnOff>| {
            part(&format!("HyperV enlightenment feature '{name}'"), of(self), of(to))
        };
        fn state(feature: Option<RequiredSwitch>) -> Option<OnOff> {
            feature.map(|f| f.state)
        }
        check("relaxed", &|h| state(h.relaxed))?;
        check("vapic", &|h| state(h.vapic))?;
        let retries = |h: &HyperV| h.spinlocks.as_ref().and_then(|s| s.retries).unwrap_or(0);
        told!(
            self,
            to,
            |h| retries(h),
            "HyperV spinlock retry count differs: source: '{from}', destination: '{to}'"
        );
        check("vpindex", &|h| state(h.vpindex))?;
        check("runtime", &|h| state(h.runtime))?;
        check("synic", &|h| state(h.synic))?;
        check("stimer", &|h| h.stimer.as_ref().map(|s| s.state))?;
        check("reset", &|h| state(h.reset))?;
        let vendor = |h: &HyperV| h.vendor_id.as_ref().and_then(|v| v.value.clone());
        told!(
            self,
            to,
            |h| Or(vendor(h), "(null)"),
            "HyperV vendor_id differs: source: '{from}', destination: '{to}'"
        );
        check("frequencies", &|h| state(h.frequencies))?;
        check("reenlightenment", &|h| state(h.reenlightenment))?;
        check("tlbflush", &|h| h.tlbflush.as_ref().map(|t| t.state))?;
        check("ipi", &|h| state(h.ipi))?;
        check("evmcs", &|h| state(h.evmcs))?;
        check("avic", &|h| state(h.avic))?;
        check("emsr_bitmap", &|h| state(h.emsr_bitmap))?;
        check("xmm_input", &|h| state(h.xmm_input))?;
        let direct = |h: &HyperV| h.stimer.as_ref().and_then(|s| state(s.direct));
        part("HyperV stimer direct feature", direct(self), direct(to))
    }
}

impl Stable for KvmFeatures {
    fn check_stable(&self, to: &Self) -> Result<()> {
        let check = |name: &str, of: &dyn Fn(&KvmFeatures) -> Option<OnOff>| {
            part(&format!("KVM feature '{name}'"), of(self), of(to))
        };
        check("hidden", &|k| k.hidden.map(|f| f.state))?;
        check("hint-dedicated", &|k| k.hint_dedicated.map(|f| f.state))?;
        check("poll-control", &|k| k.poll_control.map(|f| f.state))?;
        check("pv-ipi", &|k| k.pv_ipi.map(|f| f.state))?;
        check("dirty-ring", &|k| k.dirty_ring.as_ref().map(|ring| ring.state))?;
        let size = |k: &KvmFeatures| k.dirty_ring.as_ref().and_then(|ring| ring.size).unwrap_or(0);
        told!(
            self,
            to,
            |k| size(k),
            "dirty ring size of KVM feature 'dirty-ring' differs: source: '{from}', destination: '{to}'"
        );
        Ok(())
    }
}

impl Stable for XenFeatures {
    fn check_stable(&self, to: &Self) -> Result<()> {
        let state = |x: &XenFeatures| x.passthrough.as_ref().map(|p| p.state);
        part("Xen feature 'e820_host'", self.e820_host.map(|f| f.state), to.e820_host.map(|f| f.state))?;
        part("Xen feature 'passthrough'", state(self), state(to))?;
        let mode = |x: &XenFeatures| switch(x.passthrough.as_ref().and_then(|p| p.mode));
        told!(
            self,
            to,
            |x| mode(x),
            "'mode' of Xen passthrough feature differs: source: '{from}', destination: '{to}'"
        );
        Ok(())
    }
}

impl Stable for Smm {
    fn check_stable(&self, to: &Self) -> Result<()> {
        let said = |smm: &Smm| if smm.tseg.is_some() { "specified" } else { "not specified" };
        told!(self, to, |s| said(s), "SMM TSEG differs: source: {from}, destination: '{to}'");
        let size = |smm: &Smm| {
            let (value, unit) = scaled::pretty(smm.tseg.unwrap_or(0));
            format!("{value} {unit}")
        };
        told!(self, to, |s| size(s), "Size of SMM TSEG size differs: source: '{from}', destination: '{to}'");
        Ok(())
    }
}
