use std::collections::BTreeSet;

use proptest::prelude::*;
use virtus_conf::domain::device::Address;
use virtus_conf::domain::{Domain, FormatOptions, ParseOptions};

use super::{AddressFacts, alias, assign};

const MODERN: AddressFacts =
    AddressFacts { modern_virtio: true, pcie_to_pci_bridge: true, virtio_mmio: true, zpci: false };

fn parse(machine: &str, devices: &str) -> Domain {
    let text = format!(
        "<domain type='qemu'><name>g</name><memory>1024</memory>\
         <os><type arch='x86_64' machine='{machine}'>hvm</type></os><devices>{devices}</devices></domain>"
    );
    Domain::parse(&text, &ParseOptions { inactive: true, skip_validate: true, strict: false }).unwrap()
}

fn assigned(machine: &str, devices: &str) -> Domain {
    let root = if machine == "q35" {
        "<controller type='pci' index='0' model='pcie-root'/>"
    } else {
        "<controller type='pci' index='0' model='pci-root'/>"
    };
    let mut domain = parse(machine, &format!("{root}{devices}"));
    assign(&mut domain, MODERN).unwrap();
    alias::assign(&mut domain);
    domain
}

fn error(machine: &str, devices: &str) -> String {
    let mut domain = parse(machine, devices);
    assign(&mut domain, MODERN).unwrap_err().message().to_owned()
}

/// `alias=address` of each device, in the document's order.
fn places(domain: &Domain) -> Vec<String> {
    let mut all = Vec::new();
    domain.devices.each_info(|_, info| {
        let place = match &info.address {
            Some(Address::Pci(pci)) => pci.to_string(),
            Some(Address::Usb(usb)) => format!("usb {}:{}", usb.bus, usb.port_text()),
            Some(Address::VirtioSerial(port)) => format!("port {}.{}", port.controller, port.port),
            Some(other) => other.tag().to_owned(),
            None => "-".to_owned(),
        };
        all.push(format!("{}={place}", info.alias.as_deref().unwrap_or_default()));
    });
    all
}

#[test]
fn i440fx_keeps_slots_one_and_two_for_the_board() {
    let domain = assigned(
        "pc",
        "<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk>\
         <controller type='usb' index='0' model='piix3-uhci'/><controller type='ide' index='0'/>\
         <controller type='virtio-serial' index='0'/>\
         <interface type='user'><model type='virtio'/></interface>\
         <channel type='unix'><target type='virtio' name='a'/></channel>\
         <video><model type='vga'/></video><memballoon model='virtio'/>",
    );
    assert_eq!(
        places(&domain),
        [
            "virtio-disk0=0000:00:05.0",
            "pci.0=-",
            "usb=0000:00:01.2",
            "ide=0000:00:01.1",
            "virtio-serial0=0000:00:04.0",
            "net0=0000:00:03.0",
            "channel0=port 0.1",
            "video0=0000:00:02.0",
            "balloon0=0000:00:06.0",
        ]
    );
}

#[test]
fn q35_gets_root_ports_and_a_spare_one() {
    let domain = assigned(
        "q35",
        "<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk>\
         <controller type='usb' index='0' model='qemu-xhci'/><controller type='sata' index='0'/>\
         <interface type='user'><model type='virtio'/></interface>\
         <video><model type='virtio'/></video><memballoon model='virtio'/>",
    );
    assert_eq!(
        places(&domain),
        [
            "virtio-disk0=0000:03:00.0",
            "pcie.0=-",
            "pci.1=0000:00:02.0",
            "pci.2=0000:00:02.1",
            "pci.3=0000:00:02.2",
            "pci.4=0000:00:02.3",
            "pci.5=0000:00:02.4",
            "usb=0000:02:00.0",
            "ide=0000:00:1f.2",
            "net0=0000:01:00.0",
            "video0=0000:00:01.0",
            "balloon0=0000:04:00.0",
        ]
    );
}

#[test]
fn legacy_devices_of_q35_get_a_bridge() {
    let domain = assigned("q35", "<sound model='es1370'/>");
    assert_eq!(
        places(&domain),
        ["pcie.0=-", "pci.1=0000:00:01.0", "pci.2=0000:01:00.0", "pci.3=0000:00:01.1", "sound0=0000:02:01.0",]
    );
}

#[test]
fn parts_of_usb2_controllers_share_a_slot() {
    let domain = assigned(
        "pc",
        "<controller type='usb' index='0' model='ich9-ehci1'/>\
         <controller type='usb' index='0' model='ich9-uhci1'><master startport='0'/></controller>\
         <controller type='usb' index='0' model='ich9-uhci2'><master startport='2'/></controller>\
         <input type='tablet' bus='usb'/>",
    );
    let places = places(&domain);
    assert!(places.contains(&"usb=0000:00:02.7".to_owned()), "{places:?}");
    assert!(places.contains(&"usb=0000:00:02.0".to_owned()), "{places:?}");
    assert!(places.contains(&"usb=0000:00:02.1".to_owned()), "{places:?}");
    assert!(places.contains(&"input0=usb 0:1".to_owned()), "{places:?}");
}

#[test]
fn hubs_come_when_ports_run_out() {
    let domain = assigned(
        "pc",
        &format!(
            "<controller type='usb' index='0' model='piix3-uhci'/>{}",
            "<input type='tablet' bus='usb'/>".repeat(3)
        ),
    );
    let places = places(&domain);
    assert!(places.contains(&"hub0=usb 0:1".to_owned()), "{places:?}");
    assert!(places.contains(&"input0=usb 0:2".to_owned()), "{places:?}");
    assert!(places.contains(&"input2=usb 0:1.2".to_owned()), "{places:?}");
}

#[test]
fn bad_addresses_are_libvirts_errors() {
    let root = "<controller type='pci' index='0' model='pci-root'/>";
    let nic = |address: &str| format!("<interface type='user'><model type='e1000'/>{address}</interface>");
    for (devices, want) in [
        (
            format!("{root}{}", nic("<address type='pci' slot='1' function='3'/>")),
            "XML error: Attempted double use of PCI Address 0000:00:01.3",
        ),
        (
            format!("{root}{}", nic("<address type='pci' domain='1' slot='4'/>")),
            "XML error: Invalid PCI address 0001:00:04.0. Only PCI domain 0 is available",
        ),
        (nic("<address type='pci' slot='4'/>"), "XML error: No PCI buses available"),
        (
            format!("{root}<controller type='ide' index='0'><address type='pci' slot='5'/></controller>"),
            "internal error: Primary IDE controller must have PCI address 0:0:1.1",
        ),
        (
            format!(
                "{root}<controller type='usb' index='0'/>\
                 <input type='tablet' bus='usb'><address type='usb' bus='3' port='1'/></input>"
            ),
            "XML error: Missing USB bus 3",
        ),
        (
            format!(
                "{root}<channel type='unix'><target type='virtio'/>\
                 <address type='virtio-serial' controller='2' port='1'/></channel>"
            ),
            "XML error: virtio serial controller 2 is missing",
        ),
    ] {
        assert_eq!(error("pc", &devices), want, "{devices}");
    }
}

fn device() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("<interface type='user'><model type='virtio'/></interface>".to_owned()),
        Just("<interface type='user'><model type='e1000'/></interface>".to_owned()),
        Just("<interface type='user'><model type='e1000e'/></interface>".to_owned()),
        Just("<sound model='ich9'/>".to_owned()),
        Just("<sound model='ac97'/>".to_owned()),
        Just("<input type='tablet' bus='usb'/>".to_owned()),
        Just("<input type='keyboard' bus='virtio'/>".to_owned()),
        Just("<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>".to_owned()),
        Just("<channel type='unix'><target type='virtio' name='x'/></channel>".to_owned()),
        Just("<watchdog model='i6300esb' action='reset'/>".to_owned()),
        Just("<shmem name='s'><model type='ivshmem-plain'/></shmem>".to_owned()),
        (1..9u32).prop_map(|index| format!("<controller type='usb' index='{index}' model='ich9-uhci1'/>")),
        (4..20u32).prop_map(|slot| format!(
            "<interface type='user'><model type='rtl8139'/><address type='pci' slot='{slot}'/></interface>"
        )),
    ]
}

proptest! {
    #[test]
    fn nothing_shares_a_place_and_a_second_run_changes_nothing(
        q35 in any::<bool>(),
        devices in proptest::collection::vec(device(), 0..60),
    ) {
        let (machine, root) = if q35 { ("q35", "pcie-root") } else { ("pc", "pci-root") };
        let text = format!(
            "<controller type='pci' index='0' model='{root}'/><controller type='usb' index='0' model='qemu-xhci'/>\
             <controller type='virtio-serial' index='0'/>{}",
            devices.concat()
        );
        let mut domain = parse(machine, &text);
        // two fixed addresses may be the same: that is an error, not a panic
        if assign(&mut domain, MODERN).is_ok() {
            let mut seen = BTreeSet::new();
            let mut twice = Vec::new();
            domain.devices.each_info(|_, info| {
                let place = match &info.address {
                    Some(Address::Pci(pci)) => Some(pci.to_string()),
                    Some(Address::Usb(usb)) => Some(format!("usb {}:{}", usb.bus, usb.port_text())),
                    Some(Address::VirtioSerial(port)) => Some(format!("{port:?}")),
                    _ => None,
                };
                if let Some(place) = place
                    && !seen.insert(place.clone())
                {
                    twice.push(place);
                }
            });
            prop_assert!(twice.is_empty(), "{twice:?}");
            let once = domain.format(&FormatOptions::default());
            assign(&mut domain, MODERN).unwrap();
            prop_assert_eq!(&once, &domain.format(&FormatOptions::default()));
            let mut read = Domain::parse(
                &once,
                &ParseOptions { inactive: true, skip_validate: true, strict: false },
            ).unwrap();
            assign(&mut read, MODERN).unwrap();
            prop_assert_eq!(once, read.format(&FormatOptions::default()));
        }
    }
}
