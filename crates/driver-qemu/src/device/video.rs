//! Graphics cards.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::Video;
use virtus_conf::domain::device::video::{VideoDriverName, VideoType};
use virtus_xml::OnOff;

use super::virtio_options;
use crate::command::build::Build;
use crate::command::guest::{Guest, unsupported};
use crate::command::line::escape;
use crate::command::props::Props;

/// All cards.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for video in guest
        .domain
        .devices
        .videos
        .iter()
        .filter(|video| video.driver.name == Some(VideoDriverName::VhostUser))
    {
        let text = socket(&guest, video)?;
        build.line.option("chardev", text);
    }
    for video in &guest.domain.devices.videos {
        if video.model.kind != Some(VideoType::None) {
            build.device(props(&guest, video)?);
        }
    }
    Ok(())
}

/// The socket of the program that draws.
///
/// # Errors
/// `OPERATION_FAILED` when none was started.
pub(crate) fn socket(guest: &Guest<'_>, video: &Video) -> Result<String> {
    let id = format!("chr-vu-{}", guest.alias(&video.info));
    if let Some(fd) = guest.context.chardev_fds.get(&id) {
        return Ok(format!("socket,id={id},fd={fd}"));
    }
    let path = guest.context.helper_sockets.get(&id).ok_or_else(|| {
        let text = "Unable to find a satisfying vhost-user-gpu";
        Error::new(ErrorDomain::QEMU, ErrorCode::OPERATION_FAILED, text)
    })?;
    Ok(format!("socket,id={id},path={}", escape(path)))
}

fn driver(guest: &Guest<'_>, video: &Video, primary: bool) -> Result<&'static str> {
    let accelerated = video
        .model
        .acceleration
        .as_ref()
        .and_then(|acceleration| acceleration.accel3d)
        .is_some_and(|on| on.is_true());
    let vhost_user = video.driver.name == Some(VideoDriverName::VhostUser);
    let kind = video.model.kind.unwrap_or(VideoType::Cirrus);
    Ok(match (kind, primary) {
        (VideoType::Vga, true) => "VGA",
        (VideoType::Vga, false) => "secondary-vga",
        (VideoType::Cirrus, _) => "cirrus-vga",
        (VideoType::Vmvga, _) => "vmware-svga",
        (VideoType::Qxl, true) => "qxl-vga",
        (VideoType::Qxl, false) => "qxl",
        (VideoType::Bochs, _) => "bochs-display",
        (VideoType::Ramfb, _) => "ramfb",
        (VideoType::Virtio, true) if guest.has(if vhost_user { "vhost-user-vga" } else { "virtio-vga" }) => {
            match (vhost_user, accelerated) {
                (true, _) => "vhost-user-vga",
                (false, true) if guest.has("virtio-vga-gl") => "virtio-vga-gl",
                _ => "virtio-vga",
            }
        }
        (VideoType::Virtio, _) => match (vhost_user, accelerated) {
            (true, _) => "vhost-user-gpu",
            (false, true) if guest.has("virtio-gpu-gl-pci") => "virtio-gpu-gl",
            _ => "virtio-gpu",
        },
        (kind, _) => {
            return Err(unsupported(format!("invalid model for video type '{}'", kind.as_str())));
        }
    })
}

/// The card.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for a type QEMU does not have.
pub fn props(guest: &Guest<'_>, video: &Video) -> Result<Props> {
    let first = guest.domain.devices.videos.first();
    let primary = match video.model.primary {
        Some(primary) => primary.is_true(),
        None => first == Some(video),
    };
    let driver = driver(guest, video, primary)?;
    let model = &video.model;
    let mut props = match driver {
        "virtio-gpu" | "virtio-gpu-gl" | "vhost-user-gpu" => {
            guest.virtio(driver, super::Virtio::Plain, &video.driver.virtio, &video.info)?
        }
        driver => Props::device(driver).join(virtio_options(&video.driver.virtio)),
    };
    props.set("id", guest.alias(&video.info));
    match model.kind {
        Some(VideoType::Virtio) => {
            if driver.ends_with("gl") {
                // rendering is asked for by the device itself
            } else if let (Some(acceleration), false) = (&model.acceleration, guest.has("virtio-vga-gl")) {
                props.opt(
                    "virgl",
                    acceleration.accel3d.filter(|_| guest.has("virtio-gpu.virgl")).map(|on| on.is_true()),
                );
            }
            if video.driver.name == Some(VideoDriverName::VhostUser) {
                props.set("chardev", format!("chr-vu-{}", guest.alias(&video.info)));
            }
            props.opt("max_outputs", model.heads);
            props = props.switch("blob", model.blob).switch("edid", model.edid);
        }
        Some(VideoType::Qxl) => {
            props = props
                .maybe("ram_size", model.ram.map(|kib| u64::from(kib) * 1024))
                .maybe("vram_size", model.vram.map(|kib| u64::from(kib) * 1024))
                .maybe("vram64_size_mb", model.vram64.map(|kib| kib / 1024))
                .maybe("vgamem_mb", model.vgamem.map(|kib| kib / 1024))
                .maybe("max_outputs", model.heads);
        }
        Some(VideoType::Vga | VideoType::Vmvga) => {
            props.opt("vgamem_mb", model.vram.filter(|kib| *kib > 0).map(|kib| kib / 1024));
        }
        Some(VideoType::Bochs) => {
            props.opt("vgamem", model.vram.filter(|kib| *kib > 0).map(|kib| u64::from(kib) * 1024));
            props = props.switch("edid", model.edid);
        }
        _ => {}
    }
    if let Some(resolution) = &model.resolution {
        props = props.with("xres", resolution.x).with("yres", resolution.y);
    }
    if let (Some(VideoType::Vga), Some(edid)) = (model.kind, model.edid) {
        props.set("edid", edid == OnOff::On);
    }
    Ok(props.join(guest.address(&video.info)?))
}
