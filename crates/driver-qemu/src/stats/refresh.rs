//! Asking a QEMU for its figures: everything in one write, and never for longer than a reader may wait.

use std::sync::Arc;
use std::time::Duration;

use virtus_conf::domain as conf;
use virtus_qmp::command::{QomGet, QueryBlockstats, QueryDirtyRate, QueryIothreads, QueryNamedBlockNodes};

use crate::process::Running;

/// How long a reader waits for a QEMU before it takes the figures of last time.
const PATIENCE: Duration = Duration::from_millis(250);

/// Which figures a reader wants.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) balloon: bool,
    pub(crate) blocks: bool,
    pub(crate) iothreads: bool,
    pub(crate) dirty_rate: bool,
}

/// Has the figures be of now if QEMU answers soon. A QEMU that has been silent for longer is not waited for: its
/// answer is taken when it comes.
pub(crate) async fn refresh(
    runtime: &tokio::runtime::Handle,
    running: &Arc<Running>,
    model: &conf::Domain,
    wanted: Wanted,
) {
    let mut ended = running.samples.ended.subscribe();
    ended.mark_unchanged();
    let patience = match running.samples.begin() {
        Ok(()) => {
            runtime.spawn(ask(Arc::clone(running), questions(model, wanted)));
            PATIENCE
        }
        Err(began) => PATIENCE.saturating_sub(began.elapsed()),
    };
    if !patience.is_zero() {
        let _ = tokio::time::timeout(patience, ended.changed()).await;
    }
}

/// What is asked of a QEMU with these devices.
struct Questions {
    /// The balloon's object.
    balloon: Option<String>,
    blocks: bool,
    iothreads: bool,
    dirty_rate: bool,
}

fn questions(model: &conf::Domain, wanted: Wanted) -> Questions {
    let balloon = model.devices.memballoons.first().and_then(|b| b.info.alias.as_deref());
    Questions {
        balloon: balloon.filter(|_| wanted.balloon).map(|alias| format!("/machine/peripheral/{alias}")),
        blocks: wanted.blocks && !model.devices.disks.is_empty(),
        iothreads: wanted.iothreads && has_iothreads(model),
        dirty_rate: wanted.dirty_rate,
    }
}

/// Whether a definition has I/O threads.
pub(crate) fn has_iothreads(model: &conf::Domain) -> bool {
    model.iothreads.is_some_and(|n| n > 0)
        || model.iothreadids.as_ref().is_some_and(|i| !i.iothreads.is_empty())
}

async fn ask(running: Arc<Running>, questions: Questions) {
    let Ok(monitor) = running.queries() else { return running.samples.end() };
    let mut batch = monitor.batch();
    let balloon =
        questions.balloon.map(|path| batch.add(&QomGet { path, property: "guest-stats".to_owned() }));
    let blocks = questions.blocks.then(|| {
        let stats = batch.add(&QueryBlockstats { query_nodes: None });
        (stats, batch.add(&QueryNamedBlockNodes { flat: Some(true) }))
    });
    let iothreads = questions.iothreads.then(|| batch.add(&QueryIothreads {}));
    let dirty_rate = questions.dirty_rate.then(|| batch.add(&QueryDirtyRate {}));
    batch.send();
    let samples = &running.samples;
    // what QEMU does not know of stays as it was
    if let Some(Ok(value)) = wait(balloon).await {
        samples.balloon.put(value);
    }
    if let Some((stats, nodes)) = blocks {
        if let Ok(value) = stats.await {
            samples.blocks.put(value);
        }
        if let Ok(value) = nodes.await {
            samples.nodes.put(value);
        }
    }
    if let Some(Ok(value)) = wait(iothreads).await {
        samples.iothreads.put(value);
    }
    if let Some(Ok(value)) = wait(dirty_rate).await {
        samples.dirty_rate.put(value);
    }
    samples.end();
}

async fn wait<F: Future>(ticket: Option<F>) -> Option<F::Output> {
    Some(ticket?.await)
}
