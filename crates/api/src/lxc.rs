//! What only LXC has.

use crate::DomainRef;
use crate::macros::driver;

driver! {
    program LXC; via hypervisor; errors NONE;
    /// What only LXC has.
    pub trait LxcCalls {
        #[call(1, virDomainLxcOpenNamespace, low, [domain.open_namespace])]
        fn domain_open_namespace(dom: DomainRef, flags: u32);
    }
}
