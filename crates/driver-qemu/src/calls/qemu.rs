//! What only QEMU has: its monitor and its guest agent, passed on.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};
use virtus_api::{Call, DomainRef, QemuCalls};
use virtus_base::{ErrorCode, Result};
use virtus_state::gate::{AgentJob, Job, Wanted};

use super::flags;
use crate::Driver;
use crate::domain::Domain;
use crate::error::{error, internal};

/// `VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP`: the command is for the human monitor.
const HMP: u32 = 1;

#[async_trait::async_trait]
impl QemuCalls for Driver {
    async fn domain_monitor_command(
        &self,
        call: &Call,
        dom: DomainRef,
        cmd: String,
        given: u32,
    ) -> Result<String> {
        flags(given, HMP, "qemuDomainQemuMonitorCommandWithFiles")?;
        let domain = self.find(&dom)?;
        domain.view().require_active()?;
        monitor_command(self, call, &domain, cmd, given & HMP != 0).await
    }

    async fn domain_monitor_command_with_files(
        &self,
        call: &Call,
        dom: DomainRef,
        cmd: String,
        given: u32,
    ) -> Result<String> {
        if !call.take_fds().is_empty() {
            return Err(error(
                ErrorCode::OPERATION_UNSUPPORTED,
                "passing descriptors with a monitor command",
            ));
        }
        self.domain_monitor_command(call, dom, cmd, given).await
    }

    async fn domain_agent_command(
        &self,
        call: &Call,
        dom: DomainRef,
        cmd: String,
        timeout: i32,
        given: u32,
    ) -> Result<Option<String>> {
        flags(given, 0, "qemuDomainQemuAgentCommand")?;
        let domain = self.find(&dom)?;
        domain.view().require_active()?;
        let job = self.job(call, &domain, Wanted::Agent(AgentJob::Modify)).await?;
        let agent = crate::agent::reach(self, &domain).await?;
        let object = object(&cmd)?;
        let limit = match timeout {
            AGENT_DEFAULT => crate::agent::patience(job.running()?.agent_timeout.load(Ordering::Relaxed)),
            seconds => crate::agent::patience(seconds),
        };
        let reply = job.run(async { Ok(agent.pass_through(object, limit).await?) }).await?;
        Ok(Some(reply.to_string()))
    }
}

/// `VIR_DOMAIN_QEMU_AGENT_COMMAND_DEFAULT`: the domain's own limit.
const AGENT_DEFAULT: i32 = -1;

async fn monitor_command(
    driver: &Driver,
    call: &Call,
    domain: &Arc<Domain>,
    command: String,
    human: bool,
) -> Result<String> {
    let job = driver.job(call, domain, Wanted::Job(Job::Query)).await?;
    let monitor = job.monitor()?;
    if human {
        let arguments = json!({ "command-line": command });
        let reply =
            job.run(async { Ok(monitor.execute_raw("human-monitor-command", &arguments).await?) }).await?;
        return match reply {
            Value::String(text) => Ok(text),
            _ => Err(internal("human monitor command did not return a string")),
        };
    }
    // a word alone is a command without arguments
    let object = match command.trim_start().starts_with('{') {
        true => object(&command)?,
        false => Map::from_iter([("execute".to_owned(), Value::String(command))]),
    };
    let reply = job.run(async { Ok(monitor.pass_through(object).await?) }).await?;
    Ok(reply.to_string())
}

fn object(text: &str) -> Result<Map<String, Value>> {
    let value: Value = serde_json::from_str(text).map_err(|e| {
        internal(format!(
            "cannot parse json {text}: {}",
            e.to_string().split(" at line").next().unwrap_or_default()
        ))
    })?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(internal("the command is not an object")),
    }
}
