//! Rates of an interface, kept by the kernel's traffic control (tc(8)): a tree of classes (HTB) for what leaves the
//! host towards the guests, a policer for what comes from them.

use std::fmt::{self, Write as _};

use virtus_base::Error;

use crate::program::{Program, Runner, run_blocking};

/// The class of everything that no other class is for.
pub const DEFAULT_CLASS: u32 = 2;
const LIMIT: std::time::Duration = std::time::Duration::from_secs(30);
/// One direction's rates: KiB/s, and KiB for `burst`. 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// The desired average.
    pub average: u64,
    /// The most at any time.
    pub peak: u64,
    /// The least that is guaranteed.
    pub floor: u64,
    /// How much may go at peak speed.
    pub burst: u64,
}

/// The rates of both directions, as the guest sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bandwidth {
    /// Towards the guest.
    pub inbound: Option<Rate>,
    /// From the guest.
    pub outbound: Option<Rate>,
}

/// Commands for one run of tc.
#[derive(Debug, Default)]
struct Batch(String);

impl Batch {
    fn add(&mut self, command: fmt::Arguments<'_>) {
        // writing to a string cannot fail
        let _ = writeln!(self.0, "{command}");
    }

    fn run(self, runner: &dyn Runner) -> Result<(), Error> {
        let program = Program::new("tc").args(["-batch", "-"]).stdin(self.0).timeout(LIMIT);
        run_blocking(runner, &program)?.success(&program).map(drop)
    }
}

/// Removes all rates of an interface, if it has any.
///
/// # Errors
/// When tc cannot be run.
pub fn clear(runner: &dyn Runner, interface: &str) -> Result<(), Error> {
    for what in ["root", "ingress"] {
        let program = Program::new("tc").args(["qdisc", "del", "dev", interface, what]).timeout(LIMIT);
        // it fails where there is nothing to remove
        run_blocking(runner, &program)?;
    }
    Ok(())
}

/// How many bytes a class of this rate in KiB/s may send before the next one's turn: as the reference counts them, in
/// proportion to the rate, so that no class is given turns too large or too small for it.
fn quantum(rate: u64) -> u64 {
    (rate.saturating_mul(1024) / 12_000).max(1)
}

impl Rate {
    /// The part of a class's command that gives it this rate.
    fn class(&self, with_burst: bool) -> String {
        let mut text = format!("htb rate {}kbps", self.average);
        if self.peak > 0 {
            let _ = write!(text, " ceil {}kbps", self.peak);
        }
        if with_burst && self.burst > 0 {
            let _ = write!(text, " burst {}kb", self.burst);
        }
        let _ = write!(text, " quantum {}", quantum(self.average));
        text
    }
}

impl Bandwidth {
    /// Gives an interface these rates and no others. `hierarchical` is for a network's bridge, on which guests get
    /// classes of their own (see [`plug`]); `swapped` for an interface whose directions are the other way round, as
    /// a tap's are to a bridge's.
    ///
    /// # Errors
    /// When there is no such interface or the kernel lacks what is needed. The interface has no rates then.
    pub fn set(
        &self,
        runner: &dyn Runner,
        interface: &str,
        hierarchical: bool,
        swapped: bool,
    ) -> Result<(), Error> {
        let (sent, received) = match swapped {
            true => (self.outbound, self.inbound),
            false => (self.inbound, self.outbound),
        };
        clear(runner, interface)?;
        let mut batch = Batch::default();
        if let Some(rate) = sent.filter(|r| r.average > 0) {
            let default = if hierarchical { DEFAULT_CLASS } else { 1 };
            batch.add(format_args!("qdisc add dev {interface} root handle 1: htb default {default}"));
            if hierarchical {
                batch.add(format_args!(
                    "class add dev {interface} parent 1: classid 1:1 {}",
                    rate.class(false)
                ));
            }
            let parent = if hierarchical { "1:1" } else { "1:" };
            batch.add(format_args!(
                "class add dev {interface} parent {parent} classid 1:{default} {}",
                rate.class(true)
            ));
            batch.add(format_args!(
                "qdisc add dev {interface} parent 1:{default} handle {default}: sfq perturb 10"
            ));
            batch.add(format_args!(
                "filter add dev {interface} parent 1:0 protocol all prio 1 handle 1 fw flowid 1"
            ));
        }
        if let Some(rate) = received.filter(|r| r.average > 0) {
            let burst = if rate.burst > 0 { rate.burst } else { rate.average };
            batch.add(format_args!("qdisc add dev {interface} ingress"));
            batch.add(format_args!(
                "filter add dev {interface} parent ffff: protocol all u32 match u32 0 0 police rate {}kbps \
                 burst {burst}kb mtu 64kb drop flowid :1",
                rate.average
            ));
        }
        if batch.0.is_empty() {
            return Ok(());
        }
        batch.run(runner).inspect_err(|_| {
            // what failed first is what to tell
            let _ = clear(runner, interface);
        })
    }
}

/// Gives a guest on a network's bridge a class of its own with a guaranteed rate.
///
/// # Errors
/// When the bridge has no rates or the kernel refuses.
pub fn plug(
    runner: &dyn Runner,
    bridge: &str,
    network: &Rate,
    mac: [u8; 6],
    floor: u64,
    class: u32,
) -> Result<(), Error> {
    let ceil = if network.peak > 0 { network.peak } else { network.average };
    let [a, b, c, d, e, f] = mac;
    let mut batch = Batch::default();
    batch.add(format_args!(
        "class add dev {bridge} parent 1:1 classid 1:{class:x} htb rate {floor}kbps ceil {ceil}kbps quantum {}",
        quantum(floor)
    ));
    batch.add(format_args!("qdisc add dev {bridge} parent 1:{class:x} handle {class:x}: sfq perturb 10"));
    // the first 16 and the last 32 bits of the address a frame is for
    batch.add(format_args!(
        "filter add dev {bridge} protocol ip prio {class} u32 match u16 0x0800 0xffff at -2 match u32 \
         0x{c:02x}{d:02x}{e:02x}{f:02x} 0xffffffff at -12 match u16 0x{a:02x}{b:02x} 0xffff at -14 flowid \
         1:{class:x}"
    ));
    batch.run(runner)
}

/// Takes a guest's class away.
///
/// # Errors
/// When there is none.
pub fn unplug(runner: &dyn Runner, bridge: &str, class: u32) -> Result<(), Error> {
    let mut batch = Batch::default();
    batch.add(format_args!("filter del dev {bridge} prio {class}"));
    batch.add(format_args!("qdisc del dev {bridge} handle {class:x}: parent 1:{class:x}"));
    batch.add(format_args!("class del dev {bridge} classid 1:{class:x}"));
    batch.run(runner)
}

/// Changes the rate of a class of a network's bridge, in KiB/s.
///
/// # Errors
/// When there is no such class.
pub fn change_rate(
    runner: &dyn Runner,
    bridge: &str,
    network: &Rate,
    class: u32,
    rate: u64,
) -> Result<(), Error> {
    let ceil = if network.peak > 0 { network.peak } else { network.average };
    let mut batch = Batch::default();
    batch.add(format_args!(
        "class change dev {bridge} classid 1:{class:x} htb rate {}kbps ceil {ceil}kbps quantum {}",
        rate.max(1),
        quantum(rate)
    ));
    batch.run(runner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Recorder;

    #[test]
    fn a_networks_bridge_has_a_tree_and_a_policer() {
        let recorder = Recorder::default();
        let rates = Bandwidth {
            inbound: Some(Rate { average: 1000, peak: 5000, burst: 5120, floor: 0 }),
            outbound: Some(Rate { average: 128, peak: 256, burst: 256, floor: 0 }),
        };
        rates.set(&recorder, "virbr7", true, false).unwrap();
        let asked = recorder.asked();
        let batch = String::from_utf8(asked.last().unwrap().stdin.clone()).unwrap();
        let lines: Vec<&str> = batch.lines().collect();
        assert_eq!(
            lines,
            [
                "qdisc add dev virbr7 root handle 1: htb default 2",
                "class add dev virbr7 parent 1: classid 1:1 htb rate 1000kbps ceil 5000kbps quantum 85",
                "class add dev virbr7 parent 1:1 classid 1:2 htb rate 1000kbps ceil 5000kbps burst 5120kb quantum 85",
                "qdisc add dev virbr7 parent 1:2 handle 2: sfq perturb 10",
                "filter add dev virbr7 parent 1:0 protocol all prio 1 handle 1 fw flowid 1",
                "qdisc add dev virbr7 ingress",
                "filter add dev virbr7 parent ffff: protocol all u32 match u32 0 0 police rate 128kbps burst 256kb mtu 64kb drop flowid :1",
            ]
        );
    }

    #[test]
    fn a_guest_gets_its_class() {
        let recorder = Recorder::default();
        let network = Rate { average: 1000, ..Rate::default() };
        plug(&recorder, "b", &network, [0x52, 0x54, 0, 1, 2, 3], 100, 3).unwrap();
        let batch = String::from_utf8(recorder.asked().last().unwrap().stdin.clone()).unwrap();
        assert!(batch.starts_with("class add dev b parent 1:1 classid 1:3 htb rate 100kbps ceil 1000kbps"));
        assert!(batch.contains("match u32 0x00010203 0xffffffff at -12 match u16 0x5254 0xffff at -14"));
        assert_eq!(batch.lines().count(), 3);
    }
}
