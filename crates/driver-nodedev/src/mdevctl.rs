//! Mediated devices that are defined, by mdevctl(8), which keeps them and starts them.

use serde_json::{Value, json};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_conf::nodedev::host::{Capability, Mdev, NodeDevice};
use virtus_host::program::{Program, Runner, find_in_path, run_blocking};

use crate::scan::{COMPUTER, mdev_name};
use crate::{Devices, Known};

fn mdevctl() -> Program {
    Program::new("mdevctl").timeout(std::time::Duration::from_secs(30))
}

/// What mdevctl does with a device, and how that is called when it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Defines it.
    Define,
    /// Starts it without defining it.
    Start,
}

impl Action {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Action::Define => ("define", "define"),
            Action::Start => ("start", "start"),
        }
    }
}

/// Has mdevctl make a device on the one at `address`, and says which UUID it has.
///
/// # Errors
/// `INTERNAL_ERROR` with what mdevctl said.
pub(crate) fn make(runner: &dyn Runner, action: Action, address: &str, mdev: &Mdev) -> Result<Uuid> {
    let (command, word) = action.words();
    let mut program = mdevctl().args([command, "--parent", address, "--jsonfile", "/dev/stdin"]);
    if let Some(uuid) = mdev.uuid {
        program = program.arg("--uuid").arg(uuid.to_string());
    }
    let said = run(runner, program.stdin(config(mdev)), word)?;
    match (mdev.uuid, Uuid::parse(said.trim())) {
        (Some(uuid), _) | (None, Some(uuid)) => Ok(uuid),
        (None, None) => Err(Error::internal(
            ErrorDomain::NODEDEV,
            format!("Unable to {word} mediated device: mdevctl named no UUID"),
        )),
    }
}

/// Has mdevctl change a device: as it is defined, as it runs, or both.
///
/// # Errors
/// `OPERATION_UNSUPPORTED` when this mdevctl cannot do that yet; else as [`make`].
pub(crate) fn modify(
    runner: &dyn Runner,
    address: &str,
    uuid: Uuid,
    mdev: &Mdev,
    (defined, live): (bool, bool),
) -> Result<()> {
    if version(runner)? < CHANGES {
        let text = "Unable to modify mediated device: modify unsupported";
        return Err(Error::new(ErrorDomain::NODEDEV, ErrorCode::OPERATION_UNSUPPORTED, text));
    }
    let uuid = uuid.to_string();
    let mut args = vec!["modify", "--parent", address, "--uuid", &uuid, "--jsonfile", "/dev/stdin"];
    args.extend(defined.then_some("--defined"));
    args.extend(live.then_some("--live"));
    run(runner, mdevctl().args(args).stdin(config(mdev)), "modify").map(drop)
}

/// The first version that changes devices as a whole.
const CHANGES: (u32, u32) = (1, 3);

/// mdevctl's version, of which it says `mdevctl 1.2.0`.
fn version(runner: &dyn Runner) -> Result<(u32, u32)> {
    let said = run(runner, mdevctl().arg("--version"), "query")?;
    let mut numbers = said.trim().trim_start_matches("mdevctl").trim().split('.').map(str::parse);
    let mut next = || numbers.next().and_then(std::result::Result::ok).unwrap_or(0);
    Ok((next(), next()))
}

/// What mdevctl is to know of a device.
fn config(mdev: &Mdev) -> String {
    let attributes: Vec<Value> =
        mdev.attributes.iter().map(|(name, value)| json!({ name.as_str(): value })).collect();
    let mut config = json!({ "mdev_type": mdev.kind, "start": "manual" });
    if let Some(object) = config.as_object_mut().filter(|_| !attributes.is_empty()) {
        object.insert("attrs".to_owned(), Value::Array(attributes));
    }
    config.to_string()
}

/// Has mdevctl do something with a device that is defined or runs.
///
/// # Errors
/// As [`make`].
pub(crate) fn command(runner: &dyn Runner, args: &[&str], word: &str) -> Result<()> {
    run(runner, mdevctl().args(args), word).map(drop)
}

fn run(runner: &dyn Runner, program: Program, word: &str) -> Result<String> {
    let output = run_blocking(runner, &program)?;
    match output.status {
        Some(0) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        _ => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(Error::internal(ErrorDomain::NODEDEV, format!("Unable to {word} mediated device: {said}")))
        }
    }
}

/// Adds what is defined: devices that do not run, and to those that do that they will come back.
pub(crate) fn defined(runner: &dyn Runner, devices: &mut Devices) {
    if find_in_path(std::path::Path::new("mdevctl")).is_none() {
        return;
    }
    let program = mdevctl().args(["list", "--defined", "--dumpjson"]);
    let text = match run_blocking(runner, &program) {
        Ok(output) if output.status == Some(0) => output.stdout,
        Ok(_) => return,
        Err(e) => return tracing::warn!("mediated devices cannot be listed: {e}"),
    };
    let Ok(list) = serde_json::from_slice::<Value>(&text) else {
        return tracing::warn!("mdevctl lists mediated devices in a form that is not known");
    };
    for (parent, uuid, config) in entries(&list) {
        let name = mdev_name(&uuid.to_string(), Some(parent));
        let autostart = config.get("start").and_then(Value::as_str) == Some("auto");
        if let Some(known) = devices.get_mut(&name) {
            known.persistent = true;
            known.autostart = autostart;
            continue;
        }
        let on = devices.values().find(|known| address(&known.device).as_deref() == Some(parent));
        let device = NodeDevice {
            name: name.clone(),
            path: None,
            node: None,
            links: Vec::new(),
            parent: Some(on.map_or_else(|| COMPUTER.to_owned(), |known| known.device.name.clone())),
            driver: None,
            capability: Capability::Mdev(mdev(parent, uuid, config)),
        };
        devices.insert(name, Known { device, active: false, persistent: true, autostart });
    }
}

/// The devices of a list: parents, each with devices by UUID.
fn entries(list: &Value) -> impl Iterator<Item = (&str, Uuid, &Value)> {
    list.as_array().into_iter().flatten().filter_map(Value::as_object).flatten().flat_map(
        |(parent, devices)| {
            let devices = devices.as_array().into_iter().flatten().filter_map(Value::as_object).flatten();
            devices.filter_map(move |(uuid, config)| Some((parent.as_str(), Uuid::parse(uuid)?, config)))
        },
    )
}

fn mdev(parent: &str, uuid: Uuid, config: &Value) -> Mdev {
    let attributes = config.get("attrs").and_then(Value::as_array).into_iter().flatten();
    let pairs = attributes.filter_map(Value::as_object).flatten();
    Mdev {
        kind: config.get("mdev_type").and_then(Value::as_str).unwrap_or_default().to_owned(),
        uuid: Some(uuid),
        parent: Some(parent.to_owned()),
        iommu_group: 0,
        attributes: pairs
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
    }
}

/// How mdevctl calls a device that mediated ones can be on; `None` for one that can have none.
pub(crate) fn address(device: &NodeDevice) -> Option<String> {
    match &device.capability {
        Capability::Pci(pci) => Some(pci.address.to_string()),
        Capability::Css { address: [cssid, ssid, devno], .. } => {
            Some(format!("{cssid:x}.{ssid:x}.{devno:04x}"))
        }
        Capability::ApMatrix { .. } => Some("matrix".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use virtus_host::program::{Output, Recorder};

    use super::*;

    #[test]
    fn what_is_defined_is_added() {
        let list = r#"[{"0000:00:02.0":[{"d069d019-36ea-4111-8f0a-8c9a70e21366":
            {"mdev_type":"a","start":"auto","attrs":[{"x":"1"}]}}]},{"odd":3}]"#;
        let list: Value = serde_json::from_str(list).unwrap();
        let all: Vec<_> = entries(&list).collect();
        let [(parent, uuid, config)] = &all[..] else { panic!("one") };
        let mdev = mdev(parent, *uuid, config);
        assert_eq!((mdev.kind.as_str(), mdev.attributes.as_slice()), ("a", &[("x".into(), "1".into())][..]));
        assert_eq!(
            mdev_name(&uuid.to_string(), Some(parent)),
            "mdev_d069d019_36ea_4111_8f0a_8c9a70e21366_0000_00_02_0"
        );
    }

    #[test]
    fn mdevctl_is_told_and_believed() {
        let uuid = "d069d019-36ea-4111-8f0a-8c9a70e21366";
        let output = |status, out: &str, err: &str| Output {
            status: Some(status),
            stdout: out.into(),
            stderr: err.into(),
            ..Output::default()
        };
        let recorder = Recorder::new([output(0, &format!("{uuid}\n"), ""), output(1, "", "Error: no\n")]);
        let mdev = Mdev { kind: "a".into(), attributes: vec![("x".into(), "1".into())], ..Mdev::default() };
        let made = make(&recorder, Action::Define, "0000:00:02.0", &mdev).unwrap();
        assert_eq!(made.to_string(), uuid);
        let [asked] = &recorder.asked()[..] else { panic!("one program") };
        assert_eq!(asked.line(), "mdevctl define --parent 0000:00:02.0 --jsonfile /dev/stdin");
        let config: Value = serde_json::from_slice(&asked.stdin).unwrap();
        assert_eq!(config, json!({ "mdev_type": "a", "start": "manual", "attrs": [{ "x": "1" }] }));
        let e = make(&recorder, Action::Start, "0000:00:02.0", &mdev).unwrap_err();
        assert_eq!(e.message(), "internal error: Unable to start mediated device: Error: no\n");
        let uuid = Uuid::parse(uuid).unwrap();
        let recorder = Recorder::new([output(0, "mdevctl 1.2.0\n", ""), output(0, "mdevctl 1.10.0\n", "")]);
        let change = || modify(&recorder, "0000:00:02.0", uuid, &mdev, (true, false));
        assert_eq!(change().unwrap_err().code(), ErrorCode::OPERATION_UNSUPPORTED);
        change().unwrap();
        assert!(recorder.asked().last().is_some_and(|asked| asked.line().ends_with("/dev/stdin --defined")));
    }
}
