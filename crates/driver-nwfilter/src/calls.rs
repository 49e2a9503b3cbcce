//! What the driver answers. Bindings come with the interfaces that are filtered; there are none yet.

use async_trait::async_trait;
use virtus_api::constants::{VIR_NWFILTER_BINDING_CREATE_VALIDATE, VIR_NWFILTER_DEFINE_VALIDATE};
use virtus_api::nwfilter::{ConnectListAllNwfilterBindingsReply, ConnectListAllNwfiltersReply};
use virtus_api::{Call, NetworkFilters, NwfilterBindingRef, NwfilterRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_conf::nwfilter::Filter;
use virtus_state::definitions::blocking;
use virtus_xdr::List;
use virtus_xml::{Document, ReadOptions};

use crate::{Driver, missing, reference};

fn flags(flags: u32, supported: u32, function: &str) -> Result<()> {
    Error::check_flags(ErrorDomain::NWFILTER, flags, supported, function)
}

impl Driver {
    async fn define(&self, xml: &str, strict: bool) -> Result<NwfilterRef> {
        let filter = Filter::parse(xml, strict)?;
        let shared = self.0.clone();
        blocking(move || shared.define(filter)).await
    }
}

/// A binding has to name the interface it is for.
fn check_binding(xml: &str) -> Result<()> {
    let document = Document::parse(xml, ErrorDomain::NWFILTER, &ReadOptions::default())?;
    let root = document.root_named("filterbinding")?;
    match root.child("portdev").and_then(|port| port.attr("name")) {
        Some(_) => Ok(()),
        None => Err(Error::internal(ErrorDomain::NWFILTER, "filter binding has no port dev name")),
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
        let text = format!("no nwfilter binding for port dev '{name}'");
        Err(Error::new(ErrorDomain::NWFILTER, ErrorCode::NO_NWFILTER_BINDING, text))
    }

    async fn nwfilter_binding_create_xml(
        &self,
        call: &Call,
        xml: String,
        given: u32,
    ) -> Result<NwfilterBindingRef> {
        flags(given, VIR_NWFILTER_BINDING_CREATE_VALIDATE, "nwfilterBindingCreateXML")?;
        // a document that is none is told of first
        check_binding(&xml)?;
        Err(Error::new(ErrorDomain::NWFILTER, ErrorCode::NO_SUPPORT, call.function))
    }

    async fn connect_list_all_nwfilter_bindings(
        &self,
        _: &Call,
        _: i32,
        given: u32,
    ) -> Result<ConnectListAllNwfilterBindingsReply> {
        flags(given, 0, "nwfilterConnectListAllNWFilterBindings")?;
        Ok(ConnectListAllNwfilterBindingsReply { bindings: List(Vec::new()), ret: 0 })
    }
}
