//! The daemon's log, with libvirt's filters and outputs, which can be changed while it runs.

mod filter;
mod output;

use std::sync::{Arc, OnceLock, RwLock};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

pub(crate) use filter::Filters;
pub(crate) use output::{Format, Outputs};

/// How grave a line is, in libvirt's numbers: 1 debug, 2 info, 3 warning, 4 error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Priority(pub(crate) u8);

impl Priority {
    pub(crate) const ERROR: Priority = Priority(4);

    /// One of libvirt's numbers.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|n| (1..=4).contains(n)).map(Priority)
    }

    fn of(level: Level) -> Self {
        match level {
            Level::ERROR => Priority::ERROR,
            Level::WARN => Priority(3),
            Level::INFO => Priority(2),
            _ => Priority(1),
        }
    }

    fn name(self) -> &'static str {
        match self.0 {
            1 => "debug",
            2 => "info",
            3 => "warning",
            _ => "error",
        }
    }
}

/// What decides which lines go where.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// The least that is logged where no filter says otherwise.
    pub(crate) level: Option<Priority>,
    pub(crate) filters: Filters,
    pub(crate) outputs: Outputs,
}

/// The log; clones are the same log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<RwLock<Settings>>);

impl Log {
    /// Changes the settings.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.0.write().unwrap_or_else(|e| e.into_inner()));
        tracing::callsite::rebuild_interest_cache();
    }

    /// Looks at the settings.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Settings) -> T) -> T {
        look(&self.0.read().unwrap_or_else(|e| e.into_inner()))
    }

    /// Makes it the log of the whole process; the first one stays.
    pub(crate) fn install(&self) {
        static INSTALLED: OnceLock<()> = OnceLock::new();
        INSTALLED.get_or_init(|| {
            let subscriber = tracing_subscriber::registry().with(self.clone());
            // only fails when there is one already
            let _ = tracing::subscriber::set_global_default(subscriber);
        });
    }
}

impl<S: Subscriber> Layer<S> for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        self.look(|settings| {
            let least =
                settings.filters.priority(metadata.target()).or(settings.level).unwrap_or(Priority(3));
            Priority::of(*metadata.level()) >= least
        })
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let metadata = event.metadata();
        let line = output::Line {
            priority: Priority::of(*metadata.level()),
            target: metadata.target(),
            line: metadata.line().unwrap_or(0),
            message: text.message,
        };
        self.look(|settings| settings.outputs.write(&line));
    }
}

/// An event's message with its fields behind.
#[derive(Default)]
struct Text {
    message: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        use std::fmt::Write as _;
        // writing into a String cannot fail
        let _ = match field.name() {
            "message" if self.message.is_empty() => write!(self.message, "{value:?}"),
            "message" => {
                self.message = format!("{value:?}{}", self.message);
                Ok(())
            }
            name => write!(self.message, " {name}={value:?}"),
        };
    }
}
