//! Commands about network filters and where they are used.

mod binding;
mod filter;

use super::Group;

pub(crate) static GROUP: Group = Group {
    name: "Network Filter",
    keyword: "filter",
    commands: &[
        &filter::DEFINE,
        &filter::DUMPXML,
        &filter::EDIT,
        &filter::LIST,
        &filter::UNDEFINE,
        &binding::CREATE,
        &binding::DELETE,
        &binding::DUMPXML,
        &binding::LIST,
    ],
};
