use proptest::prelude::*;
use virtus_base::ErrorCode;
use virtus_conf::domain::{Domain, FormatOptions, ParseOptions};

use super::parse;
use crate::change::persistent;
use crate::fake::FakeEnvironment;
use crate::migratable;

const OPTIONS: ParseOptions = ParseOptions { inactive: true, skip_validate: false, strict: false };
const INACTIVE: FormatOptions =
    FormatOptions { inactive: true, secure: false, migratable: false, status: false, indent: 0 };

fn document(machine: &str, before: &str, devices: &str) -> String {
    format!(
        "<domain type='qemu'><name>guest</name><memory unit='MiB'>64</memory>\
         <os{before}<type arch='x86_64' machine='{machine}'>hvm</type></os>\
         <features><acpi/></features><devices>{devices}</devices></domain>"
    )
}

fn defined(machine: &str, devices: &str) -> Domain {
    parse(&document(machine, ">", devices), &OPTIONS, &FakeEnvironment).unwrap()
}

fn text(domain: &Domain) -> String {
    domain.format(&INACTIVE)
}

fn refused(machine: &str, devices: &str) -> (ErrorCode, String) {
    let error = parse(&document(machine, ">", devices), &OPTIONS, &FakeEnvironment).unwrap_err();
    (error.code(), error.message().to_owned())
}

#[test]
fn an_empty_pc_gets_what_every_pc_has() {
    let text = text(&defined("pc", ""));
    for part in [
        "<type arch='x86_64' machine='pc-i440fx-10.0'>hvm</type>",
        "<cpu mode='custom' match='exact' check='none'>",
        "<model fallback='forbid'>qemu64</model>",
        "<emulator>/usr/bin/qemu-system-x86_64</emulator>",
        "<controller type='usb' index='0' model='piix3-uhci'>",
        "<controller type='pci' index='0' model='pci-root'/>",
        "<input type='mouse' bus='ps2'/>",
        "<input type='keyboard' bus='ps2'/>",
        "<audio id='1' type='none'/>",
        "<memballoon model='virtio'>",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert!(!text.contains("watchdog"), "{text}");
}

#[test]
fn an_empty_q35_gets_the_newer_parts() {
    let text = text(&defined("q35", ""));
    for part in [
        "<controller type='usb' index='0' model='qemu-xhci'>",
        "<controller type='sata' index='0'>",
        "<controller type='pci' index='0' model='pcie-root'/>",
        "<watchdog model='itco' action='reset'/>",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn open_questions_of_devices_are_settled() {
    let text = text(&defined(
        "pc",
        "<controller type='scsi'/><interface type='user'/><serial type='pty'/><panic/>\
         <tpm><backend type='emulator'/></tpm><vsock><cid auto='yes'/></vsock><video/>\
         <disk type='file'><source file='/a'/><target dev='sda' bus='scsi'/></disk>",
    ));
    for part in [
        "<controller type='scsi' index='0' model='lsilogic'>",
        "<model type='rtl8139'/>",
        "<target type='isa-serial' port='0'>",
        "<model name='isa-serial'/>",
        "<panic model='isa'",
        "<tpm model='tpm-tis'>",
        "version='1.2'",
        "<vsock model='virtio'>",
        "<model type='cirrus'",
        "<driver name='qemu' type='raw'/>",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn firmware_is_chosen_and_its_variables_placed() {
    let secure = parse(&document("q35", " firmware='efi'>", ""), &OPTIONS, &FakeEnvironment).unwrap();
    let text = secure.format(&INACTIVE);
    for part in [
        "<feature enabled='yes' name='enrolled-keys'/>",
        "<feature enabled='yes' name='secure-boot'/>",
        "<loader readonly='yes' secure='yes' type='pflash' format='raw'>/fw/secure.fd</loader>",
        "<nvram template='/fw/secure-vars.fd' templateFormat='raw' format='raw'>\
         /var/lib/libvirt/qemu/nvram/guest_VARS.fd</nvram>",
        "<smm state='on'/>",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let old = parse(&document("pc", " firmware='efi'>", ""), &OPTIONS, &FakeEnvironment).unwrap();
    assert!(old.format(&INACTIVE).contains("/fw/plain.fd"));
    let none = parse(&document("pc", " firmware='bios'>", ""), &OPTIONS, &FakeEnvironment).unwrap_err();
    assert_eq!(
        none.message(),
        "operation failed: Unable to find 'bios' firmware that is compatible with the current configuration"
    );
}

#[test]
fn what_qemu_cannot_do_is_told_in_libvirts_words() {
    for (machine, devices, code, want) in [
        (
            "pc",
            "<controller type='pci' index='0' model='pcie-root'/>",
            ErrorCode::XML_ERROR,
            "XML error: The PCI controller with index='0' must be model='pci-root' for this machine type, but \
             model='pcie-root' was found instead",
        ),
        (
            "bogus",
            "<controller type='usb' model='none'/><memballoon model='none'/>",
            ErrorCode::CONFIG_UNSUPPORTED,
            "unsupported configuration: Emulator '/usr/bin/qemu-system-x86_64' does not support machine type 'bogus'",
        ),
        (
            "pc",
            "<video><model type='qxl'/></video>",
            ErrorCode::CONFIG_UNSUPPORTED,
            "unsupported configuration: domain configuration does not support video model 'qxl'",
        ),
        (
            "pc",
            "<controller type='usb' model='qemu-xhci' ports='16'/>",
            ErrorCode::CONFIG_UNSUPPORTED,
            "unsupported configuration: 'qemu-xhci' controller only supports up to '15' ports",
        ),
        (
            "q35",
            "<controller type='ide' index='0'/>",
            ErrorCode::CONFIG_UNSUPPORTED,
            "unsupported configuration: IDE controllers are unsupported for this QEMU binary or machine type",
        ),
        (
            "pc",
            "<disk type='file'><driver name='phy'/><source file='/a'/><target dev='vda' bus='virtio'/></disk>",
            ErrorCode::CONFIG_UNSUPPORTED,
            "unsupported configuration: unsupported driver name 'phy' for disk 'vda'",
        ),
        (
            "pc",
            "<emulator>/nowhere</emulator>",
            ErrorCode::SYSTEM_ERROR,
            "Cannot check QEMU binary /nowhere: No such file or directory",
        ),
    ] {
        let (found, text) = refused(machine, devices);
        assert_eq!((found, text.as_str()), (code, want), "{devices}");
    }
}

#[test]
fn devices_join_and_leave() {
    let base = defined("q35", "<controller type='virtio-serial' index='0'/>");
    let disk = "<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk>";
    let with = persistent::attach(&base, disk, &OPTIONS, &FakeEnvironment).unwrap();
    assert_eq!(with.devices.disks.len(), 1);
    let twice = persistent::attach(&with, disk, &OPTIONS, &FakeEnvironment).unwrap_err();
    assert_eq!(twice.message(), "Requested operation is not valid: target vda already exists");
    let changed = disk.replace("/a", "/b");
    let updated = persistent::update(&with, &changed, &OPTIONS, &FakeEnvironment).unwrap();
    assert!(text(&updated).contains("/b"));
    let without = persistent::detach(&with, disk, &OPTIONS, &FakeEnvironment).unwrap();
    assert!(without.devices.disks.is_empty());
    let gone = persistent::detach(&without, disk, &OPTIONS, &FakeEnvironment).unwrap_err();
    assert_eq!(gone.code(), ErrorCode::DEVICE_MISSING);
    let balloon = persistent::attach(&base, "<memballoon model='virtio'/>", &OPTIONS, &FakeEnvironment);
    assert_eq!(balloon.unwrap_err().code(), ErrorCode::OPERATION_UNSUPPORTED);
}

#[test]
fn older_daemons_are_not_told_what_goes_without_saying() {
    let domain = defined("pc", "");
    let text = migratable::reduced(&domain).format(&FormatOptions { migratable: true, ..INACTIVE });
    for part in ["type='usb'", "pci-root", "type='keyboard'", "<audio"] {
        assert!(!text.contains(part), "{part} is in\n{text}");
    }
    assert!(text.contains("<input type='mouse' bus='ps2'/>"), "{text}");
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "<disk type='file'><source file='/a'/><target dev='vdb' bus='virtio'/></disk>",
        "<disk type='file' device='cdrom'><target dev='sdc' bus='scsi'/></disk>",
        "<disk type='file'><source file='/b'/><target dev='sdd' bus='usb'/></disk>",
        "<interface type='user'><model type='virtio'/></interface>",
        "<interface type='user'/>",
        "<serial type='pty'/>",
        "<console type='pty'><target type='virtio'/></console>",
        "<channel type='unix'><target type='virtio' name='a'/></channel>",
        "<graphics type='vnc'/>",
        "<video/>",
        "<sound model='ich9'/>",
        "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
        "<controller type='scsi'/>",
        "<controller type='usb' model='ich9-ehci1'/>",
        "<redirdev bus='usb' type='tcp'><source mode='connect' host='h' service='1'/></redirdev>",
        "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/><product id='0x2'/></source></hostdev>",
        "<memballoon model='none'/>",
        "<panic/>",
    ])
}

proptest! {
    /// What is printed is read as the same definition.
    #[test]
    fn a_definition_is_a_fixed_point(
        q35 in any::<bool>(),
        pieces in prop::collection::vec(piece(), 0..12),
    ) {
        let machine = if q35 { "q35" } else { "pc" };
        // contradictory pieces are refused, never a panic
        if let Ok(domain) = parse(&document(machine, ">", &pieces.concat()), &OPTIONS, &FakeEnvironment) {
            let once = text(&domain);
            let again = parse(&once, &OPTIONS, &FakeEnvironment).unwrap();
            prop_assert_eq!(once, text(&again));
        }
    }
}
