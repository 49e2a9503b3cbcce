//! Talking to the agent inside a guest, which is never trusted.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::UnixStream;
use virtus_api::Call;
use virtus_api::constants::*;
use virtus_base::Result;
use virtus_conf::domain::device::ChardevSource;
use virtus_conf::domain::device::console::ChannelTarget;
use virtus_qmp::Agent;
use virtus_state::gate::{AgentJob, Wanted};

use crate::Driver;
use crate::domain::Domain;
use crate::error::{error, invalid, no_agent, system};
use virtus_state::lock;

/// The agent of a running domain, connected to when it is first needed.
///
/// # Errors
/// libvirt's, when there is no channel or nobody at its other end.
pub(crate) async fn reach(driver: &Driver, domain: &Arc<Domain>) -> Result<Agent> {
    let view = domain.view();
    let Ok(running) = domain.running() else { return Err(invalid("domain is not running")) };
    let channels = &view.live()?.model.devices.channels;
    let path = channels.iter().find_map(|channel| match (&channel.target, &channel.chardev.source) {
        (ChannelTarget::Virtio { name: Some(name), .. }, ChardevSource::Unix { source })
            if name == "org.qemu.guest_agent.0" =>
        {
            source.path.clone()
        }
        _ => None,
    });
    if view.state.state != VIR_DOMAIN_RUNNING {
        return Err(invalid("domain is not running"));
    }
    let Some(path) = path else {
        let code = virtus_base::ErrorCode::ARGUMENT_UNSUPPORTED;
        return Err(error(code, "QEMU guest agent is not configured"));
    };
    {
        let slot = lock(&running.agent);
        if !slot.connected {
            return Err(no_agent("QEMU guest agent is not connected"));
        }
        if let Some(agent) = slot.agent.as_ref().filter(|a| !a.is_closed()) {
            return Ok(agent.clone());
        }
    }
    let connect = async move {
        let stream =
            UnixStream::connect(&path).await.map_err(|e| system("failed to connect to agent socket", &e))?;
        Ok(Agent::attach(stream))
    };
    let agent = driver.finish(connect).await?;
    lock(&running.agent).agent = Some(agent.clone());
    Ok(agent)
}

/// How long the agent may take: the domain's own setting, or what a caller of a single command says.
pub(crate) fn patience(seconds: i32) -> Option<Duration> {
    match seconds {
        VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK => None,
        VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_NOWAIT => Some(Duration::ZERO),
        VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_DEFAULT => Some(virtus_qmp::agent::SYNC_TIMEOUT),
        seconds => Some(Duration::from_secs(u64::try_from(seconds).unwrap_or_default())),
    }
}

/// Runs one command of the agent, under an agent's job.
///
/// # Errors
/// libvirt's.
pub(crate) async fn command(
    driver: &Driver,
    call: &Call,
    domain: &Arc<Domain>,
    kind: AgentJob,
    name: &str,
    arguments: Value,
) -> Result<Value> {
    domain.view().require_active()?;
    run(driver, call, domain, kind, name, arguments).await
}

/// The same for calls whose error, when the domain does not run, is the driver's.
///
/// # Errors
/// libvirt's.
pub(crate) async fn run(
    driver: &Driver,
    call: &Call,
    domain: &Arc<Domain>,
    kind: AgentJob,
    name: &str,
    arguments: Value,
) -> Result<Value> {
    let job = driver.job(call, domain, Wanted::Agent(kind)).await?;
    let agent = reach(driver, domain).await?;
    let limit = patience(job.running()?.agent_timeout.load(Ordering::Relaxed));
    job.run(async { Ok(agent.execute(name, arguments, limit).await?) }).await
}

/// Has the guest turn itself off or restart.
///
/// # Errors
/// libvirt's.
pub(crate) async fn shutdown(driver: &Driver, call: &Call, domain: &Arc<Domain>, reboot: bool) -> Result<()> {
    let job = driver.job(call, domain, Wanted::Agent(AgentJob::Modify)).await?;
    let agent = reach(driver, domain).await?;
    job.running()?.fake_reboot.store(false, Ordering::Release);
    let mode = if reboot { "reboot" } else { "powerdown" };
    // it never answers: the guest turns itself off
    let patience = Some(virtus_qmp::agent::SYNC_TIMEOUT);
    job.run(async {
        match agent.execute("guest-shutdown", json!({ "mode": mode }), patience).await {
            Ok(_) | Err(virtus_qmp::Error::AgentGone) => Ok(()),
            Err(virtus_qmp::Error::AgentTimeout { synchronising: false, .. }) => Ok(()),
            Err(e) => Err(e.into()),
        }
    })
    .await
}
