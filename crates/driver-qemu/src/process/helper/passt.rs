//! passt: the user network of an interface in a process of its own, which goes to the background by itself.

use std::path::Path;
use std::sync::Arc;

use virtus_base::Result;
use virtus_conf::domain as conf;
use virtus_conf::domain::device::Interface;
use virtus_conf::domain::device::interface::{BackendType, InterfaceSource, PortForward};
use virtus_host::process::{Exit, Spawn};
use virtus_host::program::{Output, Program};

use super::{MARK, Start};
use crate::driver::Shared;
use crate::error::system;
use crate::process::prepare::Places;
use crate::process::{Running, cgroup};

fn needs(net: &Interface) -> bool {
    net.rest.backend.kind == Some(BackendType::Passt) && matches!(net.source, InterfaceSource::User(_))
}

pub(super) fn wanted(model: &conf::Domain) -> bool {
    model.devices.interfaces.iter().any(needs)
}

pub(super) async fn start(start: &mut Start<'_>, model: &mut conf::Domain) -> Result<()> {
    let nets: Vec<Interface> = model.devices.interfaces.iter().filter(|net| needs(net)).cloned().collect();
    for net in nets {
        serve(start, model, &net).await?;
    }
    Ok(())
}

/// Starts the process of an interface anew: it ends when QEMU loses the connection, and QEMU tries again.
pub(in crate::process) async fn restart(
    shared: &Arc<Shared>,
    model: &conf::Domain,
    running: &Running,
    alias: &str,
) -> Result<()> {
    let net = model.devices.interfaces.iter().find(|net| net.info.alias.as_deref() == Some(alias));
    let Some(net) = net.filter(|net| needs(net)) else { return Ok(()) };
    let places = Places::of(shared, running.id, &model.name);
    let mut context = crate::launch::context(shared, running.id, &model.name);
    let mut start =
        Start { shared, places: &places, id: running.id, context: &mut context, sockets: Vec::new() };
    serve(&mut start, model, net).await
}

async fn serve(start: &mut Start<'_>, model: &conf::Domain, net: &Interface) -> Result<()> {
    let alias = net.info.alias.clone().unwrap_or_default();
    let user = start.user();
    super::directory(&start.shared.setup.layout.state.join("passt"), 0o770, user.as_ref())?;
    let (socket, pid_file) =
        (start.file("passt", &format!("{alias}.socket")), start.file("passt", &format!("{alias}-passt.pid")));
    let _ = std::fs::remove_file(&socket);
    let command = Program::new("passt").args(arguments(net, &socket, &pid_file));
    start.note("passt", &command.line());
    let complaints = super::scratch()?;
    let mut spawn = Spawn::new(super::program("passt")?);
    spawn.args(&command.args).env(MARK, &pid_file).clear_capabilities().session(true);
    spawn.fd(complaints.try_clone().map_err(|e| system("cannot duplicate a descriptor", &e))?, 2);
    if let Some(user) = user {
        spawn.credentials(user);
    }
    cgroup::join(model, start.id, &mut spawn);
    let process = {
        let _runtime = start.shared.runtime.enter();
        spawn.start()?
    };
    let ended = match process.exited().await {
        Exit::Code(status) => Output { status: Some(status), ..Output::default() },
        Exit::Signal(signal) => Output { signal: Some(signal), ..Output::default() },
        Exit::Unknown => Output::default(),
    };
    Output { stderr: super::said(&complaints).into_bytes(), ..ended }.success(&command)?;
    start.context.helper_sockets.insert(alias, socket.display().to_string());
    Ok(())
}

fn arguments(net: &Interface, socket: &Path, pid_file: &Path) -> Vec<String> {
    let mut args = vec!["--one-off".to_owned()];
    let mut add = |name: &str, value: String| args.extend([name.to_owned(), value]);
    add("--socket", socket.display().to_string());
    add("--pid", pid_file.display().to_string());
    if let Some(mtu) = net.rest.mtu.filter(|mtu| *mtu > 0) {
        add("--mtu", mtu.to_string());
    }
    if let InterfaceSource::User(source) = &net.source
        && let Some(dev) = &source.dev
    {
        add("--interface", dev.clone());
    }
    if let Some(log) = &net.rest.backend.log_file {
        add("--log-file", log.clone());
    }
    for ip in &net.rest.ips {
        add("--address", ip.address.clone());
        if let Some(prefix) = ip.prefix.filter(|_| !ip.address.contains(':')) {
            add("--netmask", prefix.to_string());
        }
    }
    for forward in &net.rest.port_forwards {
        add(&format!("--{}-ports", forward.proto.as_str()), ports(forward));
    }
    args
}

/// `ADDRESS%DEV/START-END:TO-…,~START`, as passt reads it.
fn ports(forward: &PortForward) -> String {
    let mut text = String::new();
    if let Some(address) = &forward.address {
        text.push_str(address);
        if let Some(dev) = &forward.dev {
            text.push_str(&format!("%{dev}"));
        }
        text.push('/');
    }
    let ranges = forward.ranges.iter().map(|range| {
        let mut text = if range.exclude.is_some_and(|on| on.is_true()) { "~" } else { "" }.to_owned();
        text.push_str(&range.start.to_string());
        if let Some(end) = range.end {
            text.push_str(&format!("-{end}"));
        }
        if let Some(to) = range.to {
            text.push_str(&format!(":{to}"));
            if let Some(end) = range.end {
                text.push_str(&format!("-{}", end.saturating_add(to).saturating_sub(range.start)));
            }
        }
        text
    });
    let ranges: Vec<String> = ranges.collect();
    text.push_str(&if ranges.is_empty() { "all".to_owned() } else { ranges.join(",") });
    text
}
