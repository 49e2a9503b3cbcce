//! Where errors are said to come from.

use virtus::ErrorDomain;

/// A function of the C API: what it is called in errors, and where those come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    pub(crate) function: &'static str,
    pub(crate) errors: ErrorDomain,
}

/// Which argument of which function.
pub(crate) struct Place<'a> {
    pub(crate) site: Site,
    /// Counted from 1, the object included.
    pub(crate) number: usize,
    pub(crate) name: &'a str,
}
