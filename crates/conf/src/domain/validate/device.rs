//! Each device by itself, kind by kind.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use super::{Known, character, disk, hostdev, input, interface, memory, no_virtio, refuse, refuse_xml};
use crate::domain::Domain;
use crate::domain::device::address::Address;
use crate::domain::device::console::{ChannelTarget, SerialType};
use crate::domain::device::controller::{ControllerKind, PciModel, ScsiModel};
use crate::domain::device::graphics::{Graphics, Listen};
use crate::domain::device::rng::RngBackend;
use crate::domain::device::shmem::Shmem;
use crate::domain::device::smartcard::SmartcardMode;
use crate::domain::device::video::{Video, VideoDriverName, VideoType};
use crate::domain::device::{
    Audio, Chardev, Controller, Device, DeviceInfo, Filesystem, Iommu, RedirDev, Rng, Serial, Smartcard,
    Vsock,
};
use crate::domain::parse::{internal, unsupported, xml_error};

/// Checks every device of a definition, in the order libvirt visits them.
///
/// # Errors
/// libvirt's, for the first rule that is broken.
pub fn devices(domain: &Domain) -> Result<()> {
    let (known, d) = (&Known::of(domain), &domain.devices);
    d.disks.iter().try_for_each(|x| info(&x.info).and_then(|()| disk::disk(x, known)))?;
    d.interfaces.iter().try_for_each(|x| info(&x.info).and_then(|()| interface::interface(x)))?;
    d.sounds.iter().try_for_each(|x| info(&x.info).and_then(|()| audio_exists(known, x.audio)))?;
    d.hostdevs.iter().try_for_each(hostdev::hostdev)?;
    d.videos.iter().try_for_each(|x| info(&x.info).and_then(|()| video(x, known)))?;
    d.controllers.iter().try_for_each(|x| info(&x.info).and_then(|()| controller(x)))?;
    d.smartcards.iter().try_for_each(|x| smartcard(x, known))?;
    d.serials.iter().try_for_each(|x| serial(x, known))?;
    d.parallels.iter().try_for_each(|x| chardev(&x.chardev, false, known))?;
    d.channels.iter().try_for_each(|x| chardev(&x.chardev, named(&x.target), known))?;
    d.consoles.iter().try_for_each(|x| chardev(&x.chardev, false, known))?;
    d.inputs.iter().try_for_each(|x| info(&x.info).and_then(|()| input::input(x, known)))?;
    d.filesystems.iter().try_for_each(|x| info(&x.info).and_then(|()| filesystem(x)))?;
    d.rngs.iter().try_for_each(|x| info(&x.info).and_then(|()| rng(x, known)))?;
    d.shmems.iter().try_for_each(|x| info(&x.info).and_then(|()| shmem(x)))?;
    d.memories.iter().try_for_each(|x| info(&x.info).and_then(|()| memory::memory(x, known)))?;
    d.vsocks.iter().try_for_each(|x| info(&x.info).and_then(|()| vsock(x)))?;
    d.redirdevs.iter().try_for_each(|x| redirdev(x, known))?;
    d.iommus.iter().try_for_each(iommu)?;
    d.audios.iter().try_for_each(|x| audio(x, known))?;
    d.graphics.iter().try_for_each(|x| graphics(x, known))
}

impl Known<'_> {
    /// Checks one device of the definition, or one that is to join it.
    ///
    /// # Errors
    /// As [`devices`].
    pub fn device(&self, device: &Device) -> Result<()> {
        let known = self;
        if let (Some(found), false) = (device.info(), matches!(device, Device::HostDev(_))) {
            info(found)?;
        }
        match device {
            Device::Disk(x) => disk::disk(x, known),
            Device::Interface(x) => interface::interface(x),
            Device::Sound(x) => audio_exists(known, x.audio),
            Device::HostDev(x) => hostdev::hostdev(x),
            Device::Video(x) => video(x, known),
            Device::Controller(x) => controller(x),
            Device::Smartcard(x) => smartcard(x, known),
            Device::Serial(x) => serial(x, known),
            Device::Parallel(x) => chardev(&x.chardev, false, known),
            Device::Channel(x) => chardev(&x.chardev, named(&x.target), known),
            Device::Console(x) => chardev(&x.chardev, false, known),
            Device::Input(x) => input::input(x, known),
            Device::Filesystem(x) => filesystem(x),
            Device::Rng(x) => rng(x, known),
            Device::Shmem(x) => shmem(x),
            Device::Memory(x) => memory::memory(x, known),
            Device::Vsock(x) => vsock(x),
            Device::RedirDev(x) => redirdev(x, known),
            Device::Iommu(x) => iommu(x),
            Device::Audio(x) => audio(x, known),
            Device::Graphics(x) => graphics(x, known),
            Device::Lease(_)
            | Device::Tpm(_)
            | Device::RedirFilter(_)
            | Device::Hub(_)
            | Device::Watchdog(_)
            | Device::MemBalloon(_)
            | Device::Nvram(_)
            | Device::Panic(_)
            | Device::Crypto(_)
            | Device::Pstore(_) => Ok(()),
        }
    }
}

fn info(info: &DeviceInfo) -> Result<()> {
    match &info.address {
        Some(address @ Address::Unassigned) => {
            let tag = address.tag();
            Err(unsupported(format!("address of type '{tag}' is supported only for hostdevs")))
        }
        _ => Ok(()),
    }
}

/// Channels whose socket the daemon names.
fn named(target: &ChannelTarget) -> bool {
    matches!(target, ChannelTarget::Virtio { .. } | ChannelTarget::Xen { .. })
}

fn chardev(chardev: &Chardev, generated: bool, known: &Known<'_>) -> Result<()> {
    character::source(&chardev.source, generated, known)
}

fn serial(serial: &Serial, known: &Known<'_>) -> Result<()> {
    chardev(&serial.chardev, false, known)?;
    let debug = serial.target.kind == Some(SerialType::IsaDebug);
    refuse(&[(debug && !known.x86, "isa-debug serial type only valid on x86 architecture")])
}

fn video(video: &Video, known: &Known<'_>) -> Result<()> {
    let model = &video.model;
    let Some(kind) = model.kind else {
        return Err(internal("missing video model and cannot determine default"));
    };
    let vhost_user = video.driver.name == Some(VideoDriverName::VhostUser);
    let rendernode = model.acceleration.as_ref().is_some_and(|a| a.rendernode.is_some());
    let empty = model.resolution.as_ref().is_some_and(|r| r.x == 0 || r.y == 0);
    let set = |size: Option<u32>| kind != VideoType::Qxl && size.is_some_and(|s| s != 0);
    refuse(&[
        (known.none_among_videos, "a 'none' video type must be the only video device defined for the domain"),
        (
            vhost_user && kind != VideoType::Virtio,
            "'vhostuser' driver is only supported with 'virtio' device",
        ),
        (!vhost_user && rendernode, "unsupported rendernode accel attribute without 'vhostuser'"),
        (empty, "video resolution values must be greater than 0"),
        (set(model.ram), "ram attribute only supported for video type qxl"),
        (set(model.vram64), "vram64 attribute only supported for video type qxl"),
        (set(model.vgamem), "vgamem attribute only supported for video type qxl"),
        (
            kind == VideoType::Ramfb && video.info.address.is_some(),
            "address not supported for video type ramfb",
        ),
    ])?;
    if kind != VideoType::Virtio {
        if model.blob.is_some() {
            return Err(unsupported(format!("video type '{kind}' does not support blob resources")));
        }
        no_virtio(&video.driver.virtio)?;
    }
    Ok(())
}

fn controller(controller: &Controller) -> Result<()> {
    if let ControllerKind::Pci { model, options } = &controller.kind {
        let target = &options.target;
        let (index, root) =
            (controller.index.unwrap_or(0), matches!(model, Some(PciModel::PciRoot | PciModel::PcieRoot)));
        refuse(&[(
            root && controller.info.address.is_some(),
            "pci-root and pcie-root controllers should not have an address",
        )])?;
        if index > 255 {
            return Err(unsupported(format!("PCI controller index {index} too high, maximum is 255")));
        }
        let ranges = [
            ("target index", target.index, 0, 30),
            ("chassisNr", target.chassis_nr, 1, 255),
            ("chassis", target.chassis, 0, 255),
            ("port", target.port, 0, 255),
            ("busNr", target.bus_nr, 1, 254),
        ];
        for (what, value, min, max) in ranges {
            // -1 is how the document says "none"
            if let Some(value) = value.filter(|v| *v != -1 && !(min..=max).contains(v)) {
                return Err(unsupported(format!(
                    "PCI controller {what} '{value}' out of range - must be {min}-{max}"
                )));
            }
        }
        let mismatch = target.index.is_some_and(|t| t != -1 && (t == 0) != (index == 0));
        refuse(&[
            (mismatch, "Only the PCI controller with index 0 can have target index 0, and vice versa"),
            (
                target.node.is_some_and(|n| n >= 0) && index == 0,
                "The PCI controller with index=0 can't be associated with a NUMA node",
            ),
        ])?;
    }
    let virtio_scsi = matches!(
        controller.kind,
        ControllerKind::Scsi {
            model: Some(
                ScsiModel::VirtioScsi | ScsiModel::VirtioTransitional | ScsiModel::VirtioNonTransitional
            )
        }
    );
    let driver = &controller.driver;
    refuse(&[
        (
            driver.iothreads.is_some() && !virtio_scsi,
            "iothreads are supported only by 'virtio-scsi' controllers",
        ),
        (
            driver.iothread.is_some() && driver.iothreads.is_some(),
            "controller driver 'iothread' attribute can't be used together with 'iothreads' subelement",
        ),
    ])
}

fn smartcard(card: &Smartcard, known: &Known<'_>) -> Result<()> {
    let ccid = card.info.address.as_ref().is_none_or(|a| matches!(a, Address::Ccid(_)));
    refuse(&[(!ccid, "Controllers must use the 'ccid' address type")])?;
    match &card.mode {
        SmartcardMode::Passthrough(source) => chardev(source, false, known),
        _ => Ok(()),
    }
}

fn rng(rng: &Rng, known: &Known<'_>) -> Result<()> {
    match &rng.backend {
        RngBackend::Egd(source) => chardev(source, false, known),
        _ => Ok(()),
    }
}

fn filesystem(fs: &Filesystem) -> Result<()> {
    use crate::domain::device::filesystem::FsDriverType::Virtiofs;
    if fs.target.is_none() {
        let source = fs.source.as_ref().or(fs.socket.as_ref()).cloned().unwrap_or_default();
        return Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::NO_TARGET, source));
    }
    let boots = fs.info.boot.is_some() && fs.driver.kind != Some(Virtiofs);
    refuse(&[(boots, "boot order is only supported for virtiofs")])
}

fn shmem(shmem: &Shmem) -> Result<()> {
    let name = shmem.name.as_str();
    refuse(&[
        (name.contains('/'), "shmem name cannot include '/' character"),
        (name == ".", "shmem name cannot be equal to '.'"),
        (name == "..", "shmem name cannot be equal to '..'"),
    ])?;
    refuse_xml(&[(
        shmem.msi.is_some() && shmem.server.is_none(),
        "msi option is only supported with a server",
    )])
}

fn vsock(vsock: &Vsock) -> Result<()> {
    refuse(&[(vsock.cid_address.is_some_and(|cid| (1..3).contains(&cid)), "guest CIDs must be >= 3")])?;
    if vsock.model.is_none() { no_virtio(&vsock.driver) } else { Ok(()) }
}

fn redirdev(redirdev: &RedirDev, known: &Known<'_>) -> Result<()> {
    refuse(&[(!known.usb, "cannot add redirected USB device: USB is disabled for this domain")])?;
    chardev(&redirdev.chardev, false, known)
}

fn iommu(iommu: &Iommu) -> Result<()> {
    use crate::domain::device::iommu::{IommuDriver, IommuModel};
    let plain = matches!(iommu.model, IommuModel::Virtio | IommuModel::Smmuv3);
    if plain && iommu.driver != IommuDriver::default() {
        let model = iommu.model;
        return Err(xml_error(format!("iommu model '{model}' doesn't support additional attributes")));
    }
    Ok(())
}

fn audio(audio: &Audio, known: &Known<'_>) -> Result<()> {
    match known.audios.get(&audio.id) {
        None | Some(0 | 1) => Ok(()),
        _ => Err(xml_error(format!("audio ID {} is used multiple times", audio.id))),
    }
}

fn audio_exists(known: &Known<'_>, id: Option<u32>) -> Result<()> {
    match id {
        Some(id) if !known.audios.contains_key(&id) => {
            Err(xml_error(format!("no audio device with ID {id}")))
        }
        _ => Ok(()),
    }
}

fn graphics(graphics: &Graphics, known: &Known<'_>) -> Result<()> {
    let listens = match graphics {
        Graphics::Vnc(vnc) => &vnc.server.listens.list,
        Graphics::Spice(spice) => &spice.listens.list,
        Graphics::Rdp(rdp) => &rdp.listens.list,
        Graphics::Dbus(dbus) => {
            let both = dbus.p2p.is_some_and(|p| p.is_true()) && dbus.address.is_some();
            return refuse_xml(&[(both, "D-Bus p2p with an address is not supported")]);
        }
        _ => return Ok(()),
    };
    let nameless = listens.iter().any(|l| matches!(l, Listen::Network { network, .. } if network.is_empty()));
    refuse_xml(&[(nameless, "'network' attribute is required for listen type 'network'")])?;
    match graphics {
        Graphics::Vnc(vnc) => audio_exists(known, vnc.audio),
        _ => Ok(()),
    }
}
