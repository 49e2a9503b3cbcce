//! I/O threads that come, go, and change.

use serde_json::{Map, Value, json};
use virtus_api::constants::*;
use virtus_api::{Call, DomainRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam};
use virtus_conf::domain as conf;
use virtus_conf::domain::cpu_tune::{IoThread, IoThreadPoll};
use virtus_conf::domain::device::disk::IoThreadMap;
use virtus_host::process::set_affinity;
use virtus_qmp::command::{ObjectAdd, ObjectDel, QomSet};

use super::super::change::Change;
use super::super::flags;
use super::super::params::{self, Kind};
use super::pin;
use crate::Driver;
use crate::error::{bad_argument, internal, invalid, system, unsupported};
use crate::process::scheduler;

const IMPACT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;

fn generic(text: String) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::INVALID_ARG, text)
}

fn nonzero(id: u32) -> Result<()> {
    match id {
        0 => Err(bad_argument("invalid value of 0 for iothread_id")),
        _ => Ok(()),
    }
}

/// All threads of a definition, also those it only counts.
fn listed(model: &mut conf::Domain) -> &mut Vec<IoThread> {
    let ids = model.iothread_ids();
    let list = &mut model.iothreadids.get_or_insert_default().iothreads;
    for id in ids {
        if list.iter().all(|thread| thread.id != id) {
            list.push(plain(id));
        }
    }
    list
}

fn plain(id: u32) -> IoThread {
    IoThread { id, thread_pool_min: None, thread_pool_max: None, poll: None }
}

fn add_to(model: &mut conf::Domain, id: u32) {
    let list = listed(model);
    list.push(plain(id));
    model.iothreads = u32::try_from(list.len()).ok();
}

fn remove_from(model: &mut conf::Domain, id: u32) {
    // what is only counted can stay so when the last one goes
    let counted = model.iothreadids.is_none() && model.iothread_ids().last() == Some(&id);
    let left = match counted {
        true => model.iothreads.unwrap_or(0).saturating_sub(1),
        false => {
            let list = listed(model);
            list.retain(|thread| thread.id != id);
            u32::try_from(list.len()).unwrap_or(0)
        }
    };
    model.iothreads = (left > 0).then_some(left);
    if let Some(tune) = &mut model.cputune {
        tune.iothreadpin.retain(|pin| pin.iothread != id);
        let own = |set: &virtus_base::Bitmap| u32::try_from(set.last().unwrap_or(0)) == Ok(id);
        tune.iothreadsched.retain(|sched| !own(&sched.iothreads));
    }
}

/// `virDomainAddIOThread`.
pub(super) async fn add(driver: &Driver, call: &Call, dom: &DomainRef, id: u32, given: u32) -> Result<()> {
    flags(given, IMPACT, "qemuDomainAddIOThread")?;
    nonzero(id)?;
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                if change.both().any(|model| model.iothread_ids().contains(&id)) {
                    return Err(generic(format!("an IOThread is already using iothread_id '{id}'")));
                }
                if change.live.is_some() {
                    plug(change, id).await?;
                }
                change.config.iter_mut().for_each(|model| add_to(model, id));
                Ok(())
            })
        })
        .await
}

async fn plug(change: &mut Change, id: u32) -> Result<()> {
    let name = format!("iothread{id}");
    let object = json!({ "qom-type": "iothread", "id": name });
    change.job.execute(&ObjectAdd(object)).await?;
    if let Some(live) = &mut change.live {
        add_to(live, id);
    }
    change.touched = true;
    let thread = pin::iothreads(change).await?.into_iter().find(|(number, _)| *number == id);
    let Some((_, thread)) = thread else {
        return Err(internal(format!("cannot find new IOThread '{id}' in QEMU monitor.")));
    };
    // it begins where the thread that made it runs
    let live = change.live.as_ref();
    let sched = live.and_then(|live| scheduler::of_iothread(live.cputune.as_ref(), id)).cloned();
    let everywhere = live.and_then(|live| live.vcpu.cpuset.clone());
    let cpus = everywhere.unwrap_or_else(|| change.shared.setup.node.topology().online.clone());
    set_affinity(thread, &cpus)
        .map_err(|e| system(format_args!("cannot set CPU affinity on process {thread}"), &e))?;
    sched.map_or(Ok(()), |sched| scheduler::apply(thread, &sched))
}

/// `virDomainDelIOThread`.
pub(super) async fn delete(driver: &Driver, call: &Call, dom: &DomainRef, id: u32, given: u32) -> Result<()> {
    flags(given, IMPACT, "qemuDomainDelIOThread")?;
    if id == 0 {
        let text = "iothread_id in virDomainDelIOThread must not be zero";
        return Err(Error::invalid_arg(ErrorDomain::DOMAIN, "virDomainDelIOThread", "iothread_id", text));
    }
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                for model in change.both() {
                    may_go(model, id)?;
                }
                if change.live.is_some() {
                    change.job.execute(&ObjectDel { id: format!("iothread{id}") }).await?;
                    change.touched = true;
                }
                change.both().for_each(|model| remove_from(model, id));
                Ok(())
            })
        })
        .await
}

/// Whether a thread is there and serves no device.
fn may_go(model: &conf::Domain, id: u32) -> Result<()> {
    if !model.iothread_ids().contains(&id) {
        return Err(generic(format!("cannot find IOThread '{id}' in iothreadids list")));
    }
    let maps =
        |map: &Option<IoThreadMap>| map.iter().flat_map(|map| &map.iothreads).any(|mapped| mapped.id == id);
    let devices = &model.devices;
    let disk = devices.disks.iter().find(|disk| {
        let own = &disk.driver.options;
        own.iothread == Some(id) || maps(&own.iothreads)
    });
    if let Some(disk) = disk {
        return Err(Error::new(
            ErrorDomain::DOMAIN,
            ErrorCode::OPERATION_INVALID,
            format!("cannot remove IOThread {id} since it is being used by disk '{}'", disk.dst()),
        ));
    }
    let by_controller = devices.controllers.iter().any(|controller| {
        let own = &controller.driver;
        own.iothread == Some(id) || maps(&own.iothreads)
    });
    match by_controller {
        true => Err(Error::new(
            ErrorDomain::DOMAIN,
            ErrorCode::OPERATION_INVALID,
            format!("cannot remove IOThread '{id}' since it is being used by controller"),
        )),
        false => Ok(()),
    }
}

/// What a caller wants of a thread.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    poll_max: Option<u64>,
    poll_grow: Option<u32>,
    poll_shrink: Option<u32>,
    pool_min: Option<i32>,
    pool_max: Option<i32>,
}

/// `virDomainSetIOThreadParams`.
pub(super) async fn set_params(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    id: u32,
    given_params: &[TypedParam],
    given: u32,
) -> Result<()> {
    flags(given, IMPACT, "qemuDomainSetIOThreadParams")?;
    nonzero(id)?;
    params::check(
        given_params,
        &[
            ("poll_max_ns", Kind::ULLong),
            ("poll_grow", Kind::UInt),
            ("poll_shrink", Kind::UInt),
            ("thread_pool_min", Kind::Int),
            ("thread_pool_max", Kind::Int),
        ],
    )?;
    let wanted = Wanted {
        poll_max: params::ullong(given_params, "poll_max_ns"),
        poll_grow: params::uint(given_params, "poll_grow"),
        poll_shrink: params::uint(given_params, "poll_shrink"),
        pool_min: params::int(given_params, "thread_pool_min"),
        pool_max: params::int(given_params, "thread_pool_max"),
    };
    wanted.check()?;
    driver
        .amend(call, dom, given, move |change| {
            Box::pin(async move {
                let live = change.live.is_some();
                for model in change.both() {
                    if !model.iothread_ids().contains(&id) {
                        return Err(bad_argument(format!("cannot find IOThread '{id}' in iothreadids")));
                    }
                }
                if live {
                    if let Some(model) = &mut change.live {
                        wanted.check_live()?;
                        wanted.put(model, id)?;
                    }
                    wanted.send(change, id).await?;
                    change.touched = true;
                }
                match &mut change.config {
                    Some(model) => wanted.put(model, id),
                    None => Ok(()),
                }
            })
        })
        .await
}

impl Wanted {
    fn check(&self) -> Result<()> {
        if let Some(min) = self.pool_min.filter(|min| *min < -1) {
            return Err(unsupported(format!("thread_pool_min ({min}) must be equal to or greater than -1")));
        }
        match self.pool_max.filter(|max| *max < -1 || *max == 0) {
            Some(max) => Err(unsupported(format!("thread_pool_max ({max}) must be a positive number or -1"))),
            None => Ok(()),
        }
    }

    fn check_live(&self) -> Result<()> {
        for (name, value) in [("thread_pool_min", self.pool_min), ("thread_pool_max", self.pool_max)] {
            if let Some(value) = value.filter(|value| *value < 0) {
                return Err(unsupported(format!(
                    "{name} ({value}) must be equal to or greater than 0 for live change"
                )));
            }
        }
        Ok(())
    }

    /// Writes what is wanted into a definition.
    fn put(&self, model: &mut conf::Domain, id: u32) -> Result<()> {
        let Some(thread) = listed(model).iter_mut().find(|thread| thread.id == id) else { return Ok(()) };
        let pool = |wanted: Option<i32>, now: Option<i32>| match wanted {
            Some(value) => (value >= 0).then_some(value),
            None => now,
        };
        let (min, max) =
            (pool(self.pool_min, thread.thread_pool_min), pool(self.pool_max, thread.thread_pool_max));
        let changes = self.pool_min.is_some() || self.pool_max.is_some();
        if changes && min.unwrap_or(-1) > max.unwrap_or(-1) {
            return Err(invalid(format!(
                "thread_pool_min ({}) can't be greater than thread_pool_max ({})",
                min.unwrap_or(-1),
                max.unwrap_or(-1)
            )));
        }
        (thread.thread_pool_min, thread.thread_pool_max) = (min, max);
        let mut poll = thread.poll.clone().unwrap_or_default();
        poll.max = self.poll_max.or(poll.max);
        poll.grow = self.poll_grow.map(u64::from).or(poll.grow);
        poll.shrink = self.poll_shrink.map(u64::from).or(poll.shrink);
        thread.poll = Some(poll).filter(|poll| *poll != IoThreadPoll::default());
        Ok(())
    }

    /// Has QEMU do it. The larger end of the pool goes first, so that the smaller one always fits.
    async fn send(&self, change: &Change, id: u32) -> Result<()> {
        let mut values = Map::new();
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                values.insert(name.to_owned(), value);
            }
        };
        add("poll-max-ns", self.poll_max.map(Value::from));
        add("poll-grow", self.poll_grow.map(Value::from));
        add("poll-shrink", self.poll_shrink.map(Value::from));
        add("thread-pool-max", self.pool_max.map(Value::from));
        add("thread-pool-min", self.pool_min.map(Value::from));
        for (property, value) in values {
            let path = format!("/objects/iothread{id}");
            change.job.execute(&QomSet { path, property, value }).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(inner: &str) -> conf::Domain {
        let xml = format!(
            "<domain type='qemu'><name>g</name><memory>1024</memory>{inner}\
             <os><type arch='x86_64'>hvm</type></os></domain>"
        );
        conf::Domain::parse(&xml, &conf::ParseOptions::default()).unwrap()
    }

    #[test]
    fn threads_that_are_only_counted_get_names_when_one_comes() {
        let mut model = domain("<iothreads>2</iothreads>");
        add_to(&mut model, 7);
        assert_eq!(model.iothread_ids(), [1, 2, 7]);
        assert_eq!(model.iothreads, Some(3));
        remove_from(&mut model, 1);
        assert_eq!(model.iothread_ids(), [2, 7]);
        let why = may_go(&model, 1).unwrap_err();
        assert_eq!(why.message(), "invalid argument: cannot find IOThread '1' in iothreadids list");
        let mut counted = domain("<iothreads>2</iothreads>");
        remove_from(&mut counted, 2);
        assert_eq!((counted.iothreads, counted.iothreadids), (Some(1), None));
    }

    #[test]
    fn the_pool_has_two_ends() {
        let mut model = domain("<iothreads>1</iothreads>");
        let wanted = Wanted { pool_min: Some(5), ..Wanted::default() };
        assert_eq!(
            wanted.put(&mut model, 1).unwrap_err().message(),
            "Requested operation is not valid: thread_pool_min (5) can't be greater than thread_pool_max (-1)"
        );
        let wanted = Wanted { pool_min: Some(2), pool_max: Some(4), poll_max: Some(9), ..Wanted::default() };
        wanted.put(&mut model, 1).unwrap();
        let thread = &model.iothreadids.unwrap().iothreads[0];
        assert_eq!((thread.thread_pool_min, thread.thread_pool_max), (Some(2), Some(4)));
        assert_eq!(thread.poll.as_ref().unwrap().max, Some(9));
        assert!(Wanted { pool_min: Some(-2), ..Wanted::default() }.check().is_err());
    }
}
