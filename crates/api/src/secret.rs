//! Secrets.

use virtus_base::{Result, Uuid};
use virtus_xdr::{List, Opaque, record};

use crate::SecretRef;
use crate::macros::driver;

driver! {
    program REMOTE; via secret; errors SECRET;
    /// Secrets.
    pub trait Secrets {
        #[call(139, virConnectNumOfSecrets, high, [connect.search_secrets])]
        fn connect_num_of_secrets() -> i32;
        #[call(140, virConnectListSecrets, high, [connect.search_secrets])]
        fn connect_list_secrets(maxuuids: i32) -> List<String, 16_384>;
        #[call(141, virSecretLookupByUUID, high, [secret.getattr])]
        fn secret_lookup_by_uuid(uuid: Uuid) -> SecretRef;
        #[call(142, virSecretDefineXML, high, [secret.write, secret.save])]
        fn secret_define_xml(xml: String, flags: u32) -> SecretRef;
        #[call(143, virSecretGetXMLDesc, high, [secret.read])]
        fn secret_get_xml_desc(secret: SecretRef, flags: u32) -> String;
        #[call(144, virSecretSetValue, high, [secret.write])]
        fn secret_set_value(secret: SecretRef, value: Opaque<65_536>, flags: u32);
        #[call(145, virSecretGetValue, high, [secret.read_secure])]
        fn secret_get_value(secret: SecretRef, flags: u32) -> Opaque<65_536>;
        #[call(146, virSecretUndefine, high, [secret.delete])]
        fn secret_undefine(secret: SecretRef);
        #[call(147, virSecretLookupByUsage, high, [secret.getattr])]
        fn secret_lookup_by_usage(usage_type: i32, usage_id: String) -> SecretRef;
        #[call(287, virConnectListAllSecrets, high, [connect.search_secrets])]
        fn connect_list_all_secrets(need_results: i32, flags: u32) -> ConnectListAllSecretsReply;
    }
}

/// Where drivers get the values of secrets that their documents name; never over the wire, so private secrets too.
pub trait SecretValues: Send + Sync + std::fmt::Debug {
    /// The value of the secret with this UUID.
    ///
    /// # Errors
    /// `NO_SECRET` when there is none, or it has no value.
    fn by_uuid(&self, uuid: &Uuid) -> Result<Vec<u8>>;

    /// The value of the secret for this use: libvirt's number of the kind of use, and what uses it.
    ///
    /// # Errors
    /// As [`SecretValues::by_uuid`].
    fn by_usage(&self, usage_type: i32, usage_id: &str) -> Result<Vec<u8>>;

    /// What the secret with this UUID is for: libvirt's number of the kind of use.
    ///
    /// # Errors
    /// `NO_SECRET` when there is none.
    fn usage_of(&self, uuid: &Uuid) -> Result<i32>;
}

record! {
    /// `remote_connect_list_all_secrets_ret`.
    pub struct ConnectListAllSecretsReply {
        #[allow(missing_docs)]
        pub secrets: List<SecretRef, 16_384>,
        #[allow(missing_docs)]
        pub ret: u32,
    }
}
