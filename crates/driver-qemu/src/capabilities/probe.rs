//! Asking a QEMU what it is: one process for each accelerator, all questions in one go.

use std::collections::{HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::UnixStream;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_host::process::{Signal, Spawn};
use virtus_qmp::{Monitor, Options};

use super::flags::{self, Facts};
use super::schema::Schema;
use super::{Accelerated, Capabilities, CpuModel, HostModel, Machine, Sev};
use crate::machine::libvirt_arch;

/// A QEMU that says nothing for so long is no QEMU.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Accelerator {
    Tcg,
    Kvm,
}

fn failed(path: &Path, what: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorDomain::QEMU,
        ErrorCode::INTERNAL_ERROR,
        format!("Failed to probe QEMU binary with QMP: {}: {what}", path.display()),
    )
}

/// Finds out what a binary can do.
///
/// # Errors
/// `SYSTEM_ERROR` when it cannot be run, `INTERNAL_ERROR` when it does not answer as a QEMU.
pub(super) async fn probe(path: &Path) -> Result<Capabilities> {
    let kvm_here =
        rustix::fs::access("/dev/kvm", rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK).is_ok();
    let kvm = async {
        match kvm_here {
            true => ask(path, Accelerator::Kvm).await.ok(),
            false => None,
        }
    };
    let (tcg, kvm) = tokio::join!(ask(path, Accelerator::Tcg), kvm);
    // one that cannot emulate may still run guests under KVM
    let main = match (&tcg, &kvm) {
        (Ok(answers), _) => answers,
        (Err(_), Some(answers)) => answers,
        (Err(error), None) => return Err(error.clone()),
    };
    let kvm = kvm.as_ref().filter(|answers| answers.kvm);
    let schema = Schema::new(main.schema.clone());
    let has_property = |kind: &str, name: &str| main.properties.get(kind).is_some_and(|p| p.contains(name));
    let facts = Facts {
        types: &|name| main.types.contains(name),
        cpu: &|name| main.cpus.iter().any(|cpu| cpu.name == name),
        property: &has_property,
        option: &|option, parameter| match main.options.get(option) {
            Some(parameters) => parameter.is_empty() || parameters.contains(parameter),
            None => false,
        },
        schema: &schema,
        // only a process under KVM can tell
        sev: kvm.is_some_and(|answers| answers.sev),
        kvm: kvm.is_some(),
        tcg: tcg.is_ok(),
    };
    Ok(Capabilities {
        path: path.display().to_string(),
        arch: main.arch.clone(),
        version: main.version,
        package: main.package.clone(),
        flags: flags::evaluate(&facts).into_iter().collect(),
        hyperv: kvm.and_then(|answers| answers.hyperv.clone()),
        sev: kvm.and_then(|answers| answers.sev_offer.clone()),
        gic: main.gic.clone(),
        tcg: tcg.as_ref().ok().map(Answers::accelerated),
        kvm: kvm.map(Answers::accelerated),
    })
}

/// What one process said.
struct Answers {
    sev: bool,
    version: u64,
    package: String,
    arch: String,
    kvm: bool,
    types: HashSet<String>,
    properties: HashMap<String, HashSet<String>>,
    options: HashMap<String, HashSet<String>>,
    schema: Value,
    machines: Vec<Machine>,
    cpus: Vec<CpuModel>,
    host: Option<HostModel>,
    hyperv: Option<Vec<String>>,
    sev_offer: Option<Sev>,
    gic: Vec<u32>,
}

impl Answers {
    fn accelerated(&self) -> Accelerated {
        Accelerated { cpus: self.cpus.clone(), machines: self.machines.clone(), host: self.host.clone() }
    }
}

async fn ask(path: &Path, accelerator: Accelerator) -> Result<Answers> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()
        .map_err(|e| Error::system(ErrorDomain::QEMU, "unable to create a socket pair", &e))?;
    let machine = match accelerator {
        Accelerator::Tcg => "none,accel=tcg",
        Accelerator::Kvm => "none,accel=kvm",
    };
    let mut spawn = Spawn::new(path);
    let fd = spawn.next_fd(OwnedFd::from(theirs));
    spawn.args(["-S", "-no-user-config", "-nodefaults", "-nographic", "-machine", machine]);
    spawn.arg("-chardev").arg(format!("socket,id=monitor,fd={fd}"));
    spawn.args(["-mon", "chardev=monitor,mode=control"]);
    spawn.session(true);
    let process = spawn.start().map_err(|e| {
        Error::system(ErrorDomain::QEMU, format!("Cannot check QEMU binary {}", path.display()), &e.error)
    })?;
    let answers = async {
        ours.set_nonblocking(true).map_err(|e| failed(path, e))?;
        let stream = UnixStream::from_std(ours).map_err(|e| failed(path, e))?;
        let options = Options { vm: path.display().to_string(), timeout: Some(PATIENCE) };
        let (monitor, _events, greeting) =
            Monitor::connect(stream, options).await.map_err(|e| failed(path, e))?;
        let answers = questions(&monitor, accelerator).await.map_err(|e| failed(path, e))?;
        let version = greeting.version;
        Ok(Answers { version: version.qemu.number(), package: version.package, ..answers })
    };
    let answers = answers.await;
    // it holds nothing that could be lost
    let _ = process.kill(Signal::KILL);
    process.exited().await;
    answers
}

async fn questions(monitor: &Monitor, accelerator: Accelerator) -> virtus_qmp::Result<Answers> {
    let mut batch = monitor.batch();
    let mut ask = |name: &str, arguments: Value| batch.add_raw(name, &arguments);
    let target = ask("query-target", json!({}));
    let kvm = ask("query-kvm", json!({}));
    let schema = ask("query-qmp-schema", json!({}));
    let types = ask("qom-list-types", json!({}));
    let machines = ask("query-machines", json!({}));
    let cpus = ask("query-cpu-definitions", json!({}));
    let options = ask("query-command-line-options", json!({}));
    let sev = ask("query-sev-capabilities", json!({}));
    let gic = ask("query-gic-capabilities", json!({}));
    // the model that has all there is
    let everything = match accelerator {
        Accelerator::Tcg => "max",
        Accelerator::Kvm => "host",
    };
    let mut expand = |kind: &str, props: Value| {
        ask("query-cpu-model-expansion", json!({"type": kind, "model": {"name": everything, "props": props}}))
    };
    let expansion = expand("static", json!({}));
    let unmigratable = expand("static", json!({"migratable": false}));
    // Arm knows this one only
    let full = expand("full", json!({}));
    let enlightened =
        (accelerator == Accelerator::Kvm).then(|| expand("full", json!({"hv-passthrough": true})));
    batch.send();

    let limit = Some(PATIENCE);
    let target = target.within(limit).await?;
    let arch = target.get("arch").and_then(Value::as_str).unwrap_or_default();
    let types: HashSet<String> = names(&types.within(limit).await?, "name").collect();
    let machines = machines.within(limit).await?;
    let properties = properties(monitor, &types, &machines).await?;
    let kvm = kvm.within(limit).await?;
    let truth = |name: &str| kvm.get(name).and_then(Value::as_bool).unwrap_or(false);
    let options = options.within(limit).await?;
    let arch = libvirt_arch(arch).to_owned();
    let sev = sev.within(limit).await.ok();
    // not every target has CPU models to speak of
    let cpus: Vec<CpuModel> = match cpus.within(limit).await {
        Ok(found) => list(&found).map(|found| cpu(found, &arch)).collect(),
        Err(_) => Vec::new(),
    };
    let mut gic: Vec<u32> = match gic.within(limit).await {
        Ok(found) => list(&found).filter_map(gic_version).collect(),
        Err(_) => Vec::new(),
    };
    gic.sort_unstable();
    let expansion = match expansion.within(limit).await {
        Ok(expansion) => Some(expansion),
        Err(_) => full.within(limit).await.ok(),
    };
    let unmigratable = unmigratable.within(limit).await.ok();
    let hyperv = match enlightened {
        Some(enlightened) => enlightened.within(limit).await.ok(),
        None => None,
    };
    Ok(Answers {
        version: 0,
        package: String::new(),
        kvm: truth("present") && truth("enabled"),
        properties,
        options: list(&options)
            .map(|o| {
                (
                    text(o, "option"),
                    list(o.get("parameters").unwrap_or(&Value::Null)).map(|p| text(p, "name")).collect(),
                )
            })
            .collect(),
        schema: schema.within(limit).await?,
        machines: list(&machines).filter_map(|found| machine(found, &cpus)).collect(),
        cpus,
        host: expansion.and_then(|e| HostModel::read(&arch, &e, unmigratable.as_ref())),
        hyperv: hyperv.as_ref().and_then(enlightenments),
        sev: sev.is_some(),
        sev_offer: sev.as_ref().map(sev_offer),
        gic,
        arch,
        types,
    })
}

/// The properties of the types that have to be known, asked in one go.
async fn properties(
    monitor: &Monitor,
    types: &HashSet<String>,
    machines: &Value,
) -> virtus_qmp::Result<HashMap<String, HashSet<String>>> {
    let mut batch = monitor.batch();
    let mut tickets = Vec::new();
    for kind in flags::types_with_properties() {
        // a versioned machine stands for its family
        let asked = match kind.strip_suffix("-machine").filter(|family| !family.is_empty()) {
            Some("machine") | None => kind.to_owned(),
            Some(family) => {
                match list(machines).map(|m| text(m, "name")).find(|name| name.starts_with(family)) {
                    Some(name) => format!("{name}-machine"),
                    None => continue,
                }
            }
        };
        if types.contains(&asked) {
            tickets.push((kind, batch.add_raw("qom-list-properties", &json!({"typename": asked}))));
        }
        if types.contains(&asked) && !asked.ends_with("-machine") {
            // what a device can be set to when it is made is told by another command
            tickets.push((kind, batch.add_raw("device-list-properties", &json!({"typename": asked}))));
        }
    }
    batch.send();
    let mut found: HashMap<String, HashSet<String>> = HashMap::new();
    for (kind, ticket) in tickets {
        // one of the two may refuse a type that is no device, or is abstract
        if let Ok(reply) = ticket.within(Some(PATIENCE)).await {
            found.entry(kind.to_owned()).or_default().extend(names(&reply, "name"));
        }
    }
    Ok(found)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn optional(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn truth(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn names<'a>(value: &'a Value, name: &'a str) -> impl Iterator<Item = String> + 'a {
    list(value).map(move |item| text(item, name))
}

fn machine(value: &Value, cpus: &[CpuModel]) -> Option<Machine> {
    let name = text(value, "name");
    // what QEMU itself calls an internal machine is nobody's business
    if name == "none" || name.is_empty() {
        return None;
    }
    let default_cpu = optional(value, "default-cpu-type").map(|kind| {
        // several models may be of one type; the one libvirt knows is meant
        let of_type = || cpus.iter().filter(|cpu| cpu.type_name.as_ref() == Some(&kind));
        let known = |cpu: &&CpuModel| virtus_cpu::ppc64_model(&cpu.name).is_some();
        if let Some(model) = of_type().find(known).or_else(|| of_type().next()) {
            return model.name.clone();
        }
        // "qemu64-x86_64-cpu" is the model qemu64
        let model = kind.strip_suffix("-cpu").unwrap_or(&kind);
        model.rsplit_once('-').map_or(model, |(model, _)| model).to_owned()
    });
    Some(Machine {
        name,
        alias: optional(value, "alias"),
        max_cpus: value.get("cpu-max").and_then(Value::as_u64).and_then(|n| n.try_into().ok()).unwrap_or(0),
        hotplug_cpus: truth(value, "hotpluggable-cpus"),
        default: truth(value, "is-default"),
        default_cpu,
        numa_mem: truth(value, "numa-mem-supported"),
        acpi: value.get("acpi").and_then(Value::as_bool),
        deprecated: truth(value, "deprecated"),
        default_ram_id: optional(value, "default-ram-id"),
    })
}

fn cpu(value: &Value, arch: &str) -> CpuModel {
    let blockers = |features: &Value| {
        let names = list(features).filter_map(Value::as_str);
        match virtus_cpu::x86::is_x86(arch) {
            true => names.map(|name| virtus_cpu::x86::from_qemu(name).to_owned()).collect(),
            false => names.map(str::to_owned).collect(),
        }
    };
    let name = text(value, "name");
    CpuModel {
        // QEMU came to write POWER's small
        name: match arch.starts_with("ppc64") {
            true => virtus_cpu::ppc64_model(&name).map_or(name, str::to_owned),
            false => name,
        },
        type_name: optional(value, "typename"),
        blockers: value.get("unavailable-features").map(blockers),
        alias_of: optional(value, "alias-of").filter(|a| !a.is_empty()),
        deprecated: truth(value, "deprecated"),
    }
}

/// The enlightenments of an expansion, in libvirt's order and by its names.
fn enlightenments(expansion: &Value) -> Option<Vec<String>> {
    let props = expansion.pointer("/model/props")?.as_object()?;
    let offered = |name: &&&str| {
        let value = props.get(&format!("hv-{}", name.replace('_', "-")));
        match **name {
            // these have values of their own; that they can be set is enough
            "spinlocks" => value.is_some_and(|value| value.as_u64().is_some_and(|n| n > 0)),
            "vendor_id" => value.is_some_and(Value::is_string),
            _ => value.and_then(Value::as_bool).unwrap_or(false),
        }
    };
    let names: Vec<String> = ENLIGHTENMENTS.iter().filter(offered).map(|name| (*name).to_owned()).collect();
    (!names.is_empty()).then_some(names)
}

/// libvirt's enlightenments.
const ENLIGHTENMENTS: &[&str] = &[
    "relaxed",
    "vapic",
    "spinlocks",
    "vpindex",
    "runtime",
    "synic",
    "stimer",
    "reset",
    "vendor_id",
    "frequencies",
    "reenlightenment",
    "tlbflush",
    "ipi",
    "evmcs",
    "avic",
    "emsr_bitmap",
    "xmm_input",
];

fn sev_offer(reply: &Value) -> Sev {
    let number = |name: &str| reply.get(name).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    Sev {
        pdh: text(reply, "pdh"),
        cert_chain: text(reply, "cert-chain"),
        cpu0_id: optional(reply, "cpu0-id"),
        cbitpos: number("cbitpos").unwrap_or(0),
        reduced_phys_bits: number("reduced-phys-bits").unwrap_or(0),
    }
}

/// The version of an interrupt controller that is emulated.
fn gic_version(value: &Value) -> Option<u32> {
    let version = value.get("version").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok())?;
    truth(value, "emulated").then_some(version)
}
