//! Why a command failed: what it says itself, and what the daemon said.

use std::fmt::Display;

/// How a command ends.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// What is told a user whose command failed: a line for each text, then one for the daemon's error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failure {
    said: Vec<String>,
    cause: Option<virtus::Error>,
}

impl Failure {
    /// A failure that the command itself found.
    pub(crate) fn new(text: impl Display) -> Self {
        Failure { said: vec![text.to_string()], cause: None }
    }

    /// A failure of something that was part of what failed.
    pub(crate) fn from_parts(text: impl Display, mut part: Failure) -> Self {
        part.said.insert(0, text.to_string());
        part
    }

    /// A failure about which all is said already.
    pub(crate) fn silent() -> Self {
        Failure::default()
    }

    /// Adds what the daemon said.
    pub(crate) fn because(mut self, cause: virtus::Error) -> Self {
        self.cause = Some(cause);
        self
    }

    /// Adds a line after those that are said already.
    pub(crate) fn and(mut self, text: impl Display) -> Self {
        self.said.push(text.to_string());
        self
    }

    /// What the daemon said.
    pub(crate) fn cause(&self) -> Option<&virtus::Error> {
        self.cause.as_ref()
    }

    /// What the command itself said.
    pub(crate) fn said(&self) -> impl Iterator<Item = &str> {
        self.said.iter().map(String::as_str)
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.said.iter().map(String::as_str).chain(self.cause.as_ref().map(virtus::Error::message))
    }
}

impl From<virtus::Error> for Failure {
    fn from(cause: virtus::Error) -> Self {
        Failure { said: Vec::new(), cause: Some(cause) }
    }
}

/// Says what was tried, before the reason why it failed.
pub(crate) trait OrSay<T> {
    /// The text is made only when it is needed: pass `format_args!`.
    fn or_say(self, text: impl Display) -> Result<T, Failure>;
}

impl<T, E: Into<Failure>> OrSay<T> for Result<T, E> {
    fn or_say(self, text: impl Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::from_parts(text, error.into()))
    }
}

/// Ends a command with a failure that it found itself.
macro_rules! fail {
    ($($text:tt)*) => { return Err($crate::shell::Failure::new(format_args!($($text)*))) };
}
pub(crate) use fail;
