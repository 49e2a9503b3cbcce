//! Objects by UUID, name and number, with listings that never wait for a writer's work.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwapOption;
use virtus_base::Uuid;

/// Something with an identity. UUID and name are unique among the objects of a [`Registry`].
pub trait Object: Send + Sync + 'static {
    /// It never changes.
    fn uuid(&self) -> Uuid;
    /// It changes only through [`Registry::rename`].
    fn name(&self) -> Arc<str>;
    /// The number it has while it is active; changes are told to [`Registry::set_id`].
    fn id(&self) -> Option<i32> {
        None
    }
}

/// Why an object cannot be entered.
#[derive(Debug)]
pub enum Conflict<T> {
    /// The name is another object's.
    Name(Arc<T>),
    /// The UUID is another object's.
    Uuid(Arc<T>),
}

/// The objects of one kind. Its lock is held for map operations only, never for I/O, so look-ups are as good
/// as lock-free; listings come from a snapshot made when it is first asked for after a change.
pub struct Registry<T> {
    index: RwLock<Index<T>>,
    listing: ArcSwapOption<Vec<Arc<T>>>,
}

struct Index<T> {
    by_uuid: HashMap<Uuid, Arc<T>>,
    by_name: HashMap<Arc<str>, Arc<T>>,
    by_id: HashMap<i32, Arc<T>>,
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        let index = Index { by_uuid: HashMap::new(), by_name: HashMap::new(), by_id: HashMap::new() };
        Registry { index: RwLock::new(index), listing: ArcSwapOption::empty() }
    }
}

impl<T> std::fmt::Debug for Registry<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registry")
    }
}

impl<T: Object> Registry<T> {
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Index<T>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the index. The listing is dropped while the lock is held, so no one can bring back an old one.
    fn write<R>(&self, change: impl FnOnce(&mut Index<T>) -> R) -> R {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut index);
        self.listing.store(None);
        result
    }

    /// Enters an object.
    ///
    /// # Errors
    /// The object that has its UUID or its name already; the UUID is looked at first.
    pub fn insert(&self, object: Arc<T>) -> Result<(), Conflict<T>> {
        let (uuid, name) = (object.uuid(), object.name());
        self.write(|index| {
            if let Some(other) = index.by_uuid.get(&uuid) {
                return Err(Conflict::Uuid(Arc::clone(other)));
            }
            if let Some(other) = index.by_name.get(&name) {
                return Err(Conflict::Name(Arc::clone(other)));
            }
            if let Some(id) = object.id() {
                index.by_id.insert(id, Arc::clone(&object));
            }
            index.by_name.insert(name, Arc::clone(&object));
            index.by_uuid.insert(uuid, object);
            Ok(())
        })
    }

    /// Takes an object out. It is left alone if another one has its UUID by now.
    pub fn remove(&self, object: &Arc<T>) {
        self.write(|index| {
            let uuid = object.uuid();
            if index.by_uuid.get(&uuid).is_some_and(|o| Arc::ptr_eq(o, object)) {
                index.by_uuid.remove(&uuid);
                index.by_name.remove(&object.name());
                index.by_id.retain(|_, o| !Arc::ptr_eq(o, object));
            }
        });
    }

    /// Gives an object another name: `change` makes the object say so, and runs while nobody can look.
    ///
    /// # Errors
    /// The object that has the name.
    pub fn rename(&self, object: &Arc<T>, name: Arc<str>, change: impl FnOnce()) -> Result<(), Arc<T>> {
        self.write(|index| {
            if let Some(other) = index.by_name.get(&name) {
                return Err(Arc::clone(other));
            }
            index.by_name.remove(&object.name());
            index.by_name.insert(name, Arc::clone(object));
            change();
            Ok(())
        })
    }

    /// The object's number has changed from `old` to `new`.
    pub fn set_id(&self, object: &Arc<T>, old: Option<i32>, new: Option<i32>) {
        // a number is no part of the listing, which holds the objects themselves
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = old {
            index.by_id.remove(&old);
        }
        if let Some(new) = new {
            index.by_id.insert(new, Arc::clone(object));
        }
    }

    /// The object of this UUID.
    pub fn by_uuid(&self, uuid: &Uuid) -> Option<Arc<T>> {
        self.read().by_uuid.get(uuid).cloned()
    }

    /// The object of this name.
    pub fn by_name(&self, name: &str) -> Option<Arc<T>> {
        self.read().by_name.get(name).cloned()
    }

    /// The active object of this number.
    pub fn by_id(&self, id: i32) -> Option<Arc<T>> {
        self.read().by_id.get(&id).cloned()
    }

    /// All objects in order of name.
    pub fn list(&self) -> Arc<Vec<Arc<T>>> {
        if let Some(listing) = self.listing.load_full() {
            return listing;
        }
        let index = self.read();
        let mut objects: Vec<_> = index.by_name.iter().collect();
        objects.sort_unstable_by(|a, b| a.0.cmp(b.0));
        let listing = Arc::new(objects.into_iter().map(|(_, object)| Arc::clone(object)).collect());
        // still under the lock: a writer comes after, and drops it
        self.listing.store(Some(Arc::clone(&listing)));
        listing
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.read().by_uuid.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arc_swap::ArcSwap;

    #[derive(Debug)]
    struct Thing(Uuid, ArcSwap<String>);

    impl Object for Thing {
        fn uuid(&self) -> Uuid {
            self.0
        }
        fn name(&self) -> Arc<str> {
            self.1.load().as_str().into()
        }
    }

    fn thing(n: u8, name: &str) -> Arc<Thing> {
        Arc::new(Thing(Uuid([n; 16]), ArcSwap::from_pointee(name.to_owned())))
    }

    fn names(registry: &Registry<Thing>) -> Vec<String> {
        registry.list().iter().map(|t| t.name().to_string()).collect()
    }

    #[test]
    fn identities_are_unique() {
        let registry = Registry::default();
        let (a, b) = (thing(1, "a"), thing(2, "b"));
        registry.insert(Arc::clone(&b)).unwrap();
        registry.insert(Arc::clone(&a)).unwrap();
        assert!(matches!(registry.insert(thing(1, "c")), Err(Conflict::Uuid(o)) if Arc::ptr_eq(&o, &a)));
        assert!(matches!(registry.insert(thing(3, "b")), Err(Conflict::Name(o)) if Arc::ptr_eq(&o, &b)));
        assert_eq!(names(&registry), ["a", "b"]);
        assert!(registry.rename(&a, "b".into(), || panic!("renamed")).is_err());
        registry.rename(&a, "z".into(), || a.1.store(Arc::new("z".into()))).unwrap();
        assert_eq!(names(&registry), ["b", "z"]);
        assert!(registry.by_name("a").is_none());
        registry.set_id(&a, None, Some(7));
        assert!(registry.by_id(7).is_some_and(|o| Arc::ptr_eq(&o, &a)));
        registry.remove(&a);
        assert!(registry.by_name("z").is_none() && registry.by_id(7).is_none());
        assert!(registry.by_uuid(&Uuid([1; 16])).is_none());
        assert_eq!(names(&registry), ["b"]);
    }
}
