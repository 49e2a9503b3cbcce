//! `virDomainUndefineFlags` and `virDomainRename`.

use std::path::Path;
use std::sync::Arc;

use virtus_api::constants::*;
use virtus_api::{Call, DomainEvent, DomainRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_state::file::{self, Durability};
use virtus_state::gate::{Job, Wanted};

use super::define::save;
use super::flags;
use crate::Driver;
use crate::domain::{Domain, View};
use crate::driver::Shared;
use crate::error::{invalid, system};
use crate::store;

/// Takes a domain's persistent definition away.
pub(super) async fn undefine(driver: &Driver, dom: &DomainRef, given: u32) -> Result<()> {
    let known = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        | VIR_DOMAIN_UNDEFINE_NVRAM
        | VIR_DOMAIN_UNDEFINE_KEEP_NVRAM
        | VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
        | VIR_DOMAIN_UNDEFINE_TPM
        | VIR_DOMAIN_UNDEFINE_KEEP_TPM;
    flags(given, known, "qemuDomainUndefineFlags")?;
    let has = |flag: u32| given & flag != 0;
    if has(VIR_DOMAIN_UNDEFINE_NVRAM) && has(VIR_DOMAIN_UNDEFINE_KEEP_NVRAM) {
        return Err(invalid("cannot both keep and delete nvram"));
    }
    if has(VIR_DOMAIN_UNDEFINE_TPM) && has(VIR_DOMAIN_UNDEFINE_KEEP_TPM) {
        return Err(invalid("cannot both keep and delete TPM"));
    }
    let domain = driver.find(dom)?;
    let shared = Arc::clone(&driver.0);
    driver
        .finish(async move {
            let _config = domain.config.lock().await;
            let view = domain.view();
            if !view.is_persistent() {
                return Err(invalid("cannot undefine transient domain"));
            }
            let (files, shown) = (Arc::clone(&shared), Arc::clone(&view));
            shared.blocking(move || remove_files(&files, &shown, given)).await?;
            forget(&shared, &domain);
            Ok(())
        })
        .await
}

fn remove_files(shared: &Shared, view: &View, given: u32) -> Result<()> {
    let layout = &shared.setup.layout;
    let has = |flag: u32| given & flag != 0;
    let save = layout.managed_save(&view.name);
    let nvram = match &view.persistent {
        // few have one, and reading a definition takes a moment
        Some(definition) if definition.file_text().contains("<nvram") => {
            definition.model()?.os.nvram.and_then(|n| nvram_path(&n))
        }
        _ => None,
    };
    let nvram = nvram.filter(|path| Path::new(path).exists());
    // everything is asked before anything is removed
    if !view.is_active() {
        for (dir, what, flag) in [
            (layout.snapshots(&view.name), "snapshots", VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA),
            (layout.checkpoints(&view.name), "checkpoints", VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA),
        ] {
            let count = file::list(&dir, "xml").map_or(0, |files| files.len());
            if count > 0 && !has(flag) {
                return Err(invalid(format!("cannot delete inactive domain with {count} {what}")));
            }
        }
    }
    if save.exists() && !has(VIR_DOMAIN_UNDEFINE_MANAGED_SAVE) {
        return Err(invalid("Refusing to undefine while domain managed save image exists"));
    }
    if nvram.is_some() && !has(VIR_DOMAIN_UNDEFINE_NVRAM) && !has(VIR_DOMAIN_UNDEFINE_KEEP_NVRAM) {
        return Err(invalid("cannot undefine domain with nvram"));
    }
    let remove = |path: &Path, what: &str| {
        file::remove(path, Durability::Process)
            .map_err(|e| system(format_args!("failed to remove {what}: {}", path.display()), &e))
    };
    remove(&save, "managed save file")?;
    if let (Some(path), true) = (nvram, has(VIR_DOMAIN_UNDEFINE_NVRAM)) {
        remove(Path::new(&path), "nvram")?;
    }
    if !view.is_active() {
        for dir in [layout.snapshots(&view.name), layout.checkpoints(&view.name)] {
            let _ = std::fs::remove_dir_all(dir);
        }
    }
    store::remove(layout, &view.name)
}

fn nvram_path(nvram: &virtus_conf::domain::os::Nvram) -> Option<String> {
    use virtus_conf::domain::device::storage::Location;
    match nvram.source.as_ref().map(|s| &s.location) {
        Some(Location::File(source)) => source.file.clone(),
        _ => None,
    }
}

/// The definition is gone; so is the domain, unless it runs.
fn forget(shared: &Arc<Shared>, domain: &Arc<Domain>) {
    let reference = domain.reference();
    let active = domain.view().is_active();
    shared.change(domain, |view| {
        view.persistent = None;
        view.autostart = false;
        view.autostart_once = false;
        view.managed_save = false;
        Vec::new()
    });
    if !active {
        shared.registry.remove(domain);
    }
    let (event, detail) = (VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_REMOVED);
    shared.tell_as(reference, DomainEvent::Lifecycle { event, detail });
}

/// Gives a domain that does not run another name.
pub(super) async fn rename(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    new: String,
    given: u32,
) -> Result<i32> {
    flags(given, 0, "qemuDomainRename")?;
    let domain = driver.find(dom)?;
    if new.contains('/') {
        let text = format!("name {new} cannot contain '/'");
        return Err(Error::new(ErrorDomain::QEMU, ErrorCode::XML_ERROR, text));
    }
    let job = driver.job(call, &domain, Wanted::Job(Job::Modify)).await?;
    let shared = Arc::clone(&driver.0);
    driver
        .finish(async move {
            let _job = job;
            let _config = domain.config.lock().await;
            renamed(&shared, &domain, &new).await.map(|()| 0)
        })
        .await
}

async fn renamed(shared: &Arc<Shared>, domain: &Arc<Domain>, new: &str) -> Result<()> {
    let view = domain.view();
    let generic = |text: String| Error::new(ErrorDomain::DOMAIN, ErrorCode::OPERATION_INVALID, text);
    if view.is_active() {
        return Err(invalid("cannot rename active domain"));
    }
    let Some(definition) = &view.persistent else {
        return Err(invalid("cannot rename a transient domain"));
    };
    let layout = &shared.setup.layout;
    if view.managed_save {
        return Err(invalid("domain with a managed saved state can't be renamed"));
    }
    if *new == *view.name {
        return Err(generic("Can't rename domain to itself".to_owned()));
    }
    if new.is_empty() {
        return Err(generic("Can't rename domain to an empty name".to_owned()));
    }
    if shared.registry.by_name(new).is_some() {
        return Err(generic(format!("domain with name '{new}' already exists")));
    }
    let mut model = definition.model()?;
    new.clone_into(&mut model.name);
    let name: Arc<str> = new.into();
    let old = domain.reference();
    // the new file before the old one goes: a crash in between leaves two files of one UUID, of which the
    // daemon takes one and passes over the other
    let definition = save(shared, Arc::clone(&name), model).await?;
    move_moments(layout, &view.name, new)?;
    let changed = Arc::clone(domain);
    let entered = shared.registry.rename(domain, Arc::clone(&name), || {
        changed.update(
            |view| {
                view.name = Arc::clone(&name);
                view.persistent = Some(definition);
            },
            |_| (),
            |_| (),
        );
    });
    if entered.is_err() {
        move_moments(layout, new, &view.name)?;
        store::remove(layout, new)?;
        return Err(generic(format!("domain with name '{new}' already exists")));
    }
    if view.autostart {
        store::set_autostart(layout, new, true)?;
    }
    if view.autostart_once {
        store::set_autostart_once(layout, new, true)?;
    }
    store::remove(layout, &view.name)?;
    let lifecycle = |event, detail| DomainEvent::Lifecycle { event, detail };
    shared.tell_as(old, lifecycle(VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_RENAMED));
    shared.tell(domain, lifecycle(VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_RENAMED));
    Ok(())
}

/// Moves the files of a domain's snapshots and checkpoints to where its other name has them.
fn move_moments(layout: &crate::layout::Layout, old: &str, new: &str) -> Result<()> {
    for (from, to) in
        [(layout.snapshots(old), layout.snapshots(new)), (layout.checkpoints(old), layout.checkpoints(new))]
    {
        match std::fs::rename(&from, &to) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(system(
                    format_args!("Failed to rename '{}' to '{}'", from.display(), to.display()),
                    &e,
                ));
            }
            _ => {}
        }
    }
    Ok(())
}
