//! Which crate may use which: the map of `docs/architecture.md`, checked.

use serde_json::Value;

use crate::Findings;

/// What an engine may stand on.
const DRIVER: &[&str] = &[
    "virtus-api",
    "virtus-base",
    "virtus-conf",
    "virtus-host",
    "virtus-qmp",
    "virtus-state",
    "virtus-xdr",
    "virtus-xml",
];
/// What an engine that runs guests may stand on.
const HYPERVISOR: &[&str] = &[
    "virtus-api",
    "virtus-base",
    "virtus-conf",
    "virtus-cpu",
    "virtus-host",
    "virtus-qmp",
    "virtus-state",
    "virtus-xdr",
    "virtus-xml",
];
/// The daemon wires the drivers to the server.
const DAEMON: &[&str] = &[
    "virtus-api",
    "virtus-base",
    "virtus-driver-interface",
    "virtus-driver-network",
    "virtus-driver-nodedev",
    "virtus-driver-nwfilter",
    "virtus-driver-qemu",
    "virtus-driver-secret",
    "virtus-driver-storage",
    "virtus-driver-test",
    "virtus-host",
    "virtus-server",
    "virtus-state",
    "virtus-xdr",
];

/// Each crate with all it may depend on in this workspace. A crate that is not here may not exist.
const ALLOWED: &[(&str, &[&str])] = &[
    // ground
    ("virtus-base", &[]),
    ("virtus-xdr", &["virtus-base"]),
    ("virtus-xml-derive", &[]),
    ("virtus-xml", &["virtus-base", "virtus-xml-derive"]),
    // the traits' signatures are the wire's layout, hence the codec below them
    ("virtus-api", &["virtus-base", "virtus-xdr"]),
    // parts
    ("virtus-conf", &["virtus-base", "virtus-xml"]),
    ("virtus-cpu", &["virtus-base", "virtus-conf", "virtus-xml"]),
    ("virtus-qmp", &["virtus-base"]),
    ("virtus-host", &["virtus-base"]),
    ("virtus-state", &["virtus-base"]),
    // wire
    ("virtus-rpc", &["virtus-base", "virtus-xdr"]),
    ("virtus-server", &["virtus-api", "virtus-base", "virtus-rpc", "virtus-xdr"]),
    // drivers: never each other
    ("virtus-driver-interface", DRIVER),
    ("virtus-driver-network", DRIVER),
    ("virtus-driver-nodedev", DRIVER),
    ("virtus-driver-nwfilter", DRIVER),
    ("virtus-driver-qemu", HYPERVISOR),
    ("virtus-driver-secret", DRIVER),
    ("virtus-driver-storage", DRIVER),
    // in memory alone: neither the host nor a monitor
    (
        "virtus-driver-test",
        &["virtus-api", "virtus-base", "virtus-conf", "virtus-cpu", "virtus-xdr", "virtus-xml"],
    ),
    // faces
    ("virtus", &["virtus-api", "virtus-base", "virtus-driver-test", "virtus-rpc", "virtus-xdr"]),
    ("virtus-capi", &["virtus", "virtus-base"]),
    ("virtus-capi-package", &["virtus", "virtus-capi"]),
    ("virtus-cli", &["virtus", "virtus-base"]),
    ("virtusd", DAEMON),
    ("virtus-python", &["virtus", "virtus-api"]),
    // beside them
    ("xtask", &[]),
    ("virtus-tests", &["virtus"]),
    (
        "virtus-benches",
        &[
            "virtus",
            "virtus-api",
            "virtus-base",
            "virtus-conf",
            "virtus-rpc",
            "virtus-tests",
            "virtus-xdr",
            "virtus-xml",
        ],
    ),
    (
        "virtus-fuzz",
        &[
            "virtus",
            "virtus-api",
            "virtus-base",
            "virtus-conf",
            "virtus-cpu",
            "virtus-driver-qemu",
            "virtus-host",
            "virtus-qmp",
            "virtus-rpc",
            "virtus-xdr",
            "virtus-xml",
        ],
    ),
];

/// Compares what `cargo metadata` says with the table.
pub(crate) fn check(metadata: &Value, findings: &mut Findings) {
    let packages = metadata.get("packages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if packages.is_empty() {
        findings.add("cargo metadata", "names no packages");
    }
    let names: Vec<&str> = packages.iter().filter_map(|p| text(p, "name")).collect();
    for package in packages {
        let Some(name) = text(package, "name") else { continue };
        if text(package, "description").is_none_or(str::is_empty) {
            findings.add(name, "has no description in its Cargo.toml");
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(n, _)| *n == name) else {
            findings.add(name, "has no line in the table of arrows (xtask/src/arrows.rs)");
            continue;
        };
        let dependencies =
            package.get("dependencies").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for dependency in dependencies.iter().filter_map(|d| text(d, "name")) {
            if names.contains(&dependency) && !allowed.contains(&dependency) {
                findings.add(name, &format!("may not use {dependency}: no such arrow (xtask/src/arrows.rs)"));
            }
        }
    }
    for (name, _) in ALLOWED {
        if !names.contains(name) {
            findings.add(name, "is in the table of arrows but does not exist");
        }
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(name: &str, uses: &str) -> String {
        let package = |n: &str, d: &[&str]| {
            let dependencies: Vec<Value> = d.iter().map(|d| json!({ "name": d })).collect();
            json!({ "name": n, "description": "x", "dependencies": dependencies })
        };
        let mut all: Vec<Value> =
            ALLOWED.iter().filter(|(n, _)| *n != name).map(|(n, _)| package(n, &[])).collect();
        all.push(package(name, &[uses, "serde"]));
        let mut findings = Findings::default();
        check(&json!({ "packages": all }), &mut findings);
        findings.to_string()
    }

    #[test]
    fn an_arrow_that_is_not_in_the_table_is_found() {
        assert_eq!(found("virtus-conf", "virtus-xml"), "");
        assert!(found("virtus-conf", "virtus-host").starts_with("virtus-conf: may not use virtus-host"));
        assert!(found("virtus-new", "serde").starts_with("virtus-new: has no line"));
    }
}
