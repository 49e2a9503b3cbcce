//! vhost-user-gpu: a process for each graphics card whose drawing is done outside QEMU.

use std::os::unix::net::UnixStream;

use virtus_base::Result;
use virtus_conf::domain as conf;
use virtus_conf::domain::device::Video;
use virtus_conf::domain::device::video::VideoDriverName;
use virtus_host::process::Spawn;

use super::{Start, descriptor};
use crate::device::graphics::no_rendernode;
use crate::error::system;

fn needs(video: &Video) -> bool {
    video.driver.name == Some(VideoDriverName::VhostUser)
}

pub(super) fn wanted(model: &conf::Domain) -> bool {
    model.devices.videos.iter().any(needs)
}

pub(super) async fn start(start: &mut Start<'_>, model: &mut conf::Domain) -> Result<()> {
    for i in 0..model.devices.videos.len() {
        let Some(video) = model.devices.videos.get_mut(i).filter(|video| needs(video)) else { continue };
        let accelerated = video.model.acceleration.clone();
        let draws = accelerated.as_ref().and_then(|a| a.accel3d).is_some_and(|on| on.is_true());
        let node = accelerated.and_then(|a| a.rendernode);
        let mut needed = Vec::new();
        needed.extend(draws.then_some("virgl"));
        needed.extend(node.is_some().then_some("render-node"));
        let (binary, features) = descriptor::find("gpu", "vhost-user-gpu", &needed).await?;
        let node = match node {
            Some(node) => Some(node),
            None if features.iter().any(|feature| feature == "render-node") => {
                let found = start.context.rendernode.clone().ok_or_else(no_rendernode)?;
                video.model.acceleration.get_or_insert_default().rendernode = Some(found.clone());
                Some(found)
            }
            None => None,
        };
        let alias = video.info.alias.clone().unwrap_or_default();
        let (ours, theirs) = UnixStream::pair().map_err(|e| system("failed to create socket", &e))?;
        let mut spawn = Spawn::new(&binary);
        spawn.clear_capabilities();
        start.note("vhost-user-gpu", &binary.display().to_string());
        let fd = spawn.next_fd(theirs);
        spawn.arg(format!("--fd={fd}"));
        if draws {
            spawn.arg("--virgl");
        }
        if let Some(node) = node {
            spawn.arg(format!("--render-node={node}"));
        }
        if let Some(user) = start.user() {
            spawn.credentials(user);
        }
        start.launch(model, spawn, &start.file("", &format!("{alias}-vhost-user-gpu.pid")))?;
        start.sockets.push((format!("chr-vu-{alias}"), ours.into()));
    }
    Ok(())
}
