//! Steps back, for when a later step fails.

use std::pin::Pin;

use virtus_base::Result;

type Step = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send>;

/// What has to be undone, newest first. Each step of a longer work pushes its undo; at the end the work either
/// forgets them all ([`Undo::commit`]) or runs them ([`Undo::unwind`]). One that is dropped with steps left
/// says so in the log: its work was abandoned half way.
#[derive(Default)]
pub struct Undo(Vec<(&'static str, Step)>);

impl Undo {
    /// Nothing to undo yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step; `what` is for the log.
    pub fn push(&mut self, what: &'static str, step: impl FnOnce() -> Result<()> + Send + 'static) {
        self.push_async(what, || async { step() });
    }

    /// Adds a step that may wait.
    pub fn push_async<F>(&mut self, what: &'static str, step: impl FnOnce() -> F + Send + 'static)
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.0.push((what, Box::new(move || Box::pin(step()))));
    }

    /// The work is done: nothing is to be undone any more.
    pub fn commit(mut self) {
        self.0.clear();
    }

    /// Runs all steps, newest first, going on after failures, which are logged and counted.
    pub async fn unwind(mut self) -> usize {
        let mut failures = 0;
        while let Some((what, step)) = self.0.pop() {
            if let Err(e) = step().await {
                failures += 1;
                tracing::warn!("undoing '{what}' failed: {e}");
            }
        }
        failures
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for (what, _) in &self.0 {
            tracing::warn!("'{what}' was neither finished nor undone");
        }
    }
}

impl std::fmt::Debug for Undo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(what, _)| what)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use virtus_base::{Error, ErrorDomain};

    #[tokio::test]
    async fn steps_run_backwards_and_past_failures() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut undo = Undo::new();
        for n in 0..4 {
            let seen = Arc::clone(&seen);
            undo.push("step", move || {
                seen.lock().unwrap().push(n);
                if n == 2 { Err(Error::internal(ErrorDomain::NONE, "no")) } else { Ok(()) }
            });
        }
        assert_eq!(undo.unwind().await, 1);
        assert_eq!(*seen.lock().unwrap(), [3, 2, 1, 0]);
    }

    #[tokio::test]
    async fn committed_work_is_not_undone() {
        let mut undo = Undo::new();
        undo.push("step", || panic!("undone"));
        undo.commit();
    }
}
