//! Definitions and their command lines, in `tests/argv`; those of other architectures' boards, as they are kept and
//! with their command lines, in `tests/boards`: `VIRTUS_BLESS=1` writes the latter anew, to be reviewed.

use std::fmt::Write as _;
use std::path::Path;

use virtus_conf::domain::{Domain, FormatOptions, ParseOptions};

use super::line::CommandLine;
use super::{Context, Secret, native};
use crate::emulator::Environment as _;
use crate::fake::{FakeEnvironment, WITH_SPICE};

const OPTIONS: ParseOptions = ParseOptions { inactive: true, skip_validate: false, strict: false };

fn context() -> Context {
    Context {
        lib_dir: "/lib/domain-1-guest".to_owned(),
        channel_dir: "/run/channel/1-guest".to_owned(),
        memory_dir: "/lib/ram/1-guest".to_owned(),
        short_name: "1-guest".to_owned(),
        dbus_dir: "/run/dbus".to_owned(),
        master_key: Some("/lib/domain-1-guest/master-key.aes".to_owned()),
        vnc_listen: "127.0.0.1".to_owned(),
        privileged: true,
        ..Context::default()
    }
}

fn secret() -> Secret {
    Secret { data: "c2VjcmV0".to_owned(), iv: "aXY=".to_owned() }
}

fn defined(xml: &str) -> Domain {
    crate::define::parse(xml, &OPTIONS, &FakeEnvironment).unwrap()
}

fn line(xml: &str) -> virtus_base::Result<CommandLine> {
    let mut domain = defined(xml);
    let emulator = FakeEnvironment.emulator(domain.devices.emulator.as_deref().unwrap_or_default())?;
    native::line(&mut domain, &*emulator, &context(), &|_| Ok(secret()))
}

/// As [`line`], under these settings.
fn line_with(settings: &str, xml: &str) -> virtus_base::Result<String> {
    let mut domain = defined(xml);
    let emulator = FakeEnvironment.emulator(domain.devices.emulator.as_deref().unwrap_or_default())?;
    let settings = std::sync::Arc::new(crate::settings::Settings::parse("f", settings)?);
    let context = Context { settings, ..context() };
    let line = native::line(&mut domain, &*emulator, &context, &|_| Ok(secret()))?;
    Ok(line.env.iter().map(|(name, value)| format!("{name}={value}\n")).collect::<String>() + &listing(&line))
}

/// One option with its value a line.
fn listing(line: &CommandLine) -> String {
    let mut text = String::new();
    for arg in &line.args {
        let start = if text.is_empty() || !arg.starts_with('-') { "" } else { "\n" };
        let space = if start.is_empty() && !text.is_empty() { " " } else { "" };
        let _ = write!(text, "{start}{space}{arg}");
    }
    text.push('\n');
    text
}

#[test]
fn definitions_give_the_known_command_lines() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/argv");
    let bless = std::env::var_os("VIRTUS_BLESS").is_some();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "xml") {
            continue;
        }
        let got = listing(&line(&std::fs::read_to_string(&path).unwrap()).unwrap());
        let known = path.with_extension("args");
        if bless {
            std::fs::write(&known, &got).unwrap();
        }
        assert_eq!(got, std::fs::read_to_string(&known).unwrap(), "{}", path.display());
        seen += 1;
    }
    assert!(seen > 4);
}

#[test]
fn boards_of_other_architectures_get_what_they_have() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/boards");
    let bless = std::env::var_os("VIRTUS_BLESS").is_some();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "xml") {
            continue;
        }
        let xml = std::fs::read_to_string(&path).unwrap();
        let options = FormatOptions { inactive: true, ..FormatOptions::default() };
        let kept = defined(&xml).format(&options);
        assert_eq!(defined(&kept).format(&options), kept, "{} settles at once", path.display());
        for (extension, got) in [("kept", kept), ("args", listing(&line(&xml).unwrap()))] {
            let known = path.with_extension(extension);
            if bless {
                std::fs::write(&known, &got).unwrap();
            }
            assert_eq!(got, std::fs::read_to_string(&known).unwrap(), "{}", known.display());
        }
        seen += 1;
    }
    assert!(seen > 6);
}

fn with_devices(devices: &str) -> String {
    format!(
        "<domain type='qemu'><name>guest</name><memory unit='MiB'>64</memory>\
         <os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{devices}</devices></domain>"
    )
}

#[test]
fn what_qemu_or_the_host_lacks_is_refused_in_libvirts_words() {
    for (devices, want) in [
        (
            "<graphics type='vnc' autoport='yes'/><graphics type='vnc' autoport='yes'/>",
            "unsupported configuration: only 1 graphics device of each type (sdl, vnc, spice, headless, dbus, rdp) is supported",
        ),
        (
            "<hostdev mode='subsystem' type='pci' managed='yes'><source><address bus='1' slot='2'/></source></hostdev>",
            "unsupported configuration: host doesn't support passthrough of host PCI devices",
        ),
        (
            "<disk type='volume' device='disk'><source pool='p' volume='v'/><target dev='vda'/></disk>",
            "Storage pool not found: no storage pool with matching name 'p'",
        ),
    ] {
        assert_eq!(line(&with_devices(devices)).unwrap_err().message(), want);
    }
}

#[test]
fn words_are_quoted_for_a_shell() {
    let mut line = CommandLine { program: "/usr/bin/qemu".to_owned(), ..CommandLine::default() };
    line.env.push(("HOME".to_owned(), "/a b".to_owned()));
    line.option("name", "it's");
    line.flag("S");
    assert_eq!(line.shell(), r"HOME='/a b' /usr/bin/qemu -name 'it'\''s' -S");
}

const SECRET: &str = "11111111-1111-1111-1111-111111111111";

#[test]
fn settings_say_what_is_encrypted_and_how() {
    let tcp = |mode: &str, tls: &str| {
        with_devices(&format!(
            "<serial type='tcp'><source mode='{mode}' host='h' service='5' {tls}/><protocol type='raw'/>\
             <target port='0'/></serial>"
        ))
    };
    let nbd = |tls: &str| {
        with_devices(&format!(
            "<disk type='network' device='disk'><source protocol='nbd' {tls}><host name='h'/></source>\
             <target dev='vda'/></disk>"
        ))
    };
    let vnc = with_devices("<graphics type='vnc'/>");
    let keyed =
        format!("chardev_tls_x509_secret_uuid = \"{SECRET}\"\nnbd_tls_x509_secret_uuid = \"{SECRET}\"");
    let everywhere = format!("default_tls_x509_secret_uuid = \"{SECRET}\"\nvnc_tls = 1");
    for (settings, xml, has, lacks) in [
        ("", tcp("connect", ""), "socket,id=charserial0,host=h,port=5", "tls-creds"),
        (
            "chardev_tls = 1",
            tcp("connect", ""),
            r#"{"qom-type":"tls-creds-x509","id":"objcharserial0_tls0","dir":"/etc/pki/qemu","endpoint":"client","verify-peer":true}"#,
            "secret0",
        ),
        ("chardev_tls = 1", tcp("bind", "tls='no'"), "server=on,wait=off", "tls-creds"),
        ("chardev_tls = 1", tcp("bind", ""), r#""endpoint":"server","verify-peer":true}"#, "secret0"),
        (
            "chardev_tls_x509_verify = 0\nchardev_tls_x509_cert_dir = \"/c\"",
            tcp("bind", "tls='yes'"),
            r#""dir":"/c","endpoint":"server","verify-peer":false}"#,
            "secret0",
        ),
        ("default_tls_x509_verify = 0", tcp("bind", "tls='yes'"), r#""verify-peer":false}"#, "secret0"),
        (
            &keyed,
            tcp("connect", "tls='yes'"),
            r#""verify-peer":true,"passwordid":"charserial0-secret0"}"#,
            "objcharserial0_tls0-secret0",
        ),
        ("", nbd(""), r#""driver":"nbd""#, "tls-creds"),
        ("nbd_tls = 1", nbd("tls='no'"), r#""driver":"nbd""#, "tls-creds"),
        (
            "nbd_tls = 1\nnbd_tls_x509_cert_dir = \"/n\"",
            nbd(""),
            r#"{"qom-type":"tls-creds-x509","id":"objlibvirt-1-storage_tls0","dir":"/n","endpoint":"client","verify-peer":true}"#,
            "secret0",
        ),
        (
            &keyed,
            nbd("tls='yes'"),
            r#"{"qom-type":"secret","id":"objlibvirt-1-storage_tls0-secret0","data":"#,
            "auth-secret0",
        ),
        (
            &everywhere,
            vnc.clone(),
            r#""endpoint":"server","verify-peer":false,"passwordid":"vnc-tls-creds0-secret0"}"#,
            "sasl",
        ),
    ] {
        let got = line_with(settings, &xml).unwrap();
        assert!(got.contains(has) && !got.contains(lacks), "{settings}: {has}, without {lacks}: {got}");
    }
    let e = line_with("default_tls_x509_secret_uuid = \"me\"", &nbd("tls='yes'")).unwrap_err();
    assert_eq!(e.message(), "unsupported configuration: malformed TLS secret uuid 'me' provided");
}

#[test]
fn settings_say_what_spice_does() {
    let spice = |attrs: &str| {
        with_devices(&format!("<emulator>{WITH_SPICE}</emulator><graphics type='spice' {attrs}/>"))
    };
    let tls = "spice_tls = 1\nspice_tls_x509_cert_dir = \"/s\"";
    for (settings, xml, has) in [
        ("", spice("port='5901'"), "-spice port=5901,addr=127.0.0.1,disable-ticketing=on,seamless"),
        ("spice_password = \"\"", spice("port='5901'"), "-spice port=5901,addr=127.0.0.1,seamless"),
        (
            "spice_sasl = 1\nspice_sasl_dir = \"/sasl\"",
            spice("port='5901'"),
            "-spice port=5901,addr=127.0.0.1,sasl=on,disable-ticketing=on,seamless",
        ),
        ("spice_sasl = 1\nspice_sasl_dir = \"/sasl\"", spice("port='5901'"), "SASL_CONF_PATH=/sasl\n"),
        (
            tls,
            spice("port='5901' tlsPort='5902' defaultMode='secure'"),
            "-spice port=5901,tls-port=5902,addr=127.0.0.1,disable-ticketing=on,x509-dir=/s,tls-channel=default,",
        ),
    ] {
        let got = line_with(settings, &xml).unwrap();
        assert!(got.contains(has), "{settings}: {has}: {got}");
    }
    for (xml, want) in [
        (
            spice("port='5901' tlsPort='5902'"),
            "unsupported configuration: spice TLS port set in XML configuration, but TLS is disabled in qemu.conf",
        ),
        (
            spice("port='5901' defaultMode='secure'"),
            "unsupported configuration: spice defaultMode secure requested in XML configuration, but TLS connection is not available",
        ),
    ] {
        assert_eq!(line_with("", &xml).unwrap_err().message(), want);
    }
}
