//! A domain's QEMU while it runs, and the job that allows to change it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::watch;
use virtus_base::Result;
use virtus_conf::domain::cpu::Cpu;
use virtus_conf::domain::misc::PerfEventName;
use virtus_host::process::{Counter, Process};
use virtus_qmp::{Agent, Monitor};
use virtus_state::gate::Guard;
use virtus_state::lock;

use super::Domain;
use super::transition::StopReason;
use crate::error::{error, invalid};
use crate::stats::Samples;

/// A domain's QEMU.
#[derive(Debug)]
pub struct Running {
    /// The domain's number.
    pub id: i32,
    /// The process.
    pub process: Process,
    /// The domain's own directory.
    pub lib_dir: PathBuf,
    /// Its channels' sockets.
    pub channel_dir: PathBuf,
    /// What the emulator can do, by libvirt's names: for status files.
    pub capabilities: Arc<Vec<String>>,
    /// The last figures QEMU gave.
    pub samples: Samples,
    pub(crate) monitor: OnceLock<Monitor>,
    original_cpu: OnceLock<Cpu>,
    vcpus: Mutex<Vec<(u32, i32)>>,
    counters: Mutex<HashMap<PerfEventName, Counter>>,
    stop: Mutex<Option<StopReason>>,
    pub(crate) gone: watch::Sender<bool>,
    /// The start has not come to its end yet.
    pub(crate) starting: AtomicBool,
    /// Whether a shutdown is to be a reboot.
    pub(crate) fake_reboot: AtomicBool,
    /// For which reason the next stop or resume of the CPUs is; -1 when nobody asked for it.
    pub(crate) pause_reason: AtomicI32,
    pub(crate) resume_reason: AtomicI32,
    /// The highest number that an image of the guest has had: names of block nodes are not used twice.
    pub(crate) last_image: AtomicU32,
    /// Calls that wait until the guest has given a device up, by the device's alias.
    pub(crate) unplugs: Mutex<HashMap<String, tokio::sync::oneshot::Sender<Unplugged>>>,
    pub(crate) agent: Mutex<AgentSlot>,
    pub(crate) agent_timeout: AtomicI32,
    /// Consoles that somebody has open, by path, each with what makes its present user let go.
    pub(crate) consoles: Mutex<HashMap<String, Arc<tokio::sync::Notify>>>,
    /// The connection whose end is the domain's.
    pub(crate) autodestroy: Mutex<Option<virtus_api::ConnectionId>>,
}

/// What became of a device that the guest was asked to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unplugged {
    /// It is gone.
    Gone,
    /// The guest wants to keep it.
    Kept,
}

/// The agent in the guest.
#[derive(Debug, Default)]
pub struct AgentSlot {
    /// Whether something in the guest has the channel open; unknown until QEMU says so.
    pub connected: bool,
    /// The conversation, once there was one.
    pub agent: Option<Agent>,
}

impl Running {
    pub(crate) fn new(
        id: i32,
        process: Process,
        lib_dir: PathBuf,
        channel_dir: PathBuf,
        capabilities: Arc<Vec<String>>,
    ) -> Self {
        Running {
            id,
            process,
            lib_dir,
            channel_dir,
            capabilities,
            samples: Samples::default(),
            monitor: OnceLock::new(),
            original_cpu: OnceLock::new(),
            vcpus: Mutex::new(Vec::new()),
            counters: Mutex::default(),
            stop: Mutex::new(None),
            gone: watch::Sender::new(false),
            starting: AtomicBool::new(true),
            fake_reboot: AtomicBool::new(false),
            pause_reason: AtomicI32::new(-1),
            resume_reason: AtomicI32::new(-1),
            last_image: AtomicU32::new(0),
            unplugs: Mutex::default(),
            agent: Mutex::default(),
            agent_timeout: AtomicI32::new(super::status::AGENT_TIMEOUT_BLOCK),
            consoles: Mutex::default(),
            autodestroy: Mutex::new(None),
        }
    }

    /// The monitor, for commands that only look. Commands that change something go through a job's guard.
    ///
    /// # Errors
    /// When there is none yet.
    pub(crate) fn queries(&self) -> Result<&Monitor> {
        self.monitor.get().ok_or_else(|| invalid("domain is not running"))
    }

    /// Looks at the counter of an event, if there is one.
    pub(crate) fn counter<T>(&self, name: PerfEventName, look: impl FnOnce(&Counter) -> T) -> Option<T> {
        lock(&self.counters).get(&name).map(look)
    }

    /// Puts a counter in place, or takes it away.
    pub(crate) fn count(&self, name: PerfEventName, counter: Option<Counter>) {
        let mut counters = lock(&self.counters);
        match counter {
            Some(counter) => counters.insert(name, counter),
            None => counters.remove(&name),
        };
    }

    /// The CPU of the definition it was started from; what it migrates with.
    pub fn original_cpu(&self) -> Option<&Cpu> {
        self.original_cpu.get()
    }

    pub(crate) fn note_original_cpu(&self, cpu: Cpu) {
        // it is noted once
        let _ = self.original_cpu.set(cpu);
    }

    /// The threads that are vCPUs.
    pub fn vcpus(&self) -> Vec<(u32, i32)> {
        lock(&self.vcpus).clone()
    }

    pub(crate) fn set_vcpus(&self, vcpus: Vec<(u32, i32)>) {
        *lock(&self.vcpus) = vcpus;
    }

    /// Notes why QEMU is going to end; the first one to say so is right, but for a plain shutdown, which a
    /// destroy overrules.
    pub fn set_stop(&self, reason: StopReason) {
        let mut stop = lock(&self.stop);
        if stop.is_none() || (*stop == Some(StopReason::Shutdown) && reason == StopReason::Destroyed) {
            *stop = Some(reason);
        }
    }

    /// Why QEMU ends, if anybody wanted it.
    pub fn stop_reason(&self) -> Option<StopReason> {
        *lock(&self.stop)
    }

    /// Whether the start has not come to its end yet.
    pub fn is_starting(&self) -> bool {
        self.starting.load(Ordering::Acquire)
    }

    /// Waits until QEMU has ended and everything of it is cleaned up.
    pub async fn gone(&self) {
        let mut gone = self.gone.subscribe();
        // the sender lives as long as this
        let _ = gone.wait_for(|gone| *gone).await;
    }
}

/// A domain's QEMU and the job that allows to change it.
#[derive(Debug)]
pub struct Job {
    /// The domain.
    pub domain: Arc<Domain>,
    guard: Guard,
}

impl Job {
    pub(crate) fn new(domain: Arc<Domain>, guard: Guard) -> Job {
        Job { domain, guard }
    }

    /// The QEMU.
    ///
    /// # Errors
    /// When the domain does not run.
    pub fn running(&self) -> Result<Arc<Running>> {
        self.domain.running()
    }

    /// The monitor.
    ///
    /// # Errors
    /// When the domain does not run.
    pub fn monitor(&self) -> Result<Monitor> {
        Ok(self.running()?.queries()?.clone())
    }

    /// Runs a command.
    ///
    /// # Errors
    /// libvirt's, also when the domain is destroyed meanwhile.
    pub async fn execute<C: virtus_qmp::Command>(&self, command: &C) -> Result<C::Reply> {
        let monitor = self.monitor()?;
        self.run(async { Ok(monitor.execute_within(command, None).await?) }).await
    }

    /// Runs `work` unless the domain is destroyed meanwhile.
    ///
    /// # Errors
    /// That of `work`, or that the domain is gone.
    pub async fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match self.guard.unless_cancelled(work).await {
            Ok(result) => result,
            Err(_) => Err(error(virtus_base::ErrorCode::OPERATION_FAILED, "domain is no longer running")),
        }
    }
}
