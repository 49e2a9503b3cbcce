//! What the driver answers, one file a subject.

mod connection;
mod console;
mod info;
mod lifecycle;
mod list;
mod metadata;
mod native;
mod node;
mod qemu;
mod save;
mod stats;
mod undefine;

pub(crate) use lifecycle::no_agent;
use virtus_api::*;
use virtus_base::Result;

use crate::Driver;

// what has no methods here answers that it is not supported
impl Features for Driver {}
impl NodeDeviceAssignment for Driver {}
impl DomainTuning for Driver {}
impl DomainDevices for Driver {}
impl DomainBlock for Driver {}
impl DomainJobs for Driver {}
impl DomainMigration for Driver {}
impl DomainAgent for Driver {}
impl DomainSnapshots for Driver {}
impl DomainCheckpoints for Driver {}
impl LxcCalls for Driver {}

/// A number as the wire's truth value.
fn truth(value: bool) -> i32 {
    i32::from(value)
}

/// The driver's part of a name that clients see in errors: nothing but the function's C name.
fn flags(flags: u32, supported: u32, function: &str) -> Result<()> {
    crate::driver::Shared::flags(flags, supported, function)
}
