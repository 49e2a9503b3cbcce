//! Commands that manage domains.

mod address;
mod attach_disk;
mod block_job;
mod console;
mod cpu_stats;
pub(crate) mod description;
mod device;
mod disk;
mod display;
mod dumpxml;
mod guest;
mod identity;
mod interface;
mod iothread;
mod jobinfo;
mod key_names;
mod keys;
mod lifecycle;
mod lxc;
mod memory;
mod migrate;
mod migrate_settings;
mod params;
mod perf;
mod pin;
mod qemu;
mod rate;
mod save;
pub(crate) mod small;
mod start;
mod throttle;
mod tuning;
mod undefine;
mod vcpu;
mod wait;

use virtus::constants::{VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE};

use super::Group;
use crate::grammar::Arguments;
use crate::shell::Outcome;

pub(crate) static GROUP: Group = Group {
    name: "Domain Management",
    keyword: "domain",
    commands: &[
        &device::ATTACH,
        &attach_disk::COMMAND,
        &interface::ATTACH,
        &start::AUTOSTART,
        &throttle::BLKDEVIOTUNE,
        &throttle::GROUP_SET,
        &throttle::GROUP_DEL,
        &throttle::GROUP_INFO,
        &throttle::GROUP_LIST,
        &tuning::BLKIOTUNE,
        &block_job::COMMIT,
        &block_job::COPY,
        &block_job::JOB,
        &block_job::PULL,
        &disk::BLOCKRESIZE,
        &disk::CHANGE_MEDIA,
        &console::COMMAND,
        &cpu_stats::COMMAND,
        &start::CREATE,
        &start::DEFINE,
        &description::DESC,
        &lifecycle::DESTROY,
        &device::DETACH,
        &device::DETACH_ALIAS,
        &disk::DETACH,
        &interface::DETACH,
        &display::DOMDISPLAY,
        &guest::FSFREEZE,
        &guest::FSTHAW,
        &guest::FSINFO,
        &guest::FSTRIM,
        &guest::HOSTNAME,
        &identity::DOMID,
        &interface::SETLINK,
        &interface::TUNE,
        &jobinfo::ABORT,
        &jobinfo::INFO,
        &small::LAUNCH_SECURITY,
        &small::SET_LAUNCH_SECURITY,
        &identity::DOMNAME,
        &identity::DOMRENAME,
        &small::PM_SUSPEND,
        &small::PM_WAKEUP,
        &identity::DOMUUID,
        &dumpxml::FROM_NATIVE,
        &dumpxml::TO_NATIVE,
        &save::DUMP,
        &dumpxml::DUMPXML,
        &dumpxml::EDIT,
        &guest::GET_KEYS,
        &small::INJECT_NMI,
        &iothread::INFO,
        &pin::IOTHREADPIN,
        &iothread::ADD,
        &iothread::SET,
        &iothread::DEL,
        &keys::SEND_KEY,
        &keys::SEND_SIGNAL,
        &lxc::COMMAND,
        &save::MANAGEDSAVE,
        &save::MANAGEDSAVE_REMOVE,
        &save::MANAGEDSAVE_EDIT,
        &save::MANAGEDSAVE_DUMPXML,
        &save::MANAGEDSAVE_DEFINE,
        &tuning::MEMTUNE,
        &perf::COMMAND,
        &description::METADATA,
        &migrate::COMMAND,
        &migrate_settings::SET_DOWNTIME,
        &migrate_settings::GET_DOWNTIME,
        &migrate_settings::COMPCACHE,
        &migrate_settings::SET_SPEED,
        &migrate_settings::GET_SPEED,
        &migrate_settings::START_POSTCOPY,
        &tuning::NUMATUNE,
        &qemu::ATTACH,
        &qemu::MONITOR_COMMAND,
        &qemu::MONITOR_EVENT,
        &qemu::AGENT_COMMAND,
        &guest::TIMEOUT,
        &lifecycle::REBOOT,
        &lifecycle::RESET,
        &save::RESTORE,
        &lifecycle::RESUME,
        &save::SAVE,
        &save::IMAGE_DEFINE,
        &save::IMAGE_DUMPXML,
        &save::IMAGE_EDIT,
        &tuning::SCHEDINFO,
        &display::SCREENSHOT,
        &small::LIFECYCLE_ACTION,
        &guest::SET_KEYS,
        &guest::SET_PASSWORD,
        &memory::SETMAXMEM,
        &memory::SETMEM,
        &vcpu::SET,
        &lifecycle::SHUTDOWN,
        &start::START,
        &lifecycle::SUSPEND,
        &display::TTYCONSOLE,
        &undefine::COMMAND,
        &device::UPDATE,
        &memory::UPDATE_DEVICE,
        &vcpu::COUNT,
        &pin::VCPUINFO,
        &pin::VCPUPIN,
        &pin::EMULATORPIN,
        &display::VNCDISPLAY,
        &vcpu::GUEST,
        &vcpu::SET_ONE,
        &wait::COMMAND,
        &disk::THRESHOLD,
        &guest::INFO,
        &small::DIRTY_RATE,
        &small::FD_ASSOCIATE,
        &display::RELOAD,
    ],
};

/// What `--config`, `--live` and `--current` say, of which the last excludes the others.
///
/// # Errors
/// They were given together.
pub(crate) fn affect(arguments: &Arguments) -> Outcome<u32> {
    arguments.exclusive("current", "live")?;
    arguments.exclusive("current", "config")?;
    Ok(arguments.flags(&[("config", VIR_DOMAIN_AFFECT_CONFIG), ("live", VIR_DOMAIN_AFFECT_LIVE)]))
}
