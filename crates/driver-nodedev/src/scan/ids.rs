//! Names of vendors and products, from the lists that are kept for all programs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Where the list of PCI is, by distribution.
const PCI: [&str; 2] = ["usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids"];

/// The names of a vendor and of its device.
type Names = (Option<String>, Option<String>);

/// What was looked up before: a host has few devices, and the list more than a megabyte.
static KNOWN: Mutex<BTreeMap<(u32, u32), Names>> = Mutex::new(BTreeMap::new());

/// The names of a PCI device's vendor and of the device.
pub(super) fn pci(root: &Path, vendor: u32, product: u32) -> Names {
    // nothing that holds it panics half-way through a change
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let names = known.entry((vendor, product)).or_insert_with(|| {
        let bytes = PCI.iter().find_map(|path| std::fs::read(root.join(path)).ok()).unwrap_or_default();
        lookup(&String::from_utf8_lossy(&bytes), vendor, product)
    });
    names.clone()
}

fn lookup(text: &str, vendor: u32, product: u32) -> Names {
    let wanted = format!("{vendor:04x}  ");
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&wanted));
    let Some(name) = lines.next().and_then(|line| line.get(6..)) else { return (None, None) };
    let wanted = format!("\t{product:04x}  ");
    let product = lines
        .take_while(|line| line.starts_with('\t') || line.starts_with('#'))
        .find_map(|line| line.strip_prefix(wanted.as_str()));
    (Some(name.to_owned()), product.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_below_their_vendor() {
        let text = "# list\n0001  One\n\t0a0a  A\n\t\t0001 0002  Sub\n0002  Two\n\t0b0b  B\n";
        let names = |v, p| {
            let (vendor, product) = lookup(text, v, p);
            (vendor.unwrap_or_default(), product.unwrap_or_default())
        };
        assert_eq!(names(2, 0xb0b), ("Two".into(), "B".into()));
        assert_eq!(names(1, 0xb0b), ("One".into(), String::new()));
        assert_eq!(names(3, 0xb0b), (String::new(), String::new()));
    }
}
