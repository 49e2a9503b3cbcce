//! What the CPU says of itself.

/// One answer of the CPUID instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct CpuidLeaf {
    pub leaf: u32,
    pub subleaf: u32,
    pub eax: u32,
    pub ebx: u32,
    pub ecx: u32,
    pub edx: u32,
}

/// Leaves that have more than one answer, with the most there may be.
#[cfg(target_arch = "x86_64")]
const SUBLEAVES: &[(u32, u32)] = &[
    (0x4, 32),
    (0x7, 8),
    (0xb, 8),
    (0xd, 64),
    (0xf, 2),
    (0x10, 4),
    (0x12, 16),
    (0x14, 8),
    (0x17, 4),
    (0x18, 64),
    (0x1a, 2),
    (0x1d, 8),
    (0x1e, 2),
    (0x1f, 8),
    (0x24, 8),
    (0x8000_001d, 16),
    (0x8000_0026, 8),
];

/// All CPUID leaves of the CPU this runs on, those of a hypervisor not among them. Empty on other architectures.
///
/// The answers of some leaves (APIC ids) depend on the CPU.
#[cfg(target_arch = "x86_64")]
pub fn cpuid_leaves() -> Vec<CpuidLeaf> {
    use std::arch::x86_64::__cpuid_count;

    let ask = |leaf: u32, subleaf: u32| {
        let r = __cpuid_count(leaf, subleaf);
        CpuidLeaf { leaf, subleaf, eax: r.eax, ebx: r.ebx, ecx: r.ecx, edx: r.edx }
    };
    let mut leaves = Vec::new();
    for base in [0, 0x8000_0000, 0xc000_0000] {
        let last = ask(base, 0).eax;
        // an absent range answers with something else
        if last < base || last - base > 0xff {
            continue;
        }
        for leaf in base..=last {
            let subleaves = SUBLEAVES.iter().find(|(l, _)| *l == leaf).map_or(1, |(_, most)| *most);
            for subleaf in 0..subleaves {
                let answer = ask(leaf, subleaf);
                let empty = (answer.eax, answer.ebx, answer.ecx, answer.edx) == (0, 0, 0, 0);
                if subleaf == 0 || !empty {
                    leaves.push(answer);
                }
            }
        }
    }
    leaves
}

/// All CPUID leaves of the CPU this runs on. Empty on this architecture.
#[cfg(not(target_arch = "x86_64"))]
pub fn cpuid_leaves() -> Vec<CpuidLeaf> {
    Vec::new()
}

/// The IA32_ARCH_CAPABILITIES register (0x10a), read through the kernel's `msr` device; `None` when there is no such
/// device or register. [`super::KvmFacts`] can tell where this cannot.
pub fn arch_capabilities() -> Option<u64> {
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::open("/dev/cpu/0/msr").ok()?;
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, 0x10a).ok()?;
    Some(u64::from_le_bytes(bytes))
}

/// The version of the CPU's microcode, as /proc/cpuinfo tells it of the first CPU.
pub fn microcode_version() -> Option<u32> {
    microcode_in(&std::fs::read_to_string("/proc/cpuinfo").ok()?)
}

fn microcode_in(cpuinfo: &str) -> Option<u32> {
    let line = cpuinfo.lines().find_map(|line| line.strip_prefix("microcode"))?;
    let text = line.trim_start().strip_prefix(':')?.trim();
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn microcode_is_hexadecimal() {
        assert_eq!(microcode_in("model\t\t: 2\nmicrocode\t: 0x1000065\ncpu MHz\t: 2"), Some(16_777_317));
        assert_eq!(microcode_in("microcode: none"), None);
    }

    #[test]
    fn the_vendor_is_in_leaf_0() {
        let leaves = cpuid_leaves();
        let first = leaves[0];
        assert_eq!((first.leaf, first.subleaf), (0, 0));
        let vendor: Vec<u8> =
            [first.ebx, first.edx, first.ecx].iter().flat_map(|r| r.to_le_bytes()).collect();
        assert!(vendor.is_ascii(), "{vendor:?}");
        assert!(leaves.iter().any(|l| l.leaf == 0x8000_0001));
        assert!(leaves.len() < 400);
    }
}
