//! `virDomainGetGuestInfo`: what the agent knows of the guest, as typed parameters.

use std::sync::Arc;

use serde_json::Value;
use virtus_api::constants::*;
use virtus_api::{Call, DomainRef};
use virtus_base::{ErrorCode, Result, TypedParam, TypedValue};
use virtus_state::gate::AgentJob;

use super::{addresses, files, is_unknown, list, text};
use crate::Driver;
use crate::agent::run;
use crate::domain::Domain;
use crate::error::{bad_argument, error};

const USERS: u32 = VIR_DOMAIN_GUEST_INFO_USERS.cast_unsigned();
const OS: u32 = VIR_DOMAIN_GUEST_INFO_OS.cast_unsigned();
const TIMEZONE: u32 = VIR_DOMAIN_GUEST_INFO_TIMEZONE.cast_unsigned();
const HOSTNAME: u32 = VIR_DOMAIN_GUEST_INFO_HOSTNAME.cast_unsigned();
const FILESYSTEM: u32 = VIR_DOMAIN_GUEST_INFO_FILESYSTEM.cast_unsigned();
const DISKS: u32 = VIR_DOMAIN_GUEST_INFO_DISKS.cast_unsigned();
const INTERFACES: u32 = VIR_DOMAIN_GUEST_INFO_INTERFACES.cast_unsigned();
const LOAD: u32 = VIR_DOMAIN_GUEST_INFO_LOAD.cast_unsigned();
const ALL: u32 = USERS | OS | TIMEZONE | HOSTNAME | FILESYSTEM | DISKS | INTERFACES | LOAD;

/// No more of one kind are told.
const MOST: usize = 256;

#[derive(Default)]
struct Params(Vec<TypedParam>);

impl Params {
    fn put(&mut self, field: impl Into<String>, value: impl Into<TypedValue>) {
        self.0.push(TypedParam::new(field, value));
    }

    fn put_text(&mut self, field: impl Into<String>, object: &Value, name: &str) {
        if let Some(value) = text(object, name) {
            self.put(field, value);
        }
    }

    fn count(&mut self, field: &str, count: usize) {
        self.put(field, u32::try_from(count).unwrap_or(u32::MAX));
    }
}

/// What is asked: everything the agent knows, or exactly what the caller names.
struct Asker<'a> {
    driver: &'a Driver,
    call: &'a Call,
    domain: &'a Arc<Domain>,
    types: u32,
}

impl Asker<'_> {
    /// Runs a command for a type; without types a command the agent does not know is passed over.
    async fn ask(&self, kind: u32, name: &str) -> Result<Option<Value>> {
        if self.types != 0 && self.types & kind == 0 {
            return Ok(None);
        }
        match run(self.driver, self.call, self.domain, AgentJob::Query, name, Value::Null).await {
            Ok(reply) => Ok(Some(reply)),
            Err(e) if self.types == 0 && (is_unknown(&e) || e.code() == ErrorCode::AGENT_COMMAND_FAILED) => {
                Ok(None)
            }
            Err(e) if is_unknown(&e) => Err(error(ErrorCode::OPERATION_UNSUPPORTED, e.message())),
            Err(e) => Err(e),
        }
    }
}

pub(super) async fn get(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    types: u32,
) -> Result<Vec<TypedParam>> {
    if types & !ALL != 0 {
        return Err(bad_argument(format!("unsupported guest information types '0x{:x}'", types & !ALL)));
    }
    let domain = driver.find(dom)?;
    let asker = Asker { driver, call, domain: &domain, types };
    let mut p = Params::default();
    if let Some(reply) = asker.ask(USERS, "guest-get-users").await? {
        users(&mut p, &reply)?;
    }
    if let Some(reply) = asker.ask(OS, "guest-get-osinfo").await? {
        os(&mut p, &reply);
    }
    if let Some(reply) = asker.ask(TIMEZONE, "guest-get-timezone").await? {
        p.put_text("timezone.name", &reply, "zone");
        if let Some(offset) = reply.get("offset").and_then(Value::as_i64).and_then(|o| i32::try_from(o).ok())
        {
            p.put("timezone.offset", offset);
        }
    }
    if let Some(reply) = asker.ask(HOSTNAME, "guest-get-host-name").await? {
        p.put_text("hostname", &reply, "host-name");
    }
    if let Some(reply) = asker.ask(FILESYSTEM, "guest-get-fsinfo").await? {
        file_systems(&mut p, &reply, &domain)?;
    }
    if let Some(reply) = asker.ask(DISKS, "guest-get-disks").await? {
        disks(&mut p, &reply, &domain)?;
    }
    if let Some(reply) = asker.ask(INTERFACES, "guest-network-get-interfaces").await? {
        interfaces(&mut p, &reply)?;
    }
    if let Some(reply) = asker.ask(LOAD, "guest-get-load").await? {
        for name in ["load1m", "load5m", "load15m"] {
            if let Some(value) = reply.get(name).and_then(Value::as_f64) {
                p.put(format!("load.{}", name.trim_start_matches("load")), value);
            }
        }
    }
    p.0.truncate(2_048);
    Ok(p.0)
}

fn users(p: &mut Params, reply: &Value) -> Result<()> {
    let users = list(reply, "qemu agent didn't return an array of users")?;
    p.count("user.count", users.len());
    for (i, user) in users.iter().take(MOST).enumerate() {
        p.put_text(format!("user.{i}.name"), user, "user");
        p.put_text(format!("user.{i}.domain"), user, "domain");
        // seconds with a fraction; libvirt tells milliseconds
        if let Some(time) = user.get("login-time").and_then(Value::as_f64).filter(|t| *t >= 0.0) {
            let duration = std::time::Duration::try_from_secs_f64(time).unwrap_or_default();
            p.put(format!("user.{i}.login-time"), u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
        }
    }
    Ok(())
}

fn os(p: &mut Params, reply: &Value) {
    for (field, name) in [
        ("os.id", "id"),
        ("os.name", "name"),
        ("os.pretty-name", "pretty-name"),
        ("os.version", "version"),
        ("os.version-id", "version-id"),
        ("os.machine", "machine"),
        ("os.variant", "variant"),
        ("os.variant-id", "variant-id"),
        ("os.kernel-release", "kernel-release"),
        ("os.kernel-version", "kernel-version"),
    ] {
        p.put_text(field, reply, name);
    }
}

fn file_systems(p: &mut Params, reply: &Value, domain: &Arc<Domain>) -> Result<()> {
    let view = domain.view();
    let live = view.live()?;
    let all = list(reply, "guest-get-fsinfo reply was missing return data")?;
    p.count("fs.count", all.len());
    for (i, fs) in all.iter().take(MOST).enumerate() {
        p.put_text(format!("fs.{i}.name"), fs, "name");
        p.put_text(format!("fs.{i}.mountpoint"), fs, "mountpoint");
        p.put_text(format!("fs.{i}.fstype"), fs, "type");
        for (field, name) in [("total-bytes", "total-bytes"), ("used-bytes", "used-bytes")] {
            if let Some(value) = fs.get(name).and_then(Value::as_u64) {
                p.put(format!("fs.{i}.{field}"), value);
            }
        }
        let disks = fs.get("disk").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        p.count(&format!("fs.{i}.disk.count"), disks.len());
        for (j, disk) in disks.iter().take(MOST).enumerate() {
            if let Some(target) = files::target(disk, &live.model) {
                p.put(format!("fs.{i}.disk.{j}.alias"), target);
            }
            p.put_text(format!("fs.{i}.disk.{j}.serial"), disk, "serial");
            p.put_text(format!("fs.{i}.disk.{j}.device"), disk, "dev");
        }
    }
    Ok(())
}

fn disks(p: &mut Params, reply: &Value, domain: &Arc<Domain>) -> Result<()> {
    let view = domain.view();
    let live = view.live()?;
    let all = list(reply, "qemu agent didn't return an array of disks")?;
    p.count("disk.count", all.len());
    for (i, disk) in all.iter().take(MOST).enumerate() {
        p.put_text(format!("disk.{i}.name"), disk, "name");
        p.put(format!("disk.{i}.partition"), disk.get("partition").and_then(Value::as_bool).unwrap_or(false));
        let below = disk.get("dependencies").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if !below.is_empty() {
            p.count(&format!("disk.{i}.dependency.count"), below.len());
        }
        for (j, name) in below.iter().take(MOST).enumerate() {
            if let Some(name) = name.as_str() {
                p.put(format!("disk.{i}.dependency.{j}.name"), name);
            }
        }
        if let Some(address) = disk.get("address") {
            p.put_text(format!("disk.{i}.serial"), address, "serial");
            if let Some(target) = files::target(address, &live.model) {
                p.put(format!("disk.{i}.alias"), target);
            }
            p.put_text(format!("disk.{i}.guest_bus"), address, "bus-type");
        }
        p.put_text(format!("disk.{i}.guest_alias"), disk, "alias");
    }
    Ok(())
}

fn interfaces(p: &mut Params, reply: &Value) -> Result<()> {
    let all = addresses::read(reply)?;
    p.count("if.count", all.len());
    for (i, interface) in all.iter().take(MOST).enumerate() {
        p.put(format!("if.{i}.name"), interface.name.as_str());
        if let Some(address) = &interface.hwaddr {
            p.put(format!("if.{i}.hwaddr"), address.as_str());
        }
        p.count(&format!("if.{i}.addr.count"), interface.addrs.len());
        for (j, address) in interface.addrs.iter().take(MOST).enumerate() {
            let kind = if address.kind == VIR_IP_ADDR_TYPE_IPV6 { "ipv6" } else { "ipv4" };
            p.put(format!("if.{i}.addr.{j}.type"), kind);
            p.put(format!("if.{i}.addr.{j}.addr"), address.addr.as_str());
            p.put(format!("if.{i}.addr.{j}.prefix"), address.prefix);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_told_one_by_one() {
        let mut p = Params::default();
        users(&mut p, &serde_json::json!([{ "user": "root", "login-time": 1.5 }])).unwrap();
        let told: Vec<_> = p.0.iter().map(|param| (param.field.as_str(), &param.value)).collect();
        assert_eq!(
            told,
            [
                ("user.count", &TypedValue::UInt(1)),
                ("user.0.name", &TypedValue::String("root".to_owned())),
                ("user.0.login-time", &TypedValue::ULLong(1500)),
            ]
        );
    }
}
