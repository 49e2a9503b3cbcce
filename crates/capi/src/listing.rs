//! Calls that put names into an array which the caller has made.

use std::ffi::c_int;

use virtus::Result;

use crate::arg::{Names, NonNegative};
use crate::call::Call;

/// More names than these no daemon is asked for.
pub(crate) const MOST: usize = 16_384;
/// The same for devices of the host, of which there are many.
pub(crate) const MOST_DEVICES: usize = 65_536;

impl Names {
    /// Puts the names that `ask` gets there, no more than `max`; says how many. `argument` is what the array is called.
    ///
    /// # Errors
    /// `INVALID_ARG` when there is no array for some; `RPC` for a number that is beyond all measure; what `ask` fails
    /// with; `NO_MEMORY`.
    pub(crate) fn list(
        &self,
        call: &Call,
        max: NonNegative<c_int>,
        argument: &str,
        ask: impl FnOnce() -> Result<Vec<String>>,
    ) -> Result<c_int> {
        self.list_up_to(MOST, call, max, argument, ask)
    }

    /// As [`Names::list`], with another measure.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn list_up_to(
        &self,
        most: usize,
        call: &Call,
        max: NonNegative<c_int>,
        argument: &str,
        ask: impl FnOnce() -> Result<Vec<String>>,
    ) -> Result<c_int> {
        let max = usize::try_from(max.0).unwrap_or_default();
        if self.is_null() && max > 0 {
            return Err(call.wrong(argument, "must not be NULL"));
        }
        call.within(max, most, || {
            let of = call.function;
            format!("too many remote strings: {max} > {most},in parameter '{argument}' for '{of}'")
        })?;
        let names = ask()?;
        // SAFETY: the C API says that there is room for so many
        unsafe { self.fill(max, &names) }
    }
}
