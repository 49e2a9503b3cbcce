//! Title, description, and what applications keep with a domain.

use virtus_api::constants::*;
use virtus_api::{Call, DomainEvent, DomainRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::metadata::Metadata;
use virtus_xml::RawElement;

use super::flags;
use crate::Driver;

const IMPACT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;

/// `virDomainGetMetadata`.
pub(super) fn get(
    driver: &Driver,
    dom: &DomainRef,
    kind: i32,
    uri: Option<&str>,
    given: u32,
) -> Result<String> {
    flags(given, IMPACT, "qemuDomainGetMetadata")?;
    let view = driver.look(dom)?;
    let affects = view.affects_one(given, "virDomainObjGetOneDef")?;
    if !matches!(
        kind,
        VIR_DOMAIN_METADATA_DESCRIPTION | VIR_DOMAIN_METADATA_TITLE | VIR_DOMAIN_METADATA_ELEMENT
    ) {
        return Err(generic(ErrorCode::INVALID_ARG, format!("unknown metadata type '{kind}'")));
    }
    let found = match (&view.live, &view.persistent) {
        (Some(live), _) if affects.live => one(&live.model, kind, uri),
        (_, Some(definition)) => one(&definition.model()?, kind, uri),
        _ => None,
    };
    found.ok_or_else(|| {
        generic(ErrorCode::NO_DOMAIN_METADATA, "Requested metadata element is not present".to_owned())
    })
}

fn one(model: &conf::Domain, kind: i32, uri: Option<&str>) -> Option<String> {
    match kind {
        VIR_DOMAIN_METADATA_DESCRIPTION => model.description.clone(),
        VIR_DOMAIN_METADATA_TITLE => model.title.clone(),
        _ => Some(model.metadata.as_ref()?.get(uri?)?.clone().without_namespace(uri?).to_text()),
    }
}

fn generic(code: ErrorCode, text: String) -> Error {
    Error::new(ErrorDomain::DOMAIN, code, text)
}

/// What is set.
#[derive(Clone, Debug)]
enum Change {
    Title(Option<String>),
    Description(Option<String>),
    Element(String, Option<RawElement>),
}

/// `virDomainSetMetadata`.
pub(super) async fn set(
    driver: &Driver,
    call: &Call,
    dom: &DomainRef,
    kind: i32,
    (metadata, key, uri): (Option<String>, Option<String>, Option<String>),
    given: u32,
) -> Result<()> {
    flags(given, IMPACT, "qemuDomainSetMetadata")?;
    let domain = driver.find(dom)?;
    let text = metadata.clone().filter(|m| !m.is_empty());
    let (change, nsuri) = match kind {
        VIR_DOMAIN_METADATA_TITLE => (Change::Title(text), None),
        VIR_DOMAIN_METADATA_DESCRIPTION => (Change::Description(text), None),
        VIR_DOMAIN_METADATA_ELEMENT => {
            let uri = uri.unwrap_or_default();
            let element =
                metadata.map(|text| element(&text, key.as_deref().unwrap_or_default(), &uri)).transpose()?;
            (Change::Element(uri.clone(), element), Some(uri))
        }
        _ => return Err(generic(ErrorCode::INVALID_ARG, format!("unknown metadata type '{kind}'"))),
    };
    driver
        .edit(call, &domain, given, move |model| {
            apply(model, change.clone());
            Ok(())
        })
        .await?;
    driver.tell(&domain, DomainEvent::MetadataChange { kind, nsuri });
    Ok(())
}

fn element(text: &str, key: &str, uri: &str) -> Result<RawElement> {
    let mut element = RawElement::parse(text, ErrorDomain::DOMAIN)?;
    element.set_namespace(key, uri);
    Ok(element)
}

fn apply(model: &mut conf::Domain, change: Change) {
    match change {
        Change::Title(title) => model.title = title,
        Change::Description(description) => model.description = description,
        Change::Element(uri, element) => {
            let metadata = model.metadata.get_or_insert_with(Metadata::default);
            metadata.set(&uri, element);
            if metadata.is_empty() {
                model.metadata = None;
            }
        }
    }
}
