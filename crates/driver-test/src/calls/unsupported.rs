//! Groups of calls that the reference's test driver does not have either: their default answer says so.

use virtus_api::*;

use crate::Driver;

impl LxcCalls for Driver {}
impl QemuCalls for Driver {}
impl NodeDeviceAssignment for Driver {}
impl DomainJobs for Driver {}
impl DomainMigration for Driver {}
