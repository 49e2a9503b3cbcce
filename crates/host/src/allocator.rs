//! Memory the C library keeps for this process.
#![allow(unsafe_code)]

/// Has threads share a few pools of memory: with one each, a daemon of many threads keeps many times what it uses.
pub fn share_pools() {
    #[cfg(target_env = "gnu")]
    // SAFETY: `mallopt` takes two numbers and changes only the allocator's own settings.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}

/// Gives memory that nobody uses back to the host. It takes some milliseconds.
pub fn trim() {
    #[cfg(target_env = "gnu")]
    // SAFETY: `malloc_trim` may be called at any time, from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}
