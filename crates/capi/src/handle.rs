//! What C has for an object: a number that looks like a pointer.
//!
//! Nothing is ever read at that address, and no number is given twice. So whatever a caller passes, null, a pointer to
//! something else, the handle of another kind of object or one that was freed, can be told from a good one; in
//! libvirt's own library some of these end the process.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use virtus::Result;

use crate::ctype::CType;

/// What stands behind handles of a kind.
pub(crate) trait Object: Send + Sync + Sized + 'static {
    /// The C type that the handle seems to point to.
    type C: CType;
}

struct Entry {
    /// How many have it: callers, and objects that belong to it.
    count: AtomicUsize,
    object: Arc<dyn Any + Send + Sync>,
}

static OBJECTS: LazyLock<RwLock<HashMap<usize, Entry>>> = LazyLock::new(RwLock::default);
/// Beyond what a processor can address, so that somebody who reads there is stopped at once.
#[cfg(target_pointer_width = "64")]
static NEXT: AtomicUsize = AtomicUsize::new(0x0100_0000_0000_0000);
#[cfg(target_pointer_width = "32")]
static NEXT: AtomicUsize = AtomicUsize::new(STEP);
/// Handles look aligned.
const STEP: usize = 16;

fn reading() -> RwLockReadGuard<'static, HashMap<usize, Entry>> {
    // whoever holds it only looks up, adds or removes
    OBJECTS.read().unwrap_or_else(PoisonError::into_inner)
}

fn writing() -> RwLockWriteGuard<'static, HashMap<usize, Entry>> {
    OBJECTS.write().unwrap_or_else(PoisonError::into_inner)
}

/// One of those who have an object. The object goes with the last of them.
#[derive(Debug)]
pub(crate) struct Held<T: Object> {
    number: usize,
    object: Arc<T>,
}

impl<T: Object> Held<T> {
    /// A new handle.
    pub(crate) fn new(object: T) -> Self {
        let object = Arc::new(object);
        let number = NEXT.fetch_add(STEP, Ordering::Relaxed);
        let entry = Entry { count: AtomicUsize::new(1), object: object.clone() };
        writing().insert(number, entry);
        Held { number, object }
    }

    /// Leaves this one's share to C, which gives it back by `Free` or `Close`.
    pub(crate) fn into_c(self) -> *mut T::C {
        let number = self.number;
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: `this` is not dropped, so that the reference is read out of it once
        drop(unsafe { std::ptr::read(&this.object) });
        std::ptr::without_provenance_mut(number)
    }

    /// The same object for the time of a call.
    pub(crate) fn of(&self) -> Of<T> {
        Of { number: self.number, object: self.object.clone() }
    }

    /// What C knows it as, without a share in it.
    pub(crate) fn as_c(&self) -> *mut T::C {
        std::ptr::without_provenance_mut(self.number)
    }
}

impl<T: Object> Clone for Held<T> {
    fn clone(&self) -> Self {
        if let Some(entry) = reading().get(&self.number) {
            entry.count.fetch_add(1, Ordering::Relaxed);
        }
        Held { number: self.number, object: self.object.clone() }
    }
}

impl<T: Object> Drop for Held<T> {
    fn drop(&mut self) {
        give_back(self.number);
    }
}

impl<T: Object> std::ops::Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object
    }
}

/// An object that a caller named, for the time of the call.
#[derive(Debug)]
pub(crate) struct Of<T: Object> {
    number: usize,
    object: Arc<T>,
}

impl<T: Object> Of<T> {
    /// The object of this kind behind a handle, if there is one.
    pub(crate) fn find(handle: *mut T::C) -> Option<Self> {
        let number = handle.addr();
        let object = reading().get(&number)?.object.clone();
        Some(Of { number, object: object.downcast().ok()? })
    }

    /// Keeps it beyond the call.
    pub(crate) fn hold(&self) -> Option<Held<T>> {
        reading().get(&self.number)?.count.fetch_add(1, Ordering::Relaxed);
        Some(Held { number: self.number, object: self.object.clone() })
    }

    /// One caller more: what `Ref` does.
    ///
    /// # Errors
    /// None.
    pub(crate) fn add(&self) -> Result<()> {
        if let Some(held) = self.hold() {
            held.into_c();
        }
        Ok(())
    }

    /// One caller less; whether others remain.
    pub(crate) fn release(self) -> bool {
        drop(self.object);
        give_back(self.number)
    }

    /// One caller less: what `Free` does.
    ///
    /// # Errors
    /// None.
    pub(crate) fn free(self) -> Result<()> {
        self.release();
        Ok(())
    }

    /// What C knows it as.
    pub(crate) fn as_c(&self) -> *mut T::C {
        std::ptr::without_provenance_mut(self.number)
    }

    /// The same without keeping it.
    pub(crate) fn loose(&self) -> Loose<T> {
        Loose { number: self.number, object: Arc::downgrade(&self.object) }
    }
}

/// An object that may be gone when it is looked for.
#[derive(Debug)]
pub(crate) struct Loose<T: Object> {
    number: usize,
    object: Weak<T>,
}

impl<T: Object> Loose<T> {
    /// The object, if it is there.
    pub(crate) fn find(&self) -> Option<Of<T>> {
        Some(Of { number: self.number, object: self.object.upgrade()? })
    }
}

impl<T: Object> Clone for Of<T> {
    fn clone(&self) -> Self {
        Of { number: self.number, object: self.object.clone() }
    }
}

impl<T: Object> std::ops::Deref for Of<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object
    }
}

fn give_back(number: usize) -> bool {
    let last = {
        let mut objects = writing();
        match objects.get(&number) {
            Some(entry) if entry.count.fetch_sub(1, Ordering::AcqRel) > 1 => return true,
            Some(_) => objects.remove(&number),
            None => None,
        }
    };
    // what it belongs to may go as well, hence without the lock
    drop(last);
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct One(#[allow(dead_code)] Arc<()>);
    #[derive(Debug)]
    struct Other;
    impl Object for One {
        type C = crate::ctype::UChar;
    }
    impl Object for Other {
        type C = crate::ctype::UChar;
    }

    #[test]
    fn only_living_handles_of_the_kind_are_taken() {
        let alive = Arc::new(());
        let handle = Held::new(One(alive.clone())).into_c();
        assert!(Of::<One>::find(handle).is_some());
        assert!(Of::<Other>::find(handle).is_none());
        assert!(Of::<One>::find(std::ptr::null_mut()).is_none());
        assert!(Of::<One>::find((&raw const alive).cast_mut().cast()).is_none());

        let child = Of::<One>::find(handle).unwrap().hold().unwrap();
        assert!(Of::<One>::find(handle).unwrap().release());
        assert!(Of::<One>::find(handle).is_some());
        assert_eq!(Arc::strong_count(&alive), 2);
        drop(child);
        assert!(Of::<One>::find(handle).is_none());
        assert_eq!(Arc::strong_count(&alive), 1);
    }

    #[test]
    fn no_handle_comes_twice() {
        let first = Held::new(Other).into_c();
        assert!(!Of::<Other>::find(first).unwrap().release());
        let second = Held::new(Other);
        assert_ne!(first, second.as_c());
    }
}
