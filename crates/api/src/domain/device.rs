//! Attaching, detaching and updating devices.

use crate::DomainRef;
use crate::constants::{VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE};
use crate::macros::driver;

driver! {
    program REMOTE; via hypervisor; errors DOMAIN;
    /// Attaching, detaching and updating devices.
    pub trait DomainDevices {
        #[call(8, virDomainAttachDevice, low, [domain.write])]
        fn domain_attach_device(dom: DomainRef, xml: String);
        #[call(13, virDomainDetachDevice, low, [domain.write])]
        fn domain_detach_device(dom: DomainRef, xml: String);
        #[call(160, virDomainAttachDeviceFlags, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_attach_device_flags(dom: DomainRef, xml: String, flags: u32);
        #[call(161, virDomainDetachDeviceFlags, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_detach_device_flags(dom: DomainRef, xml: String, flags: u32);
        #[call(174, virDomainUpdateDeviceFlags, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_update_device_flags(dom: DomainRef, xml: String, flags: u32);
        #[call(392, virDomainDetachDeviceAlias, low, [domain.write, domain.save if flags & (VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE) == 0, domain.save if flags & VIR_DOMAIN_AFFECT_CONFIG != 0])]
        fn domain_detach_device_alias(dom: DomainRef, alias: String, flags: u32);
    }
}
