//! Filters on the packets of guests' interfaces: put on before a guest runs, taken off when it has gone.

use std::sync::Arc;

use virtus_api::FilteredPort;
use virtus_base::Result;
use virtus_conf::domain as conf;
use virtus_conf::domain::device::Interface;
use virtus_state::Undo;

use crate::driver::Shared;
use crate::error::invalid;

/// What an interface is to be filtered by; `None` when it is not, or has no device on the host yet.
fn wanted(model: &conf::Domain, interface: &Interface) -> Option<FilteredPort> {
    let reference = interface.rest.filterref.as_ref()?;
    let parameters = reference.parameters.iter().map(|p| (p.name.clone(), p.value.clone()));
    Some(FilteredPort {
        interface: interface.rest.target_dev.clone()?,
        link: None,
        owner: model.name.clone(),
        owner_uuid: model.uuid,
        mac: interface.mac.as_ref()?.address.0,
        filter: reference.filter.clone(),
        parameters: parameters.collect(),
    })
}

/// Has one interface filtered as its definition says; it may wait for the kernel. With `again`, it may be filtered
/// already.
///
/// # Errors
/// libvirt's for the filter.
pub(crate) fn bind(shared: &Shared, model: &conf::Domain, interface: &Interface, again: bool) -> Result<()> {
    let Some(port) = wanted(model, interface) else { return Ok(()) };
    match &shared.setup.filters {
        Some(filters) => filters.bind(&port, again),
        None => Err(invalid("Can't define NWFilter bindings in session mode")),
    }
}

/// Ends the filtering of one interface, which is going or gone.
pub(crate) fn unbind(shared: &Shared, interface: &Interface) {
    let name = interface.rest.target_dev.as_deref().filter(|_| interface.rest.filterref.is_some());
    if let (Some(filters), Some(name)) = (&shared.setup.filters, name) {
        filters.unbind(name);
    }
}

/// Has all interfaces of a guest that is being started filtered.
///
/// # Errors
/// As [`bind`].
pub(super) async fn bind_all(shared: &Arc<Shared>, model: &conf::Domain, undo: &mut Undo) -> Result<()> {
    if model.devices.interfaces.iter().all(|interface| interface.rest.filterref.is_none()) {
        return Ok(());
    }
    {
        // one that was never filtered is passed over
        let (shared, model) = (Arc::clone(shared), model.clone());
        undo.push("packet filters", move || {
            unbind_all(&shared, &model);
            Ok(())
        });
    }
    let (work, model) = (Arc::clone(shared), model.clone());
    shared
        .blocking(move || model.devices.interfaces.iter().try_for_each(|i| bind(&work, &model, i, false)))
        .await
}

/// After a restart of the daemon: what filters a running guest's interfaces is made sure of.
pub(super) async fn rebind_all(shared: &Arc<Shared>, model: conf::Domain) {
    let work = Arc::clone(shared);
    let bound = shared.blocking(move || {
        for interface in &model.devices.interfaces {
            if let Err(e) = bind(&work, &model, interface, true) {
                tracing::error!("domain '{}': its packets cannot be filtered: {e}", model.name);
            }
        }
        Ok(())
    });
    // its only error is that of a daemon that ends
    let _ = bound.await;
}

/// Ends the filtering of all interfaces of a guest.
pub(super) fn unbind_all(shared: &Shared, model: &conf::Domain) {
    model.devices.interfaces.iter().for_each(|interface| unbind(shared, interface));
}
