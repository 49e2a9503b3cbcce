//! What has to be there before a QEMU is started: the live definition, directories, sockets, keys, its log.

use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::chardev::SocketMode;
use virtus_conf::domain::device::console::{ChannelState, ChannelTarget};
use virtus_conf::domain::device::graphics::{Listen, Listens, Spice, SpiceMode, Vnc};
use virtus_conf::domain::device::{ChardevSource, Graphics};
use virtus_conf::domain::misc::Resource;
use virtus_conf::domain::seclabel::{SecLabel, SecLabelType};
use virtus_host::process::Spawn;
use virtus_state::Undo;
use virtus_xml::{OnOff, YesNo};

use super::directory::remove_directory;
use super::{log, secrets};
use crate::command::Context;
use crate::driver::Shared;
use crate::emulator::Emulator;
use crate::error::{internal, system, unsupported};

/// The places of one running domain.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) id: i32,
    pub(super) name: Arc<str>,
    pub(super) lib_dir: PathBuf,
    pub(super) channel_dir: PathBuf,
    pub(super) monitor: PathBuf,
    pub(super) log: PathBuf,
}

impl Places {
    pub(super) fn of(shared: &Shared, id: i32, name: &str) -> Places {
        let layout = &shared.setup.layout;
        let lib_dir = layout.domain_dir(id, name);
        Places {
            id,
            name: name.into(),
            monitor: lib_dir.join("monitor.sock"),
            lib_dir,
            channel_dir: layout.channel_dir(id, name),
            log: layout.log(name),
        }
    }
}

/// The definition as it is while the domain runs: with aliases, ports, paths and labels.
pub(super) fn live_model(
    shared: &Shared,
    mut model: conf::Domain,
    id: i32,
    places: &Places,
    (emulator, context): (&dyn Emulator, &Context),
) -> Result<conf::Domain> {
    model.id = Some(id);
    crate::address::alias::assign(&mut model);
    crate::command::prepare(&mut model, emulator, context)?;
    for channel in &mut model.devices.channels {
        if let ChannelTarget::Virtio { state, .. } = &mut channel.target {
            *state = Some(ChannelState::Disconnected);
        }
    }
    for graphics in &mut model.devices.graphics {
        match graphics {
            Graphics::Vnc(vnc) => vnc_server(shared, vnc, id, places)?,
            Graphics::Spice(spice) => spice_server(shared, spice, id, places)?,
            _ => {}
        }
    }
    if let Some(user) = &shared.setup.user {
        let partition = model.resource.get_or_insert_with(Resource::default);
        partition.partition.get_or_insert_with(|| "/machine".to_owned());
        if !model.seclabels.iter().any(|l| l.model.as_deref() == Some("dac")) {
            let label = format!("+{}:+{}", user.uid, user.gid);
            model.seclabels.push(SecLabel {
                kind: Some(SecLabelType::Dynamic),
                model: Some("dac".to_owned()),
                relabel: Some(YesNo::Yes),
                label: Some(label.clone()),
                imagelabel: Some(label),
                baselabel: None,
            });
        }
    }
    Ok(model)
}

fn vnc_server(shared: &Shared, vnc: &mut Vnc, id: i32, places: &Places) -> Result<()> {
    let settings = &shared.setup.settings;
    let socket = places.lib_dir.join("vnc.sock");
    listens(&mut vnc.server.listens, settings.vnc_auto_unix_socket, &settings.vnc_listen, &socket)?;
    if !vnc.server.listens.on_ports() {
        return Ok(());
    }
    let ports = &mut vnc.server.ports;
    if ports.autoport {
        let range = (settings.remote_display_port_min, settings.remote_display_port_max);
        ports.port = Some(i32::from(shared.ports.take(id, range, "vnc")?));
    } else if let Some(port) = ports.port.and_then(|p| u16::try_from(p).ok()) {
        shared.ports.note(port, id);
    }
    if ports.websocket == Some(-1) {
        let range = (settings.remote_websocket_port_min, settings.remote_websocket_port_max);
        ports.websocket = Some(i32::from(shared.ports.take(id, range, "webSocket")?));
        ports.websocket_generated = true;
    }
    Ok(())
}

/// Where a server listens that does not say so itself.
fn listens(listens: &mut Listens, on_socket: bool, usual: &str, own: &Path) -> Result<()> {
    for listen in &mut listens.list {
        if on_socket && matches!(listen, Listen::Address { address: None }) {
            *listen = Listen::Socket { socket: None, auto_generated: true, from_config: true };
        }
        match listen {
            Listen::Address { address: address @ None } => *address = Some(usual.to_owned()),
            Listen::Socket { socket: socket @ None, auto_generated, .. } => {
                *socket = Some(own.to_string_lossy().into_owned());
                *auto_generated = true;
            }
            _ => {}
        }
    }
    Ok(())
}

fn spice_server(shared: &Shared, spice: &mut Spice, id: i32, places: &Places) -> Result<()> {
    let settings = &shared.setup.settings;
    let socket = places.lib_dir.join("spice.sock");
    listens(&mut spice.listens, settings.spice_auto_unix_socket, &settings.spice_listen, &socket)?;
    if !spice.listens.on_ports() {
        return Ok(());
    }
    let (mut plain, mut secure) = (spice.ports.port == Some(-1), spice.ports.tls_port == Some(-1));
    if spice.ports.autoport {
        let channels = spice.channels.iter().map(|channel| channel.mode);
        for mode in channels.filter(|mode| *mode != SpiceMode::Any) {
            (plain, secure) = (plain || mode == SpiceMode::Insecure, secure || mode == SpiceMode::Secure);
        }
        match spice.default_mode {
            Some(SpiceMode::Secure) => secure = true,
            Some(SpiceMode::Insecure) => plain = true,
            _ => (plain, secure) = (true, secure || settings.spice_tls),
        }
    }
    let range = (settings.remote_display_port_min, settings.remote_display_port_max);
    for (wanted, port) in [(plain, &mut spice.ports.port), (secure, &mut spice.ports.tls_port)] {
        if let Some(fixed) = port.and_then(|port| u16::try_from(port).ok()).filter(|_| !wanted) {
            shared.ports.note(fixed, id);
        }
    }
    if plain {
        spice.ports.port = Some(i32::from(shared.ports.take(id, range, "spice")?));
    }
    if secure {
        if !settings.spice_tls {
            return Err(unsupported(
                "Auto allocation of spice TLS port requested but spice TLS is disabled in qemu.conf",
            ));
        }
        spice.ports.tls_port = Some(i32::from(shared.ports.take(id, range, "spice")?));
    }
    Ok(())
}

/// Makes the directories of a domain that is started.
pub(super) fn directories(
    shared: &Shared,
    places: &Places,
    memory: &[PathBuf],
    undo: &mut Undo,
) -> Result<()> {
    for path in [&places.lib_dir, &places.channel_dir].into_iter().chain(memory) {
        // what a domain of the same number left in a crash is of no use to anybody
        remove_directory(path);
        let make = |path: &Path, mode| std::fs::DirBuilder::new().recursive(true).mode(mode).create(path);
        let above = path.parent().map_or(Ok(()), |parent| make(parent, 0o755));
        above
            .and_then(|()| make(path, 0o750))
            .map_err(|e| system(format_args!("Cannot create directory '{}'", path.display()), &e))?;
        let made = path.clone();
        undo.push("directory", move || {
            remove_directory(&made);
            Ok(())
        });
        // whatever the umask is
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o750));
        give_to_qemu(shared, path)?;
    }
    Ok(())
}

/// Makes a file or directory QEMU's own.
pub(crate) fn give_to_qemu(shared: &Shared, path: &Path) -> Result<()> {
    let Some(user) = &shared.setup.user else { return Ok(()) };
    chown(path, Some(user.uid), Some(user.gid)).map_err(|e| {
        let whose = format!("{}:{}", user.uid, user.gid);
        system(format_args!("unable to set user and group to '{whose}' on '{}'", path.display()), &e)
    })
}

/// The key that secrets on QEMU's command line are encrypted with.
pub(super) fn master_key(shared: &Shared, places: &Places) -> Result<[u8; secrets::KEY]> {
    use std::io::Write;
    let path = places.lib_dir.join(secrets::KEY_FILE);
    let mut key = [0u8; secrets::KEY];
    getrandom::fill(&mut key).map_err(|e| internal(format!("failed to generate byte stream: {e}")))?;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(&key))
        .map_err(|e| system(format_args!("failed to write master key file {}", path.display()), &e))?;
    give_to_qemu(shared, &path)?;
    Ok(key)
}

/// Makes the guest's firmware variables from their template, if there are none or new ones are wanted.
pub(super) fn variables(shared: &Shared, model: &conf::Domain, reset: bool) -> Result<()> {
    let Some(nvram) = &model.os.nvram else { return Ok(()) };
    let (Some(path), Some(template)) = (nvram.path(), &nvram.template) else { return Ok(()) };
    let path = Path::new(path);
    if path.exists() && !reset {
        return Ok(());
    }
    let contents =
        std::fs::read(template).map_err(|e| system(format_args!("Failed to open file '{template}'"), &e))?;
    virtus_state::file::write(path, &contents, 0o600, virtus_state::file::Durability::Disk)
        .map_err(|e| system(format_args!("Failed to create file '{}'", path.display()), &e))?;
    give_to_qemu(shared, path)
}

/// What of the host has to be there for the guest.
///
/// # Errors
/// `SYSTEM_ERROR` for what is not.
pub(super) fn check_host(model: &conf::Domain) -> Result<()> {
    const BLOBS: &str = "/dev/udmabuf";
    let blobs = model.devices.videos.iter().any(|video| video.model.blob == Some(OnOff::On));
    if blobs && !Path::new(BLOBS).exists() {
        let e = std::io::Error::from(rustix::io::Errno::NOENT);
        return Err(Error::system(ErrorDomain::CGROUP, format_args!("Path '{BLOBS}' is not accessible"), &e));
    }
    Ok(())
}

/// Opens the monitor's socket and those of the character devices that QEMU serves, and notes the numbers under
/// which QEMU finds them.
pub(super) fn sockets(
    shared: &Shared,
    model: &conf::Domain,
    places: &Places,
    context: &mut Context,
    spawn: &mut Spawn,
) -> Result<()> {
    context.monitor_fd = Some(spawn.next_fd(listen(&places.monitor)?));
    for (alias, path) in chardev_servers(model) {
        let path = Path::new(path);
        let listener = listen(path)?;
        give_to_qemu(shared, path)?;
        context.chardev_fds.insert(alias, spawn.next_fd(listener));
    }
    for (name, path, append) in chardev_files(model) {
        let file = append_to(path, append)?;
        context.chardev_fds.insert(name, spawn.next_fd(file));
    }
    for vsock in &model.devices.vsocks {
        let device = std::fs::OpenOptions::new().read(true).write(true).open("/dev/vhost-vsock");
        let device = device.map_err(|_| unsupported("unable to open vhost-vsock device"))?;
        context.device_fds.insert(vsock.info.alias.clone().unwrap_or_default(), spawn.next_fd(device));
    }
    Ok(())
}

/// Opens a file that a character device writes to, emptied unless what is there is kept.
pub(crate) fn append_to(path: &str, keep: bool) -> Result<std::fs::File> {
    let failed =
        |e: std::io::Error| Error::system(ErrorDomain::NONE, format_args!("Unable to open file: {path}"), &e);
    let file =
        std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(failed)?;
    if !keep {
        file.set_len(0).map_err(failed)?;
    }
    Ok(file)
}

/// The files character devices write to: QEMU's name of each, its path, and whether what is there is kept.
fn chardev_files(model: &conf::Domain) -> Vec<(String, &str, bool)> {
    let devices = &model.devices;
    let all = (devices.serials.iter().map(|d| (&d.info, &d.chardev)))
        .chain(devices.parallels.iter().map(|d| (&d.info, &d.chardev)))
        .chain(devices.channels.iter().map(|d| (&d.info, &d.chardev)))
        .chain(devices.consoles.iter().filter(|c| !is_serial(c)).map(|d| (&d.info, &d.chardev)));
    let kept = |append: Option<virtus_xml::OnOff>, default: bool| append.map_or(default, |on| on.is_true());
    let mut files = Vec::new();
    for (info, chardev) in all {
        let alias = info.alias.as_deref().unwrap_or_default();
        if let ChardevSource::File { source } = &chardev.source
            && let Some(path) = &source.path
        {
            files.push((format!("char{alias}-source"), path.as_str(), kept(source.append, false)));
        }
        if let Some(log) = &chardev.log {
            files.push((format!("char{alias}-log"), log.file.as_str(), kept(log.append, true)));
        }
    }
    files
}

pub(crate) fn listen(path: &Path) -> Result<UnixListener> {
    // left by an earlier guest
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path)
        .map_err(|e| system(format_args!("Unable to bind to UNIX socket path '{}'", path.display()), &e))?;
    // whatever the umask is
    let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o775));
    Ok(listener)
}

/// The character devices whose Unix socket QEMU serves: QEMU's name of each, and the socket's path.
fn chardev_servers(model: &conf::Domain) -> Vec<(String, &str)> {
    let devices = &model.devices;
    let sources = (devices.serials.iter().map(|d| (&d.info, &d.chardev)))
        .chain(devices.parallels.iter().map(|d| (&d.info, &d.chardev)))
        .chain(devices.channels.iter().map(|d| (&d.info, &d.chardev)))
        // the first console may be the first serial port once more
        .chain(devices.consoles.iter().filter(|c| !is_serial(c)).map(|d| (&d.info, &d.chardev)));
    sources
        .filter_map(|(info, chardev)| match &chardev.source {
            ChardevSource::Unix { source } if source.mode != Some(SocketMode::Connect) => {
                Some((format!("char{}", info.alias.as_deref()?), source.path.as_deref()?))
            }
            _ => None,
        })
        .collect()
}

/// Whether a console only repeats a serial port.
pub(crate) fn is_serial(console: &virtus_conf::domain::device::Console) -> bool {
    use virtus_conf::domain::device::console::ConsoleType;
    matches!(console.kind, None | Some(ConsoleType::Serial))
}

/// The domain's log, opened for QEMU: standard output and errors.
pub(super) fn log_file(places: &Places, spawn: &mut Spawn) -> Result<std::fs::File> {
    let file = log::open(&places.log)?;
    for number in [1, 2] {
        let copy = file.try_clone().map_err(|e| system("cannot duplicate the log's descriptor", &e))?;
        spawn.fd(copy, number);
    }
    Ok(file)
}
