//! The API as XML, by which generators of bindings go (`pkg-config --variable libvirt_api libvirt`).

use std::collections::HashMap;
use std::fmt::Write;

use virtus::constants::{HEADERS, Header};
use virtus::manual::{self, Entry};
use virtus_capi::declare::{Export, Member, TypeDef};

use crate::headers;
use crate::libraries::Library;

/// The headers that a library's document is about.
fn parts(library: &Library) -> Vec<&'static str> {
    let own = |header: &&Header| match library.is_stub() {
        true => header.name == library.name,
        false => !headers::ALONE.contains(&header.name),
    };
    HEADERS.iter().filter(own).map(|header| header.name).collect()
}

/// The library's document.
pub fn text(library: &Library) -> String {
    let manual: HashMap<_, _> = manual::entries().map(|entry| (entry.function, entry)).collect();
    let (mut files, mut symbols) = (String::new(), String::new());
    for part in parts(library) {
        let _ = writeln!(files, "    <file name='{part}'>");
        let mut symbol = |kind: &str, name: &str, element: String| {
            let _ = writeln!(files, "      <exports symbol='{name}' type='{kind}'/>");
            symbols += &element;
        };
        if let Some(header) = HEADERS.iter().find(|header| header.name == part) {
            constants(header, &mut symbol);
        }
        for name in headers::types(part) {
            let structure = virtus_capi::structs().find(|s| s.name == *name);
            match virtus_capi::callbacks().find(|c| c.name == *name) {
                Some(callback) => symbol("functype", name, function_type(part, callback)),
                None => symbol("struct", name, data(part, name, structure)),
            }
        }
        for export in library.exports().filter(|e| e.header.file.strip_suffix(".h") == Some(part)) {
            let kind = if export.arguments.is_some() { "function" } else { "variable" };
            symbol(kind, export.name, function(part, export, manual.get(export.name)));
        }
        files.push_str("    </file>\n");
    }
    format!(
        "<?xml version='1.0' encoding='UTF-8'?>\n<api name='{}'>\n  <files>\n{files}  </files>\n  <symbols>\n{symbols}  \
         </symbols>\n</api>\n",
        library.name
    )
}

fn constants(header: &Header, symbol: &mut impl FnMut(&str, &str, String)) {
    let file = header.name;
    for (name, value) in header.numbers {
        let element = format!("    <macro name='{name}' file='{file}' raw='{value}'/>\n");
        symbol("macro", name, element);
    }
    for (name, value) in header.texts.iter().copied().flatten() {
        let element = format!("    <macro name='{name}' file='{file}' string='{}'/>\n", quoted(value));
        symbol("macro", name, element);
    }
    for of in header.enums {
        symbol("typedef", of.name, format!("    <typedef name='{}' file='{file}' type='enum'/>\n", of.name));
        for (name, value) in of.values {
            let of = of.name;
            let element = format!("    <enum name='{name}' file='{file}' value='{value}' type='{of}'/>\n");
            symbol("enum", name, element);
        }
    }
}

fn data(file: &str, name: &str, fields: Option<&TypeDef>) -> String {
    let [name, tag, pointer] = headers::names(name);
    let mut element = format!("    <struct name='{name}' file='{file}' type='struct {tag}'");
    match fields {
        None => element.push_str("/>\n"),
        Some(fields) => {
            element.push_str(">\n");
            for (field, of) in fields.members {
                let (field, of) = (field.trim_start_matches("r#"), of());
                let _ = writeln!(element, "      <field name='{field}' type='{}'/>", quoted(&of));
            }
            element.push_str("    </struct>\n");
        }
    }
    let _ = writeln!(element, "    <typedef name='{pointer}' file='{file}' type='{name} *'/>");
    element
}

fn function_type(file: &str, callback: &TypeDef) -> String {
    let name = callback.name;
    let result = callback.result.map_or_else(|| "void".to_owned(), |result| result());
    let mut element = format!("    <functype name='{name}' file='{file}' module='{file}'>\n");
    let _ = writeln!(element, "      <info></info>\n      <return type='{}'/>", quoted(&result));
    arguments(&mut element, name, callback.members);
    element.push_str("    </functype>\n");
    element
}

fn function(file: &str, export: &Export, said: Option<&Entry>) -> String {
    let (name, since) = (export.name, export.since);
    let result = quoted(&(export.result)());
    let info = quoted(said.map_or("", |entry| &entry.text));
    let Some(members) = export.arguments else {
        return format!(
            "    <variable name='{name}' file='{file}' type='{result}' version='{since}'>\n      <info>{info}</info>\n    \
             </variable>\n"
        );
    };
    let mut element = format!(
        "    <function name='{name}' file='{file}' module='{}' version='{since}'>\n",
        module(file, name)
    );
    let _ = writeln!(element, "      <info>{info}</info>\n      <return type='{result}' info=''/>");
    arguments(&mut element, name, members);
    element.push_str("    </function>\n");
    element
}

/// Functions that bindings write by hand, because they come before all others.
const OPENING: &[&str] = &[
    "virConnectClose",
    "virConnectOpen",
    "virConnectOpenAuth",
    "virConnectOpenReadOnly",
    "virGetVersion",
    "virInitialize",
];

/// Where generators look functions of a header for; some leave out what they do not know.
fn module<'a>(header: &'a str, function: &str) -> &'a str {
    match header {
        "libvirt-host" if OPENING.contains(&function) => "libvirt",
        "libvirt-common" => "virtypedparam-public",
        "libvirt-event" => "virevent",
        "virterror" => "virerror",
        other => other,
    }
}

/// Arguments that callers may leave out; bindings go by that what is said of them begins so.
const OPTIONAL: &[(&str, &[&str])] = &[
    ("virConnectDomainEventRegister", &["freecb"]),
    ("virConnectDomainEventRegisterAny", &["freecb"]),
    ("virConnectDomainQemuMonitorEventRegister", &["freecb"]),
    ("virConnectNetworkEventRegisterAny", &["freecb"]),
    ("virConnectNodeDeviceEventRegisterAny", &["freecb"]),
    ("virConnectOpen", &["name"]),
    ("virConnectOpenAuth", &["name"]),
    ("virConnectOpenReadOnly", &["name"]),
    ("virConnectSecretEventRegisterAny", &["freecb"]),
    ("virConnectStoragePoolEventRegisterAny", &["freecb"]),
    ("virDomainBlockCommit", &["bandwidth"]),
    ("virDomainBlockPull", &["bandwidth"]),
    ("virDomainBlockRebase", &["bandwidth"]),
    ("virDomainFDAssociate", &["flags"]),
    ("virDomainMigrate", &["dname", "uri", "bandwidth"]),
    ("virDomainMigrate2", &["dxml", "dname", "uri", "bandwidth"]),
    ("virDomainMigrate3", &["params", "nparams"]),
    ("virDomainMigrateToURI", &["dname", "bandwidth"]),
    ("virDomainMigrateToURI2", &["dconnuri", "miguri", "dxml", "dname", "bandwidth"]),
    ("virDomainMigrateToURI3", &["dconnuri", "params", "nparams"]),
    ("virDomainQemuAttach", &["flags"]),
    ("virDomainRestoreFlags", &["dxml"]),
    ("virDomainSaveFlags", &["dxml"]),
    ("virNodeGetCPUMap", &["cpumap", "online"]),
];

fn arguments(element: &mut String, of: &str, members: &[Member]) {
    let optional = OPTIONAL.iter().find(|(function, _)| *function == of).map_or(&[][..], |(_, names)| *names);
    for (name, of) in members {
        let (name, of) = (name.trim_start_matches("r#"), quoted(&of()));
        let info = if optional.contains(&name) { "(optional)" } else { "" };
        let _ = writeln!(element, "      <arg name='{name}' type='{of}' info='{info}'/>");
    }
}

fn quoted(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&apos;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libraries;

    #[test]
    fn what_may_be_left_out_is_there() {
        for (function, names) in OPTIONAL {
            let export = virtus_capi::exports().find(|e| e.name == *function);
            let arguments = export.and_then(|e| e.arguments).unwrap_or_default();
            for name in *names {
                assert!(arguments.iter().any(|(argument, _)| argument == name), "{function}: {name}");
            }
        }
    }

    #[test]
    fn functions_constants_and_types_are_there() {
        let text = text(&libraries::ALL[0]);
        assert!(
            text.contains("<function name='virNetworkFree' file='libvirt-network' module='libvirt-network'")
        );
        assert!(text.contains("<arg name='network' type='virNetworkPtr' info=''/>"));
        assert!(text.contains(
            "<macro name='VIR_DOMAIN_STATS_STATE_STATE' file='libvirt-domain' string='state.state'/>"
        ));
        assert!(text.contains("type='virErrorNumber'"));
        assert!(text.contains("<arg name='bandwidth' type='unsigned long' info='(optional)'/>"));
        assert!(
            text.contains("<struct name='virNetwork' file='libvirt-network' type='struct _virNetwork'/>")
        );
        assert!(text.contains("<typedef name='virNetworkPtr' file='libvirt-network' type='virNetwork *'/>"));
    }
}
