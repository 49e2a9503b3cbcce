//! Controllers' indexes.

use std::collections::{HashMap, HashSet};

use virtus_base::Result;

use super::{order, xml_error};
use crate::domain::Domain;
use crate::domain::device::controller::{Controller, ControllerKind, UsbModel};

/// The indexes that controllers of one kind have.
#[derive(Default)]
struct Indexes {
    used: HashSet<u32>,
    /// All below are used.
    below: u32,
}

impl Indexes {
    /// Takes the lowest index that no controller has.
    fn take(&mut self) -> u32 {
        while self.used.contains(&self.below) {
            self.below += 1;
        }
        self.used.insert(self.below);
        self.below
    }
}

/// The model of a USB 2 controller or of one of its companions.
fn usb2(kind: &ControllerKind) -> Option<UsbModel> {
    let usb2 = [UsbModel::Ich9Ehci1, UsbModel::Ich9Uhci1, UsbModel::Ich9Uhci2, UsbModel::Ich9Uhci3];
    match kind {
        ControllerKind::Usb { model: Some(model), .. } if usb2.contains(model) => Some(*model),
        _ => None,
    }
}

/// Gives each controller without index the lowest free one. A USB2 controller that follows another joins
/// that one's group, unless the group has its model.
pub fn assign_indexes(domain: &mut Domain) {
    let list = &mut domain.devices.controllers;
    let mut indexes: HashMap<&'static str, Indexes> = HashMap::new();
    let mut groups: HashSet<(u32, UsbModel)> = HashSet::new();
    for Controller { kind, index, .. } in &*list {
        let Some(index) = *index else { continue };
        indexes.entry(kind.tag()).or_default().used.insert(index);
        groups.extend(usb2(kind).map(|model| (index, model)));
    }
    let mut regroup = false;
    // the index of the USB controller before, if that is of USB 2
    let mut previous = None;
    for (i, Controller { kind, index, .. }) in list.iter_mut().enumerate() {
        let model = usb2(kind);
        if index.is_none() {
            let joined = model.zip(previous).filter(|(model, group)| !groups.contains(&(*group, *model)));
            regroup |= model.is_some() && i > 0;
            let taken = match joined {
                Some((_, group)) => group,
                None => indexes.entry(kind.tag()).or_default().take(),
            };
            groups.extend(model.map(|model| (taken, model)));
            *index = Some(taken);
        }
        if kind.tag() == "usb" {
            previous = index.filter(|_| model.is_some());
        }
    }
    if regroup {
        order::arrange_controllers(list);
    }
}

/// Refuses two controllers of a kind with one index; companions on USB have the same.
pub(super) fn reject_duplicates(domain: &Domain) -> Result<()> {
    let mut seen = HashSet::new();
    for controller in domain.devices.controllers.iter().filter(|c| c.kind.tag() != "usb") {
        let index = controller.index.unwrap_or(0);
        if !seen.insert((controller.kind.tag(), index)) {
            let tag = controller.kind.tag();
            return Err(xml_error(format!("Multiple '{tag}' controllers with index '{index}'")));
        }
    }
    Ok(())
}
