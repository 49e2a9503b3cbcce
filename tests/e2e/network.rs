//! Guests on virtual networks, with real packets. A guest is a network namespace with a card; where QEMU matters, it
//! is one without an operating system.

use virtus_tests::machine::{Machine, run};
use virtus_tests::{Outcome, Threads, World, die_at, ensure, wait_for};

fn start_network(world: &World, name: &str, inside: &str) -> Outcome {
    let xml = format!("<network><name>{name}</name>{inside}</network>");
    let file = world.file(&format!("net-{name}.xml"), &xml)?;
    world.virsh(&["net-define", &file])?;
    world.virsh(&["net-start", name]).map(drop)
}

/// The rest of the world: a machine that knows no way back into the host's networks.
fn internet() -> Outcome<Machine> {
    let machine = Machine::new("up0", "52:54:00:ff:00:01")?;
    run("ip addr add 203.0.113.1/24 dev up0; ip -6 addr add 2001:db8:ffff::1/64 dev up0 nodad")?;
    machine.run("ip addr add 203.0.113.9/24 dev eth0; ip -6 addr add 2001:db8:ffff::9/64 dev eth0 nodad")?;
    Ok(machine)
}

pub(crate) fn guests_have_addresses_names_and_a_way_out(world: &mut World) -> Outcome {
    let _internet = internet()?;
    start_network(
        world,
        "lan",
        "<forward mode='nat'/><bridge name='virbr7'/><domain name='lan.x' localOnly='yes'/>
<ip address='10.7.0.1' prefix='24'><dhcp><range start='10.7.0.10' end='10.7.0.99'/>
<host mac='52:54:00:00:00:05' name='fixed' ip='10.7.0.5'/></dhcp></ip>",
    )?;
    let a = Machine::on("virbr7", "va", "52:54:00:00:00:0a")?;
    let b = Machine::on("virbr7", "vb", "52:54:00:00:00:05")?;
    let address = a.ask_for_address(world, "alpha")?;
    ensure!(address.starts_with("10.7.0."), "an address of the range: {address}");
    ensure!(b.ask_for_address(world, "beta")? == "10.7.0.5", "the one that was kept for it");
    ensure!(a.reaches("10.7.0.5")?, "guests reach each other");
    let found = a.run("busybox nslookup fixed.lan.x 10.7.0.1 || true")?;
    ensure!(found.contains("10.7.0.5"), "a host's name: {found}");
    let found = b.run("busybox nslookup alpha.lan.x 10.7.0.1 || true")?;
    ensure!(found.contains(&address), "the name a guest said: {found}");
    ensure!(a.reaches("203.0.113.9")?, "the internet answers, though it knows nothing of 10.7.0.0/24");
    let leases = world.virsh(&["net-dhcp-leases", "lan"])?;
    ensure!(leases.contains("52:54:00:00:00:0a") && leases.contains(&address), "leases: {leases}");

    let host = "<host mac='52:54:00:00:00:0a' name='moved' ip='10.7.0.42'/>";
    world.virsh(&["net-update", "lan", "add", "ip-dhcp-host", host, "--live"])?;
    ensure!(a.ask_for_address(world, "alpha")? == "10.7.0.42", "a host that was added while it runs");
    let record = "<host ip='10.7.0.77'><hostname>printer</hostname></host>";
    world.virsh(&["net-update", "lan", "add", "dns-host", record, "--live"])?;
    let asked = || Ok(a.run("busybox nslookup printer.lan.x 10.7.0.1 || true")?.contains("10.7.0.77"));
    wait_for("a name that was added while it runs", 10, asked)?;

    start_network(
        world,
        "alone",
        "<bridge name='virbr8'/><ip address='10.8.0.1' prefix='24'><dhcp><range start='10.8.0.10' end='10.8.0.20'/></dhcp></ip>",
    )?;
    let c = Machine::on("virbr8", "vc", "52:54:00:00:00:0c")?;
    c.ask_for_address(world, "gamma")?;
    c.run("ip route replace default via 10.8.0.1")?;
    ensure!(c.reaches("10.8.0.1")?, "the host itself is reached");
    ensure!(!c.reaches("203.0.113.9")?, "an isolated network has no way out");
    ensure!(!c.reaches("10.7.0.5")?, "nor into another network");
    ensure!(
        !a.reaches("10.8.0.1")?
            || !a.reaches(c.run("ip -o -4 addr show eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'")?.trim())?,
        "nor is there one into it"
    );
    world.virsh(&["net-destroy", "alone"])?;
    ensure!(!run("ip -br link")?.contains("virbr8"), "its bridge is gone");
    Ok(())
}

pub(crate) fn guests_have_ipv6(world: &mut World) -> Outcome {
    let _internet = internet()?;
    start_network(
        world,
        "six",
        "<forward mode='nat'><nat ipv6='yes'/></forward><bridge name='virbr6'/>
<ip family='ipv6' address='2001:db8:6::1' prefix='64'/>",
    )?;
    let a = Machine::on("virbr6", "va", "52:54:00:00:00:0a")?;
    wait_for("an address from an advertisement", 20, || {
        Ok(a.run("ip -6 addr show dev eth0 scope global")?.contains("2001:db8:6:"))
    })?;
    wait_for("the address to be good", 20, || Ok(!a.run("ip -6 addr show dev eth0")?.contains("tentative")))?;
    wait_for("the internet by IPv6", 20, || a.try_run("busybox ping6 -c 1 -W 2 2001:db8:ffff::9"))
}

pub(crate) fn no_packet_is_lost_with_the_daemon(world: &mut World) -> Outcome {
    let _internet = internet()?;
    start_network(
        world,
        "lan",
        "<forward/><bridge name='virbr7'/><ip address='10.7.0.1' prefix='24'><dhcp><range start='10.7.0.10' end='10.7.0.99'/></dhcp></ip>",
    )?;
    let a = Machine::on("virbr7", "va", "52:54:00:00:00:0a")?;
    a.ask_for_address(world, "alpha")?;
    ensure!(a.reaches("203.0.113.9")?, "the internet");
    let before = (
        run("nft list table inet virtus_net_virbr7 | sed 's/packets.*bytes [0-9]*//'")?,
        run("ip -br addr")?,
    );
    let dnsmasq = run("cat /run/libvirt/network/lan.pid")?;
    let traffic = a.start("busybox ping -c 40 -i 0.1 -W 2 203.0.113.9")?;
    world.kill_daemon()?;
    world.start_daemon()?;
    let said = String::from_utf8_lossy(&traffic.wait_with_output()?.stdout).into_owned();
    ensure!(said.contains(" 0% packet loss"), "packets were lost: {said}");
    ensure!(world.virsh(&["net-list", "--name"])?.contains("lan"), "found running");
    ensure!(run("cat /run/libvirt/network/lan.pid")? == dnsmasq, "its dnsmasq was left alone");
    let after = (
        run("nft list table inet virtus_net_virbr7 | sed 's/packets.*bytes [0-9]*//'")?,
        run("ip -br addr")?,
    );
    ensure!(before == after, "the host is as it was: {before:?} {after:?}");
    // somebody empties the packet filter; the daemon sees it and makes its rules anew
    run("nft flush ruleset")?;
    wait_for("the rules to be there again", 20, || a.reaches("203.0.113.9"))
}

/// All of the host that networks change, a line for each thing.
fn host() -> Outcome<std::collections::BTreeSet<String>> {
    let text = run("ip -o link | sed 's/^[0-9]*: //'; ip -o addr | sed 's/^[0-9]*: //'; ip route
         nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//'
         find /run/libvirt/network /var/lib/libvirt/dnsmasq; ps -eo args | grep '[d]nsmasq --conf' || true")?;
    // a bridge without guests loses its carrier some time after it was made
    let settled = |line: &str| {
        let words = line.replace("NO-CARRIER,", "").replace("linkdown", "");
        words.replace("state UNKNOWN", "state DOWN").trim_end().to_owned()
    };
    Ok(text.lines().map(settled).collect())
}

pub(crate) fn what_cannot_be_leaves_nothing_behind(world: &mut World) -> Outcome {
    start_network(world, "first", "<bridge name='virbr7'/><ip address='10.7.0.1' prefix='24'/>")?;
    run("ip link add taken type bridge")?;
    for (what, inside, says) in [
        (
            "the same subnet",
            "<bridge name='virbr8'/><ip address='10.7.0.9' prefix='24'/>",
            "Network is already in use by interface virbr7",
        ),
        ("another network's bridge", "<bridge name='virbr7'/>", "bridge name 'virbr7' already in use"),
        (
            "a bridge somebody made",
            "<bridge name='taken'/><ip address='10.8.0.1' prefix='24'/>",
            "File exists",
        ),
        ("a long name", "<bridge name='a-name-that-is-too-long'/>", "Numerical result out of range"),
        (
            "a range outside",
            "<bridge name='virbr8'/><ip address='10.8.0.1' prefix='24'><dhcp><range start='10.9.0.2' end='10.9.0.3'/></dhcp></ip>",
            "is not entirely within network",
        ),
        (
            "a line break in a text",
            "<bridge name='virbr8'/><dns><txt name='t' value='a&#10;dhcp-script=/x'/></dns><ip address='10.8.0.1' prefix='24'/>",
            "control character",
        ),
        (
            "a directory that is not there",
            "<bridge name='virbr8'/><ip address='10.8.0.1' prefix='24'><tftp root='/no/such'/></ip>",
            "TFTP directory /no/such inaccessible",
        ),
        (
            "a zone without firewalld",
            "<bridge name='virbr8' zone='z'/><ip address='10.8.0.1' prefix='24'/>",
            "firewalld is not active",
        ),
        (
            "a PTR domain that cannot be",
            "<bridge name='virbr8'/><ip address='10.8.0.1' prefix='25' localPtr='yes'/>",
            "PTR domain for",
        ),
    ] {
        let before = host()?;
        let file = world.file("bad.xml", &format!("<network><name>bad</name>{inside}</network>"))?;
        let answer = world.try_virsh(&["net-create", &file])?;
        ensure!(!answer.ok && answer.err.contains(says), "{what}: {}{}", answer.out, answer.err);
        let after = host()?;
        let changed: Vec<_> = before.symmetric_difference(&after).collect();
        ensure!(changed.is_empty(), "{what} left something behind: {changed:?}");
        ensure!(!world.virsh(&["net-list", "--all", "--name"])?.contains("bad"), "{what}: no network");
    }
    let twice = "<host mac='52:54:00:00:00:01' ip='10.7.0.5'/>";
    let answer = world.try_virsh(&["net-update", "first", "add", "ip-dhcp-host", twice, "--live"])?;
    ensure!(answer.ok, "{}", answer.err);
    let before = host()?;
    let answer = world.try_virsh(&["net-update", "first", "add", "ip-dhcp-host", twice, "--live"])?;
    ensure!(!answer.ok && answer.err.contains("there is an existing dhcp host entry"), "{}", answer.err);
    ensure!(before == host()?, "a host that is there already changes nothing");
    Ok(())
}

/// A network is whole or not there.
fn whole_or_gone(world: &World) -> Outcome {
    let active = world.virsh(&["net-list", "--name"])?.lines().any(|name| name.trim() == "lan");
    let bridge = run("ip -o link")?.contains("virbr7");
    let rules = run("nft list tables")?.contains("virtus_net_virbr7");
    let mains =
        "ps -eo ppid,pid,args | grep '[d]nsmasq --conf-file=/var/lib/libvirt/dnsmasq/lan.conf' || true";
    let lines = run(mains)?;
    // each has a child that runs programs for it
    let pids: Vec<_> = lines.lines().filter_map(|l| l.split_whitespace().nth(1)).collect();
    let served = lines
        .lines()
        .filter(|l| !l.split_whitespace().next().is_some_and(|parent| pids.contains(&parent)))
        .count();
    ensure!(
        (bridge, rules, served) == (active, active, usize::from(active)),
        "active {active}, bridge {bridge}, rules {rules}, {served} dnsmasq"
    );
    Ok(())
}

pub(crate) fn dying_while_a_network_comes_or_goes(world: &mut World) -> Outcome {
    let xml = "<network><name>lan</name><forward/><bridge name='virbr7'/><ip address='10.7.0.1' prefix='24'><dhcp><range start='10.7.0.10' end='10.7.0.99'/></dhcp></ip></network>";
    let file = world.file("lan.xml", xml)?;
    world.virsh(&["net-define", &file])?;
    let mut deaths = 0;
    for command in ["net-start", "net-destroy"] {
        for (call, times) in [("sendto", 8), ("rename", 5), ("unlink", 4), ("clone3", 4)] {
            for nth in 1..=times {
                let active = world.virsh(&["net-list", "--name"])?.lines().any(|name| name.trim() == "lan");
                match (command, active) {
                    ("net-start", true) => world.virsh(&["net-destroy", "lan"]).map(drop)?,
                    ("net-destroy", false) => world.virsh(&["net-start", "lan"]).map(drop)?,
                    _ => {}
                }
                // a thread that ends just then cannot be watched
                let mut watcher = None;
                wait_for("strace to watch the daemon", 90, || {
                    watcher = die_at(world.daemon_pid()?, call, nth, Threads::Later).ok();
                    Ok(watcher.is_some())
                })?;
                let Some(mut watcher) = watcher else { continue };
                let answer = world.try_virsh(&[command, "lan"])?;
                // what comes after the answer may also be its death: as long as virsh needs to ask again
                let _ = world.try_virsh(&["net-list"])?;
                watcher.kill()?;
                watcher.wait()?;
                let died = world.daemon_crashed()?;
                if died {
                    deaths += 1;
                    world.start_daemon()?;
                }
                whole_or_gone(world)
                    .map_err(|e| format!("{command}, dying at {call} {nth} ({}): {e}", answer.err.trim()))?;
                if !died {
                    break;
                }
            }
        }
    }
    ensure!(deaths > 5, "the daemon died only {deaths} times");
    Ok(())
}

const CARD: &str = "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='lan'/><model type='virtio'/></interface>";

pub(crate) fn a_guest_keeps_its_link(world: &mut World) -> Outcome {
    start_network(world, "lan", "<bridge name='virbr7'/><ip address='10.7.0.1' prefix='24'/>")?;
    let xml = format!(
        "<domain type='qemu'><name>g</name><memory unit='MiB'>32</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices>{CARD}</devices></domain>"
    );
    let file = world.file("g.xml", &xml)?;
    world.virsh(&["define", &file])?;
    world.virsh(&["start", "g"])?;
    let live = world.virsh(&["dumpxml", "g"])?;
    ensure!(live.contains("bridge='virbr7'/>") && live.contains("<target dev='vnet0'/>"), "{live}");
    let port = world.virsh(&["net-port-list", "lan"])?;
    ensure!(live.contains(&format!("portid='{}'", port.trim())), "its port is {port}: {live}");
    let attached = || Ok(run("ip -o link show master virbr7")?.contains("vnet0"));
    ensure!(attached()?, "its tap is on the bridge");

    world.kill_daemon()?;
    run("ip link set vnet0 nomaster")?;
    world.start_daemon()?;
    wait_for("the tap to be on its bridge again", 20, attached)?;
    ensure!(world.virsh(&["net-port-list", "lan"])? == port, "with its port");

    world.virsh(&["net-destroy", "lan"])?;
    ensure!(world.state("g")? == "running", "a guest outlives its network");
    world.virsh(&["net-start", "lan"])?;
    wait_for("the tap to be on the new bridge", 20, attached)?;
    wait_for("its port on the new network", 20, || Ok(world.virsh(&["net-port-list", "lan"])? == port))?;

    world.virsh(&["destroy", "g"])?;
    ensure!(world.virsh(&["net-port-list", "lan"])?.trim().is_empty(), "the port is given back");
    ensure!(!run("ip -br link")?.contains("vnet"), "and the tap is gone");
    world.virsh(&["net-destroy", "lan"])?;
    let answer = world.try_virsh(&["start", "g"])?;
    ensure!(!answer.ok && answer.err.contains("network 'lan' is not active"), "{}", answer.err);
    let left = world.leftovers()?;
    ensure!(left.is_empty(), "left behind: {left:?}");
    Ok(())
}

pub(crate) fn a_display_listens_on_a_network(world: &mut World) -> Outcome {
    start_network(world, "lan", "<bridge name='virbr7'/><ip address='10.7.0.1' prefix='24'/>")?;
    let define = |name: &str, network: &str| -> Outcome {
        let xml = format!(
            "<domain type='qemu'><name>{name}</name><memory unit='MiB'>32</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><graphics type='vnc'><listen type='network' network='{network}'/></graphics></devices></domain>"
        );
        let file = world.file(&format!("{name}.xml"), &xml)?;
        world.virsh(&["define", &file]).map(drop)
    };
    define("g", "lan")?;
    world.virsh(&["start", "g"])?;
    let display = world.virsh(&["domdisplay", "g"])?;
    ensure!(display.trim() == "vnc://10.7.0.1:0", "it listens at the network's address: {display}");
    let live = world.virsh(&["dumpxml", "g"])?;
    ensure!(live.contains("<listen type='network' address='10.7.0.1' network='lan'/>"), "{live}");
    ensure!(std::net::TcpStream::connect("10.7.0.1:5900").is_ok(), "and is there");
    world.virsh(&["destroy", "g"])?;

    define("h", "nobody")?;
    let answer = world.try_virsh(&["start", "h"])?;
    ensure!(!answer.ok && answer.err.contains("no network with matching name 'nobody'"), "{answer:?}");
    Ok(())
}
