//! Targets for fuzzing: each takes bytes that anybody may have made and gives them to a reader. A target fails by a
//! panic, or by taking too much time or memory; documents also by not meaning the same when they were printed and read
//! again.
//!
//! `scripts/fuzz TARGET` runs one under libFuzzer. `tests/smoke.rs` runs all of them for a moment on their corpus.

mod documents;
mod files;
mod wire;

/// One target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called; its corpus is the directory of that name.
    pub name: &'static str,
    /// Feeds the reader.
    pub run: fn(&[u8]),
}

macro_rules! targets {
    ($($module:ident::$name:ident)*) => {
        /// All targets.
        pub const TARGETS: &[Target] = &[$(Target { name: stringify!($name), run: $module::$name },)*];
    };
}
targets! {
    wire::packets
    wire::arguments
    wire::answers
    wire::monitor
    wire::agent
    wire::values
    documents::tree
    documents::domain
    documents::device
    documents::network
    documents::pool
    documents::volume
    documents::secret
    documents::filter
    documents::binding
    documents::port
    documents::interface
    documents::nodedev
    documents::snapshot
    documents::checkpoint
    documents::status
    documents::cpu
    files::uri
    files::image
    files::settings
    files::lists
}

/// The target of this name.
#[must_use]
pub fn find(name: &str) -> Option<Target> {
    TARGETS.iter().find(|target| target.name == name).copied()
}
