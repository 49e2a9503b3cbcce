//! What the start of a domain asks of the command line's builder.

use std::collections::HashMap;

use virtus_base::Result;
use virtus_conf::domain as conf;

use crate::capabilities::ProbedEmulator;
use crate::command::Context;
use crate::layout::Layout;

/// A running domain's directories.
#[derive(Clone, Debug)]
pub(crate) struct Directories {
    pub(crate) lib: String,
    pub(crate) channel: String,
    pub(crate) memory: String,
    pub(crate) dbus: String,
    /// Number and name, as they stand in file names.
    pub(crate) short_name: String,
    /// Whether they are the system's.
    pub(crate) privileged: bool,
}

impl Directories {
    /// Those of a domain of this number.
    pub(crate) fn of(layout: &Layout, id: i32, name: &str) -> Self {
        let text = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
        let memory = layout.memory_dir(id, name);
        let short_name = memory.file_name().map(|name| name.to_string_lossy().into_owned());
        Directories {
            lib: text(layout.domain_dir(id, name)),
            channel: text(layout.channel_dir(id, name)),
            memory: text(memory),
            dbus: text(layout.dbus_dir()),
            short_name: short_name.unwrap_or_default(),
            privileged: layout.privileged,
        }
    }
}

/// The numbers of the descriptors QEMU finds its sockets under.
#[derive(Clone, Debug)]
pub(crate) struct Descriptors {
    pub(crate) monitor: i32,
    pub(crate) chardevs: HashMap<String, i32>,
}

/// What is executed.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    /// QEMU's version, for the log.
    pub(crate) version: String,
}

/// The command that runs a live definition.
pub(crate) fn command(
    model: &conf::Domain,
    emulator: &ProbedEmulator,
    directories: Directories,
    descriptors: &Descriptors,
) -> Result<Launch> {
    let mut context = context(&directories);
    context.monitor_fd = Some(descriptors.monitor);
    context.chardev_fds = descriptors.chardevs.clone();
    let line = crate::command::build(model, emulator, &context)?;
    Ok(Launch { args: line.args, env: line.env, version: version_text(emulator) })
}

/// What a command line needs to know of the host, with nothing opened yet.
pub(crate) fn context(directories: &Directories) -> Context {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Context {
        lib_dir: directories.lib.clone(),
        channel_dir: directories.channel.clone(),
        memory_dir: directories.memory.clone(),
        dbus_dir: directories.dbus.clone(),
        short_name: directories.short_name.clone(),
        master_key: Some(format!("{}/master-key.aes", directories.lib)),
        vnc_listen: "127.0.0.1".to_owned(),
        privileged: directories.privileged,
        now: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
        utc_offset: virtus_host::clock::utc_offset(),
        path: std::env::var("PATH").ok(),
        ..Context::default()
    }
}

/// The names of what an emulator can do, for status files.
pub(crate) fn capability_names(emulator: &ProbedEmulator) -> Vec<String> {
    let mut names: Vec<_> = emulator.capabilities.flags.iter().cloned().collect();
    names.sort_unstable();
    names
}

/// QEMU's version as the log has it: the number, then what the packager calls it.
fn version_text(emulator: &ProbedEmulator) -> String {
    let v = emulator.capabilities.version;
    format!("{}.{}.{}{}", v / 1_000_000, v / 1000 % 1000, v % 1000, emulator.capabilities.package)
}
