//! How commands and their options are declared.

use super::Arguments;
use crate::shell::{Outcome, Shell};

/// A command as it is declared.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// Other names, which `help` does not list.
    pub(crate) aliases: &'static [&'static str],
    /// One line for lists, without a full stop.
    pub(crate) summary: &'static str,
    /// What `help NAME` and the manual say beyond that; lines are broken where it is shown.
    pub(crate) about: &'static str,
    /// In the order in which values without a name are given to them.
    pub(crate) options: &'static [Opt],
    pub(crate) run: fn(&mut Shell, &Arguments) -> Outcome,
    /// Works without a daemon.
    pub(crate) offline: bool,
    /// Not shown to users.
    pub(crate) hidden: bool,
    /// Virsh has no such command.
    pub(crate) only_virtus: bool,
}

impl Command {
    /// What a declaration does not say.
    pub(crate) const PLAIN: Command = Command {
        name: "",
        aliases: &[],
        summary: "",
        about: "",
        options: &[],
        run: |_, _| Ok(()),
        offline: false,
        hidden: false,
        only_virtus: false,
    };
}

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    Flag,
    Text,
    Number,
    /// Any number of texts; the last option.
    Many,
    /// Another option's name, or `name=value`. It stands before what it means.
    Alias(&'static str),
}

/// Where proposals for an option's value come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Completer {
    Nothing,
    /// Files, which the user's shell knows.
    Files,
    Words(&'static [&'static str]),
    /// Somebody who may ask the daemon.
    Ask(fn(&mut Shell, &Arguments) -> Vec<String>),
}

/// An option of a command as it is declared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opt {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
    pub(crate) required: bool,
    /// The name may be left out.
    pub(crate) positional: bool,
    /// The name may be left out though no help says so: old habits.
    pub(crate) also_positional: bool,
    pub(crate) may_be_empty: bool,
    pub(crate) completer: Completer,
    /// Virsh has no such option.
    pub(crate) only_virtus: bool,
}

impl Opt {
    const fn new(name: &'static str, kind: Kind, help: &'static str) -> Opt {
        Opt {
            name,
            kind,
            help,
            required: false,
            positional: false,
            also_positional: false,
            may_be_empty: false,
            completer: Completer::Nothing,
            only_virtus: false,
        }
    }

    pub(crate) const fn flag(name: &'static str, help: &'static str) -> Opt {
        Opt::new(name, Kind::Flag, help)
    }

    pub(crate) const fn text(name: &'static str, help: &'static str) -> Opt {
        Opt::new(name, Kind::Text, help)
    }

    pub(crate) const fn number(name: &'static str, help: &'static str) -> Opt {
        Opt::new(name, Kind::Number, help)
    }

    pub(crate) const fn many(name: &'static str, help: &'static str) -> Opt {
        Opt::new(name, Kind::Many, help)
    }

    pub(crate) const fn alias(name: &'static str, target: &'static str) -> Opt {
        Opt::new(name, Kind::Alias(target), "")
    }

    pub(crate) const fn required(mut self) -> Opt {
        self.required = true;
        self
    }

    pub(crate) const fn positional(mut self) -> Opt {
        self.positional = true;
        self
    }

    pub(crate) const fn also_positional(mut self) -> Opt {
        self.also_positional = true;
        self
    }

    pub(crate) const fn may_be_empty(mut self) -> Opt {
        self.may_be_empty = true;
        self
    }

    pub(crate) const fn only_virtus(mut self) -> Opt {
        self.only_virtus = true;
        self
    }

    pub(crate) const fn completes(mut self, completer: Completer) -> Opt {
        self.completer = completer;
        self
    }

    /// Proposals from somebody who may ask the daemon.
    pub(crate) const fn asks(self, ask: fn(&mut Shell, &Arguments) -> Vec<String>) -> Opt {
        self.completes(Completer::Ask(ask))
    }

    /// One of a few words.
    pub(crate) const fn one_of(self, words: &'static [&'static str]) -> Opt {
        self.completes(Completer::Words(words))
    }

    pub(crate) const fn file(self) -> Opt {
        self.completes(Completer::Files)
    }
}

/// Commands about one kind of thing.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    /// What `help` takes.
    pub(crate) keyword: &'static str,
    pub(crate) commands: &'static [&'static Command],
}

/// All commands that one name of the program has.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) groups: &'static [&'static Group],
    /// With what virsh does not have.
    pub(crate) extended: bool,
}

impl Catalogue {
    /// The command of this name or alias.
    pub(crate) fn find(&self, name: &str) -> Option<&'static Command> {
        self.commands().find(|command| command.name == name || command.aliases.contains(&name))
    }

    /// The group of this name or keyword.
    pub(crate) fn group(&self, name: &str) -> Option<&'static Group> {
        self.groups.iter().copied().find(|group| group.name == name || group.keyword == name)
    }

    pub(crate) fn commands(&self) -> impl Iterator<Item = &'static Command> + use<'_> {
        self.groups.iter().flat_map(|group| self.of(group))
    }

    /// The commands of a group that there are here.
    pub(crate) fn of(&self, group: &'static Group) -> impl Iterator<Item = &'static Command> + use<> {
        let extended = self.extended;
        group.commands.iter().copied().filter(move |command| extended || !command.only_virtus)
    }

    /// The options of a command that there are here and that help shows.
    pub(crate) fn options(&self, command: &'static Command) -> impl Iterator<Item = &'static Opt> + use<> {
        let extended = self.extended;
        command
            .options
            .iter()
            .filter(move |option| (extended || !option.only_virtus) && !matches!(option.kind, Kind::Alias(_)))
    }
}
