//! The filters every host has from the beginning. Names, chains and priorities are libvirt's, so that definitions
//! of guests and other filters can count on them.

use virtus_base::Result;
use virtus_conf::nwfilter::Filter;

/// The attributes of the element besides the name, and what is in it.
type Text = (&'static str, &'static str, &'static str);

const STANDARD: &[Text] = &[
    // whole protocols
    ("allow-arp", "chain='arp'", "<rule action='accept' direction='inout'/>"),
    ("allow-ipv4", "chain='ipv4'", "<rule action='accept' direction='inout'/>"),
    ("allow-ipv6", "chain='ipv6'", "<rule action='accept' direction='inout'/>"),
    ("allow-incoming-ipv4", "chain='ipv4'", "<rule action='accept' direction='in'/>"),
    ("allow-incoming-ipv6", "chain='ipv6'", "<rule action='accept' direction='in'/>"),
    // DHCP: what a guest without an address asks, and what it is answered, by anybody or by $DHCPSERVER
    (
        "allow-dhcp",
        "chain='ipv4'",
        "<rule action='accept' direction='out' priority='100'>
           <ip srcipaddr='0.0.0.0' dstipaddr='255.255.255.255' protocol='udp' srcportstart='68' dstportstart='67'/>
         </rule>
         <rule action='accept' direction='in' priority='100'>
           <ip protocol='udp' srcportstart='67' dstportstart='68'/>
         </rule>",
    ),
    (
        "allow-dhcp-server",
        "chain='ipv4'",
        "<rule action='accept' direction='out' priority='100'>
           <ip srcipaddr='0.0.0.0' dstipaddr='255.255.255.255' protocol='udp' srcportstart='68' dstportstart='67'/>
         </rule>
         <rule action='accept' direction='in' priority='100'>
           <ip srcipaddr='$DHCPSERVER' protocol='udp' srcportstart='67' dstportstart='68'/>
         </rule>",
    ),
    (
        "allow-dhcpv6",
        "chain='ipv6'",
        "<rule action='accept' direction='out' priority='100'>
           <ipv6 srcipaddr='fe80::' srcipmask='10' dstipaddr='ff02::1:2' protocol='udp'
                 srcportstart='546' dstportstart='547'/>
         </rule>
         <rule action='accept' direction='in' priority='100'>
           <ipv6 protocol='udp' srcportstart='547' dstportstart='546'/>
         </rule>",
    ),
    (
        "allow-dhcpv6-server",
        "chain='ipv6'",
        "<rule action='accept' direction='out' priority='100'>
           <ipv6 srcipaddr='fe80::' srcipmask='10' dstipaddr='ff02::1:2' protocol='udp'
                 srcportstart='546' dstportstart='547'/>
         </rule>
         <rule action='accept' direction='in' priority='100'>
           <ipv6 srcipaddr='$DHCPSERVER' protocol='udp' srcportstart='547' dstportstart='546'/>
         </rule>",
    ),
    // groups a guest may not speak to
    (
        "no-ip-multicast",
        "chain='ipv4'",
        "<rule action='drop' direction='out'><ip dstipaddr='224.0.0.0' dstipmask='4'/></rule>",
    ),
    (
        "no-ipv6-multicast",
        "chain='ipv6'",
        "<rule action='drop' direction='out'><ipv6 dstipaddr='ff00::' dstipmask='8'/></rule>",
    ),
    (
        "no-mac-broadcast",
        "chain='ipv4'",
        "<rule action='drop' direction='out'><mac dstmacaddr='ff:ff:ff:ff:ff:ff'/></rule>",
    ),
    // a guest is who it says: its hardware address, its addresses (DHCP asks from none), its ARP
    (
        "no-mac-spoofing",
        "chain='mac' priority='-800'",
        "<rule action='return' direction='out'><mac srcmacaddr='$MAC'/></rule>
         <rule action='drop' direction='out'><mac/></rule>",
    ),
    (
        "no-ip-spoofing",
        "chain='ipv4-ip' priority='-710'",
        "<rule action='return' direction='out' priority='100'><ip srcipaddr='0.0.0.0' protocol='udp'/></rule>
         <rule action='return' direction='out'><ip srcipaddr='$IP'/></rule>
         <rule action='drop' direction='out' priority='1000'/>",
    ),
    (
        "no-ipv6-spoofing",
        "chain='ipv6-ip' priority='-610'",
        "<rule action='return' direction='out' priority='100'>
           <ipv6 srcipaddr='fe80::' srcipmask='10' protocol='udp'/>
         </rule>
         <rule action='return' direction='out'><ipv6 srcipaddr='$IPV6'/></rule>
         <rule action='drop' direction='out' priority='1000'/>",
    ),
    (
        "no-arp-mac-spoofing",
        "chain='arp-mac' priority='-520'",
        "<rule action='return' direction='out' priority='350'><arp arpsrcmacaddr='$MAC'/></rule>
         <rule action='drop' direction='out' priority='1000'/>",
    ),
    (
        "no-arp-ip-spoofing",
        "chain='arp-ip' priority='-510'",
        "<rule action='return' direction='out' priority='400'><arp arpsrcipaddr='$IP'/></rule>
         <rule action='drop' direction='out' priority='1000'/>",
    ),
    (
        "no-arp-spoofing",
        "chain='root'",
        "<filterref filter='no-arp-mac-spoofing'/><filterref filter='no-arp-ip-spoofing'/>",
    ),
    // what was not accepted before
    ("no-other-l2-traffic", "chain='root'", "<rule action='drop' direction='inout' priority='1000'/>"),
    ("no-other-rarp-traffic", "chain='rarp'", "<rule action='drop' direction='inout' priority='1000'/>"),
    // QEMU tells switches where a guest has moved to, also under a wrong number of the protocol
    (
        "qemu-announce-self-rarp",
        "chain='rarp'",
        "<rule action='accept' direction='out'>
           <rarp srcmacaddr='$MAC' dstmacaddr='ff:ff:ff:ff:ff:ff' opcode='Request_Reverse'
                 arpsrcmacaddr='$MAC' arpdstmacaddr='$MAC' arpsrcipaddr='0.0.0.0' arpdstipaddr='0.0.0.0'/>
         </rule>
         <rule action='accept' direction='in'>
           <rarp dstmacaddr='ff:ff:ff:ff:ff:ff' opcode='Request_Reverse'
                 arpsrcmacaddr='$MAC' arpdstmacaddr='$MAC' arpsrcipaddr='0.0.0.0' arpdstipaddr='0.0.0.0'/>
         </rule>",
    ),
    (
        "qemu-announce-self",
        "chain='root'",
        "<rule action='accept' direction='out'><mac protocolid='0x835'/></rule>
         <filterref filter='qemu-announce-self-rarp'/><filterref filter='no-other-rarp-traffic'/>",
    ),
    // all of it for a guest that speaks IPv4, with anybody or with $GATEWAY_MAC alone
    (
        "clean-traffic",
        "chain='root'",
        "<filterref filter='no-mac-spoofing'/><filterref filter='no-ip-spoofing'/>
         <rule action='accept' direction='out' priority='-650'><mac protocolid='ipv4'/></rule>
         <filterref filter='allow-incoming-ipv4'/><filterref filter='no-arp-spoofing'/>
         <rule action='accept' direction='inout' priority='-500'><mac protocolid='arp'/></rule>
         <filterref filter='no-other-l2-traffic'/><filterref filter='qemu-announce-self'/>",
    ),
    (
        "clean-traffic-gateway",
        "chain='root'",
        "<filterref filter='no-mac-spoofing'/><filterref filter='no-ip-spoofing'/>
         <filterref filter='no-arp-spoofing'/>
         <rule action='accept' direction='inout' priority='-500'><mac protocolid='arp'/></rule>
         <rule action='accept' direction='in'><mac srcmacaddr='$GATEWAY_MAC'/></rule>
         <rule action='accept' direction='out'><mac dstmacaddr='$GATEWAY_MAC'/></rule>
         <filterref filter='no-other-l2-traffic'/><filterref filter='qemu-announce-self'/>",
    ),
];

/// The filters, each with an identity of its own on this host.
pub(crate) fn filters() -> impl Iterator<Item = Result<Filter>> {
    STANDARD.iter().map(|(name, attributes, inside)| {
        let text = format!("<filter name='{name}' {attributes}>{inside}</filter>");
        Filter::parse(&text, true).map(|filter| Filter { uuid_given: true, ..filter })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_there_and_refer_to_each_other_only() {
        let all: Vec<Filter> = filters().map(Result::unwrap).collect();
        assert_eq!(all.len(), 24);
        for reference in all.iter().flat_map(Filter::references) {
            assert!(all.iter().any(|f| f.name == reference.filter), "{}", reference.filter);
        }
        let same = all.iter().filter(|f| f.name == "clean-traffic").count();
        assert_eq!(same, 1);
    }
}
