//! Machines without a computer: a network namespace with one card, plugged into a bridge of the world or into the
//! world itself.

use std::process::{Child, Command, Stdio};

use crate::{Outcome, World, ensure, wait_for};

/// What busybox's DHCP client runs when it has an address.
const LEASE_SCRIPT: &str = "#!/bin/sh
case $1 in bound|renew)
  ip addr flush dev $interface; ip addr add $ip/$mask dev $interface
  [ -z \"$router\" ] || ip route replace default via $router
  printf '%s' $ip > \"$VIRTUS_LEASE\";; esac
";

/// A machine; it ends with its value.
#[derive(Debug)]
pub struct Machine {
    holder: Child,
    /// The other end of its card.
    port: String,
}

impl Machine {
    /// A machine whose card has this MAC address and whose cable ends in the world as `port`.
    ///
    /// # Errors
    /// What ip says.
    pub fn new(port: &str, mac: &str) -> Outcome<Machine> {
        let holder = Command::new("unshare").args(["-n", "sleep", "1000"]).stdin(Stdio::null()).spawn()?;
        let machine = Machine { holder, port: port.to_owned() };
        let pid = machine.holder.id();
        // unshare has its namespace only a moment after it was started
        let own = std::fs::read_link("/proc/self/ns/net")?;
        wait_for("a machine's namespace", 10, || {
            Ok(std::fs::read_link(format!("/proc/{pid}/ns/net")).is_ok_and(|ns| ns != own))
        })?;
        run(&format!("ip link add {port} type veth peer name eth0 address {mac} netns {pid}"))?;
        run(&format!("ip link set {port} up"))?;
        machine.run("ip link set lo up; ip link set eth0 up")?;
        Ok(machine)
    }

    /// A machine on a bridge.
    ///
    /// # Errors
    /// What ip says.
    pub fn on(bridge: &str, port: &str, mac: &str) -> Outcome<Machine> {
        let machine = Machine::new(port, mac)?;
        run(&format!("ip link set {} master {bridge}", machine.port))?;
        Ok(machine)
    }

    fn command(&self, script: &str) -> Command {
        let pid = self.holder.id().to_string();
        let mut command = Command::new("nsenter");
        command.args(["-t", &pid, "-n", "sh", "-c", script]).stdin(Stdio::null());
        command
    }

    /// Runs a script on the machine, which must succeed.
    ///
    /// # Errors
    /// What it says.
    pub fn run(&self, script: &str) -> Outcome<String> {
        answer(&mut self.command(script), script)
    }

    /// Whether a script on the machine succeeds.
    ///
    /// # Errors
    /// That it cannot be run.
    pub fn try_run(&self, script: &str) -> Outcome<bool> {
        Ok(self.command(script).stdout(Stdio::null()).stderr(Stdio::null()).status()?.success())
    }

    /// Starts a script on the machine, whose output is read later.
    ///
    /// # Errors
    /// That it cannot be run.
    pub fn start(&self, script: &str) -> Outcome<Child> {
        Ok(self.command(script).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?)
    }

    /// Whether the machine reaches an address.
    ///
    /// # Errors
    /// That ping cannot be run.
    pub fn reaches(&self, address: &str) -> Outcome<bool> {
        self.try_run(&format!("busybox ping -c 1 -W 2 {address}"))
    }

    /// Asks for an address, and says its name; answers the address it got.
    ///
    /// # Errors
    /// That it got none.
    pub fn ask_for_address(&self, world: &World, name: &str) -> Outcome<String> {
        let script = world.file("lease-script", LEASE_SCRIPT)?;
        run(&format!("chmod +x {script}"))?;
        let lease = world.home().join(format!("lease-{}", self.port));
        let _ = std::fs::remove_file(&lease);
        let client = format!(
            "VIRTUS_LEASE={} busybox udhcpc -i eth0 -n -q -f -t 10 -T 1 -s {script} -x hostname:{name}",
            lease.display()
        );
        self.run(&client)?;
        Ok(std::fs::read_to_string(lease)?)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // its card goes with its namespace
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn answer(command: &mut Command, script: &str) -> Outcome<String> {
    let output = command.output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(output.status.success(), "{script}: {}{}", text(&output.stdout), text(&output.stderr));
    Ok(text(&output.stdout))
}

/// Runs a script in the world, which must succeed.
///
/// # Errors
/// What it says.
pub fn run(script: &str) -> Outcome<String> {
    answer(Command::new("sh").args(["-c", script]).stdin(Stdio::null()), script)
}
