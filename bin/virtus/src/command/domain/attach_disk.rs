//! `attach-disk`

use std::fs;
use std::os::unix::fs::FileTypeExt;

use super::address::{Address, DriveBus};
use super::device::Affects;
use crate::command::{CONFIG, CURRENT, Command, DOMAIN, LIVE, Opt, PERSISTENT};
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, extra, fail, out};
use crate::xml::build::Element;

pub(super) static COMMAND: Command = Command {
    name: "attach-disk",
    summary: "plug a disk in",
    about: "Makes a disk of the options and plugs it into a domain.",
    options: &[
        DOMAIN,
        Opt::text("source", "the file or device").positional().required().may_be_empty(),
        Opt::text("target", "the device in the guest, e.g. vdb").positional().required(),
        Opt::text("targetbus", "the bus in the guest"),
        Opt::text("driver", "the driver's name, e.g. qemu"),
        Opt::text("subdriver", "the image's format"),
        Opt::text("iothread", "the I/O thread of the disk"),
        Opt::text("cache", "how the disk is cached: none, writeback, ...").one_of(&[
            "none",
            "writethrough",
            "directsync",
            "unsafe",
            "writeback",
        ]),
        Opt::text("io", "how the disk does I/O: threads or native")
            .one_of(&["threads", "native", "io_uring"]),
        Opt::text("type", "disk, cdrom, floppy or lun").one_of(&["disk", "cdrom", "floppy", "lun"]),
        Opt::alias("shareable", "mode=shareable"),
        Opt::text("mode", "readonly or shareable").one_of(&["readonly", "shareable"]),
        Opt::text("sourcetype", "file, block or network").one_of(&["file", "block", "network"]),
        Opt::text("serial", "the serial number"),
        Opt::text("wwn", "the World Wide Name"),
        Opt::text("alias", "the alias to give the disk"),
        Opt::flag("rawio", "let the guest send raw commands"),
        Opt::text("address", "the address in the guest: pci:, scsi:, ide:, usb:, sata: or ccw:"),
        Opt::flag("multifunction", "let the PCI device have several functions"),
        Opt::flag("print-xml", "print the XML and do nothing"),
        Opt::text("source-protocol", "the protocol of a network disk"),
        Opt::text("source-host-name", "the server: NAME[:PORT]"),
        Opt::text("source-host-transport", "tcp, rdma or unix").one_of(&["tcp", "rdma", "unix"]),
        Opt::text("source-host-socket", "the socket of the server"),
        Opt::text("throttle-groups", "groups of limits, with commas between them"),
        PERSISTENT,
        CONFIG,
        LIVE,
        CURRENT,
    ],
    run,
    ..Command::PLAIN
};

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let affects = Affects::read(arguments)?;
    arguments.requires("source-host-name", "source-protocol")?;
    arguments.requires("source-host-transport", "source-protocol")?;
    arguments.requires("source-host-socket", "source-protocol")?;
    arguments.requires("source-host-socket", "source-host-transport")?;
    arguments.exclusive("source-host-name", "source-host-socket")?;
    let xml = disk(arguments)?;
    if arguments.has("print-xml") {
        out!(shell, "{xml}");
        return Ok(());
    }
    let domain = shell.domain(arguments)?;
    affects.attach(shell, domain, xml).or_say("Failed to attach disk")?;
    extra!(shell, "Disk attached successfully\n");
    Ok(())
}

/// The disk that the options describe.
fn disk(arguments: &Arguments) -> Outcome<String> {
    let of = |name| arguments.text(name);
    let (source, target, driver) = (of("source")?, arguments.needed("target")?, of("driver")?);
    let (mode, protocol) = (of("mode")?, of("source-protocol")?);
    let (name, transport, socket) =
        (of("source-host-name")?, of("source-host-transport")?, of("source-host-socket")?);
    let kind = match of("sourcetype")? {
        Some(kind @ ("file" | "block" | "network")) => kind,
        Some("") | None => match source {
            _ if protocol.is_some() => "network",
            Some(path) if !matches!(driver, Some("file" | "tap")) && is_block_device(path) => "block",
            _ => "file",
        },
        Some(other) => fail!("Unknown source type: '{other}'"),
    };
    if (kind == "network") != protocol.is_some() {
        fail!("--source-protocol option requires --sourcetype network");
    }
    if let Some(mode) = mode.filter(|mode| !matches!(*mode, "readonly" | "shareable")) {
        fail!("No support for {mode} in command 'attach-disk'");
    }
    let wwn = of("wwn")?;
    if let Some(wwn) = wwn {
        check_wwn(wwn)?;
    }
    let raw = arguments.has("rawio").then_some("yes");
    let mut disk = Element::new("disk")
        .attribute("type", Some(kind))
        .attribute("device", of("type")?)
        .attribute("rawio", raw);
    disk.child(
        Element::new("driver")
            .attribute("name", driver)
            .attribute("type", of("subdriver")?)
            .attribute("iothread", of("iothread")?)
            .attribute("cache", of("cache")?)
            .attribute("io", of("io")?),
    );
    disk.child(match kind {
        "file" => Element::new("source").attribute("file", source),
        "block" => Element::new("source").attribute("dev", source),
        _ => {
            let (name, port) = match name.and_then(|name| name.split_once(':')) {
                Some((name, port)) => (Some(name), Some(port)),
                None => (name, None),
            };
            let mut element =
                Element::new("source").attribute("protocol", protocol).attribute("name", source);
            element.child(
                Element::new("host")
                    .attribute("transport", transport)
                    .attribute("socket", socket)
                    .attribute("name", name)
                    .attribute("port", port),
            );
            element
        }
    });
    disk.child(Element::new("target").attribute("dev", Some(target)).attribute("bus", of("targetbus")?));
    if let Some(groups) = of("throttle-groups")? {
        let mut filters = Element::new("throttlefilters");
        for group in groups.split(',') {
            filters.child(Element::new("throttlefilter").attribute("group", Some(group)));
        }
        disk.child(filters);
    }
    if let Some(mode) = mode {
        disk.raw(&format!("<{mode}/>\n"));
    }
    disk.text("serial", of("serial")?);
    disk.child(Element::new("alias").attribute("name", of("alias")?));
    disk.text("wwn", wwn);
    if let Some(address) = of("address")? {
        disk.raw(&address_on(target, address, arguments.has("multifunction"))?.xml());
    }
    Ok(disk.finish())
}

fn is_block_device(path: &str) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_block_device())
}

/// An address that suits the bus that the target's name tells.
fn address_on(target: &str, text: &str, multifunction: bool) -> Outcome<Address> {
    let Some(address) = Address::parse(text, multifunction) else { fail!("Invalid address.") };
    match (target.get(..2), &address) {
        (Some("vd"), Address::Drive { .. } | Address::Usb { .. }) => {
            fail!("expecting a pci:0000.00.00.00 or ccw:00.0.0000 address.")
        }
        (
            Some("sd"),
            Address::Drive { kind: DriveBus::Ide, .. } | Address::Pci { .. } | Address::Ccw { .. },
        ) => {
            fail!("expecting a scsi:00.00.00 or usb:00.00 or sata:00.00.00 address.")
        }
        (Some("hd"), Address::Drive { kind: DriveBus::Ide, .. }) => Ok(address),
        (Some("hd"), _) => fail!("expecting an ide:00.00.00 address."),
        _ => Ok(address),
    }
}

/// A World Wide Name has sixteen hexadecimal digits.
fn check_wwn(wwn: &str) -> Outcome {
    if wwn.len() == 16 && wwn.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    let error = "malformed wwn";
    Err(virtus::Error::new(virtus::ErrorDomain::NONE, virtus::ErrorCode::XML_ERROR, error).into())
}
