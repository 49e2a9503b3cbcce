//! What the driver answers.

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::secret::ConnectListAllSecretsReply;
use virtus_api::{Call, SecretRef, Secrets};
use virtus_base::{Error, ErrorDomain, Result, Uuid};
use virtus_conf::secret::Secret;
use virtus_state::definitions::{blocking, passes};
use virtus_xdr::{List, Opaque};

use crate::{Driver, reference};

fn flags(flags: u32, supported: u32, function: &str) -> Result<()> {
    Error::check_flags(ErrorDomain::SECRET, flags, supported, function)
}

#[async_trait]
impl Secrets for Driver {
    async fn connect_num_of_secrets(&self, _: &Call) -> Result<i32> {
        Ok(i32::try_from(self.0.secrets.len()).unwrap_or(i32::MAX))
    }

    async fn connect_list_secrets(&self, _: &Call, maxuuids: i32) -> Result<List<String, 16_384>> {
        let max = usize::try_from(maxuuids).unwrap_or(0);
        Ok(List(self.0.secrets.list().iter().take(max).map(|s| s.definition().0.uuid.to_string()).collect()))
    }

    async fn connect_list_all_secrets(
        &self,
        _: &Call,
        need_results: i32,
        filter: u32,
    ) -> Result<ConnectListAllSecretsReply> {
        let known = VIR_CONNECT_LIST_SECRETS_EPHEMERAL
            | VIR_CONNECT_LIST_SECRETS_NO_EPHEMERAL
            | VIR_CONNECT_LIST_SECRETS_PRIVATE
            | VIR_CONNECT_LIST_SECRETS_NO_PRIVATE;
        flags(filter, known, "secretConnectListAllSecrets")?;
        let admits = |s: &Secret| {
            passes(
                filter,
                &[
                    &[
                        (VIR_CONNECT_LIST_SECRETS_EPHEMERAL, s.ephemeral),
                        (VIR_CONNECT_LIST_SECRETS_NO_EPHEMERAL, !s.ephemeral),
                    ],
                    &[
                        (VIR_CONNECT_LIST_SECRETS_PRIVATE, s.private),
                        (VIR_CONNECT_LIST_SECRETS_NO_PRIVATE, !s.private),
                    ],
                ],
            )
        };
        let all = self.0.secrets.list();
        let mut found: Vec<_> =
            all.iter().map(|s| s.definition()).filter(|d| admits(&d.0)).map(|d| reference(&d.0)).collect();
        let ret = u32::try_from(found.len()).unwrap_or(u32::MAX);
        if need_results == 0 {
            found.clear();
        }
        Ok(ConnectListAllSecretsReply { secrets: List(found), ret })
    }

    async fn secret_lookup_by_uuid(&self, _: &Call, uuid: Uuid) -> Result<SecretRef> {
        Ok(reference(&self.0.find(&uuid)?.definition().0))
    }

    async fn secret_lookup_by_usage(&self, _: &Call, usage_type: i32, usage_id: String) -> Result<SecretRef> {
        Ok(reference(&self.0.used(usage_type, &usage_id)?.0))
    }

    async fn secret_define_xml(&self, _: &Call, xml: String, given: u32) -> Result<SecretRef> {
        flags(given, VIR_SECRET_DEFINE_VALIDATE, "secretDefineXML")?;
        let shared = self.0.clone();
        let secret = Secret::parse(&xml, given & VIR_SECRET_DEFINE_VALIDATE != 0)?;
        blocking(move || shared.define(secret)).await
    }

    async fn secret_get_xml_desc(&self, _: &Call, secret: SecretRef, given: u32) -> Result<String> {
        flags(given, 0, "secretGetXMLDesc")?;
        Ok(self.0.find(&secret.uuid)?.definition().0.format())
    }

    async fn secret_set_value(
        &self,
        _: &Call,
        secret: SecretRef,
        value: Opaque<65_536>,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "secretSetValue")?;
        let shared = self.0.clone();
        blocking(move || shared.set_value(&secret.uuid, value.0)).await
    }

    async fn secret_get_value(&self, _: &Call, secret: SecretRef, given: u32) -> Result<Opaque<65_536>> {
        flags(given, 0, "secretGetValue")?;
        self.0.value(&secret.uuid).map(Opaque)
    }

    async fn secret_undefine(&self, _: &Call, secret: SecretRef) -> Result<()> {
        let shared = self.0.clone();
        blocking(move || shared.undefine(&secret.uuid)).await
    }
}
