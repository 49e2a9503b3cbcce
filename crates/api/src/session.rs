//! The connection itself: opening, closing, authentication, features.

use virtus_base::TypedParam;
use virtus_xdr::{Chars, List, record};

use crate::macros::driver;
use crate::{DomainRef, NetworkRef, NodeDeviceRef, SecretRef, StoragePoolRef};

driver! {
    program REMOTE; via session; errors NONE;
    /// The connection itself: opening, closing, authentication, features.
    pub trait Session {
        #[call(1, virConnectOpen, high, [connect.getattr])]
        fn connect_open(name: Option<String>, flags: u32);
        #[call(2, virConnectClose, high, [session.none])]
        fn connect_close();
        #[call(60, virConnectSupportsFeature, high, [connect.getattr])]
        fn connect_supports_feature(feature: i32) -> i32;
        #[call(66, virAuthList, high, [session.none])]
        fn auth_list() -> List<i32, 20>;
        #[call(67, virAuthSaslInit, high, [session.none])]
        fn auth_sasl_init() -> String;
        #[call(68, virAuthSaslStart, high, [session.none])]
        fn auth_sasl_start(mech: String, nil: i32, data: Chars<65_536>) -> AuthSaslStartReply;
        #[call(69, virAuthSaslStep, high, [session.none])]
        fn auth_sasl_step(nil: i32, data: Chars<65_536>) -> AuthSaslStepReply;
        #[call(70, virAuthPolkit, high, [session.none])]
        fn auth_polkit() -> i32;
        #[call(149, virConnectIsSecure, high, [session.none])]
        fn connect_is_secure() -> i32;
        #[call(360, virConnectRegisterCloseCallback, high, [connect.getattr])]
        fn connect_register_close_callback();
        #[call(361, virConnectUnregisterCloseCallback, high, [connect.getattr])]
        fn connect_unregister_close_callback();
        #[call(419, virConnectSetIdentity, low, [connect.write], ro)]
        fn connect_set_identity(params: List<TypedParam, 20>, flags: u32);
    }
}

driver! {
    program REMOTE; via session; errors NONE;
    /// Registering for events.
    pub trait EventRegistration {
        #[call(105, virConnectDomainEventRegister, high, [connect.search_domains])]
        fn connect_domain_event_register() -> i32;
        #[call(106, virConnectDomainEventDeregister, high, [connect.read])]
        fn connect_domain_event_deregister() -> i32;
        #[call(167, virConnectDomainEventRegisterAny, high, [connect.search_domains])]
        fn connect_domain_event_register_any(event_id: i32);
        #[call(168, virConnectDomainEventDeregisterAny, high, [connect.read])]
        fn connect_domain_event_deregister_any(event_id: i32);
        #[call(313, virConnectNetworkEventRegisterAny, high, [connect.search_networks])]
        fn connect_network_event_register_any(event_id: i32, net: Option<NetworkRef>) -> i32;
        #[call(314, virConnectNetworkEventDeregisterAny, high, [connect.read])]
        fn connect_network_event_deregister_any(callback_id: i32);
        #[call(316, virConnectDomainEventRegisterAny, high, [connect.search_domains])]
        fn connect_domain_event_callback_register_any(event_id: i32, dom: Option<DomainRef>) -> i32;
        #[call(317, virConnectDomainEventDeregisterAny, high, [connect.read])]
        fn connect_domain_event_callback_deregister_any(callback_id: i32);
        #[call(368, virConnectStoragePoolEventRegisterAny, high, [connect.search_storage_pools])]
        fn connect_storage_pool_event_register_any(event_id: i32, pool: Option<StoragePoolRef>) -> i32;
        #[call(369, virConnectStoragePoolEventDeregisterAny, high, [connect.read])]
        fn connect_storage_pool_event_deregister_any(callback_id: i32);
        #[call(374, virConnectNodeDeviceEventRegisterAny, high, [connect.search_node_devices])]
        fn connect_node_device_event_register_any(event_id: i32, dev: Option<NodeDeviceRef>) -> i32;
        #[call(375, virConnectNodeDeviceEventDeregisterAny, high, [connect.read])]
        fn connect_node_device_event_deregister_any(callback_id: i32);
        #[call(380, virConnectSecretEventRegisterAny, high, [connect.search_secrets])]
        fn connect_secret_event_register_any(event_id: i32, secret: Option<SecretRef>) -> i32;
        #[call(381, virConnectSecretEventDeregisterAny, high, [connect.read])]
        fn connect_secret_event_deregister_any(callback_id: i32);
    }
}

record! {
    /// `remote_auth_sasl_start_ret`.
    pub struct AuthSaslStartReply {
        #[allow(missing_docs)]
        pub complete: i32,
        #[allow(missing_docs)]
        pub nil: i32,
        #[allow(missing_docs)]
        pub data: Chars<65_536>,
    }
    /// `remote_auth_sasl_step_ret`.
    pub struct AuthSaslStepReply {
        #[allow(missing_docs)]
        pub complete: i32,
        #[allow(missing_docs)]
        pub nil: i32,
        #[allow(missing_docs)]
        pub data: Chars<65_536>,
    }
}
