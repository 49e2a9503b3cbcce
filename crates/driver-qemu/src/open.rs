//! The driver's start: its directories, the domains that are on disk, the guests that run.

use std::sync::Arc;
use std::time::Duration;

use virtus_api::NetworkRef;
use virtus_base::Result;
use virtus_state::file;

use crate::domain::{Domain, View};
use crate::driver::{Driver, Setup, Shared};
use crate::error::system;
use crate::{process, store};

/// How long after the start definitions are read as a whole.
const VERIFY_AFTER: Duration = Duration::from_secs(2);

/// Gives memory back when dropped.
struct Trim;

impl Drop for Trim {
    fn drop(&mut self) {
        virtus_host::allocator::trim();
    }
}

impl Driver {
    /// Makes the directories, reads all definitions and takes up the guests that run. It returns as soon as all
    /// domains are known; guests are reached and domains started in the background. Needs a tokio runtime.
    ///
    /// # Errors
    /// When a directory cannot be made or read.
    pub fn start(setup: Setup) -> Result<Driver> {
        let driver = Driver(Arc::new(Shared::new(setup)));
        driver.make_directories()?;
        let config = driver.setup.layout.config.clone();
        let loaded = store::load(&driver.setup.layout)
            .map_err(|e| system(format_args!("Failed to open dir '{}'", config.display()), &e))?;
        for found in loaded {
            let mut view = View::defined(found.name.as_str().into(), Arc::new(found.definition));
            view.autostart = found.autostart;
            view.autostart_once = found.autostart_once;
            if driver.registry.insert(Domain::new(found.uuid, view)).is_err() {
                tracing::error!("domain '{}' has the UUID of another one; it is passed over", found.name);
            }
        }
        driver.find_managed_saves();
        process::reconnect(&driver);
        process::autostart(&driver);
        driver.verify();
        Ok(driver)
    }

    fn make_directories(&self) -> Result<()> {
        use std::os::unix::fs::{DirBuilderExt, chown};
        for (path, mode, of_qemu) in self.setup.layout.directories() {
            let made = std::fs::DirBuilder::new().recursive(true).mode(mode).create(&path);
            made.map_err(|e| system(format_args!("Failed to create directory '{}'", path.display()), &e))?;
            if let (true, Some(user)) = (of_qemu, &self.setup.user) {
                chown(&path, Some(user.uid), Some(user.gid)).map_err(|e| {
                    let whose = format!("{}:{}", user.uid, user.gid);
                    system(format_args!("unable to set ownership of '{}' to {whose}", path.display()), &e)
                })?;
            }
        }
        Ok(())
    }

    /// Reads in the background all definitions that were only skimmed; one that cannot be read is set aside, and
    /// its domain forgotten unless it runs.
    fn verify(&self) {
        let driver = self.clone();
        self.runtime.spawn(async move {
            // those who waited for the daemon come first
            tokio::time::sleep(VERIFY_AFTER).await;
            let runtime = driver.runtime.clone();
            // nobody waits for its result
            drop(runtime.spawn_blocking(move || driver.verify_now()));
        });
    }

    fn verify_now(&self) {
        let _trimmed = Trim;
        for domain in self.registry.list().iter() {
            let view = domain.view();
            let Some(Err(e)) = view.persistent.as_ref().map(|d| d.model().map(|_| ())) else { continue };
            let path = self.setup.layout.definition(&view.name);
            file::set_aside(&path, crate::domain::status::line_of(&e), &e);
            self.change(domain, |view| {
                view.persistent = None;
                Vec::new()
            });
            if !domain.view().is_active() {
                self.registry.remove(domain);
            }
        }
    }

    /// A network was started: guests that were on it before are connected again, in the background.
    pub fn network_started(&self, network: &NetworkRef) {
        for domain in self.registry.list().iter().filter(|domain| domain.view().is_active()) {
            let (shared, domain, network) = (Arc::clone(&self.0), Arc::clone(domain), network.clone());
            self.runtime
                .spawn(async move { process::taps::reattach(&shared, &domain, Some(&network)).await });
        }
    }

    fn find_managed_saves(&self) {
        let saves = file::list(&self.setup.layout.lib.join("save"), "save").unwrap_or_default();
        for (name, _) in saves {
            if let Some(domain) = self.registry.by_name(&name) {
                domain.update(|view| view.managed_save = true, |_| (), |_| ());
            }
        }
    }
}
