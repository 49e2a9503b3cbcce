//! What a rule looks at, as expressions of nft.

use std::fmt::{Display, Write};

use virtus_conf::nwfilter::{Item, Rule, RuleValue};

/// The expressions of one rule.
#[derive(Debug, Default)]
pub(super) struct Matching {
    text: String,
}

fn operator(item: &Item) -> &'static str {
    if item.negated { "!= " } else { "" }
}

/// A source's attribute where `swapped` makes it the destination's.
pub(super) fn turned(name: &'static str, swapped: bool) -> &'static str {
    let opposite = match name {
        "src" => "dst",
        _ => "src",
    };
    if swapped { opposite } else { name }
}

impl Matching {
    /// Adds an expression.
    pub(super) fn add(&mut self, expression: impl Display) {
        // writing to a string cannot fail
        let _ = write!(self.text, "{expression} ");
    }

    /// Whether nothing is looked at.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The expressions, with a blank behind the last.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Adds a comparison with a rule's value of this name, if it has one.
    pub(super) fn equal(&mut self, rule: &Rule, name: &str, expression: &str) {
        if let Some(item) = rule.item(name) {
            let value = written(&item.value);
            self.add(format_args!("{expression} {}{value}", operator(item)));
        }
    }

    /// Adds a comparison with a range whose ends have these names; without a second one it is one value.
    pub(super) fn range(&mut self, rule: &Rule, first: &str, last: &str, expression: &str) {
        let Some(item) = rule.item(first) else { return };
        let value = written(&item.value);
        match rule.item(last) {
            // nft does not take a range that goes backwards, and iptables' matches nothing
            Some(end) => {
                self.add(format_args!("{expression} {}{value}-{}", operator(item), written(&end.value)))
            }
            None => self.add(format_args!("{expression} {}{value}", operator(item))),
        }
    }

    /// Adds a comparison of a hardware address with an address and its mask.
    pub(super) fn mac(&mut self, rule: &Rule, address: &str, mask: &str, expression: &str) {
        let Some(item) = rule.item(address) else { return };
        let RuleValue::Mac(wanted) = &item.value else { return };
        match rule.item(mask).map(|item| &item.value) {
            Some(RuleValue::Mac(mask)) => {
                let mut masked = wanted.0;
                masked.iter_mut().zip(mask.0).for_each(|(byte, mask)| *byte &= mask);
                let masked = virtus_conf::net::MacAddr(masked);
                let operator = if item.negated { "!=" } else { "==" };
                self.add(format_args!("{expression} & {mask} {operator} {masked}"));
            }
            _ => self.add(format_args!("{expression} {}{wanted}", operator(item))),
        }
    }

    /// Adds comparisons with a rule's addresses and their masks.
    pub(super) fn addresses(&mut self, rule: &Rule, swapped: bool, v6: bool) {
        let family = if v6 { "ip6" } else { "ip" };
        for (end, address, mask) in [("src", "srcipaddr", "srcipmask"), ("dst", "dstipaddr", "dstipmask")] {
            let Some(item) = rule.item(address) else { continue };
            let field = field_of(turned(end, swapped));
            let value = &item.value;
            match rule.item(mask).and_then(|item| item.value.number()) {
                Some(bits) => self.add(format_args!("{family} {field} {}{value}/{bits}", operator(item))),
                None => self.add(format_args!("{family} {field} {}{value}", operator(item))),
            }
        }
    }

    /// Adds comparisons with a rule's ranges of addresses.
    pub(super) fn address_ranges(&mut self, rule: &Rule, swapped: bool, v6: bool) {
        let family = if v6 { "ip6" } else { "ip" };
        for (end, first, last) in [("src", "srcipfrom", "srcipto"), ("dst", "dstipfrom", "dstipto")] {
            let expression = format!("{family} {}", field_of(turned(end, swapped)));
            self.range(rule, first, last, &expression);
        }
    }

    /// Adds comparisons with a rule's ports.
    pub(super) fn ports(&mut self, rule: &Rule, swapped: bool) {
        for (end, first, last) in
            [("src", "srcportstart", "srcportend"), ("dst", "dstportstart", "dstportend")]
        {
            let field = if turned(end, swapped) == "src" { "th sport" } else { "th dport" };
            self.range(rule, first, last, field);
        }
    }
}

fn field_of(end: &str) -> &'static str {
    if end == "src" { "saddr" } else { "daddr" }
}

/// A value as nft reads it; names of numbers are libvirt's own.
pub(super) fn written(value: &RuleValue) -> String {
    match value.number() {
        Some(number) => number.to_string(),
        None => value.to_string(),
    }
}
