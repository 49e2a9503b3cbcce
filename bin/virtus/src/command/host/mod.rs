//! Commands about the host and the hypervisor.

mod capabilities;
mod cpu;
mod identity;
mod memory;
mod node;
mod nodecpu;
mod nodeinfo;
mod version;

pub(crate) use nodecpu::cpu_count;

use super::Group;

pub(crate) static GROUP: Group = Group {
    name: "Host and Hypervisor",
    keyword: "host",
    commands: &[
        &memory::ALLOCPAGES,
        &capabilities::CAPABILITIES,
        &cpu::BASELINE,
        &cpu::COMPARE,
        &cpu::MODELS,
        &capabilities::DOMCAPABILITIES,
        &memory::FREECELL,
        &memory::FREEPAGES,
        &identity::HOSTNAME,
        &cpu::HYPERVISOR_BASELINE,
        &cpu::HYPERVISOR_COMPARE,
        &cpu::HYPERVISOR_MODELS,
        &cpu::MAXVCPUS,
        &memory::TUNE,
        &nodecpu::CPUMAP,
        &nodecpu::CPUSTATS,
        &nodeinfo::COMMAND,
        &nodecpu::MEMSTATS,
        &node::SEV,
        &node::SUSPEND,
        &identity::SYSINFO,
        &identity::URI,
        &version::COMMAND,
    ],
};
