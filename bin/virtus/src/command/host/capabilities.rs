//! `capabilities` and `domcapabilities`

use virtus::calls::Remote;
use virtus::constants::VIR_CONNECT_GET_DOMAIN_CAPABILITIES_DISABLE_DEPRECATED_FEATURES;

use crate::command::{Command, Opt, WRAP, XPATH};
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell};
use crate::xml;

pub(super) static CAPABILITIES: Command = Command {
    name: "capabilities",
    summary: "what the host and the hypervisor can do",
    options: &[XPATH, WRAP],
    run: capabilities,
    ..Command::PLAIN
};

fn capabilities(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let xpath = arguments.xpath()?;
    let text = shell.call(Remote::connect_get_capabilities()).or_say("failed to get capabilities")?;
    xml::show(shell, &text, xpath, arguments.has("wrap"))
}

pub(super) const VIRT_TYPE: Opt = Opt::text("virttype", "the way of virtualisation, as in a domain's type")
    .also_positional()
    .one_of(&["kvm", "qemu"]);
pub(super) const ARCH: Opt = Opt::text("arch", "the architecture").also_positional();
pub(super) const MACHINE: Opt = Opt::text("machine", "the machine type").also_positional();

pub(super) static DOMCAPABILITIES: Command = Command {
    name: "domcapabilities",
    summary: "what an emulator can do for a domain",
    options: &[
        VIRT_TYPE,
        Opt::text("emulatorbin", "the emulator's path").also_positional().file(),
        ARCH,
        MACHINE,
        XPATH,
        WRAP,
        Opt::flag("disable-deprecated-features", "show the host's CPU model without what is deprecated"),
    ],
    run: domcapabilities,
    ..Command::PLAIN
};

fn domcapabilities(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let of = |name| arguments.text(name).map(|text| text.map(str::to_owned));
    let (virt_type, emulator) = (of("virttype")?, of("emulatorbin")?);
    let (arch, machine) = (of("arch")?, of("machine")?);
    let xpath = arguments.xpath()?;
    let flags = arguments.flags(&[(
        "disable-deprecated-features",
        VIR_CONNECT_GET_DOMAIN_CAPABILITIES_DISABLE_DEPRECATED_FEATURES,
    )]);
    let text = shell
        .call(Remote::connect_get_domain_capabilities(emulator, arch, machine, virt_type, flags))
        .or_say("failed to get emulator capabilities")?;
    xml::show(shell, &text, xpath, arguments.has("wrap"))
}
