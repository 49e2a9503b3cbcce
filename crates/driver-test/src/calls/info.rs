//! Finding domains and describing them.

use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::domain::info::*;
use virtus_api::{Call, DomainEvent, DomainInfo, DomainRef, Event};
use virtus_base::{ErrorCode, ErrorDomain, Result, Uuid};
use virtus_conf::domain as conf;
use virtus_conf::domain::metadata::Metadata;
use virtus_xdr::List;
use virtus_xml::RawElement;

use super::metadata;
use crate::domain::{Domain, no_domain};
use crate::error::generic;
use crate::{Driver, count, flags, passes};

const IMPACT: u32 = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;

/// Microseconds since 1970, from which figures that have to grow are made.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Whether a domain passes the filters of listings.
pub(super) fn admits(domain: &Domain, filter: u32) -> bool {
    let (active, persistent) = (domain.is_active(), domain.persistent);
    let (saved, autostart) = (domain.managed_save, domain.autostart);
    let (snapshots, checkpoints) = (domain.snapshot_count() > 0, domain.checkpoint_count() > 0);
    let known = [VIR_DOMAIN_RUNNING, VIR_DOMAIN_PAUSED, VIR_DOMAIN_SHUTOFF];
    passes(
        filter,
        &[
            &[(VIR_CONNECT_LIST_DOMAINS_ACTIVE, active), (VIR_CONNECT_LIST_DOMAINS_INACTIVE, !active)],
            &[
                (VIR_CONNECT_LIST_DOMAINS_PERSISTENT, persistent),
                (VIR_CONNECT_LIST_DOMAINS_TRANSIENT, !persistent),
            ],
            &[
                (VIR_CONNECT_LIST_DOMAINS_RUNNING, domain.state == VIR_DOMAIN_RUNNING),
                (VIR_CONNECT_LIST_DOMAINS_PAUSED, domain.state == VIR_DOMAIN_PAUSED),
                (VIR_CONNECT_LIST_DOMAINS_SHUTOFF, domain.state == VIR_DOMAIN_SHUTOFF),
                (VIR_CONNECT_LIST_DOMAINS_OTHER, !known.contains(&domain.state)),
            ],
            &[
                (VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, saved),
                (VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE, !saved),
            ],
            &[
                (VIR_CONNECT_LIST_DOMAINS_AUTOSTART, autostart),
                (VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART, !autostart),
            ],
            &[
                (VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, snapshots),
                (VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT, !snapshots),
            ],
            &[
                (VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT, checkpoints),
                (VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT, !checkpoints),
            ],
        ],
    )
}

/// All filters of listings.
const FILTERS: u32 = (VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT << 1) - 1;

impl Driver {
    fn lookup(&self, wanted: impl Fn(&Domain) -> bool) -> Result<DomainRef> {
        let state = self.state();
        state.domains.iter().find(|domain| wanted(domain)).map(Domain::reference).ok_or_else(no_domain)
    }
}

#[async_trait]
impl DomainInfo for Driver {
    async fn domain_lookup_by_id(&self, _: &Call, id: i32) -> Result<DomainRef> {
        self.lookup(|domain| domain.definition.id == Some(id))
    }

    async fn domain_lookup_by_name(&self, _: &Call, name: String) -> Result<DomainRef> {
        self.lookup(|domain| domain.definition.name == name)
    }

    async fn domain_lookup_by_uuid(&self, _: &Call, uuid: Uuid) -> Result<DomainRef> {
        self.lookup(|domain| domain.definition.uuid == uuid)
    }

    async fn connect_num_of_domains(&self, _: &Call) -> Result<i32> {
        Ok(count(self.state().domains.iter().filter(|domain| domain.is_active()).count()))
    }

    async fn connect_list_domains(&self, _: &Call, maxids: i32) -> Result<List<i32, 16_384>> {
        let most = usize::try_from(maxids).unwrap_or(0);
        Ok(self.state().domains.iter().filter_map(|domain| domain.definition.id).take(most).collect())
    }

    async fn connect_num_of_defined_domains(&self, _: &Call) -> Result<i32> {
        Ok(count(self.state().domains.iter().filter(|domain| !domain.is_active()).count()))
    }

    async fn connect_list_defined_domains(&self, _: &Call, maxnames: i32) -> Result<List<String, 16_384>> {
        let most = usize::try_from(maxnames).unwrap_or(0);
        let state = self.state();
        let inactive = state.domains.iter().filter(|domain| !domain.is_active());
        Ok(inactive.map(|domain| domain.definition.name.clone()).take(most).collect())
    }

    async fn connect_list_all_domains(
        &self,
        _: &Call,
        need_results: i32,
        filter: u32,
    ) -> Result<ConnectListAllDomainsReply> {
        flags(filter, FILTERS, "testConnectListAllDomains")?;
        let state = self.state();
        let found = state.domains.iter().filter(|domain| admits(domain, filter)).map(Domain::reference);
        let mut domains: List<_, 16_384> = found.collect();
        let ret = count(domains.len());
        if need_results == 0 {
            domains = List::default();
        }
        Ok(ConnectListAllDomainsReply { domains, ret })
    }

    async fn domain_get_xml_desc(&self, _: &Call, dom: DomainRef, given: u32) -> Result<String> {
        let known = VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_MIGRATABLE;
        flags(given, known, "testDomainGetXMLDesc")?;
        let inactive = given & VIR_DOMAIN_XML_INACTIVE != 0;
        let options = conf::FormatOptions {
            inactive,
            secure: given & VIR_DOMAIN_XML_SECURE != 0,
            migratable: given & VIR_DOMAIN_XML_MIGRATABLE != 0,
            ..conf::FormatOptions::default()
        };
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        Ok(if inactive { domain.config() } else { &mut domain.definition }.format(&options))
    }

    async fn domain_get_info(&self, _: &Call, dom: DomainRef) -> Result<DomainGetInfoReply> {
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        let definition = &domain.definition;
        Ok(DomainGetInfoReply {
            state: u8::try_from(domain.state).unwrap_or(0),
            max_mem: definition.memory.size.0,
            memory: definition.current_memory.unwrap_or(definition.memory.size).0,
            nr_virt_cpu: u16::try_from(definition.vcpu.online()).unwrap_or(u16::MAX),
            cpu_time: now().saturating_mul(1000),
        })
    }

    async fn domain_get_os_type(&self, _: &Call, _: DomainRef) -> Result<String> {
        Ok("linux".to_owned())
    }

    async fn domain_is_active(&self, _: &Call, dom: DomainRef) -> Result<i32> {
        Ok(i32::from(self.state().domain(&dom)?.is_active()))
    }

    async fn domain_is_persistent(&self, _: &Call, dom: DomainRef) -> Result<i32> {
        Ok(i32::from(self.state().domain(&dom)?.persistent))
    }

    async fn domain_is_updated(&self, _: &Call, _: DomainRef) -> Result<i32> {
        Ok(0)
    }

    async fn domain_get_state(&self, _: &Call, dom: DomainRef, given: u32) -> Result<DomainGetStateReply> {
        flags(given, 0, "testDomainGetState")?;
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        Ok(DomainGetStateReply { state: domain.state, reason: domain.reason })
    }

    async fn domain_get_control_info(
        &self,
        _: &Call,
        dom: DomainRef,
        given: u32,
    ) -> Result<DomainGetControlInfoReply> {
        flags(given, 0, "testDomainGetControlInfo")?;
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        domain.check_active()?;
        // tests choose the answer by the guest's clock
        let (state, details, since) = match domain.seconds {
            seconds @ 1..10_000 => (VIR_DOMAIN_CONTROL_JOB, 0, seconds),
            seconds @ ..30_000 if seconds >= 10_000 => (VIR_DOMAIN_CONTROL_OCCUPIED, 0, seconds - 10_000),
            seconds @ 30_000..60_000 => (VIR_DOMAIN_CONTROL_ERROR, seconds % 4, seconds - 30_000),
            _ => (VIR_DOMAIN_CONTROL_OK, 0, 0),
        };
        Ok(DomainGetControlInfoReply {
            state: state.cast_unsigned(),
            details: u32::try_from(details).unwrap_or(0),
            state_time: u64::try_from(since).unwrap_or(0),
        })
    }

    async fn domain_get_metadata(
        &self,
        _: &Call,
        dom: DomainRef,
        kind: i32,
        uri: Option<String>,
        given: u32,
    ) -> Result<String> {
        metadata::check_get((ErrorDomain::DOMAIN, "virDomainGetMetadata"), kind, uri.as_deref())?;
        flags(given, IMPACT, "testDomainGetMetadata")?;
        let mut state = self.state();
        let definition = state.domain(&dom)?.one(given)?;
        let found = match kind {
            VIR_DOMAIN_METADATA_DESCRIPTION => definition.description.clone(),
            VIR_DOMAIN_METADATA_TITLE => definition.title.clone(),
            VIR_DOMAIN_METADATA_ELEMENT => definition.metadata.as_ref().and_then(|metadata| {
                let uri = uri.as_deref()?;
                Some(metadata.get(uri)?.clone().without_namespace(uri).to_text())
            }),
            // what is less than any is none, and nothing is wrong with it
            ..0 => None,
            _ => return Err(generic(ErrorCode::INVALID_ARG, format!("unknown metadata type '{kind}'"))),
        };
        found.ok_or_else(|| {
            generic(ErrorCode::NO_DOMAIN_METADATA, "Requested metadata element is not present")
        })
    }

    async fn domain_set_metadata(
        &self,
        _: &Call,
        dom: DomainRef,
        kind: i32,
        metadata: Option<String>,
        key: Option<String>,
        uri: Option<String>,
        given: u32,
    ) -> Result<()> {
        let of = (ErrorDomain::DOMAIN, "virDomainSetMetadata");
        metadata::check_set(of, kind, (metadata.as_deref(), key.as_deref(), uri.as_deref()))?;
        flags(given, IMPACT, "testDomainSetMetadata")?;
        self.change(|state, events| {
            let domain = state.domain(&dom)?;
            let affects = domain.affects(given)?;
            let text = metadata.filter(|text| !text.is_empty());
            let key = key.unwrap_or_default();
            domain.each(affects, |definition| {
                set_metadata(definition, kind, text.as_deref(), &key, uri.as_deref().unwrap_or_default())
            })?;
            events.push(Event::Domain(
                domain.reference(),
                DomainEvent::MetadataChange { kind, nsuri: uri.clone() },
            ));
            Ok(())
        })
    }
}

fn set_metadata(
    definition: &mut conf::Domain,
    kind: i32,
    text: Option<&str>,
    key: &str,
    uri: &str,
) -> Result<()> {
    match kind {
        VIR_DOMAIN_METADATA_DESCRIPTION => definition.description = text.map(str::to_owned),
        VIR_DOMAIN_METADATA_TITLE => definition.title = text.map(str::to_owned),
        VIR_DOMAIN_METADATA_ELEMENT => {
            let element = text.map(|text| RawElement::parse(text, ErrorDomain::DOMAIN)).transpose()?;
            let element = element.map(|mut element| {
                element.set_namespace(key, uri);
                element
            });
            let metadata = definition.metadata.get_or_insert_with(Metadata::default);
            metadata.set(uri, element);
            if metadata.is_empty() {
                definition.metadata = None;
            }
        }
        ..0 => {}
        _ => return Err(generic(ErrorCode::INVALID_ARG, format!("unknown metadata type '{kind}'"))),
    }
    Ok(())
}
