//! What devices are looked at with: things the definition has elsewhere, found once for all of them.

use std::collections::{HashMap, HashSet};

use super::{memory, topology};
use crate::domain::Domain;
use crate::domain::device::video::VideoType;

/// A definition, and what the rules of its devices ask of it.
#[derive(Debug)]
pub struct Known<'a> {
    pub(super) domain: &'a Domain,
    /// Audio backends by their id: how many there are.
    pub(super) audios: HashMap<u32, usize>,
    /// The groups of limits.
    pub(super) throttle_groups: HashSet<&'a str>,
    /// The security models whose label says that nothing is relabelled.
    pub(super) fixed_labels: HashSet<Option<&'a str>>,
    /// Slots that more than one memory device has.
    pub(super) twice_used_slots: HashSet<u32>,
    /// A video card that is none, beside others.
    pub(super) none_among_videos: bool,
    /// The guest can have USB devices.
    pub(super) usb: bool,
    /// The guest is a PC; so is one of which nothing is said.
    pub(super) x86: bool,
}

impl<'a> Known<'a> {
    /// What there is in `domain`.
    pub fn of(domain: &'a Domain) -> Known<'a> {
        let devices = &domain.devices;
        let mut audios = HashMap::new();
        for audio in &devices.audios {
            *audios.entry(audio.id).or_insert(0) += 1;
        }
        let groups = domain.throttlegroups.iter().flat_map(|list| &list.groups);
        let fixed = domain.seclabels.iter().filter(|label| label.relabel.is_some_and(|r| !r.is_true()));
        let videos = &devices.videos;
        let mut slots = HashSet::new();
        let used = devices.memories.iter().filter_map(memory::slot_of);
        Known {
            domain,
            audios,
            throttle_groups: groups.filter_map(|group| group.group_name.as_deref()).collect(),
            fixed_labels: fixed.map(|label| label.model.as_deref()).collect(),
            twice_used_slots: used.filter(|slot| !slots.insert(*slot)).collect(),
            none_among_videos: videos.len() > 1
                && videos.iter().any(|video| video.model.kind == Some(VideoType::None)),
            usb: topology::has_usb(domain),
            x86: matches!(domain.os.kind.arch.as_deref(), None | Some("x86_64" | "i686")),
        }
    }
}
