//! What sysfs says of interfaces.

use std::path::{Path, PathBuf};

use virtus_conf::interface::{ArpValidate, Bond, BondMode, Carrier, Interface, Link, Monitor, Role};

/// How deep bonds may lie in bridges.
const DEEP: usize = 4;
fn directory(root: &Path, name: &str) -> PathBuf {
    root.join("sys/class/net").join(name)
}

fn attribute(root: &Path, name: &str, file: &str) -> Option<String> {
    let text = std::fs::read_to_string(directory(root, name).join(file)).ok()?;
    Some(text.trim().to_owned())
}

fn number(root: &Path, name: &str, file: &str) -> Option<u32> {
    attribute(root, name, file)?.parse().ok()
}

fn names(path: PathBuf) -> Vec<String> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

/// The names of interfaces that are the host's own: no guest's, and no part of a bridge or bond.
pub(crate) fn all(root: &Path) -> Vec<String> {
    let mut all = names(root.join("sys/class/net"));
    all.retain(|name| {
        let path = directory(root, name);
        exists(root, name) && !path.join("tun_flags").exists() && !path.join("master/ifindex").exists()
    });
    all
}

/// Whether there is such an interface.
pub(crate) fn exists(root: &Path, name: &str) -> bool {
    // a name that leads elsewhere is none; `bonding_masters` is a file beside them
    !name.is_empty() && !name.contains('/') && directory(root, name).join("ifindex").exists()
}

/// Whether packets pass.
pub(crate) fn is_active(root: &Path, name: &str) -> bool {
    attribute(root, name, "operstate").is_some_and(|state| state == "up")
}

/// Its hardware address.
pub(crate) fn mac(root: &Path, name: &str) -> Option<String> {
    attribute(root, name, "address")
}

/// All of an interface.
pub(crate) fn one(root: &Path, name: &str) -> Option<Interface> {
    exists(root, name).then(|| read(root, name, 0))
}

fn read(root: &Path, name: &str, depth: usize) -> Interface {
    let state = attribute(root, name, "operstate");
    let up = state.as_deref() == Some("up");
    let speed = attribute(root, name, "speed").filter(|_| up).and_then(|text| text.parse::<u32>().ok());
    let role = role(root, name, depth);
    Interface {
        name: name.to_owned(),
        start: None,
        // a bridge's says nothing
        link: (!matches!(role, Role::Bridge { .. })).then(|| Link { speed: speed.unwrap_or(0), state }),
        // that of a part is that of the whole
        mtu: number(root, name, "mtu").filter(|_| depth == 0).unwrap_or(0),
        protocols: Vec::new(),
        role,
    }
}

fn role(root: &Path, name: &str, depth: usize) -> Role {
    let path = directory(root, name);
    let inside = |names: Vec<String>| -> Vec<Interface> {
        let known = names.into_iter().filter(|name| exists(root, name));
        known.map(|name| read(root, &name, depth + 1)).collect()
    };
    if depth < DEEP && path.join("bridge").is_dir() {
        return Role::Bridge {
            stp: Some(attribute(root, name, "bridge/stp_state").is_some_and(|state| state != "0")),
            // as the kernel counts, in hundredths of a second
            delay: attribute(root, name, "bridge/forward_delay"),
            ports: inside(names(path.join("brif"))),
        };
    }
    if depth < DEEP && path.join("bonding").is_dir() {
        let links = attribute(root, name, "bonding/slaves").unwrap_or_default();
        return Role::Bond(Bond {
            mode: word(root, name, "mode").and_then(|word| BondMode::from_word(&word)),
            monitor: monitor(root, name),
            ports: inside(links.split_ascii_whitespace().map(str::to_owned).collect()),
        });
    }
    vlan(root, name).unwrap_or_else(|| Role::Ethernet { mac: mac(root, name) })
}

/// The first word of a bond's file, before the number that says the same.
fn word(root: &Path, name: &str, file: &str) -> Option<String> {
    Some(attribute(root, name, &format!("bonding/{file}"))?.split(' ').next()?.to_owned())
}

fn monitor(root: &Path, name: &str) -> Option<Monitor> {
    let number = |file: &str| number(root, name, &format!("bonding/{file}"));
    if let Some(freq) = number("miimon").filter(|freq| *freq > 0) {
        return Some(Monitor::Mii {
            freq,
            updelay: number("updelay").unwrap_or(0),
            downdelay: number("downdelay").unwrap_or(0),
            carrier: Some(if number("use_carrier") == Some(1) { Carrier::Netif } else { Carrier::Ioctl }),
        });
    }
    let interval = number("arp_interval").filter(|interval| *interval > 0)?;
    let targets = word(root, name, "arp_ip_target")?;
    Some(Monitor::Arp {
        interval,
        target: targets.split(',').next().unwrap_or_default().to_owned(),
        validate: word(root, name, "arp_validate").and_then(|word| ArpValidate::from_word(&word)),
    })
}

/// The kernel tells of VLANs in a file for each, with lines for people.
fn vlan(root: &Path, name: &str) -> Option<Role> {
    let text = std::fs::read_to_string(root.join("proc/net/vlan").join(name)).ok()?;
    let word_after = |what: &str| {
        let (_, rest) = text.split_once(what)?;
        rest.split_ascii_whitespace().next().map(str::to_owned)
    };
    Some(Role::Vlan { tag: word_after("VID:")?, device: word_after("Device:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds an interface of these files to a host.
    fn add(root: &Path, name: &str, files: &[(&str, &str)]) {
        let common = [
            ("ifindex", "7\n"),
            ("mtu", "1500\n"),
            ("operstate", "down\n"),
            ("address", "02:00:00:00:00:01\n"),
        ];
        for (file, text) in common.iter().chain(files) {
            let path = directory(root, name).join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    fn xml(root: &Path, name: &str) -> String {
        one(root, name).unwrap().format()
    }

    #[test]
    fn guests_and_parts_are_not_listed() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        add(root, "eth0", &[]);
        add(root, "vnet0", &[("tun_flags", "0x1002\n")]);
        add(root, "eth1", &[("master/ifindex", "3\n")]);
        std::fs::write(root.join("sys/class/net/bonding_masters"), "").unwrap();
        assert_eq!(all(root), ["eth0"]);
        assert!(exists(root, "eth1") && !exists(root, "eth2") && !exists(root, "../net/eth0"));
        assert!(one(root, "bonding_masters").is_none());
    }

    #[test]
    fn a_bridge_has_its_ports_in_it() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        add(
            root,
            "br0",
            &[("bridge/stp_state", "1\n"), ("bridge/forward_delay", "400\n"), ("brif/eth0/x", "")],
        );
        add(root, "eth0", &[("operstate", "up\n"), ("speed", "1000\n"), ("master/ifindex", "7\n")]);
        assert_eq!(
            xml(root, "br0"),
            "<interface type='bridge' name='br0'>
  <mtu size='1500'/>
  <bridge stp='on' delay='400'>
    <interface type='ethernet' name='eth0'>
      <link speed='1000' state='up'/>
      <mac address='02:00:00:00:00:01'/>
    </interface>
  </bridge>
</interface>
"
        );
        add(root, "br1", &[("bridge/stp_state", "0\n"), ("bridge/forward_delay", "1500\n")]);
        assert!(xml(root, "br1").ends_with("  <bridge stp='off' delay='1500'>\n  </bridge>\n</interface>\n"));
    }

    #[test]
    fn bonds_and_vlans() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let files = [
            ("mode", "active-backup 1\n"),
            ("miimon", "100\n"),
            ("updelay", "0\n"),
            ("use_carrier", "1\n"),
            ("slaves", "eth0\n"),
        ];
        let files: Vec<(String, &str)> = files.iter().map(|(n, t)| (format!("bonding/{n}"), *t)).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), *t)).collect();
        add(root, "bond0", &files);
        add(root, "eth0", &[]);
        let bond = xml(root, "bond0");
        assert!(bond.contains("  <bond mode='active-backup'>\n    <miimon freq='100' carrier='netif'/>\n    <interface type='ethernet' name='eth0'>"), "{bond}");
        add(root, "eth0.5", &[]);
        std::fs::create_dir_all(root.join("proc/net/vlan")).unwrap();
        let told = "eth0.5  VID: 5\t REORDER_HDR: 1  dev->priv_flags: 1021\n total frames received 0\nDevice: eth0\n";
        std::fs::write(root.join("proc/net/vlan/eth0.5"), told).unwrap();
        assert!(xml(root, "eth0.5").contains("  <vlan tag='5'>\n    <interface name='eth0'/>\n  </vlan>\n"));
    }
}
