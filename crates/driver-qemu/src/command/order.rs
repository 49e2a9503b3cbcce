//! The parts of the command line in libvirt's order.

use virtus_base::Result;
use virtus_conf::domain::Domain;
use virtus_conf::domain::features::Features;

use super::build::Build;
use super::guest::{Context, Guest};
use super::line::{CommandLine, escape};
use super::plan::Plan;
use super::props::Props;
use super::{boot, check, clock, cpu, firmware, launch_security, machine, memory, numa, smbios, threads};
use crate::device;
use crate::emulator::Emulator;

/// The command line of a guest that was [prepared](super::prepare).
///
/// # Errors
/// libvirt's: `CONFIG_UNSUPPORTED` for what the emulator cannot do, `INTERNAL_ERROR` for incomplete definitions.
pub fn build(domain: &Domain, emulator: &dyn Emulator, context: &Context) -> Result<CommandLine> {
    let plan = Plan::of(domain);
    let guest = Guest { domain, emulator, context, plan: &plan };
    check::all(&guest)?;
    let mut build = Build { guest, line: CommandLine::default() };
    let b = &mut build;

    b.line.program = domain.devices.emulator.clone().unwrap_or_else(|| emulator.path().to_owned());
    b.line.env = environment(&guest);
    let process = match context.settings.set_process_name {
        true => format!(",process=qemu:{}", escape(&domain.name)),
        false => String::new(),
    };
    b.line.option("name", format!("guest={}{process},debug-threads=on", escape(&domain.name)));
    compatibility(b);
    b.line.flag("S");
    if let Some(file) = &context.master_key {
        let key = Props::object("secret", "masterKey0").with("format", "raw").with("file", file.clone());
        b.line.json("object", &key);
    }
    reservations(b);
    firmware::blockdevs(b)?;
    machine::machine(b)?;
    machine::accelerator(b);
    machine::tseg(b);
    cpu::add(b)?;
    firmware::loader(b);
    memory::size(b)?;
    memory::overcommit(b);
    threads::smp(b);
    threads::iothreads(b);
    numa::add(b)?;
    b.line.option("uuid", domain.uuid.to_string());
    smbios::add(b)?;
    generation_id(b);
    if domain.devices.graphics.is_empty() {
        b.line.option("display", "none");
    }
    b.line.flag("no-user-config");
    b.line.flag("nodefaults");
    monitor(b);
    clock::add(b);
    boot::power_management(b);
    boot::add(b);
    device::iommu::add(b)?;
    device::controller::globals(b)?;
    device::controller::add(b)?;
    device::memory::add(b)?;
    device::hub::add(b)?;
    threads::throttle_groups(b);
    device::disk::add(b)?;
    device::filesystem::add(b)?;
    device::interface::add(b)?;
    device::smartcard::add(b)?;
    device::console::add_serials(b)?;
    device::console::add_parallels(b)?;
    device::console::add_channels(b)?;
    device::console::add_consoles(b)?;
    device::tpm::add(b)?;
    device::input::add(b)?;
    device::audio::add(b)?;
    device::graphics::add(b)?;
    device::video::add(b)?;
    device::sound::add(b)?;
    device::watchdog::add(b)?;
    device::redirdev::add(b)?;
    device::hostdev::add(b)?;
    if let Some(uri) = &context.incoming {
        b.line.option("incoming", uri.clone());
    }
    device::memballoon::add(b)?;
    device::rng::add(b)?;
    device::nvram::add(b);
    core_info(b);
    launch_security::add(b);
    for arg in &domain.qemu.args {
        b.line.args.push(arg.clone());
    }
    b.line.option(
        "sandbox",
        match context.settings.seccomp_sandbox {
            0 => "off",
            _ => "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        },
    );
    device::panic::add(b)?;
    device::shmem::add(b)?;
    device::vsock::add(b)?;
    device::pstore::add(b)?;
    device::crypto::add(b)?;
    teardown(b);
    if context.settings.log_timestamp {
        b.line.option("msg", "timestamp=on");
    }
    Ok(build.line)
}

/// The whole environment: little of the daemon's own, and the guest's directory as home.
fn environment(guest: &Guest<'_>) -> Vec<(String, String)> {
    let lib = &guest.context.lib_dir;
    let mut env = vec![("LC_ALL".to_owned(), "C".to_owned())];
    env.extend(guest.context.path.clone().map(|path| ("PATH".to_owned(), path)));
    if guest.context.privileged {
        env.push(("HOME".to_owned(), lib.clone()));
        for (name, below) in
            [("XDG_DATA_HOME", ".local/share"), ("XDG_CACHE_HOME", ".cache"), ("XDG_CONFIG_HOME", ".config")]
        {
            env.push((name.to_owned(), format!("{lib}/{below}")));
        }
    }
    env.extend(device::audio::environment(guest));
    env.extend(device::graphics::environment(guest));
    env.extend(clock::environment(guest));
    for (name, value) in &guest.domain.qemu.env {
        env.push((name.clone(), value.clone().unwrap_or_default()));
    }
    env
}

/// How QEMU treats deprecated interfaces.
fn compatibility(b: &mut Build<'_>) {
    let (domain, settings) = (b.guest.domain, &b.guest.context.settings);
    let wanted = domain.qemu.deprecation.as_ref().or(settings.deprecation_behavior.as_ref());
    let input = match wanted.map(String::as_str) {
        Some("omit") => None,
        Some("reject") => Some("reject"),
        Some("crash") => Some("crash"),
        _ => return,
    };
    let props = Props::new().with("deprecated-output", "hide").maybe("deprecated-input", input);
    b.line.json("compat", &props);
}

/// The helper for SCSI reservations that the daemon manages.
fn reservations(b: &mut Build<'_>) {
    let managed = b.guest.domain.devices.disks.iter().any(|disk| {
        disk.source.common.reservations.as_ref().is_some_and(|reservations| reservations.managed.is_true())
    });
    if managed {
        let path = format!("{}/pr-helper0.sock", b.guest.context.lib_dir);
        b.line.json("object", &Props::object("pr-manager-helper", "pr-helper0").with("path", path));
    }
}

fn monitor(b: &mut Build<'_>) {
    let socket = match b.guest.context.monitor_fd {
        Some(fd) => format!("fd={fd}"),
        None => format!("path={}", escape(&format!("{}/monitor.sock", b.guest.context.lib_dir))),
    };
    b.line.option("chardev", format!("socket,id=charmonitor,{socket},server=on,wait=off"));
    b.line.option("mon", "chardev=charmonitor,id=monitor,mode=control");
}

fn generation_id(b: &mut Build<'_>) {
    if let Some(uuid) = b.guest.domain.genid.as_ref().and_then(|genid| genid.uuid) {
        b.device(Props::device("vmgenid").with("guid", uuid.to_string()).with("id", "vmgenid0"));
    }
}

fn feature(domain: &Domain) -> Features {
    domain.features.clone().unwrap_or_default()
}

fn core_info(b: &mut Build<'_>) {
    if feature(b.guest.domain).vmcoreinfo.is_some_and(|switch| switch.state.is_true()) {
        b.device(Props::device("vmcoreinfo"));
    }
}

fn teardown(b: &mut Build<'_>) {
    if let Some(enabled) = feature(b.guest.domain).async_teardown {
        let state = if enabled.is_true() { "on" } else { "off" };
        b.line.option("run-with", format!("async-teardown={state}"));
    }
}
