//! The CPU of this host.

use std::sync::LazyLock;

use virtus_conf::host_cpu::{Counter, CounterName};
use virtus_cpu::x86::{self, Data, Leaf};
use virtus_cpu::{Definition, Kind};
use virtus_host::node::{KvmFacts, arch_capabilities, cpuid_leaves, microcode_version};
use virtus_xml::YesNo;

/// What is known of this host's CPU. It does not change while the daemon runs.
#[derive(Debug)]
pub(crate) struct NodeCpu {
    /// What it has; `None` where it does not say.
    pub data: Option<Data>,
    /// The version of its microcode, as the kernel tells it.
    pub microcode: Option<u32>,
    /// Its time stamp counter, when that is invariant.
    pub tsc: Option<Counter>,
    /// How wide its physical addresses are.
    pub physical_bits: Option<u32>,
    /// What KVM offers.
    pub kvm: Option<KvmFacts>,
}

/// This host's CPU.
pub(crate) fn node_cpu() -> &'static NodeCpu {
    static CPU: LazyLock<NodeCpu> = LazyLock::new(NodeCpu::find);
    &CPU
}

impl NodeCpu {
    fn find() -> NodeCpu {
        let kvm = KvmFacts::probe();
        let leaves: Vec<Leaf> = cpuid_leaves()
            .iter()
            .map(|l| Leaf { asked: (l.leaf, l.subleaf), registers: [l.eax, l.ebx, l.ecx, l.edx] })
            .collect();
        let immunities = arch_capabilities().or_else(|| kvm.as_ref().and_then(|kvm| kvm.arch_capabilities));
        let msrs: Vec<(u32, u64)> =
            immunities.map(|value| (x86::ARCH_CAPABILITIES, value)).into_iter().collect();
        let data = (!leaves.is_empty()).then(|| Data::from_cpu(&leaves, &msrs));
        let invariant = data.as_ref().is_some_and(|data| data.has("invtsc"));
        let tsc = kvm.as_ref().and_then(|kvm| kvm.tsc).filter(|_| invariant).map(|tsc| Counter {
            name: CounterName::Tsc,
            frequency: tsc.frequency,
            scaling: Some(if tsc.scaling { YesNo::Yes } else { YesNo::No }),
        });
        let widths = leaves.iter().find(|leaf| leaf.asked == (0x8000_0008, 0));
        NodeCpu {
            data,
            microcode: microcode_version(),
            tsc,
            physical_bits: widths.map(|leaf| leaf.registers[0] & 0xff).filter(|bits| *bits > 0),
            kvm,
        }
    }

    /// The CPU as a model with features.
    pub(crate) fn definition(&self, kind: Kind) -> Option<Definition> {
        let data = self.data.as_ref()?;
        let mut cpu = x86::decode(data, kind, None).ok()?;
        cpu.arch = Some(std::env::consts::ARCH.to_owned());
        Some(cpu)
    }
}
