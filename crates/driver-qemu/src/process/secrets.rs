//! Secrets that QEMU needs: looked up, and encrypted with the key that only this guest's QEMU has.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use virtus_api::SecretValues;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain as conf;
use virtus_conf::secret::UsageType;

use crate::command::{Context, Secret};
use crate::device::storage::{NeededSecret, SecretKind, needed_secrets};
use crate::driver::Shared;
use crate::error::{internal, system};

/// The key of a guest, in bytes.
pub(crate) const KEY: usize = 32;
/// Where the key is, in the guest's directory.
pub(crate) const KEY_FILE: &str = "master-key.aes";

/// The usage that a secret of this kind has to be for.
fn usage(kind: SecretKind) -> UsageType {
    match kind {
        SecretKind::Volume => UsageType::Volume,
        SecretKind::Ceph => UsageType::Ceph,
        SecretKind::Iscsi => UsageType::Iscsi,
        SecretKind::Tls => UsageType::Tls,
        SecretKind::Vtpm => UsageType::Vtpm,
        SecretKind::Text => UsageType::None,
    }
}

/// The value of a secret that a definition names.
///
/// # Errors
/// `NO_SECRET`; `INVALID_ARG` when it is for another use.
pub(crate) fn value(values: &dyn SecretValues, needed: &NeededSecret) -> Result<Vec<u8>> {
    if let Some(text) = &needed.text {
        return Ok(text.clone().into_bytes());
    }
    let wanted = usage(needed.kind);
    let Some(uuid) = &needed.lookup.uuid else {
        return values.by_usage(wanted.number(), needed.lookup.usage.as_deref().unwrap_or_default());
    };
    let number = values.usage_of(uuid)?;
    if number != UsageType::None.number() && number != wanted.number() {
        let has = UsageType::ALL.iter().find(|usage| usage.number() == number);
        let has = has.map_or("", |usage| usage.as_str());
        let text = format!("secret with uuid {uuid} is of type '{has}' not expected '{wanted}' type");
        return Err(Error::new(ErrorDomain::NONE, ErrorCode::INVALID_ARG, text));
    }
    values.by_uuid(uuid)
}

/// Looks up all secrets of a guest whose images are numbered, for its command line.
///
/// # Errors
/// As [`value`].
pub(super) fn fill(
    values: &dyn SecretValues,
    model: &conf::Domain,
    key: &[u8; KEY],
    context: &mut Context,
) -> Result<()> {
    for needed in needed_secrets(model, &context.settings) {
        let value = value(values, &needed)?;
        context.secrets.insert(needed.id, encrypt(key, &value)?);
    }
    Ok(())
}

/// As [`fill`], for what joins a guest that runs: its key is in its directory.
///
/// # Errors
/// As [`value`]; `SYSTEM_ERROR` when the key cannot be read.
pub(crate) fn fill_running(
    shared: &Shared,
    lib_dir: &Path,
    model: &conf::Domain,
    context: &mut Context,
) -> Result<()> {
    if needed_secrets(model, &context.settings).is_empty() {
        return Ok(());
    }
    let path = lib_dir.join(KEY_FILE);
    let failed =
        |e: &std::io::Error| system(format_args!("failed to read master key file {}", path.display()), e);
    let key = std::fs::read(&path).map_err(|e| failed(&e))?;
    let key = key.try_into().map_err(|_| failed(&std::io::ErrorKind::InvalidData.into()))?;
    fill(&*shared.setup.secrets, model, &key, context)
}

/// A secret as QEMU's `secret` object takes it: AES-256 in CBC mode.
fn encrypt(key: &[u8; KEY], value: &[u8]) -> Result<Secret> {
    let mut iv = [0u8; 16];
    getrandom::fill(&mut iv).map_err(|e| internal(format!("failed to generate byte stream: {e}")))?;
    let cipher = cbc::Encryptor::<aes::Aes256>::new(key.into(), (&iv).into());
    let data = cipher.encrypt_padded_vec::<Pkcs7>(value);
    Ok(Secret { data: STANDARD.encode(data), iv: STANDARD.encode(iv) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtus_base::Uuid;
    use virtus_conf::domain::device::storage::SecretRef;

    #[derive(Debug)]
    struct One;
    impl SecretValues for One {
        fn by_uuid(&self, _: &Uuid) -> Result<Vec<u8>> {
            Ok(b"open".to_vec())
        }
        fn by_usage(&self, kind: i32, id: &str) -> Result<Vec<u8>> {
            Ok(format!("{kind} {id}").into_bytes())
        }
        fn usage_of(&self, _: &Uuid) -> Result<i32> {
            Ok(UsageType::Ceph.number())
        }
    }

    #[test]
    fn secrets_have_to_be_for_their_use() {
        let uuid = Uuid([1; 16]);
        let needed = |kind, lookup| NeededSecret { id: "s".to_owned(), kind, lookup, text: None };
        let by_uuid = SecretRef { uuid: Some(uuid), usage: None };
        assert_eq!(value(&One, &needed(SecretKind::Ceph, by_uuid.clone())).unwrap(), b"open");
        let e = value(&One, &needed(SecretKind::Volume, by_uuid)).unwrap_err();
        let text = format!("secret with uuid {uuid} is of type 'ceph' not expected 'volume' type");
        assert_eq!((e.code(), e.message()), (ErrorCode::INVALID_ARG, &*format!("invalid argument: {text}")));
        let by_usage = SecretRef { uuid: None, usage: Some("x".to_owned()) };
        assert_eq!(value(&One, &needed(SecretKind::Iscsi, by_usage)).unwrap(), b"3 x");
    }

    #[test]
    fn encrypted_secrets_are_whole_blocks() {
        for (length, blocks) in [(0, 1), (15, 1), (16, 2), (40, 3)] {
            let secret = encrypt(&[7; KEY], &vec![1; length]).unwrap();
            assert_eq!(STANDARD.decode(secret.data).unwrap().len(), blocks * 16);
        }
    }
}
