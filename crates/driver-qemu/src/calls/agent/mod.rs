//! What only an agent in the guest can do or tell. What it says is not trusted: every field may be missing or wrong.

mod addresses;
mod files;
mod guest_info;
mod vcpus;

pub(super) use vcpus::{guest_vcpus, set_count as set_vcpu_count};

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use virtus_api::constants::*;
use virtus_api::domain::agent::*;
use virtus_api::{Call, DomainAgent, DomainRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam};
use virtus_state::gate::AgentJob;
use virtus_xdr::List;

use super::flags;
use crate::Driver;
use crate::agent::{command, run};
use crate::error::{bad_argument, error, internal};

/// Something the agent should have said is missing.
fn missing(what: &str, reply: &str) -> Error {
    internal(format!("{what} missing in reply of {reply}"))
}

/// A text in an agent's object.
fn text<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
    object.get(field)?.as_str()
}

fn list<'a>(reply: &'a Value, otherwise: &str) -> Result<&'a [Value]> {
    reply.as_array().map(Vec::as_slice).ok_or_else(|| internal(otherwise))
}

#[async_trait::async_trait]
impl DomainAgent for Driver {
    async fn domain_get_hostname(&self, call: &Call, dom: DomainRef, given: u32) -> Result<String> {
        let (lease, agent) = (VIR_DOMAIN_GET_HOSTNAME_LEASE, VIR_DOMAIN_GET_HOSTNAME_AGENT);
        flags(given, lease | agent, "qemuDomainGetHostname")?;
        if given == lease | agent {
            let text = "Flags 'VIR_DOMAIN_GET_HOSTNAME_LEASE' and 'VIR_DOMAIN_GET_HOSTNAME_AGENT' are mutually exclusive";
            return Err(Error::invalid_arg(ErrorDomain::QEMU, "qemuDomainGetHostname", "flags", text));
        }
        let domain = self.find(&dom)?;
        domain.view().require_active()?;
        let name = match given & lease != 0 {
            true => addresses::leased_name(self, &domain).await?,
            false => {
                let null = Value::Null;
                let asked = command(self, call, &domain, AgentJob::Query, "guest-get-host-name", null).await;
                match asked {
                    Err(e) if is_unknown(&e) => None,
                    other => text(&other?, "host-name").map(str::to_owned),
                }
            }
        };
        name.ok_or_else(|| {
            let name = &domain.view().name;
            error(ErrorCode::NO_HOSTNAME, format!("no hostname found for domain {name}"))
        })
    }

    async fn domain_fstrim(
        &self,
        call: &Call,
        dom: DomainRef,
        mount_point: Option<String>,
        minimum: u64,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "qemuDomainFSTrim")?;
        if mount_point.is_some() {
            let text = "Specifying mount point is not supported for now";
            return Err(error(ErrorCode::ARGUMENT_UNSUPPORTED, text));
        }
        let domain = self.find(&dom)?;
        let arguments = json!({ "minimum": minimum });
        run(self, call, &domain, AgentJob::Modify, "guest-fstrim", arguments).await.map(|_| ())
    }

    async fn domain_fsfreeze(
        &self,
        call: &Call,
        dom: DomainRef,
        mountpoints: List<String, 256>,
        given: u32,
    ) -> Result<i32> {
        flags(given, 0, "qemuDomainFSFreeze")?;
        let domain = self.find(&dom)?;
        let (name, arguments) = match mountpoints.is_empty() {
            true => ("guest-fsfreeze-freeze", Value::Null),
            false => ("guest-fsfreeze-freeze-list", json!({ "mountpoints": mountpoints.0 })),
        };
        count(&command(self, call, &domain, AgentJob::Modify, name, arguments).await?)
    }

    async fn domain_fsthaw(
        &self,
        call: &Call,
        dom: DomainRef,
        mountpoints: List<String, 256>,
        given: u32,
    ) -> Result<i32> {
        flags(given, 0, "qemuDomainFSThaw")?;
        if !mountpoints.is_empty() {
            let text = "specifying mountpoints is not supported";
            return Err(error(ErrorCode::ARGUMENT_UNSUPPORTED, text));
        }
        let domain = self.find(&dom)?;
        let null = Value::Null;
        count(&command(self, call, &domain, AgentJob::Modify, "guest-fsfreeze-thaw", null).await?)
    }

    async fn domain_get_time(&self, call: &Call, dom: DomainRef, given: u32) -> Result<DomainGetTimeReply> {
        flags(given, 0, "qemuDomainGetTime")?;
        let domain = self.find(&dom)?;
        let reply = command(self, call, &domain, AgentJob::Query, "guest-get-time", Value::Null).await?;
        let time = reply.as_u64().ok_or_else(|| internal("malformed return value"))?;
        Ok(DomainGetTimeReply {
            seconds: i64::try_from(time / 1_000_000_000).unwrap_or(i64::MAX),
            nseconds: u32::try_from(time % 1_000_000_000).unwrap_or_default(),
        })
    }

    async fn domain_set_time(
        &self,
        call: &Call,
        dom: DomainRef,
        seconds: i64,
        nseconds: u32,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_DOMAIN_TIME_SYNC, "qemuDomainSetTime")?;
        let domain = self.find(&dom)?;
        let arguments = match given & VIR_DOMAIN_TIME_SYNC != 0 {
            true => Value::Null,
            false => {
                let time =
                    seconds.checked_mul(1_000_000_000).and_then(|t| t.checked_add(i64::from(nseconds)));
                let too_big = || bad_argument(format!("Time '{seconds}' is too big for guest agent"));
                json!({ "time": time.ok_or_else(too_big)? })
            }
        };
        let x86 = |arch: &str| matches!(arch, "x86_64" | "i686");
        let view = domain.view();
        let Some(live) = &view.live else {
            let text = "cannot set time: qemu doesn't support rtc-reset-reinjection command";
            return Err(error(ErrorCode::OPERATION_UNSUPPORTED, text));
        };
        let arch = live.model.os.kind.arch.clone().unwrap_or_default();
        command(self, call, &domain, AgentJob::Modify, "guest-set-time", arguments).await?;
        if x86(arch.to_string().as_str()) {
            let wanted = virtus_state::gate::Wanted::Job(virtus_state::gate::Job::Modify);
            let job = self.job(call, &domain, wanted).await?;
            job.execute(&virtus_qmp::command::RtcResetReinjection {}).await?;
        }
        Ok(())
    }

    async fn domain_get_fsinfo(
        &self,
        call: &Call,
        dom: DomainRef,
        given: u32,
    ) -> Result<DomainGetFsinfoReply> {
        flags(given, 0, "qemuDomainGetFSInfo")?;
        files::file_systems(self, call, &dom).await
    }

    async fn domain_interface_addresses(
        &self,
        call: &Call,
        dom: DomainRef,
        source: u32,
        given: u32,
    ) -> Result<List<DomainInterface, 2_048>> {
        flags(given, 0, "qemuDomainInterfaceAddresses")?;
        addresses::addresses(self, call, &dom, source).await
    }

    async fn domain_set_user_password(
        &self,
        call: &Call,
        dom: DomainRef,
        user: Option<String>,
        password: Option<String>,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_DOMAIN_PASSWORD_ENCRYPTED, "qemuDomainSetUserPassword")?;
        let domain = self.find(&dom)?;
        let arguments = json!({
            "crypted": given & VIR_DOMAIN_PASSWORD_ENCRYPTED != 0,
            "username": user.unwrap_or_default(),
            "password": STANDARD.encode(password.unwrap_or_default()),
        });
        command(self, call, &domain, AgentJob::Modify, "guest-set-user-password", arguments).await.map(|_| ())
    }

    async fn domain_get_guest_vcpus(
        &self,
        call: &Call,
        dom: DomainRef,
        given: u32,
    ) -> Result<List<TypedParam, 64>> {
        flags(given, 0, "qemuDomainGetGuestVcpus")?;
        vcpus::get(self, call, &dom).await.map(List)
    }

    async fn domain_set_guest_vcpus(
        &self,
        call: &Call,
        dom: DomainRef,
        cpumap: String,
        state: i32,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "qemuDomainSetGuestVcpus")?;
        vcpus::set(self, call, &dom, &cpumap, state).await
    }

    async fn domain_get_guest_info(
        &self,
        call: &Call,
        dom: DomainRef,
        types: u32,
        given: u32,
    ) -> Result<List<TypedParam, 2_048>> {
        flags(given, 0, "qemuDomainGetGuestInfo")?;
        guest_info::get(self, call, &dom, types).await.map(List)
    }

    async fn domain_agent_set_response_timeout(
        &self,
        _: &Call,
        dom: DomainRef,
        timeout: i32,
        given: u32,
    ) -> Result<i32> {
        flags(given, 0, "qemuDomainAgentSetResponseTimeout")?;
        let least = VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK;
        if timeout < least {
            return Err(bad_argument(format!(
                "guest agent timeout '{timeout}' is less than the minimum '{least}'"
            )));
        }
        let domain = self.find(&dom)?;
        if let Some(running) = domain.running.load_full() {
            running.agent_timeout.store(timeout, Ordering::Relaxed);
            // it is in the status file, too
            self.change(&domain, |_| Vec::new());
        }
        Ok(0)
    }

    async fn domain_authorized_ssh_keys_get(
        &self,
        call: &Call,
        dom: DomainRef,
        user: String,
        given: u32,
    ) -> Result<List<String, 2_048>> {
        flags(given, 0, "qemuDomainAuthorizedSSHKeysGet")?;
        let domain = self.find(&dom)?;
        let arguments = json!({ "username": user });
        let name = "guest-ssh-get-authorized-keys";
        let reply = run(self, call, &domain, AgentJob::Query, name, arguments).await?;
        let keys =
            list(reply.get("keys").unwrap_or(&Value::Null), "qemu agent didn't return an array of keys")?;
        let keys: Option<Vec<String>> = keys.iter().map(|key| Some(key.as_str()?.to_owned())).collect();
        let keys = keys.ok_or_else(|| internal("malformed return value"))?;
        match keys.len() <= 2_048 {
            true => Ok(List(keys)),
            false => Err(Error::internal(ErrorDomain::RPC, "Number of keys is too large")),
        }
    }

    async fn domain_authorized_ssh_keys_set(
        &self,
        call: &Call,
        dom: DomainRef,
        user: String,
        keys: List<String, 2_048>,
        given: u32,
    ) -> Result<()> {
        let (append, remove) =
            (VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND, VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE);
        flags(given, append | remove, "qemuDomainAuthorizedSSHKeysSet")?;
        let domain = self.find(&dom)?;
        let (name, arguments) = match given & remove != 0 {
            true => ("guest-ssh-remove-authorized-keys", json!({ "username": user, "keys": keys.0 })),
            false => (
                "guest-ssh-add-authorized-keys",
                json!({ "username": user, "keys": keys.0, "reset": given & append == 0 }),
            ),
        };
        run(self, call, &domain, AgentJob::Modify, name, arguments).await.map(|_| ())
    }
}

/// How many file systems the agent says.
fn count(reply: &Value) -> Result<i32> {
    let number = reply.as_i64().and_then(|number| i32::try_from(number).ok());
    number.ok_or_else(|| internal("malformed return value"))
}

/// Whether the agent does not know the command.
pub(super) fn is_unknown(e: &Error) -> bool {
    let text = e.message();
    text.contains("The command ")
        && (text.contains(" has not been found") || text.contains(" has been disabled"))
}
