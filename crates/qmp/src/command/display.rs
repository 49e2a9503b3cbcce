//! Displays: screens, VNC and SPICE.

use serde_json::Value;

use super::{Done, commands, replies};

commands! {
    /// Writes a screen to a file; `format` is `ppm` or `png`.
    Screendump = "screendump" { filename: String } optional { device: String, head: i64, format: String } -> Done;
    /// The VNC server's state.
    QueryVnc = "query-vnc" {} -> Value;
    /// The SPICE server's state.
    QuerySpice = "query-spice" {} -> Value;
    /// Sets a display's password; `connected` says what becomes of clients.
    SetPassword = "set_password" { protocol: String, password: String } optional { connected: String } -> Done;
    /// When a display's password ends: `now`, `never`, `+N` or an absolute time.
    ExpirePassword = "expire_password" { protocol: String, time: String } -> Done;
    /// Hands a client's descriptor, taken with [`super::Getfd`], to a display.
    AddClient = "add_client" { protocol: String, fdname: String } optional { skipauth: bool, tls: bool } -> Done;
    /// Re-reads the VNC server's certificates, or moves it.
    DisplayReload = "display-reload" { r#type: String } optional { #[serde(rename = "tls-certs")] tls_certs: bool } -> Done;
    /// The mice there are.
    QueryMice = "query-mice" {} -> Vec<Mouse>;
}

replies! {
    /// A pointing device.
    Mouse { name: String, index: i64, current: bool, absolute: bool }
}
