//! The tables of features and models, read once. `features.txt` and `models.txt` say what their lines mean.

use std::collections::HashMap;
use std::sync::LazyLock;

use virtus_base::Bitmap;
use virtus_conf::host_cpu::Signature;

use super::set::{FeatureSet, ROOM};

/// A register of the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Register {
    /// What CPUID answers; the last number is the register, eax being 0.
    Cpuid(u32, u32, usize),
    /// A half of a model specific register; 1 is the high one.
    Msr(u32, usize),
}

/// A feature.
#[derive(Debug)]
pub(super) struct Feature {
    pub(super) name: &'static str,
    /// QEMU's name of it.
    pub(super) qemu: &'static str,
    pub(super) register: Register,
    pub(super) bit: u32,
    pub(super) migratable: bool,
}

/// A maker of CPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vendor {
    /// libvirt's name.
    pub name: &'static str,
    /// What its CPUs say.
    pub id: &'static str,
}

/// The makers whose CPUs have models.
pub(super) const VENDORS: &[Vendor] = &[
    Vendor { name: "Intel", id: "GenuineIntel" },
    Vendor { name: "AMD", id: "AuthenticAMD" },
    Vendor { name: "Hygon", id: "HygonGenuine" },
];

impl Vendor {
    /// The maker of libvirt's name.
    pub fn named(name: &str) -> Option<Vendor> {
        VENDORS.iter().copied().find(|vendor| vendor.name == name)
    }

    /// The maker whose CPUs say this.
    pub fn of_id(id: &str) -> Option<Vendor> {
        VENDORS.iter().copied().find(|vendor| vendor.id == id)
    }
}

/// A family and model, with the steppings meant if not all are.
#[derive(Clone, Debug)]
pub(super) struct ModelSignature {
    family: u32,
    model: u32,
    steppings: Option<Bitmap>,
}

impl ModelSignature {
    pub(super) fn matches(&self, signature: Signature) -> bool {
        let stepping = usize::try_from(signature.stepping).unwrap_or(usize::MAX);
        (self.family, self.model) == (signature.family, signature.model)
            && self.steppings.as_ref().is_none_or(|steppings| steppings.contains(stepping))
    }

    /// The first CPU it means.
    pub(super) fn first(&self) -> Signature {
        let stepping = self.steppings.as_ref().and_then(|steppings| steppings.iter().next());
        let stepping = stepping.and_then(|stepping| u32::try_from(stepping).ok()).unwrap_or(0);
        Signature { family: self.family, model: self.model, stepping }
    }
}

/// A CPU model.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) name: &'static str,
    pub(super) vendor: Option<Vendor>,
    pub(super) signatures: Vec<ModelSignature>,
    /// Whether hosts', guests' CPUs may be called so.
    pub(super) host: bool,
    pub(super) guest: bool,
    /// Whether the features decide if a host can run it.
    pub(super) compat: bool,
    pub(super) features: FeatureSet,
    /// Features it was given when it was in use already.
    pub(super) added: FeatureSet,
    /// Features it lost when it was in use already, by name.
    pub(super) removed: Vec<&'static str>,
}

impl Model {
    pub(super) fn matches(&self, signature: Signature) -> bool {
        self.signatures.iter().any(|known| known.matches(signature))
    }
}

/// Both tables.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) features: Vec<Feature>,
    pub(super) models: Vec<Model>,
    feature_names: HashMap<&'static str, usize>,
    model_names: HashMap<&'static str, usize>,
    qemu_names: HashMap<&'static str, usize>,
}

impl Table {
    /// The place of a feature.
    pub(super) fn feature(&self, name: &str) -> Option<usize> {
        self.feature_names.get(name).copied()
    }

    /// The place of a feature that QEMU calls so.
    pub(super) fn qemu_feature(&self, name: &str) -> Option<&Feature> {
        self.qemu_names.get(name).and_then(|place| self.features.get(*place))
    }

    /// A model.
    pub(super) fn model(&self, name: &str) -> Option<&Model> {
        self.model_names.get(name).and_then(|place| self.models.get(*place))
    }

    /// The names of a set's features, in the table's order.
    pub(super) fn names<'a>(&'a self, set: &'a FeatureSet) -> impl Iterator<Item = &'static str> + 'a {
        set.iter().filter_map(|place| self.features.get(place)).map(|feature| feature.name)
    }
}

/// The tables. A test reads them too, so that they can be read.
pub(super) fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| read().unwrap_or_default());
    &TABLE
}

type Read<T> = Result<T, String>;

fn read() -> Read<Table> {
    let mut table = Table::default();
    read_features(include_str!("features.txt"), &mut table)?;
    read_models(include_str!("models.txt"), &mut table)?;
    Ok(table)
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
}

fn number(text: &str) -> Read<u32> {
    let number = match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => text.parse(),
    };
    number.map_err(|_| format!("{text} is no number"))
}

fn read_features(text: &'static str, table: &mut Table) -> Read<()> {
    let mut register = None;
    for line in lines(text) {
        let words: Vec<&'static str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["cpuid", leaf, name] => {
                let (leaf, subleaf) = leaf.split_once('.').unwrap_or((leaf, "0"));
                let place = ["eax", "ebx", "ecx", "edx"].iter().position(|r| r == name).ok_or(line)?;
                register = Some(Register::Cpuid(number(leaf)?, number(subleaf)?, place));
            }
            ["msr", index, half] => {
                let half = ["low", "high"].iter().position(|h| h == half).ok_or(line)?;
                register = Some(Register::Msr(number(index)?, half));
            }
            [bit, name, rest @ ..] => {
                let (rest, migratable) = match rest.strip_suffix(&["!"]) {
                    Some(rest) => (rest, false),
                    None => (rest, true),
                };
                let qemu = match rest {
                    ["=", qemu] => qemu,
                    [] => name,
                    _ => return Err(line.into()),
                };
                let place = table.features.len();
                if place >= ROOM || table.feature_names.insert(name, place).is_some() {
                    return Err(line.into());
                }
                table.qemu_names.insert(qemu, place);
                let register = register.ok_or(line)?;
                table.features.push(Feature { name, qemu, register, bit: number(bit)?, migratable });
            }
            _ => return Err(line.into()),
        }
    }
    Ok(())
}

fn read_models(text: &'static str, table: &mut Table) -> Read<()> {
    for line in lines(text) {
        let words: Vec<&'static str> = line.split_ascii_whitespace().collect();
        if let (false, [name, "=", other]) = (line.starts_with(' '), words.as_slice()) {
            let other = table.model(other).ok_or(line)?;
            // what was taken out of the other one was not taken out of this
            let model = Model { name, guest: false, compat: false, removed: Vec::new(), ..other.clone() };
            push(table, model)?;
        } else if line.starts_with(' ') {
            read_content(&words, table)?;
        } else {
            let model = read_head(line)?;
            push(table, model)?;
        }
    }
    Ok(())
}

fn push(table: &mut Table, model: Model) -> Read<()> {
    match table.model_names.insert(model.name, table.models.len()) {
        Some(_) => Err(format!("{} stands twice", model.name)),
        None => {
            table.models.push(model);
            Ok(())
        }
    }
}

fn read_head(line: &'static str) -> Read<Model> {
    let (head, uses) = line.split_once(':').ok_or(line)?;
    let mut head = head.split_ascii_whitespace();
    let mut model = Model {
        name: head.next().ok_or(line)?,
        vendor: None,
        signatures: Vec::new(),
        host: false,
        guest: false,
        compat: false,
        features: FeatureSet::default(),
        added: FeatureSet::default(),
        removed: Vec::new(),
    };
    for word in head {
        let mut parts = word.split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(family), Some(number_), steppings) => model.signatures.push(ModelSignature {
                family: number(family)?,
                model: number(number_)?,
                steppings: steppings.map(|s| Bitmap::parse(s).ok_or(line)).transpose()?,
            }),
            _ => model.vendor = Some(Vendor::named(word).ok_or(line)?),
        }
    }
    for word in uses.split_ascii_whitespace() {
        match word {
            "host" => model.host = true,
            "guest" => model.guest = true,
            "compat" => model.compat = true,
            _ => return Err(line.into()),
        }
    }
    Ok(model)
}

/// A line of what the last model has.
fn read_content(words: &[&'static str], table: &mut Table) -> Read<()> {
    let bad = || words.join(" ");
    let mut model = table.models.pop().ok_or_else(bad)?;
    match words {
        ["like", other, settled @ ..] => {
            let other = table.model(other).ok_or_else(bad)?;
            (model.features, model.added, model.removed) =
                (other.features, other.added, other.removed.clone());
            match settled {
                [] => {}
                ["settled"] => {
                    model.features = model.features.plus(&model.added);
                    model.added = FeatureSet::default();
                    model.removed.clear();
                }
                _ => return Err(bad()),
            }
        }
        ["without", names @ ..] => {
            for name in names {
                let place = table.feature(name).ok_or_else(bad)?;
                model.features.remove(place);
                model.added.remove(place);
                model.removed.retain(|removed| removed != name);
            }
        }
        names => {
            for word in names {
                let (name, mark) = match word.strip_prefix(['+', '-']) {
                    Some(name) => (name, word.chars().next()),
                    None => (*word, None),
                };
                let place = table.feature(name).ok_or_else(bad)?;
                model.features.remove(place);
                model.added.remove(place);
                model.removed.retain(|removed| *removed != name);
                match mark {
                    Some('+') => model.added.insert(place),
                    Some(_) => model.removed.push(name),
                    None => model.features.insert(place),
                }
            }
            model.removed.sort_unstable();
        }
    }
    table.models.push(model);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_can_be_read() {
        let table = read().unwrap();
        assert_eq!((table.features.len(), table.models.len()), (364, 150));
        let haswell = table.model("Haswell").unwrap();
        let has = |model: &Model, name: &str| model.features.contains(table.feature(name).unwrap());
        assert!(has(haswell, "rtm") && has(haswell, "avx2") && !has(haswell, "vmx-ept"));
        assert!(haswell.added.contains(table.feature("vmx-ept").unwrap()));
        assert!(has(table.model("SapphireRapids-v2").unwrap(), "vmx-ept"));
        assert_eq!(table.model("Icelake-Server").unwrap().removed, ["intel-pt", "mpx"]);
        let skylake = table.model("Skylake-Server-v1").unwrap();
        let signature = |stepping| Signature { family: 6, model: 85, stepping };
        assert!(skylake.matches(signature(4)) && !skylake.matches(signature(5)));
        assert!(skylake.host && !skylake.guest);
        let nonmigratable = table.features.iter().filter(|f| !f.migratable).map(|f| f.name);
        assert_eq!(nonmigratable.collect::<Vec<_>>(), ["xsaves", "invtsc"]);
    }

    #[test]
    fn no_two_features_share_a_bit() {
        let mut bits: Vec<_> = table().features.iter().map(|f| (f.register, f.bit)).collect();
        let count = bits.len();
        bits.sort_by_key(|(register, bit)| format!("{register:?} {bit}"));
        bits.dedup();
        assert_eq!(bits.len(), count);
        assert!(bits.iter().all(|(_, bit)| *bit < 32));
    }
}
