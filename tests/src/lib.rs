//! What the end-to-end tests stand on: a sealed world with a daemon in it, its consoles, and the runner that counts.
//!
//! A story is a function from a [`World`] to an [`Outcome`]. The runner starts each in mount, network and PID
//! namespaces of its own, so nothing of the machine changes and nothing is left whatever happens.

mod console;
mod crash;
mod library;
pub mod machine;
mod runner;
mod upstream;
mod wire;
mod world;

pub use console::Console;
pub use crash::{STEPS, Threads, die_at};
pub use library::Library;
pub use runner::{Need, Story, run};
pub use upstream::Upstream;
pub use wire::Peer;
pub use world::{Answer, World};

/// Why a story failed, in words.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
/// How a story ends.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Fails the story with the text unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(format!($($text)+).into());
        }
    };
}

/// Asks until `condition` says yes; after `seconds` it fails with what it waited for.
///
/// # Errors
/// That the condition did not come true in time, or what it failed with.
pub fn wait_for(what: &str, seconds: u64, mut condition: impl FnMut() -> Outcome<bool>) -> Outcome {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
    let mut pause = std::time::Duration::from_millis(1);
    while !condition()? {
        ensure!(std::time::Instant::now() < end, "waited {seconds} s in vain for {what}");
        std::thread::sleep(pause);
        pause = (pause * 2).min(std::time::Duration::from_millis(50));
    }
    Ok(())
}
