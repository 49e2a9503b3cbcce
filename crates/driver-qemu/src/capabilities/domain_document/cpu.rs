//! `<cpu>`: what CPUs guests can have.

use virtus_conf::domain::VirtType;
use virtus_conf::domain::cpu::{CpuFallback, FeaturePolicy, MaxPhysAddr, MaxPhysAddrMode};
use virtus_xml::Writer;

use super::super::node_cpu::node_cpu;
use super::super::{Accelerated, CpuModel};
use super::{Question, enumeration};
use crate::emulator::Emulator as _;

pub(super) fn write(w: &mut Writer, question: &Question<'_>) {
    w.start("cpu");
    let accelerated = question.emulator.accelerated(question.virt);
    let cpus = question.emulator.cpus(question.virt);
    let native = question.arch == std::env::consts::ARCH
        || (std::env::consts::ARCH == "x86_64" && question.arch == "i686");
    mode(w, "host-passthrough", question.virt == VirtType::Kvm && native, |w| {
        let values = super::which(&[("on", question.has("cpu.migratable")), ("off", true)]);
        enumeration(w, "hostPassthroughMigratable", &values);
    });
    mode(w, "maximum", question.has("cpu-max"), |w| enumeration(w, "maximumMigratable", &["on", "off"]));
    mode(w, "host-model", cpus.reported.is_some(), |w| host_model(w, question));
    // of architectures whose CPUs nobody knows there is nothing to say
    let known = virtus_cpu::models(question.arch).ok();
    let models = accelerated.zip(known).map(|(all, known)| models(all, &known)).unwrap_or_default();
    mode(w, "custom", !models.is_empty(), |w| {
        models.iter().for_each(|model| custom(w, question.arch, model))
    });
    w.end();
}

fn mode(w: &mut Writer, name: &str, supported: bool, content: impl FnOnce(&mut Writer)) {
    w.start("mode");
    w.attr("name", name);
    w.attr("supported", if supported { "yes" } else { "no" });
    if supported {
        content(w);
    }
    w.end();
}

fn host_model(w: &mut Writer, question: &Question<'_>) {
    let Some(reported) = question.emulator.cpus(question.virt).reported else { return };
    let mut definition = reported.clone();
    definition.fallback = CpuFallback::Forbid;
    if question.without_deprecated {
        let host = question.emulator.accelerated(question.virt).and_then(|a| a.host.as_ref());
        for name in host.iter().flat_map(|host| &host.deprecated) {
            definition.set_feature(name, Some(FeaturePolicy::Disable));
        }
    }
    let mut cpu = definition.to_cpu();
    let bits = node_cpu().physical_bits.filter(|_| question.virt == VirtType::Kvm);
    cpu.maxphysaddr =
        bits.map(|bits| MaxPhysAddr { mode: MaxPhysAddrMode::Passthrough, limit: Some(bits), bits: None });
    virtus_xml::Xml::write_body(&cpu, w);
}

/// The models both sides know, by name.
fn models<'a>(accelerated: &'a Accelerated, known: &[&str]) -> Vec<&'a CpuModel> {
    // architectures without models of libvirt's own have all of QEMU's
    let wanted = |model: &&CpuModel| known.is_empty() || known.contains(&model.name.as_str());
    let special = |model: &&CpuModel| !matches!(model.name.as_str(), "host" | "base");
    let mut models: Vec<&CpuModel> =
        accelerated.cpus.iter().filter(wanted).filter(|m| !known.is_empty() || special(m)).collect();
    models.sort_by(|a, b| a.name.cmp(&b.name));
    models
}

fn custom(w: &mut Writer, arch: &str, model: &CpuModel) {
    w.start("model");
    let usable = match &model.blockers {
        None => "unknown",
        Some(blockers) if blockers.is_empty() => "yes",
        Some(_) => "no",
    };
    w.attr("usable", usable);
    if model.deprecated {
        w.attr("deprecated", "yes");
    }
    w.attr("vendor", virtus_cpu::vendor_of(arch, &model.name).unwrap_or("unknown"));
    w.attr_opt("canonical", model.alias_of.as_deref());
    w.text(&model.name);
    w.end();
    let blockers = model.blockers.as_deref().unwrap_or_default();
    if blockers.is_empty() {
        return;
    }
    w.start("blockers");
    w.attr("model", &model.name);
    let mut names: Vec<&str> = blockers.iter().map(String::as_str).collect();
    names.sort_unstable();
    for name in names {
        w.start("feature");
        w.attr("name", name);
        w.end();
    }
    w.end();
}
