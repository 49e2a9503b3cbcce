//! Names and addresses for a network's guests: its dnsmasq, started, told of changes, found again and ended.

mod hosts;
mod line;
mod settings;

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use virtus_base::{Error, ErrorDomain, Result};
use virtus_conf::network::{Ip, Network};
use virtus_host::program::{self, Program, run_blocking};
use virtus_state::file::{self, Durability};

use crate::live::remove;
use crate::{Shared, bridge};

/// How long dnsmasq may take to start.
const START: Duration = Duration::from_secs(30);
/// How long it may take to end, having been asked to.
const END: Duration = Duration::from_secs(2);

/// A change that a running dnsmasq has to learn of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Of the files of hosts, which it reads anew when told to.
    Hosts,
    /// Of its settings, which it reads when it starts.
    Settings,
}

/// The files of a network's dnsmasq.
struct Files {
    settings: PathBuf,
    hosts: PathBuf,
    names: PathBuf,
    pid: PathBuf,
}

/// Whether a network has a dnsmasq.
pub(crate) fn wanted(network: &Network) -> bool {
    use virtus_xml::YesNo;
    let serves = network.ips.iter().any(|ip| ip.dhcp.is_some() || ip.tftp_root.is_some());
    network.has_own_bridge() && !network.ips.is_empty() && (serves || network.dns.enable != Some(YesNo::No))
}

/// Whether addresses are given to a network's guests.
pub(crate) fn serves_addresses(network: &Network) -> bool {
    network.ips.iter().any(serves)
}

fn serves(ip: &Ip) -> bool {
    ip.dhcp.as_ref().is_some_and(|dhcp| !dhcp.ranges.is_empty() || !dhcp.hosts.is_empty())
}

impl Shared {
    fn dnsmasq_files(&self, name: &str) -> Files {
        let file = |suffix: &str| self.setup.dnsmasq.join(format!("{name}.{suffix}"));
        Files {
            settings: file("conf"),
            hosts: file("hostsfile"),
            names: file("addnhosts"),
            pid: self.setup.state.join(format!("{name}.pid")),
        }
    }

    /// Where the leases of a bridge's guests are.
    pub(crate) fn lease_file(&self, bridge: &str) -> PathBuf {
        self.setup.dnsmasq.join(format!("{bridge}.status"))
    }

    /// Starts a network's dnsmasq, if it is to have one.
    ///
    /// # Errors
    /// What is wrong with its settings, or what dnsmasq said.
    pub(crate) fn start_dnsmasq(&self, network: &Network) -> Result<()> {
        if !wanted(network) {
            return Ok(());
        }
        self.write_files(network)?;
        let bridge = bridge::name(network)?;
        let files = self.dnsmasq_files(&network.name);
        remove(&files.pid);
        let leases = self.lease_file(bridge);
        if serves_addresses(network) && !leases.exists() {
            write(&leases, "", 0o644)?;
        }
        let binary = program::find_in_path(Path::new("dnsmasq")).ok_or_else(|| {
            crate::error(virtus_base::ErrorCode::OPERATION_UNSUPPORTED, "Cannot find 'dnsmasq' in path")
        })?;
        let mut program = Program::new(binary)
            .arg(format!("--conf-file={}", files.settings.display()))
            .arg("--leasefile-ro")
            .arg(format!("--dhcp-script={}", self.setup.lease_program.display()))
            .timeout(START);
        program.env.push(("VIR_BRIDGE_NAME".into(), bridge.into()));
        // it goes into the background when it is ready, and says before that what is wrong
        let output = run_blocking(self.runner(), &program)?;
        output.success(&program).map(drop).inspect_err(|_| remove(&files.pid))
    }

    fn write_files(&self, network: &Network) -> Result<()> {
        let files = self.dnsmasq_files(&network.name);
        let settings = settings::Settings {
            network,
            bridge: bridge::name(network)?,
            pid_file: &files.pid,
            hosts_file: &files.hosts,
            names_file: &files.names,
        };
        // all of it is made before any of it is written
        let (settings, hosts, names) = (settings.text()?, hosts::addresses(network)?, hosts::names(network)?);
        write(&files.hosts, &hosts, 0o644)?;
        write(&files.names, &names, 0o644)?;
        write(&files.settings, &settings, 0o600)
    }

    /// Tells a network's dnsmasq of a change.
    ///
    /// # Errors
    /// As [`Shared::start_dnsmasq`].
    pub(crate) fn refresh_dnsmasq(&self, network: &Network, change: Change) -> Result<()> {
        let running = self.dnsmasq(&network.name);
        match (change, running) {
            (Change::Hosts, Some(process)) if wanted(network) => {
                self.write_files(network)?;
                process.signal(Signal::HUP)
            }
            (_, running) => {
                if let Some(process) = running {
                    process.end();
                }
                self.start_dnsmasq(network)
            }
        }
    }

    /// Ends a network's dnsmasq, if there is one.
    pub(crate) fn stop_dnsmasq(&self, name: &str) {
        if let Some(process) = self.dnsmasq(name) {
            process.end();
        }
        remove(&self.dnsmasq_files(name).pid);
    }

    /// A network's dnsmasq, if it runs.
    pub(crate) fn dnsmasq(&self, name: &str) -> Option<Dnsmasq> {
        let files = self.dnsmasq_files(name);
        let pid: i32 = std::fs::read_to_string(&files.pid).ok()?.trim().parse().ok()?;
        Dnsmasq::find(pid, &files.settings)
    }

    /// Ends every dnsmasq that an earlier daemon left half way: whose number it had not written yet, or whose network
    /// is not among those that run.
    pub(crate) fn end_strays(&self, running: &[&str]) {
        let prefix = format!("--conf-file={}/", self.setup.dnsmasq.display());
        let world = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok();
        let own = world("self");
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        for name in processes.filter_map(|e| e.file_name().into_string().ok()) {
            let Ok(pid) = name.parse::<i32>() else { continue };
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let network = line.split(|b| *b == 0).find_map(|arg| {
                let arg = std::str::from_utf8(arg).ok()?;
                arg.strip_prefix(&prefix)?.strip_suffix(".conf").map(str::to_owned)
            });
            // another network namespace's has the same files only by its name
            let Some(network) = network.filter(|_| world(&name) == own) else { continue };
            let kept =
                self.dnsmasq(&network).map(|known| known.pid).filter(|_| running.contains(&network.as_str()));
            if kept.is_some() && (kept == Some(pid) || kept == parent(pid)) {
                continue;
            }
            if let Some(stray) = Dnsmasq::find(pid, &self.dnsmasq_files(&network).settings) {
                tracing::warn!("ending process {pid}, a dnsmasq of network '{network}' that nobody knows of");
                stray.end();
            }
        }
    }

    /// Removes what a network's dnsmasq read.
    pub(crate) fn remove_dnsmasq_settings(&self, name: &str) {
        let files = self.dnsmasq_files(name);
        for path in [&files.settings, &files.hosts, &files.names, &files.pid] {
            remove(path);
        }
    }

    /// Removes all that is kept of a network's guests' names and addresses.
    pub(crate) fn remove_dnsmasq_files(&self, network: &Network) {
        self.remove_dnsmasq_settings(&network.name);
        if let Some(bridge) = &network.bridge.name {
            remove(&self.lease_file(bridge));
            remove(&self.mac_file(bridge));
        }
    }
}

fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    file::write(path, text.as_bytes(), mode, Durability::Process).map_err(|e| {
        Error::system(ErrorDomain::NETWORK, format!("cannot write config file '{}'", path.display()), &e)
    })
}

/// The process that started another one: dnsmasq has one of its own that runs programs for it.
fn parent(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// A running dnsmasq, held so that its number cannot come to mean another process.
#[derive(Debug)]
pub(crate) struct Dnsmasq {
    pidfd: std::os::fd::OwnedFd,
    pid: i32,
}

impl Dnsmasq {
    fn find(pid: i32, settings: &Path) -> Option<Dnsmasq> {
        let pidfd = pidfd_open(Pid::from_raw(pid).filter(|_| pid > 1)?, PidfdFlags::empty()).ok()?;
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let wanted = format!("--conf-file={}", settings.display());
        line.split(|b| *b == 0).any(|arg| arg == wanted.as_bytes()).then_some(Dnsmasq { pidfd, pid })
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        pidfd_send_signal(&self.pidfd, signal).map_err(|e| {
            Error::system(ErrorDomain::NETWORK, format!("cannot signal dnsmasq ({})", self.pid), &e.into())
        })
    }

    /// Has it end, and waits for that.
    fn end(self) {
        for (signal, patience) in [(Signal::TERM, END), (Signal::KILL, END)] {
            if self.signal(signal).is_err() || self.ended(patience) {
                return;
            }
        }
        tracing::warn!("dnsmasq ({}) does not end", self.pid);
    }

    fn ended(&self, patience: Duration) -> bool {
        let limit = rustix::event::Timespec {
            tv_sec: i64::try_from(patience.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: patience.subsec_nanos().into(),
        };
        let mut watched = [PollFd::from_borrowed_fd(self.pidfd.as_fd(), PollFlags::IN)];
        // an error is as good as an end: there is nothing to wait for
        !matches!(poll(&mut watched, Some(&limit)), Ok(0))
    }
}
