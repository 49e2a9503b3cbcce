//! The table in the kernel: who has which chains, and changes of that, each a transaction.
//!
//! Each of the four base chains looks up the interface in a map of verdicts, so a packet's way does not depend on how
//! many guests there are. All other objects belong to one interface and have its name in theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use virtus_base::Result;
use virtus_host::nft;
use virtus_host::nft::Script;
use virtus_host::program::{Output, Program, Runner, run_blocking};

use crate::compile::{Abilities, Compiled, ENTRIES, prefix};

const TABLE: &str = "virtus_nwfilter";
/// Names of objects of interfaces begin so.
const GUESTS: &str = "guest/";
/// The base chains: their map and entry, where they hook, what they look up. What the host itself sends to a guest is
/// not filtered as connections, as with libvirt's iptables.
const BASE: [(&str, &str, &str); 4] = [
    ("from", "prerouting priority -300", "iifname"),
    ("from-ip", "prerouting priority -290", "iifname"),
    ("to-ip", "forward priority -200", "oifname"),
    ("to", "postrouting priority 300", "oifname"),
];

/// The objects of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Objects {
    chains: BTreeSet<String>,
    sets: BTreeSet<String>,
    /// The maps it is in.
    maps: BTreeSet<String>,
}

/// What is in the kernel, as far as is known.
#[derive(Debug)]
pub(crate) struct Kernel {
    runner: Arc<dyn Runner>,
    abilities: Option<Abilities>,
    /// By interface; `None` when it has to be read.
    present: Option<BTreeMap<String, Objects>>,
}

/// What an interface is to get; `None` is nothing.
pub(crate) type Wanted = (String, Option<Compiled>);

impl Kernel {
    pub(crate) fn new(runner: Arc<dyn Runner>) -> Kernel {
        Kernel { runner, abilities: None, present: None }
    }

    /// What the kernel can do with bridged packets.
    pub(crate) fn abilities(&mut self) -> Abilities {
        if let Some(known) = self.abilities {
            return known;
        }
        let can = |rule: &str| {
            let text = format!(
                "table bridge virtus_try {{\n chain c {{\n type filter hook prerouting priority 0\n {rule}\n }}\n}}\n"
            );
            let program = Program::new("nft").args(["-c", "-f", "-"]).stdin(text);
            matches!(run_blocking(self.runner.as_ref(), &program), Ok(Output { status: Some(0), .. }))
        };
        let abilities = Abilities { reject: can("reject"), conntrack: can("ct count over 1 drop") };
        *self.abilities.insert(abilities)
    }

    /// Interfaces that have rules, with those whose guests are long gone.
    pub(crate) fn interfaces(&mut self) -> Result<Vec<String>> {
        Ok(self.present()?.keys().cloned().collect())
    }

    fn present(&mut self) -> Result<&mut BTreeMap<String, Objects>> {
        let found = match self.present.take() {
            Some(known) => known,
            None => nft::table(self.runner.as_ref(), "bridge", TABLE)?
                .map_or_else(BTreeMap::new, |all| read(&all)),
        };
        Ok(self.present.insert(found))
    }

    /// Gives interfaces their rules, all or none.
    ///
    /// # Errors
    /// When the kernel does not take them; all interfaces have what they had then.
    pub(crate) fn apply(&mut self, wanted: &[Wanted]) -> Result<()> {
        let runner = Arc::clone(&self.runner);
        let present = self.present()?;
        let mut next = present.clone();
        let mut script = Script::default();
        for (interface, compiled) in wanted {
            match compiled.as_ref().filter(|c| !c.chains.is_empty()) {
                Some(compiled) => drop(next.insert(interface.clone(), objects(interface, compiled))),
                None => drop(next.remove(interface)),
            }
        }
        if next.is_empty() {
            // an empty table would be in nobody's way, but would be left behind
            if !present.is_empty() {
                nft!(script, "delete table bridge {TABLE}");
            }
        } else {
            if present.is_empty() {
                base(&mut script);
            }
            for (interface, compiled) in wanted {
                let had = present.get(interface).cloned().unwrap_or_default();
                change(&mut script, interface, &had, next.get(interface), compiled.as_ref())?;
            }
        }
        match script.apply(runner.as_ref()) {
            Ok(()) => {
                *present = next;
                Ok(())
            }
            Err(e) => {
                // somebody may have taken the table away
                self.present = None;
                Err(e)
            }
        }
    }
}

fn objects(interface: &str, compiled: &Compiled) -> Objects {
    let prefix = prefix(interface);
    let entries = compiled.chains.iter().filter(|chain| ENTRIES.contains(&chain.name.as_str()));
    Objects {
        maps: entries.map(|chain| chain.name.clone()).collect(),
        chains: compiled.chains.iter().map(|chain| format!("{prefix}{}", chain.name)).collect(),
        sets: compiled.sets.iter().map(|set| format!("{prefix}{}", set.name)).collect(),
    }
}

fn base(script: &mut Script) {
    nft!(script, "add table bridge {TABLE}");
    for (name, hook, interface) in BASE {
        nft!(script, "add map bridge {TABLE} {name} {{ type ifname : verdict; }}");
        nft!(script, "add chain bridge {TABLE} {name} {{ type filter hook {hook}; }}");
        nft!(script, "flush chain bridge {TABLE} {name}");
        nft!(script, "add rule bridge {TABLE} {name} {interface} vmap @{name}");
    }
}

/// Turns what an interface has into what it is to have. Sets that stay keep what is in them.
fn change(
    script: &mut Script,
    interface: &str,
    had: &Objects,
    next: Option<&Objects>,
    compiled: Option<&Compiled>,
) -> Result<()> {
    let nothing = Objects::default();
    let next = next.unwrap_or(&nothing);
    let quoted = nft::interface(interface)?;
    for map in had.maps.difference(&next.maps) {
        nft!(script, "delete element bridge {TABLE} {map} {{ {quoted} }}");
    }
    for chain in &had.chains {
        nft!(script, "flush chain bridge {TABLE} {chain}");
    }
    for chain in had.chains.difference(&next.chains) {
        nft!(script, "delete chain bridge {TABLE} {chain}");
    }
    for set in had.sets.difference(&next.sets) {
        nft!(script, "delete set bridge {TABLE} {set}");
    }
    let Some(compiled) = compiled else { return Ok(()) };
    let prefix = prefix(interface);
    for set in compiled.sets.iter().filter(|set| !had.sets.contains(&format!("{prefix}{}", set.name))) {
        nft!(script, "add set bridge {TABLE} {prefix}{} {{ {} }}", set.name, set.body);
    }
    for chain in next.chains.difference(&had.chains) {
        nft!(script, "add chain bridge {TABLE} {chain}");
    }
    for chain in &compiled.chains {
        for rule in &chain.rules {
            nft!(script, "add rule bridge {TABLE} {prefix}{} {rule}", chain.name);
        }
    }
    for map in next.maps.difference(&had.maps) {
        nft!(script, "add element bridge {TABLE} {map} {{ {quoted} : goto {prefix}{map} }}");
    }
    Ok(())
}

/// What interfaces have, from what nft tells of the table.
fn read(all: &[Value]) -> BTreeMap<String, Objects> {
    let mut found: BTreeMap<String, Objects> = BTreeMap::new();
    // the names of chains are encoded ones, those in maps are plain
    let mut plain: BTreeMap<String, String> = BTreeMap::new();
    for map in all.iter().filter_map(|item| item.get("map")) {
        let Some(name) = map.get("name").and_then(Value::as_str) else { continue };
        for element in map.get("elem").and_then(Value::as_array).into_iter().flatten() {
            let Some(interface) = element.get(0).and_then(Value::as_str) else { continue };
            plain.insert(prefix(interface), interface.to_owned());
            found.entry(interface.to_owned()).or_default().maps.insert(name.to_owned());
        }
    }
    let mut note = |kind: &str, place: fn(&mut Objects) -> &mut BTreeSet<String>| {
        for item in all.iter().filter_map(|item| item.get(kind)) {
            let Some(name) = item.get("name").and_then(Value::as_str) else { continue };
            let Some((encoded, _)) = name.strip_prefix(GUESTS).and_then(|rest| rest.split_once('/')) else {
                continue;
            };
            let key = plain.get(&format!("{GUESTS}{encoded}/")).map_or(encoded, String::as_str);
            place(found.entry(key.to_owned()).or_default()).insert(name.to_owned());
        }
    };
    note("chain", |objects| &mut objects.chains);
    note("set", |objects| &mut objects.sets);
    found
}

#[cfg(test)]
mod tests {
    use virtus_host::program::Recorder;

    use super::*;
    use crate::compile::{Chain, Set};

    fn compiled(chains: &[&str], sets: bool) -> Compiled {
        let chain = |name: &&str| Chain { name: (*name).to_owned(), rules: vec!["counter drop".to_owned()] };
        let set = Set { name: "flows4", body: "type ipv4_addr;" };
        Compiled {
            chains: chains.iter().map(chain).collect(),
            sets: if sets { vec![set] } else { Vec::new() },
        }
    }

    fn kernel(answers: Vec<Output>) -> (Kernel, Arc<Recorder>) {
        let recorder = Arc::new(Recorder::new(answers));
        (Kernel::new(Arc::clone(&recorder) as Arc<dyn Runner>), recorder)
    }

    fn ok(text: &str) -> Output {
        Output { status: Some(0), stdout: text.into(), ..Output::default() }
    }

    fn failed(text: &str) -> Output {
        Output { status: Some(1), stderr: text.into(), ..Output::default() }
    }

    fn last(recorder: &Recorder) -> String {
        String::from_utf8(recorder.asked().pop().unwrap().stdin).unwrap()
    }

    #[test]
    fn an_interface_comes_changes_and_goes() {
        let (mut kernel, recorder) = kernel(vec![failed("No such file")]);
        kernel.apply(&[("v0".into(), Some(compiled(&["from", "from/arp"], true)))]).unwrap();
        let text = last(&recorder);
        assert!(text.starts_with("add table bridge virtus_nwfilter\n"));
        assert!(text.contains("add element bridge virtus_nwfilter from { \"v0\" : goto guest/v0/from }\n"));
        kernel.apply(&[("v0".into(), Some(compiled(&["from"], true)))]).unwrap();
        assert_eq!(
            last(&recorder),
            "flush chain bridge virtus_nwfilter guest/v0/from\n\
             flush chain bridge virtus_nwfilter guest/v0/from/arp\n\
             delete chain bridge virtus_nwfilter guest/v0/from/arp\n\
             add rule bridge virtus_nwfilter guest/v0/from counter drop\n"
        );
        kernel.apply(&[("v0".into(), None)]).unwrap();
        assert_eq!(last(&recorder), "delete table bridge virtus_nwfilter\n");
        let before = recorder.asked().len();
        kernel.apply(&[("v0".into(), None)]).unwrap();
        assert_eq!(recorder.asked().len(), before, "nothing is nothing to do");
    }

    #[test]
    fn what_an_earlier_daemon_left_is_known() {
        let table = r#"{"nftables":[{"metainfo":{}},{"table":{"name":"virtus_nwfilter"}},
            {"map":{"name":"from","elem":[["a.b",{"goto":{"target":"guest/a.2eb/from"}}]]}},
            {"chain":{"name":"from","hook":"prerouting"}},{"chain":{"name":"guest/a.2eb/from"}},
            {"set":{"name":"guest/a.2eb/flows4"}},{"chain":{"name":"guest/lost/from"}}]}"#;
        let (mut kernel, recorder) = kernel(vec![ok(table)]);
        assert_eq!(kernel.interfaces().unwrap(), ["a.b", "lost"]);
        kernel.apply(&[("lost".into(), None), ("a.b".into(), Some(compiled(&["from"], true)))]).unwrap();
        assert_eq!(
            last(&recorder),
            "flush chain bridge virtus_nwfilter guest/lost/from\n\
             delete chain bridge virtus_nwfilter guest/lost/from\n\
             flush chain bridge virtus_nwfilter guest/a.2eb/from\n\
             add rule bridge virtus_nwfilter guest/a.2eb/from counter drop\n"
        );
    }

    #[test]
    fn a_failure_makes_it_look_again() {
        let (mut kernel, recorder) = kernel(vec![failed(""), failed("Error: no\n"), failed("")]);
        let wanted = [("v0".to_owned(), Some(compiled(&["from"], false)))];
        assert!(kernel.apply(&wanted).is_err());
        kernel.apply(&wanted).unwrap();
        assert_eq!(recorder.asked().len(), 4);
        assert!(kernel.apply(&[("bad name".into(), Some(compiled(&["from"], false)))]).is_err());
    }
}
