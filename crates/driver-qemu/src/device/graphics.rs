//! Displays: VNC, SPICE, SDL, D-Bus and headless OpenGL.

use std::fmt::Write as _;

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::domain::device::Graphics;
use virtus_conf::domain::device::chardev::MouseMode;
use virtus_conf::domain::device::graphics::{DbusGraphics, Listen, Listens, Sdl, Spice, SpiceMode, Vnc};
use virtus_xml::OnOff;

use super::{audio, tls};
use crate::command::build::Build;
use crate::command::guest::{Guest, unsupported};
use crate::command::line::escape;
use crate::settings::Service;

/// All displays.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for graphics in &guest.domain.devices.graphics {
        match graphics {
            Graphics::Sdl(sdl) => {
                if sdl.fullscreen.is_some_and(|on| on.is_true()) {
                    build.line.flag("full-screen");
                }
                build.line.option("display", display_sdl(sdl));
            }
            Graphics::Vnc(vnc) => {
                let mut text = vnc_text(&guest, vnc)?;
                vnc_security(build, &mut text)?;
                if let Some(audio) = audio::of(&guest, vnc.audio) {
                    let _ = write!(text, ",audiodev={audio}");
                }
                build.line.option("vnc", text);
                if let Some(keymap) = &vnc.keymap {
                    build.line.option("k", keymap.clone());
                }
            }
            Graphics::Spice(spice) => {
                build.line.option("spice", spice_text(&guest, spice)?);
                if let Some(keymap) = &spice.keymap {
                    build.line.option("k", keymap.clone());
                }
            }
            Graphics::EglHeadless { rendernode } => {
                // the daemon has found one when the definition names none
                let node =
                    rendernode.as_ref().or(guest.context.rendernode.as_ref()).ok_or_else(no_rendernode)?;
                build.line.option("display", format!("egl-headless,rendernode={}", escape(node)));
            }
            Graphics::Dbus(dbus) => build.line.option("display", dbus_text(&guest, dbus)),
            Graphics::Rdp(_) => {
                return Err(unsupported("rdp graphics are not supported with this QEMU"));
            }
            Graphics::Desktop { .. } => {
                return Err(unsupported("unsupported graphics type 'desktop'"));
            }
        }
    }
    Ok(())
}

/// Where SASL finds its settings.
const SASL: &str = "SASL_CONF_PATH";

/// What displays need of the environment.
pub(crate) fn environment(guest: &Guest<'_>) -> Vec<(String, String)> {
    let mut env = Vec::new();
    let settings = &guest.context.settings;
    for graphics in &guest.domain.devices.graphics {
        let (sasl, directory) = match graphics {
            Graphics::Vnc(_) => (settings.vnc_sasl, &settings.vnc_sasl_dir),
            Graphics::Spice(_) => (settings.spice_sasl, &settings.spice_sasl_dir),
            _ => continue,
        };
        if let (true, Some(directory)) = (sasl, directory) {
            env.retain(|(name, _)| name != SASL);
            env.push((SASL.to_owned(), directory.clone()));
        }
    }
    for graphics in &guest.domain.devices.graphics {
        if let Graphics::Sdl(sdl) = graphics {
            env.extend(sdl.xauth.clone().map(|value| ("XAUTHORITY".to_owned(), value)));
            env.extend(sdl.display.clone().map(|value| ("DISPLAY".to_owned(), value)));
        }
    }
    env
}

fn display_sdl(sdl: &Sdl) -> String {
    match sdl.gl {
        Some(gl) => format!("sdl,gl={}", OnOff::from(gl.is_true()).as_str()),
        None => "sdl".to_owned(),
    }
}

/// An address with IPv6 ones in brackets.
fn bracketed(address: &str) -> String {
    if address.contains(':') { format!("[{address}]") } else { escape(address) }
}

fn address(listens: &Listens) -> Option<&str> {
    match listens.list.first() {
        Some(Listen::Address { address } | Listen::Network { address, .. }) => address.as_deref(),
        _ => None,
    }
}

pub(crate) fn no_rendernode() -> Error {
    let error = std::io::Error::from_raw_os_error(2);
    Error::system(ErrorDomain::NONE, "cannot open directory '/dev/dri'", &error)
}

fn vnc_text(guest: &Guest<'_>, vnc: &Vnc) -> Result<String> {
    let mut text = match vnc.server.listens.list.first() {
        Some(Listen::Socket { socket, .. }) => {
            let path = socket.clone().unwrap_or_else(|| format!("{}/vnc.sock", guest.context.lib_dir));
            format!("vnc=unix:{}", escape(&path))
        }
        Some(Listen::None) => "none".to_owned(),
        _ => {
            let address = address(&vnc.server.listens).unwrap_or(&guest.context.vnc_listen);
            let port = vnc.server.ports.port.unwrap_or(-1);
            if !(5900..=65535).contains(&port) {
                return Err(unsupported("vnc port must be in range [5900,65535]"));
            }
            let mut text = format!("{}:{}", bracketed(address), i64::from(port) - 5900);
            if let Some(websocket) = vnc.server.ports.websocket {
                let _ = write!(text, ",websocket={websocket}");
            }
            text
        }
    };
    if let Some(policy) = vnc.share_policy {
        let _ = write!(text, ",share={}", policy.as_str());
    }
    if vnc.auth.passwd.is_some() || guest.context.settings.vnc_password.is_some() {
        text.push_str(",password=on");
    }
    if let Some(power) = vnc.power_control {
        let _ = write!(text, ",power-control={}", OnOff::from(power.is_true()).as_str());
    }
    Ok(text)
}

/// What the settings want of all VNC servers: certificates, and clients that say who they are.
fn vnc_security(build: &mut Build<'_>, text: &mut String) -> Result<()> {
    let settings = &build.guest.context.settings;
    if settings.vnc_tls {
        for object in tls::objects(&build.guest, Service::Vnc, tls::VNC, true)? {
            build.line.json("object", &object);
        }
        let _ = write!(text, ",tls-creds={}", tls::VNC);
    }
    if settings.vnc_sasl {
        text.push_str(",sasl=on");
    }
    Ok(())
}

fn dbus_text(guest: &Guest<'_>, dbus: &DbusGraphics) -> String {
    let mut text = "dbus".to_owned();
    match dbus.p2p.is_some_and(|on| on.is_true()) {
        true => text.push_str(",p2p=on"),
        false => {
            let address = dbus.address.clone().unwrap_or_else(|| {
                format!("unix:path={}/{}-dbus.sock", guest.context.dbus_dir, guest.context.short_name)
            });
            let _ = write!(text, ",addr={}", escape(&address));
        }
    }
    if let Some(gl) = dbus.gl {
        let _ = write!(text, ",gl={}", OnOff::from(gl.is_true()).as_str());
    }
    if let Some(node) = &dbus.rendernode {
        let _ = write!(text, ",rendernode={}", escape(node));
    }
    if let Some(audio) = dbus.audio.and_then(|id| audio::of(guest, Some(id))) {
        let _ = write!(text, ",audiodev={audio}");
    }
    text
}

fn spice_text(guest: &Guest<'_>, spice: &Spice) -> Result<String> {
    if !guest.has("spice") {
        return Err(unsupported("spice graphics are not supported with this QEMU"));
    }
    let settings = &guest.context.settings;
    let mut parts: Vec<String> = Vec::new();
    let (mut secure, mut plain) = (false, false);
    match spice.listens.list.first() {
        Some(Listen::Socket { socket, .. }) => {
            let path = socket.clone().unwrap_or_else(|| format!("{}/spice.sock", guest.context.lib_dir));
            parts.push("unix=on".to_owned());
            parts.push(format!("addr={}", escape(&path)));
            plain = true;
        }
        Some(Listen::None) => parts.push("port=0".to_owned()),
        _ => {
            if let Some(port) = spice.ports.port.filter(|port| *port > 0) {
                parts.push(format!("port={port}"));
                plain = true;
            }
            if let Some(port) = spice.ports.tls_port.filter(|port| *port > 0) {
                if !settings.spice_tls {
                    return Err(unsupported(
                        "spice TLS port set in XML configuration, but TLS is disabled in qemu.conf",
                    ));
                }
                parts.push(format!("tls-port={port}"));
                secure = true;
            }
            if parts.is_empty() {
                parts.push("port=0".to_owned());
            }
            parts.push(format!("addr={}", escape(address(&spice.listens).unwrap_or(&settings.spice_listen))));
        }
    }
    if settings.spice_sasl {
        parts.push("sasl=on".to_owned());
    }
    match spice.mouse {
        Some(MouseMode::Server) => parts.push("agent-mouse=off".to_owned()),
        Some(MouseMode::Client) => parts.push("agent-mouse=on".to_owned()),
        None => {}
    }
    if spice.auth.passwd.is_none() && settings.spice_password.is_none() {
        parts.push("disable-ticketing=on".to_owned());
    }
    if secure {
        let directory = settings.certificates(settings.spice_tls_x509_cert_dir.as_ref(), "spice");
        parts.push(format!("x509-dir={}", escape(&directory)));
    }
    match spice.default_mode {
        Some(SpiceMode::Secure) if !secure => {
            return Err(unsupported(
                "spice defaultMode secure requested in XML configuration, but TLS connection is not available",
            ));
        }
        Some(SpiceMode::Insecure) if !plain => {
            return Err(unsupported(
                "spice defaultMode insecure requested in XML configuration, but plaintext connection is not available",
            ));
        }
        Some(SpiceMode::Secure) => parts.push("tls-channel=default".to_owned()),
        Some(SpiceMode::Insecure) => parts.push("plaintext-channel=default".to_owned()),
        _ => {}
    }
    for channel in &spice.channels {
        match channel.mode {
            SpiceMode::Secure if !secure => {
                return Err(unsupported(
                    "spice secure channels set in XML configuration, but TLS connection is not available",
                ));
            }
            SpiceMode::Insecure if !plain => {
                return Err(unsupported(
                    "spice insecure channels set in XML configuration, but plaintext connection is not available",
                ));
            }
            SpiceMode::Secure => parts.push(format!("tls-channel={}", channel.name.as_str())),
            SpiceMode::Insecure => parts.push(format!("plaintext-channel={}", channel.name.as_str())),
            SpiceMode::Any => {}
        }
    }
    let words = [
        ("image-compression", spice.image.map(|image| image.as_str())),
        ("jpeg-wan-compression", spice.jpeg.map(|jpeg| jpeg.as_str())),
        ("zlib-glz-wan-compression", spice.zlib.map(|zlib| zlib.as_str())),
        ("playback-compression", spice.playback.map(|playback| playback.as_str())),
        ("streaming-video", spice.streaming.map(|streaming| streaming.as_str())),
    ];
    parts.extend(words.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={value}"))));
    if spice.clipboard.is_some_and(|on| !on.is_true()) {
        parts.push("disable-copy-paste=on".to_owned());
    }
    if spice.filetransfer.is_some_and(|on| !on.is_true()) {
        parts.push("disable-agent-file-xfer=on".to_owned());
    }
    if spice.gl.is_some_and(|on| on.is_true()) {
        parts.push("gl=on".to_owned());
        parts.extend(spice.rendernode.as_ref().map(|node| format!("rendernode={}", escape(node))));
    }
    parts.push("seamless-migration=on".to_owned());
    Ok(parts.join(","))
}
