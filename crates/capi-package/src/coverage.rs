//! The table of what is covered: libvirt's functions and symbols, and ours.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::libraries;

/// A function or variable of libvirt: a fact, as its library and headers have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The library, without ending.
    pub library: String,
    /// The symbol's node.
    pub node: String,
    /// The header.
    pub header: String,
    /// How it is declared, without the arguments' names.
    pub prototype: String,
}

impl Fact {
    /// Reads a line: library, node, header, prototype.
    pub fn read(line: &str) -> Option<Self> {
        let mut words = line.splitn(4, ' ').map(str::to_owned);
        let fact = Fact {
            library: words.next()?,
            node: words.next()?,
            header: words.next()?,
            prototype: words.next()?,
        };
        (!fact.name().is_empty()).then_some(fact)
    }

    /// The symbol.
    pub fn name(&self) -> &str {
        let end = self.prototype.find('(').unwrap_or(self.prototype.len());
        let head = self.prototype.get(..end).unwrap_or_default();
        head.rsplit([' ', '*']).next().unwrap_or_default()
    }
}

/// What we have, in the form of facts.
pub fn ours() -> Vec<Fact> {
    let of = |library: &libraries::Library| {
        let name = library.name;
        library.exports().map(move |export| Fact {
            library: name.to_owned(),
            node: export.node(),
            header: export.header.file.to_owned(),
            prototype: {
                let types = export.arguments.map(|a| a.iter().map(|(_, of)| of()).collect::<Vec<_>>());
                let result = (export.result)();
                let space = if result.ends_with('*') { "" } else { " " };
                match types {
                    None => format!("{result}{space}{}", export.name),
                    Some(types) if types.is_empty() => format!("{result}{space}{}(void)", export.name),
                    Some(types) => format!("{result}{space}{}({})", export.name, types.join(", ")),
                }
            },
        })
    };
    libraries::ALL.iter().flat_map(of).collect()
}

/// The table, for `docs`.
pub fn table(facts: &[Fact]) -> String {
    let ours: BTreeMap<_, _> = ours().into_iter().map(|f| (f.name().to_owned(), f)).collect();
    let mut text = String::from(
        "# What of libvirt's C API is there\n\n\
         Written by `UPDATE=1 cargo test -p virtus-capi-package`, and compared with the code by that test. The facts\n\
         about libvirt 11.3 (symbols with their version nodes, and prototypes) stand in\n\
         `crates/capi-package/tests/data/functions.txt`.\n\n\
         | library | symbols | there | version nodes | the same |\n|---|---|---|---|---|\n",
    );
    for library in libraries::ALL {
        let of: Vec<_> = facts.iter().filter(|f| f.library == library.name).collect();
        let there = of.iter().filter(|f| ours.get(f.name()).is_some_and(|o| o.node == f.node)).count();
        let mut nodes: Vec<_> = of.iter().map(|f| &f.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let complete = nodes.iter().filter(|node| {
            of.iter()
                .filter(|f| f.node == ***node)
                .all(|f| ours.get(f.name()).is_some_and(|o| o.node == f.node))
        });
        let _ = writeln!(
            text,
            "| `{}.so.0` | {} | {there} | {} | {} |",
            library.name,
            of.len(),
            nodes.len(),
            complete.count()
        );
    }
    let missing: Vec<_> = facts.iter().filter(|f| !ours.contains_key(f.name())).collect();
    text.push_str("\nMissing: ");
    match missing.as_slice() {
        [] => text.push_str("none.\n"),
        some => {
            text.push('\n');
            some.iter().for_each(|f| {
                let _ = writeln!(text, "- `{}` ({})", f.name(), f.node);
            });
        }
    }
    let mut headers: BTreeMap<&str, Vec<&Fact>> = BTreeMap::new();
    facts.iter().for_each(|f| headers.entry(&f.header).or_default().push(f));
    for (header, facts) in headers {
        let _ = writeln!(text, "\n## {header}\n\n| symbol | node | there |\n|---|---|---|");
        for fact in facts {
            let there = if ours.contains_key(fact.name()) { "yes" } else { "no" };
            let _ = writeln!(text, "| `{}` | {} | {there} |", fact.name(), fact.node);
        }
    }
    text
}
