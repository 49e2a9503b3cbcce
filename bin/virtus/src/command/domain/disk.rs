//! Disks that a domain has: `detach-disk`, `change-media`, `blockresize` and `domblkthreshold`.

use virtus::calls::Remote;
use virtus::constants::*;

use super::device::Affects;
use crate::command::{ACTIVE_DOMAIN, CONFIG, CURRENT, Command, DOMAIN, LIVE, Opt, PERSISTENT};
use crate::complete;
use crate::grammar::Arguments;
use crate::shell::{Failure, OrSay, Outcome, Shell, extra, fail, out};
use crate::xml::{self, Node};

/// The disk with this target or source, without its chain of backing images, which is not ours to change.
fn find(
    text: &str,
    path: &str,
    changeable: bool,
    change: impl FnOnce(&mut xml::tree::Tree) -> Outcome,
) -> Outcome<String> {
    let failed = || Failure::new("Failed to get disk information");
    let document = xml::Document::parse(text).map_err(|_| failed())?;
    let disks = xml::children(document.root_element(), "devices/disk");
    if disks.is_empty() {
        return Err(failed());
    }
    let matches = |disk: &Node<'_, '_>| {
        if changeable && disk.attribute("device").is_some_and(|device| !matches!(device, "cdrom" | "floppy"))
        {
            return false;
        }
        let source =
            ["file", "dev", "dir", "name"].iter().any(|a| xml::attribute(*disk, "source", a) == Some(path));
        source || xml::attribute(*disk, "target", "dev") == Some(path)
    };
    let Some(disk) = disks.into_iter().find(matches) else {
        return Err(Failure::new(format_args!("No disk found whose source path or target is {path}")));
    };
    let mut tree = xml::tree::Tree::of(disk);
    tree.remove("backingStore");
    change(&mut tree)?;
    Ok(tree.text())
}

pub(super) static DETACH: Command = Command {
    name: "detach-disk",
    summary: "unplug a disk",
    options: &[
        DOMAIN,
        Opt::text("target", "the disk: its target or its source")
            .positional()
            .required()
            .asks(complete::disk_targets),
        PERSISTENT,
        CONFIG,
        LIVE,
        CURRENT,
        Opt::flag("print-xml", "print the XML and do nothing"),
    ],
    run: detach,
    ..Command::PLAIN
};

fn detach(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let affects = Affects::read(arguments)?;
    let domain = shell.domain(arguments)?;
    let target = arguments.needed("target")?;
    let inactive = affects.flags() == VIR_DOMAIN_AFFECT_CONFIG;
    let flags = if inactive { VIR_DOMAIN_XML_INACTIVE } else { 0 };
    let text = shell.call(Remote::domain_get_xml_desc(domain.clone(), flags))?;
    let disk = find(&text, target, false, |_| Ok(()))?;
    if arguments.has("print-xml") {
        out!(shell, "{disk}");
        return Ok(());
    }
    affects.detach(shell, domain, disk).or_say("Failed to detach disk")?;
    extra!(shell, "Disk detached successfully\n");
    Ok(())
}

pub(super) static CHANGE_MEDIA: Command = Command {
    name: "change-media",
    summary: "change the medium of a CD or floppy drive",
    about: "Puts a medium into a drive of a domain, takes one out, or puts another one in.",
    options: &[
        DOMAIN,
        Opt::text("path", "the drive: its target or source")
            .positional()
            .required()
            .asks(complete::disk_targets),
        Opt::text("source", "the file or device of the medium").positional(),
        Opt::flag("eject", "take the medium out"),
        Opt::flag("insert", "put a medium in"),
        Opt::flag("update", "put another medium in"),
        CURRENT,
        LIVE,
        CONFIG,
        Opt::flag("force", "open the drive by force"),
        Opt::flag("print-xml", "print the XML and do nothing"),
        Opt::flag("block", "the new medium is a block device"),
    ],
    run: change_media,
    ..Command::PLAIN
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Eject,
    Insert,
    Update,
}

fn change_media(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.exclusive("eject", "insert")?;
    arguments.exclusive("eject", "update")?;
    arguments.exclusive("insert", "update")?;
    arguments.exclusive("eject", "block")?;
    let source = arguments.text("source")?;
    let change = match (arguments.has("eject"), arguments.has("insert"), arguments.has("update")) {
        (true, ..) => Change::Eject,
        // another medium that is none
        (_, _, true) if source.is_none() => Change::Eject,
        (_, true, _) => Change::Insert,
        _ => Change::Update,
    };
    let mut flags = super::affect(arguments)?;
    flags |= arguments.flags(&[("force", VIR_DOMAIN_DEVICE_MODIFY_FORCE)]);
    let domain = shell.domain(arguments)?;
    let path = arguments.needed("path")?;
    let inactive = flags & VIR_DOMAIN_AFFECT_CONFIG != 0;
    let text = shell.call(Remote::domain_get_xml_desc(
        domain.clone(),
        if inactive { VIR_DOMAIN_XML_INACTIVE } else { 0 },
    ))?;
    let block = arguments.has("block");
    let disk = find(&text, path, true, |disk| set_medium(disk, source, block, path, change))?;
    if arguments.has("print-xml") {
        out!(shell, "{disk}");
        return Ok(());
    }
    let (action, done) = match change {
        Change::Eject => ("eject", "ejected"),
        Change::Insert => ("insert", "inserted"),
        Change::Update => ("update", "updated"),
    };
    shell
        .call(Remote::domain_update_device_flags(domain, disk, flags))
        .or_say(format_args!("Failed to complete action {action} on media"))?;
    out!(shell, "Successfully {done} media.");
    Ok(())
}

fn set_medium(
    disk: &mut xml::tree::Tree,
    source: Option<&str>,
    block: bool,
    path: &str,
    change: Change,
) -> Outcome {
    if !matches!(disk.attribute("device"), Some("cdrom" | "floppy")) {
        fail!("The disk device '{path}' is not removable");
    }
    let old = disk.remove("source");
    let (source, block) = match (change, source) {
        (Change::Eject, _) if old.is_none() => fail!("The disk device '{path}' doesn't have media"),
        (Change::Eject, _) => (None, false),
        (_, None) => fail!("New disk media source was not specified"),
        (_, source) => (source, block),
    };
    let has_path = |old: &xml::tree::Tree| {
        ["file", "dev", "dir", "pool", "name"].iter().any(|name| old.attribute(name).is_some())
    };
    if change == Change::Insert && old.as_ref().is_some_and(has_path) {
        fail!("The disk device '{path}' already has media");
    }
    disk.set_attribute("type", if block { "block" } else { "file" });
    if let Some(source) = source {
        let mut element = xml::tree::Tree::new("source");
        element.set_attribute(if block { "dev" } else { "file" }, source);
        if let Some(policy) = old.as_ref().and_then(|old| old.attribute("startupPolicy")) {
            element.set_attribute("startupPolicy", policy);
        }
        disk.push(element);
    }
    Ok(())
}

pub(super) static BLOCKRESIZE: Command = Command {
    name: "blockresize",
    summary: "change the size of a running domain's disk",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("path", "the disk: its target or its source")
            .positional()
            .required()
            .asks(complete::disk_targets),
        Opt::number("size", "how large, in KiB or with a unit").positional(),
        Opt::flag("capacity", "make the disk as large as its image or device"),
    ],
    run: blockresize,
    ..Command::PLAIN
};

fn blockresize(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.one_of("size", "capacity")?;
    let path = arguments.needed("path")?;
    let bytes = arguments.size("size", 1024, u64::MAX)?.unwrap_or(0);
    let (size, flags) = match arguments.has("capacity") {
        true => (bytes, VIR_DOMAIN_BLOCK_RESIZE_CAPACITY),
        false if bytes % 1024 == 0 => (bytes / 1024, 0),
        false => (bytes, VIR_DOMAIN_BLOCK_RESIZE_BYTES),
    };
    let domain = shell.domain(arguments)?;
    shell
        .call(Remote::domain_block_resize(domain, path.to_owned(), size, flags))
        .or_say(format_args!("Failed to resize block device '{path}'"))?;
    extra!(shell, "Block device '{path}' is resized");
    Ok(())
}

pub(super) static THRESHOLD: Command = Command {
    name: "domblkthreshold",
    summary: "have an event told when a disk has grown so far",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("dev", "the disk or image to watch").positional().required().asks(complete::disk_targets),
        Opt::number("threshold", "bytes written at which to tell").positional().required(),
    ],
    run: |shell, arguments| {
        let dev = arguments.needed("dev")?.to_owned();
        let threshold = arguments.size("threshold", 1, u64::MAX)?.unwrap_or(0);
        let domain = shell.domain(arguments)?;
        Ok(shell.call(Remote::domain_set_block_threshold(domain, dev, threshold, 0))?)
    },
    ..Command::PLAIN
};
