//! CPU models: `cpu-compare`, `cpu-baseline`, `cpu-models`, their `hypervisor-` kin, and `maxvcpus`.

use virtus::calls::Remote;
use virtus::constants::*;

use super::capabilities::{ARCH, MACHINE, VIRT_TYPE};
use crate::command::{Command, OUTPUT, Opt, VALIDATE};
use crate::file;
use crate::grammar::{Arguments, Number};
use crate::shell::{Failure, OrSay, Outcome, Shell, extra, fail, out};
use crate::show::{self, Table};
use crate::xml::{self, Node, tree::Tree};

const FILE: Opt = Opt::text("file", "the file with the CPU").positional().required().file();
const EMULATOR: Opt = Opt::text("emulator", "the emulator's path").also_positional().file();
const ERROR: Opt = Opt::flag("error", "fail when the CPU is not compatible");
const FEATURES: Opt = Opt::flag("features", "name the features that the model has");
const MIGRATABLE: Opt = Opt::flag("migratable", "leave features out that keep a guest from moving");

/// The CPUs in a file: bare ones, or those of domains, of hosts' capabilities or of domains' capabilities.
fn read(shell: &mut Shell, path: &str, warn: bool) -> Outcome<Vec<String>> {
    let text = file::read(path)?;
    let body = match text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        Some((_, body)) => body,
        None => &text,
    };
    let text = format!("<container>{body}</container>");
    let document = xml::Document::parse(&text).map_err(|error| {
        let text = format!("(file '{path}'): {error}");
        virtus::Error::new(virtus::ErrorDomain::XML, virtus::ErrorCode::XML_ERROR, text)
    })?;
    let mut cpus: Vec<Node<'_, '_>> = ["cpu", "domain/cpu", "capabilities/host/cpu"]
        .iter()
        .flat_map(|path| xml::children(document.root_element(), path))
        .collect();
    cpus.extend(xml::children(document.root_element(), "domainCapabilities/cpu/mode").into_iter().filter(
        |mode| mode.attribute("name") == Some("host-model") && mode.attribute("supported") == Some("yes"),
    ));
    cpus.sort_by_key(|cpu| cpu.range().start);
    if cpus.is_empty() {
        fail!(
            "File '{path}' does not contain any <cpu> element or valid domain XML, host capabilities XML, or domain \
             capabilities XML"
        );
    }
    let mut found = Vec::new();
    for cpu in cpus {
        if warn && xml::children(cpu, "feature").iter().any(|feature| !feature.has_attribute("policy")) {
            shell.error("using host CPU definition as input may provide incorrect results");
        }
        let mut tree = Tree::of(cpu);
        if cpu.has_tag_name("mode") {
            tree.become_bare("cpu");
        }
        found.push(tree.text());
    }
    Ok(found)
}

fn compare_flags(arguments: &Arguments) -> u32 {
    arguments.flags(&[
        ("error", VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE),
        ("validate", VIR_CONNECT_COMPARE_CPU_VALIDATE_XML),
    ])
}

pub(super) static COMPARE: Command = Command {
    name: "cpu-compare",
    summary: "compare a CPU with that of the host",
    options: &[FILE, ERROR, VALIDATE],
    run: compare,
    ..Command::PLAIN
};

fn compare(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = compare_flags(arguments);
    let from = arguments.needed("file")?;
    let cpu = read(shell, from, false)?.swap_remove(0);
    let failed = format!("Failed to compare host CPU with {from}");
    match shell.call(Remote::connect_compare_cpu(cpu, flags)).or_say(&failed)? {
        VIR_CPU_COMPARE_INCOMPATIBLE => {
            out!(shell, "CPU described in {from} is incompatible with host CPU\n");
            return Err(Failure::silent());
        }
        VIR_CPU_COMPARE_IDENTICAL => out!(shell, "CPU described in {from} is identical to host CPU\n"),
        VIR_CPU_COMPARE_SUPERSET => out!(shell, "Host CPU is a superset of CPU described in {from}\n"),
        _ => return Err(Failure::new(failed)),
    }
    Ok(())
}

pub(super) static HYPERVISOR_COMPARE: Command = Command {
    name: "hypervisor-cpu-compare",
    summary: "compare a CPU with that which a hypervisor can give",
    options: &[FILE, VIRT_TYPE, EMULATOR, ARCH, MACHINE, ERROR, VALIDATE],
    run: hypervisor_compare,
    ..Command::PLAIN
};

/// Emulator, architecture, machine and way of virtualisation.
fn hypervisor(arguments: &Arguments) -> Outcome<[Option<String>; 4]> {
    let of = |name| arguments.text(name).map(|text| text.map(str::to_owned));
    Ok([of("emulator")?, of("arch")?, of("machine")?, of("virttype")?])
}

fn hypervisor_compare(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let flags = compare_flags(arguments);
    let from = arguments.needed("file")?;
    let [emulator, arch, machine, kind] = hypervisor(arguments)?;
    let cpu = read(shell, from, true)?.swap_remove(0);
    let failed = format!("Failed to compare hypervisor CPU with {from}");
    let request = Remote::connect_compare_hypervisor_cpu(emulator, arch, machine, kind, cpu, flags);
    let provided = "the CPU provided by hypervisor on the host";
    match shell.call(request).or_say(&failed)? {
        VIR_CPU_COMPARE_INCOMPATIBLE => {
            out!(shell, "CPU described in {from} is incompatible with {provided}\n");
            return Err(Failure::silent());
        }
        VIR_CPU_COMPARE_IDENTICAL => out!(shell, "CPU described in {from} is identical to {provided}\n"),
        VIR_CPU_COMPARE_SUPERSET => {
            out!(
                shell,
                "The CPU provided by hypervisor on the host is a superset of CPU described in {from}\n"
            );
        }
        _ => return Err(Failure::new(failed)),
    }
    Ok(())
}

fn baseline_flags(arguments: &Arguments) -> u32 {
    arguments.flags(&[
        ("features", VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES),
        ("migratable", VIR_CONNECT_BASELINE_CPU_MIGRATABLE),
    ])
}

pub(super) static BASELINE: Command = Command {
    name: "cpu-baseline",
    summary: "find the CPU that all CPUs of a file can be",
    options: &[FILE, FEATURES, MIGRATABLE],
    run: |shell, arguments| {
        let flags = baseline_flags(arguments);
        let cpus = read(shell, arguments.needed("file")?, false)?;
        let text = shell.call(Remote::connect_baseline_cpu(cpus.into(), flags))?;
        out!(shell, "{text}");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static HYPERVISOR_BASELINE: Command = Command {
    name: "hypervisor-cpu-baseline",
    summary: "find the CPU that a hypervisor can give in place of all CPUs of a file",
    options: &[
        Opt::text("file", "the file with CPUs").also_positional().file(),
        VIRT_TYPE,
        EMULATOR,
        ARCH,
        MACHINE,
        FEATURES,
        MIGRATABLE,
        Opt::text("model", "this model without more, in place of a file").also_positional(),
    ],
    run: |shell, arguments| {
        let flags = baseline_flags(arguments);
        let [emulator, arch, machine, kind] = hypervisor(arguments)?;
        let (from, model) = (arguments.text("file")?, arguments.text("model")?);
        arguments.one_of("file", "model")?;
        let cpus = match (from, model) {
            (Some(from), _) => read(shell, from, true)?,
            (None, model) => vec![format!("<cpu><model>{}</model></cpu>", model.unwrap_or_default())],
        };
        let request =
            Remote::connect_baseline_hypervisor_cpu(emulator, arch, machine, kind, cpus.into(), flags);
        let text = shell.call(request)?;
        out!(shell, "{text}");
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static MODELS: Command = Command {
    name: "cpu-models",
    summary: "list the CPU models of an architecture",
    options: &[Opt::text("arch", "the architecture").positional().required(), OUTPUT],
    run: |shell, arguments| {
        let arch = arguments.needed("arch")?.to_owned();
        let reply = shell
            .call(Remote::connect_get_cpu_model_names(arch, 1, 0))
            .or_say("failed to get CPU model names")?;
        if reply.ret == 0 && show::is_for_people(arguments)? {
            extra!(shell, "all CPU models are accepted\n");
        }
        names(shell, arguments, reply.models)
    },
    ..Command::PLAIN
};

/// Names alone: a line each, or a list for programs.
fn names(shell: &mut Shell, arguments: &Arguments, names: impl IntoIterator<Item = String>) -> Outcome {
    let people = show::is_for_people(arguments)?;
    let mut table = Table::new(&["Name"]);
    for name in names {
        match people {
            true => out!(shell, "{name}\n"),
            false => table.row(vec![name.into()]),
        }
    }
    if people { Ok(()) } else { table.show(shell, arguments) }
}

pub(super) static HYPERVISOR_MODELS: Command = Command {
    name: "hypervisor-cpu-models",
    summary: "list the CPU models that a hypervisor can give",
    options: &[
        Opt::text("virttype", "the way of virtualisation, as in a domain's type").one_of(&["kvm", "qemu"]),
        Opt::text("emulator", "the emulator's path").file(),
        Opt::text("arch", "the architecture"),
        Opt::text("machine", "the machine type"),
        Opt::flag("all", "all models that the hypervisor knows for the architecture"),
        OUTPUT,
    ],
    run: hypervisor_models,
    ..Command::PLAIN
};

fn hypervisor_models(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let [emulator, arch, machine, kind] = hypervisor(arguments)?;
    let text = shell
        .call(Remote::connect_get_domain_capabilities(emulator, arch, machine, kind, 0))
        .or_say("failed to get hypervisor CPU model names")?;
    let document = xml::parse(&text, "domainCapabilities")?;
    let all = arguments.has("all");
    let models = document.root_element().descendants().filter(|node| node.has_tag_name("model"));
    let wanted = |model: &Node<'_, '_>| match model.attribute("usable") {
        Some(usable) => all || usable == "yes",
        None => false,
    };
    let models: Vec<String> =
        models.filter(wanted).filter_map(|model| model.text().map(str::to_owned)).collect();
    names(shell, arguments, models)
}

pub(super) static MAXVCPUS: Command = Command {
    name: "maxvcpus",
    summary: "tell how many virtual CPUs a domain can have",
    options: &[Opt::text("type", "the type of domain, e.g. kvm").also_positional().one_of(&["kvm", "qemu"])],
    run: maxvcpus,
    ..Command::PLAIN
};

fn maxvcpus(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let kind = arguments.text("type")?.map(str::to_owned);
    let told = shell.call(Remote::connect_get_domain_capabilities(None, None, None, kind.clone(), 0));
    let from_capabilities = told.ok().and_then(|text| {
        let document = xml::Document::parse(&text).ok()?;
        i32::read(xml::attribute(document.root_element(), "vcpu", "max")?)
    });
    let count = match from_capabilities {
        Some(count) => count,
        None => shell.call(Remote::connect_get_max_vcpus(kind))?,
    };
    out!(shell, "{count}\n");
    Ok(())
}
