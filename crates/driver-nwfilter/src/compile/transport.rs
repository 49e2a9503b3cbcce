//! Rules that look at connections, which libvirt has in iptables. One that accepts lets a connection begin in its own
//! direction and answers come back; one of both ways, or without `statematch`, looks at each packet by itself.

use virtus_base::Result;
use virtus_conf::nwfilter::{Action, Direction, Protocol, Rule, RuleValue};

use super::flow::{Flow, WITH_PORTS};
use super::matching::Matching;
use super::{Abilities, Side, transport_number, unsupported, verdict};

/// Bits of the states a rule can ask for.
const NEW: u32 = 1;
const ESTABLISHED: u32 = 2;
const RELATED: u32 = 4;
/// ICMP's messages about other packets.
const ERRORS4: &str = "icmp type { 3, 11, 12 } ";
const ERRORS6: &str = "icmpv6 type { 1, 2, 3, 4 } ";

/// Adds the lines of a rule for one side.
pub(super) fn lines(
    prefix: &str,
    rule: &Rule,
    side: Side,
    abilities: Abilities,
    lines: &mut Vec<String>,
) -> Result<()> {
    let Some(protocol) = rule.protocol else { return Ok(()) };
    let (number, v6) = transport_number(protocol);
    let both = rule.direction == Direction::InOut;
    let own = match (rule.direction, side) {
        (Direction::Out, Side::From) | (Direction::In, Side::To) => true,
        (Direction::Out, Side::To) | (Direction::In, Side::From) => false,
        // its source is the other end
        (Direction::InOut, side) => side == Side::To,
    };
    // a type of ICMP has no opposite that could be told
    let one_way = rule.item("type").is_some() || asked_states(rule).is_some() || limit(rule).is_some();
    if !own && !both && one_way {
        return Ok(());
    }
    let Some(matching) = matching(protocol, rule, own, abilities)? else { return Ok(()) };
    let guard = guard(number, v6);
    let comment = comment(rule);
    let verdict = verdict(rule.action, abilities.reject && side == Side::From);
    let mut add = |condition: &str| {
        lines.push(format!("{guard}{}{condition}counter {verdict}{comment}", matching.text()));
    };
    let kinds = kinds(number);
    for (condition, ports) in kinds {
        let flow = Flow { prefix, v6, ports: *ports, side };
        match asked_states(rule) {
            Some(states) => {
                state_conditions(states, &flow, rule.action)
                    .iter()
                    .for_each(|c| add(&format!("{condition}{c}")));
            }
            None if both || !rule.state_match || rule.action != Action::Accept || limit(rule).is_some() => {
                // packets are looked at one by one, so one line is for all
                add("");
                return Ok(());
            }
            None if own => add(&format!("{condition}{}", flow.begin())),
            None => add(&format!("{condition}{}", flow.answer())),
        }
    }
    if asked_states(rule).is_some_and(|states| states & RELATED != 0) && number != Some(6) {
        add(if v6 { ERRORS6 } else { ERRORS4 });
    }
    Ok(())
}

/// What tells packets with ports from others, where a rule is for both.
fn kinds(number: Option<u32>) -> &'static [(&'static str, bool)] {
    const OTHERS: &str = "meta l4proto != { 6, 17, 33, 132, 136 } ";
    const PORTS: &str = "meta l4proto { 6, 17, 33, 132, 136 } ";
    debug_assert!(PORTS.contains(WITH_PORTS) && OTHERS.contains(WITH_PORTS));
    match number {
        None => &[(PORTS, true), (OTHERS, false)],
        Some(6 | 17 | 33 | 132 | 136) => &[("", true)],
        Some(_) => &[("", false)],
    }
}

fn guard(number: Option<u32>, v6: bool) -> String {
    let family = if v6 { "ether type 0x86dd " } else { "ether type 0x0800 " };
    match number {
        Some(number) => format!("{family}meta l4proto {number} "),
        None => family.to_owned(),
    }
}

/// The states a rule asks for, unless it does not look at them.
fn asked_states(rule: &Rule) -> Option<u32> {
    match rule.item("state").map(|item| &item.value) {
        Some(RuleValue::State(states)) if rule.state_match => Some(*states),
        _ => None,
    }
}

/// Conditions one of which is to hold. Packets that are part of nothing that could be tracked are not told apart from
/// those that begin something, so INVALID and NONE are no state of any.
fn state_conditions(states: u32, flow: &Flow<'_>, action: Action) -> Vec<String> {
    let accepts = action == Action::Accept;
    let mut conditions = Vec::new();
    match (states & NEW != 0, states & ESTABLISHED != 0) {
        (true, true) if accepts => conditions.push(flow.begin()),
        (true, true) => conditions.push(String::new()),
        (true, false) if accepts => conditions.push(flow.unknown() + &flow.begin()),
        (true, false) => conditions.push(flow.unknown()),
        (false, true) if accepts => conditions.push(flow.answer()),
        (false, true) => conditions.push(flow.known()),
        (false, false) => {}
    }
    conditions
}

fn limit(rule: &Rule) -> Option<&RuleValue> {
    rule.item("connlimit-above").map(|item| &item.value)
}

/// What a rule looks at, turned round unless it goes its own way; `None` when that is nothing a packet of the other
/// way could be told by.
fn matching(protocol: Protocol, rule: &Rule, own: bool, abilities: Abilities) -> Result<Option<Matching>> {
    let (_, v6) = transport_number(protocol);
    let mut matching = Matching::default();
    let m = &mut matching;
    if rule.item("ipset").is_some() {
        return Err(unsupported("ipset matches need iptables, which is not used"));
    }
    if own {
        // who sends an answer is not known
        m.equal(rule, "srcmacaddr", "ether saddr");
    }
    m.addresses(rule, !own, v6);
    m.address_ranges(rule, !own, v6);
    m.equal(rule, "dscp", if v6 { "ip6 dscp" } else { "ip dscp" });
    if let Some(item) = rule.item("flags")
        && let RuleValue::TcpFlags(mask, set) = item.value
    {
        let operator = if item.negated { "!=" } else { "==" };
        m.add(format_args!("tcp flags & 0x{mask:x} {operator} 0x{set:x}"));
    }
    m.ports(rule, !own);
    if let Some(item) = rule.item("option")
        && let Some(number) = item.value.number()
    {
        m.add(format_args!("tcp option {number} {}", if item.negated { "missing" } else { "exists" }));
    }
    let icmp = if v6 { "icmpv6" } else { "icmp" };
    m.equal(rule, "type", &format!("{icmp} type"));
    if rule.item("type").is_some() {
        m.equal(rule, "code", &format!("{icmp} code"));
    }
    if !own && rule.item("srcmacaddr").is_some() && m.is_empty() {
        return Ok(None);
    }
    if let Some(most) = limit(rule).and_then(RuleValue::number) {
        if !abilities.conntrack {
            return Err(unsupported(
                "connlimit-above needs a kernel that tracks the connections of bridges (nf_conntrack_bridge)",
            ));
        }
        m.add(format_args!("ct count over {most}"));
    }
    Ok(Some(matching))
}

/// A rule's comment, as far as nft takes it.
fn comment(rule: &Rule) -> String {
    const LONGEST: usize = 120;
    let Some(RuleValue::Text(text)) = rule.item("comment").map(|item| &item.value) else {
        return String::new();
    };
    let plain = |c: char| if c == '"' || c == '\\' || c.is_control() { ' ' } else { c };
    let mut kept = String::new();
    for c in text.chars().map(plain) {
        if kept.len() + c.len_utf8() > LONGEST {
            break;
        }
        kept.push(c);
    }
    if kept.trim().is_empty() { String::new() } else { format!(" comment \"{kept}\"") }
}
