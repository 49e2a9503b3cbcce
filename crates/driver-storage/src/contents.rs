//! What active pools hold: their volumes, and who is busy with which.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use virtus_base::{ErrorCode, Result, Uuid};
use virtus_conf::storage::Volume;
use virtus_state::lock;

use crate::{error, failed};

/// The active pools. Its lock, as that of [`Contents`], is held for map operations only.
#[derive(Debug, Default)]
pub(crate) struct Active(Mutex<HashMap<Uuid, Arc<Contents>>>);

/// The volumes of one active pool.
#[derive(Debug, Default)]
pub(crate) struct Contents(Mutex<BTreeMap<String, Slot>>);

#[derive(Debug)]
struct Slot {
    volume: Arc<Volume>,
    /// It is being made: nobody may use it yet.
    building: bool,
    /// How many transfers and the like are under way.
    users: u32,
}

impl Active {
    pub(crate) fn has(&self, pool: &Uuid) -> bool {
        lock(&self.0).contains_key(pool)
    }

    pub(crate) fn get(&self, pool: &Uuid) -> Option<Arc<Contents>> {
        lock(&self.0).get(pool).cloned()
    }

    /// Has the pool be active with the volumes that were found, and those that are just being made.
    pub(crate) fn put(&self, pool: Uuid, found: Vec<Volume>) {
        let contents = lock(&self.0).entry(pool).or_default().clone();
        contents.replace(found);
    }

    pub(crate) fn remove(&self, pool: &Uuid) {
        lock(&self.0).remove(pool);
    }
}

impl Contents {
    fn replace(&self, found: Vec<Volume>) {
        let mut slots = lock(&self.0);
        slots.retain(|_, slot| slot.building || slot.users > 0);
        for volume in found {
            let volume = Arc::new(volume);
            match slots.get_mut(&volume.name) {
                // half of it is no volume yet
                Some(slot) if slot.building => {}
                Some(slot) => slot.volume = volume,
                None => {
                    slots.insert(volume.name.clone(), Slot { volume, building: false, users: 0 });
                }
            }
        }
    }

    /// All of them, by name.
    pub(crate) fn list(&self) -> Vec<Arc<Volume>> {
        lock(&self.0).values().map(|slot| slot.volume.clone()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Volume>> {
        lock(&self.0).get(name).map(|slot| slot.volume.clone())
    }

    /// Whether anybody makes or uses a volume here.
    pub(crate) fn is_busy(&self) -> bool {
        lock(&self.0).values().any(|slot| slot.building || slot.users > 0)
    }

    /// Takes a name for a volume that is about to be made. Dropping the claim gives it back.
    pub(crate) fn claim(self: &Arc<Self>, volume: Volume) -> Option<Claim> {
        let mut slots = lock(&self.0);
        let name = volume.name.clone();
        if slots.contains_key(&name) {
            return None;
        }
        slots.insert(name.clone(), Slot { volume: Arc::new(volume), building: true, users: 0 });
        Some(Claim { contents: self.clone(), name })
    }

    /// Has a volume be as it was found.
    pub(crate) fn update(&self, volume: Volume) -> Arc<Volume> {
        let volume = Arc::new(volume);
        if let Some(slot) = lock(&self.0).get_mut(&volume.name) {
            slot.volume = volume.clone();
        }
        volume
    }

    /// Uses a volume's bytes: as long as the guard lives it is not removed.
    pub(crate) fn start_use(self: &Arc<Self>, name: &str) -> Result<Use> {
        let mut slots = lock(&self.0);
        let slot = slots.get_mut(name).ok_or_else(|| no_volume(name))?;
        slot.check_built()?;
        slot.users = slot.users.saturating_add(1);
        Ok(Use { contents: self.clone(), volume: slot.volume.clone() })
    }

    /// Claims a volume for one that changes or removes it: nobody else may use it.
    pub(crate) fn alone(self: &Arc<Self>, name: &str) -> Result<Use> {
        let mut slots = lock(&self.0);
        let slot = slots.get_mut(name).ok_or_else(|| no_volume(name))?;
        if slot.users > 0 {
            return Err(failed(format!("volume '{name}' is still in use.")));
        }
        slot.check_built()?;
        slot.users = 1;
        Ok(Use { contents: self.clone(), volume: slot.volume.clone() })
    }

    /// Forgets a volume.
    pub(crate) fn forget(&self, name: &str) {
        lock(&self.0).remove(name);
    }
}

impl Slot {
    fn check_built(&self) -> Result<()> {
        match self.building {
            true => Err(failed(format!("volume '{}' is still being allocated.", self.volume.name))),
            false => Ok(()),
        }
    }
}

pub(crate) fn no_volume(name: &str) -> virtus_base::Error {
    error(ErrorCode::NO_STORAGE_VOL, format!("no storage vol with matching name '{name}'"))
}

/// A name taken for a volume that is being made.
#[derive(Debug)]
pub(crate) struct Claim {
    contents: Arc<Contents>,
    name: String,
}

impl Claim {
    /// The volume is made.
    pub(crate) fn done(self, volume: Volume) {
        if let Some(slot) = lock(&self.contents.0).get_mut(&self.name) {
            *slot = Slot { volume: Arc::new(volume), building: false, users: 0 };
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut slots = lock(&self.contents.0);
        if slots.get(&self.name).is_some_and(|slot| slot.building) {
            slots.remove(&self.name);
        }
    }
}

/// A volume in use.
#[derive(Debug)]
pub(crate) struct Use {
    contents: Arc<Contents>,
    /// The volume as it was known when the use began.
    pub(crate) volume: Arc<Volume>,
}

impl Use {
    /// Has the volume be as it is now.
    pub(crate) fn update(&self, volume: Volume) {
        self.contents.update(volume);
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        if let Some(slot) = lock(&self.contents.0).get_mut(&self.volume.name) {
            slot.users = slot.users.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtus_conf::storage::Capacity;

    fn volume(name: &str) -> Volume {
        let text = format!("<volume><name>{name}</name><capacity>1</capacity></volume>");
        Volume::parse(&text, Capacity::UnlessBacked, false).unwrap()
    }

    #[test]
    fn who_is_busy_is_left_alone() {
        let pool = Arc::new(Contents::default());
        pool.replace(vec![volume("a"), volume("b")]);
        assert!(pool.claim(volume("a")).is_none());
        let claim = pool.claim(volume("c")).unwrap();
        assert!(pool.start_use("c").is_err() && pool.is_busy());
        let reader = pool.start_use("a").unwrap();
        assert!(pool.alone("a").is_err() && pool.start_use("a").is_ok());
        // looking again forgets neither what is being made nor what is in use
        pool.replace(vec![volume("d")]);
        let names: Vec<_> = pool.list().iter().map(|v| v.name.clone()).collect();
        assert_eq!(names, ["a", "c", "d"]);
        drop(reader);
        drop(claim);
        assert!(pool.alone("a").is_ok() && pool.get("c").is_none() && !pool.is_busy());
        pool.claim(volume("c")).unwrap().done(volume("c"));
        assert!(pool.alone("c").is_ok());
    }
}
