//! From a URI's path to a host in memory.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use virtus_api::EventSink;
use virtus_base::Result;

use crate::node::{Include, read_file};
use crate::state::{Cell, State};
use crate::{Driver, Shared, bad_argument};

/// What `test:///default` has.
const DEFAULT: &str = include_str!("default.xml");

/// The host of `test:///default`, which all connections of a process share as long as one of them is open; with it
/// goes where its events are told.
#[derive(Debug)]
pub struct Defaults<S>(Mutex<Weak<(Driver, Arc<S>)>>);

impl<S: EventSink + 'static> Defaults<S> {
    /// Nothing is open yet.
    pub const fn new() -> Self {
        Defaults(Mutex::new(Weak::new()))
    }

    /// Opens what a URI's path names: the shared host of `/default`, or one of its own that is as the file says.
    ///
    /// # Errors
    /// `INVALID_ARG` without a path; what is wrong with the file.
    pub fn open(&self, path: &str, sink: impl FnOnce() -> Arc<S>) -> Result<Arc<(Driver, Arc<S>)>> {
        match path {
            "" | "/" => Err(bad_argument("testOpen: supply a path or use test:///default")),
            "/default" => {
                let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(open) = shared.upgrade() {
                    return Ok(open);
                }
                let sink = sink();
                let open = Arc::new((Driver::default_host(sink.clone())?, sink));
                *shared = Arc::downgrade(&open);
                Ok(open)
            }
            file => {
                let sink = sink();
                Ok(Arc::new((Driver::from_file(file, sink.clone())?, sink)))
            }
        }
    }
}

impl<S: EventSink + 'static> Default for Defaults<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl Driver {
    fn default_host(events: Arc<dyn EventSink>) -> Result<Driver> {
        let cell = |nth: u64| Cell { memory: nth * 2048 * 1024, free: nth * 1024 * 1024 };
        let mut state = State { cells: (1..=2).map(cell).collect(), ..State::default() };
        state.read(DEFAULT, &Include::Nothing)?;
        Ok(Driver::new("/default", state, events))
    }

    fn from_file(path: &str, events: Arc<dyn EventSink>) -> Result<Driver> {
        let text = read_file(path)?;
        let mut state = State::default();
        state.read(&text, &Include::Beside(Path::new(path)))?;
        Ok(Driver::new(path, state, events))
    }

    fn new(path: &str, state: State, events: Arc<dyn EventSink>) -> Driver {
        Driver(Arc::new(Shared { uri: format!("test://{path}"), state: Mutex::new(state), events }))
    }
}
