//! Pools that are built, started, looked at again, stopped and deleted.

use std::path::PathBuf;
use std::sync::Arc;

use virtus_api::constants::*;
use virtus_api::event::StoragePoolEvent;
use virtus_api::{Event, StoragePoolRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::storage::{Kind, Pool, Sizes, Target, Volume};
use virtus_state::definitions::{Edit, Entry};
use virtus_state::file::{self, Durability};

use crate::contents::Contents;
use crate::{Definition, Kept, Shared, directory, error, mounted, reference};

/// Whether a new file system is wanted, and if so, whether what is on the device may be lost: as the flags for losing
/// and for keeping it say.
fn wanted_format(flags: u32, lose: u32, keep: u32) -> Option<bool> {
    (flags & (lose | keep) != 0).then_some(flags & lose != 0)
}

/// The kinds of pools that can be started.
pub(crate) const USABLE: &[Kind] = &[Kind::Dir, Kind::Fs, Kind::Netfs];

/// The directory a pool is, or is mounted on; other kinds cannot be used yet.
fn directory(pool: &Pool) -> Result<&Target> {
    pool.target.as_ref().filter(|_| USABLE.contains(&pool.kind)).ok_or_else(|| {
        error(ErrorCode::NO_SUPPORT, format!("pools of type '{}' cannot be started", pool.kind))
    })
}

fn internal(text: impl Into<String>) -> Error {
    Error::internal(ErrorDomain::STORAGE, text)
}

fn invalid(text: impl Into<String>) -> Error {
    error(ErrorCode::OPERATION_INVALID, text)
}

impl Shared {
    pub(crate) fn check_inactive(&self, entry: &Entry<Definition>) -> Result<()> {
        let definition = entry.definition();
        match self.active.has(&definition.0.uuid) {
            true => Err(invalid(format!("storage pool '{}' is still active", definition.0.name))),
            false => Ok(()),
        }
    }

    /// What a pool holds, which has to be active.
    pub(crate) fn contents(&self, pool: &StoragePoolRef) -> Result<Arc<Contents>> {
        let definition = self.find(pool)?.definition();
        self.active
            .get(&definition.0.uuid)
            .ok_or_else(|| invalid(format!("storage pool '{}' is not active", definition.0.name)))
    }

    /// That a pool is active, and nobody makes or moves a volume in it.
    fn check_idle(&self, pool: &StoragePoolRef) -> Result<()> {
        match self.contents(pool)?.is_busy() {
            true => {
                let name = &self.find(pool)?.definition().0.name;
                Err(internal(format!("pool '{name}' has asynchronous jobs running.")))
            }
            false => Ok(()),
        }
    }

    /// Changes what is known of an active pool's sizes.
    pub(crate) fn change_sizes(&self, pool: &StoragePoolRef, change: impl FnOnce(&mut Sizes)) {
        let edit = self.pools.edit();
        if let Ok(entry) = self.find(pool) {
            let definition = entry.definition();
            let mut changed = definition.0.clone();
            change(&mut changed.sizes);
            edit.refresh(&entry, Definition(changed, definition.1));
        }
    }

    /// Takes up the pools that were active when the daemon ended. Says which of them have yet to be looked at: those
    /// of servers, which may not answer.
    pub(crate) fn take_up(&self) -> Result<Vec<StoragePoolRef>> {
        let mut later = Vec::new();
        let system = |e: &std::io::Error| {
            let what = format!("cannot create directory '{}'", self.state.display());
            Error::system(ErrorDomain::STORAGE, what, e)
        };
        std::fs::create_dir_all(&self.state).map_err(|e| system(&e))?;
        let edit = self.pools.edit();
        for (name, path) in file::list(&self.state, "xml").map_err(|e| system(&e))? {
            let read = std::fs::read_to_string(&path)
                .map_err(|e| system(&e))
                .and_then(|text| Pool::parse_state(&text));
            let pool = match read {
                Ok(pool) => pool,
                Err(e) => {
                    file::set_aside(&path, None, &e);
                    continue;
                }
            };
            let entry = match self.pools.by_uuid(&pool.uuid) {
                Some(entry) => entry,
                None => edit.define(Definition(pool, Kept::Transient))?,
            };
            if mounted::is_reachable(&entry.definition().0) {
                self.active.put(entry.definition().0.uuid, Vec::new());
                later.push(reference(&entry.definition().0));
            } else if let Err(e) = self.find_volumes(&edit, &entry) {
                tracing::warn!("storage pool '{name}' is not active any more: {e}");
                self.forget(&entry)?;
                if entry.definition().1 == Kept::Transient {
                    edit.undefine(&entry)?;
                }
            }
        }
        Ok(later)
    }

    /// Starts the pools that start with the daemon, once after each boot of the host.
    pub(crate) fn autostart(&self) -> Result<()> {
        let marker = self.state.join("autostarted");
        if marker.exists() {
            return Ok(());
        }
        file::write(&marker, b"", 0o600, Durability::Process).map_err(|e| {
            Error::system(ErrorDomain::STORAGE, format!("cannot write '{}'", marker.display()), &e)
        })?;
        for entry in self.pools.list().iter() {
            let (view, edit) = (entry.view(), self.pools.edit());
            let pool = &view.definition.0;
            if view.autostart
                && !self.active.has(&pool.uuid)
                && let Err(e) = self
                    .reach(pool, 0)
                    .and_then(|mounted| self.settle(self.start_entry(&edit, entry, 0), mounted, pool))
            {
                tracing::error!("Failed to autostart storage pool '{}': {e}", pool.name);
            }
        }
        Ok(())
    }

    fn state_file(&self, name: &str) -> PathBuf {
        self.state.join(format!("{name}.xml"))
    }

    /// Looks at a pool's storage: from now on it is active, and its sizes and volumes are known.
    fn find_volumes(&self, edit: &Edit<'_, Definition>, entry: &Entry<Definition>) -> Result<()> {
        let found = Self::look(entry)?;
        self.publish(edit, entry, found)
    }

    fn look(entry: &Entry<Definition>) -> Result<(Pool, Vec<Volume>)> {
        let definition = entry.definition();
        directory::look(&definition.0, directory(&definition.0)?)
    }

    fn publish(
        &self,
        edit: &Edit<'_, Definition>,
        entry: &Entry<Definition>,
        (pool, volumes): (Pool, Vec<Volume>),
    ) -> Result<()> {
        let path = self.state_file(&pool.name);
        file::write(&path, pool.format_state().as_bytes(), 0o600, Durability::Process).map_err(|e| {
            Error::system(ErrorDomain::STORAGE, format!("cannot write '{}'", path.display()), &e)
        })?;
        let uuid = pool.uuid;
        edit.refresh(entry, Definition(pool, entry.definition().1));
        self.active.put(uuid, volumes);
        Ok(())
    }

    fn forget(&self, entry: &Entry<Definition>) -> Result<()> {
        let definition = entry.definition();
        let path = self.state_file(&definition.0.name);
        file::remove(&path, Durability::Process).map_err(|e| {
            Error::system(ErrorDomain::STORAGE, format!("cannot remove '{}'", path.display()), &e)
        })?;
        self.active.remove(&definition.0.uuid);
        Ok(())
    }

    /// Makes a pool's storage; with a new file system if one is wanted, for which what is there may be lost or not.
    fn make(&self, pool: &Pool, format: Option<bool>) -> Result<()> {
        directory::build(directory(pool)?)?;
        format.map_or(Ok(()), |lost| mounted::format(pool, lost, &*self.programs))
    }

    pub(crate) fn build(&self, pool: &StoragePoolRef, flags: u32) -> Result<()> {
        let _edit = self.pools.edit();
        let entry = self.find(pool)?;
        if self.active.has(&pool.uuid) {
            return Err(invalid(format!("storage pool '{}' is already active", entry.definition().0.name)));
        }
        let known = VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE;
        Error::check_flags(ErrorDomain::STORAGE, flags, known, "virStorageBackendFileSystemBuild")?;
        let (lose, keep) = (VIR_STORAGE_POOL_BUILD_OVERWRITE, VIR_STORAGE_POOL_BUILD_NO_OVERWRITE);
        self.make(&entry.definition().0, wanted_format(flags, lose, keep))?;
        self.tell(pool, VIR_STORAGE_POOL_EVENT_CREATED);
        Ok(())
    }

    /// Starts what is not active; `flags` are those of `virStoragePoolCreate`.
    fn start_entry(&self, edit: &Edit<'_, Definition>, entry: &Entry<Definition>, flags: u32) -> Result<()> {
        let definition = entry.definition();
        directory(&definition.0)?;
        if self.active.has(&definition.0.uuid) {
            return Err(invalid(format!("storage pool '{}' is already active", definition.0.name)));
        }
        if !mounted::is_mountable(definition.0.kind) {
            self.make_first(&definition.0, flags)?;
        }
        self.find_volumes(edit, entry)
    }

    /// Makes a pool's storage before its start, if the flags of `virStoragePoolCreate` say so.
    fn make_first(&self, pool: &Pool, flags: u32) -> Result<()> {
        let (lose, keep) =
            (VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE, VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE);
        if flags == 0 { Ok(()) } else { self.make(pool, wanted_format(flags, lose, keep)) }
    }

    /// Makes a pool's storage if `flags` of `virStoragePoolCreate` say so, and mounts it. A server that does not
    /// answer keeps nobody else waiting, for this happens before anything is locked. Says whether it was mounted.
    fn reach(&self, pool: &Pool, flags: u32) -> Result<bool> {
        directory(pool)?;
        if self.active.has(&pool.uuid) || !mounted::is_mountable(pool.kind) {
            return Ok(false);
        }
        self.make_first(pool, flags)?;
        mounted::mount(pool, &*self.programs)
    }

    /// Takes back what was mounted for a start that failed.
    fn settle<T>(&self, started: Result<T>, mounted: bool, pool: &Pool) -> Result<T> {
        if started.is_err()
            && mounted
            && let Err(e) = mounted::unmount(pool, &*self.programs)
        {
            tracing::warn!("storage pool '{}' stays mounted: {e}", pool.name);
        }
        started
    }

    pub(crate) fn start_pool(&self, pool: &StoragePoolRef, flags: u32) -> Result<()> {
        let definition = self.find(pool)?.definition();
        let mounted = self.reach(&definition.0, flags)?;
        let edit = self.pools.edit();
        let started = self.find(pool).and_then(|entry| self.start_entry(&edit, &entry, flags));
        drop(edit);
        self.settle(started, mounted, &definition.0)?;
        self.tell(pool, VIR_STORAGE_POOL_EVENT_STARTED);
        Ok(())
    }

    /// Starts a pool that goes when it is stopped, or one that is there already.
    pub(crate) fn create(&self, pool: Pool, flags: u32) -> Result<StoragePoolRef> {
        self.check_new(&pool)?;
        let mounted = self.reach(&pool, flags)?;
        let created = self.create_reached(pool.clone(), flags);
        self.settle(created, mounted, &pool)
    }

    fn create_reached(&self, pool: Pool, flags: u32) -> Result<StoragePoolRef> {
        let edit = self.pools.edit();
        self.check_new(&pool)?;
        let reference = reference(&pool);
        if self.active.has(&pool.uuid) {
            return Err(invalid(format!("pool is already active as '{}'", pool.name)));
        }
        let entry = match self.pools.by_uuid(&pool.uuid) {
            Some(entry) => {
                edit.refresh(&entry, Definition(pool, entry.definition().1));
                entry
            }
            None => edit.define(Definition(pool, Kept::Transient))?,
        };
        if let Err(e) = self.start_entry(&edit, &entry, flags) {
            if entry.definition().1 == Kept::Transient {
                edit.undefine(&entry)?;
            }
            return Err(e);
        }
        drop(edit);
        self.tell(&reference, VIR_STORAGE_POOL_EVENT_STARTED);
        Ok(reference)
    }

    pub(crate) fn refresh(&self, pool: &StoragePoolRef) -> Result<()> {
        self.contents(pool)?;
        let entry = self.find(pool)?;
        // storage that does not answer keeps nobody else waiting
        let found = Self::look(&entry)?;
        let edit = self.pools.edit();
        self.contents(pool)?;
        self.publish(&edit, &entry, found)?;
        drop(edit);
        self.events.publish(Event::StoragePool(pool.clone(), StoragePoolEvent::Refresh {}));
        Ok(())
    }

    pub(crate) fn stop_pool(&self, pool: &StoragePoolRef) -> Result<()> {
        self.check_idle(pool)?;
        mounted::unmount(&self.find(pool)?.definition().0, &*self.programs)?;
        let edit = self.pools.edit();
        self.check_idle(pool)?;
        let entry = self.find(pool)?;
        self.forget(&entry)?;
        if entry.definition().1 == Kept::Transient {
            edit.undefine(&entry)?;
        }
        drop(edit);
        self.tell(pool, VIR_STORAGE_POOL_EVENT_STOPPED);
        Ok(())
    }

    pub(crate) fn delete(&self, pool: &StoragePoolRef, flags: u32) -> Result<()> {
        let edit = self.pools.edit();
        let entry = self.find(pool)?;
        self.check_inactive(&entry)?;
        Error::check_flags(ErrorDomain::STORAGE, flags, 0, "virStorageBackendDeleteLocal")?;
        directory::delete(directory(&entry.definition().0)?)?;
        drop(edit);
        self.tell(pool, VIR_STORAGE_POOL_EVENT_DELETED);
        Ok(())
    }
}
