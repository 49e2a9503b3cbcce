//! What is known of a domain: answered from its published view, never by its QEMU.

use virtus_api::constants::*;
use virtus_api::domain::info::*;
use virtus_api::{Call, DomainInfo, DomainRef};
use virtus_base::{Result, Uuid};
use virtus_conf::domain::FormatOptions;
use virtus_host::process::usage;
use virtus_xdr::List;

use super::{flags, list, truth};
use crate::Driver;
use crate::error::internal;

#[async_trait::async_trait]
impl DomainInfo for Driver {
    async fn connect_list_all_domains(
        &self,
        _: &Call,
        need_results: i32,
        filters: u32,
    ) -> Result<ConnectListAllDomainsReply> {
        list::all(self, need_results, filters)
    }

    async fn connect_list_defined_domains(&self, _: &Call, max: i32) -> Result<List<String, 16_384>> {
        Ok(List(list::some(self, max, |v| (!v.is_active()).then(|| v.name.to_string()))))
    }

    async fn connect_num_of_defined_domains(&self, _: &Call) -> Result<i32> {
        let names = list::some(self, i32::MAX, |v| (!v.is_active()).then_some(()));
        Ok(i32::try_from(names.len()).unwrap_or(i32::MAX))
    }

    async fn connect_list_domains(&self, _: &Call, max: i32) -> Result<List<i32, 16_384>> {
        Ok(List(list::some(self, max, |v| v.id)))
    }

    async fn connect_num_of_domains(&self, _: &Call) -> Result<i32> {
        Ok(i32::try_from(list::some(self, i32::MAX, |v| v.id).len()).unwrap_or(i32::MAX))
    }

    async fn domain_lookup_by_id(&self, _: &Call, id: i32) -> Result<DomainRef> {
        list::by_id(self, id)
    }

    async fn domain_lookup_by_name(&self, _: &Call, name: String) -> Result<DomainRef> {
        list::by_name(self, &name)
    }

    async fn domain_lookup_by_uuid(&self, _: &Call, uuid: Uuid) -> Result<DomainRef> {
        list::by_uuid(self, uuid)
    }

    async fn connect_domain_xml_to_native(
        &self,
        _: &Call,
        format: String,
        xml: String,
        given: u32,
    ) -> Result<String> {
        flags(given, 0, "qemuConnectDomainXMLToNative")?;
        super::native::to_native(self, &format, xml).await
    }

    async fn domain_is_active(&self, _: &Call, dom: DomainRef) -> Result<i32> {
        Ok(truth(self.look(&dom)?.is_active()))
    }

    async fn domain_is_persistent(&self, _: &Call, dom: DomainRef) -> Result<i32> {
        Ok(truth(self.look(&dom)?.is_persistent()))
    }

    async fn domain_is_updated(&self, _: &Call, dom: DomainRef) -> Result<i32> {
        Ok(truth(self.look(&dom)?.updated))
    }

    async fn domain_get_os_type(&self, _: &Call, dom: DomainRef) -> Result<String> {
        let view = self.look(&dom)?;
        let summary = view.summary().ok_or_else(|| internal("the domain has no definition"))?;
        Ok(summary.os_type.to_owned())
    }

    async fn domain_get_state(&self, _: &Call, dom: DomainRef, given: u32) -> Result<DomainGetStateReply> {
        flags(given, 0, "qemuDomainGetState")?;
        let state = self.look(&dom)?.state;
        Ok(DomainGetStateReply { state: state.state, reason: state.reason })
    }

    async fn domain_get_info(&self, _: &Call, dom: DomainRef) -> Result<DomainGetInfoReply> {
        let domain = self.find(&dom)?;
        let view = domain.view();
        let summary = view.summary().ok_or_else(|| internal("the domain has no definition"))?;
        let cpu_time = match domain.running.load_full() {
            Some(running) => {
                usage(running.process.pid(), None).map_or(0, |u| u.user.saturating_add(u.system))
            }
            None => 0,
        };
        Ok(DomainGetInfoReply {
            state: u8::try_from(view.state.state).unwrap_or_default(),
            max_mem: summary.max_memory,
            memory: summary.memory,
            nr_virt_cpu: u16::try_from(summary.vcpus).unwrap_or(u16::MAX),
            cpu_time,
        })
    }

    async fn domain_get_control_info(
        &self,
        _: &Call,
        dom: DomainRef,
        given: u32,
    ) -> Result<DomainGetControlInfoReply> {
        flags(given, 0, "qemuDomainGetControlInfo")?;
        let domain = self.find(&dom)?;
        domain.view().require_active()?;
        let current = domain.gate.current();
        let busy = current.job.is_some() || current.long.is_some();
        let (state, since) = match busy {
            true => (VIR_DOMAIN_CONTROL_JOB, domain.gate.oldest()),
            false => (VIR_DOMAIN_CONTROL_OK, None),
        };
        Ok(DomainGetControlInfoReply {
            state: state.cast_unsigned(),
            details: 0,
            state_time: since.map_or(0, |s| u64::try_from(s.as_millis()).unwrap_or(u64::MAX)),
        })
    }

    async fn domain_get_xml_desc(&self, _: &Call, dom: DomainRef, given: u32) -> Result<String> {
        let known = VIR_DOMAIN_XML_SECURE
            | VIR_DOMAIN_XML_INACTIVE
            | VIR_DOMAIN_XML_UPDATE_CPU
            | VIR_DOMAIN_XML_MIGRATABLE;
        flags(given, known, "qemuDomainGetXMLDesc")?;
        let domain = self.find(&dom)?;
        let view = domain.view();
        let migratable = given & VIR_DOMAIN_XML_MIGRATABLE != 0;
        let options = FormatOptions {
            inactive: given & VIR_DOMAIN_XML_INACTIVE != 0 || !view.is_active(),
            secure: given & VIR_DOMAIN_XML_SECURE != 0 || migratable,
            migratable,
            ..FormatOptions::default()
        };
        let live = view.live.as_ref().filter(|_| !options.inactive || view.persistent.is_none());
        if given & VIR_DOMAIN_XML_UPDATE_CPU != 0 {
            let model = match (live, &view.persistent) {
                (Some(live), _) => live.model.clone(),
                (None, Some(definition)) => definition.model()?,
                (None, None) => return Err(internal("the domain has no definition")),
            };
            return super::cpu::with_host_cpu(self, model, options).await;
        }
        match (live, &view.persistent) {
            (Some(live), _) if migratable => {
                let running = domain.running.load_full();
                let started = running.as_ref().and_then(|running| running.original_cpu());
                Ok(live.format_for_migration(&options, started))
            }
            // a transient domain is as it runs
            (Some(live), _) => Ok(live.format(&options)),
            (None, Some(definition)) => definition.format(&options),
            (None, None) => Err(internal("the domain has no definition")),
        }
    }

    async fn domain_get_metadata(
        &self,
        _: &Call,
        dom: DomainRef,
        kind: i32,
        uri: Option<String>,
        given: u32,
    ) -> Result<String> {
        super::metadata::get(self, &dom, kind, uri.as_deref(), given)
    }

    async fn domain_set_metadata(
        &self,
        call: &Call,
        dom: DomainRef,
        kind: i32,
        metadata: Option<String>,
        key: Option<String>,
        uri: Option<String>,
        given: u32,
    ) -> Result<()> {
        super::metadata::set(self, call, &dom, kind, (metadata, key, uri), given).await
    }
}
