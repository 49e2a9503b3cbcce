//! CPUs as libvirt speaks of them: models, features, how one CPU compares with another, and what a set of features is
//! called. Facts stand in two tables, `x86/features.txt` and `x86/models.txt`; everything else follows from them.
//!
//! Nothing here looks at the host: what its CPU says comes in as [`x86::Leaf`]s, what QEMU says as a [`Hypervisor`].
#![warn(missing_docs)]

mod arch;
mod definition;
mod hypervisor;
mod ppc64;
pub mod x86;

pub use arch::{baseline, compare, expand, models, translate, update, validate, vendor_of};
pub use definition::{Definition, Feature, Kind};
pub use hypervisor::{Hypervisor, HypervisorModel};
pub use ppc64::model as ppc64_model;

use virtus_base::{Error, ErrorCode, ErrorDomain};

/// How a CPU relates to the host's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The host cannot be it; why, in libvirt's words.
    Incompatible(String),
    /// The host is exactly it.
    Identical,
    /// The host is it and more.
    Superset,
}

impl Comparison {
    /// The number calls answer with (`virCPUCompareResult`).
    ///
    /// # Errors
    /// `CPU_INCOMPATIBLE` when `strict` and the host cannot be it.
    pub fn answer(self, strict: bool) -> virtus_base::Result<i32> {
        match self {
            Comparison::Incompatible(why) if strict => Err(error(ErrorCode::CPU_INCOMPATIBLE, why)),
            Comparison::Incompatible(_) => Ok(0),
            Comparison::Identical => Ok(1),
            Comparison::Superset => Ok(2),
        }
    }
}

/// What a computation must stay within.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits<'a> {
    /// The hypervisor whose guests shall have the CPU; it may know other models than this crate.
    pub hypervisor: Option<&'a dyn Hypervisor>,
    /// The only features there may be.
    pub features: Option<&'a [String]>,
    /// Whether features that keep guests from migrating are left out.
    pub migratable: bool,
}

fn error(code: ErrorCode, text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::CPU, code, text)
}

fn failed(text: impl Into<String>) -> Error {
    error(ErrorCode::OPERATION_FAILED, text)
}

fn internal(text: impl Into<String>) -> Error {
    error(ErrorCode::INTERNAL_ERROR, text)
}
