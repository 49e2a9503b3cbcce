//! What the firmware says of the machine, through dmidecode(8).

use virtus_base::Error;

use crate::program::{Program, Runner};

/// What a section of the firmware's tables holds: libvirt's names of the entries with their values, in libvirt's order.
pub type Entries = Vec<(&'static str, String)>;

/// The firmware's tables. A section the machine does not have is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Sysinfo {
    pub bios: Entries,
    pub system: Entries,
    pub base_boards: Vec<Entries>,
    pub chassis: Entries,
    pub processors: Vec<Entries>,
    pub memory_devices: Vec<Entries>,
    pub oem_strings: Vec<String>,
}

impl Sysinfo {
    /// Reads the tables; `None` when the machine has none or dmidecode is not there.
    ///
    /// # Errors
    /// When dmidecode cannot be run to its end.
    pub async fn read(runner: &dyn Runner) -> Result<Option<Sysinfo>, Error> {
        let program = Program::new("dmidecode").args(["-q", "-t", "0,1,2,3,4,11,17"]);
        let output = match runner.run(&program).await {
            Err(e) if e.fields().int1 == libc::ENOENT => return Ok(None),
            other => other?,
        };
        if output.status != Some(0) {
            return Ok(None);
        }
        Ok(Some(parse(&String::from_utf8_lossy(&output.stdout))).filter(|info| *info != Sysinfo::default()))
    }
}

/// dmidecode's name of an entry and libvirt's.
type Names = &'static [(&'static str, &'static str)];

const BIOS: Names =
    &[("Vendor", "vendor"), ("Version", "version"), ("Release Date", "date"), ("BIOS Revision", "release")];
const SYSTEM: Names = &[
    ("Manufacturer", "manufacturer"),
    ("Product Name", "product"),
    ("Version", "version"),
    ("Serial Number", "serial"),
    ("UUID", "uuid"),
    ("SKU Number", "sku"),
    ("Family", "family"),
];
const BASE_BOARD: Names = &[
    ("Manufacturer", "manufacturer"),
    ("Product Name", "product"),
    ("Version", "version"),
    ("Serial Number", "serial"),
    ("Asset Tag", "asset"),
    ("Location In Chassis", "location"),
];
const CHASSIS: Names = &[
    ("Manufacturer", "manufacturer"),
    ("Version", "version"),
    ("Serial Number", "serial"),
    ("Asset Tag", "asset"),
    ("SKU Number", "sku"),
];
const PROCESSOR: Names = &[
    ("Socket Designation", "socket_destination"),
    ("Type", "type"),
    ("Family", "family"),
    ("Manufacturer", "manufacturer"),
    ("Signature", "signature"),
    ("Version", "version"),
    ("External Clock", "external_clock"),
    ("Max Speed", "max_speed"),
    ("Status", "status"),
    ("Serial Number", "serial_number"),
    ("Part Number", "part_number"),
];
const MEMORY_DEVICE: Names = &[
    ("Size", "size"),
    ("Form Factor", "form_factor"),
    ("Locator", "locator"),
    ("Bank Locator", "bank_locator"),
    ("Type", "type"),
    ("Type Detail", "type_detail"),
    ("Speed", "speed"),
    ("Manufacturer", "manufacturer"),
    ("Serial Number", "serial_number"),
    ("Part Number", "part_number"),
];

fn parse(text: &str) -> Sysinfo {
    let mut info = Sysinfo::default();
    for section in text.split("\n\n") {
        let mut lines = section.lines().skip_while(|line| line.is_empty() || line.starts_with('#'));
        let title = lines.next().unwrap_or_default();
        let pairs: Vec<(&str, &str)> = lines
            // deeper lines are lists that belong to an entry
            .filter(|line| line.starts_with('\t') && !line.starts_with("\t\t"))
            .filter_map(|line| line.trim().split_once(':'))
            .map(|(key, value)| (key, value.trim()))
            .collect();
        let entries = |names: Names| -> Entries {
            let value = |key: &str| pairs.iter().find(|(k, v)| *k == key && !v.is_empty()).map(|(_, v)| *v);
            names.iter().filter_map(|(theirs, ours)| Some((*ours, value(theirs)?.to_owned()))).collect()
        };
        match title {
            "BIOS Information" if info.bios.is_empty() => info.bios = entries(BIOS),
            "System Information" if info.system.is_empty() => info.system = entries(SYSTEM),
            "Base Board Information" => info.base_boards.push(entries(BASE_BOARD)),
            "Chassis Information" if info.chassis.is_empty() => info.chassis = entries(CHASSIS),
            "Processor Information" => info.processors.push(entries(PROCESSOR)),
            "Memory Device" => {
                let empty = pairs.contains(&("Size", "No Module Installed"));
                if !empty {
                    info.memory_devices.push(entries(MEMORY_DEVICE));
                }
            }
            "OEM Strings" => {
                let strings = pairs.iter().filter(|(key, _)| key.starts_with("String "));
                info.oem_strings.extend(strings.map(|(_, value)| (*value).to_owned()));
            }
            _ => {}
        }
    }
    info.base_boards.retain(|entries| !entries.is_empty());
    info
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{Output, Recorder};

    const TEXT: &str = "BIOS Information\n\tVendor: SeaBIOS\n\tVersion: 1.16\n\tRelease Date: 04/01/2014\n\
        \tCharacteristics:\n\t\tTarget content: x\n\tBIOS Revision: 0.0\n\n\
        System Information\n\tManufacturer: QEMU\n\tProduct Name: PC\n\tUUID: 1234\n\n\
        Processor Information\n\tSocket Designation: CPU 0\n\tFlags:\n\t\tFPU (on chip)\n\n\
        Memory Device\n\tSize: No Module Installed\n\tLocator: A\n\n\
        Memory Device\n\tSize: 1 GB\n\tLocator: B\n\tSpeed:\n\n\
        OEM Strings\n\tString 1: a: b\n\tString 2: c\n";

    #[tokio::test]
    async fn sections_become_libvirts_entries() {
        let output = Output { status: Some(0), stdout: TEXT.into(), ..Output::default() };
        let recorder = Recorder::new([output]);
        let info = Sysinfo::read(&recorder).await.unwrap().unwrap();
        assert_eq!(recorder.asked()[0].line(), "dmidecode -q -t 0,1,2,3,4,11,17");
        assert_eq!(info.bios.last(), Some(&("release", "0.0".to_owned())));
        assert_eq!(info.system[1], ("product", "PC".to_owned()));
        assert_eq!(info.processors.len(), 1);
        assert_eq!(info.memory_devices, [[("size", "1 GB".to_owned()), ("locator", "B".to_owned())]]);
        assert_eq!(info.oem_strings, ["a: b", "c"]);
    }

    #[tokio::test]
    async fn a_machine_without_tables_has_none() {
        let says =
            |status, text: &str| Output { status: Some(status), stdout: text.into(), ..Output::default() };
        let recorder =
            Recorder::new([says(1, ""), says(0, "# No SMBIOS nor DMI entry point found, sorry.\n")]);
        assert_eq!(Sysinfo::read(&recorder).await.unwrap(), None);
        assert_eq!(Sysinfo::read(&recorder).await.unwrap(), None);
    }
}
