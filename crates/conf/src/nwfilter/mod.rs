//! Packet filters: the `<filter>` document.

mod binding;
mod protocol;
mod rule;
mod value;

pub use binding::Binding;
pub use protocol::{Attribute, Kind, Protocol};
pub use rule::{Action, Direction, Item, Rule};
pub use value::RuleValue;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_xml::{Document, Element, ReadOptions, WriteOptions, Writer, Xml};

/// The longest name of a chain.
const CHAIN_MAX: usize = 12;
/// Priorities lie between minus this and this.
const PRIORITY_MAX: i32 = 1000;
/// The chains rules can be in, by the beginning of their names, with the priority each has by default.
const CHAINS: &[(&str, i32)] = &[
    ("mac", -800),
    ("vlan", -750),
    ("stp", 0),
    ("arp", -500),
    ("rarp", -400),
    ("ipv4", -700),
    ("ipv6", -600),
];

/// A value for one of a filter's variables.
#[derive(Clone, Debug, PartialEq, Eq, Xml)]
pub struct Parameter {
    /// The variable.
    #[xml(attr)]
    pub name: String,
    /// A value; one that stands several times is a list.
    #[xml(attr)]
    pub value: String,
}

/// Another filter taken in, with values for its variables.
#[derive(Clone, Debug, PartialEq, Eq, Xml)]
#[xml(check = group_parameters)]
pub struct FilterRef {
    /// The filter's name.
    #[xml(attr)]
    pub filter: String,
    /// The values.
    #[xml(child = "parameter")]
    pub parameters: Vec<Parameter>,
}

/// Brings the values of a variable together, as libvirt writes them.
fn group_parameters(reference: &mut FilterRef, _: Element<'_>) -> Result<()> {
    reference.parameters.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(())
}

/// What a filter consists of, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A rule.
    Rule(Rule),
    /// Another filter.
    Filter(FilterRef),
}

/// A filter's definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uuid: Uuid,
    /// Whether the document gave the identity, or it was made up.
    pub uuid_given: bool,
    /// The chain its rules are in.
    pub chain: String,
    /// Where that chain stands among its like: lower comes first.
    pub priority: i32,
    /// Rules and other filters.
    pub entries: Vec<Entry>,
}

pub(crate) fn wrong(code: ErrorCode, text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NWFILTER, code, text)
}

impl Filter {
    /// Reads a filter's document.
    ///
    /// # Errors
    /// libvirt's, from the filter code. With `strict`, what nobody knows is `XML_INVALID_SCHEMA`.
    pub fn parse(text: &str, strict: bool) -> Result<Self> {
        let options = ReadOptions { track: strict, ..ReadOptions::default() };
        let document = Document::parse(text, ErrorDomain::NWFILTER, &options)?;
        let filter = match Self::read(document.root_named("filter")?) {
            // whatever can be wrong with a filter's values, the schema says so first
            Err(e) if strict => return Err(crate::schema_error("nwfilter", e)),
            other => other?,
        };
        if strict {
            crate::check_all_known(&document, "nwfilter")?;
        }
        Ok(filter)
    }

    fn read(e: Element<'_>) -> Result<Self> {
        let name = e
            .attr("name")
            .filter(|n| !n.is_empty())
            .ok_or_else(|| wrong(ErrorCode::INTERNAL_ERROR, "filter has no name"))?
            .to_owned();
        let given = e
            .attr("priority")
            .filter(|p| !p.is_empty())
            .map(|text| {
                let number: i32 = text.parse().map_err(|_| {
                    wrong(ErrorCode::INVALID_ARG, format!("Could not parse chain priority '{text}'"))
                })?;
                match (-PRIORITY_MAX..=PRIORITY_MAX).contains(&number) {
                    true => Ok(number),
                    false => Err(wrong(
                        ErrorCode::INVALID_ARG,
                        format!(
                            "Priority '{number}' is outside valid range of [-{PRIORITY_MAX},{PRIORITY_MAX}]"
                        ),
                    )),
                }
            })
            .transpose()?;
        let chain = e.attr("chain").filter(|c| !c.is_empty()).unwrap_or("root").to_owned();
        let default = check_chain(&chain)?;
        let (uuid, uuid_given) = match e.child("uuid").and_then(|u| u.text()) {
            None => (Uuid::random()?, false),
            Some(text) => (
                Uuid::parse(&text).ok_or_else(|| wrong(ErrorCode::XML_ERROR, "malformed uuid element"))?,
                true,
            ),
        };
        let mut entries = Vec::new();
        for child in e.elements() {
            match (child.namespace(), child.name()) {
                (None, "rule") => entries.push(Entry::Rule(Rule::read(child.accept())?)),
                (None, "filterref") => entries.push(Entry::Filter(FilterRef::read(child.accept())?)),
                _ => {}
            }
        }
        Ok(Filter { name, uuid, uuid_given, chain, priority: given.unwrap_or(default), entries })
    }

    /// The document.
    pub fn format(&self) -> String {
        let mut w = Writer::new(WriteOptions::default());
        w.start("filter");
        w.attr("name", &self.name);
        w.attr("chain", &self.chain);
        if self.priority != 0 {
            w.attr_fmt("priority", format_args!("{}", self.priority));
        }
        w.element_fmt("uuid", format_args!("{}", self.uuid));
        for entry in &self.entries {
            match entry {
                Entry::Rule(rule) => rule.write(&mut w),
                Entry::Filter(reference) => w.element("filterref", reference),
            }
        }
        w.end();
        w.finish()
    }

    /// The filters it takes in.
    pub fn references(&self) -> impl Iterator<Item = &FilterRef> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Filter(reference) => Some(reference),
            Entry::Rule(_) => None,
        })
    }
}

/// The priority a chain has by default.
fn check_chain(chain: &str) -> Result<i32> {
    if chain.len() > CHAIN_MAX {
        return Err(wrong(
            ErrorCode::INVALID_ARG,
            format!("Name of chain is longer than {CHAIN_MAX} characters"),
        ));
    }
    if !chain.chars().all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c)) {
        return Err(wrong(ErrorCode::INVALID_ARG, "Chain name contains invalid characters"));
    }
    if chain == "root" {
        return Ok(0);
    }
    let belongs = |prefix: &str| {
        chain.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    CHAINS.iter().find(|(prefix, _)| belongs(prefix)).map(|(_, priority)| *priority).ok_or_else(|| {
        let prefixes: Vec<_> = CHAINS.iter().map(|(prefix, _)| *prefix).collect();
        wrong(
            ErrorCode::INVALID_ARG,
            format!(
                "Invalid chain name '{chain}'. Please use a chain name called 'root' or any of the following prefixes: {}",
                prefixes.join(", ")
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_written_as_libvirt_writes_it() {
        let text = "<filter name='f' chain='ipv4'>
  <uuid>5c6d49af-b071-6127-b4ec-6f8ed4b55335</uuid>
  <rule action='accept' direction='in' priority='100'>
    <tcp match='no' srcipaddr='10.1.2.3'/>
    <tcp match='no' srcportstart='22'/>
    <tcp dstportstart='0x16' comment='a &amp; b'/>
    <udp dstportstart='53'/>
    <tcp srcipmask='255.255.255.0'/>
  </rule>
  <rule action='drop' direction='inout' statematch='0'/>
  <filterref filter='g'><parameter name='IP' value='10.0.0.1'/></filterref>
</filter>";
        let written = Filter::parse(text, false).unwrap().format();
        assert_eq!(
            written,
            "<filter name='f' chain='ipv4' priority='-700'>
  <uuid>5c6d49af-b071-6127-b4ec-6f8ed4b55335</uuid>
  <rule action='accept' direction='in' priority='100'>
    <tcp comment='a &amp; b'/>
    <tcp match='no' srcipaddr='10.1.2.3' srcipmask='24' srcportstart='22' dstportstart='0x16'/>
  </rule>
  <rule action='drop' direction='inout' priority='500' statematch='false'/>
  <filterref filter='g'>
    <parameter name='IP' value='10.0.0.1'/>
  </filterref>
</filter>
"
        );
        assert_eq!(Filter::parse(&written, true).unwrap().format(), written);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, want) in [
            ("<filter/>", "internal error: filter has no name"),
            (
                "<filter name='f' chain='bogus'/>",
                "invalid argument: Invalid chain name 'bogus'. Please use a chain name called 'root' or any of the following prefixes: mac, vlan, stp, arp, rarp, ipv4, ipv6",
            ),
            (
                "<filter name='f' chain='ipv4-much-too-long'/>",
                "invalid argument: Name of chain is longer than 12 characters",
            ),
            (
                "<filter name='f'><rule action='accept' direction='up'/></filter>",
                "XML error: Invalid value for attribute 'direction' in element 'rule': 'up'.",
            ),
            (
                "<filter name='f'><rule action='accept' direction='in'><tcp dstportstart='70000'/></rule></filter>",
                "internal error: dstportstart has illegal value 70000",
            ),
            (
                "<filter name='f'><rule action='accept' direction='in'><mac protocolid='15'/></rule></filter>",
                "internal error: protocolid has illegal value 15",
            ),
            (
                "<filter name='f'><filterref/></filter>",
                "XML error: Missing required attribute 'filter' in element 'filterref'",
            ),
        ] {
            assert_eq!(Filter::parse(text, false).unwrap_err().message(), want);
        }
    }
}
