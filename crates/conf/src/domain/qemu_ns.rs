//! The `qemu:` namespace: what the administrator tells QEMU past libvirt's model.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, Value, Writer, Xml, keywords};

/// The namespace's URI.
pub const URI: &str = "http://libvirt.org/schemas/domain/qemu/1.0";

/// Everything in the namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QemuNamespace {
    /// `qemu:commandline`: arguments put at the end of the command line.
    pub args: Vec<String>,
    /// `qemu:env`: environment variables; `None` unsets nothing and passes an empty value.
    pub env: Vec<(String, Option<String>)>,
    /// `qemu:capabilities`: capabilities taken as there, or as not there.
    pub capabilities_add: Vec<String>,
    pub capabilities_del: Vec<String>,
    /// `qemu:override`: properties of devices by alias.
    pub overrides: Vec<DeviceOverride>,
    /// `qemu:deprecation`: what QEMU does on deprecated use.
    pub deprecation: Option<String>,
}

/// Properties of one device.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceOverride {
    pub alias: String,
    pub properties: Vec<PropertyOverride>,
}

/// One property.
#[derive(Clone, Debug, PartialEq)]
pub struct PropertyOverride {
    pub name: String,
    pub kind: PropertyKind,
    pub value: Option<String>,
}

keywords! {
    /// How the value is given to QEMU.
    pub enum PropertyKind {
        String = "string", Unsigned = "unsigned", Signed = "signed", Bool = "bool", Remove = "remove",
    }
}

impl QemuNamespace {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == QemuNamespace::default()
    }
}

fn xml_error(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::QEMU, ErrorCode::XML_ERROR, text)
}

fn attr(e: Element<'_>, name: &str, missing: &str) -> Result<String> {
    match e.attr(name) {
        Some(value) => Ok(value.to_owned()),
        None => Err(xml_error(missing)),
    }
}

fn device(e: Element<'_>) -> Result<DeviceOverride> {
    let alias = attr(e, "alias", "missing 'alias' attribute of qemu:device")?;
    let mut properties = Vec::new();
    for property in e.children_ns(URI, "frontend").flat_map(|f| f.children_ns(URI, "property")) {
        let name = attr(property, "name", "missing 'name' attribute for qemu:property")?;
        let kind = attr(property, "type", "missing 'type' attribute for qemu:property")?;
        let kind = PropertyKind::from_word(&kind).ok_or_else(|| {
            xml_error(format!("Invalid value for attribute 'type' in element 'property': '{kind}'."))
        })?;
        let value = property.attr("value").map(str::to_owned);
        let text = value.as_deref().unwrap_or_default();
        let right = match kind {
            PropertyKind::Bool => matches!(text, "true" | "false"),
            PropertyKind::Unsigned => u64::parse(text, 0).is_some(),
            PropertyKind::Signed => i64::parse(text, 0).is_some(),
            PropertyKind::String | PropertyKind::Remove => true,
        };
        if !right {
            return Err(xml_error(format!("invalid value '{text}' of 'value' attribute of 'qemu:property'")));
        }
        properties.push(PropertyOverride { name, kind, value });
    }
    Ok(DeviceOverride { alias, properties })
}

impl Xml for QemuNamespace {
    fn read(e: Element<'_>) -> Result<Self> {
        let mut ns = QemuNamespace::default();
        for commandline in e.children_ns(URI, "commandline") {
            for arg in commandline.children_ns(URI, "arg") {
                ns.args.push(attr(arg, "value", "No qemu command-line argument specified")?);
            }
            for env in commandline.children_ns(URI, "env") {
                let name = attr(env, "name", "No qemu environment name specified")?;
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if name.is_empty() {
                    return Err(xml_error("Empty qemu environment name specified"));
                }
                if name.starts_with(|c: char| c.is_ascii_digit()) {
                    return Err(xml_error(
                        "Invalid environment name, it must begin with a letter or underscore",
                    ));
                }
                if !name.chars().all(plain) {
                    return Err(xml_error(
                        "Invalid environment name, it must contain only alphanumerics and underscore",
                    ));
                }
                ns.env.push((name, env.attr("value").map(str::to_owned)));
            }
        }
        for capabilities in e.children_ns(URI, "capabilities") {
            for add in capabilities.children_ns(URI, "add") {
                ns.capabilities_add.push(attr(add, "capability", "missing capability name")?);
            }
            for del in capabilities.children_ns(URI, "del") {
                ns.capabilities_del.push(attr(del, "capability", "missing capability name")?);
            }
        }
        for overrides in e.children_ns(URI, "override") {
            for one in overrides.children_ns(URI, "device") {
                ns.overrides.push(device(one)?);
            }
        }
        if let Some(deprecation) = e.children_ns(URI, "deprecation").next() {
            ns.deprecation = deprecation.attr("behavior").map(str::to_owned);
        }
        Ok(ns)
    }

    fn write_attrs(&self, w: &mut Writer) {
        if !self.is_empty() {
            w.attr("xmlns:qemu", URI);
        }
    }

    fn write_body(&self, w: &mut Writer) {
        w.start("qemu:commandline");
        for arg in &self.args {
            w.start("qemu:arg");
            w.attr("value", arg);
            w.end();
        }
        for (name, value) in &self.env {
            w.start("qemu:env");
            w.attr("name", name);
            w.attr_opt("value", value.as_deref());
            w.end();
        }
        w.end_unless_empty();
        w.start("qemu:capabilities");
        for (name, list) in [("qemu:add", &self.capabilities_add), ("qemu:del", &self.capabilities_del)] {
            for capability in list {
                w.start(name);
                w.attr("capability", capability);
                w.end();
            }
        }
        w.end_unless_empty();
        w.start("qemu:override");
        for device in &self.overrides {
            w.start("qemu:device");
            w.attr("alias", &device.alias);
            w.start("qemu:frontend");
            for property in &device.properties {
                w.start("qemu:property");
                w.attr("name", &property.name);
                w.attr_value("type", &property.kind);
                w.attr_opt("value", property.value.as_deref());
                w.end();
            }
            w.end_unless_empty();
            w.end();
        }
        w.end_unless_empty();
        if let Some(behavior) = &self.deprecation {
            w.start("qemu:deprecation");
            w.attr("behavior", behavior);
            w.end();
        }
    }
}
