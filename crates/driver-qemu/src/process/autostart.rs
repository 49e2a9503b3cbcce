//! Starting domains with the daemon: the first time it runs after the host has booted.

use std::sync::Arc;
use std::time::Duration;

use virtus_state::file::{self, Durability};
use virtus_state::gate::{AsyncJob, Mask, Owner, Wanted};

use super::start::{self, Start};
use crate::domain::Domain;
use crate::driver::Driver;
use crate::store;

/// Starts what is marked so, in the background and one after the other, unless that was done since boot.
pub(crate) fn autostart(driver: &Driver) {
    let mark = driver.setup.layout.autostarted();
    if mark.exists() {
        return;
    }
    if let Err(e) = file::write(&mark, b"", 0o600, Durability::Process) {
        tracing::error!("cannot write {}: {e}; no domain is started", mark.display());
        return;
    }
    let marked = |domain: &&Arc<Domain>| {
        let view = domain.view();
        (view.autostart || view.autostart_once) && !view.is_active()
    };
    let domains: Vec<_> = driver.registry.list().iter().filter(marked).cloned().collect();
    let driver = driver.clone();
    driver.runtime.clone().spawn(async move {
        let pause = Duration::from_millis(u64::from(driver.setup.settings.auto_start_delay));
        for (i, domain) in domains.into_iter().enumerate() {
            if i > 0 && !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            let name = Arc::clone(&domain.view().name);
            if let Err(e) = one(&driver, &domain).await {
                tracing::error!("Failed to autostart VM '{name}': {e}");
            }
        }
    });
}

async fn one(driver: &Driver, domain: &Arc<Domain>) -> virtus_base::Result<()> {
    let owner = Owner { api: "autostart", pid: None };
    let wanted = Wanted::Async(AsyncJob::Start, Mask::DEFAULT);
    let name = Arc::clone(&domain.view().name);
    let _job = domain.gate.begin(wanted, owner, driver.setup.job_wait, &name).await?;
    let view = domain.view();
    let (false, Some(definition)) = (view.is_active(), &view.persistent) else { return Ok(()) };
    if view.autostart_once {
        // once, whether it can be started or not
        store::set_autostart_once(&driver.setup.layout, &name, false)?;
        driver.change(domain, |view| {
            view.autostart_once = false;
            Vec::new()
        });
    }
    start::start(&driver.0, domain, definition.model()?, Start::default()).await
}
