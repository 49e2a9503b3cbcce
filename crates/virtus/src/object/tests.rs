#![allow(clippy::unwrap_used)]
use virtus_api::{Program, procedures};

use super::*;

/// What [`Connection`] and [`Admin`] call themselves: to be opened, to authenticate, for events and the like.
/// Nothing is added here.
const OTHERWISE: &[(&str, &str)] = &[
    ("Remote", "connect_open"),
    ("Remote", "connect_close"),
    ("Remote", "connect_is_secure"),
    ("Remote", "connect_supports_feature"),
    ("Remote", "connect_register_close_callback"),
    ("Remote", "connect_unregister_close_callback"),
    ("Remote", "auth_list"),
    ("Remote", "auth_polkit"),
    ("Remote", "auth_sasl_init"),
    ("Remote", "auth_sasl_start"),
    ("Remote", "auth_sasl_step"),
    ("Administration", "connect_open"),
    ("Administration", "connect_close"),
];

#[test]
fn every_procedure_has_a_method() {
    let mut reached = OTHERWISE.to_vec();
    for methods in [
        admin::REACHED,
        connection::REACHED,
        domain::REACHED,
        interface::REACHED,
        moment::REACHED,
        network::REACHED,
        nodedev::REACHED,
        nwfilter::REACHED,
        secret::REACHED,
        storage::REACHED,
    ] {
        reached.extend(methods);
    }
    let missing: Vec<_> = procedures()
        .map(|procedure| {
            let calls = match procedure.program {
                Program::REMOTE => "Remote",
                Program::QEMU => "Qemu",
                Program::LXC => "Lxc",
                _ => "Administration",
            };
            (calls, procedure.name)
        })
        // Connection::on_event and its like register, and take back when dropped
        .filter(|(_, name)| !(name.contains("_event_") && name.contains("register")))
        .filter(|call| !reached.contains(call))
        .collect();
    assert_eq!(missing, []);
}
