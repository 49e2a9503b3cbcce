//! The keys of encrypted volumes, held where a program can read them and nobody finds them later.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;

use virtus_api::SecretValues;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::storage::Encryption;
use virtus_conf::secret::UsageType;

use crate::error;

/// A key in memory that has a name while this lives.
#[derive(Debug)]
pub(crate) struct HeldKey {
    _memory: File,
    path: String,
}

impl HeldKey {
    /// The key of an encrypted volume; none for a plain one.
    ///
    /// # Errors
    /// libvirt's: not just one secret, or none that has a value.
    pub(crate) fn of(encryption: Option<&Encryption>, values: &dyn SecretValues) -> Result<Option<Self>> {
        let Some(encryption) = encryption else { return Ok(None) };
        let [secret] = encryption.secrets.as_slice() else {
            let text = "A single <secret type='passphrase'...> element is expected in encryption description";
            return Err(error(ErrorCode::INVALID_ARG, text));
        };
        let value = match (&secret.lookup.uuid, &secret.lookup.usage) {
            (Some(uuid), _) => values.by_uuid(uuid)?,
            (None, usage) => {
                values.by_usage(UsageType::Volume.number(), usage.as_deref().unwrap_or_default())?
            }
        };
        let held = Self::hold(&value);
        held.map(Some).map_err(|e| Error::system(ErrorDomain::STORAGE, "failed to write secret file", &e))
    }

    fn hold(value: &[u8]) -> std::io::Result<Self> {
        let memory = rustix::fs::memfd_create("volume-key", rustix::fs::MemfdFlags::CLOEXEC)?;
        let mut memory = File::from(memory);
        memory.write_all(value)?;
        let path = format!("/proc/{}/fd/{}", std::process::id(), memory.as_raw_fd());
        Ok(HeldKey { _memory: memory, path })
    }

    pub(crate) fn key(&self) -> crate::image::Key<'_> {
        crate::image::Key(&self.path)
    }
}
