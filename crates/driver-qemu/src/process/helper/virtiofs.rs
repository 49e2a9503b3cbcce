//! virtiofsd: a server for each directory of the host that the guest sees by virtiofs.

use std::path::Path;

use virtus_base::Result;
use virtus_conf::domain as conf;
use virtus_conf::domain::device::Filesystem;
use virtus_conf::domain::device::filesystem::FsDriverType;
use virtus_host::process::Spawn;
use virtus_xml::OnOff;

use super::{Start, descriptor};
use crate::error::{internal, system};
use crate::process::prepare;

/// Whether a server has to be started: some have one of their own.
fn needs(fs: &Filesystem) -> bool {
    fs.driver.kind == Some(FsDriverType::Virtiofs) && fs.socket.is_none()
}

pub(super) fn wanted(model: &conf::Domain) -> bool {
    model.devices.filesystems.iter().any(needs)
}

pub(super) async fn start(start: &mut Start<'_>, model: &mut conf::Domain) -> Result<()> {
    for i in 0..model.devices.filesystems.len() {
        let Some(fs) = model.devices.filesystems.get_mut(i).filter(|fs| needs(fs)) else { continue };
        let named = fs.binary.get_or_insert_default();
        let path = match &named.path {
            Some(path) => {
                descriptor::features(Path::new(path)).await?;
                path.clone()
            }
            None => descriptor::find("fs", "virtiofsd", &[]).await?.0.display().to_string(),
        };
        named.path = Some(path.clone());
        let fs = fs.clone();
        serve(start, model, &fs, &path)?;
    }
    Ok(())
}

fn serve(start: &Start<'_>, model: &conf::Domain, fs: &Filesystem, binary: &str) -> Result<()> {
    let alias = fs.info.alias.clone().unwrap_or_default();
    let source = fs.source.clone().unwrap_or_default();
    if !Path::new(&source).exists() {
        return Err(internal(format!("the virtiofs export directory '{source}' does not exist")));
    }
    let socket = start.places.lib_dir.join(format!("{alias}-fs.sock"));
    let mut spawn = Spawn::new(binary);
    let fd = spawn.next_fd(prepare::listen(&socket)?);
    prepare::give_to_qemu(start.shared, &socket)?;
    let mut args = arguments(fs, fd);
    if start.shared.setup.settings.virtiofsd_debug {
        args.push("-d".to_owned());
    }
    spawn.args(&args).env("PATH", std::env::var("PATH").unwrap_or_default());
    let log = start.shared.setup.layout.log.join(format!("{}-{alias}-virtiofsd.log", model.name));
    let log = super::output(&log)?;
    for number in [1, 2] {
        spawn.fd(log.try_clone().map_err(|e| system("cannot duplicate a descriptor", &e))?, number);
    }
    start.note("virtiofsd", &format!("{binary} {}", args.join(" ")));
    let process = start.launch(model, spawn, &start.file("", &format!("{alias}-fs.pid")))?;
    match process.is_alive() {
        true => Ok(()),
        false => Err(internal("virtiofsd died unexpectedly")),
    }
}

/// How the server is told what the definition says.
fn arguments(fs: &Filesystem, fd: i32) -> Vec<String> {
    let binary = fs.binary.clone().unwrap_or_default();
    let mut args =
        vec![format!("--fd={fd}"), "--shared-dir".to_owned(), fs.source.clone().unwrap_or_default()];
    if let Some(cache) = binary.cache {
        args.extend(["--cache".to_owned(), cache.as_str().to_owned()]);
    }
    if let Some(sandbox) = binary.sandbox {
        args.extend(["--sandbox".to_owned(), sandbox.as_str().to_owned()]);
    }
    if binary.xattr == Some(OnOff::On) {
        args.push("--xattr".to_owned());
    }
    if let Some(size) = binary.thread_pool.filter(|size| *size >= 0) {
        args.push(format!("--thread-pool-size={size}"));
    }
    if let Some(most) = binary.openfiles.filter(|most| *most > 0) {
        args.push(format!("--rlimit-nofile={most}"));
    }
    if let Some(map) = &fs.idmap {
        for (kind, entries) in [("uid", &map.uid), ("gid", &map.gid)] {
            for entry in entries {
                args.push(format!("--{kind}-map=:{}:{}:{}:", entry.start, entry.target, entry.count));
            }
        }
    }
    if fs.readonly {
        args.push("--readonly".to_owned());
    }
    args
}
