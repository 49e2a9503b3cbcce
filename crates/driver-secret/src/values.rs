//! Values of secrets: in memory, and for those that are not ephemeral in a file each.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use virtus_base::{Error, ErrorDomain, Result, Uuid};
use virtus_state::file::{self, Durability};

/// The values, by the UUID of their secrets.
pub(crate) struct Values {
    directory: PathBuf,
    values: Mutex<HashMap<Uuid, Vec<u8>>>,
}

impl Values {
    /// Reads the values of these secrets. One that is no base64 is set aside: its secret has no value then.
    ///
    /// # Errors
    /// When a file is there and cannot be read.
    pub(crate) fn load(directory: PathBuf, secrets: impl Iterator<Item = Uuid>) -> Result<Self> {
        let values = Values { directory, values: Mutex::default() };
        for uuid in secrets {
            let path = values.path(&uuid);
            let text = match std::fs::read(&path) {
                Ok(text) => text,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                Err(e) => {
                    let what = format!("cannot open '{}'", path.display());
                    return Err(Error::system(ErrorDomain::SECRET, what, &e));
                }
            };
            match STANDARD.decode(text.trim_ascii()) {
                Ok(value) => {
                    values.lock().insert(uuid, value);
                }
                Err(e) => file::set_aside(&path, None, &e),
            }
        }
        Ok(values)
    }

    pub(crate) fn get(&self, uuid: &Uuid) -> Option<Vec<u8>> {
        self.lock().get(uuid).cloned()
    }

    /// Sets a value; with `keep` it is on the disk when this returns.
    pub(crate) fn set(&self, uuid: &Uuid, value: Vec<u8>, keep: bool) -> Result<()> {
        if keep {
            self.write(uuid, &value)?;
        }
        self.lock().insert(*uuid, value);
        Ok(())
    }

    /// Puts a value on disk that was in memory alone, if there is one.
    pub(crate) fn save(&self, uuid: &Uuid) -> Result<()> {
        match self.get(uuid) {
            Some(value) => self.write(uuid, &value),
            None => Ok(()),
        }
    }

    /// Removes a value's file; it stays in memory.
    pub(crate) fn forget_file(&self, uuid: &Uuid) -> Result<()> {
        let path = self.path(uuid);
        file::remove(&path, Durability::Disk).map_err(|e| {
            Error::system(ErrorDomain::SECRET, format!("cannot unlink '{}'", path.display()), &e)
        })
    }

    /// Removes a value altogether.
    pub(crate) fn remove(&self, uuid: &Uuid) -> Result<()> {
        self.forget_file(uuid)?;
        self.lock().remove(uuid);
        Ok(())
    }

    fn write(&self, uuid: &Uuid, value: &[u8]) -> Result<()> {
        let path = self.path(uuid);
        file::write(&path, STANDARD.encode(value).as_bytes(), 0o600, Durability::Disk).map_err(|e| {
            Error::system(
                ErrorDomain::SECRET,
                format!("cannot write secret value to '{}'", path.display()),
                &e,
            )
        })
    }

    fn path(&self, uuid: &Uuid) -> PathBuf {
        self.directory.join(format!("{uuid}.base64"))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Vec<u8>>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
