//! Commands about the program itself.

mod complete;
mod connect;
mod echo;
mod help;
mod place;
mod quit;

use super::Group;

pub(crate) static GROUP: Group = Group {
    name: "Virsh itself",
    keyword: "virsh",
    commands: &[
        &place::CD,
        &echo::COMMAND,
        &quit::EXIT,
        &help::COMMAND,
        &place::PWD,
        &quit::QUIT,
        &complete::COMMAND,
        &connect::COMMAND,
    ],
};
