//! Firmware and its variables.

use virtus_base::Result;
use virtus_conf::domain::os::{FirmwareFormat, LoaderType};

use super::build::Build;
use super::guest::Guest;
use crate::device::storage::{self, Names, Node, Opening};

/// Whether the firmware is on flash chips.
fn on_flash(guest: &Guest<'_>) -> bool {
    guest.domain.os.loader.as_ref().is_some_and(|loader| loader.loader_type == Some(LoaderType::Pflash))
}

/// The flash chips' images.
pub(super) fn blockdevs(b: &mut Build<'_>) -> Result<()> {
    let guest = b.guest;
    let os = &guest.domain.os;
    let (Some(loader), true) = (&os.loader, on_flash(&guest)) else { return Ok(()) };
    let mut nodes = Vec::new();
    if let Some(path) = &loader.path {
        let names = Names::pflash(0);
        let readonly = loader.readonly.is_some_and(|readonly| readonly.is_true());
        let format = loader.format.map_or("raw", FirmwareFormat::as_str);
        storage::firmware(&guest, path, &names, format, readonly, &mut nodes)?;
    }
    if let Some(nvram) = &os.nvram
        && let Some(source) = &nvram.source
    {
        let format = nvram.format.map_or("raw", FirmwareFormat::as_str);
        let opening = Opening { format, top: true, ..Opening::default() };
        storage::image(&guest, source, &Names::pflash(1), &opening, &mut nodes)?;
    }
    for node in nodes {
        match node {
            Node::Object(props) => b.line.json("object", &props),
            Node::Block(props) => b.line.json("blockdev", &props),
        }
    }
    Ok(())
}

/// The machine's flash chips.
pub(super) fn machine_options(guest: &Guest<'_>) -> Vec<String> {
    let os = &guest.domain.os;
    let mut options = Vec::new();
    let (Some(loader), true) = (&os.loader, on_flash(guest)) else { return options };
    if loader.path.is_some() {
        options.push(format!("pflash0={}", Names::pflash(0).format()));
    }
    if let Some(nvram) = &os.nvram
        && let Some(source) = &nvram.source
    {
        let format = nvram.format.map_or("raw", FirmwareFormat::as_str);
        let names = Names::pflash(1);
        let node = if storage::has_format_node(source, format) { names.format() } else { names.storage() };
        options.push(format!("pflash1={node}"));
    }
    options
}

/// Firmware in a ROM, and what keeps the flash's variables from the guest's hands.
pub(super) fn loader(b: &mut Build<'_>) {
    let Some(loader) = &b.guest.domain.os.loader else { return };
    match loader.loader_type {
        Some(LoaderType::Pflash) => {
            if loader.secure.is_some_and(|secure| secure.is_true()) {
                b.line.option("global", "driver=cfi.pflash01,property=secure,value=on");
            }
        }
        _ => {
            if let Some(path) = &loader.path {
                b.line.option("bios", path.clone());
            }
        }
    }
}
