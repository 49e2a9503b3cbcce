//! `<bandwidth>`: the rates an interface or a network may use.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, Writer, Xml};

/// One direction's rates: KiB/s, and KiB for `burst`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Xml)]
#[xml(check = check_rate)]
pub struct Rate {
    /// The desired average, KiB/s.
    #[xml(attr)]
    pub average: Option<u64>,
    /// The most at any time, KiB/s.
    #[xml(attr)]
    pub peak: Option<u64>,
    /// The least that is guaranteed, KiB/s; inbound of a network's interface only.
    #[xml(attr)]
    pub floor: Option<u64>,
    /// How much may go at peak speed, KiB.
    #[xml(attr)]
    pub burst: Option<u64>,
}

fn check_rate(rate: &mut Rate, _: Element<'_>) -> Result<()> {
    let wrong = |text| Err(Error::new(ErrorDomain::NONE, ErrorCode::CONFIG_UNSUPPORTED, text));
    if rate.average.is_none() && rate.floor.is_none() {
        return wrong("Missing mandatory average or floor attributes");
    }
    if rate.average.is_none() && (rate.peak.is_some() || rate.burst.is_some()) {
        return wrong("'peak' and 'burst' require 'average' attribute");
    }
    Ok(())
}

/// The rates of both directions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bandwidth {
    /// The traffic class of a running network's interface.
    pub class_id: Option<u32>,
    /// Towards the guest.
    pub inbound: Option<Rate>,
    /// From the guest.
    pub outbound: Option<Rate>,
}

impl Bandwidth {
    /// Reads the element; `floor` says whether a guaranteed rate is possible here.
    ///
    /// # Errors
    /// `CONFIG_UNSUPPORTED` for a rate without its mandatory attribute or a floor where there can be none.
    pub fn read_with(e: Element<'_>, floor: bool) -> Result<Self> {
        let bandwidth = Self::read(e)?;
        let has = |rate: &Option<Rate>| rate.as_ref().is_some_and(|r| r.floor.is_some());
        if has(&bandwidth.outbound) || (has(&bandwidth.inbound) && !floor) {
            return Err(Error::new(
                ErrorDomain::NONE,
                ErrorCode::CONFIG_UNSUPPORTED,
                "floor attribute is not supported for this config",
            ));
        }
        Ok(bandwidth)
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.inbound.is_none() && self.outbound.is_none()
    }
}

impl Xml for Bandwidth {
    fn read(e: Element<'_>) -> Result<Self> {
        Ok(Bandwidth {
            class_id: virtus_xml::field::attr(Some(e), "classID", &crate::RULES)?,
            inbound: virtus_xml::field::child(Some(e), "inbound")?,
            outbound: virtus_xml::field::child(Some(e), "outbound")?,
        })
    }
    fn write_attrs(&self, w: &mut Writer) {
        if let Some(id) = &self.class_id {
            w.attr_value("classID", id);
        }
    }
    fn write_body(&self, w: &mut Writer) {
        if let Some(rate) = &self.inbound {
            w.element("inbound", rate);
        }
        if let Some(rate) = &self.outbound {
            w.element("outbound", rate);
        }
    }
}
