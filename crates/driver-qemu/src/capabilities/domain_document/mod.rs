//! The `<domainCapabilities>` document: what a guest of one emulator, machine and type can be made of.

mod cpu;
mod devices;
mod features;
mod os;

use virtus_conf::domain::VirtType;
use virtus_xml::{WriteOptions, Writer};

use super::ProbedEmulator;
use super::node_cpu::node_cpu;
use crate::emulator::Environment;
use crate::machine::Machine;

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The emulator.
    pub emulator: &'a ProbedEmulator,
    /// The architecture, by libvirt's name.
    pub arch: &'a str,
    /// The machine type's versioned name.
    pub machine: &'a str,
    /// The type of the guest.
    pub virt: VirtType,
    /// Whether features QEMU wants to be rid of are to be off.
    pub without_deprecated: bool,
}

impl Question<'_> {
    fn machine(&self) -> Machine<'_> {
        Machine { arch: self.arch, name: self.machine }
    }

    fn has(&self, capability: &str) -> bool {
        self.emulator.capabilities.flags.contains(capability)
    }

    /// How many vCPUs a guest can have.
    fn max_vcpus(&self) -> u32 {
        let accelerated = self.emulator.accelerated(self.virt);
        let machines = accelerated.map(|accelerated| accelerated.machines.as_slice()).unwrap_or_default();
        let machine = machines.iter().find(|machine| machine.name == self.machine);
        let machine = machine.map_or(0, |machine| machine.max_cpus);
        match (self.virt, &node_cpu().kvm) {
            (VirtType::Kvm, Some(kvm)) => machine.min(kvm.max_vcpus),
            _ => machine,
        }
    }
}

/// The document.
pub fn format(question: &Question<'_>, environment: &dyn Environment) -> String {
    use crate::emulator::Emulator as _;
    let mut w = Writer::new(WriteOptions::default());
    w.start("domainCapabilities");
    w.element_text("path", question.emulator.path());
    w.element_text("domain", question.virt.as_str());
    w.element_text("machine", question.machine);
    w.element_text("arch", question.arch);
    let vcpus = question.max_vcpus();
    if vcpus > 0 {
        w.start("vcpu");
        w.attr_fmt("max", format_args!("{vcpus}"));
        w.end();
    }
    supported(&mut w, "iothreads", true);
    os::write(&mut w, question, environment);
    cpu::write(&mut w, question);
    devices::write(&mut w, question);
    features::write(&mut w, question);
    w.end();
    w.finish()
}

/// An element that only says whether there is something.
fn supported(w: &mut Writer, name: &'static str, yes: bool) {
    w.start(name);
    w.attr("supported", if yes { "yes" } else { "no" });
    w.end();
}

/// An element that says what there is of something.
fn group(w: &mut Writer, name: &'static str, enums: &[(&str, Vec<&str>)]) {
    w.start(name);
    w.attr("supported", "yes");
    enums.iter().for_each(|(name, values)| enumeration(w, name, values));
    w.end();
}

/// The values something can have.
fn enumeration(w: &mut Writer, name: &str, values: &[&str]) {
    w.start("enum");
    w.attr("name", name);
    values.iter().for_each(|value| w.element_text("value", value));
    w.end();
}

/// The values whose condition holds.
fn which<'a>(values: &[(&'a str, bool)]) -> Vec<&'a str> {
    values.iter().filter(|(_, holds)| *holds).map(|(value, _)| *value).collect()
}
