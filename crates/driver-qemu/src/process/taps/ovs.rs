//! Ports of Open vSwitch bridges, which take no others than those they are told of by their own program.

use std::time::Duration;

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::domain::device::Interface;
use virtus_conf::net::Vlan;
use virtus_conf::net::virtual_port::PortType;
use virtus_conf::net::vlan::NativeMode;
use virtus_host::program::{self, Program, Runner, run_blocking};

use super::Owner;

/// How long the switch may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Whether a card is a port of such a bridge.
pub(super) fn is_port(net: &Interface) -> bool {
    net.rest.virtualport.as_ref().and_then(|port| port.kind) == Some(PortType::OpenVSwitch)
}

fn vsctl() -> Program {
    Program::new("ovs-vsctl").args(["--timeout=5", "--", "--if-exists", "del-port"]).timeout(LIMIT)
}

/// Makes a device a port of a bridge.
///
/// # Errors
/// When there is no such bridge or nobody to ask.
pub(super) fn add(owner: &Owner, net: &Interface, bridge: &str, device: &str) -> Result<()> {
    add_with(&program::Host, owner, net, bridge, device)
}

fn add_with(runner: &dyn Runner, owner: &Owner, net: &Interface, bridge: &str, device: &str) -> Result<()> {
    let mut program = vsctl().args([device, "--", "add-port", bridge, device]);
    program = program.args(net.rest.vlan.iter().flat_map(vlan));
    let port = net.rest.virtualport.as_ref();
    let ids = [
        ("attached-mac", net.mac.as_ref().map(|mac| mac.address.to_string())),
        ("iface-id", port.and_then(|port| port.interface_id).map(|id| id.to_string())),
        ("vm-id", Some(owner.uuid.to_string())),
        ("port-profile", port.and_then(|port| port.profile_id.clone())),
        ("iface-status", Some("active".to_owned())),
    ];
    for (name, value) in ids {
        let Some(value) = value else { continue };
        let setting = format!("external-ids:{name}=\"{}\"", value.replace(['"', '\\'], ""));
        program = program.args(["--", "set", "Interface", device, &setting]);
    }
    run_blocking(runner, &program)?.success(&program).map(drop).map_err(|e| {
        let text = format!("Unable to add port {device} to OVS bridge {bridge}");
        Error::internal(ErrorDomain::NONE, format!("{text}: {}", e.message()))
    })
}

/// The VLANs of a port, in the switch's words.
fn vlan(vlan: &Vlan) -> Vec<String> {
    let all: Vec<String> = vlan.tags.iter().map(|tag| tag.id.to_string()).collect();
    let native = vlan.tags.iter().find(|tag| tag.native_mode.is_some());
    let mut words = Vec::new();
    if let Some(native) = native {
        let mode = if native.native_mode == Some(NativeMode::Untagged) { "untagged" } else { "tagged" };
        words.extend([format!("vlan_mode=native-{mode}"), format!("tag={}", native.id)]);
    }
    match (vlan.trunk, all.as_slice()) {
        (true, _) => words.push(format!("trunk={}", all.join(","))),
        (false, [one, ..]) if native.is_none() => words.push(format!("tag={one}")),
        _ => {}
    }
    words
}

/// Takes a device from its bridge.
///
/// # Errors
/// When there is nobody to ask.
pub(super) fn remove(device: &str) -> Result<()> {
    let program = vsctl().arg(device);
    run_blocking(&program::Host, &program)?.success(&program).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtus_conf::domain as conf;
    use virtus_host::program::Recorder;

    #[test]
    fn a_switch_is_told_whose_port_it_is() {
        let xml = "<domain type='qemu'><name>g</name><uuid>aaaaaaaa-0000-4000-8000-000000000001</uuid><memory>1024</memory>
<os><type>hvm</type></os><devices><interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='ovs'/>
<vlan trunk='yes'><tag id='42'/><tag id='47' nativeMode='untagged'/></vlan>
<virtualport type='openvswitch'><parameters interfaceid='bbbbbbbb-0000-4000-8000-000000000001' profileid='p'/></virtualport>
</interface></devices></domain>";
        let model = conf::Domain::parse(xml, &conf::ParseOptions::default()).unwrap();
        let net = &model.devices.interfaces[0];
        assert!(is_port(net));
        let recorder = Recorder::default();
        add_with(&recorder, &Owner::of(&model), net, "ovs", "vnet0").unwrap();
        let line = recorder.asked()[0].line();
        for part in [
            "--if-exists del-port vnet0 -- add-port ovs vnet0 vlan_mode=native-untagged tag=47 trunk=42,47 -- set",
            "attached-mac=\"52:54:00:00:00:01\"",
            "iface-id=\"bbbbbbbb-0000-4000-8000-000000000001\"",
            "vm-id=\"aaaaaaaa-0000-4000-8000-000000000001\"",
            "port-profile=\"p\"",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
}
