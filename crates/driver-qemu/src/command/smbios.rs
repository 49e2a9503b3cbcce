//! `-smbios` and `-fw_cfg`.

use virtus_base::Result;
use virtus_conf::domain::os::SmbiosMode;
use virtus_conf::domain::sysinfo::{Smbios, SysInfo};

use super::build::Build;
use super::guest::unsupported;
use super::line::escape;

/// The tables the definition writes, and the blobs for firmware.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` when they are to be the host's, which are not read.
pub(super) fn add(b: &mut Build<'_>) -> Result<()> {
    let domain = b.guest.domain;
    if domain.os.smbios == Some(SmbiosMode::Host) {
        return Err(unsupported("Host SMBIOS information is not available"));
    }
    for info in &domain.sysinfo {
        if let (SysInfo::Smbios(tables), Some(SmbiosMode::Sysinfo)) = (info, domain.os.smbios) {
            for text in smbios(tables) {
                b.line.option("smbios", text);
            }
        }
    }
    for info in &domain.sysinfo {
        let SysInfo::FwCfg { entries } = info else { continue };
        for entry in entries {
            let content = match (&entry.file, &entry.value) {
                (Some(file), _) => format!("file={}", escape(file)),
                // commas stand as they are: libvirt never has doubled them here
                (None, value) => format!("string={}", value.as_deref().unwrap_or_default()),
            };
            b.line.option("fw_cfg", format!("name={},{content}", escape(&entry.name)));
        }
    }
    Ok(())
}

fn table(number: u32, fields: &[(&str, &Option<String>)]) -> String {
    let mut text = format!("type={number}");
    for (name, value) in fields {
        if let Some(value) = value {
            text.push_str(&format!(",{name}={}", escape(value)));
        }
    }
    text
}

fn smbios(tables: &Smbios) -> Vec<String> {
    let mut texts = Vec::new();
    if let Some(bios) = &tables.bios {
        texts.push(table(
            0,
            &[
                ("vendor", &bios.vendor),
                ("version", &bios.version),
                ("date", &bios.date),
                ("release", &bios.release),
            ],
        ));
    }
    if let Some(system) = &tables.system {
        texts.push(table(
            1,
            &[
                ("manufacturer", &system.manufacturer),
                ("product", &system.product),
                ("version", &system.version),
                ("serial", &system.serial),
                ("uuid", &system.uuid),
                ("sku", &system.sku),
                ("family", &system.family),
            ],
        ));
    }
    for board in &tables.base_boards {
        texts.push(table(
            2,
            &[
                ("manufacturer", &board.manufacturer),
                ("product", &board.product),
                ("version", &board.version),
                ("serial", &board.serial),
                ("asset", &board.asset),
                ("location", &board.location),
            ],
        ));
    }
    if let Some(chassis) = &tables.chassis {
        texts.push(table(
            3,
            &[
                ("manufacturer", &chassis.manufacturer),
                ("version", &chassis.version),
                ("serial", &chassis.serial),
                ("asset", &chassis.asset),
                ("sku", &chassis.sku),
            ],
        ));
    }
    if let Some(strings) = &tables.oem_strings {
        let values: String =
            strings.entries.iter().map(|entry| format!(",value={}", escape(entry))).collect();
        texts.push(format!("type=11{values}"));
    }
    texts
}
