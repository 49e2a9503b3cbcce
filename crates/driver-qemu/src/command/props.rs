//! The properties of one object or device of QEMU: a JSON object, used alike on the command line, for
//! `device_add` and for `object-add`.

use serde_json::{Map, Value};
use virtus_conf::domain::qemu_ns::{DeviceOverride, PropertyKind};
use virtus_xml::{OnOff, YesNo};

/// Properties in the order they were added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Props(Map<String, Value>);

impl Props {
    /// No properties.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of a device.
    pub fn device(driver: impl Into<String>) -> Self {
        Props::new().with("driver", driver.into())
    }

    /// Of a user-creatable object.
    pub fn object(kind: &str, id: impl Into<String>) -> Self {
        Props::new().with("qom-type", kind).with("id", id.into())
    }

    /// The same with one property more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// The same with one property more, if it has a value.
    #[must_use]
    pub fn maybe(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        self.opt(name, value);
        self
    }

    /// The same with one switch more, if it is set.
    #[must_use]
    pub fn switch(mut self, name: &str, value: Option<impl Switch>) -> Self {
        self.opt(name, value.map(Switch::on));
        self
    }

    /// The same with a switch that is on, if `on`.
    #[must_use]
    pub fn flag(mut self, name: &str, on: bool) -> Self {
        self.opt(name, on.then_some(true));
        self
    }

    /// The same followed by other properties.
    #[must_use]
    pub fn join(mut self, other: Props) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Adds a property.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Adds a property if it has a value.
    pub fn opt(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Takes a property out.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.shift_remove(name)
    }

    /// The text of a property that is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As the JSON object QMP takes.
    pub fn into_json(self) -> Value {
        Value::Object(self.0)
    }

    /// Replaces what the definition's `qemu:override` says about a device.
    pub(crate) fn replace(&mut self, replacement: &DeviceOverride) {
        for property in &replacement.properties {
            let text = property.value.as_deref().unwrap_or_default();
            let value = match property.kind {
                PropertyKind::Remove => {
                    self.0.shift_remove(&property.name);
                    continue;
                }
                PropertyKind::String => Value::from(text),
                PropertyKind::Unsigned => text.parse::<u64>().map_or(Value::Null, Value::from),
                PropertyKind::Signed => text.parse::<i64>().map_or(Value::Null, Value::from),
                PropertyKind::Bool => Value::from(text == "true"),
            };
            self.0.insert(property.name.clone(), value);
        }
    }
}

impl From<Props> for Value {
    fn from(props: Props) -> Value {
        Value::Object(props.0)
    }
}

impl std::fmt::Display for Props {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| std::fmt::Error)?)
    }
}

/// libvirt's two-valued words.
pub trait Switch {
    /// Whether it is the positive word.
    fn on(self) -> bool;
}

impl Switch for OnOff {
    fn on(self) -> bool {
        self.is_true()
    }
}

impl Switch for YesNo {
    fn on(self) -> bool {
        self.is_true()
    }
}
