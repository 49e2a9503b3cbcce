//! `<filterbinding>`: which filter an interface of a guest has.

use virtus_base::{Error, ErrorDomain, Result, Uuid};
use virtus_xml::{Document, Element, ReadOptions, WriteOptions, Writer, Xml};

use super::FilterRef;
use crate::net::MacAddr;

/// The filter of a guest's interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The guest's name.
    pub owner: String,
    /// The guest's identity.
    pub owner_uuid: Uuid,
    /// The interface's name on the host.
    pub port: String,
    /// The interface it is made on, where it is a macvtap.
    pub link: Option<String>,
    /// The guest's hardware address on it.
    pub mac: MacAddr,
    /// The filter, with values for its variables.
    pub filter: FilterRef,
}

/// A value that has to be there and not empty.
fn required(value: Option<&str>, what: &str) -> Result<String> {
    value.filter(|value| !value.is_empty()).map(str::to_owned).ok_or_else(|| missing(what))
}

fn missing(what: &str) -> Error {
    Error::internal(ErrorDomain::NWFILTER, format!("filter binding has no {what}"))
}

impl Binding {
    /// Reads a binding's document.
    ///
    /// # Errors
    /// libvirt's, from the filter code. With `strict`, what the schema does not know is `XML_INVALID_SCHEMA`.
    pub fn parse(text: &str, strict: bool) -> Result<Self> {
        let options = ReadOptions { track: strict, ..ReadOptions::default() };
        let document = Document::parse(text, ErrorDomain::NWFILTER, &options)?;
        let binding = match Self::read(document.root_named("filterbinding")?) {
            Err(e) if strict => return Err(crate::schema_error("nwfilterbinding", e)),
            other => other?,
        };
        if strict {
            crate::check_all_known(&document, "nwfilterbinding")?;
        }
        Ok(binding)
    }

    /// Reads the file that is kept of a binding.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse_status(text: &str) -> Result<Self> {
        let document = Document::parse(text, ErrorDomain::NWFILTER, &ReadOptions::default())?;
        let root = document.root_named("filterbindingstatus")?;
        Self::read(
            root.child("filterbinding").ok_or_else(|| {
                Error::internal(ErrorDomain::NWFILTER, "filter binding status missing content")
            })?,
        )
    }

    fn read(e: Element<'_>) -> Result<Self> {
        let attr = |child: &str| e.child(child).and_then(|c| c.attr("name"));
        let port = required(attr("portdev"), "port dev name")?;
        let link = match e.child("linkdev") {
            Some(link) => Some(required(link.attr("name"), "link dev name")?),
            None => None,
        };
        let of_owner = |name: &str| e.child("owner").and_then(|o| o.child(name)).and_then(|v| v.text());
        let owner = required(of_owner("name").as_deref(), "owner name")?;
        let uuid = required(of_owner("uuid").as_deref(), "owner UUID")?;
        let owner_uuid = Uuid::parse(&uuid).ok_or_else(|| {
            Error::internal(ErrorDomain::NWFILTER, format!("Unable to parse UUID '{uuid}'"))
        })?;
        let mac = required(e.child("mac").and_then(|m| m.attr("address")), "MAC address")?;
        let mac = MacAddr::parse(&mac)
            .ok_or_else(|| Error::internal(ErrorDomain::NWFILTER, format!("Unable to parse MAC '{mac}'")))?;
        let filter = match e.child("filterref") {
            Some(filter) if filter.attr("filter").is_some_and(|name| !name.is_empty()) => {
                FilterRef::read(filter)?
            }
            _ => return Err(missing("filter reference")),
        };
        Ok(Binding { owner, owner_uuid, port, link, mac, filter })
    }

    /// The document.
    pub fn format(&self) -> String {
        let mut w = Writer::new(WriteOptions::default());
        self.write(&mut w);
        w.finish()
    }

    /// The file that is kept of it.
    pub fn format_status(&self) -> String {
        let mut w = Writer::new(WriteOptions::default());
        w.start("filterbindingstatus");
        self.write(&mut w);
        w.end();
        w.finish()
    }

    fn write(&self, w: &mut Writer) {
        w.start("filterbinding");
        w.start("owner");
        w.element_text("name", &self.owner);
        w.element_fmt("uuid", format_args!("{}", self.owner_uuid));
        w.end();
        w.start("portdev");
        w.attr("name", &self.port);
        w.end();
        if let Some(link) = &self.link {
            w.start("linkdev");
            w.attr("name", link);
            w.end();
        }
        w.start("mac");
        w.attr_fmt("address", format_args!("{}", self.mac));
        w.end();
        w.element("filterref", &self.filter);
        w.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "<filterbinding>
  <owner>
    <name>vm1</name>
    <uuid>11111111-2222-3333-4444-555555555555</uuid>
  </owner>
  <portdev name='vnet0'/>
  <linkdev name='eth0'/>
  <mac address='52:54:00:11:22:33'/>
  <filterref filter='clean-traffic'>
    <parameter name='IP' value='10.0.0.5'/>
    <parameter name='IP' value='10.0.0.4'/>
  </filterref>
</filterbinding>
";

    #[test]
    fn a_binding_and_its_file_come_back_as_they_were() {
        let binding = Binding::parse(TEXT, true).unwrap();
        assert_eq!(binding.format(), TEXT);
        let status = binding.format_status();
        assert!(status.starts_with("<filterbindingstatus>\n  <filterbinding>\n    <owner>\n"));
        assert_eq!(Binding::parse_status(&status).unwrap(), binding);
        assert!(Binding::parse_status(TEXT).is_err());
    }

    #[test]
    fn what_is_missing_is_named() {
        let without = |from: &str, to: &str| Binding::parse(&TEXT.replace(from, to), false).unwrap_err();
        for (from, to, want) in [
            ("<portdev name='vnet0'/>", "", "filter binding has no port dev name"),
            ("'eth0'", "''", "filter binding has no link dev name"),
            ("<name>vm1</name>", "", "filter binding has no owner name"),
            ("11111111-2222-3333-4444-555555555555", "zz", "Unable to parse UUID 'zz'"),
            ("52:54:00:11:22:33", "zz", "Unable to parse MAC 'zz'"),
            ("<mac", "<mic", "filter binding has no MAC address"),
            ("'clean-traffic'", "''", "filter binding has no filter reference"),
        ] {
            assert_eq!(without(from, to).message(), format!("internal error: {want}"));
        }
        let root = Binding::parse("<foo/>", false).unwrap_err();
        assert_eq!(root.message(), "XML error: expecting root element of 'filterbinding', not 'foo'");
        assert!(Binding::parse(&TEXT.replace("<mac", "<x/><mac"), true).is_err());
    }
}
