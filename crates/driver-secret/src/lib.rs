//! The secret driver: definitions of secrets, and their values.

mod calls;
mod values;

use std::path::PathBuf;
use std::sync::Arc;

use virtus_api::event::SecretEvent;
use virtus_api::{Event, EventSink, SecretRef, SecretValues};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_conf::secret::{Secret, UsageType};
use virtus_state::definitions::{Definitions, Entry, Files};

use crate::values::Values;

/// The secret driver. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Driver(Arc<Shared>);

struct Shared {
    secrets: Definitions<Definition>,
    values: Values,
    events: Arc<dyn EventSink>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("secrets", &self.secrets).finish_non_exhaustive()
    }
}

/// A secret's definition as it is kept: under its UUID, and on disk unless it is ephemeral.
#[derive(Debug)]
struct Definition(Secret);

impl virtus_state::Definition for Definition {
    fn uuid(&self) -> Uuid {
        self.0.uuid
    }
    fn name(&self) -> String {
        self.0.uuid.to_string()
    }
    fn from_file(text: &str) -> Result<Self> {
        Secret::parse(text, false).map(Definition)
    }
    fn to_file(&self) -> Option<String> {
        (!self.0.ephemeral).then(|| self.0.format())
    }
}

impl Driver {
    /// A driver that keeps its files in `directory`, and reads what is there.
    ///
    /// # Errors
    /// When the directory cannot be made or read.
    pub fn start(directory: PathBuf, events: Arc<dyn EventSink>) -> Result<Driver> {
        let files = Files {
            directory: directory.clone(),
            errors: ErrorDomain::SECRET,
            command: None,
            autostart: false,
        };
        let secrets = Definitions::<Definition>::open(files)?;
        let values = Values::load(directory, secrets.list().iter().map(|s| s.definition().0.uuid))?;
        Ok(Driver(Arc::new(Shared { secrets, values, events })))
    }
}

impl Shared {
    fn find(&self, uuid: &Uuid) -> Result<Arc<Entry<Definition>>> {
        self.secrets
            .by_uuid(uuid)
            .ok_or_else(|| error(ErrorCode::NO_SECRET, format!("no secret with matching uuid '{uuid}'")))
    }

    fn by_usage(&self, usage: UsageType, id: &str) -> Option<Arc<Definition>> {
        let matches = |s: &Secret| s.usage == usage && usage != UsageType::None && s.usage_id == id;
        self.secrets.list().iter().map(|entry| entry.definition()).find(|d| matches(&d.0))
    }

    fn define(&self, secret: Secret) -> Result<SecretRef> {
        let edit = self.secrets.edit();
        let uuid = secret.uuid;
        let old = self.secrets.by_uuid(&uuid).map(|entry| entry.definition());
        match &old {
            Some(old) if (old.0.usage, &old.0.usage_id) != (secret.usage, &secret.usage_id) => {
                let id = &old.0.usage_id;
                return Err(internal(format!(
                    "a secret with UUID {uuid} is already defined for use with {id}"
                )));
            }
            Some(old) if old.0.private && !secret.private => {
                return Err(internal("cannot change private flag on existing secret"));
            }
            Some(_) => {}
            None => {
                if let Some(other) = self.by_usage(secret.usage, &secret.usage_id) {
                    let (other, id) = (other.0.uuid, &secret.usage_id);
                    let text = format!("a secret with UUID {other} already defined for use with {id}");
                    return Err(internal(text));
                }
            }
        }
        let reference = reference(&secret);
        // a value is on disk exactly if its definition is
        match old.map(|old| old.0.ephemeral) {
            Some(false) if secret.ephemeral => self.values.forget_file(&uuid)?,
            Some(true) if !secret.ephemeral => self.values.save(&uuid)?,
            _ => {}
        }
        edit.define(Definition(secret))?;
        drop(edit);
        self.tell(&reference, lifecycle(virtus_api::constants::VIR_SECRET_EVENT_DEFINED));
        Ok(reference)
    }

    fn undefine(&self, uuid: &Uuid) -> Result<()> {
        let edit = self.secrets.edit();
        let entry = self.find(uuid)?;
        let reference = reference(&entry.definition().0);
        // the value first: one without a definition could never be removed again
        self.values.remove(uuid)?;
        edit.undefine(&entry)?;
        drop(edit);
        self.tell(&reference, lifecycle(virtus_api::constants::VIR_SECRET_EVENT_UNDEFINED));
        Ok(())
    }

    fn set_value(&self, uuid: &Uuid, value: Vec<u8>) -> Result<()> {
        let edit = self.secrets.edit();
        let definition = self.find(uuid)?.definition();
        self.values.set(uuid, value, !definition.0.ephemeral)?;
        drop(edit);
        self.tell(&reference(&definition.0), SecretEvent::ValueChanged {});
        Ok(())
    }

    fn value(&self, uuid: &Uuid) -> Result<Vec<u8>> {
        let definition = self.find(uuid)?.definition();
        if definition.0.private {
            return Err(error(ErrorCode::INVALID_SECRET, "secret is private"));
        }
        self.any_value(uuid)
    }

    fn any_value(&self, uuid: &Uuid) -> Result<Vec<u8>> {
        self.values
            .get(uuid)
            .ok_or_else(|| error(ErrorCode::NO_SECRET, format!("secret '{uuid}' does not have a value")))
    }

    fn used(&self, usage_type: i32, id: &str) -> Result<Arc<Definition>> {
        let usage = UsageType::ALL.iter().find(|u| u.number() == usage_type);
        usage
            .and_then(|usage| self.by_usage(*usage, id))
            .ok_or_else(|| error(ErrorCode::NO_SECRET, format!("no secret with matching usage '{id}'")))
    }

    fn tell(&self, secret: &SecretRef, event: SecretEvent) {
        self.events.publish(Event::Secret(secret.clone(), event));
    }
}

impl SecretValues for Driver {
    fn by_uuid(&self, uuid: &Uuid) -> Result<Vec<u8>> {
        self.0.find(uuid)?;
        self.0.any_value(uuid)
    }

    fn by_usage(&self, usage_type: i32, usage_id: &str) -> Result<Vec<u8>> {
        let secret = self.0.used(usage_type, usage_id)?;
        self.0.any_value(&secret.0.uuid)
    }

    fn usage_of(&self, uuid: &Uuid) -> Result<i32> {
        Ok(self.0.find(uuid)?.definition().0.usage.number())
    }
}

fn lifecycle(event: i32) -> SecretEvent {
    SecretEvent::Lifecycle { event, detail: 0 }
}

fn reference(secret: &Secret) -> SecretRef {
    SecretRef { uuid: secret.uuid, usage_type: secret.usage.number(), usage_id: secret.usage_id.clone() }
}

fn error(code: ErrorCode, text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::SECRET, code, text)
}

fn internal(text: impl Into<String>) -> Error {
    Error::internal(ErrorDomain::SECRET, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;
    impl EventSink for Nobody {
        fn publish(&self, _: Event) {}
    }

    fn secret(attrs: &str, n: u8, usage: &str) -> Secret {
        let uuid = Uuid([n; 16]);
        let text = format!(
            "<secret {attrs}><uuid>{uuid}</uuid><usage type='ceph'><name>{usage}</name></usage></secret>"
        );
        Secret::parse(&text, true).unwrap()
    }

    #[test]
    fn values_are_kept_and_guarded() {
        let root = tempfile::tempdir().unwrap();
        let start = || Driver::start(root.path().to_owned(), Arc::new(Nobody)).unwrap().0;
        let (plain, private, ephemeral) = (Uuid([1; 16]), Uuid([2; 16]), Uuid([3; 16]));
        let driver = start();
        driver.define(secret("", 1, "a")).unwrap();
        driver.define(secret("private='yes'", 2, "b")).unwrap();
        driver.define(secret("ephemeral='yes'", 3, "c")).unwrap();
        assert_eq!(driver.value(&plain).unwrap_err().code(), ErrorCode::NO_SECRET);
        for uuid in [plain, private, ephemeral] {
            driver.set_value(&uuid, b"open\0\xff".to_vec()).unwrap();
        }
        assert_eq!(driver.value(&ephemeral).unwrap(), b"open\0\xff");
        assert_eq!(driver.value(&private).unwrap_err().code(), ErrorCode::INVALID_SECRET);
        assert!(driver.define(secret("", 2, "b")).is_err(), "a private secret stays private");
        assert!(driver.define(secret("", 1, "z")).is_err(), "a secret keeps its use");
        assert!(driver.define(secret("", 4, "a")).is_err(), "a use has one secret");
        let driver = start();
        assert_eq!(driver.value(&plain).unwrap(), b"open\0\xff");
        assert_eq!(driver.secrets.len(), 2);
        // drivers get what clients may not have
        let values: &dyn SecretValues = &Driver(start());
        assert_eq!(values.by_uuid(&private).unwrap(), b"open\0\xff");
        assert_eq!(values.by_usage(UsageType::Ceph.number(), "a").unwrap(), b"open\0\xff");
        assert!(values.by_usage(UsageType::Volume.number(), "a").is_err());
        driver.undefine(&plain).unwrap();
        driver.undefine(&private).unwrap();
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    }
}
