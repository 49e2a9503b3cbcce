//! Finding and listing domains, from the published views.

use virtus_api::DomainRef;
use virtus_api::constants::*;
use virtus_api::domain::info::ConnectListAllDomainsReply;
use virtus_base::{ErrorCode, Result, Uuid};
use virtus_xdr::List;

use super::flags;
use crate::Driver;
use crate::domain::{View, reference};
use crate::error::error;

/// Groups of filters: a domain passes if of each group that is asked for it has one.
type Filter = (u32, fn(&View) -> bool);
const FILTERS: [[Filter; 2]; 4] = [
    [
        (VIR_CONNECT_LIST_DOMAINS_ACTIVE, |v| v.is_active()),
        (VIR_CONNECT_LIST_DOMAINS_INACTIVE, |v| !v.is_active()),
    ],
    [
        (VIR_CONNECT_LIST_DOMAINS_PERSISTENT, |v| v.is_persistent()),
        (VIR_CONNECT_LIST_DOMAINS_TRANSIENT, |v| !v.is_persistent()),
    ],
    [
        (VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, |v| v.managed_save),
        (VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE, |v| !v.managed_save),
    ],
    [
        (VIR_CONNECT_LIST_DOMAINS_AUTOSTART, |v| v.autostart),
        (VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART, |v| !v.autostart),
    ],
];
const STATES: u32 = VIR_CONNECT_LIST_DOMAINS_RUNNING
    | VIR_CONNECT_LIST_DOMAINS_PAUSED
    | VIR_CONNECT_LIST_DOMAINS_SHUTOFF
    | VIR_CONNECT_LIST_DOMAINS_OTHER;
const SNAPSHOTS: u32 = VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT | VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT;
const CHECKPOINTS: u32 = VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT | VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT;

/// All filters there are.
pub(super) const ALL_FILTERS: u32 = {
    let mut all = STATES | SNAPSHOTS | CHECKPOINTS;
    let mut group = 0;
    while group < FILTERS.len() {
        all |= FILTERS[group][0].0 | FILTERS[group][1].0;
        group += 1;
    }
    all
};

/// Whether a domain passes the filters.
pub(super) fn passes(driver: &Driver, view: &View, filters: u32) -> bool {
    if filters & ALL_FILTERS == 0 {
        return true;
    }
    let groups = FILTERS.iter().all(|group| {
        let asked = group.iter().filter(|(flag, _)| filters & flag != 0);
        asked.clone().count() == 0 || asked.clone().any(|(_, has)| has(view))
    });
    groups && state_passes(view, filters) && kept_passes(driver, view, filters)
}

fn state_passes(view: &View, filters: u32) -> bool {
    let flag = match view.state.state {
        VIR_DOMAIN_RUNNING => VIR_CONNECT_LIST_DOMAINS_RUNNING,
        VIR_DOMAIN_PAUSED => VIR_CONNECT_LIST_DOMAINS_PAUSED,
        VIR_DOMAIN_SHUTOFF => VIR_CONNECT_LIST_DOMAINS_SHUTOFF,
        _ => VIR_CONNECT_LIST_DOMAINS_OTHER,
    };
    filters & STATES == 0 || filters & flag != 0
}

/// Snapshots and checkpoints: asked of the disk, only when asked for.
fn kept_passes(driver: &Driver, view: &View, filters: u32) -> bool {
    let layout = &driver.setup.layout;
    let passes = |group: u32, has_flag: u32, dir: std::path::PathBuf| {
        let asked = filters & group;
        if asked == 0 || asked == group {
            return true;
        }
        let has = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
        has == (asked == has_flag)
    };
    passes(SNAPSHOTS, VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, layout.snapshots(&view.name))
        && passes(CHECKPOINTS, VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT, layout.checkpoints(&view.name))
}

/// `virConnectListAllDomains`.
pub(super) fn all(driver: &Driver, need_results: i32, filters: u32) -> Result<ConnectListAllDomainsReply> {
    flags(filters, ALL_FILTERS, "qemuConnectListAllDomains")?;
    let list = driver.registry.list();
    let domains = list.iter().filter_map(|domain| {
        let view = domain.view();
        passes(driver, &view, filters).then(|| reference(virtus_state::Object::uuid(&**domain), &view))
    });
    let domains: List<DomainRef, 16_384> = domains.collect();
    let ret = u32::try_from(domains.len()).unwrap_or(u32::MAX);
    Ok(match need_results {
        0 => ConnectListAllDomainsReply { domains: List::default(), ret },
        _ => ConnectListAllDomainsReply { domains, ret },
    })
}

/// The numbers of those that run, or the names of those that do not, at most `max`.
pub(super) fn some<T>(driver: &Driver, max: i32, pick: impl Fn(&View) -> Option<T>) -> Vec<T> {
    let max = usize::try_from(max).unwrap_or(0);
    driver.registry.list().iter().filter_map(|d| pick(&d.view())).take(max).collect()
}

/// `virDomainLookupByID`.
pub(super) fn by_id(driver: &Driver, id: i32) -> Result<DomainRef> {
    let found = driver.registry.by_id(id).map(|d| d.reference());
    found.ok_or_else(|| error(ErrorCode::NO_DOMAIN, format!("no domain with matching id {id}")))
}

/// `virDomainLookupByName`.
pub(super) fn by_name(driver: &Driver, name: &str) -> Result<DomainRef> {
    let found = driver.registry.by_name(name).map(|d| d.reference());
    found.ok_or_else(|| error(ErrorCode::NO_DOMAIN, format!("no domain with matching name '{name}'")))
}

/// `virDomainLookupByUUID`.
pub(super) fn by_uuid(driver: &Driver, uuid: Uuid) -> Result<DomainRef> {
    let found = driver.registry.by_uuid(&uuid).map(|d| d.reference());
    found.ok_or_else(|| error(ErrorCode::NO_DOMAIN, format!("no domain with matching uuid '{uuid}'")))
}
