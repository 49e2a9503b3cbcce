//! Definitions enter the driver and its disk.

use std::sync::Arc;

use virtus_api::constants::*;
use virtus_api::{DomainEvent, DomainRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain as conf;
use virtus_state::registry::Conflict;

use crate::domain::{Definition, Domain, View};
use crate::driver::Shared;
use crate::store;

/// Writes a definition to the disk.
pub(super) async fn save(
    shared: &Arc<Shared>,
    name: Arc<str>,
    model: conf::Domain,
) -> Result<Arc<Definition>> {
    let layout = shared.setup.layout.clone();
    shared
        .blocking(move || {
            let definition = Definition::new(&model);
            store::save(&layout, &name, &definition)?;
            Ok(Arc::new(definition))
        })
        .await
}

/// Defines a domain, or gives one that is there another definition.
pub(super) async fn define(shared: &Arc<Shared>, model: conf::Domain) -> Result<DomainRef> {
    let domain = enter(shared, &model)?;
    let _config = domain.config.lock().await;
    let name = Arc::clone(&domain.view().name);
    let saved = save(shared, name, model).await;
    let definition = match saved {
        Ok(definition) => definition,
        Err(e) => {
            let view = domain.view();
            if !view.is_active() && !view.is_persistent() {
                shared.registry.remove(&domain);
            }
            return Err(e);
        }
    };
    shared.change(&domain, |view| {
        let detail = match view.persistent {
            Some(_) => VIR_DOMAIN_EVENT_DEFINED_UPDATED,
            None => VIR_DOMAIN_EVENT_DEFINED_ADDED,
        };
        view.persistent = Some(definition);
        vec![DomainEvent::Lifecycle { event: VIR_DOMAIN_EVENT_DEFINED, detail }]
    });
    Ok(domain.reference())
}

/// The domain of a document's UUID and name, entered if it is new.
///
/// # Errors
/// libvirt's, when UUID and name belong to different domains.
pub(super) fn enter(shared: &Arc<Shared>, model: &conf::Domain) -> Result<Arc<Domain>> {
    let name: Arc<str> = model.name.as_str().into();
    let fresh = Domain::new(model.uuid, View::empty(Arc::clone(&name)));
    match shared.registry.insert(Arc::clone(&fresh)) {
        Ok(()) => Ok(fresh),
        Err(Conflict::Uuid(domain)) if domain.view().name == name => Ok(domain),
        Err(Conflict::Uuid(domain)) => {
            let other = &domain.view().name;
            Err(exists(format!("domain '{other}' is already defined with uuid {}", model.uuid)))
        }
        Err(Conflict::Name(domain)) => {
            let uuid = domain.reference().uuid;
            Err(exists(format!("domain '{name}' already exists with uuid {uuid}")))
        }
    }
}

fn exists(text: String) -> Error {
    Error::new(ErrorDomain::DOMAIN, ErrorCode::OPERATION_FAILED, text)
}
