//! The private D-Bus server of a guest whose display is on D-Bus.

use std::fmt::Write as _;
use std::path::Path;

use virtus_base::{ErrorCode, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::Graphics;
use virtus_conf::domain::device::graphics::DbusGraphics;
use virtus_host::process::Spawn;

use super::Start;
use crate::error::{error, system};

/// Whether a display is on a bus: others talk to their peer directly.
fn needs(dbus: &DbusGraphics) -> bool {
    !dbus.p2p.is_some_and(|on| on.is_true())
}

pub(super) fn wanted(model: &conf::Domain) -> bool {
    model.devices.graphics.iter().any(|graphics| matches!(graphics, Graphics::Dbus(dbus) if needs(dbus)))
}

pub(super) async fn start(start: &mut Start<'_>, model: &mut conf::Domain) -> Result<()> {
    // one that is named is somebody else's
    let own = |graphics: &Graphics| matches!(graphics, Graphics::Dbus(dbus) if needs(dbus) && dbus.address.is_none());
    if !model.devices.graphics.iter().any(own) {
        return Ok(());
    }
    let server = super::configured(&start.shared.setup.settings.dbus_daemon, "dbus-daemon")?;
    let user = start.user();
    super::directory(&start.shared.setup.layout.dbus_dir(), 0o770, user.as_ref())?;
    let (socket, settings) = (start.file("dbus", "dbus.sock"), start.file("dbus", "dbus.conf"));
    super::write_for(&settings, &configuration(&socket), user.as_ref())
        .map_err(|e| system(format_args!("Failed to write '{}'", settings.display()), &e))?;
    let complaints = super::scratch()?;
    let mut spawn = Spawn::new(&server);
    spawn.arg(format!("--config-file={}", settings.display())).clear_capabilities();
    if let Some(user) = user {
        spawn.credentials(user);
    }
    spawn.fd(complaints.try_clone().map_err(|e| system("cannot duplicate a descriptor", &e))?, 2);
    let process = start.launch(model, spawn, &start.file("dbus", "dbus.pid"))?;
    if !super::appears(&socket, &process).await {
        let text = match process.is_alive() {
            true => {
                return Err(error(
                    ErrorCode::OPERATION_TIMEOUT,
                    format!("DBus daemon {} didn't show up", server.display()),
                ));
            }
            false => super::said(&complaints),
        };
        return Err(error(ErrorCode::OPERATION_FAILED, format!("dbus-daemon died and reported: {text}")));
    }
    for graphics in &mut model.devices.graphics {
        if let Graphics::Dbus(dbus) = graphics
            && needs(dbus)
        {
            dbus.address.get_or_insert_with(|| format!("unix:path={}", socket.display()));
        }
    }
    Ok(())
}

/// A bus of its own for the guest: whoever may open the socket may do anything.
fn configuration(socket: &Path) -> String {
    let mut text = String::from(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n  \
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n<busconfig>\n",
    );
    let address = virtus_xml::Writer::escaped(&format!("unix:path={}", socket.display()));
    for line in [
        "<type>org.libvirt.qemu</type>",
        &format!("<listen>{address}</listen>"),
        "<auth>EXTERNAL</auth>",
        "<policy context='default'>",
        "  <allow send_destination='*' eavesdrop='true'/>",
        "  <allow eavesdrop='true'/>",
        "  <allow own='*'/>",
        "  <allow user='root'/>",
        "</policy>",
        "<include if_selinux_enabled='yes' selinux_root_relative='yes'>contexts/dbus_contexts</include>",
    ] {
        let _ = writeln!(text, "  {line}");
    }
    text.push_str("</busconfig>\n");
    text
}
