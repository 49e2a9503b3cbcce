//! Devices and their host sides: networks, character devices, keys.

use serde_json::Value;

use super::{Done, commands, replies};

commands! {
    /// Plugs a device; the arguments are `driver`, `id`, `bus`, … as in `-device`.
    DeviceAdd = "device_add" (Value) -> Done;
    /// Asks the guest to give a device up; `DEVICE_DELETED` tells when it did.
    DeviceDel = "device_del" { id: String } -> Done;
    /// Makes a network backend; the arguments are as in `-netdev`.
    NetdevAdd = "netdev_add" (Value) -> Done;
    /// Removes a network backend.
    NetdevDel = "netdev_del" { id: String } -> Done;
    /// Plugs or pulls a network cable.
    SetLink = "set_link" { name: String, up: bool } -> Done;
    /// Receive filters of network cards.
    QueryRxFilter = "query-rx-filter" {} optional { name: String } -> Vec<RxFilter>;
    /// Has the card announce itself, times in ms.
    AnnounceSelf = "announce-self" { initial: i64, max: i64, rounds: i64, step: i64 } -> Done;
    /// All character devices.
    QueryChardev = "query-chardev" {} -> Vec<Chardev>;
    /// Makes a character device.
    ChardevAdd = "chardev-add" { id: String, backend: Value } -> ChardevAdded;
    /// Replaces a character device's host side.
    ChardevChange = "chardev-change" { id: String, backend: Value } -> ChardevAdded;
    /// Removes a character device.
    ChardevRemove = "chardev-remove" { id: String } -> Done;
    /// Presses keys for `hold_time` ms and lets go.
    SendKey = "send-key" { keys: Vec<KeyValue> } optional { hold_time: i64 } -> Done;
    /// The PCI devices there are.
    QueryPci = "query-pci" {} -> Vec<Value>;
}

/// A key of [`SendKey`].
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "type", content = "data", rename_all = "lowercase")]
pub enum KeyValue {
    /// A number of QEMU's (XT set 1 with the grey keys at 0x80).
    Number(i64),
    /// A name of QEMU's, e.g. `ret`.
    Qcode(String),
}

replies! {
    /// A character device; `filename` e.g. `pty:/dev/pts/3`, `disconnected:unix:…`.
    Chardev { label: String, filename: String, frontend_open: bool }
    /// Reply of [`ChardevAdd`]; `pty` is the path when it made one.
    ChardevAdded { pty: Option<String> }
    /// What a network card lets through.
    RxFilter { name: String, promiscuous: bool, multicast: String, unicast: String, vlan: String,
        broadcast_allowed: bool, multicast_overflow: bool, unicast_overflow: bool, main_mac: String,
        vlan_table: Vec<i64>, unicast_table: Vec<String>, multicast_table: Vec<String> }
}
