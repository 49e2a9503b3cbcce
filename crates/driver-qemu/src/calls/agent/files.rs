//! The guest's file systems, and which disks of the domain they are on.

use serde_json::Value;
use virtus_api::domain::agent::{DomainFsinfo, DomainGetFsinfoReply};
use virtus_api::{Call, DomainRef};
use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::{Address, Disk};
use virtus_state::gate::AgentJob;
use virtus_xdr::List;

use super::{missing, text};
use crate::Driver;
use crate::agent::command;
use crate::error::internal;

/// No more of them go over the wire.
const MOST: usize = 256;

/// `virDomainGetFSInfo`.
pub(super) async fn file_systems(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
) -> Result<DomainGetFsinfoReply> {
    let domain = driver.find(dom)?;
    let reply = command(driver, call, &domain, AgentJob::Query, "guest-get-fsinfo", Value::Null).await?;
    let view = domain.view();
    let info = read(&reply, &view.live()?.model)?;
    if info.len() > MOST || info.iter().any(|fs| fs.dev_aliases.len() > MOST) {
        return Err(Error::internal(ErrorDomain::RPC, "Too many mountpoints in fsinfo"));
    }
    let ret = u32::try_from(info.len()).unwrap_or(0);
    Ok(DomainGetFsinfoReply { info: List(info), ret })
}

fn read(reply: &Value, model: &conf::Domain) -> Result<Vec<DomainFsinfo>> {
    let all = reply.as_array().ok_or_else(|| internal("guest-get-fsinfo reply was missing return data"))?;
    let field = |fs: &Value, name: &str| {
        let found = text(fs, name).map(str::to_owned);
        found.ok_or_else(|| missing(&format!("'{name}'"), "guest-get-fsinfo"))
    };
    all.iter()
        .map(|fs| {
            let disks = fs.get("disk").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let aliases = disks.iter().filter_map(|disk| target(disk, model));
            Ok(DomainFsinfo {
                mountpoint: field(fs, "mountpoint")?,
                name: field(fs, "name")?,
                fstype: field(fs, "type")?,
                dev_aliases: aliases.collect(),
            })
        })
        .collect()
}

/// The target of the domain's disk that the agent describes by its place.
pub(super) fn target(disk: &Value, model: &conf::Domain) -> Option<String> {
    let number = |value: &Value, field: &str| value.get(field)?.as_u64().and_then(|n| u32::try_from(n).ok());
    let pci = disk.get("pci-controller")?;
    let (domain, bus, slot, function) =
        (number(pci, "domain")?, number(pci, "bus")?, number(pci, "slot")?, number(pci, "function")?);
    let is_there = |address: Option<&Address>| {
        address
            .and_then(Address::pci)
            .is_some_and(|pci| (pci.domain, pci.bus, pci.slot, pci.function) == (domain, bus, slot, function))
    };
    let by_itself = |found: &&Disk| is_there(found.info.address.as_ref());
    if let Some(found) = model.devices.disks.iter().find(by_itself) {
        return Some(found.dst().to_owned());
    }
    let controller = model.devices.controllers.iter().find(|c| is_there(c.info.address.as_ref()))?;
    let place = (number(disk, "bus")?, number(disk, "target")?, number(disk, "unit")?);
    let on_it = |found: &&Disk| match &found.info.address {
        Some(Address::Drive(drive)) => {
            Some(drive.controller) == controller.index
                && (drive.bus, drive.target, drive.unit) == place
                && found.bus().is_some_and(|bus| bus.as_str() == controller.kind.tag())
        }
        _ => false,
    };
    Some(model.devices.disks.iter().find(on_it)?.dst().to_owned())
}
