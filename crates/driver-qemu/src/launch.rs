//! What the start of a domain asks of the command line's builder.

use std::collections::HashMap;

use virtus_base::Result;
use virtus_conf::domain as conf;

use crate::capabilities::ProbedEmulator;

/// A running domain's directories.
#[derive(Clone, Debug)]
pub(crate) struct Directories {
    pub(crate) lib: String,
    pub(crate) channel: String,
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
    let s = str::to_owned;
    let mut args = vec![
        s("-name"),
        format!("guest={},debug-threads=on", model.name),
        s("-S"),
        s("-object"),
        format!(
            r#"{{"qom-type":"secret","id":"masterKey0","format":"raw","file":"{}/master-key.aes"}}"#,
            directories.lib
        ),
        s("-machine"),
        model.os.kind.machine.clone().unwrap_or_else(|| "q35".into()),
        s("-accel"),
        s("tcg"),
        s("-m"),
        format!("size={}k", model.memory.size.0),
        s("-uuid"),
        model.uuid.to_string(),
        s("-no-user-config"),
        s("-nodefaults"),
        s("-chardev"),
        format!("socket,id=charmonitor,fd={},server=on,wait=off", descriptors.monitor),
        s("-mon"),
        s("chardev=charmonitor,id=monitor,mode=control"),
        s("-no-shutdown"),
        s("-display"),
        s("none"),
    ];
    for (option, value) in
        [("-kernel", &model.os.kernel), ("-initrd", &model.os.initrd), ("-append", &model.os.cmdline)]
    {
        if let Some(value) = value {
            args.extend([s(option), value.clone()]);
        }
    }
    for serial in &model.devices.serials {
        let alias = serial.info.alias.clone().unwrap_or_default();
        args.extend([
            s("-chardev"),
            format!("pty,id=char{alias}"),
            s("-device"),
            format!("isa-serial,chardev=char{alias},id={alias}"),
        ]);
    }
    if !model.devices.memballoons.is_empty() {
        args.extend([s("-device"), s("virtio-balloon-pci,id=balloon0")]);
    }
    let home = directories.lib;
    let _ = (directories.channel, &descriptors.chardevs);
    Ok(Launch {
        args,
        env: vec![
            (s("LC_ALL"), s("C")),
            (s("PATH"), std::env::var("PATH").unwrap_or_default()),
            (s("HOME"), home),
        ],
        version: String::new(),
    })
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
