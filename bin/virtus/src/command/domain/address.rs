//! Addresses of devices as options have them: `pci:0000.00.05.0`, `scsi:0.0.1` …

/// An address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address {
    Pci { domain: u32, bus: u32, slot: u32, function: u32, multifunction: bool },
    Drive { kind: DriveBus, controller: u32, bus: u32, unit: u64 },
    Ccw { cssid: u32, ssid: u32, devno: u32 },
    Usb { bus: u32, port: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DriveBus {
    Scsi,
    Ide,
    Sata,
}

impl Address {
    /// Reads one; `None` when it is none. Parts are separated by any character that is no digit.
    pub(super) fn parse(text: &str, multifunction: bool) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let kind_of_drive = match kind {
            "scsi" => Some(DriveBus::Scsi),
            "ide" => Some(DriveBus::Ide),
            "sata" => Some(DriveBus::Sata),
            _ => None,
        };
        let mut parts = Parts(rest);
        Some(match kind {
            "pci" => Address::Pci {
                domain: parts.number(16)?,
                bus: parts.number(16)?,
                slot: parts.number(16)?,
                function: parts.number(16)?,
                multifunction,
            },
            "ccw" => {
                Address::Ccw { cssid: parts.number(16)?, ssid: parts.number(16)?, devno: parts.number(16)? }
            }
            "usb" => Address::Usb { bus: parts.number(10)?, port: parts.number(10)? },
            _ => Address::Drive {
                kind: kind_of_drive?,
                controller: parts.number(10)?,
                bus: parts.number(10)?,
                unit: parts.number(10)?.into(),
            },
        })
    }

    /// As an element.
    pub(super) fn xml(&self) -> String {
        match self {
            Address::Pci { domain, bus, slot, function, multifunction } => {
                let multifunction = if *multifunction { " multifunction='on'" } else { "" };
                format!(
                    "<address type='pci' domain='0x{domain:04x}' bus='0x{bus:02x}' slot='0x{slot:02x}' \
                     function='0x{function:x}'{multifunction}/>\n"
                )
            }
            Address::Drive { controller, bus, unit, .. } => {
                format!("<address type='drive' controller='{controller}' bus='{bus}' unit='{unit}'/>\n")
            }
            Address::Ccw { cssid, ssid, devno } => {
                format!(
                    "<address type='ccw' cssid='0x{cssid:02x}' ssid='0x{ssid:x}' devno='0x{devno:04x}'/>\n"
                )
            }
            Address::Usb { bus, port } => format!("<address type='usb' bus='{bus}' port='{port}'/>\n"),
        }
    }
}

/// Numbers with one character between them.
struct Parts<'a>(&'a str);

impl Parts<'_> {
    fn number(&mut self, radix: u32) -> Option<u32> {
        let text = match radix {
            16 => self.0.strip_prefix("0x").unwrap_or(self.0),
            _ => self.0,
        };
        let end = text.find(|c: char| !c.is_digit(radix)).unwrap_or(text.len());
        let (digits, rest) = text.split_at_checked(end)?;
        self.0 = rest.get(rest.chars().next().map_or(0, char::len_utf8)..)?;
        u32::from_str_radix(digits, radix).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_elements() {
        let xml = |text| Address::parse(text, true).map(|address| address.xml());
        assert_eq!(
            xml("pci:0000.00.1f.2").unwrap(),
            "<address type='pci' domain='0x0000' bus='0x00' slot='0x1f' function='0x2' multifunction='on'/>\n"
        );
        assert_eq!(xml("sata:1.0.3").unwrap(), "<address type='drive' controller='1' bus='0' unit='3'/>\n");
        assert_eq!(xml("usb:1.2").unwrap(), "<address type='usb' bus='1' port='2'/>\n");
        assert_eq!(
            xml("ccw:fe.0.0001").unwrap(),
            "<address type='ccw' cssid='0xfe' ssid='0x0' devno='0x0001'/>\n"
        );
        for text in ["", "pci", "pci:0.0.0", "scsi:a.0.0", "isa:1.2", "pci:x.0.0.0"] {
            assert_eq!(xml(text), None, "{text}");
        }
    }
}
