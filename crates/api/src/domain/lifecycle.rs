//! Defining, starting and stopping domains.

use crate::DomainRef;
use crate::constants::{VIR_DOMAIN_REBOOT_GUEST_AGENT, VIR_DOMAIN_SHUTDOWN_GUEST_AGENT};
use crate::macros::driver;

driver! {
    program REMOTE; via hypervisor; errors DOMAIN;
    /// Defining, starting and stopping domains.
    pub trait DomainLifecycle {
        #[call(9, virDomainCreate, low, [domain.start])]
        fn domain_create(dom: DomainRef);
        #[call(10, virDomainCreateXML, low, [domain.write, domain.start])]
        fn domain_create_xml(xml_desc: String, flags: u32) -> DomainRef;
        #[call(11, virDomainDefineXML, high, [domain.write, domain.save])]
        fn domain_define_xml(xml: String) -> DomainRef;
        #[call(12, virDomainDestroy, high, [domain.stop])]
        fn domain_destroy(dom: DomainRef);
        #[call(15, virDomainGetAutostart, high, [domain.read])]
        fn domain_get_autostart(dom: DomainRef) -> i32;
        #[call(27, virDomainReboot, low, [domain.init_control, domain.write if flags & VIR_DOMAIN_REBOOT_GUEST_AGENT != 0])]
        fn domain_reboot(dom: DomainRef, flags: u32);
        #[call(28, virDomainResume, low, [domain.suspend])]
        fn domain_resume(dom: DomainRef);
        #[call(29, virDomainSetAutostart, high, [domain.write])]
        fn domain_set_autostart(dom: DomainRef, autostart: i32);
        #[call(33, virDomainShutdown, low, [domain.init_control])]
        fn domain_shutdown(dom: DomainRef);
        #[call(34, virDomainSuspend, low, [domain.suspend])]
        fn domain_suspend(dom: DomainRef);
        #[call(35, virDomainUndefine, high, [domain.delete])]
        fn domain_undefine(dom: DomainRef);
        #[call(196, virDomainCreateWithFlags, low, [domain.start])]
        fn domain_create_with_flags(dom: DomainRef, flags: u32) -> DomainRef;
        #[call(231, virDomainUndefineFlags, high, [domain.delete])]
        fn domain_undefine_flags(dom: DomainRef, flags: u32);
        #[call(234, virDomainDestroyFlags, high, [domain.stop])]
        fn domain_destroy_flags(dom: DomainRef, flags: u32);
        #[call(245, virDomainReset, low, [domain.reset])]
        fn domain_reset(dom: DomainRef, flags: u32);
        #[call(258, virDomainShutdownFlags, low, [domain.init_control, domain.write if flags & VIR_DOMAIN_SHUTDOWN_GUEST_AGENT != 0])]
        fn domain_shutdown_flags(dom: DomainRef, flags: u32);
        #[call(261, virDomainPMSuspendForDuration, low, [domain.pm_control])]
        fn domain_pm_suspend_for_duration(dom: DomainRef, target: u32, duration: u64, flags: u32);
        #[call(267, virDomainPMWakeup, low, [domain.pm_control])]
        fn domain_pm_wakeup(dom: DomainRef, flags: u32);
        #[call(309, virDomainCreateXMLWithFiles, low, [domain.write, domain.start])]
        fn domain_create_xml_with_files(xml_desc: String, flags: u32) -> DomainRef;
        #[call(310, virDomainCreateWithFiles, low, [domain.start])]
        fn domain_create_with_files(dom: DomainRef, flags: u32) -> DomainRef;
        #[call(350, virDomainDefineXMLFlags, high, [domain.write, domain.save])]
        fn domain_define_xml_flags(xml: String, flags: u32) -> DomainRef;
        #[call(358, virDomainRename, low, [domain.write, domain.save])]
        fn domain_rename(dom: DomainRef, new_name: Option<String>, flags: u32) -> i32;
        #[call(390, virDomainSetLifecycleAction, low, [domain.write])]
        fn domain_set_lifecycle_action(dom: DomainRef, kind: u32, action: u32, flags: u32);
        #[call(449, virDomainGetAutostartOnce, high, [domain.read])]
        fn domain_get_autostart_once(dom: DomainRef) -> i32;
        #[call(450, virDomainSetAutostartOnce, high, [domain.write])]
        fn domain_set_autostart_once(dom: DomainRef, autostart: i32);
    }
}
