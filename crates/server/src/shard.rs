//! The threads that serve connections.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;
use tokio::task::LocalSet;

type Job = Box<dyn FnOnce() + Send>;

/// Threads with an event loop each; connections are dealt out in turn.
#[derive(Debug)]
pub struct Shards {
    threads: Vec<mpsc::UnboundedSender<Job>>,
    next: AtomicUsize,
}

impl Shards {
    /// Starts `count` threads.
    ///
    /// # Errors
    /// When the system gives no thread or no event loop.
    pub fn start(count: usize) -> std::io::Result<Self> {
        let mut threads = Vec::new();
        for i in 0..count.max(1) {
            let (sender, mut jobs) = mpsc::unbounded_channel::<Job>();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            std::thread::Builder::new().name(format!("rpc-{i}")).spawn(move || {
                LocalSet::new().block_on(&runtime, async move {
                    while let Some(job) = jobs.recv().await {
                        job();
                    }
                });
            })?;
            threads.push(sender);
        }
        Ok(Shards { threads, next: AtomicUsize::new(0) })
    }

    /// Has the next thread run `job`, which may spawn local tasks.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.threads.len().max(1);
        if let Some(thread) = self.threads.get(turn) {
            // a thread ends only with the daemon
            let _ = thread.send(Box::new(job));
        }
    }
}
