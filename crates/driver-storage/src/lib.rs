//! The storage driver: definitions of pools; of those that are directories of the host, or mounted as such, the volumes
//! too.

mod build;
mod capabilities;
mod change;
mod conflict;
mod contents;
mod directory;
mod image;
mod keys;
mod lifecycle;
mod mounted;
mod pool_calls;
mod probe;
mod transfer;
mod volume_calls;

use std::path::PathBuf;
use std::sync::Arc;

use virtus_api::event::StoragePoolEvent;
use virtus_api::{Event, EventSink, SecretValues, StoragePoolRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_conf::storage::Pool;
use virtus_host::program::{Host, Runner};
use virtus_state::definitions::{Definitions, Entry, Files};

/// The storage driver. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Driver(Arc<Shared>);

struct Shared {
    pools: Definitions<Definition>,
    active: contents::Active,
    /// Where it is noted which pools are active; a reboot empties it.
    state: PathBuf,
    events: Arc<dyn EventSink>,
    secrets: Arc<dyn SecretValues>,
    programs: Arc<dyn Runner>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("pools", &self.pools).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Definition(Pool, Kept);

/// Whether a pool is there beyond its being active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Persistent,
    Transient,
}

impl virtus_state::Definition for Definition {
    fn uuid(&self) -> Uuid {
        self.0.uuid
    }
    fn name(&self) -> String {
        self.0.name.clone()
    }
    fn from_file(text: &str) -> Result<Self> {
        Pool::parse(text, false).map(|pool| Definition(pool, Kept::Persistent))
    }
    fn to_file(&self) -> Option<String> {
        (self.1 == Kept::Persistent).then(|| self.0.format())
    }
}

impl Driver {
    /// A driver that keeps its files in `directory` and what is active in `state`, and reads what is there.
    ///
    /// # Errors
    /// When a directory cannot be made or read.
    pub fn start(
        directory: PathBuf,
        state: PathBuf,
        events: Arc<dyn EventSink>,
        secrets: Arc<dyn SecretValues>,
    ) -> Result<Driver> {
        let files =
            Files { directory, errors: ErrorDomain::STORAGE, command: Some("pool-edit"), autostart: true };
        let pools = Definitions::<Definition>::open(files)?;
        let active = contents::Active::default();
        let shared = Shared { pools, active, state, events, secrets, programs: Arc::new(Host) };
        let later = shared.take_up()?;
        let driver = Driver(Arc::new(shared));
        for pool in later {
            let shared = Arc::clone(&driver.0);
            std::thread::spawn(move || {
                if let Err(e) = shared.refresh(&pool) {
                    tracing::warn!("storage pool '{}' cannot be looked at: {e}", pool.name);
                }
            });
        }
        driver.0.autostart()?;
        Ok(driver)
    }
}

impl Shared {
    fn find(&self, pool: &StoragePoolRef) -> Result<Arc<Entry<Definition>>> {
        self.pools.by_uuid(&pool.uuid).ok_or_else(|| {
            missing(format!("no storage pool with matching uuid '{}' ({})", pool.uuid, pool.name))
        })
    }

    fn define(&self, pool: Pool) -> Result<StoragePoolRef> {
        let edit = self.pools.edit();
        self.check_new(&pool)?;
        let reference = reference(&pool);
        let sizes = self.pools.by_uuid(&pool.uuid).map(|old| old.definition().0.sizes);
        let sizes = sizes.filter(|_| self.active.has(&pool.uuid)).unwrap_or(pool.sizes);
        edit.define(Definition(Pool { sizes, ..pool }, Kept::Persistent))?;
        drop(edit);
        self.tell(&reference, virtus_api::constants::VIR_STORAGE_POOL_EVENT_DEFINED);
        Ok(reference)
    }

    /// Whether a pool may come, or take the place of the one of its name and UUID.
    fn check_new(&self, pool: &Pool) -> Result<()> {
        pool.validate()?;
        if let Some(old) = self.pools.by_uuid(&pool.uuid).map(|entry| entry.definition()) {
            if old.0.name != pool.name {
                let (name, uuid) = (&old.0.name, old.0.uuid);
                return Err(failed(format!("pool '{name}' is already defined with uuid {uuid}")));
            }
        } else if let Some(old) = self.pools.by_name(&pool.name).map(|entry| entry.definition()) {
            let (name, uuid) = (&old.0.name, old.0.uuid);
            return Err(failed(format!("pool '{name}' already exists with uuid {uuid}")));
        }
        for other in self.pools.list().iter().map(|entry| entry.definition()) {
            if other.0.name != pool.name && conflict::same_storage(pool, &other.0) {
                let name = &other.0.name;
                return Err(failed(format!("Storage source conflict with pool: '{name}'")));
            }
        }
        Ok(())
    }

    fn undefine(&self, pool: &StoragePoolRef) -> Result<()> {
        let edit = self.pools.edit();
        let entry = self.find(pool)?;
        self.check_inactive(&entry)?;
        let reference = reference(&entry.definition().0);
        edit.undefine(&entry)?;
        drop(edit);
        self.tell(&reference, virtus_api::constants::VIR_STORAGE_POOL_EVENT_UNDEFINED);
        Ok(())
    }

    fn set_autostart(&self, pool: &StoragePoolRef, on: bool) -> Result<()> {
        let edit = self.pools.edit();
        edit.set_autostart(&*self.find(pool)?, on)
    }

    fn tell(&self, pool: &StoragePoolRef, event: i32) {
        let event = StoragePoolEvent::Lifecycle { event, detail: 0 };
        self.events.publish(Event::StoragePool(pool.clone(), event));
    }
}

fn reference(pool: &Pool) -> StoragePoolRef {
    StoragePoolRef { name: pool.name.clone(), uuid: pool.uuid }
}

fn error(code: ErrorCode, text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::STORAGE, code, text)
}

fn missing(text: impl Into<String>) -> Error {
    error(ErrorCode::NO_STORAGE_POOL, text)
}

fn failed(text: impl Into<String>) -> Error {
    error(ErrorCode::OPERATION_FAILED, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;
    impl EventSink for Nobody {
        fn publish(&self, _: Event) {}
    }

    #[derive(Debug)]
    struct NoSecrets;
    impl SecretValues for NoSecrets {
        fn by_uuid(&self, uuid: &Uuid) -> Result<Vec<u8>> {
            Err(missing(uuid.to_string()))
        }
        fn by_usage(&self, _: i32, usage: &str) -> Result<Vec<u8>> {
            Err(missing(usage))
        }
        fn usage_of(&self, uuid: &Uuid) -> Result<i32> {
            Err(missing(uuid.to_string()))
        }
    }

    fn start(root: &std::path::Path) -> Arc<Shared> {
        Driver::start(root.join("etc"), root.join("run"), Arc::new(Nobody), Arc::new(NoSecrets)).unwrap().0
    }

    #[test]
    fn a_directory_is_used_and_found_again() {
        let root = tempfile::tempdir().unwrap();
        let start = || start(root.path());
        let target = root.path().join("deep/images");
        let text = format!(
            "<pool type='dir'><name>p</name><target><path>{}</path></target></pool>",
            target.display()
        );
        let driver = start();
        let pool = driver.define(Pool::parse(&text, true).unwrap()).unwrap();
        assert!(driver.start_pool(&pool, 0).is_err(), "there is no directory");
        driver.start_pool(&pool, 1).unwrap();
        assert!(driver.start_pool(&pool, 0).is_err() && driver.undefine(&pool).is_err());
        std::fs::write(target.join("a.img"), "12345").unwrap();
        driver.refresh(&pool).unwrap();
        let again = start();
        let volumes = again.contents(&pool).unwrap().list();
        assert_eq!(volumes.iter().map(|v| v.name.as_str()).collect::<Vec<_>>(), ["a.img"]);
        assert!(again.find(&pool).unwrap().definition().0.sizes.capacity > 0);
        again.stop_pool(&pool).unwrap();
        assert!(again.contents(&pool).is_err() && start().contents(&pool).is_err());
        assert!(again.delete(&pool, 0).is_err(), "it is not empty");
        std::fs::remove_file(target.join("a.img")).unwrap();
        again.delete(&pool, 0).unwrap();
        again.undefine(&pool).unwrap();
        assert!(again.create(Pool::parse(&text, true).unwrap(), 1).is_ok());
        again.stop_pool(&again.pools.by_name("p").map(|p| reference(&p.definition().0)).unwrap()).unwrap();
        assert!(again.pools.is_empty(), "a transient pool goes when it stops");
    }

    #[test]
    fn storage_belongs_to_one_pool() {
        let root = tempfile::tempdir().unwrap();
        let driver = start(root.path());
        let define = |name: &str, kind: &str, inside: &str| {
            let uuid = Uuid([name.as_bytes()[0]; 16]);
            let text = format!("<pool type='{kind}'><name>{name}</name><uuid>{uuid}</uuid>{inside}</pool>");
            driver.define(Pool::parse(&text, false).unwrap())
        };
        let target = |path: &str| format!("<target><path>{path}</path></target>");
        let device = "<source><device path='/dev/sdx'/></source>";
        define("a", "dir", &target("/srv//a/")).unwrap();
        define("a", "dir", &target("/srv/a")).unwrap();
        let e = define("b", "dir", &target("/srv/a")).unwrap_err();
        assert_eq!(e.message(), "operation failed: Storage source conflict with pool: 'a'");
        define("f", "fs", &format!("{device}{}", target("/srv/a"))).unwrap();
        assert!(define("g", "logical", device).is_err());
        assert_eq!(driver.pools.len(), 2);
    }
}
