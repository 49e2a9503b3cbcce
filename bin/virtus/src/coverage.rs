//! The committed table of commands: what of libvirt's programs there is, and what they do not have.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use crate::command::{Catalogue, Command, VIRSH, VIRT_ADMIN, VIRTUS, VIRTUS_ADMIN};

/// What libvirt's programs have: `[program]`, then a command a line with its `=aliases` and options.
const REFERENCE: &str = include_str!("reference.txt");

fn known(program: &str) -> impl Iterator<Item = &'static str> {
    let start = format!("[{program}]");
    REFERENCE.lines().skip_while(move |line| *line != start).skip(1).take_while(|line| !line.starts_with('['))
}

fn option_names(command: &Command, extended: bool) -> BTreeSet<&'static str> {
    command
        .options
        .iter()
        .filter(|option| extended || !option.only_virtus)
        .map(|option| option.name)
        .collect()
}

fn section(text: &mut String, program: &str, own: &str, catalogue: &Catalogue, extended: &Catalogue) {
    let mut missing = Vec::new();
    let (mut commands, mut had, mut options, mut options_had) = (0, 0, 0, 0);
    for line in known(program) {
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        let (aliases, wanted): (Vec<_>, Vec<_>) = words.partition(|word| word.starts_with('='));
        commands += 1;
        options += wanted.len();
        let Some(command) = catalogue.find(name) else {
            missing.push(format!("`{name}`"));
            continue;
        };
        had += 1;
        let there = option_names(command, false);
        for option in wanted {
            match there.contains(option) {
                true => options_had += 1,
                false => missing.push(format!("`{name} --{option}`")),
            }
        }
        let no_alias = |alias: &&str| !command.aliases.contains(&alias.trim_start_matches('='));
        missing.extend(aliases.into_iter().filter(no_alias).map(|alias| format!("`{alias}`")));
    }
    writeln!(
        text,
        "\n## {program}\n\n{had} of {commands} commands and {options_had} of {options} options of {program} 11.3."
    )
    .unwrap();
    match missing.is_empty() {
        true => writeln!(text, "Nothing is missing.").unwrap(),
        false => writeln!(text, "Missing: {}.", missing.join(", ")).unwrap(),
    }
    let named: BTreeSet<&str> = known(program).filter_map(|line| line.split(' ').next()).collect();
    writeln!(text, "\n| command | its options | only as `{own}` |\n|---|---|---|").unwrap();
    let mut all: Vec<&Command> = extended.commands().filter(|command| !command.hidden).collect();
    all.sort_by_key(|command| command.name);
    for command in all {
        let (basic, full) = (option_names(command, false), option_names(command, true));
        let list =
            |names: Vec<&str>| names.iter().map(|name| format!("--{name}")).collect::<Vec<_>>().join(" ");
        let beyond = match named.contains(command.name) {
            true => list(full.difference(&basic).copied().collect()),
            false => "the command".to_owned(),
        };
        writeln!(text, "| {} | {} | {beyond} |", command.name, list(basic.into_iter().collect())).unwrap();
    }
}

#[test]
fn the_table_is_what_there_is() {
    let mut text = String::from(
        "# Commands\n\nWhat the command line has of libvirt's programs, as virsh, virt-admin or under its own name. \
         Written from the\ndeclarations by `UPDATE=1 cargo test -p virtus-cli the_table_is_what_there_is`.\n",
    );
    section(&mut text, "virsh", "virtus", &VIRSH, &VIRTUS);
    section(&mut text, "virt-admin", "virtus admin", &VIRT_ADMIN, &VIRTUS_ADMIN);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let stale = committed.lines().zip(text.lines()).find(|(old, new)| old != new);
    assert_eq!(stale, None, "docs/commands.md is stale");
    assert_eq!(committed.len(), text.len(), "docs/commands.md is stale");
}

/// Whoever writes a list for programs to read says what is in it.
#[test]
fn lists_for_programs_are_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/output.md");
    let text = std::fs::read_to_string(path).unwrap();
    for (catalogue, prefix) in [(&VIRTUS, ""), (&VIRTUS_ADMIN, "admin ")] {
        for command in catalogue.commands() {
            if command.options.iter().any(|option| option.name == "output") {
                let name = format!("`{prefix}{}", command.name);
                let row = |line: &str| line.starts_with('|') && line.contains(&name);
                assert!(text.lines().any(row), "docs/output.md does not have {}", command.name);
            }
        }
    }
}

/// What is called a list is one for programs, too.
#[test]
fn every_list_is_for_programs_too() {
    const LISTS: [&str; 6] =
        ["domifaddr", "domfsinfo", "iothreadinfo", "vcpupin", "domblkinfo", "net-dhcp-leases"];
    let mut count = 0;
    for catalogue in [&VIRTUS, &VIRTUS_ADMIN] {
        for command in catalogue.commands() {
            let called = command.name.ends_with("list") || command.name.ends_with("-models");
            if called || LISTS.contains(&command.name) {
                let option = command.options.iter().find(|option| option.name == "output");
                assert!(option.is_some_and(|option| option.only_virtus), "{} has no --output", command.name);
                count += 1;
            }
        }
    }
    assert!(count > LISTS.len() + 15, "{count} lists");
}

/// What libvirt's programs do not have must not show in them.
#[test]
fn nothing_is_added_to_libvirts_programs() {
    for (program, catalogue) in [("virsh", &VIRSH), ("virt-admin", &VIRT_ADMIN)] {
        for command in catalogue.commands().filter(|command| !command.hidden) {
            let line = known(program).find(|line| line.split(' ').next() == Some(command.name));
            let line = line.unwrap_or_else(|| panic!("{program} has no {}", command.name));
            let words: Vec<&str> = line.split(' ').collect();
            for option in option_names(command, false) {
                assert!(words.contains(&option), "{program} {} has no --{option}", command.name);
            }
            for alias in command.aliases {
                assert!(words.contains(&format!("={alias}").as_str()), "{program} has no {alias}");
            }
        }
    }
}
