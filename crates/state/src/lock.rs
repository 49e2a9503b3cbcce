//! Locks that are short and never poisoned for good.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks for a moment. What a thread that panicked has left is whole: values are put in, not worked on.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
