//! `<features>`.

use virtus_xml::Writer;

use super::{Question, enumeration, supported, which};

pub(super) fn write(w: &mut Writer, q: &Question<'_>) {
    let machine = q.machine();
    let capabilities = &q.emulator.capabilities;
    w.start("features");
    let versions: Vec<String> = capabilities.gic.iter().map(u32::to_string).collect();
    let gic = machine.is_arm_virt() && !versions.is_empty();
    yes_or(w, "gic", gic, |w| {
        enumeration(w, "version", &versions.iter().map(String::as_str).collect::<Vec<_>>());
    });
    supported(w, "vmcoreinfo", q.has("vmcoreinfo"));
    supported(w, "genid", q.has("vmgenid"));
    supported(w, "backingStoreInput", true);
    supported(w, "backup", true);
    supported(w, "async-teardown", q.has("run-with.async-teardown"));
    if machine.is_s390() {
        supported(w, "s390-pv", q.has("s390-pv-guest"));
    }
    // the boards that have the controller
    let pc = machine.is_i440fx() || machine.is_q35() || machine.name == "isapc";
    supported(w, "ps2", pc && q.has("i8042"));
    let sev = capabilities.sev.as_ref().filter(|_| q.has("sev-guest"));
    yes_or(w, "sev", sev.is_some(), |w| {
        for (name, value) in
            sev.iter().flat_map(|sev| [("cbitpos", sev.cbitpos), ("reducedPhysBits", sev.reduced_phys_bits)])
        {
            w.element_fmt(name, format_args!("{value}"));
        }
    });
    supported(w, "sgx", false);
    if machine.is_x86() {
        let known = capabilities.hyperv.as_deref().unwrap_or_default();
        yes_or(w, "hyperv", !known.is_empty(), |w| {
            enumeration(w, "features", &known.iter().map(String::as_str).collect::<Vec<_>>());
        });
    }
    let kinds = which(&[
        ("sev", q.has("sev-guest")),
        ("sev-snp", q.has("sev-snp-guest")),
        ("s390-pv", machine.is_s390() && q.has("s390-pv-guest")),
    ]);
    yes_or(w, "launchSecurity", !kinds.is_empty(), |w| enumeration(w, "sectype", &kinds));
    w.end();
}

/// An element that is there with its content or says that there is none.
fn yes_or(w: &mut Writer, name: &'static str, yes: bool, content: impl FnOnce(&mut Writer)) {
    w.start(name);
    w.attr("supported", if yes { "yes" } else { "no" });
    if yes {
        content(w);
    }
    w.end();
}
