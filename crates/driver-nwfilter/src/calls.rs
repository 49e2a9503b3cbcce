//! What the driver answers.

use std::sync::Arc;

use async_trait::async_trait;
use virtus_api::constants::{VIR_NWFILTER_BINDING_CREATE_VALIDATE, VIR_NWFILTER_DEFINE_VALIDATE};
use virtus_api::nwfilter::{ConnectListAllNwfilterBindingsReply, ConnectListAllNwfiltersReply};
use virtus_api::{Call, NetworkFilters, NwfilterBindingRef, NwfilterRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_conf::nwfilter::{Binding, Filter};
use virtus_state::definitions::blocking;
use virtus_xdr::List;

use crate::bindings::Bound;
use crate::{Driver, missing, reference};

fn flags(flags: u32, supported: u32, function: &str) -> Result<()> {
    Error::check_flags(ErrorDomain::NWFILTER, flags, supported, function)
}

fn no_binding(port: &str) -> Error {
    let text = format!("no nwfilter binding for port dev '{port}'");
    Error::new(ErrorDomain::NWFILTER, ErrorCode::NO_NWFILTER_BINDING, text)
}

impl Driver {
    fn binding(&self, port: &str) -> Result<Arc<Bound>> {
        self.0.bindings.get(port).ok_or_else(|| no_binding(port))
    }

    async fn define(&self, xml: &str, strict: bool) -> Result<NwfilterRef> {
        let filter = Filter::parse(xml, strict)?;
        let shared = self.0.clone();
        blocking(move || shared.define(filter)).await
    }
}

fn binding_reference(bound: &Bound) -> NwfilterBindingRef {
    NwfilterBindingRef {
        portdev: bound.binding.port.clone(),
        filtername: bound.binding.filter.filter.clone(),
    }
}

#[async_trait]
impl NetworkFilters for Driver {
    async fn nwfilter_lookup_by_name(&self, _: &Call, name: String) -> Result<NwfilterRef> {
        match self.0.filters.by_name(&name) {
            Some(entry) => Ok(reference(&entry.definition().0)),
            None => Err(missing(format!("no nwfilter with matching name '{name}'"))),
        }
    }

    async fn nwfilter_lookup_by_uuid(&self, _: &Call, uuid: Uuid) -> Result<NwfilterRef> {
        match self.0.filters.by_uuid(&uuid) {
            Some(entry) => Ok(reference(&entry.definition().0)),
            None => Err(missing(format!("no nwfilter with matching uuid '{uuid}'"))),
        }
    }

    async fn nwfilter_get_xml_desc(&self, _: &Call, filter: NwfilterRef, given: u32) -> Result<String> {
        flags(given, 0, "nwfilterGetXMLDesc")?;
        Ok(self.0.find(&filter)?.definition().0.format())
    }

    async fn connect_num_of_nwfilters(&self, _: &Call) -> Result<i32> {
        Ok(i32::try_from(self.0.filters.len()).unwrap_or(i32::MAX))
    }

    async fn connect_list_nwfilters(&self, _: &Call, maxnames: i32) -> Result<List<String, 16_384>> {
        let max = usize::try_from(maxnames).unwrap_or(0);
        Ok(List(self.0.filters.list().iter().take(max).map(|f| f.definition().0.name.clone()).collect()))
    }

    async fn connect_list_all_nwfilters(
        &self,
        _: &Call,
        need_results: i32,
        given: u32,
    ) -> Result<ConnectListAllNwfiltersReply> {
        flags(given, 0, "nwfilterConnectListAllNWFilters")?;
        let all = self.0.filters.list();
        let filters = match need_results {
            0 => Vec::new(),
            _ => all.iter().map(|f| reference(&f.definition().0)).collect(),
        };
        let ret = u32::try_from(all.len()).unwrap_or(u32::MAX);
        Ok(ConnectListAllNwfiltersReply { filters: List(filters), ret })
    }

    async fn nwfilter_define_xml(&self, _: &Call, xml: String) -> Result<NwfilterRef> {
        self.define(&xml, false).await
    }

    async fn nwfilter_define_xml_flags(&self, _: &Call, xml: String, given: u32) -> Result<NwfilterRef> {
        flags(given, VIR_NWFILTER_DEFINE_VALIDATE, "nwfilterDefineXMLFlags")?;
        self.define(&xml, given & VIR_NWFILTER_DEFINE_VALIDATE != 0).await
    }

    async fn nwfilter_undefine(&self, _: &Call, filter: NwfilterRef) -> Result<()> {
        let shared = self.0.clone();
        blocking(move || shared.undefine(&filter)).await
    }

    async fn nwfilter_binding_lookup_by_port_dev(
        &self,
        _: &Call,
        name: String,
    ) -> Result<NwfilterBindingRef> {
        Ok(binding_reference(&*self.binding(&name)?))
    }

    async fn nwfilter_binding_get_xml_desc(
        &self,
        _: &Call,
        binding: NwfilterBindingRef,
        given: u32,
    ) -> Result<String> {
        flags(given, 0, "nwfilterBindingGetXMLDesc")?;
        Ok(self.binding(&binding.portdev)?.binding.format())
    }

    async fn nwfilter_binding_create_xml(
        &self,
        _: &Call,
        xml: String,
        given: u32,
    ) -> Result<NwfilterBindingRef> {
        flags(given, VIR_NWFILTER_BINDING_CREATE_VALIDATE, "nwfilterBindingCreateXML")?;
        let binding = Binding::parse(&xml, given & VIR_NWFILTER_BINDING_CREATE_VALIDATE != 0)?;
        let shared = self.0.clone();
        blocking(move || shared.bind(binding, false).map(|bound| binding_reference(&bound))).await
    }

    async fn nwfilter_binding_delete(&self, _: &Call, binding: NwfilterBindingRef) -> Result<()> {
        let shared = self.0.clone();
        match self.0.unbind(&binding.portdev) {
            // the rules are gone when the caller has its answer
            true => blocking(move || shared.settle()).await,
            false => Err(no_binding(&binding.portdev)),
        }
    }

    async fn connect_list_all_nwfilter_bindings(
        &self,
        _: &Call,
        need_results: i32,
        given: u32,
    ) -> Result<ConnectListAllNwfilterBindingsReply> {
        flags(given, 0, "nwfilterConnectListAllNWFilterBindings")?;
        let all = self.0.bindings.list();
        let bindings = match need_results {
            0 => Vec::new(),
            _ => all.iter().map(|bound| binding_reference(bound)).collect(),
        };
        let ret = u32::try_from(all.len()).unwrap_or(u32::MAX);
        Ok(ConnectListAllNwfilterBindingsReply { bindings: List(bindings), ret })
    }
}
