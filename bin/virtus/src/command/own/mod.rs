//! Commands about the program itself.

mod admin;
mod complete;
mod connect;
mod echo;
mod generate;
mod help;
mod place;
mod quit;

use super::Group;

pub(super) use complete::COMMAND as COMPLETE;
pub(super) use echo::COMMAND as ECHO;
pub(super) use help::COMMAND as HELP;
pub(super) use place::{CD, PWD};
pub(super) use quit::{EXIT, QUIT};

pub(crate) static GROUP: Group = Group {
    name: "Virsh itself",
    keyword: "virsh",
    commands: &[
        &CD,
        &ECHO,
        &EXIT,
        &HELP,
        &PWD,
        &QUIT,
        &COMPLETE,
        &connect::COMMAND,
        &admin::COMMAND,
        &generate::COMMAND,
    ],
};
