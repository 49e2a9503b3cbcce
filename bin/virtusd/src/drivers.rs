//! Which drivers the daemon has.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use virtus_api::{Drivers, EventSink};
use virtus_driver_qemu::capabilities::Emulators;
use virtus_driver_qemu::layout::Layout;
use virtus_driver_qemu::{Driver, Setup};
use virtus_host::node::Node;
use virtus_host::process::Credentials;

use crate::paths::Paths;

/// The user QEMU runs as when the daemon may choose.
const QEMU_USER: &str = "libvirt-qemu";
/// How long a call waits for another one's job on the same domain.
const JOB_WAIT: Duration = Duration::from_secs(30);

/// Makes the drivers; each tells what happens to `events`. One that cannot be made is missing, and the log says
/// why.
pub(crate) fn load(paths: &Paths, events: Arc<dyn EventSink>) -> Drivers {
    let mut drivers = Drivers::default();
    match qemu(paths, events) {
        Ok(driver) => drivers.hypervisor = Some(Arc::new(driver)),
        Err(e) => tracing::error!("the QEMU driver cannot be started: {e}"),
    }
    drivers
}

fn qemu(paths: &Paths, events: Arc<dyn EventSink>) -> virtus_base::Result<Driver> {
    let layout = match paths.privileged {
        true => Layout::system(),
        false => Layout::session(
            paths.config.parent().unwrap_or(&paths.config),
            &cache_home(),
            paths.run.parent().unwrap_or(&paths.run),
        ),
    };
    let runtime = tokio::runtime::Handle::current();
    let nvram = layout.nvram.display().to_string();
    let emulators = Emulators::new(layout.cache.join("capabilities"), nvram, paths.privileged, runtime);
    Driver::start(Setup {
        uri: if paths.privileged { "qemu:///system" } else { "qemu:///session" }.to_owned(),
        layout,
        emulators: Arc::new(emulators),
        node: Arc::new(Node::host()?),
        events,
        user: if paths.privileged { credentials(QEMU_USER) } else { None },
        job_wait: JOB_WAIT,
    })
}

fn cache_home() -> std::path::PathBuf {
    let said = std::env::var_os("XDG_CACHE_HOME").filter(|d| !d.is_empty()).map(Into::into);
    said.unwrap_or_else(|| Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(".cache"))
}

/// The ids of a user of the host; without one guests run as the daemon does.
fn credentials(user: &str) -> Option<Credentials> {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(user)).then(|| fields.skip(1).collect::<Vec<_>>())
    });
    let Some((uid, gid)) = entry.and_then(|f| Some((f.first()?.parse().ok()?, f.get(1)?.parse().ok()?)))
    else {
        tracing::warn!("there is no user '{user}': guests run as the daemon does");
        return None;
    };
    let group = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let own = group.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() == Some(user) { fields.nth(1)?.parse().ok() } else { None }
    });
    let gid = own.unwrap_or(gid);
    let groups = group.lines().filter_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        let member = fields.get(3)?.split(',').any(|m| m == user);
        fields.get(2).filter(|_| member)?.parse().ok()
    });
    Some(Credentials { uid, gid, groups: groups.chain([gid]).collect() })
}
