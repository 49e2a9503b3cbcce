//! `<rule>`: what happens to which packets.

use virtus_base::{ErrorCode, Result};
use virtus_xml::{Element, Value, Writer, field, keywords};

use super::protocol::{Attribute, Protocol};
use super::value::RuleValue;
use super::wrong;

keywords! {
    /// What happens to a packet.
    pub enum Action {
        Drop = "drop", Accept = "accept", Reject = "reject", Return = "return", Continue = "continue",
    }
}

keywords! {
    /// Which way a packet goes, seen from the guest.
    pub enum Direction { In = "in", Out = "out", InOut = "inout" }
}

/// A rule's priority unless it names one.
const DEFAULT_PRIORITY: i32 = 500;
const PRIORITY_MAX: i32 = 1000;

/// One thing a rule looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What.
    pub attribute: &'static Attribute,
    /// Its value.
    pub value: RuleValue,
    /// Whether the packet must not have that value.
    pub negated: bool,
}

/// What happens to which packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What happens.
    pub action: Action,
    /// Which way they go.
    pub direction: Direction,
    /// Where it stands in its chain: lower comes first.
    pub priority: i32,
    /// Whether connections are tracked for it.
    pub state_match: bool,
    /// Which packets; all when there is none.
    pub protocol: Option<Protocol>,
    /// What it looks at, in the order of the protocol's attributes.
    pub items: Vec<Item>,
}

/// Attributes that are negated whenever another one is: a mask goes with its address, ports go together.
const GO_WITH: &[(&str, &str)] = &[
    ("srcmacmask", "srcmacaddr"),
    ("dstmacmask", "dstmacaddr"),
    ("srcipmask", "srcipaddr"),
    ("dstipmask", "dstipaddr"),
    ("arpsrcipmask", "arpsrcipaddr"),
    ("arpdstipmask", "arpdstipaddr"),
    ("srcipto", "srcipfrom"),
    ("dstipto", "dstipfrom"),
    ("srcportend", "srcportstart"),
    ("dstportstart", "srcportstart"),
    ("dstportend", "srcportstart"),
    ("root-address-mask", "root-address"),
    ("sender-address-mask", "sender-address"),
    ("ipsetflags", "ipset"),
];

impl Rule {
    /// What the rule looks at under this name.
    pub fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.attribute.name == name)
    }

    pub(super) fn read(e: Element<'_>) -> Result<Self> {
        let action = field::required_attr(Some(e), e, "action", &crate::RULES)?;
        let direction = field::required_attr(Some(e), e, "direction", &crate::RULES)?;
        let priority = e
            .attr("priority")
            .and_then(|text| <i32 as Value>::parse(text, 10))
            .filter(|p| (-PRIORITY_MAX..=PRIORITY_MAX).contains(p))
            .unwrap_or(DEFAULT_PRIORITY);
        let state_match = !e.attr("statematch").is_some_and(|s| s == "0" || s.eq_ignore_ascii_case("false"));
        let mut rule = Rule { action, direction, priority, state_match, protocol: None, items: Vec::new() };
        for child in e.elements() {
            let named = Protocol::from_word(child.name()).filter(|_| child.namespace().is_none());
            let Some(protocol) = named else { continue };
            // the first protocol named is the rule's; elements of others are not looked at
            if *rule.protocol.get_or_insert(protocol) == protocol {
                rule.read_items(child.accept(), protocol)?;
            }
        }
        rule.fix_up()?;
        Ok(rule)
    }

    fn read_items(&mut self, e: Element<'_>, protocol: Protocol) -> Result<()> {
        let negated = e.attr("match").is_some_and(|m| m == "no");
        for attribute in protocol.attributes() {
            let Some(text) = e.attr(attribute.name) else { continue };
            let value = RuleValue::parse(text, attribute.kind).ok_or_else(|| {
                wrong(ErrorCode::INTERNAL_ERROR, format!("{} has illegal value {text}", attribute.name))
            })?;
            match self.items.iter_mut().find(|item| item.attribute.name == attribute.name) {
                Some(item) => {
                    item.value = value;
                    item.negated |= negated;
                }
                None => self.items.push(Item { attribute, value, negated }),
            }
        }
        Ok(())
    }

    fn fix_up(&mut self) -> Result<()> {
        let Some(protocol) = self.protocol else { return Ok(()) };
        let place = |item: &Item| protocol.attributes().position(|a| a.name == item.attribute.name);
        self.items.sort_by_key(place);
        for (follower, leader) in GO_WITH {
            let negated = self.item(leader).is_some_and(|item| item.negated);
            if let Some(item) = self.items.iter_mut().find(|item| negated && item.attribute.name == *follower)
            {
                item.negated = true;
            }
        }
        let has_ports = ["srcportstart", "srcportend", "dstportstart", "dstportend"]
            .iter()
            .any(|name| self.item(name).is_some());
        if matches!(protocol, Protocol::Ip | Protocol::Ipv6) && has_ports {
            const WITH_PORTS: [u32; 4] = [6, 17, 33, 132];
            let number = self.item("protocol").map(|item| item.value.number());
            if !matches!(number, Some(None)) && !number.flatten().is_some_and(|n| WITH_PORTS.contains(&n)) {
                return Err(wrong(
                    ErrorCode::INTERNAL_ERROR,
                    format!(
                        "{protocol} rule with port specification requires protocol specification with protocol to be either one of tcp(6), udp(17), dccp(33), or sctp(132)"
                    ),
                ));
            }
        }
        Ok(())
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.start("rule");
        w.attr("action", self.action.as_str());
        w.attr("direction", self.direction.as_str());
        w.attr_fmt("priority", format_args!("{}", self.priority));
        if !self.state_match {
            w.attr("statematch", "false");
        }
        if let Some(protocol) = self.protocol {
            let plain = self.items.iter().any(|item| !item.negated);
            let negated = self.items.iter().any(|item| item.negated);
            if plain || !negated {
                self.write_items(w, protocol, false);
            }
            if negated {
                self.write_items(w, protocol, true);
            }
        }
        w.end();
    }

    fn write_items(&self, w: &mut Writer, protocol: Protocol, negated: bool) {
        w.start(protocol.as_str());
        if negated {
            w.attr("match", "no");
        }
        for item in self.items.iter().filter(|item| item.negated == negated) {
            w.attr(item.attribute.name, &item.value.to_string());
        }
        w.end();
    }
}
