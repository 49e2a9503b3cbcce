//! Changes of a domain's definitions under one job: the running guest first, then what is on disk; and reading one
//! of the two.

use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use virtus_api::{Call, DomainEvent, DomainRef};
use virtus_base::{Result, TypedParam};
use virtus_conf::domain as conf;
use virtus_host::cgroup::Group;
use virtus_state::gate::{self, Wanted};

use super::define::save;
use crate::Driver;
use crate::domain::{Domain, Live, View};
use crate::driver::Shared;
use crate::error::internal;
use crate::process::{self, Job, Running};

/// What a change does, with the definitions in its hands.
pub(super) type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A change under way: copies of the definitions it is about, and the job that lets it talk to QEMU.
pub(super) struct Change {
    pub(super) shared: Arc<Shared>,
    pub(super) job: Job,
    /// The running guest's definition, if the change is about it.
    pub(super) live: Option<conf::Domain>,
    /// The persistent definition, if the change is about it.
    pub(super) config: Option<conf::Domain>,
    /// The guest is not as it was any more: what `live` says then holds even if the call fails.
    pub(super) touched: bool,
    /// What is told once the change holds.
    pub(super) events: Vec<DomainEvent>,
}

impl Change {
    /// The guest's QEMU.
    pub(super) fn running(&self) -> Result<Arc<Running>> {
        self.job.running()
    }

    /// The guest's control group.
    pub(super) fn group(&self) -> Result<Group> {
        Ok(process::cgroup::of(&*self.running()?))
    }

    /// Both definitions.
    pub(super) fn both(&mut self) -> impl Iterator<Item = &mut conf::Domain> {
        self.live.iter_mut().chain(self.config.iter_mut())
    }

    /// Clients learn that a tunable of the running guest has another value.
    pub(super) fn tuned(&mut self, params: Vec<TypedParam>) {
        if !params.is_empty() {
            self.events.push(DomainEvent::Tunable { params: params.into() });
        }
    }

    /// Writes what has changed to the disk, then shows it, then tells it.
    async fn commit(self, domain: &Arc<Domain>) -> Result<()> {
        let Change { shared, live, config, events, .. } = self;
        let mut saved = Ok(None);
        if let Some(mut model) = config {
            model.drop_empty();
            saved = save(&shared, Arc::clone(&domain.view().name), model).await.map(Some);
        }
        let persistent = saved.as_ref().ok().cloned().flatten();
        shared.change(domain, |view| {
            if let Some(mut model) = live
                && view.live.is_some()
            {
                model.drop_empty();
                view.live = Some(Arc::new(Live::new(model)));
                view.updated = true;
            }
            if persistent.is_some() && view.persistent.is_some() {
                view.persistent = persistent;
            }
            events
        });
        saved.map(|_| ())
    }
}

impl Driver {
    /// Changes the definitions that `given` says (`VIR_DOMAIN_AFFECT_*`). The work goes on to its end even if the
    /// caller goes away.
    pub(super) async fn amend<T: Send + 'static>(
        &self,
        call: &Call,
        dom: &DomainRef,
        given: u32,
        work: impl for<'a> FnOnce(&'a mut Change) -> Work<'a, T> + Send + 'static,
    ) -> Result<T> {
        let domain = self.find(dom)?;
        domain.view().affects(given)?;
        let job = self.job(call, &domain, Wanted::Job(gate::Job::Modify)).await?;
        let shared = Arc::clone(&self.0);
        self.finish(async move {
            let _config = domain.config.lock().await;
            let view = domain.view();
            let affects = view.affects(given)?;
            let live = match affects.live {
                true => Some(view.live()?.model.clone()),
                false => None,
            };
            let config = match (&view.persistent, affects.config) {
                (Some(definition), true) => Some(definition.model()?),
                _ => None,
            };
            let mut change = Change { shared, job, live, config, touched: false, events: Vec::new() };
            let result = work(&mut change).await;
            if result.is_err() {
                change.config = None;
                if !change.touched {
                    return result;
                }
            }
            let committed = change.commit(&domain).await;
            result.and_then(|value| committed.map(|()| value))
        })
        .await
    }
}

/// One of a domain's definitions, to look at.
pub(super) enum One {
    Live(Arc<Live>),
    Config(Box<conf::Domain>),
}

impl One {
    /// Whether it is the running guest's.
    pub(super) fn is_live(&self) -> bool {
        matches!(self, One::Live(_))
    }
}

impl Deref for One {
    type Target = conf::Domain;
    fn deref(&self) -> &conf::Domain {
        match self {
            One::Live(live) => &live.model,
            One::Config(model) => model,
        }
    }
}

/// The definition that `given` says.
///
/// # Errors
/// libvirt's, when the domain does not run, is transient, or both are asked for.
pub(super) fn one(view: &View, given: u32) -> Result<One> {
    let affects = view.affects_one(given, "virDomainObjGetOneDefState")?;
    match (&view.live, &view.persistent) {
        (Some(live), _) if affects.live => Ok(One::Live(Arc::clone(live))),
        (_, Some(definition)) => Ok(One::Config(Box::new(definition.model()?))),
        _ => Err(internal("the domain has no definition")),
    }
}
