//! Mice, tablets, keyboards and passed-through input devices.

use virtus_base::Result;
use virtus_conf::domain::device::Input;
use virtus_conf::domain::device::input::{InputBus, InputType};

use super::Virtio;
use super::part::Part;
use crate::command::build::Build;
use crate::command::guest::{Guest, unsupported};
use crate::command::props::Props;

/// All input devices that are not part of the board.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for input in &guest.domain.devices.inputs {
        match (input.kind, input.bus) {
            (InputType::Evdev, _) => build.line.json("object", &evdev(&guest, input)),
            (_, Some(InputBus::Usb | InputBus::Virtio)) => build.device(props(&guest, input)?),
            _ => {}
        }
    }
    Ok(())
}

/// What an input device is made of.
///
/// # Errors
/// As [`props`].
pub(super) fn parts(guest: &Guest<'_>, input: &Input) -> Result<Vec<Part>> {
    Ok(vec![match input.kind {
        InputType::Evdev => Part::Object(evdev(guest, input)),
        _ => Part::Device(props(guest, input)?),
    }])
}

/// A device of the host that feeds the guest's keyboard and mouse.
pub fn evdev(guest: &Guest<'_>, input: &Input) -> Props {
    let source = &input.source;
    Props::object("input-linux", guest.alias(&input.info))
        .with("evdev", source.dev.clone().or_else(|| source.evdev.clone()).unwrap_or_default())
        .switch("repeat", source.repeat)
        .flag("grab_all", source.grab.is_some())
        .maybe("grab-toggle", source.grab_toggle.map(|toggle| toggle.as_str()))
}

/// The device.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for a type the bus does not have.
pub fn props(guest: &Guest<'_>, input: &Input) -> Result<Props> {
    let alias = guest.alias(&input.info);
    let address = guest.address(&input.info)?;
    if input.bus == Some(InputBus::Usb) {
        let driver = match input.kind {
            InputType::Mouse => "usb-mouse",
            InputType::Tablet => "usb-tablet",
            InputType::Keyboard => "usb-kbd",
            kind => {
                return Err(unsupported(format!(
                    "usb bus does not support '{}' input device",
                    kind.as_str()
                )));
            }
        };
        return Ok(Props::device(driver).with("id", alias).join(address));
    }
    let base = match input.kind {
        InputType::Mouse => "virtio-mouse",
        InputType::Tablet => "virtio-tablet",
        InputType::Keyboard => "virtio-keyboard",
        InputType::Passthrough => "virtio-input-host",
        InputType::Evdev => return Err(unsupported("evdev is not a virtio input device")),
    };
    let model = input.model.map_or(Virtio::Plain, Virtio::from);
    let evdev = input.source.evdev.clone().filter(|_| input.kind == InputType::Passthrough);
    Ok(guest
        .virtio(base, model, &input.driver, &input.info)?
        .with("id", alias)
        .maybe("evdev", evdev)
        .join(address))
}
