//! Calls that put names into an array which the caller has made.

use std::ffi::c_int;

use virtus::Result;

use crate::arg::{Names, NonNegative};
use crate::call::Call;

impl Names {
    /// Puts the names that `ask` gets there, no more than `max`; says how many. `argument` is what the array is called.
    ///
    /// # Errors
    /// `INVALID_ARG` when there is no array for some; what `ask` fails with; `NO_MEMORY`.
    pub(crate) fn list(
        &self,
        call: &Call,
        max: NonNegative<c_int>,
        argument: &str,
        ask: impl FnOnce() -> Result<Vec<String>>,
    ) -> Result<c_int> {
        let max = usize::try_from(max.0).unwrap_or_default();
        if self.is_null() && max > 0 {
            return Err(call.wrong(argument, "must not be NULL"));
        }
        let names = ask()?;
        // SAFETY: the C API says that there is room for so many
        unsafe { self.fill(max, &names) }
    }
}
