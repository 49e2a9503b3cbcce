//! What a command was given, with libvirt's complaints about it.

use std::fmt::Display;

use super::number::{self, Number, SizeError};
use super::{Command, Opt};
use crate::shell::{Failure, Outcome};

/// A command with the values of its options.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) command: &'static Command,
    values: Vec<Value>,
    /// The option that got a value last: the one to complete.
    last: Option<usize>,
}

#[derive(Clone, Debug, Default)]
struct Value {
    present: bool,
    texts: Vec<String>,
}

impl Arguments {
    pub(super) fn new(command: &'static Command) -> Self {
        Arguments { command, values: vec![Value::default(); command.options.len()], last: None }
    }

    pub(super) fn is_filled(&self, index: usize) -> bool {
        self.values.get(index).is_some_and(|value| value.present)
    }

    pub(super) fn fill(&mut self, index: usize, text: Option<String>) {
        if let Some(value) = self.values.get_mut(index) {
            value.present = true;
            value.texts.extend(text);
            self.last = Some(index);
        }
    }

    /// The option that was filled last, and with what.
    pub(crate) fn last(&self) -> Option<(&'static Opt, Option<&str>)> {
        let index = self.last?;
        let text = self.values.get(index)?.texts.last().map(String::as_str);
        Some((self.command.options.get(index)?, text))
    }

    fn value(&self, name: &str) -> Option<(&'static Opt, &Value)> {
        let options = self.command.options;
        let place = options.iter().position(|option| option.name == name);
        debug_assert!(place.is_some(), "{} declares no --{name}", self.command.name);
        let place = place?;
        self.values.get(place).filter(|value| value.present).map(|value| (&options[place], value))
    }

    /// Whether the option was given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The flags that the options given stand for.
    pub(crate) fn flags(&self, table: &[(&str, u32)]) -> u32 {
        table.iter().filter(|(name, _)| self.has(name)).fold(0, |all, (_, flag)| all | flag)
    }

    /// Whether something else than a table is wanted.
    pub(crate) fn has_output(&self) -> bool {
        self.knows("output") && !matches!(self.some_text("output"), None | Some("table"))
    }

    /// Whether the command declares the option at all.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.command.options.iter().any(|option| option.name == name)
    }

    /// The value of an option.
    ///
    /// # Errors
    /// It is empty, which most options may not be.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.value(name) {
            None => Ok(None),
            Some((option, value)) => match value.texts.last().map_or("", String::as_str) {
                "" if !option.may_be_empty => {
                    Err(Failure::new(format_args!("Failed to get option '{name}': Option argument is empty")))
                }
                text => Ok(Some(text)),
            },
        }
    }

    /// `--xpath`. That it is empty is told in no words.
    ///
    /// # Errors
    /// It is empty.
    pub(crate) fn xpath(&self) -> Result<Option<&str>, Failure> {
        self.text("xpath").map_err(|_| Failure::silent())
    }

    /// The value of an option; an empty one counts as none.
    pub(crate) fn some_text(&self, name: &str) -> Option<&str> {
        self.text(name).ok().flatten()
    }

    /// The value of an option that the grammar requires.
    ///
    /// # Errors
    /// As [`Arguments::text`].
    pub(crate) fn needed(&self, name: &str) -> Result<&str, Failure> {
        match self.text(name)? {
            Some(text) => Ok(text),
            None => {
                Err(Failure::new(format_args!("Failed to get option '{name}': Mandatory option not present")))
            }
        }
    }

    /// All values of an option that takes many.
    pub(crate) fn many(&self, name: &str) -> &[String] {
        self.value(name).map_or(&[], |(_, value)| &value.texts)
    }

    /// All values of an option that takes many, with blanks between them.
    pub(crate) fn joined(&self, name: &str) -> Option<String> {
        self.value(name).map(|(_, value)| value.texts.join(" "))
    }

    /// A number.
    ///
    /// # Errors
    /// It is none, or does not fit.
    pub(crate) fn number<N: Number>(&self, name: &str) -> Result<Option<N>, Failure> {
        let Some((_, value)) = self.value(name) else { return Ok(None) };
        let text = value.texts.last().map_or("", String::as_str);
        N::read(text).map(Some).ok_or_else(|| malformed(&text, name))
    }

    /// A size, in bytes: without a unit it counts in units of `scale`; at most `limit`.
    ///
    /// # Errors
    /// It is none, or too large.
    pub(crate) fn size(&self, name: &str, scale: u64, limit: u64) -> Result<Option<u64>, Failure> {
        let Some((_, value)) = self.value(name) else { return Ok(None) };
        let text = value.texts.last().map_or("", String::as_str);
        number::scaled(text, scale, limit).map(Some).map_err(|error| {
            let failure = Failure::new(format_args!(
                "Scaled numeric value '{text}' for <{name}> option is malformed or out of range"
            ));
            match error {
                SizeError::Malformed => failure,
                SizeError::Unit(error) => failure.because(error),
            }
        })
    }

    /// The `--timeout` that waiting commands have, in milliseconds.
    ///
    /// # Errors
    /// It is no number, zero, or too long.
    pub(crate) fn timeout_ms(&self) -> Result<Option<u64>, Failure> {
        match self.number::<u32>("timeout")? {
            None => Ok(None),
            Some(seconds) if seconds == 0 || seconds > i32::MAX as u32 / 1000 => {
                Err(malformed(&seconds, "timeout"))
            }
            Some(seconds) => Ok(Some(u64::from(seconds) * 1000)),
        }
    }

    /// # Errors
    /// Both options were given.
    pub(crate) fn exclusive(&self, one: &str, other: &str) -> Outcome {
        exclusive((one, self.has(one)), (other, self.has(other)))
    }

    /// # Errors
    /// `option` was given without `required`.
    pub(crate) fn requires(&self, option: &str, required: &str) -> Outcome {
        requires((option, self.has(option)), (required, self.has(required)))
    }

    /// # Errors
    /// Both options were given, or none of them.
    pub(crate) fn one_of(&self, one: &str, other: &str) -> Outcome {
        self.exclusive(one, other)?;
        match self.has(one) || self.has(other) {
            true => Ok(()),
            false => Err(Failure::new(format_args!("Either --{one} or --{other} must be provided"))),
        }
    }
}

/// # Errors
/// Both options are set.
pub(crate) fn exclusive((one, is_one): (&str, bool), (other, is_other): (&str, bool)) -> Outcome {
    match is_one && is_other {
        true => Err(Failure::new(format_args!("Options --{one} and --{other} are mutually exclusive"))),
        false => Ok(()),
    }
}

/// # Errors
/// The first option is set and the second is not.
pub(crate) fn requires((one, is_one): (&str, bool), (other, is_other): (&str, bool)) -> Outcome {
    match is_one && !is_other {
        true => Err(Failure::new(format_args!("Option --{other} is required by option --{one}"))),
        false => Ok(()),
    }
}

/// A number that cannot be taken.
pub(crate) fn malformed(text: &dyn Display, name: &str) -> Failure {
    Failure::new(format_args!("Numeric value '{text}' for <{name}> option is malformed or out of range"))
}
