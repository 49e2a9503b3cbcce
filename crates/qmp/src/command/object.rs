//! QEMU's object tree.

use serde_json::Value;

use super::{Done, commands, replies};

commands! {
    /// The properties of an object.
    QomList = "qom-list" { path: String } -> Vec<QomProperty>;
    /// A property's value.
    QomGet = "qom-get" { path: String, property: String } -> Value;
    /// Sets a property.
    QomSet = "qom-set" { path: String, property: String, value: Value } -> Done;
    /// Types that implement another.
    QomListTypes = "qom-list-types" {} optional { implements: String, r#abstract: bool } -> Vec<QomType>;
    /// The properties objects of a type have.
    QomListProperties = "qom-list-properties" { typename: String } -> Vec<TypeProperty>;
    /// The properties devices of a type have.
    DeviceListProperties = "device-list-properties" { typename: String } -> Vec<TypeProperty>;
    /// Makes an object; the arguments are `qom-type`, `id` and its properties.
    ObjectAdd = "object-add" (Value) -> Done;
    /// Removes an object.
    ObjectDel = "object-del" { id: String } -> Done;
}

replies! {
    /// A property of an object; `type` e.g. `child<pci-bus>`, `link<…>`, `bool`.
    QomProperty { name: String, r#type: String }
    /// A type.
    QomType { name: String, r#abstract: Option<bool>, parent: Option<String> }
    /// A property of a type.
    TypeProperty { name: String, r#type: String, description: Option<String>,
        #[serde(rename = "default-value")] default_value: Option<Value> }
}
