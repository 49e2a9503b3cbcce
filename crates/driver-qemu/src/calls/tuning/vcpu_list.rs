//! The vCPUs of a definition one by one, whether it lists them or only says how many are online.

use virtus_base::{Bitmap, ErrorCode, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::cpu_tune::{VcpuState, Vcpus};
use virtus_xml::YesNo;

use crate::error::{bad_argument, error};

/// More vCPUs than this are not listed one by one.
const MOST: u32 = 1 << 20;

/// A vCPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Vcpu {
    /// Whether the guest has it.
    pub(super) online: bool,
    /// Whether it is plugged in rather than there from the start; unknown of those that were never online.
    pub(super) hotpluggable: Option<bool>,
    /// In which order they came, from 1.
    pub(super) order: Option<u32>,
}

/// All vCPUs that can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VcpuList {
    pub(super) vcpus: Vec<Vcpu>,
    /// Whether the definition lists them.
    pub(super) listed: bool,
}

impl VcpuList {
    /// Those of a definition.
    pub(super) fn of(domain: &conf::Domain) -> Result<VcpuList> {
        let max = domain.vcpu.max;
        if max > MOST {
            return Err(error(ErrorCode::NO_MEMORY, ""));
        }
        if let Some(list) = domain.vcpus.as_ref().filter(|list| !list.vcpus.is_empty()) {
            let mut vcpus = vec![Vcpu::default(); usize::try_from(max).unwrap_or(0)];
            for state in &list.vcpus {
                if let Some(vcpu) = usize::try_from(state.id).ok().and_then(|id| vcpus.get_mut(id)) {
                    *vcpu = Vcpu {
                        online: state.enabled.is_true(),
                        hotpluggable: state.hotpluggable.map(|h| h.is_true()),
                        order: state.order,
                    };
                }
            }
            return Ok(VcpuList { vcpus, listed: true });
        }
        let online = domain.vcpu.online();
        let one = |id| Vcpu { online: id < online, hotpluggable: Some(id >= online), order: None };
        Ok(VcpuList { vcpus: (0..max).map(one).collect(), listed: false })
    }

    /// Writes them into the definition.
    pub(super) fn store(&self, domain: &mut conf::Domain) {
        let max = u32::try_from(self.vcpus.len()).unwrap_or(u32::MAX);
        domain.vcpu.max = max;
        let online = self.online();
        domain.vcpu.current = (online != max).then_some(online);
        let yes_no = |yes| if yes { YesNo::Yes } else { YesNo::No };
        domain.vcpus = self.listed.then(|| Vcpus {
            vcpus: (0..)
                .zip(&self.vcpus)
                .map(|(id, vcpu)| VcpuState {
                    id,
                    enabled: yes_no(vcpu.online),
                    hotpluggable: vcpu.hotpluggable.map(yes_no),
                    order: vcpu.order,
                })
                .collect(),
        });
    }

    /// How many are online.
    pub(super) fn online(&self) -> u32 {
        u32::try_from(self.vcpus.iter().filter(|vcpu| vcpu.online).count()).unwrap_or(u32::MAX)
    }

    /// Has `count` of them be online: the first ones that are not, or without the last ones that are.
    pub(super) fn set_online(&mut self, count: u32, hotpluggable: bool) {
        let mut online = self.online();
        for vcpu in self.vcpus.iter_mut().filter(|vcpu| !vcpu.online) {
            if online >= count {
                break;
            }
            vcpu.online = true;
            vcpu.hotpluggable = Some(hotpluggable);
            self.listed |= hotpluggable;
            online += 1;
        }
        for vcpu in self.vcpus.iter_mut().rev().filter(|vcpu| vcpu.online) {
            if online <= count {
                break;
            }
            vcpu.online = false;
            vcpu.hotpluggable = Some(true);
            vcpu.order = None;
            online -= 1;
        }
    }

    /// Turns single ones on or off.
    pub(super) fn set(&mut self, which: &Bitmap, online: bool) {
        self.listed = true;
        self.vcpus.iter_mut().for_each(|vcpu| vcpu.order = None);
        for index in which.iter() {
            if let Some(vcpu) = self.vcpus.get_mut(index) {
                vcpu.online = online;
                vcpu.hotpluggable = Some(true);
            }
        }
    }

    /// Whether single ones of a persistent definition can be turned on or off.
    pub(super) fn may_set(&self, which: &Bitmap) -> Result<()> {
        let absent = |index: usize| bad_argument(format!("vcpu {index} is not present in persistent config"));
        for index in which.iter() {
            if index >= self.vcpus.len() {
                return Err(absent(index));
            }
        }
        let Some(first) = which.iter().next() else { return Ok(()) };
        if first == 0 {
            return Err(bad_argument("vCPU '0' can't be modified"));
        }
        let mut after = self.vcpus.iter().enumerate().skip(first);
        let fixed = |(index, vcpu): (usize, &Vcpu)| {
            !which.contains(index) && vcpu.online && vcpu.hotpluggable == Some(false)
        };
        match after.any(fixed) {
            true => Err(bad_argument(format!(
                "vcpu '{first}' can't be modified as it is followed by non-hotpluggable online vcpus"
            ))),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain() -> conf::Domain {
        let xml = "<domain type='qemu'><name>g</name><memory>1024</memory><vcpu current='2'>4</vcpu>\
            <os><type arch='x86_64'>hvm</type></os></domain>";
        conf::Domain::parse(xml, &conf::ParseOptions::default()).unwrap()
    }

    fn text(list: &VcpuList) -> String {
        let letter = |v: &Vcpu| match (v.online, v.hotpluggable) {
            (true, Some(true)) => 'H',
            (true, _) => 'O',
            (false, Some(true)) => 'h',
            (false, _) => '-',
        };
        list.vcpus.iter().map(letter).collect()
    }

    #[test]
    fn counting_up_and_down() {
        let mut domain = domain();
        let mut list = VcpuList::of(&domain).unwrap();
        assert_eq!((text(&list).as_str(), list.listed), ("OOhh", false));
        list.set_online(3, true);
        assert_eq!((text(&list).as_str(), list.listed), ("OOHh", true));
        list.set_online(1, false);
        assert_eq!(text(&list), "Ohhh");
        list.set_online(2, false);
        assert_eq!(text(&list), "OOhh");
        list.store(&mut domain);
        assert_eq!(domain.vcpu.current, Some(2));
        assert_eq!(VcpuList::of(&domain).unwrap(), list);
        list.set_online(4, false);
        list.store(&mut domain);
        assert_eq!(domain.vcpu.current, None);
    }

    #[test]
    fn single_ones_stay_in_order() {
        let mut list = VcpuList::of(&domain()).unwrap();
        let set = |text| Bitmap::parse(text).unwrap();
        let why = |list: &VcpuList, which| list.may_set(&set(which)).unwrap_err().message().to_owned();
        assert_eq!(why(&list, "0"), "invalid argument: vCPU '0' can't be modified");
        assert_eq!(why(&list, "9"), "invalid argument: vcpu 9 is not present in persistent config");
        list.may_set(&set("3")).unwrap();
        list.set(&set("3"), true);
        assert_eq!(text(&list), "OOhH");
        list.set_online(4, false);
        assert_eq!(
            why(&list, "1"),
            "invalid argument: vcpu '1' can't be modified as it is followed by non-hotpluggable online vcpus"
        );
    }
}
