//! A call across the border: what happens around the body of every function.

use std::panic::{AssertUnwindSafe, catch_unwind};

use virtus::{Error, ErrorCode, ErrorDomain, Result};

use crate::error;
use crate::handle::Of;
use crate::object::Connect;
use crate::ret::Ret;

/// What is known of a call while its arguments are taken.
#[derive(Debug)]
pub(crate) struct Call {
    /// The function's name, which stands in errors about its arguments.
    pub(crate) function: &'static str,
    /// Where its own errors come from.
    pub(crate) errors: ErrorDomain,
    /// The connection, once an argument has led to one. What fails after that is its last error as well.
    pub(crate) connection: Option<Of<Connect>>,
    /// Whether it changes something, which is asked once the arguments are taken.
    pub(crate) write_later: bool,
}

impl Call {
    /// An argument is not what it has to be.
    pub(crate) fn wrong(&self, argument: &str, must: &str) -> Error {
        // a name that is a word of Rust's is declared with a mark
        let argument = argument.trim_start_matches("r#");
        let text = format!("{argument} in {} {must}", self.function);
        Error::invalid_arg(self.errors, self.function, argument, text)
    }

    /// The same with a text of its own.
    pub(crate) fn refused(&self, argument: &str, text: impl Into<String>) -> Error {
        Error::invalid_arg(self.errors, self.function, argument, text)
    }

    /// Refuses what a connection that can only look may not do.
    ///
    /// # Errors
    /// `OPERATION_DENIED`.
    pub(crate) fn check_write(&self) -> Result<()> {
        self.check_denied(|function| format!("read only access prevents {function}"))
    }

    /// Refuses secrets to a connection that can only look.
    ///
    /// # Errors
    /// `OPERATION_DENIED` when there is such a flag.
    pub(crate) fn check_secure(&self, flags: u32) -> Result<()> {
        if flags == 0 {
            return Ok(());
        }
        self.check_denied(|function| format!("{function} with secure flag"))
    }

    fn check_denied(&self, text: impl FnOnce(&str) -> String) -> Result<()> {
        match self.connection.as_ref().is_some_and(|connection| connection.is_read_only()) {
            true => Err(self.error(ErrorCode::OPERATION_DENIED, text(self.function))),
            false => Ok(()),
        }
    }

    /// A text that must say something says nothing.
    pub(crate) fn empty(&self, argument: &str) -> Error {
        self.refused(argument, format!("string {argument} in {} must not be empty", self.function))
    }

    /// All arguments are taken.
    ///
    /// # Errors
    /// `OPERATION_DENIED` when one of them was a [`Later`](crate::arg::Later).
    pub(crate) fn settle(&self) -> Result<()> {
        if self.write_later { self.check_write() } else { Ok(()) }
    }

    /// Refuses to send a daemon more of something than there can be; what is in this process knows no such measure.
    ///
    /// # Errors
    /// `RPC` with what `text` says.
    pub(crate) fn measure<N: TryInto<usize>>(&self, count: N, most: usize, text: &str) -> Result<()> {
        let count = count.try_into().unwrap_or_default();
        self.within(count, most, || format!("{text}: {count} > {most}"))
    }

    /// As [`Call::measure`], with words of its own.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn within(&self, count: usize, most: usize, text: impl FnOnce() -> String) -> Result<()> {
        let far = self.connection.as_ref().is_some_and(|connection| !connection.is_local());
        match far && count > most {
            true => Err(Error::new(ErrorDomain::REMOTE, ErrorCode::RPC, text())),
            false => Ok(()),
        }
    }

    /// A UUID as text.
    ///
    /// # Errors
    /// `INVALID_ARG`.
    pub(crate) fn uuid(&self, text: &str) -> Result<virtus::Uuid> {
        virtus::Uuid::parse(text).ok_or_else(|| self.refused("uuidstr", "Invalid UUID"))
    }

    /// The flags, with the one that parameters may be texts if the daemon knows it.
    ///
    /// # Errors
    /// The daemon's.
    pub(crate) fn with_texts(&self, flags: u32) -> Result<u32> {
        self.connection.as_ref().map_or(Ok(flags), |connection| connection.with_texts(flags))
    }

    /// The call's error of `code`.
    pub(crate) fn error(&self, code: virtus::ErrorCode, text: impl Into<String>) -> Error {
        Error::new(self.errors, code, text)
    }
}

/// Runs a function's body, and tells C what came of it.
pub(crate) fn run<R: Ret>(
    (function, errors): (&'static str, ErrorDomain),
    body: impl FnOnce(&mut Call) -> Result<R>,
) -> R::C {
    let mut call = Call { function, errors, connection: None, write_later: false };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        error::reset();
        let value = body(&mut call)?;
        value.give(&call)
    }));
    let failure = match outcome {
        Ok(Ok(value)) => return value,
        Ok(Err(error)) => error,
        Err(panic) => Error::internal(errors, format!("{function}: {}", told(&*panic))),
    };
    // an error handler of C's may not unwind, and one of ours does not
    let _ = catch_unwind(AssertUnwindSafe(|| error::raise(&failure, call.connection.as_deref())));
    R::FAILURE
}

/// Runs a body that reports no errors. A panic leaves C with a zero of the type, as good as nothing.
pub(crate) fn run_plain<C: Zero>(body: impl FnOnce() -> C) -> C {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(C::ZERO)
}

fn told(panic: &(dyn std::any::Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "unknown failure".to_owned(),
    }
}

/// What C gets when even that went wrong.
pub(crate) trait Zero {
    const ZERO: Self;
}

impl Zero for () {
    const ZERO: () = ();
}

impl Zero for std::ffi::c_int {
    const ZERO: Self = -1;
}

impl<T> Zero for *mut T {
    const ZERO: Self = std::ptr::null_mut();
}

impl<T> Zero for *const T {
    const ZERO: Self = std::ptr::null();
}
