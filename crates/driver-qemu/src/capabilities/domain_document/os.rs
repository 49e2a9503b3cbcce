//! `<os>`: the firmware there is.

use virtus_xml::Writer;

use super::{Question, enumeration};
use crate::emulator::Environment;
use crate::firmware::{Firmware, Mapping};

pub(super) fn write(w: &mut Writer, question: &Question<'_>, environment: &dyn Environment) {
    let mut secure = false;
    let (mut bios, mut efi) = (false, false);
    let mut images: Vec<String> = Vec::new();
    let firmware = environment.firmware();
    for firmware in firmware.iter().filter(|f| f.suits(question.arch, question.machine)) {
        let there = |image: &&str| std::path::Path::new(image).exists();
        let Some(image) = image(firmware).filter(there) else { continue };
        bios |= firmware.interface_types.iter().any(|kind| kind == "bios");
        efi |= firmware.interface_types.iter().any(|kind| kind == "uefi");
        secure |= firmware.has("requires-smm") && firmware.has("secure-boot");
        if !images.iter().any(|known| known == image) {
            images.push(image.to_owned());
        }
    }
    if images.is_empty() {
        images = environment
            .firmware_pairs()
            .into_iter()
            .map(|(code, _)| code)
            .filter(|code| std::path::Path::new(code).exists())
            .collect();
    }
    w.start("os");
    w.attr("supported", "yes");
    enumeration(w, "firmware", &super::which(&[("bios", bios), ("efi", efi)]));
    w.start("loader");
    w.attr("supported", "yes");
    images.iter().for_each(|image| w.element_text("value", image));
    enumeration(w, "type", &["rom", "pflash"]);
    enumeration(w, "readonly", &["yes", "no"]);
    enumeration(w, "secure", &super::which(&[("yes", secure), ("no", true)]));
    w.end();
    w.end();
}

/// The file of a firmware that is flash or memory.
fn image(firmware: &Firmware) -> Option<&str> {
    match &firmware.mapping {
        Mapping::Flash { executable, .. } => Some(&executable.filename),
        Mapping::Memory { filename } => Some(filename),
        Mapping::Kernel { .. } => None,
    }
}
