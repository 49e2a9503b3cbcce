//! The protocol, the machine's run state, descriptors, and what QEMU says of itself.

use serde_json::Value;

use super::{Done, commands, replies};
use crate::message::Version;

commands! {
    /// Ends negotiation; the first command on every monitor.
    QmpCapabilities = "qmp_capabilities" {} -> Done;
    /// QEMU's version.
    QueryVersion = "query-version" {} -> Version;
    /// The machine's run state.
    QueryStatus = "query-status" {} -> StatusInfo;
    /// Stops the CPUs.
    Stop = "stop" {} -> Done;
    /// Lets the CPUs run.
    Cont = "cont" {} -> Done;
    /// Presses the power button.
    SystemPowerdown = "system_powerdown" {} -> Done;
    /// Presses the reset button.
    SystemReset = "system_reset" {} -> Done;
    /// Wakes a suspended guest.
    SystemWakeup = "system_wakeup" {} -> Done;
    /// Ends QEMU.
    Quit = "quit" {} -> Done;
    /// Says what QEMU does on guest events.
    SetAction = "set-action" {} optional { reboot: String, shutdown: String, panic: String, watchdog: String } -> Done;
    /// Sends a non-maskable interrupt.
    InjectNmi = "inject-nmi" {} -> Done;
    /// Makes the guest's clock drop missed ticks.
    RtcResetReinjection = "rtc-reset-reinjection" {} -> Done;
    /// The machine's UUID.
    QueryUuid = "query-uuid" {} -> Uuid;
    /// The machine's name.
    QueryName = "query-name" {} -> Name;
    /// Whether QEMU has KVM and uses it.
    QueryKvm = "query-kvm" {} -> Kvm;
    /// The architecture emulated.
    QueryTarget = "query-target" {} -> Target;
    /// Machine types.
    QueryMachines = "query-machines" {} -> Vec<Machine>;
    /// What the running machine can do.
    QueryCurrentMachine = "query-current-machine" {} -> CurrentMachine;
    /// The names of all commands.
    QueryCommands = "query-commands" {} -> Vec<Named>;
    /// The whole protocol's schema.
    QueryQmpSchema = "query-qmp-schema" {} -> Vec<Value>;
    /// QEMU's options with their parameters.
    QueryCommandLineOptions = "query-command-line-options" {} optional { option: String } -> Vec<CommandLineOption>;
    /// I/O threads.
    QueryIothreads = "query-iothreads" {} -> Vec<Iothread>;
    /// The features of the TPM backends compiled in.
    QueryTpmTypes = "query-tpm-types" {} -> Vec<String>;
    /// TPM models compiled in.
    QueryTpmModels = "query-tpm-models" {} -> Vec<String>;
    /// Runs a command of the human monitor.
    HumanMonitorCommand = "human-monitor-command" { command_line: String } optional { cpu_index: i64 } -> String;
    /// Takes the descriptor sent with it under a name.
    Getfd = "getfd" { fdname: String } -> Done;
    /// Closes a descriptor taken with [`Getfd`].
    Closefd = "closefd" { fdname: String } -> Done;
    /// Puts the descriptor sent with it into a set.
    AddFd = "add-fd" {} optional { fdset_id: u64, opaque: String } -> AddedFd;
    /// Closes a set's descriptor, or all of it.
    RemoveFd = "remove-fd" { fdset_id: u64 } optional { fd: i64 } -> Done;
    /// All sets of descriptors.
    QueryFdsets = "query-fdsets" {} -> Vec<Fdset>;
    /// Writes the guest's memory to a file.
    DumpGuestMemory = "dump-guest-memory" { paging: bool, protocol: String }
        optional { detach: bool, begin: i64, length: i64, format: String } -> Done;
    /// How a dump goes.
    QueryDump = "query-dump" {} -> Dump;
    /// Formats a dump may have.
    QueryDumpGuestMemoryCapability = "query-dump-guest-memory-capability" {} -> DumpCapability;
}

replies! {
    /// Reply of [`QueryStatus`]; `status` e.g. `running`, `paused`, `prelaunch`, `inmigrate`, `shutdown`.
    StatusInfo { running: bool, status: String }
    /// Reply of [`QueryUuid`].
    Uuid { #[serde(rename = "UUID")] uuid: String }
    /// Reply of [`QueryName`].
    Name { name: Option<String> }
    /// Reply of [`QueryKvm`].
    Kvm { enabled: bool, present: bool }
    /// Reply of [`QueryTarget`], e.g. `x86_64`.
    Target { arch: String }
    /// A machine type.
    Machine {
        name: String, alias: Option<String>, is_default: Option<bool>, cpu_max: u32, hotpluggable_cpus: bool,
        numa_mem_supported: Option<bool>, deprecated: Option<bool>, default_cpu_type: Option<String>,
        default_ram_id: Option<String>, acpi: Option<bool>,
    }
    /// Reply of [`QueryCurrentMachine`].
    CurrentMachine { wakeup_suspend_support: bool }
    /// Something with a name only.
    Named { name: String }
    /// An option of QEMU's command line.
    CommandLineOption { option: String, parameters: Vec<CommandLineParameter> }
    /// A parameter of an option.
    CommandLineParameter { name: String, r#type: String, help: Option<String>, default: Option<String> }
    /// An I/O thread; times in ns.
    Iothread { id: String, thread_id: i64, poll_max_ns: i64, poll_grow: i64, poll_shrink: i64, aio_max_batch: Option<i64> }
    /// Reply of [`AddFd`]: the set and QEMU's own number of the descriptor.
    AddedFd { fdset_id: u64, fd: i64 }
    /// A set of descriptors.
    Fdset { fdset_id: u64, fds: Vec<FdsetFd> }
    /// A descriptor in a set.
    FdsetFd { fd: i64, opaque: Option<String> }
    /// Reply of [`QueryDump`]; sizes in bytes.
    Dump { status: String, completed: u64, total: u64 }
    /// Reply of [`QueryDumpGuestMemoryCapability`].
    DumpCapability { formats: Vec<String> }
}
