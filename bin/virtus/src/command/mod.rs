//! Which commands there are. Each has a declaration (a [`Command`]) beside its function, in `<group>/<command>.rs`; the
//! group's list in `<group>/mod.rs` names it. The grammar, `help`, completion, the manual and the coverage table come
//! from these declarations.

mod admin;
mod backup;
mod checkpoint;
mod common;
mod describe;
pub(crate) mod domain;
mod host;
mod interface;
mod moment;
mod monitor;
mod network;
mod nodedev;
mod nwfilter;
mod own;
mod pool;
mod secret;
mod snapshot;
mod volume;

pub(crate) use common::*;
pub(crate) use monitor::{BLOCK_JOBS, normal_mac};

pub(crate) use crate::grammar::{Catalogue, Command, Group, Kind, Opt};
use crate::persona::Persona;

/// All groups, in the order in which `help` lists them.
const GROUPS: &[&Group] = &[
    &domain::GROUP,
    &monitor::GROUP,
    &monitor::EVENTS,
    &host::GROUP,
    &checkpoint::GROUP,
    &interface::GROUP,
    &nwfilter::GROUP,
    &network::GROUP,
    &nodedev::GROUP,
    &secret::GROUP,
    &snapshot::GROUP,
    &backup::GROUP,
    &pool::GROUP,
    &volume::GROUP,
    &own::GROUP,
];

/// What virsh has.
pub(crate) static VIRSH: Catalogue = Catalogue { groups: GROUPS, extended: false };

/// What virtus has.
pub(crate) static VIRTUS: Catalogue = Catalogue { groups: GROUPS, extended: true };

const ADMIN_GROUPS: &[&Group] = &[&admin::OWN, &admin::MONITOR, &admin::MANAGEMENT];

/// What virt-admin has.
pub(crate) static VIRT_ADMIN: Catalogue = Catalogue { groups: ADMIN_GROUPS, extended: false };

/// What `virtus admin` has.
pub(crate) static VIRTUS_ADMIN: Catalogue = Catalogue { groups: ADMIN_GROUPS, extended: true };

/// The commands that a name of the program has.
pub(crate) fn catalogue(persona: Persona) -> &'static Catalogue {
    match persona {
        Persona::Virtus => &VIRTUS,
        Persona::VirtusAdmin => &VIRTUS_ADMIN,
        Persona::Virsh => &VIRSH,
        Persona::VirtAdmin => &VIRT_ADMIN,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn all() -> impl Iterator<Item = &'static Command> {
        VIRTUS.commands().chain(VIRTUS_ADMIN.commands())
    }

    #[test]
    fn names_are_unique() {
        for catalogue in [&VIRTUS, &VIRTUS_ADMIN] {
            let mut names = HashSet::new();
            for command in catalogue.commands() {
                for name in [command.name].iter().chain(command.aliases) {
                    assert!(names.insert(*name), "{name} is there twice");
                }
                let options: HashSet<_> = command.options.iter().map(|option| option.name).collect();
                assert_eq!(options.len(), command.options.len(), "{} has an option twice", command.name);
            }
        }
    }

    #[test]
    fn texts_are_there_and_look_alike() {
        for command in all() {
            let (name, summary) = (command.name, command.summary);
            assert!(
                !summary.is_empty() && !summary.ends_with('.') && summary.len() <= 90,
                "{name}: {summary}"
            );
            assert!(command.about.is_empty() || command.about.ends_with(['.', ':']), "{name}");
            for option in command.options.iter().filter(|option| !matches!(option.kind, Kind::Alias(_))) {
                let (option, help) = (option.name, option.help);
                let ends = help.ends_with('.') && !help.ends_with("...");
                assert!(!help.is_empty() && !ends, "{name} --{option}: {help}");
            }
        }
    }

    #[test]
    fn options_can_be_understood() {
        for command in all() {
            for (place, option) in command.options.iter().enumerate() {
                let rest = &command.options[place + 1..];
                match option.kind {
                    Kind::Many => {
                        assert!(rest.is_empty(), "{}: --{} must be last", command.name, option.name)
                    }
                    Kind::Alias(target) => {
                        let name = target.split('=').next();
                        let known = rest.iter().any(|option| Some(option.name) == name);
                        assert!(known, "{}: --{} stands for nothing", command.name, option.name);
                    }
                    Kind::Flag => assert!(!option.required && !option.positional, "{}", command.name),
                    Kind::Text | Kind::Number => {}
                }
            }
        }
    }
}
