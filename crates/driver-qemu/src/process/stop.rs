//! Ending a QEMU, and cleaning up after one that has ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use virtus_api::DomainEvent;
use virtus_api::constants::*;
use virtus_base::{ErrorCode, Result};
use virtus_host::process::Signal;
use virtus_state::file::{self, Durability};

use super::directory::remove_directory;
use super::{Running, log};
use crate::domain::Domain;
use crate::domain::state::State;
use crate::domain::transition::StopReason;
use crate::driver::Shared;
use crate::error::error;

/// How long a QEMU may take to end by itself, having been asked to.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ends a QEMU and waits until everything of it is cleaned up. It is asked first; one that is stopped, or does
/// not heed, is killed, unless only a `graceful` end will do.
///
/// # Errors
/// When a graceful end was wanted and did not come.
pub(crate) async fn destroy(running: &Arc<Running>, reason: StopReason, graceful: bool) -> Result<()> {
    running.set_stop(reason);
    // an error means that it has ended
    let _ = running.process.kill(Signal::TERM);
    if !graceful && is_stopped(running.process.pid()) {
        let _ = running.process.kill(Signal::KILL);
    }
    if tokio::time::timeout(PATIENCE, running.gone()).await.is_ok() {
        return Ok(());
    }
    if graceful {
        let text = format!(
            "Failed to terminate process {} with SIGTERM: Device or resource busy",
            running.process.pid()
        );
        return Err(error(ErrorCode::SYSTEM_ERROR, text).with_int1(16));
    }
    let _ = running.process.kill(Signal::KILL);
    running.gone().await;
    Ok(())
}

/// Whether a process is stopped by a signal, so that it will not heed one before it goes on.
fn is_stopped(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    matches!(state, Some('T' | 't'))
}

/// QEMU has ended: removes what was made for it, and says so. What fails is logged, and the rest still done.
pub(crate) fn clean_up(shared: &Shared, domain: &Arc<Domain>, running: &Arc<Running>) {
    let view = domain.view();
    let reason = running.stop_reason().unwrap_or_else(|| {
        if view.state.state == VIR_DOMAIN_SHUTDOWN { StopReason::Shutdown } else { StopReason::Crashed }
    });
    let layout = &shared.setup.layout;
    let word = match reason {
        StopReason::Panicked => "crashed",
        other => other.state().words().1,
    };
    log::stopped(&layout.log(&view.name), word);
    let live = view.live.as_ref().map(|live| &live.model);
    if live.is_none_or(super::helper::wanted) {
        super::helper::stop(shared, running.id, &running.lib_dir);
    }
    if let Some(model) = live {
        super::filters::unbind_all(shared, model);
    }
    super::cgroup::remove(view.live.as_ref().map(|live| &live.model), running.id, &view.name);
    remove_directory(&running.channel_dir);
    remove_directory(&layout.memory_dir(running.id, &view.name));
    if let Some(model) = live.filter(|model| crate::command::has_huge_pages(model)) {
        let context = crate::launch::context(shared, running.id, &model.name);
        for path in crate::command::memory_directories(model, &context) {
            remove_directory(&path);
        }
    }
    for path in [layout.pid_file(&view.name), layout.status(&view.name)] {
        if let Err(e) = file::remove(&path, Durability::Process) {
            tracing::warn!("cannot remove {}: {e}", path.display());
        }
    }
    // the directory is the mark that a guest may have been here, so it goes last
    remove_directory(&running.lib_dir);
    domain.running.store(None);
    shared.ports.release(running.id);
    let before = domain.reference();
    let starting = running.starting.load(Ordering::Acquire);
    shared.change(domain, |view| {
        view.id = None;
        view.live = None;
        view.updated = false;
        view.state = reason.state();
        Vec::new()
    });
    if !starting || view.state != State::OFF {
        let stopped = DomainEvent::Lifecycle { event: VIR_DOMAIN_EVENT_STOPPED, detail: reason.detail() };
        shared.tell_as(before, stopped);
    }
    if !domain.view().is_persistent() {
        shared.registry.remove(domain);
    }
    // nobody waits: then nobody has to be told
    running.gone.send_replace(true);
}
