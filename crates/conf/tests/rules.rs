//! What is filled in and what is refused, by the text that clients see.

#![allow(clippy::unwrap_used)]

use virtus_base::{ErrorCode, Result};
use virtus_conf::domain::{Domain, FormatOptions, ParseOptions, post_parse, validate};

/// A small guest with `devices` in it and `more` beside them.
fn document(devices: &str, more: &str) -> String {
    format!(
        "<domain type='qemu'><name>n</name><memory>65536</memory><os><type arch='x86_64'>hvm</type></os>{more}\
         <devices>{devices}</devices></domain>"
    )
}

fn define(devices: &str, more: &str) -> Result<Domain> {
    let options = ParseOptions { inactive: true, ..Default::default() };
    let mut domain = Domain::parse(&document(devices, more), &options)?;
    post_parse::generic(&mut domain)?;
    validate::domain(&domain)?;
    Ok(domain)
}

fn written(devices: &str) -> String {
    define(devices, "").unwrap().format(&FormatOptions { inactive: true, ..Default::default() })
}

#[test]
fn a_domain_without_a_name_is_refused_before_all_else() {
    for xml in ["<domain/>", "<domain type='bogus'><name></name></domain>"] {
        let error = Domain::parse(xml, &ParseOptions::default()).unwrap_err();
        assert_eq!((error.code(), error.message()), (ErrorCode::NO_NAME, "missing name information"));
    }
}

#[test]
fn refusals_have_libvirts_texts() {
    let disk = |inside: &str| format!("<disk type='file' device='disk'><source file='/a'/>{inside}</disk>");
    let hda = disk("<target dev='hda' bus='ide'/>");
    for (devices, more, want) in [
        (disk("<target bus='ide'/>"), "", "missing target information for device /a"),
        (
            disk("<target dev='hdaxxxxxxxxxx' bus='ide'/>"),
            "",
            "XML error: Unknown disk name 'hdaxxxxxxxxxx' and no address specified",
        ),
        (
            disk("<target dev='hda' bus='bogus'/>"),
            "",
            "XML error: Invalid value for attribute 'bus' in element 'target': 'bogus'.",
        ),
        (format!("{hda}{hda}"), "", "XML error: target 'hda' duplicated for disk sources '/a' and '/a'"),
        (
            disk("<target dev='hda' bus='ide'/><address type='pci'/>"),
            "",
            "unsupported configuration: Invalid address type 'pci' for the disk 'hda' with the bus type 'ide'",
        ),
        (
            "<disk type='file' device='disk'><target dev='vda'/></disk>".to_owned(),
            "",
            "missing source information for device vda",
        ),
        (
            "<controller type='sata' index='0'/><controller type='sata' index='0'/>".to_owned(),
            "",
            "XML error: Multiple 'sata' controllers with index '0'",
        ),
        (
            "<interface type='bridge'/>".to_owned(),
            "",
            "XML error: interface type='bridge' requires a 'source' element",
        ),
        (
            "<interface type='user'><mac address='yes'/></interface>".to_owned(),
            "",
            "XML error: unable to parse mac address 'yes'",
        ),
        (
            "<serial type='unix'/>".to_owned(),
            "",
            "internal error: Missing source path attribute for char device",
        ),
        (
            "<memballoon model='virtio'/><memballoon model='virtio'/>".to_owned(),
            "",
            "internal error: only a single memory balloon device is supported",
        ),
        (String::new(), "<clock offset='bogus'/>", "unsupported configuration: unknown clock offset 'bogus'"),
        (
            String::new(),
            "<on_reboot>no</on_reboot>",
            "unsupported configuration: unknown on_reboot action: no",
        ),
        (String::new(), "<maxMemory unit='x'>1</maxMemory>", "invalid argument: unknown suffix 'x'"),
        (
            String::new(),
            "<cpu><model>m</model><feature name='a'/><feature name='a'/></cpu>",
            "XML error: CPU feature 'a' specified more than once",
        ),
        (String::new(), "<vcpu cpuset='aaa'>1</vcpu>", "invalid argument: Failed to parse bitmap 'aaa'"),
    ] {
        let said = define(&devices, more).err().map(|e| e.message().to_owned());
        assert_eq!(said.as_deref(), Some(want), "{devices}{more}");
    }
}

#[test]
fn what_devices_need_comes_with_them() {
    let out = written(
        "<disk type='file' device='cdrom'><target dev='sdh' bus='scsi'/></disk>\
         <channel type='unix'><target type='virtio' name='a'/></channel>\
         <serial type='pty'><target type='isa-serial'/></serial>\
         <graphics type='egl-headless'/><video><model type='vga'/></video>\
         <sound model='virtio'/><vsock model='virtio'/><rng model='virtio'><backend model='random'/></rng>",
    );
    for part in [
        "<boot dev='hd'/>",
        "<currentMemory unit='KiB'>65536</currentMemory>",
        "<readonly/>",
        "<address type='drive' controller='1' bus='0' target='0' unit='0'/>",
        "<controller type='scsi' index='0'/>",
        "<controller type='scsi' index='1'/>",
        "<controller type='virtio-serial' index='0'/>",
        "<target type='isa-serial' port='0'/>",
        "<target type='serial' port='0'/>",
        "<model type='vga' vram='16384' heads='1' primary='yes'/>",
        "<sound model='virtio' streams='2'/>",
        "<cid auto='yes'/>",
        "<backend model='random'>/dev/random</backend>",
    ] {
        assert!(out.contains(part), "{part} is not in\n{out}");
    }
}

#[test]
fn devices_have_their_order_whatever_the_documents() {
    let out = written(
        "<disk type='file'><source file='/b'/><target dev='vdb'/></disk>\
         <disk type='file'><source file='/c'/><target dev='vdc'/></disk>\
         <disk type='file'><source file='/a'/><target dev='vda'/></disk>\
         <controller type='usb' index='1' model='qemu-xhci'/><controller type='usb' index='0' model='ehci'/>",
    );
    let at = |part: &str| out.find(part).unwrap();
    assert!(at("dev='vda'") < at("dev='vdb'") && at("dev='vdb'") < at("dev='vdc'"));
    assert!(at("type='usb' index='0'") < at("type='usb' index='1'"));
}

#[test]
fn secrets_and_what_only_a_run_has_stay_where_they_belong() {
    let text = document(
        "<graphics type='vnc' port='5901' autoport='yes' passwd='s'/>\
         <input type='mouse' bus='ps2'><alias name='input0'/></input>\
         <input type='keyboard' bus='ps2'><alias name='ua-keys'/></input>",
        "",
    );
    let read = |inactive| Domain::parse(&text, &ParseOptions { inactive, ..Default::default() }).unwrap();
    let plain = read(true).format(&FormatOptions { inactive: true, ..Default::default() });
    assert!(plain.contains("port='-1'") && !plain.contains("passwd"), "{plain}");
    assert!(plain.contains("ua-keys") && !plain.contains("input0"), "{plain}");
    let live = read(false).format(&FormatOptions { secure: true, ..Default::default() });
    assert!(live.contains("port='5901'") && live.contains("passwd='s'") && live.contains("input0"), "{live}");
    let migrated = read(false).format(&FormatOptions { migratable: true, ..Default::default() });
    assert!(migrated.contains("passwd='s'"), "{migrated}");
}

#[test]
fn a_strict_reader_names_what_it_does_not_know() {
    let strict = ParseOptions { inactive: true, strict: true, ..Default::default() };
    let refused = |devices: &str, more: &str| {
        let e = Domain::parse(&document(devices, more), &strict).unwrap_err();
        assert_eq!((e.code().0, e.domain().0), (92, 5), "{e:?}");
        e.message().to_owned()
    };
    let said = refused("", "\n<bogus/>");
    assert!(said.ends_with("line 2: unexpected element bogus"), "{said}");
    assert!(refused("<input type='mouse' bus='ps2' bogus='1'/>", "").ends_with("unexpected attribute bogus"));
    assert!(refused("<input type='bogus'/>", "").contains("unknown input device type 'bogus'"));
    assert!(Domain::parse(&document("<input type='mouse' bus='ps2'/>", ""), &strict).is_ok());
}
