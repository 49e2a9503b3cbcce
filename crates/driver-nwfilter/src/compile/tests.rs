use std::sync::Arc;

use virtus_conf::nwfilter::Filter;

use super::*;
use crate::expand::expand;
use crate::standard;
use crate::variables::Variables;

fn compiled(filter: &str) -> Compiled {
    let filter = Arc::new(Filter::parse(filter, true).unwrap());
    let name = filter.name.clone();
    let standard: Vec<Arc<Filter>> = standard::filters().map(|f| Arc::new(f.unwrap())).collect();
    let lookup = |wanted: &str| match wanted == filter.name {
        true => Some(Arc::clone(&filter)),
        false => standard.iter().find(|f| f.name == wanted).cloned(),
    };
    let mut variables = Variables::default();
    variables.set("MAC", vec!["52:54:00:00:00:01".into()]);
    variables.set("IP", vec!["10.0.0.1".into(), "10.0.0.2".into()]);
    let expanded = expand(&name, &variables, &lookup).unwrap();
    assert!(expanded.missing.is_empty());
    compile("v0", &expanded.rules, Abilities { reject: true, conntrack: true }).unwrap()
}

fn rules<'a>(compiled: &'a Compiled, chain: &str) -> Vec<&'a str> {
    let found = compiled.chains.iter().find(|c| c.name == chain);
    found.map_or(Vec::new(), |c| c.rules.iter().map(String::as_str).collect())
}

#[test]
fn clean_traffic_is_ordered_by_priorities() {
    let compiled = compiled("<filter name='f'><filterref filter='clean-traffic'/></filter>");
    assert_eq!(
        rules(&compiled, "from"),
        [
            "jump guest/v0/from/mac",
            "ether type 0x0800 jump guest/v0/from/ipv4-ip",
            "ether type 2048 counter accept",
            "ether type 0x0806 jump guest/v0/from/arp-mac",
            "ether type 0x0806 jump guest/v0/from/arp-ip",
            "ether type 2054 counter accept",
            "ether type 0x8035 jump guest/v0/from/rarp",
            "ether type 2101 counter accept",
            "counter drop",
        ]
    );
    assert_eq!(
        rules(&compiled, "from/arp-ip"),
        [
            "ether type 0x0806 @nh,16,32 0x08000604 @nh,112,32 & 0xffffffff == 0x0a000001 counter return",
            "ether type 0x0806 @nh,16,32 0x08000604 @nh,112,32 & 0xffffffff == 0x0a000002 counter return",
            "counter drop",
        ]
    );
    assert_eq!(
        rules(&compiled, "from/mac"),
        ["ether saddr 52:54:00:00:00:01 counter return", "counter drop"]
    );
    assert_eq!(rules(&compiled, "to").len(), 4);
    assert!(compiled.sets.is_empty() && rules(&compiled, "from-ip").is_empty());
}

#[test]
fn answers_are_let_back() {
    let compiled = compiled(
        "<filter name='f'>
           <rule action='accept' direction='in'><tcp srcmacaddr='2:0:0:0:0:1' dstportstart='22'/></rule>
           <rule action='reject' direction='inout' priority='900'><all/></rule>
         </filter>",
    );
    assert_eq!(
        rules(&compiled, "to-ip"),
        [
            "ether type 0x0800 meta l4proto 6 ether saddr 02:00:00:00:00:01 th dport 22 add @guest/v0/flows4 \
             { meta l4proto . ip daddr . th dport . ip saddr . th sport timeout 2m } counter accept",
            "ether type 0x0800 counter drop",
        ]
    );
    assert_eq!(
        rules(&compiled, "from-ip"),
        [
            "ether type 0x0800 meta l4proto 6 th sport 22 meta l4proto . ip saddr . th sport . ip daddr . th dport \
             @guest/v0/flows4 update @guest/v0/flows4 { meta l4proto . ip saddr . th sport . ip daddr . th dport \
             timeout 1d } counter accept",
            "ether type 0x0800 counter reject",
        ]
    );
    assert_eq!(compiled.sets.iter().map(|s| s.name).collect::<Vec<_>>(), ["flows4"]);
}

#[test]
fn rules_of_one_way_have_no_answer() {
    let compiled = compiled(
        "<filter name='f'>
           <rule action='accept' direction='out'><icmp type='8'/></rule>
           <rule action='accept' direction='out'><tcp srcmacaddr='2:0:0:0:0:1'/></rule>
           <rule action='drop' direction='in'><udp state='NEW'/></rule>
         </filter>",
    );
    assert_eq!(rules(&compiled, "from-ip").len(), 2);
    assert_eq!(rules(&compiled, "to-ip").len(), 1);
    assert!(rules(&compiled, "to-ip")[0].contains("!= @guest/v0/flows4 counter drop"));
}

#[test]
fn what_the_kernel_lacks_is_told() {
    let filter = |inside: &str| {
        let text = format!("<filter name='f'><rule action='accept' direction='in'>{inside}</rule></filter>");
        Arc::new(Filter::parse(&text, true).unwrap())
    };
    let compile = |inside: &str| {
        let filter = filter(inside);
        let all = expand("f", &Variables::default(), &|_| Some(Arc::clone(&filter))).unwrap();
        compile("v0", &all.rules, Abilities::default())
    };
    assert!(compile("<tcp connlimit-above='3'/>").unwrap_err().message().contains("nf_conntrack_bridge"));
    assert!(compile("<tcp ipset='x' ipsetflags='src'/>").unwrap_err().message().contains("ipset"));
    assert!(compile("<tcp/>").is_ok());
}

#[test]
fn names_have_no_slash_of_their_own() {
    assert_eq!(prefix("vnet0"), "guest/vnet0/");
    assert_eq!(prefix("a.b:1"), "guest/a.2eb.3a1/");
}
