//! Title, description, and what applications keep with a network.

use std::sync::Arc;

use virtus_api::constants::*;
use virtus_api::event::NetworkEvent;
use virtus_api::{Event, NetworkRef};
use virtus_base::{ErrorCode, ErrorDomain, Result};
use virtus_conf::network::Network;
use virtus_xml::RawElement;

use crate::live::{Definition, Live};
use crate::update::affected;
use crate::{Shared, error, invalid, reference};

/// What is set.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Title(Option<String>),
    Description(Option<String>),
    Element(String, Option<RawElement>),
}

impl Change {
    /// The change a call asks for.
    ///
    /// # Errors
    /// When the kind is none, or the text is no element.
    pub(crate) fn new(
        kind: i32,
        text: Option<String>,
        key: Option<&str>,
        uri: Option<&str>,
    ) -> Result<Change> {
        let plain = text.clone().filter(|text| !text.is_empty());
        match kind {
            VIR_NETWORK_METADATA_TITLE => Ok(Change::Title(plain)),
            VIR_NETWORK_METADATA_DESCRIPTION => Ok(Change::Description(plain)),
            VIR_NETWORK_METADATA_ELEMENT => {
                let uri = uri.unwrap_or_default();
                let element = text.map(|text| -> Result<RawElement> {
                    let mut element = RawElement::parse(&text, ErrorDomain::NETWORK)?;
                    element.set_namespace(key.unwrap_or_default(), uri);
                    Ok(element)
                });
                Ok(Change::Element(uri.to_owned(), element.transpose()?))
            }
            _ => Err(unknown(kind)),
        }
    }

    fn apply(&self, network: &mut Network) {
        match self {
            Change::Title(title) => network.title.clone_from(title),
            Change::Description(description) => network.description.clone_from(description),
            Change::Element(uri, element) => {
                network.metadata.retain(|e| e.namespace() != Some(uri));
                network.metadata.extend(element.clone());
            }
        }
    }
}

fn unknown(kind: i32) -> virtus_base::Error {
    error(ErrorCode::INVALID_ARG, format!("unknown metadata type '{kind}'"))
}

impl Shared {
    /// Reads a text or an application's element.
    pub(crate) fn metadata(
        &self,
        net: &NetworkRef,
        kind: i32,
        uri: Option<&str>,
        flags: u32,
    ) -> Result<String> {
        let definition = self.find(net)?.definition();
        let both = VIR_NETWORK_UPDATE_AFFECT_LIVE | VIR_NETWORK_UPDATE_AFFECT_CONFIG;
        if flags & both == both {
            return Err(invalid(
                "flags 'VIR_NETWORK_UPDATE_AFFECT_LIVE' and 'VIR_NETWORK_UPDATE_AFFECT_CONFIG' are mutually exclusive",
            ));
        }
        let (live, _) = affected(&definition, flags)?;
        let network = if live { definition.current() } else { definition.next() };
        let found = match kind {
            VIR_NETWORK_METADATA_DESCRIPTION => network.description.clone(),
            VIR_NETWORK_METADATA_TITLE => network.title.clone(),
            VIR_NETWORK_METADATA_ELEMENT => uri.and_then(|uri| {
                let element = network.metadata.iter().find(|e| e.namespace() == Some(uri))?;
                Some(element.clone().without_namespace(uri).to_text())
            }),
            _ => return Err(unknown(kind)),
        };
        found
            .ok_or_else(|| error(ErrorCode::NO_NETWORK_METADATA, "Requested metadata element is not present"))
    }

    /// Changes a text or an application's element.
    pub(crate) fn set_metadata(&self, net: &NetworkRef, kind: i32, change: Change, flags: u32) -> Result<()> {
        let edit = self.networks.edit();
        let entry = self.find(net)?;
        let definition = entry.definition();
        let (on_live, on_config) = affected(&definition, flags)?;
        if let Some(config) = definition.config.as_deref().filter(|_| on_config) {
            let mut config = config.clone();
            change.apply(&mut config);
            edit.define(Definition { config: Some(Arc::new(config)), live: definition.live.clone() })?;
        }
        if let Some(live) = definition.live.as_deref().filter(|_| on_live) {
            let mut live: Live = live.clone();
            change.apply(&mut live.network);
            self.keep(&edit, &entry, live)?;
        }
        let reference = reference(definition.current());
        drop(edit);
        let nsuri = match change {
            Change::Element(uri, _) => Some(uri),
            _ => None,
        };
        let event = NetworkEvent::MetadataChange { kind, nsuri };
        self.setup.events.publish(Event::Network(reference, event));
        Ok(())
    }
}
