//! Screens, graphics cards, sound and input.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::Address;
use virtus_conf::domain::device::audio::{Audio, AudioBackend};
use virtus_conf::domain::device::graphics::Graphics;
use virtus_conf::domain::device::input::{Input, InputBus, InputModel, InputType};
use virtus_conf::domain::device::sound::{CodecType, Sound, SoundModel};
use virtus_conf::domain::device::video::{Video, VideoDriverName, VideoType};
use virtus_xml::{OnOff, YesNo};

use super::{Checks, internal, unsupported, xml_error};

/// Graphics cards that QEMU may have, and the capability of each.
const CARDS: &[(VideoType, &str)] = &[
    (VideoType::Vga, "VGA"),
    (VideoType::Cirrus, "cirrus-vga"),
    (VideoType::Vmvga, "vmware-svga"),
    (VideoType::Qxl, "qxl"),
    (VideoType::Virtio, "virtio-gpu"),
    (VideoType::Bochs, "bochs-display"),
    (VideoType::Ramfb, "ramfb"),
];

/// The longest password of VNC's own protocol.
const VNC_PASSWORD: usize = 8;

impl Checks<'_> {
    pub(super) fn graphics(&self, graphics: &Graphics) -> Result<()> {
        let kind = match graphics {
            Graphics::Sdl(_) => "sdl",
            Graphics::Vnc(_) => "vnc",
            Graphics::Rdp(_) => "rdp",
            Graphics::Desktop { .. } => "desktop",
            Graphics::Spice(_) => "spice",
            Graphics::EglHeadless { .. } => "egl-headless",
            Graphics::Dbus(_) => "dbus",
        };
        let capability = match graphics {
            Graphics::Sdl(_) => Some("sdl"),
            Graphics::Vnc(_) => Some("vnc"),
            Graphics::Spice(_) => Some("spice"),
            Graphics::EglHeadless { .. } => Some("egl-headless"),
            Graphics::Dbus(_) => Some("display-dbus"),
            Graphics::Rdp(_) | Graphics::Desktop { .. } => None,
        };
        if capability.is_none_or(|capability| !self.has(capability)) {
            return Err(unsupported(format!("{kind} graphics are not supported with this QEMU")));
        }
        if self.egl_headless {
            if !matches!(graphics, Graphics::EglHeadless { .. } | Graphics::Vnc(_) | Graphics::Spice(_)) {
                return Err(unsupported(
                    "graphics type 'egl-headless' is only supported with one of: 'vnc', 'spice' graphics types",
                ));
            }
            if matches!(graphics, Graphics::Spice(spice) if spice.gl == Some(YesNo::Yes)) {
                return Err(unsupported("multiple OpenGL displays are not supported by QEMU"));
            }
        }
        if let Graphics::Vnc(vnc) = graphics {
            if vnc.power_control.is_some() {
                self.need("vnc-power-control", "VNC power control is not available")?;
            }
            if let Some(length) = vnc.auth.passwd.as_ref().map(String::len).filter(|n| *n > VNC_PASSWORD) {
                return Err(unsupported(format!(
                    "VNC password is {length} characters long, only {VNC_PASSWORD} permitted"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn audio(&self, audio: &Audio) -> Result<()> {
        if let AudioBackend::Spice(_) = audio.backend {
            if !self.spice {
                return Err(unsupported("Spice audio is not supported without spice graphics"));
            }
            self.need("spice", "spice audio backend is not supported with this QEMU")?;
        }
        Ok(())
    }

    pub(super) fn videos(&self, video: &Video) -> Result<()> {
        let model = &video.model;
        let Some(kind) = model.kind else { return Ok(()) };
        let first = self.domain.devices.videos.first().is_some_and(|first| std::ptr::eq(first, video));
        if kind == VideoType::None {
            return Ok(());
        }
        if !CARDS.iter().any(|(card, capability)| *card == kind && self.has(capability)) {
            return Err(unsupported(format!("domain configuration does not support video model '{kind}'")));
        }
        if model.heads.is_some_and(|heads| heads > 1) && !matches!(kind, VideoType::Qxl | VideoType::Virtio) {
            return Err(unsupported(format!("video type '{kind}' doesn't support multiple 'heads'")));
        }
        let primary = first || model.primary == Some(YesNo::Yes);
        if !primary && !matches!(kind, VideoType::Qxl | VideoType::Virtio) {
            return Err(unsupported(format!("video type '{kind}' is only valid as primary video device")));
        }
        let acceleration = model.acceleration.as_ref();
        if acceleration.is_some_and(|a| a.accel2d == Some(YesNo::Yes)) {
            return Err(unsupported("qemu does not support the accel2d setting"));
        }
        let limit = u32::MAX / 1024;
        let too_big = |name: &str| {
            let text = format!("value for '{name}' must be less than '{limit}'");
            Err(Error::new(ErrorDomain::QEMU, ErrorCode::OVERFLOW, text))
        };
        if kind == VideoType::Qxl {
            if model.vram.is_some_and(|size| size > limit) {
                return too_big("vram");
            }
            if model.ram.is_some_and(|size| size > limit) {
                return too_big("ram");
            }
            match model.vgamem {
                Some(size) if size < 1024 => {
                    return Err(unsupported("value for 'vgamem' must be at least 1 MiB (1024 KiB)"));
                }
                Some(size) if !size.is_power_of_two() => {
                    return Err(unsupported("value for 'vgamem' must be power of two"));
                }
                _ => {}
            }
        }
        let sizes = matches!(kind, VideoType::Vga | VideoType::Qxl | VideoType::Virtio | VideoType::Bochs);
        if model.resolution.is_some() && !sizes {
            return Err(xml_error("model resolution is not supported"));
        }
        if matches!(kind, VideoType::Vga | VideoType::Vmvga)
            && model.vram.is_some_and(|size| size != 0 && size < 1024)
        {
            return Err(unsupported("value for 'vram' must be at least 1 MiB (1024 KiB)"));
        }
        if video.driver.name == Some(VideoDriverName::VhostUser) {
            self.need("vhost-user-gpu", "this QEMU does not support 'vhost-user' video device")?;
        } else if acceleration.is_some_and(|a| a.accel3d == Some(YesNo::Yes)) {
            if kind != VideoType::Virtio {
                return Err(unsupported("3d acceleration is supported only with 'virtio' video device"));
            }
            if !self.has("virtio-gpu.virgl") && !self.has("virtio-gpu-gl-pci") {
                return Err(unsupported("3d acceleration is not supported by this QEMU binary"));
            }
        }
        if model.blob == Some(OnOff::On) {
            self.need("virtio-gpu.blob", "this QEMU does not support 'blob' for virtio-gpu devices")?;
        }
        if kind == VideoType::Ramfb && video.info.address.is_some() {
            return Err(unsupported("'address' is not supported for 'ramfb' video devices"));
        }
        Ok(())
    }

    pub(super) fn sounds(&self, sound: &Sound) -> Result<()> {
        match sound.model {
            SoundModel::Usb => {
                self.need("usb-audio", "usb-audio controller is not supported by this QEMU binary")?;
            }
            SoundModel::Ich9 => self.need(
                "ich9-intel-hda",
                "The ich9-intel-hda audio controller is not supported in this QEMU binary",
            )?,
            SoundModel::Virtio => {
                self.need("virtio-sound", "virtio-sound controller is not supported in this QEMU binary")?;
            }
            SoundModel::Ich7 => {
                return Err(internal(format!("sound card model '{}' is not supported by qemu", sound.model)));
            }
            _ => {}
        }
        if matches!(sound.model, SoundModel::Ich6 | SoundModel::Ich9) {
            for codec in &sound.codecs {
                let capability = match codec.kind {
                    CodecType::Duplex => "hda-duplex",
                    CodecType::Micro => "hda-micro",
                    CodecType::Output => "hda-output",
                };
                if !self.has(capability) {
                    return Err(unsupported(format!("{capability} not supported in this QEMU binary")));
                }
            }
        }
        Ok(())
    }

    pub(super) fn inputs(&self, input: &Input) -> Result<()> {
        if input.bus == Some(InputBus::Ps2) && !self.machine.has_i8042() {
            return Err(unsupported("ps2 is not supported by this QEMU binary"));
        }
        if input.kind == InputType::Evdev {
            return self.need("input-linux", "input-linux is not supported by this QEMU binary");
        }
        if input.bus != Some(InputBus::Virtio) {
            return Ok(());
        }
        let generation = matches!(input.model, Some(InputModel::Transitional | InputModel::NonTransitional));
        if generation {
            return Err(unsupported(format!(
                "virtio (non-)transitional models are not supported for input type={}",
                input.kind
            )));
        }
        let capability = match input.kind {
            InputType::Mouse => "virtio-mouse",
            InputType::Tablet => "virtio-tablet",
            InputType::Keyboard => "virtio-keyboard",
            InputType::Passthrough | InputType::Evdev => "virtio-input-host",
        };
        let text = format!("{capability} is not supported by this QEMU binary");
        if input.kind == InputType::Passthrough && matches!(input.info.address, Some(Address::Ccw(_))) {
            return Err(unsupported(text));
        }
        self.need(capability, &text)
    }
}
