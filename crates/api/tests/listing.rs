//! The committed listing of all procedures: what a wire layout is and what a call needs may not change unseen.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::Path;

use virtus_api::{Mark, Priority, Program, procedures};

fn listing() -> String {
    let mut text = String::from(
        "# program number function priority permissions [marks]; written by UPDATE=1 cargo test -p virtus-api --test listing\n",
    );
    let mut rows: Vec<_> = procedures().collect();
    rows.sort_by_key(|p| (p.program.0 != Program::REMOTE.0, p.program.0, p.number));
    for p in rows {
        let program = match p.program {
            Program::REMOTE => "remote",
            Program::QEMU => "qemu",
            Program::LXC => "lxc",
            _ => "admin",
        };
        let priority = if p.priority == Priority::High { "high" } else { "low" };
        let permissions: Vec<_> = p
            .checks
            .iter()
            .map(|c| {
                let condition = c
                    .condition
                    .map(|c| format!(" if {}", c.split_whitespace().collect::<Vec<_>>().join(" ")))
                    .unwrap_or_default();
                format!("{}.{}{condition}", c.permission.object, c.permission.name)
            })
            .collect();
        write!(text, "{program} {} {} {priority} {}", p.number, p.function, permissions.join(", ")).unwrap();
        for (mark, word) in [
            (Mark::Stream, "stream"),
            (Mark::ReadOnlyMay, "read-only-may"),
            (Mark::ReadOnlyMayNot, "read-only-may-not"),
        ] {
            if p.has(mark) {
                write!(text, " [{word}]").unwrap();
            }
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_listing_is_what_is_declared() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/procedures.txt");
    let declared = listing();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &declared).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let stale = committed.lines().zip(declared.lines()).find(|(old, new)| old != new);
    assert_eq!(stale, None, "docs/procedures.txt is stale");
    assert_eq!(committed.len(), declared.len(), "docs/procedures.txt is stale");
}

/// What a read-only connection can never do, whatever else changes.
#[test]
fn a_read_only_connection_changes_nothing() {
    for p in procedures().filter(|p| p.program == Program::REMOTE) {
        let reads = p.checks.iter().all(|c| c.condition.is_some() || c.permission.is_read())
            || p.has(Mark::ReadOnlyMay);
        let changes = [
            "Create", "Define", "Undefine", "Destroy", "Suspend", "Resume", "Shutdown", "Reboot", "Attach",
            "Detach", "Set", "Delete", "Del", "Migrate", "Save", "Restore", "Open", "Upload", "Download",
            "Abort",
        ];
        let verb = changes.iter().find(|verb| {
            p.function.match_indices(**verb).any(|(at, _)| {
                // a word of the name, not a part of one
                p.function[at + verb.len()..].chars().next().is_none_or(char::is_uppercase)
            })
        });
        let known = [
            "virConnectOpen",
            "virConnectSetIdentity",
            "virDomainMigrateGetCompressionCache",
            "virDomainMigrateGetMaxDowntime",
        ];
        if let Some(verb) = verb.filter(|_| !known.contains(&p.function)) {
            let only_looks =
                p.function.contains("Get") || p.function.contains("Has") || p.function.contains("Lookup");
            assert!(
                !reads || (only_looks && !p.function.contains("Set")),
                "{} ({verb}) needs no right to change",
                p.function
            );
        }
    }
}
