//! Packet filters, with packets: a guest that lies is not heard, one that does not is.
//!
//! The guest is one end of a pair of links in a network namespace of its own; the other end is a port of a bridge, and
//! filtered. Whoever listens on the bridge hears what came through. Each frame has a name in it.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use virtus_tests::{Outcome, World, ensure, wait_for};

const GUEST: [u8; 6] = [0x52, 0x54, 0, 0x11, 0x22, 0x33];
const OTHER: [u8; 6] = [0x52, 0x54, 0, 0x99, 0x99, 0x99];
const EVERYBODY: [u8; 6] = [0xff; 6];
const OWN_IP: [u8; 4] = [10, 9, 0, 5];
const OTHER_IP: [u8; 4] = [10, 9, 0, 77];

/// Writes the names of the frames that an interface sees into a file, one a line.
const LISTEN: &str = "
import re, socket, sys
heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
heard.bind((sys.argv[1], 0))
with open(sys.argv[2], 'w', buffering=1) as out:
    out.write('ready\\n')
    while True:
        for name in re.findall(rb'<([a-z0-9-]+)>', heard.recv(4096)):
            out.write(name.decode() + '\\n')
";
/// Sends frames through an interface, as often as told; 0 is without end.
const SEND: &str = "
import socket, sys, time
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((sys.argv[1], 0))
count = int(sys.argv[2])
frames = [bytes.fromhex(frame) for frame in sys.argv[3:]]
while True:
    for frame in frames:
        out.send(frame)
    count -= 1
    if count == 0:
        break
    time.sleep(0.001)
";

fn hex(frame: &[u8]) -> String {
    frame.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn ethernet(to: [u8; 6], from: [u8; 6], kind: u16, rest: &[u8]) -> Vec<u8> {
    [&to[..], &from, &kind.to_be_bytes(), rest].concat()
}

/// ARP, or RARP under its own number.
fn arp(name: &str, kind: u16, from: [u8; 6], operation: u8, (mac, ip): ([u8; 6], [u8; 4])) -> Vec<u8> {
    let mut rest = vec![0, 1, 8, 0, 6, 4, 0, operation];
    rest.extend(mac);
    rest.extend(ip);
    rest.extend(if kind == 0x8035 { mac } else { [0; 6] });
    rest.extend(if kind == 0x8035 { [0; 4] } else { [10, 9, 0, 1] });
    rest.extend(format!("<{name}>").bytes());
    ethernet(EVERYBODY, from, kind, &rest)
}

/// UDP over IPv4 from the guest's hardware address unless it is for the guest.
fn udp(
    name: &str,
    (from, to): ([u8; 4], [u8; 4]),
    ports: (u16, u16),
    (mac, for_guest): ([u8; 6], bool),
) -> Vec<u8> {
    let payload = format!("<{name}>");
    let length = |extra: usize| u16::try_from(payload.len() + extra).unwrap_or(0).to_be_bytes();
    let mut ip = [&[0x45, 0][..], &length(28), &[0, 0, 0, 0, 64, 17, 0, 0], &from, &to].concat();
    let sum: u32 = ip.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let rest =
        [&ip[..], &ports.0.to_be_bytes(), &ports.1.to_be_bytes(), &length(8), &[0, 0], payload.as_bytes()];
    let target = if for_guest { GUEST } else { EVERYBODY };
    ethernet(target, mac, 0x0800, &rest.concat())
}

/// An IPv6 packet with nothing but its name in it.
fn ipv6(name: &str) -> Vec<u8> {
    let payload = format!("<{name}>");
    let mut packet = vec![0x60, 0, 0, 0, 0, u8::try_from(payload.len()).unwrap_or(0), 59, 64];
    for last in [5, 1] {
        packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    packet.extend(payload.bytes());
    packet
}

/// Somebody who listens, and where the names are that were heard.
struct Listener {
    child: Child,
    heard: PathBuf,
}

impl Drop for Listener {
    fn drop(&mut self) {
        // it may have ended
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Listener {
    /// Listens at an interface, with a program in front of Python's that brings it elsewhere.
    fn new(world: &World, interface: &str, through: &[&str]) -> Outcome<Listener> {
        let heard = world.home().join(format!("heard-{interface}"));
        let mut words = through.to_vec();
        let path = heard.to_string_lossy().into_owned();
        words.extend(["python3", "-c", LISTEN, interface, &path]);
        let (program, args) = words.split_first().ok_or("no program")?;
        let child = Command::new(program).args(args).stdin(Stdio::null()).spawn()?;
        let listener = Listener { child, heard };
        wait_for("the listener", 20, || Ok(listener.names().first().is_some_and(|n| n == "ready")))?;
        Ok(listener)
    }

    fn names(&self) -> Vec<String> {
        fs::read_to_string(&self.heard).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// What is heard after `before` names, up to this one.
    fn until(&self, before: usize, last: &str) -> Outcome<Vec<String>> {
        let after = || self.names().split_off(before);
        wait_for(&format!("'{last}' to be heard"), 20, || Ok(after().iter().any(|name| name == last)))?;
        Ok(after())
    }
}

/// A guest behind a filtered port of a bridge, somebody on another port, and those who listen.
struct Lab {
    guest: Child,
    bridge: Listener,
    inside: Listener,
}

impl Drop for Lab {
    fn drop(&mut self) {
        // it may have ended
        let _ = self.guest.kill();
        let _ = self.guest.wait();
    }
}

fn run(program: &str, args: &[&str]) -> Outcome<String> {
    let done = Command::new(program).args(args).stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{program} {}: {said}", args.join(" "));
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

impl Lab {
    fn new(world: &World) -> Outcome<Lab> {
        for line in [
            "link add br0 type bridge",
            "link set br0 up",
            "link add port0 type veth peer name eth0",
            "link set port0 master br0 up",
            "link add port1 type veth peer name far0",
            "link set port1 master br0 up",
            "link set far0 up",
        ] {
            run("ip", &line.split(' ').collect::<Vec<_>>())?;
        }
        let guest = Command::new("unshare").args(["-n", "sleep", "infinity"]).spawn()?;
        let pid = guest.id().to_string();
        wait_for("the guest's namespace", 20, || {
            Ok(fs::read_link(format!("/proc/{pid}/ns/net"))? != fs::read_link("/proc/self/ns/net")?)
        })?;
        run("ip", &["link", "set", "eth0", "netns", &pid])?;
        run(
            "nsenter",
            &["-t", &pid, "-n", "ip", "link", "set", "eth0", "address", "52:54:00:11:22:33", "up"],
        )?;
        let inside = Listener::new(world, "eth0", &["nsenter", "-t", &pid, "-n"])?;
        Ok(Lab { guest, bridge: Listener::new(world, "br0", &[])?, inside })
    }

    fn names(&self) -> Vec<String> {
        self.bridge.names()
    }

    fn sender(&self, count: u32, frames: &[Vec<u8>]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.guest.id().to_string(), "-n", "python3", "-c", SEND, "eth0"]);
        command.arg(count.to_string()).args(frames.iter().map(|frame| hex(frame)));
        command.stdin(Stdio::null());
        command
    }

    /// What of these frames is heard when the guest sends them; the last of them is one that is.
    fn heard(&self, frames: &[Vec<u8>], last: &str) -> Outcome<Vec<String>> {
        let before = self.names().len();
        ensure!(self.sender(1, frames).status()?.success(), "the guest cannot send");
        self.bridge.until(before, last)
    }

    /// What of these frames the guest hears when they come from the other port; the last is one that it does.
    fn told(&self, frames: &[Vec<u8>], last: &str) -> Outcome<Vec<String>> {
        let before = self.inside.names().len();
        let frames: Vec<String> = frames.iter().map(|frame| hex(frame)).collect();
        let mut args = vec!["-c", SEND, "far0", "1"];
        args.extend(frames.iter().map(String::as_str));
        run("python3", &args)?;
        self.inside.until(before, last)
    }

    /// Sends a frame to the guest from the bridge.
    fn answer(&self, frame: &[u8]) -> Outcome {
        run("python3", &["-c", SEND, "br0", "1", &hex(frame)]).map(drop)
    }
}

fn honest(name: &str) -> Vec<u8> {
    arp(name, 0x0806, GUEST, 1, (GUEST, OWN_IP))
}

fn binding(filter: &str, parameters: &[(&str, &str)]) -> String {
    let parameters: String =
        parameters.iter().map(|(n, v)| format!("<parameter name='{n}' value='{v}'/>")).collect();
    format!(
        "<filterbinding><owner><name>liar</name><uuid>11111111-2222-3333-4444-555555555555</uuid></owner>\
         <portdev name='port0'/><mac address='52:54:00:11:22:33'/>\
         <filterref filter='{filter}'>{parameters}</filterref></filterbinding>"
    )
}

fn bind(world: &World, filter: &str, parameters: &[(&str, &str)]) -> Outcome {
    let file = world.file("binding.xml", &binding(filter, parameters))?;
    world.virsh(&["nwfilter-binding-create", &file]).map(drop)
}

/// The rules of filters; none is an empty text. Asked in one go, for a table may go between two questions.
fn rules() -> Outcome<String> {
    run("nft", &["list", "ruleset", "bridge"])
}

/// All a guest might send, and what of it `clean-traffic` lets pass.
fn everything() -> (Vec<Vec<u8>>, Vec<&'static str>) {
    let none = [0; 4];
    let frames = vec![
        honest("arp-honest"),
        arp("mac-spoofed", 0x0806, OTHER, 1, (OTHER, OWN_IP)),
        arp("arp-mac-spoofed", 0x0806, GUEST, 2, (OTHER, OWN_IP)),
        arp("arp-ip-spoofed", 0x0806, GUEST, 2, (GUEST, OTHER_IP)),
        udp("ip-honest", (OWN_IP, OTHER_IP), (9, 9), (GUEST, false)),
        udp("ip-spoofed", (OTHER_IP, OWN_IP), (9, 9), (GUEST, false)),
        udp("dhcp-request", (none, [255; 4]), (68, 67), (GUEST, false)),
        arp("announcement", 0x8035, GUEST, 3, (GUEST, none)),
        arp("announcement-spoofed", 0x8035, GUEST, 3, (OTHER, none)),
        ethernet(EVERYBODY, GUEST, 0x86dd, &ipv6("ipv6")),
        ethernet(EVERYBODY, GUEST, 0x8100, b"\0\x05\x08\0<vlan>"),
        honest("end"),
    ];
    (frames, vec!["arp-honest", "ip-honest", "dhcp-request", "announcement", "end"])
}

pub(crate) fn a_guest_that_lies_is_not_heard(world: &mut World) -> Outcome {
    let lab = Lab::new(world)?;
    let (frames, pass) = everything();
    let all = lab.heard(&frames, "end")?;
    ensure!(all.len() == frames.len(), "without a filter all is heard: {all:?}");
    let before = rules()?;

    bind(world, "clean-traffic", &[("IP", "10.9.0.5")])?;
    ensure!(lab.heard(&frames, "end")? == pass, "lies are dropped: {:?}\n{}", lab.names(), rules()?);
    ensure!(rules()?.contains("counter packets 1 "), "what was dropped is counted: {}", rules()?);

    // under fire while the daemon dies and comes back
    let lies: Vec<Vec<u8>> = frames.iter().skip(1).take(3).cloned().collect();
    let mut fire = lab.sender(0, &lies).spawn()?;
    let from = lab.names().len();
    world.kill_daemon()?;
    let without = lab.heard(&[honest("without-daemon")], "without-daemon")?;
    world.start_daemon()?;
    ensure!(world.virsh(&["nwfilter-binding-list"])?.contains("port0"), "the binding is known again");
    // a filter that is defined anew has the rules made again
    let uuid = world.virsh(&["nwfilter-dumpxml", "no-mac-spoofing"])?;
    let changed = uuid.replace("priority='500'", "priority='400'");
    let file = world.file("changed.xml", &changed)?;
    world.virsh(&["nwfilter-define", &file])?;
    lab.heard(&[honest("with-daemon")], "with-daemon")?;
    fire.kill()?;
    fire.wait()?;
    let heard = lab.names().split_off(from);
    ensure!(heard == ["without-daemon", "with-daemon"], "no lie came through: {heard:?} {without:?}");
    ensure!(lab.heard(&frames, "end")? == pass, "the filter is as it was");

    let in_use = world.try_virsh(&["nwfilter-undefine", "no-arp-ip-spoofing"])?;
    ensure!(in_use.err.contains("Requested operation is not valid: nwfilter is in use"), "{}", in_use.err);
    world.virsh(&["nwfilter-binding-delete", "port0"])?;
    ensure!(rules()? == before, "the rules are gone: {}", rules()?);
    ensure!(lab.heard(&frames, "end")?.len() == frames.len(), "all is heard again");
    Ok(())
}

pub(crate) fn filters_change_as_a_whole(world: &mut World) -> Outcome {
    let lab = Lab::new(world)?;
    let define = |inside: &str| {
        let text = format!(
            "<filter name='ports' chain='root'><uuid>5c6d49af-b071-6127-b4ec-6f8ed4b55335</uuid>{inside}\
             <rule action='drop' direction='inout' priority='1000'><all/></rule></filter>"
        );
        world.file("ports.xml", &text).and_then(|file| world.try_virsh(&["nwfilter-define", &file]))
    };
    let accept =
        |port: &str| format!("<rule action='accept' direction='out'><udp dstportstart='{port}'/></rule>");
    ensure!(define(&accept("53"))?.ok, "the filter is defined");
    bind(world, "ports", &[])?;
    let end = || honest("end");
    let ask = |name: &str, port| udp(name, (OWN_IP, OTHER_IP), (4000, port), (GUEST, false));
    let frames = [ask("dns", 53), ask("ntp", 123), end()];
    ensure!(lab.heard(&frames, "end")? == ["dns", "end"], "one port is open");

    // answers come back to what was asked alone: that is noted
    ensure!(rules()?.contains("10.9.0.5 . 4000 . 10.9.0.77 . 53"), "noted: {}", rules()?);
    let answer = |name: &str, port| udp(name, (OTHER_IP, OWN_IP), (port, 4000), (OTHER, true));
    let outside = arp("outside-end", 0x0806, OTHER, 1, (OTHER, OTHER_IP));
    let answers = [answer("answer", 53), answer("unasked", 123), outside];
    ensure!(lab.told(&answers, "outside-end")? == ["answer", "outside-end"], "{:?}", lab.inside.names());

    ensure!(define(&accept("123"))?.ok, "the filter is changed");
    ensure!(lab.heard(&frames, "end")? == ["ntp", "end"], "another port is open instead");
    let present = rules()?;
    for (broken, why) in [
        ("<filterref filter='nope'/>", "referenced filter 'nope' is missing"),
        ("<filterref filter='no-such-thing'/>", "is missing"),
        (
            "<rule action='accept' direction='in'><tcp dstportstart='$PORT'/></rule>",
            "Cannot instantiate filter due to unresolvable variables or unavailable list elements: PORT",
        ),
        ("<filterref filter='ports'/>", "filter would introduce a loop"),
    ] {
        let refused = define(broken)?;
        ensure!(!refused.ok && refused.err.contains(why), "{broken}: {}", refused.err);
    }
    let counters = |text: &str| {
        let words: Vec<&str> = text.split_whitespace().collect();
        words.iter().filter(|word| word.parse::<u64>().is_err()).copied().collect::<Vec<_>>().join(" ")
    };
    let expires = |text: &str| counters(text).split(" expires ").next().unwrap_or_default().to_owned();
    ensure!(expires(&rules()?) == expires(&present), "what failed changed nothing: {}", rules()?);
    ensure!(lab.heard(&frames, "end")? == ["ntp", "end"], "and packets are treated as before");
    Ok(())
}

pub(crate) fn an_address_nobody_told_is_found_out(world: &mut World) -> Outcome {
    let lab = Lab::new(world)?;
    bind(world, "clean-traffic", &[])?;
    let told = |world: &World, wanted: &str| -> Outcome<bool> {
        Ok(world.virsh(&["nwfilter-binding-dumpxml", "port0"])?.contains(wanted))
    };
    ensure!(!told(world, "name='IP'")?, "no address is known yet");
    let frames = [udp("ip-spoofed", (OTHER_IP, OWN_IP), (9, 9), (GUEST, false)), honest("end")];
    lab.heard(&[honest("first")], "first")?;
    wait_for("the address to be known", 20, || told(world, "<parameter name='IP' value='10.9.0.5'/>"))?;
    ensure!(lab.heard(&frames, "end")? == ["end"], "no other address is heard");
    world.virsh(&["nwfilter-binding-delete", "port0"])?;

    bind(world, "clean-traffic", &[("CTRL_IP_LEARNING", "dhcp")])?;
    let request = udp("request", ([0; 4], [255; 4]), (68, 67), (GUEST, false));
    let before = [honest("too-early"), request];
    ensure!(lab.heard(&before, "request")? == ["request"], "only DHCP is heard before there is a lease");
    // a lease that the guest gives itself is none
    let mut message = vec![0; 240];
    message[0] = 2;
    message[16..20].copy_from_slice(&OWN_IP);
    message[28..34].copy_from_slice(&GUEST);
    message[236..240].copy_from_slice(&[99, 130, 83, 99]);
    message.extend([53, 1, 5, 51, 4, 0, 0, 2, 0, 54, 4, 10, 9, 0, 1, 255]);
    let name: String = message.iter().map(|byte| char::from(*byte)).collect();
    let mut lease = udp("", ([10, 9, 0, 1], [255; 4]), (67, 68), ([2, 0, 0, 0, 0, 1], true));
    lease.truncate(14 + 28);
    lease.extend(name.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(0)));
    lab.answer(&lease)?;
    wait_for("the lease to be seen", 20, || told(world, "<parameter name='IP' value='10.9.0.5'/>"))?;
    ensure!(lab.heard(&frames, "end")? == ["end"], "the guest speaks from the address it has leased");
    let leases = fs::read_to_string("/run/libvirt/network/nwfilter.leases")?;
    let key = "11111111-2222-3333-4444-555555555555-52:54:00:11:22:33 10.9.0.5 10.9.0.1";
    ensure!(leases.contains(key), "the lease is kept: {leases}");
    world.kill_daemon()?;
    world.start_daemon()?;
    ensure!(
        lab.heard(&frames, "end")? == ["end"] && told(world, "value='10.9.0.5'")?,
        "also by the next daemon"
    );
    Ok(())
}

pub(crate) fn refused_bindings_leave_nothing(world: &mut World) -> Outcome {
    let lab = Lab::new(world)?;
    let state = || -> Outcome<String> {
        let files = fs::read_dir("/run/libvirt/nwfilter-binding").into_iter().flatten().flatten();
        let files: Vec<_> = files.map(|entry| entry.file_name()).collect();
        let links = fs::read_dir("/sys/class/net")?.flatten().map(|entry| entry.file_name());
        let links: std::collections::BTreeSet<_> = links.filter(|name| name != "virbr0").collect();
        Ok(format!("{}{links:?}{files:?}", rules()?))
    };
    let before = state()?;
    for (filter, parameters, why) in [
        ("nope", &[][..], "internal error: referenced filter 'nope' is missing"),
        ("clean-traffic", &[("CTRL_IP_LEARNING", "none")], "unavailable list elements: IP"),
        ("clean-traffic", &[("CTRL_IP_LEARNING", "zork")], "learning value 'zork' invalid."),
        ("clean-traffic", &[("IP", "10.0.0.1.2")], "illegal value"),
        ("clean-traffic-gateway", &[("IP", "10.0.0.1")], "unavailable list elements: GATEWAY_MAC"),
    ] {
        let file = world.file("binding.xml", &binding(filter, parameters))?;
        let refused = world.try_virsh(&["nwfilter-binding-create", &file])?;
        ensure!(!refused.ok && refused.err.contains(why), "{filter}: {}", refused.err);
        ensure!(state()? == before, "something is left of {filter}: {}", state()?);
    }
    for name in ["../port0", "a\nb", "far-too-long-a-name"] {
        let text =
            binding("clean-traffic", &[("IP", "10.9.0.5")]).replace("port0", &name.replace('\n', "&#10;"));
        let file = world.file("binding.xml", &text)?;
        ensure!(!world.try_virsh(&["nwfilter-binding-create", &file])?.ok, "{name:?} is no interface");
        ensure!(state()? == before, "something is left of {name:?}");
    }
    bind(world, "clean-traffic", &[("IP", "10.9.0.5")])?;
    let file = world.file("binding.xml", &binding("clean-traffic", &[("IP", "10.9.0.6")]))?;
    let twice = world.try_virsh(&["nwfilter-binding-create", &file])?;
    ensure!(twice.err.contains("operation failed: binding 'port0' already exists"), "{}", twice.err);
    ensure!(lab.heard(&[honest("end")], "end")? == ["end"], "the first one holds");
    Ok(())
}

pub(crate) fn a_guests_filter_comes_and_goes_with_it(world: &mut World) -> Outcome {
    run("ip", &["link", "add", "br0", "type", "bridge"])?;
    let before = rules()?;
    let interface = |filter: &str| {
        format!(
            "<interface type='bridge'><source bridge='br0'/><target dev='guest0'/><mac address='52:54:00:11:22:33'/>\
             <model type='virtio'/><filterref filter='{filter}'>\
             <parameter name='IP' value='10.9.0.5'/></filterref></interface>"
        )
    };
    let define = |filter: &str| {
        world
            .file("alpha.xml", &world.guest_xml("alpha", &interface(filter)))
            .and_then(|file| world.virsh(&["define", &file]))
    };
    define("nope")?;
    let refused = world.try_virsh(&["start", "alpha"])?;
    ensure!(refused.err.contains("referenced filter 'nope' is missing"), "{}", refused.err);
    ensure!(world.qemus()? == 0 && world.leftovers()?.is_empty(), "nothing is left of the start");
    ensure!(rules()? == before, "no rules either: {}", rules()?);
    define("clean-traffic")?;
    world.virsh(&["start", "alpha"])?;
    let list = world.virsh(&["nwfilter-binding-list"])?;
    ensure!(list.contains("guest0") && list.contains("clean-traffic"), "bound: {list}");
    let binding = world.virsh(&["nwfilter-binding-dumpxml", "guest0"])?;
    ensure!(binding.contains("<name>alpha</name>") && binding.contains("52:54:00:11:22:33"), "{binding}");
    ensure!(rules()?.contains("ip saddr 10.9.0.5"), "{}", rules()?);
    world.kill_daemon()?;
    world.start_daemon()?;
    world.until_state("alpha", "running")?;
    ensure!(rules()?.contains("ip saddr 10.9.0.5"), "still: {}", rules()?);
    world.virsh(&["destroy", "alpha"])?;
    wait_for("the rules to go", 20, || Ok(rules()? == before))?;
    ensure!(!world.virsh(&["nwfilter-binding-list"])?.contains("guest0"), "unbound");
    Ok(())
}
