//! A domain's consoles, screens, keyboards and graphics.

use virtus_base::TypedParam;
use virtus_xdr::List;

use crate::DomainRef;
use crate::macros::driver;

driver! {
    program REMOTE; via hypervisor; errors DOMAIN;
    /// A domain's consoles, screens, keyboards and graphics.
    pub trait DomainConsole {
        #[call(201, virDomainOpenConsole, low, [domain.open_device], stream)]
        fn domain_open_console(dom: DomainRef, dev_name: Option<String>, flags: u32);
        #[call(210, virDomainInjectNMI, low, [domain.inject_nmi])]
        fn domain_inject_nmi(dom: DomainRef, flags: u32);
        #[call(211, virDomainScreenshot, low, [domain.screenshot], stream)]
        fn domain_screenshot(dom: DomainRef, screen: u32, flags: u32) -> Option<String>;
        #[call(226, virDomainSendKey, low, [domain.send_input])]
        fn domain_send_key(dom: DomainRef, codeset: u32, holdtime: u32, keycodes: List<u32, 16>, flags: u32);
        #[call(249, virDomainOpenGraphics, low, [domain.open_graphics])]
        fn domain_open_graphics(dom: DomainRef, idx: u32, flags: u32);
        #[call(295, virDomainSendProcessSignal, low, [domain.send_signal])]
        fn domain_send_process_signal(dom: DomainRef, pid_value: i64, signum: u32, flags: u32);
        #[call(296, virDomainOpenChannel, low, [domain.open_device], stream)]
        fn domain_open_channel(dom: DomainRef, name: Option<String>, flags: u32);
        #[call(343, virDomainOpenGraphicsFD, low, [domain.open_graphics])]
        fn domain_open_graphics_fd(dom: DomainRef, idx: u32, flags: u32);
        #[call(396, virDomainGetLaunchSecurityInfo, low, [domain.read], rw)]
        fn domain_get_launch_security_info(dom: DomainRef, flags: u32) -> List<TypedParam, 64>;
        #[call(439, virDomainSetLaunchSecurityState, low, [domain.write])]
        fn domain_set_launch_security_state(dom: DomainRef, params: List<TypedParam, 64>, flags: u32);
        #[call(443, virDomainFDAssociate, low, [domain.write])]
        fn domain_fd_associate(dom: DomainRef, name: String, flags: u32);
        #[call(448, virDomainGraphicsReload, low, [domain.write])]
        fn domain_graphics_reload(dom: DomainRef, kind: u32, flags: u32);
    }
}
