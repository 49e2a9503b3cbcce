//! vCPUs as the guest sees them.

use serde_json::{Value, json};
use virtus_api::{Call, DomainRef};
use virtus_base::{Bitmap, ErrorCode, Result, TypedParam};
use virtus_state::gate::AgentJob;

use super::super::sets::{on_off, parse_set};
use crate::Driver;
use crate::agent::run;
use crate::error::{bad_argument, error, internal};

/// A vCPU in the guest's eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct GuestVcpu {
    pub(in super::super) id: u32,
    pub(in super::super) online: bool,
    pub(in super::super) offlinable: bool,
}

/// Reads the reply of `guest-get-vcpus`.
pub(in super::super) fn guest_vcpus(reply: &Value) -> Result<Vec<GuestVcpu>> {
    let all = reply.as_array().ok_or_else(|| internal("guest-get-vcpus reply was missing return data"))?;
    let absent = |field: &str| internal(format!("'{field}' missing in reply of guest-get-vcpus"));
    all.iter()
        .map(|vcpu| {
            let id = vcpu.get("logical-id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
            Ok(GuestVcpu {
                id: id.ok_or_else(|| absent("logical-id"))?,
                online: vcpu.get("online").and_then(Value::as_bool).ok_or_else(|| absent("online"))?,
                offlinable: vcpu.get("can-offline").and_then(Value::as_bool).unwrap_or(false),
            })
        })
        .collect()
}

async fn ask(driver: &Driver, call: &Call, dom: &DomainRef) -> Result<Vec<GuestVcpu>> {
    let domain = driver.find(dom)?;
    guest_vcpus(&run(driver, call, &domain, AgentJob::Query, "guest-get-vcpus", Value::Null).await?)
}

async fn tell(driver: &Driver, call: &Call, dom: &DomainRef, vcpus: &[(u32, bool)]) -> Result<u64> {
    let domain = driver.find(dom)?;
    let list: Vec<Value> =
        vcpus.iter().map(|(id, online)| json!({ "logical-id": id, "online": online })).collect();
    let arguments = json!({ "vcpus": list });
    let reply = run(driver, call, &domain, AgentJob::Modify, "guest-set-vcpus", arguments).await?;
    let text = "guest agent returned malformed or invalid return value";
    reply.as_u64().ok_or_else(|| internal(text))
}

/// `virDomainGetGuestVcpus`.
pub(super) async fn get(driver: &Driver, call: &Call, dom: &DomainRef) -> Result<Vec<TypedParam>> {
    let vcpus = ask(driver, call, dom).await?;
    let those = |of: fn(&GuestVcpu) -> bool| {
        let ids = vcpus.iter().filter(|vcpu| of(vcpu)).filter_map(|vcpu| usize::try_from(vcpu.id).ok());
        ids.collect::<Bitmap>().to_string()
    };
    Ok(vec![
        TypedParam::new("vcpus", those(|_| true)),
        TypedParam::new("online", those(|vcpu| vcpu.online)),
        TypedParam::new("offlinable", those(|vcpu| vcpu.offlinable)),
    ])
}

/// `virDomainSetGuestVcpus`.
pub(super) async fn set(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    which: &str,
    state: i32,
) -> Result<()> {
    let online = on_off(state, "qemuDomainSetGuestVcpus")?;
    let which = parse_set(which)?;
    let vcpus = ask(driver, call, dom).await?;
    let mut wanted = Vec::new();
    for id in which.iter() {
        let known = vcpus.iter().find(|vcpu| usize::try_from(vcpu.id) == Ok(id));
        let Some(vcpu) = known else {
            return Err(bad_argument(format!("guest is missing vCPUs '{which}'")));
        };
        wanted.push((vcpu.id, online));
    }
    tell(driver, call, dom, &wanted).await.map(|_| ())
}

/// Has the guest use `count` of its vCPUs, by `virDomainSetVcpusFlags`.
pub(in super::super) async fn set_count(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    count: u32,
    given: u32,
) -> Result<()> {
    let view = driver.look(dom)?;
    view.affects(given)?;
    if let Some(max) = view.live.as_ref().map(|live| live.model.vcpu.online()).filter(|max| count > *max) {
        return Err(bad_argument(format!(
            "requested vcpu count is greater than the count of enabled vcpus in the domain: {count} > {max}"
        )));
    }
    let vcpus = ask(driver, call, dom).await?;
    let changes = choose(&vcpus, count)?;
    match changes.is_empty() {
        true => Ok(()),
        false => tell(driver, call, dom, &changes).await.map(|_| ()),
    }
}

/// Which vCPUs go on or off so that `count` are on.
fn choose(vcpus: &[GuestVcpu], count: u32) -> Result<Vec<(u32, bool)>> {
    let online = |vcpu: &&GuestVcpu| vcpu.online;
    let mut now = u32::try_from(vcpus.iter().filter(online).count()).unwrap_or(u32::MAX);
    let mut changes = Vec::new();
    for vcpu in vcpus.iter().filter(|vcpu| !vcpu.online) {
        if now < count {
            changes.push((vcpu.id, true));
            now += 1;
        }
    }
    for vcpu in vcpus.iter().rev().filter(|vcpu| vcpu.online && vcpu.offlinable) {
        if now > count {
            changes.push((vcpu.id, false));
            now -= 1;
        }
    }
    match now == count {
        true => Ok(changes),
        false if now < count => {
            Err(error(ErrorCode::INTERNAL_ERROR, "guest agent reports less cpu than requested"))
        }
        false => Err(error(ErrorCode::INTERNAL_ERROR, "Cannot offline enough CPUs")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guest_keeps_what_it_cannot_lose() {
        let vcpu = |id, online, offlinable| GuestVcpu { id, online, offlinable };
        let vcpus = [vcpu(0, true, false), vcpu(1, true, true), vcpu(2, false, true)];
        assert_eq!(choose(&vcpus, 3).unwrap(), [(2, true)]);
        assert_eq!(choose(&vcpus, 1).unwrap(), [(1, false)]);
        assert!(choose(&vcpus, 2).unwrap().is_empty());
        assert!(choose(&vcpus, 4).is_err() && choose(&vcpus, 0).is_err());
    }

    #[test]
    fn a_reply_that_is_wrong_is_an_error() {
        let read = |text: &str| guest_vcpus(&serde_json::from_str(text).unwrap());
        let ok = read(r#"[{"logical-id": 1, "online": true, "can-offline": true}]"#).unwrap();
        assert_eq!(ok, [GuestVcpu { id: 1, online: true, offlinable: true }]);
        assert_eq!(
            read(r#"[{"online": true}]"#).unwrap_err().message(),
            "internal error: 'logical-id' missing in reply of guest-get-vcpus"
        );
        assert!(read("{}").is_err());
    }
}
