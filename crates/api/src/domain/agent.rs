//! What only an agent in the guest can do or tell.

use virtus_base::TypedParam;
use virtus_xdr::{List, record};

use crate::DomainRef;
use crate::constants::VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT;
use crate::macros::driver;

driver! {
    program REMOTE; via hypervisor; errors DOMAIN;
    /// What only an agent in the guest can do or tell.
    pub trait DomainAgent {
        #[call(277, virDomainGetHostname, low, [domain.write])]
        fn domain_get_hostname(dom: DomainRef, flags: u32) -> String;
        #[call(294, virDomainFSTrim, low, [domain.fs_trim])]
        fn domain_fstrim(dom: DomainRef, mount_point: Option<String>, minimum: u64, flags: u32);
        #[call(335, virDomainFSFreeze, low, [domain.fs_freeze])]
        fn domain_fsfreeze(dom: DomainRef, mountpoints: List<String, 256>, flags: u32) -> i32;
        #[call(336, virDomainFSThaw, low, [domain.fs_freeze])]
        fn domain_fsthaw(dom: DomainRef, mountpoints: List<String, 256>, flags: u32) -> i32;
        #[call(337, virDomainGetTime, low, [domain.write])]
        fn domain_get_time(dom: DomainRef, flags: u32) -> DomainGetTimeReply;
        #[call(338, virDomainSetTime, low, [domain.set_time])]
        fn domain_set_time(dom: DomainRef, seconds: i64, nseconds: u32, flags: u32);
        #[call(349, virDomainGetFSInfo, low, [domain.fs_freeze])]
        fn domain_get_fsinfo(dom: DomainRef, flags: u32) -> DomainGetFsinfoReply;
        #[call(353, virDomainInterfaceAddresses, low, [domain.read, domain.write if source == VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT.cast_unsigned()])]
        fn domain_interface_addresses(dom: DomainRef, source: u32, flags: u32) -> List<DomainInterface, 2_048>;
        #[call(357, virDomainSetUserPassword, low, [domain.set_password])]
        fn domain_set_user_password(dom: DomainRef, user: Option<String>, password: Option<String>, flags: u32);
        #[call(371, virDomainGetGuestVcpus, low, [domain.write])]
        fn domain_get_guest_vcpus(dom: DomainRef, flags: u32) -> List<TypedParam, 64>;
        #[call(372, virDomainSetGuestVcpus, low, [domain.write])]
        fn domain_set_guest_vcpus(dom: DomainRef, cpumap: String, state: i32, flags: u32);
        #[call(418, virDomainGetGuestInfo, low, [domain.write])]
        fn domain_get_guest_info(dom: DomainRef, types: u32, flags: u32) -> List<TypedParam, 2_048>;
        #[call(420, virDomainAgentSetResponseTimeout, low, [domain.write])]
        fn domain_agent_set_response_timeout(dom: DomainRef, timeout: i32, flags: u32) -> i32;
        #[call(424, virDomainAuthorizedSSHKeysGet, low, [domain.write])]
        fn domain_authorized_ssh_keys_get(dom: DomainRef, user: String, flags: u32) -> List<String, 2_048>;
        #[call(425, virDomainAuthorizedSSHKeysSet, low, [domain.write])]
        fn domain_authorized_ssh_keys_set(dom: DomainRef, user: String, keys: List<String, 2_048>, flags: u32);
    }
}

record! {
    /// `remote_domain_get_time_ret`.
    pub struct DomainGetTimeReply {
        #[allow(missing_docs)]
        pub seconds: i64,
        #[allow(missing_docs)]
        pub nseconds: u32,
    }
    /// `remote_domain_fsinfo`.
    pub struct DomainFsinfo {
        #[allow(missing_docs)]
        pub mountpoint: String,
        #[allow(missing_docs)]
        pub name: String,
        #[allow(missing_docs)]
        pub fstype: String,
        #[allow(missing_docs)]
        pub dev_aliases: List<String, 256>,
    }
    /// `remote_domain_get_fsinfo_ret`.
    pub struct DomainGetFsinfoReply {
        #[allow(missing_docs)]
        pub info: List<DomainFsinfo, 256>,
        #[allow(missing_docs)]
        pub ret: u32,
    }
    /// `remote_domain_ip_addr`.
    pub struct DomainIpAddr {
        #[allow(missing_docs)]
        pub kind: i32,
        #[allow(missing_docs)]
        pub addr: String,
        #[allow(missing_docs)]
        pub prefix: u32,
    }
    /// `remote_domain_interface`.
    pub struct DomainInterface {
        #[allow(missing_docs)]
        pub name: String,
        #[allow(missing_docs)]
        pub hwaddr: Option<String>,
        #[allow(missing_docs)]
        pub addrs: List<DomainIpAddr, 2_048>,
    }
}
