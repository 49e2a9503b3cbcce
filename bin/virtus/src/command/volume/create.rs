//! New volumes: `vol-create`, `vol-create-as`, `vol-create-from` and `vol-clone`.

use virtus::StoragePoolRef;
use virtus::calls::Remote;
use virtus::constants::*;

use super::{IN_POOL, POOL, VOL, by_key_or_path, pool, pools, volume, volume_in};
use crate::command::{Command, FILE, Opt, VALIDATE};
use crate::file;
use crate::grammar::{Arguments, byte_size};
use crate::shell::{Failure, OrSay, Outcome, Shell, extra, out};
use crate::xml;
use crate::xml::build::Element;
use crate::xml::tree::Tree;

const PREALLOC: Opt = Opt::flag("prealloc-metadata", "write a qcow2 image's tables at once");
const REFLINK: Opt = Opt::flag("reflink", "share blocks with the old one until either is written to");
const PRINT_XML: Opt = Opt::flag("print-xml", "print the definition, and do nothing else");

fn flags(arguments: &Arguments) -> u32 {
    let known = [
        ("prealloc-metadata", VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA),
        ("reflink", VIR_STORAGE_VOL_CREATE_REFLINK),
        ("validate", VIR_STORAGE_VOL_CREATE_VALIDATE),
    ];
    known.iter().filter(|(name, _)| arguments.knows(name) && arguments.has(name)).map(|(_, flag)| flag).sum()
}

pub(super) static CREATE: Command = Command {
    name: "vol-create",
    summary: "make a volume from a file",
    options: &[POOL, FILE, PREALLOC, VALIDATE],
    run: create,
    ..Command::PLAIN
};

fn create(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let pool = pool(shell, arguments)?;
    let path = arguments.needed("file")?;
    let text = file::read(path)?;
    let volume = shell
        .call(Remote::storage_vol_create_xml(pool, text, flags(arguments)))
        .or_say(format_args!("Failed to create vol from {path}"))?;
    extra!(shell, "Vol {} created from {path}\n", volume.name);
    Ok(())
}

pub(super) static CREATE_AS: Command = Command {
    name: "vol-create-as",
    summary: "make a volume that options describe",
    options: &[
        POOL,
        Opt::text("name", "the name of the volume").positional().required(),
        Opt::text("capacity", "how much goes into it, in bytes or with a unit").positional().required(),
        Opt::text("allocation", "how much of that is there from the beginning, in bytes or with a unit")
            .also_positional(),
        Opt::text("format", "the format: raw, qcow2, ...").also_positional(),
        Opt::text("backing-vol", "the volume that has what is not written yet").also_positional(),
        Opt::text("backing-vol-format", "the format of that volume").also_positional(),
        PREALLOC,
        PRINT_XML,
    ],
    run: create_as,
    ..Command::PLAIN
};

/// A size with its unit, in bytes.
fn bytes(text: &str) -> Outcome<u64> {
    byte_size(text).map_err(|error| {
        let failure = Failure::new(format_args!("Malformed size {text}"));
        match error {
            Some(error) => failure.because(error),
            None => failure,
        }
    })
}

fn create_as(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let pool = pool(shell, arguments)?;
    let name = arguments.needed("name")?;
    let capacity = bytes(arguments.needed("capacity")?)?;
    let allocation = arguments.some_text("allocation").map(bytes).transpose()?;
    let (format, backing) = (arguments.text("format")?, arguments.text("backing-vol")?);
    let backing_format = arguments.text("backing-vol-format")?;
    let mut volume = Element::new("volume");
    volume.text("name", Some(name));
    volume.text("capacity", Some(&capacity.to_string()));
    volume.text("allocation", allocation.map(|bytes| bytes.to_string()).as_deref());
    let mut target = Element::new("target");
    target.child(Element::new("format").attribute("type", format));
    volume.child(target);
    if let Some(backing) = backing {
        let path = backing_path(shell, &pool, backing)?;
        let mut store = Element::new("backingStore");
        store.text("path", Some(&path));
        store.child(Element::new("format").attribute("type", backing_format));
        volume.child(store);
    }
    let text = volume.finish();
    if arguments.has("print-xml") {
        out!(shell, "{text}");
        return Ok(());
    }
    shell
        .call(Remote::storage_vol_create_xml(pool, text, flags(arguments)))
        .or_say(format_args!("Failed to create vol {name}"))?;
    extra!(shell, "Vol {name} created\n");
    Ok(())
}

/// The path of a volume that is in the pool, or anywhere.
fn backing_path(shell: &Shell, pool: &StoragePoolRef, name: &str) -> Outcome<String> {
    let volume = match shell.call(Remote::storage_vol_lookup_by_name(pool.clone(), name.to_owned())) {
        Ok(volume) => volume,
        Err(_) => by_key_or_path(shell, name, "")?,
    };
    Ok(shell.call(Remote::storage_vol_get_path(volume))?)
}

pub(super) static CREATE_FROM: Command = Command {
    name: "vol-create-from",
    summary: "make a volume from a file, with what is in another volume",
    options: &[
        POOL,
        FILE,
        VOL,
        Opt::text("inputpool", "the pool that the other volume is in").also_positional().asks(pools),
        PREALLOC,
        REFLINK,
        VALIDATE,
    ],
    run: create_from,
    ..Command::PLAIN
};

fn create_from(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let pool = pool(shell, arguments)?;
    let path = arguments.needed("file")?;
    let input = volume_in(shell, arguments, "inputpool")?;
    let text = file::read(path)?;
    let volume = shell
        .call(Remote::storage_vol_create_xml_from(pool, text, input.clone(), flags(arguments)))
        .or_say(format_args!("Failed to create vol from {path}"))?;
    extra!(shell, "Vol {} created from input vol {}\n", volume.name, input.name);
    Ok(())
}

pub(super) static CLONE: Command = Command {
    name: "vol-clone",
    summary: "make a volume that is like another one in the same pool",
    options: &[
        VOL,
        Opt::text("newname", "the name of the new volume").positional().required(),
        IN_POOL,
        PREALLOC,
        REFLINK,
        PRINT_XML,
    ],
    run: clone,
    ..Command::PLAIN
};

fn clone(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let old = volume(shell, arguments)?;
    let pool =
        shell.call(Remote::storage_pool_lookup_by_volume(old.clone())).or_say("failed to get parent pool")?;
    let name = arguments.needed("newname")?;
    let text = shell.call(Remote::storage_vol_get_xml_desc(old.clone(), 0))?;
    let text = renamed(&text, name).or_say("Failed to allocate XML buffer")?;
    if arguments.has("print-xml") {
        out!(shell, "{text}");
        return Ok(());
    }
    let new = shell
        .call(Remote::storage_vol_create_xml_from(pool, text, old.clone(), flags(arguments)))
        .or_say(format_args!("Failed to clone vol from {}", old.name))?;
    extra!(shell, "Vol {} cloned from {}\n", new.name, old.name);
    Ok(())
}

/// A volume's definition with another name.
fn renamed(text: &str, name: &str) -> Outcome<String> {
    let document = xml::parse(text, "volume_definition")?;
    let mut tree = Tree::of(document.root_element());
    if let Some(old) = tree.child_mut("name") {
        old.set_text(name);
    }
    Ok(tree.text())
}
