//! What the driver answers, one file a subject.

mod agent;
mod assignment;
mod block;
mod change;
mod checkpoint;
mod connection;
mod console;
mod cpu;
mod define;
mod device;
mod info;
mod jobs;
mod lifecycle;
mod list;
mod metadata;
mod migration;
mod native;
mod node;
mod params;
mod qemu;
mod save;
mod security;
mod sets;
mod snapshot;
mod stats;
mod tuning;
mod undefine;

use virtus_api::*;
use virtus_base::Result;

use crate::Driver;

// what has no methods here answers that it is not supported
impl LxcCalls for Driver {}

/// Typed parameters may be strings (`VIR_DRV_FEATURE_TYPED_PARAM_STRING`).
const TYPED_PARAM_STRING: i32 = 9;
/// Definitions can be had in a form for other hosts (`VIR_DRV_FEATURE_XML_MIGRATABLE`).
const XML_MIGRATABLE: i32 = 11;
/// Updates of networks name their parts in the right order (`VIR_DRV_FEATURE_NETWORK_UPDATE_HAS_CORRECT_ORDER`).
const NETWORK_UPDATE_ORDER: i32 = 16;

impl Features for Driver {
    fn supports(&self, feature: i32) -> bool {
        matches!(feature, TYPED_PARAM_STRING | XML_MIGRATABLE | NETWORK_UPDATE_ORDER)
    }

    fn has_monitors(&self) -> bool {
        true
    }
}

/// A number as the wire's truth value.
fn truth(value: bool) -> i32 {
    i32::from(value)
}

/// The driver's part of a name that clients see in errors: nothing but the function's C name.
fn flags(flags: u32, supported: u32, function: &str) -> Result<()> {
    crate::driver::Shared::flags(flags, supported, function)
}
