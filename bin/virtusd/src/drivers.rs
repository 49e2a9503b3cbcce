//! Which drivers the daemon has.

use std::sync::Arc;

use virtus_api::{Drivers, EventSink};

use crate::paths::Paths;

/// Makes the drivers; each tells what happens to `events`.
pub(crate) fn load(_: &Paths, _events: Arc<dyn EventSink>) -> Drivers {
    Drivers::default()
}
