//! How things look: tables and their other forms, trees, sizes, times.

pub(crate) mod escape;
pub(crate) mod size;
mod table;
pub(crate) mod tree;
mod value;

pub(crate) use table::{Cell, Table, is_for_people};
pub(crate) use value::param;

pub(crate) use crate::time;
