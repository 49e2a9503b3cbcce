//! `<input>`: keyboards, mice, tablets, the host's event devices.

use virtus_xml::{Element, OnOff, Xml, keywords};

use super::info::DeviceInfo;
use super::virtio::{VirtioOptions, check_driver};
use crate::domain::stable::{Stable, switch, told};
use virtus_base::Result;

keywords! {
    /// What it is.
    pub enum InputType { Mouse = "mouse", Tablet = "tablet", Keyboard = "keyboard", Passthrough = "passthrough", Evdev = "evdev" }
}
keywords! {
    /// What it is plugged into.
    pub enum InputBus { Ps2 = "ps2", Usb = "usb", Xen = "xen", Parallels = "parallels", Virtio = "virtio", None = "none" }
}
keywords! {
    /// Which virtio generation.
    pub enum InputModel {
        Virtio = "virtio", Transitional = "virtio-transitional", NonTransitional = "virtio-non-transitional",
    }
}
keywords! {
    /// Whose events are taken while the guest has the device.
    pub enum InputGrab { All = "all" }
}
keywords! {
    /// The keys that give the device to the guest and back.
    pub enum GrabToggle {
        CtrlCtrl = "ctrl-ctrl", AltAlt = "alt-alt", ShiftShift = "shift-shift", MetaMeta = "meta-meta",
        ScrollLock = "scrolllock", CtrlScrollLock = "ctrl-scrolllock",
    }
}

/// `<input>`.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(check = own_source)]
pub struct Input {
    #[xml(attr = "type", missing = "missing input device type", code = INTERNAL_ERROR,
        invalid = "unknown input device type '{}'", invalid_code = CONFIG_UNSUPPORTED)]
    pub kind: InputType,
    /// The bus; chosen by post-parse when absent.
    #[xml(attr, invalid = "unknown input bus type '{}'", invalid_code = CONFIG_UNSUPPORTED)]
    pub bus: Option<InputBus>,
    #[xml(attr)]
    pub model: Option<InputModel>,
    #[xml(omit_default)]
    pub driver: VirtioOptions,
    #[xml(omit_default)]
    pub source: InputSource,
    #[xml(flatten)]
    pub info: DeviceInfo,
}

/// Only what takes the host's events has a source of them.
fn own_source(input: &mut Input, _: Element<'_>) -> Result<()> {
    if input.kind != InputType::Passthrough {
        input.source.evdev = None;
    }
    if input.kind != InputType::Evdev {
        input.source = InputSource { evdev: input.source.evdev.take(), ..InputSource::default() };
    }
    Ok(())
}

/// The host's event device.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct InputSource {
    /// Of `passthrough`.
    #[xml(attr)]
    pub evdev: Option<String>,
    /// Of `evdev`.
    #[xml(attr)]
    pub dev: Option<String>,
    #[xml(attr)]
    pub grab: Option<InputGrab>,
    #[xml(attr = "grabToggle")]
    pub grab_toggle: Option<GrabToggle>,
    #[xml(attr)]
    pub repeat: Option<OnOff>,
}

impl Stable for Input {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |d| d.kind, "Target input device type {to} does not match source {from}");
        told!(self, to, |d| switch(d.bus), "Target input device bus {to} does not match source {from}");
        told!(self, to, |d| told_model(d.model), "Target input model {to} does not match source {from}");
        check_driver(&self.driver, &to.driver, |driver| driver)?;
        self.info.check_stable(&to.info)
    }
}

/// libvirt calls the model by the name of the bus that has its number.
fn told_model(model: Option<InputModel>) -> &'static str {
    match model {
        None => "default",
        Some(InputModel::Virtio) => InputBus::Ps2.as_str(),
        Some(InputModel::Transitional) => InputBus::Usb.as_str(),
        Some(InputModel::NonTransitional) => InputBus::Xen.as_str(),
    }
}
