//! Where a domain can be seen: `domdisplay`, `vncdisplay`, `ttyconsole`, `domdisplay-reload` and `screenshot`.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::net::IpAddr;

use virtus::calls::Remote;
use virtus::constants::VIR_DOMAIN_XML_SECURE;

use crate::command::{ACTIVE_DOMAIN, Command, DOMAIN, Opt};
use crate::grammar::{Arguments, Number};
use crate::shell::{Failure, OrSay, Outcome, Shell, extra, fail, out};
use crate::show::time;
use crate::xml::{self, Node};

/// Kinds of displays, in the order in which they are looked for.
const KINDS: [&str; 4] = ["vnc", "spice", "rdp", "dbus"];

/// The first display of a kind.
fn graphics<'a, 'i>(domain: Node<'a, 'i>, kind: &str) -> Option<Node<'a, 'i>> {
    xml::children(domain, "devices/graphics").into_iter().find(|g| g.attribute("type") == Some(kind))
}

pub(super) static DOMDISPLAY: Command = Command {
    name: "domdisplay",
    summary: "tell the URI of a domain's display",
    options: &[
        ACTIVE_DOMAIN,
        Opt::flag("include-password", "print the password, too"),
        Opt::text("type", "vnc, spice, rdp or dbus").positional().one_of(&["vnc", "spice", "rdp", "dbus"]),
        Opt::flag("all", "tell all displays"),
    ],
    run: domdisplay,
    ..Command::PLAIN
};

fn domdisplay(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.exclusive("all", "type")?;
    let domain = shell.domain(arguments)?;
    if !shell.is_active(&domain) {
        fail!("Domain is not running");
    }
    let flags = if arguments.has("include-password") { VIR_DOMAIN_XML_SECURE } else { 0 };
    let (wanted, all) = (arguments.text("type")?, arguments.has("all"));
    let text = shell.xml_of_domain(&domain, flags)?;
    let document = xml::parse(&text, "domain")?;
    let server = server(shell.connection()?.uri());
    let mut found = false;
    for kind in KINDS.into_iter().filter(|kind| all || wanted.is_none_or(|wanted| wanted == *kind)) {
        let Some(device) = graphics(document.root_element(), kind) else { continue };
        let uri = match kind {
            "dbus" => dbus(shell, device),
            _ => uri(kind, device, server.as_deref()),
        };
        let Some(uri) = uri else { continue };
        out!(shell, "{uri}");
        found = true;
        if !all {
            break;
        }
        out!(shell, "\n");
    }
    match (found, wanted) {
        (true, _) => Ok(()),
        (false, Some(wanted)) => fail!("No graphical display with type '{wanted}' found"),
        (false, None) => fail!("No graphical display found"),
    }
}

/// The host in a daemon's URI.
fn server(uri: &str) -> Option<String> {
    let rest = uri.split_once("://")?.1;
    let authority = rest.split(['/', '?']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => host.split(':').next()?,
    };
    Some(host.to_owned()).filter(|host| !host.is_empty())
}

fn dbus(shell: &mut Shell, device: Node<'_, '_>) -> Option<String> {
    let address = device.attribute("address")?;
    match address.strip_prefix("unix:path=") {
        Some(path) => Some(format!("dbus+unix://{path}")),
        None => {
            shell.error(format_args!("'{address}' D-Bus address is not handled"));
            None
        }
    }
}

fn uri(kind: &str, device: Node<'_, '_>, server: Option<&str>) -> Option<String> {
    let port = |name| device.attribute(name).and_then(i32::read).unwrap_or(0);
    let (mut port, tls_port) = (port("port"), port("tlsPort"));
    let socket = match xml::attribute(device, "listen", "type") {
        Some("socket") => xml::attribute(device, "listen", "socket"),
        _ => None,
    };
    if port == 0 && tls_port == 0 && socket.is_none() {
        return None;
    }
    let listen = match device.attribute("listen") {
        None => xml::attribute(device, "listen", "address"),
        // a display that listens everywhere is reached where the daemon is
        Some(address) if address.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified()) => server,
        address => address,
    };
    let password = device.attribute("passwd");
    let mut uri = format!("{kind}{}://", if socket.is_some() { "+unix" } else { "" });
    if let Some(password) = password.filter(|_| kind == "vnc") {
        uri += &format!(":{password}@");
    }
    uri += &match (socket, listen) {
        (Some(socket), _) => socket.to_owned(),
        (None, None) => "localhost".to_owned(),
        (None, Some(address)) if address.contains(':') => format!("[{address}]"),
        (None, Some(address)) => address.to_owned(),
    };
    if port != 0 {
        if kind == "vnc" {
            port -= 5900;
        }
        uri += &format!(":{port}");
    }
    let mut parameters = Vec::new();
    if tls_port != 0 {
        parameters.push(format!("tls-port={tls_port}"));
    }
    if let Some(password) = password.filter(|_| kind == "spice") {
        parameters.push(format!("password={password}"));
    }
    match parameters.is_empty() {
        true => Some(uri),
        false => Some(format!("{uri}?{}", parameters.join("&"))),
    }
}

pub(super) static VNCDISPLAY: Command = Command {
    name: "vncdisplay",
    summary: "tell the address of a domain's VNC display",
    options: &[ACTIVE_DOMAIN],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        if !shell.is_active(&domain) {
            fail!("Domain is not running");
        }
        let text = shell.xml_of_domain(&domain, 0)?;
        let document = xml::parse(&text, "domain")?;
        let device = graphics(document.root_element(), "vnc");
        let port = device.and_then(|device| device.attribute("port")).and_then(i32::read);
        let (Some(device), Some(port)) = (device, port) else {
            fail!("Failed to get VNC port. Is this domain using VNC?");
        };
        let address = device.attribute("listen").or_else(|| xml::attribute(device, "listen", "address"));
        let address = address.filter(|address| *address != "0.0.0.0").unwrap_or("");
        out!(shell, "{address}:{}\n", port.wrapping_sub(5900));
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static TTYCONSOLE: Command = Command {
    name: "ttyconsole",
    summary: "tell the terminal on the host that is a domain's console",
    options: &[ACTIVE_DOMAIN],
    run: |shell, arguments| {
        let text = shell.domain_xml(arguments, false)?;
        let document = xml::parse(&text, "domain")?;
        let consoles = xml::children(document.root_element(), "devices/console");
        match consoles.iter().find_map(|console| console.attribute("tty")) {
            Some(tty) => out!(shell, "{tty}\n"),
            None => return Err(Failure::silent()),
        }
        Ok(())
    },
    ..Command::PLAIN
};

pub(super) static RELOAD: Command = Command {
    name: "domdisplay-reload",
    summary: "have a display read its certificates again",
    options: &[DOMAIN, Opt::number("type", "the number of the kind of display")],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let kind = arguments.number::<u32>("type")?.unwrap_or(0);
        Ok(shell.call(Remote::domain_graphics_reload(domain, kind, 0))?)
    },
    ..Command::PLAIN
};

pub(super) static SCREENSHOT: Command = Command {
    name: "screenshot",
    summary: "save a picture of a domain's screen",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("file", "the file to write (made up if it is left out)").also_positional().file(),
        Opt::number("screen", "the number of the screen").also_positional(),
    ],
    run: screenshot,
    ..Command::PLAIN
};

fn screenshot(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let path = arguments.text("file")?.map(str::to_owned);
    let screen = arguments.number::<u32>("screen")?.unwrap_or(0);
    let domain = shell.domain(arguments)?;
    let name = arguments.needed("domain")?;
    let (mime, stream) = shell
        .connection()?
        .open_stream(Remote::domain_screenshot(domain.clone(), screen, 0))
        .or_say(format_args!("could not take a screenshot of {name}"))?;
    let mime = mime.unwrap_or_default();
    let path = path.unwrap_or_else(|| {
        let extension = match mime.as_str() {
            "image/x-portable-pixmap" => ".ppm",
            "image/png" => ".png",
            _ => "",
        };
        format!("{}-{}{extension}", domain.name, time::plain(time::now().0).replace(' ', "-"))
    });
    let (mut file, created) = open(&path)?;
    let mut receive = || -> Outcome {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = stream
                .recv(&mut buffer)
                .or_say(format_args!("could not receive data from domain '{name}'"))?;
            if count == 0 {
                return Ok(());
            }
            file.write_all(buffer.get(..count).unwrap_or_default())
                .map_err(|_| Failure::new(format_args!("could not receive data from domain '{name}'")))?;
        }
    };
    let outcome = receive()
        .and_then(|()| stream.finish().or_say(format_args!("cannot close stream on domain '{name}'")));
    if outcome.is_err() && created {
        let _ = fs::remove_file(&path);
    }
    outcome?;
    extra!(shell, "Screenshot saved to {path}, with type of {mime}");
    Ok(())
}

/// The file to write to, and whether it is new.
fn open(path: &str) -> Outcome<(File, bool)> {
    let failed = |_| Failure::new(format_args!("cannot create file {path}"));
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => Ok((file, true)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let file = OpenOptions::new().write(true).truncate(true).open(path).map_err(failed)?;
            Ok((file, false))
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: &str, xml: &str, server: Option<&str>) -> Option<String> {
        let document = xml::Document::parse(xml).unwrap();
        uri(kind, document.root_element(), server)
    }

    #[test]
    fn displays_have_uris() {
        let vnc = "<graphics type='vnc' port='5901' listen='0.0.0.0' passwd='x'/>";
        assert_eq!(shown("vnc", vnc, Some("host")).unwrap(), "vnc://:x@host:1");
        assert_eq!(shown("vnc", "<graphics port='5900' listen='::1'/>", None).unwrap(), "vnc://[::1]:0");
        assert_eq!(shown("vnc", "<graphics port='-1'/>", None).unwrap(), "vnc://localhost:-5901");
        assert_eq!(shown("vnc", "<graphics/>", None), None);
        let spice = "<graphics tlsPort='7' passwd='p'><listen type='address' address='a'/></graphics>";
        assert_eq!(shown("spice", spice, None).unwrap(), "spice://a?tls-port=7&password=p");
        let socket = "<graphics><listen type='socket' socket='/s'/></graphics>";
        assert_eq!(shown("vnc", socket, None).unwrap(), "vnc+unix:///s");
    }

    #[test]
    fn the_server_is_in_the_uri() {
        assert_eq!(server("qemu+ssh://me@host:22/system").as_deref(), Some("host"));
        assert_eq!(server("qemu+tls://[::1]/system").as_deref(), Some("::1"));
        assert_eq!(server("qemu:///system"), None);
    }
}
