//! Version scripts: which symbol has which node.

use std::fmt::Write;

use crate::libraries::Library;
use crate::stubs;

/// The node of what only our own libraries use of each other.
pub const PRIVATE: &str = "VIRTUS_PRIVATE";

/// The library's version script. Each node stands on the one before, as libvirt has it.
pub fn map(library: &Library) -> String {
    let mut map = String::new();
    let mut before = String::new();
    for (node, names) in nodes(library) {
        let _ = writeln!(map, "{node} {{\n    global:");
        for name in names {
            let _ = writeln!(map, "        {name};");
        }
        if before.is_empty() {
            map.push_str("    local:\n        *;\n");
        }
        let _ = writeln!(map, "}}{before};\n");
        before = format!(" {node}");
    }
    if !library.is_stub() {
        let _ = writeln!(map, "{PRIVATE} {{\n    global:\n        {}*;\n}}{before};", stubs::PREFIX);
    }
    map
}

/// Nodes with their symbols, oldest first.
pub fn nodes(library: &Library) -> Vec<(String, Vec<&'static str>)> {
    let mut exports: Vec<_> = library.exports().map(|e| (version(e.since), e.node(), e.name)).collect();
    exports.sort();
    let mut nodes: Vec<(String, Vec<&'static str>)> = Vec::new();
    for (_, node, name) in exports {
        match nodes.last_mut() {
            Some((last, names)) if *last == node => names.push(name),
            _ => nodes.push((node, vec![name])),
        }
    }
    nodes
}

/// The numbers of a version, so that 0.10.0 comes after 0.9.13.
fn version(text: &str) -> Vec<u32> {
    text.split('.').map(|n| n.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libraries;

    #[test]
    fn nodes_stand_on_the_one_before() {
        let map = map(&libraries::ALL[0]);
        assert!(map.starts_with("LIBVIRT_0.0.3 {\n    global:\n        virConnectClose;\n"), "{map}");
        assert!(map.contains("} LIBVIRT_0.9.13;\n"), "{map}");
        assert!(map.contains("VIRTUS_PRIVATE {\n    global:\n        virtus_*;\n} LIBVIRT_"), "{map}");
        assert_eq!(map.matches("local:").count(), 1);
    }
}
