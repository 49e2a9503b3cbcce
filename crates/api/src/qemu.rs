//! What only QEMU has.

use crate::DomainRef;
use crate::macros::driver;

driver! {
    program QEMU; via hypervisor; errors NONE;
    /// What only QEMU has.
    pub trait QemuCalls {
        #[call(1, virDomainQemuMonitorCommand, low, [domain.write])]
        fn domain_monitor_command(dom: DomainRef, cmd: String, flags: u32) -> String;
        #[call(2, virDomainQemuAttach, low, [domain.start, domain.write])]
        fn domain_attach(pid_value: u32, flags: u32) -> DomainRef;
        #[call(3, virDomainQemuAgentCommand, low, [domain.write])]
        fn domain_agent_command(dom: DomainRef, cmd: String, timeout: i32, flags: u32) -> Option<String>;
        #[call(7, virDomainQemuMonitorCommandWithFiles, low, [domain.write])]
        fn domain_monitor_command_with_files(dom: DomainRef, cmd: String, flags: u32) -> String;
    }
}

driver! {
    program QEMU; via session; errors NONE;
    /// Registering for a QEMU's own events.
    pub trait QemuEventRegistration {
        #[call(4, virConnectDomainQemuMonitorEventRegister, high, [connect.search_domains, connect.write])]
        fn connect_domain_monitor_event_register(dom: Option<DomainRef>, event: Option<String>, flags: u32) -> i32;
        #[call(5, virConnectDomainQemuMonitorEventDeregister, high, [connect.write], ro)]
        fn connect_domain_monitor_event_deregister(callback_id: i32);
    }
}
