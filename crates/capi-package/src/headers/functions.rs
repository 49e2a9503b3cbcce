//! Functions.

use std::collections::HashMap;

use virtus::manual::Entry;
use virtus_capi::declare::Export;

use super::text;

/// The functions of a header, each with what is said of it.
pub(super) fn of(header: &str, manual: &HashMap<&'static str, Entry>) -> String {
    let mut exports: Vec<_> =
        virtus_capi::exports().filter(|e| e.header.file.strip_suffix(".h") == Some(header)).collect();
    exports.sort_by_key(|e| e.name);
    exports.iter().map(|export| function(export, manual.get(export.name))).collect()
}

fn function(export: &Export, said: Option<&Entry>) -> String {
    let said = said.map(|entry| {
        let for_c = match entry.for_c.is_empty() {
            true => String::new(),
            false => format!("\nIn C: {}", entry.for_c),
        };
        format!("{}{for_c}\nSince {}.", entry.text, export.since)
    });
    let comment = text::comment(&said.unwrap_or_default());
    let begin = text::member(export.name, &(export.result)());
    let declaration = match export.arguments {
        None => format!("extern VIR_EXPORT_VAR {begin};"),
        Some(arguments) => {
            let arguments: Vec<_> = arguments
                .iter()
                .map(|(name, of)| text::member(name.trim_start_matches("r#"), &of()))
                .collect();
            text::list(&begin, &arguments, ";")
        }
    };
    format!("{comment}{declaration}\n\n")
}
