//! Sets that have nothing in common.

use std::collections::HashMap;

use virtus_base::Bitmap;

/// Which of some sets that have nothing in common a number is in.
#[derive(Default)]
pub(super) struct Owners {
    bits: HashMap<usize, usize>,
    /// The set without any number.
    empty: Option<usize>,
}

impl Owners {
    /// The first set that is the same as `set` or has a number in common with it.
    pub(super) fn first(&self, set: &Bitmap) -> Option<usize> {
        let empty = self.empty.filter(|_| set.is_empty());
        set.iter().filter_map(|bit| self.bits.get(&bit).copied()).min().or(empty)
    }

    /// Adds a set that [`Owners::first`] has found no other for.
    pub(super) fn add(&mut self, set: &Bitmap, number: usize) {
        self.bits.extend(set.iter().map(|bit| (bit, number)));
        if set.is_empty() {
            self.empty = Some(number);
        }
    }
}
