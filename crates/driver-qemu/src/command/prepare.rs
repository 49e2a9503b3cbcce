//! What a live definition gets before its command line is built: aligned memory, numbered images, paths of sockets.

use virtus_base::Result;
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::chardev::{ChardevSource, SocketMode};
use virtus_conf::domain::device::console::ChannelTarget;
use virtus_conf::domain::device::disk::CacheMode;
use virtus_conf::domain::device::memory::MemoryModel;
use virtus_conf::domain::device::rng::RngBackend;
use virtus_conf::domain::device::smartcard::SmartcardMode;
use virtus_conf::domain::device::storage::{BackingStore, Location, NetProtocol, StorageSource};
use virtus_conf::domain::device::{Address, Channel, Chardev, Disk, MemoryDevice};
use virtus_conf::scaled::KiB;
use virtus_xml::YesNo;

use super::cells::{device_memory, initial_memory};
use super::guest::{Context, unsupported};
use super::{guest_cpu, plan};
use crate::emulator::Emulator;
use crate::machine::Machine;
use crate::settings::Settings;

/// Completes a live definition whose devices have addresses and aliases.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for sizes that do not fit, `CPU_INCOMPATIBLE` for a CPU the host cannot be.
pub fn prepare(domain: &mut Domain, emulator: &dyn Emulator, context: &Context) -> Result<()> {
    guest_cpu::validate(domain, emulator, context)?;
    align_memory(domain)?;
    plan::number_images(domain);
    for disk in &mut domain.devices.disks {
        self::disk(disk, &context.settings);
        if disk.source.is_empty() {
            // nothing is in the drive that could have a format
            disk.driver.format = None;
        }
    }
    let devices = &mut domain.devices;
    let chardevs = (devices.serials.iter_mut().map(|d| &mut d.chardev))
        .chain(devices.parallels.iter_mut().map(|d| &mut d.chardev))
        .chain(devices.consoles.iter_mut().map(|d| &mut d.chardev))
        .chain(devices.channels.iter_mut().map(|d| &mut d.chardev))
        .chain(devices.redirdevs.iter_mut().map(|d| &mut d.chardev));
    chardevs.for_each(|it| chardev(it, &context.settings));
    for rng in &mut devices.rngs {
        if let RngBackend::Egd(egd) = &mut rng.backend {
            chardev(egd, &context.settings);
        }
    }
    for smartcard in &mut devices.smartcards {
        if let SmartcardMode::Passthrough(client) = &mut smartcard.mode {
            chardev(client, &context.settings);
        }
    }
    for channel in &mut domain.devices.channels {
        self::channel(channel, context);
    }
    guest_cpu::update(domain, emulator)
}

/// Completes a disk that has its address.
pub(crate) fn disk(disk: &mut Disk, settings: &Settings) {
    // whoever else writes to it sees what this guest wrote
    let cache = &mut disk.driver.options.cache;
    if disk.rest.shareable && !disk.rest.readonly && matches!(cache, None | Some(CacheMode::Default)) {
        *cache = Some(CacheMode::None);
    }
    encryption(&mut disk.source, settings);
    let mut below = disk.backing.as_mut();
    while let Some(BackingStore::Image(image)) = below {
        encryption(&mut image.source, settings);
        below = image.backing.as_mut();
    }
}

/// Whether an image's way over the network is encrypted, which the settings say where the definition does not.
fn encryption(source: &mut StorageSource, settings: &Settings) {
    if let Location::Network(network) = &mut source.location
        && network.protocol == Some(NetProtocol::Nbd)
    {
        network.tls.get_or_insert(YesNo::from(settings.nbd_tls));
    }
}

/// Completes the host's side of a character device: encryption is as the settings say unless it is asked for.
pub(crate) fn chardev(chardev: &mut Chardev, settings: &Settings) {
    if let ChardevSource::Tcp(tcp) = &mut chardev.source {
        tcp.source.tls.get_or_insert(YesNo::from(settings.chardev_tls));
    }
}

/// Completes a channel that has its address and alias: where its socket is.
pub(crate) fn channel(channel: &mut Channel, context: &Context) {
    if let (ChannelTarget::Virtio { name, .. }, ChardevSource::Unix { source }) =
        (&channel.target, &mut channel.chardev.source)
    {
        source.mode.get_or_insert(SocketMode::Bind);
        if source.path.is_none() {
            let name = match (name, &channel.info.address) {
                (Some(name), _) => name.clone(),
                (None, Some(Address::VirtioSerial(port))) => {
                    format!("vioser-{:02}-{:02}-{:02}.sock", port.controller, port.bus, port.port)
                }
                (None, _) => channel.info.alias.clone().unwrap_or_default(),
            };
            source.path = Some(format!("{}/{name}", context.channel_dir));
        }
    }
}

/// Rounds a memory module's size up to what the machine can have.
pub(crate) fn module(domain: &Domain, memory: &mut MemoryDevice) {
    let (size, align) = (&mut memory.target.size.0, module_alignment(Machine::of(domain)));
    *size = size.div_ceil(align).saturating_mul(align);
}

/// In KiB: a machine's memory comes in multiples of this.
fn alignment(machine: Machine<'_>) -> u64 {
    if machine.is_ppc64() { 256 << 10 } else { 1 << 10 }
}

/// In KiB: modules, which can be plugged in, come in larger pieces.
fn module_alignment(machine: Machine<'_>) -> u64 {
    if machine.is_ppc64() { alignment(machine) } else { 2 << 10 }
}

/// Rounds all sizes up to what the machine can have.
fn align_memory(domain: &mut Domain) -> Result<()> {
    let align = alignment(Machine::of(domain));
    let module = module_alignment(Machine::of(domain));
    let power = Machine::of(domain).is_ppc64();
    let round = |size: u64, align: u64| size.div_ceil(align).saturating_mul(align);
    let too_large = |what: String| unsupported(format!("{what} overflowed after alignment"));
    let limit = i64::MAX as u64 >> 10;
    let mut initial = initial_memory(domain);
    if let Some(numa) = domain.cpu.as_mut().and_then(|cpu| cpu.numa.as_mut()) {
        if !numa.cells.is_empty() {
            initial = 0;
        }
        for (cell, i) in numa.cells.iter_mut().zip(0u32..) {
            let size = round(cell.memory.0, align);
            if size > limit {
                return Err(too_large(format!("memory size of NUMA node '{i}'")));
            }
            cell.memory = KiB(size);
            initial = initial.saturating_add(size);
        }
    }
    initial = round(initial, align);
    if initial > limit {
        return Err(too_large("initial memory size".to_owned()));
    }
    if let Some(max) = &mut domain.max_memory {
        max.size = KiB(round(max.size.0, align));
        if max.size.0 > limit {
            return Err(too_large("maximum memory size".to_owned()));
        }
    }
    for (memory, i) in domain.devices.memories.iter_mut().zip(0u32..) {
        // POWER's persistent memory was made to fit when it was defined: its label comes on top
        if !(power && memory.model == MemoryModel::Nvdimm) {
            memory.target.size = KiB(round(memory.target.size.0, module));
        }
        if memory.target.size.0 > limit {
            return Err(too_large(format!("size of memory module '{i}'")));
        }
    }
    domain.memory.size = KiB(initial.saturating_add(device_memory(domain)));
    Ok(())
}
