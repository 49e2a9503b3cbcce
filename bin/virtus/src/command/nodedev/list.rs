//! `nodedev-list`

use virtus::NodeDeviceRef;
use virtus::calls::Remote;
use virtus::constants::*;

use crate::command::{Command, OUTPUT, Opt};
use crate::grammar::Arguments;
use crate::objects::{list_or, names_then, sort_by_name};
use crate::shell::{OrSay, Outcome, Shell, fail, out};
use crate::show::{Cell, Table, escape, tree};

pub(super) static COMMAND: Command = Command {
    name: "nodedev-list",
    summary: "list devices of the host",
    about: "Lists active devices of the host, or those that the options ask for.",
    options: &[
        Opt::flag("tree", "print them as a tree"),
        Opt::text("cap", "devices with one of these capabilities, with commas between them"),
        Opt::flag("inactive", "devices that are not active"),
        Opt::flag("all", "devices that are active and devices that are not"),
        Opt::flag("persistent", "devices with a stored definition"),
        Opt::flag("transient", "devices without a stored definition"),
        OUTPUT,
    ],
    run,
    ..Command::PLAIN
};

/// What a device can be, and the flag that asks for it.
const CAPABILITIES: [(&str, u32); 24] = [
    ("system", VIR_CONNECT_LIST_NODE_DEVICES_CAP_SYSTEM),
    ("pci", VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV),
    ("usb_device", VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_DEV),
    ("usb", VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_INTERFACE),
    ("net", VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET),
    ("scsi_host", VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_HOST),
    ("scsi_target", VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_TARGET),
    ("scsi", VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI),
    ("storage", VIR_CONNECT_LIST_NODE_DEVICES_CAP_STORAGE),
    ("fc_host", VIR_CONNECT_LIST_NODE_DEVICES_CAP_FC_HOST),
    ("vports", VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPORTS),
    ("scsi_generic", VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_GENERIC),
    ("drm", VIR_CONNECT_LIST_NODE_DEVICES_CAP_DRM),
    ("mdev_types", VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV_TYPES),
    ("mdev", VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV),
    ("ccw", VIR_CONNECT_LIST_NODE_DEVICES_CAP_CCW_DEV),
    ("css", VIR_CONNECT_LIST_NODE_DEVICES_CAP_CSS_DEV),
    ("vdpa", VIR_CONNECT_LIST_NODE_DEVICES_CAP_VDPA),
    ("ap_card", VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_CARD),
    ("ap_queue", VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_QUEUE),
    ("ap_matrix", VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_MATRIX),
    ("vpd", VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPD),
    ("ccwgroup", VIR_CONNECT_LIST_NODE_DEVICES_CAP_CCWGROUP_DEV),
    ("ccwgroup_member", VIR_CONNECT_LIST_NODE_DEVICES_CAP_CCWGROUP_MEMBER),
];

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let [tree, inactive, all, persistent, transient] =
        ["tree", "inactive", "all", "persistent", "transient"].map(|name| arguments.has(name));
    let wanted = arguments.some_text("cap");
    if all && inactive {
        fail!("Option --all is incompatible with --inactive");
    }
    if transient && (persistent || inactive) {
        fail!("Option --transient is incompatible with --persistent and --inactive");
    }
    if tree && (wanted.is_some() || inactive || persistent || transient) {
        fail!("Option --tree is incompatible with --cap, --inactive, --persistent and --transient");
    }
    let mut flags = arguments.flags(&[
        ("inactive", VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE),
        ("all", VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE),
        ("persistent", VIR_CONNECT_LIST_NODE_DEVICES_PERSISTENT),
        ("transient", VIR_CONNECT_LIST_NODE_DEVICES_TRANSIENT),
    ]);
    if !inactive {
        flags |= VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE;
    }
    let capabilities = wanted.map(escape::split).unwrap_or_default();
    for name in &capabilities {
        match CAPABILITIES.iter().find(|(known, _)| known == name) {
            Some((_, flag)) => flags |= flag,
            None => fail!("Invalid capability type"),
        }
    }
    let listed = shell.call(Remote::connect_list_all_node_devices(1, flags)).map(|reply| reply.devices.0);
    let mut devices = list_or(listed, "Failed to list node devices", || by_names(shell, &capabilities))?;
    sort_by_name(&mut devices, |device| &device.name);
    if tree {
        draw(shell, devices.into_iter().map(|device| device.name).collect());
        return Ok(());
    }
    // for people it is no table
    if arguments.knows("output") && !matches!(arguments.text("output")?, None | Some("table")) {
        let mut table = Table::new(&["Name", "Parent"]);
        for device in devices {
            let parent = shell.call(Remote::node_device_get_parent(device.name.clone())).ok().flatten();
            table.row(vec![device.name.into(), Cell::maybe(parent)]);
        }
        return table.show(shell, arguments);
    }
    for device in devices {
        out!(shell, "{}\n", device.name);
    }
    Ok(())
}

/// Active devices from a driver that only has the older calls.
fn by_names(shell: &Shell, capabilities: &[String]) -> Outcome<Vec<NodeDeviceRef>> {
    let count = shell.call(Remote::node_num_of_devices(None, 0)).or_say("Failed to count node devices")?;
    let names =
        shell.call(Remote::node_list_devices(None, count, 0)).or_say("Failed to list node devices")?;
    let mut devices = names_then(names.0, |name| shell.call(Remote::node_device_lookup_by_name(name)).ok());
    if !capabilities.is_empty() {
        devices.retain(|device| {
            let count = shell.call(Remote::node_device_num_of_caps(device.name.clone())).unwrap_or(0);
            let own = shell.call(Remote::node_device_list_caps(device.name.clone(), count));
            own.is_ok_and(|own| own.iter().any(|own| capabilities.contains(own)))
        });
    }
    Ok(devices)
}

/// Prints each device below the one that it hangs from.
fn draw(shell: &mut Shell, names: Vec<String>) {
    let parents: Vec<Option<String>> = names
        .iter()
        .map(|name| match name.as_str() {
            "computer" => None,
            _ => shell.call(Remote::node_device_get_parent(name.clone())).ok().flatten(),
        })
        .collect();
    let nodes: Vec<tree::Node<'_>> = names
        .iter()
        .zip(&parents)
        .map(|(name, parent)| tree::Node { name, parent: parent.as_deref() })
        .collect();
    for (place, node) in nodes.iter().enumerate() {
        if node.parent.is_none() {
            let text = tree::draw(&nodes, place);
            out!(shell, "{text}");
        }
    }
}
