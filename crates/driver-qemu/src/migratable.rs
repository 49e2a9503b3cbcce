//! A definition as an older daemon takes it, to which a guest may migrate: without what every guest of its machine
//! type has and old versions had no element for.

use virtus_conf::domain::Domain;
use virtus_conf::domain::device::audio::AudioBackend;
use virtus_conf::domain::device::console::SerialType;
use virtus_conf::domain::device::controller::{Controller, ControllerKind, PciModel, PciModelName, UsbModel};
use virtus_conf::domain::device::input::{InputBus, InputType};
use virtus_conf::domain::device::panic::PanicModel;
use virtus_conf::domain::device::watchdog::{WatchdogAction, WatchdogModel};
use virtus_conf::domain::post_parse::input_bus;

use crate::machine::Machine;

/// The definition without what goes without saying; to be written with the `migratable` option.
pub fn reduced(domain: &Domain) -> Domain {
    let mut domain = domain.clone();
    let (x86, i440fx) = (Machine::of(&domain).is_x86(), Machine::of(&domain).is_i440fx());
    let named_loader = domain.os.loader.as_ref().is_some_and(|loader| loader.path.is_some());
    if named_loader {
        domain.os.firmware = None;
        domain.os.firmware_features = None;
    }
    let devices = &mut domain.devices;
    drop_single(
        &mut devices.controllers,
        |kind| matches!(kind, ControllerKind::Usb { .. }),
        |kind| match kind {
            ControllerKind::Usb { model, .. } => {
                model.is_none() || (i440fx && *model == Some(UsbModel::Piix3Uhci))
            }
            _ => false,
        },
    );
    drop_single(
        &mut devices.controllers,
        |kind| matches!(kind, ControllerKind::Pci { .. }),
        |kind| match kind {
            ControllerKind::Pci { model: Some(PciModel::PciRoot), options } => options.pcihole64.is_none(),
            _ => false,
        },
    );
    // what old versions knew no name for
    for serial in &mut devices.serials {
        if matches!(serial.target.kind, Some(SerialType::SpaprVio | SerialType::System)) {
            serial.target.kind = None;
            serial.target.model = None;
        }
    }
    for controller in &mut devices.controllers {
        if let ControllerKind::Pci { options, .. } = &mut controller.kind
            && options.model_name == Some(PciModelName::SpaprPciHostBridge)
        {
            options.model_name = None;
        }
    }
    devices.panics.retain(|panic| !matches!(panic.model, Some(PanicModel::S390 | PanicModel::Pseries)));
    let arch = domain.os.kind.arch.as_deref();
    for input in devices.inputs.iter_mut().filter(|i| i.bus.is_none() && i.kind != InputType::Evdev) {
        input.bus = Some(input_bus(input, arch));
    }
    devices.inputs.retain(|input| {
        !(x86
            && input.kind == InputType::Keyboard
            && input.bus == Some(InputBus::Ps2)
            && !input.info.has_user_alias())
    });
    devices
        .watchdogs
        .retain(|watchdog| watchdog.model != WatchdogModel::Itco || watchdog.action != WatchdogAction::Reset);
    if let [audio] = devices.audios.as_slice() {
        let silent = audio.id == 1
            && audio.timer_period.is_none()
            && [AudioBackend::None(Default::default()), AudioBackend::Spice(Default::default())]
                .contains(&audio.backend);
        if silent {
            devices.audios.clear();
        }
    }
    domain
}

/// Drops the one controller of a kind if it is the standard one.
fn drop_single(
    controllers: &mut Vec<Controller>,
    of_kind: impl Fn(&ControllerKind) -> bool,
    standard: impl Fn(&ControllerKind) -> bool,
) {
    let mut found = controllers.iter().enumerate().filter(|(_, controller)| of_kind(&controller.kind));
    if let (Some((at, controller)), None) = (found.next(), found.next())
        && controller.index.unwrap_or_default() == 0
        && standard(&controller.kind)
        && !controller.info.has_user_alias()
    {
        controllers.remove(at);
    }
}
