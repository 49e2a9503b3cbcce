//! x86: features are bits of CPUID leaves and of model specific registers, models are sets of them.

mod baseline;
mod compare;
mod data;
mod decode;
mod live;
mod set;
mod table;
mod update;
mod usable;

pub use baseline::{baseline, expand};
pub use compare::{compare, validate};
pub use data::{ARCH_CAPABILITIES, Data, Leaf};
pub use live::{Live, Word, update_live, wanted_in_msrs};
pub use set::FeatureSet;
pub use table::Vendor;
pub(crate) use update::like_host;
pub use update::{translate, update};
pub use usable::{compare_usable, refuse_forbidden};

use virtus_base::Result;

use crate::{Definition, Hypervisor, Kind};

/// Whether an architecture is x86, by libvirt's name.
pub fn is_x86(arch: &str) -> bool {
    matches!(arch, "i686" | "x86_64")
}

/// Describes a CPU by the model that comes nearest.
///
/// # Errors
/// `INTERNAL_ERROR` when no model will do.
pub fn decode(data: &Data, kind: Kind, hypervisor: Option<&dyn Hypervisor>) -> Result<Definition> {
    decode::decode(data, kind, hypervisor, &[], false)
}

/// The names of all models, the oldest first.
pub fn models() -> impl Iterator<Item = &'static str> {
    table::table().models.iter().map(|model| model.name)
}

/// The maker of a model, if it has one.
pub(crate) fn vendor_of(model: &str) -> Option<&'static str> {
    table::table().model(model)?.vendor.map(|vendor| vendor.name)
}

/// Whether a feature-by-feature comparison, not QEMU's word, tells if a host can run a model.
pub fn is_compared_by_features(model: &str) -> bool {
    table::table().model(model).is_some_and(|model| model.compat)
}

/// Features that QEMU spells otherwise and that are no bits of the CPU.
const OTHER_NAMES: &[(&str, &str)] = &[("kvm_pv_eoi", "kvm-pv-eoi"), ("kvm_pv_unhalt", "kvm-pv-unhalt")];

/// QEMU's name of a feature.
pub fn to_qemu(feature: &str) -> &str {
    let table = table::table();
    if let Some(known) = table.feature(feature).and_then(|place| table.features.get(place)) {
        return known.qemu;
    }
    OTHER_NAMES.iter().find(|(name, _)| *name == feature).map_or(feature, |(_, qemu)| qemu)
}

/// libvirt's name of one of QEMU's features.
pub fn from_qemu(feature: &str) -> &str {
    if let Some(known) = table::table().qemu_feature(feature) {
        return known.name;
    }
    OTHER_NAMES.iter().find(|(_, qemu)| *qemu == feature).map_or(feature, |(name, _)| name)
}

/// Whether a feature is told by a model specific register, not by CPUID.
pub fn is_in_msr(feature: &str) -> bool {
    let table = table::table();
    let known = table.feature(feature).and_then(|place| table.features.get(place));
    known.is_some_and(|feature| matches!(feature.register, table::Register::Msr(..)))
}

/// Whether QEMU can be told of a feature at all.
pub fn is_for_qemu(feature: &str) -> bool {
    !matches!(feature, "cmt" | "mbm_total" | "mbm_local" | "osxsave" | "ospke")
}
