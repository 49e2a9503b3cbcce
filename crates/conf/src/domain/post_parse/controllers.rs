//! Controllers' indexes.

use virtus_base::Result;

use super::{order, xml_error};
use crate::domain::Domain;
use crate::domain::device::controller::{Controller, ControllerKind, UsbModel};

/// The lowest index no controller of this kind has.
fn unused_index(controllers: &[Controller], tag: &str) -> u32 {
    let mut index = 0;
    while controllers.iter().any(|c| c.kind.tag() == tag && c.index == Some(index)) {
        index += 1;
    }
    index
}

fn is_usb2(kind: &ControllerKind) -> bool {
    let usb2 = [UsbModel::Ich9Ehci1, UsbModel::Ich9Uhci1, UsbModel::Ich9Uhci2, UsbModel::Ich9Uhci3];
    matches!(kind, ControllerKind::Usb { model: Some(model), .. } if usb2.contains(model))
}

/// Gives each controller without index the lowest free one. A USB2 controller that follows another joins
/// that one's group, unless the group has its model.
pub fn assign_indexes(domain: &mut Domain) {
    let list = &mut domain.devices.controllers;
    let mut regroup = false;
    for i in 0..list.len() {
        let (before, Some((controller, _))) =
            (list.get(..i).unwrap_or_default(), list.get(i..).and_then(<[_]>::split_first))
        else {
            continue;
        };
        if controller.index.is_some() {
            continue;
        }
        let mut joined = None;
        if i > 0 && is_usb2(&controller.kind) {
            regroup = true;
            let previous = before.iter().rev().find(|c| c.kind.tag() == "usb").filter(|c| is_usb2(&c.kind));
            joined = previous
                .and_then(|c| c.index)
                .filter(|index| !list.iter().any(|c| c.index == Some(*index) && c.kind == controller.kind));
        }
        let index = joined.unwrap_or_else(|| unused_index(list, controller.kind.tag()));
        if let Some(controller) = list.get_mut(i) {
            controller.index = Some(index);
        }
    }
    if regroup {
        for controller in std::mem::take(list) {
            order::insert_controller(list, controller);
        }
    }
}

/// Refuses two controllers of a kind with one index; companions on USB have the same.
pub(super) fn reject_duplicates(domain: &Domain) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    for controller in domain.devices.controllers.iter().filter(|c| c.kind.tag() != "usb") {
        let index = controller.index.unwrap_or(0);
        if !seen.insert((controller.kind.tag(), index)) {
            let tag = controller.kind.tag();
            return Err(xml_error(format!("Multiple '{tag}' controllers with index '{index}'")));
        }
    }
    Ok(())
}
