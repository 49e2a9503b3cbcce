//! The monitor's description of itself (`query-qmp-schema`).

use std::collections::HashMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Member {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
struct Variant {
    case: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
struct Alternative {
    #[serde(rename = "type")]
    kind: String,
}

/// One entry; which fields it has depends on its meta-type.
#[derive(Debug, Deserialize)]
struct Entry {
    name: String,
    #[serde(rename = "arg-type")]
    arg_type: Option<String>,
    #[serde(rename = "ret-type")]
    ret_type: Option<String>,
    #[serde(rename = "element-type")]
    element_type: Option<String>,
    #[serde(default)]
    members: Vec<serde_json::Value>,
    #[serde(default)]
    variants: Vec<Variant>,
    #[serde(default)]
    values: Vec<String>,
}

/// The whole description.
#[derive(Debug, Default)]
pub(super) struct Schema {
    entries: HashMap<String, Entry>,
}

impl Schema {
    /// The description in a reply; entries it does not understand are passed over.
    pub(super) fn new(reply: serde_json::Value) -> Self {
        let serde_json::Value::Array(list) = reply else { return Schema::default() };
        let entries = list.into_iter().filter_map(|e| serde_json::from_value::<Entry>(e).ok());
        Schema { entries: entries.map(|e| (e.name.clone(), e)).collect() }
    }

    /// Whether a place exists: a command or event, then members of its arguments (of its reply after `ret`),
    /// variants (`+name`), and at the end perhaps a value of an enumeration (`=name`).
    pub(super) fn has(&self, path: &[&str]) -> bool {
        let Some((name, mut rest)) = path.split_first() else { return false };
        let Some(root) = self.entries.get(*name) else { return false };
        if rest.is_empty() {
            return true;
        }
        let start = if rest.first() == Some(&"ret") {
            rest = rest.get(1..).unwrap_or_default();
            root.ret_type.as_ref()
        } else {
            root.arg_type.as_ref()
        };
        start.is_some_and(|start| self.walk(start, rest, 0))
    }

    fn walk(&self, kind: &str, path: &[&str], depth: usize) -> bool {
        // types may contain themselves
        if depth > 32 {
            return false;
        }
        let Some((step, rest)) = path.split_first() else { return true };
        let Some(entry) = self.entries.get(kind) else { return false };
        if let Some(element) = &entry.element_type {
            return self.walk(element, path, depth + 1);
        }
        if let Some(value) = step.strip_prefix('=') {
            return entry.values.iter().any(|v| v == value);
        }
        if let Some(case) = step.strip_prefix('+') {
            return entry.variants.iter().any(|v| v.case == case && self.walk(&v.kind, rest, depth + 1));
        }
        entry.members.iter().any(|member| {
            match serde_json::from_value::<Member>(member.clone()) {
                Ok(member) => member.name == *step && self.walk(&member.kind, rest, depth + 1),
                // an alternative: any of its types will do
                Err(_) => serde_json::from_value::<Alternative>(member.clone())
                    .is_ok_and(|a| self.walk(&a.kind, path, depth + 1)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_by_their_path() {
        let schema = Schema::new(serde_json::json!([
            {"name": "netdev_add", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
            {"name": "1", "meta-type": "object", "members": [{"name": "id", "type": "str"}, {"name": "type", "type": "2"}],
             "tag": "type", "variants": [{"case": "user", "type": "3"}]},
            {"name": "2", "meta-type": "enum", "values": ["user", "tap"], "members": [{"name": "user"}]},
            {"name": "3", "meta-type": "object", "members": [{"name": "dns", "type": "[4]"}]},
            {"name": "[4]", "meta-type": "array", "element-type": "4"},
            {"name": "4", "meta-type": "object", "members": [{"name": "host", "type": "str"}]}
        ]));
        assert!(schema.has(&["netdev_add"]));
        assert!(schema.has(&["netdev_add", "+user", "dns", "host"]));
        assert!(schema.has(&["netdev_add", "type", "=tap"]));
        for absent in [
            &["x"][..],
            &["netdev_add", "+tap"],
            &["netdev_add", "type", "=x"],
            &["netdev_add", "+user", "ip"],
        ] {
            assert!(!schema.has(absent), "{absent:?}");
        }
    }
}
