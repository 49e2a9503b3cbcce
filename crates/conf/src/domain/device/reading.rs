//! `<devices>` as a whole: kind by kind, in libvirt's two orders.

use virtus_base::Result;
use virtus_xml::{Element, Writer, Xml, field};

use super::{DeviceKind, Devices, consistency};
use crate::domain::parse::RULES;

/// The order in which libvirt reads the kinds; of two that are wrong, it tells the first.
const READING: &[DeviceKind] = &[
    DeviceKind::Disk,
    DeviceKind::Controller,
    DeviceKind::Lease,
    DeviceKind::Filesystem,
    DeviceKind::Interface,
    DeviceKind::Smartcard,
    DeviceKind::Parallel,
    DeviceKind::Serial,
    DeviceKind::Console,
    DeviceKind::Channel,
    DeviceKind::Input,
    DeviceKind::Graphics,
    DeviceKind::Sound,
    DeviceKind::Audio,
    DeviceKind::Video,
    DeviceKind::HostDev,
    DeviceKind::Watchdog,
    DeviceKind::MemBalloon,
    DeviceKind::Rng,
    DeviceKind::Crypto,
    DeviceKind::Tpm,
    DeviceKind::Nvram,
    DeviceKind::Hub,
    DeviceKind::RedirDev,
    DeviceKind::RedirFilter,
    DeviceKind::Panic,
    DeviceKind::Shmem,
    DeviceKind::Memory,
    DeviceKind::Iommu,
    DeviceKind::Vsock,
    DeviceKind::Pstore,
];

impl Xml for Devices {
    fn read(e: Element<'_>) -> Result<Self> {
        let mut devices =
            Devices { emulator: field::text(e.child("emulator"), &RULES)?, ..Devices::default() };
        let mut found: Vec<(usize, Element<'_>)> = Vec::new();
        for child in e.twins().flat_map(|e| e.elements()) {
            let place = READING.iter().position(|kind| kind.name() == child.name());
            found.extend(place.map(|place| (place, child.accept())));
        }
        found.sort_by_key(|(place, _)| *place);
        for of_a_kind in found.chunk_by(|one, next| one.0 == next.0) {
            let Some(kind) = of_a_kind.first().and_then(|(place, _)| READING.get(*place)) else { continue };
            consistency::before(*kind, of_a_kind.len(), &devices)?;
            for (_, child) in of_a_kind {
                devices.read_one(*kind, *child)?;
            }
            consistency::after(*kind, &devices)?;
        }
        Ok(devices)
    }

    fn write_attrs(&self, _: &mut Writer) {}

    fn write_body(&self, w: &mut Writer) {
        w.keep_open();
        if let Some(emulator) = &self.emulator {
            w.element_text("emulator", emulator);
        }
        self.write_all(w);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_once() {
        for kind in DeviceKind::ALL {
            assert_eq!(READING.iter().filter(|read| *read == kind).count(), 1, "{kind:?}");
        }
    }
}
