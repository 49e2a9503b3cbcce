//! The order devices have in a definition, whatever the document's: controllers of one kind by index, disks
//! of one bus by name, the primary video card first.

use std::collections::HashMap;
use std::hash::Hash;

use crate::domain::Devices;
use crate::domain::device::controller::Controller;
use crate::domain::device::disk::{Disk, DiskBus, name_index};
use crate::domain::device::video::Video;

/// Brings the devices of a document into their order.
pub fn arrange(devices: &mut Devices) {
    let disks = std::mem::take(&mut devices.disks);
    insert(&mut devices.disks, disks, disk_place);
    arrange_controllers(&mut devices.controllers);
    let (primary, others): (Vec<_>, Vec<_>) =
        std::mem::take(&mut devices.videos).into_iter().partition(is_primary);
    // each primary one went in front of those before it
    devices.videos.extend(primary.into_iter().rev().chain(others));
}

/// Brings controllers into their order.
pub(super) fn arrange_controllers(controllers: &mut Vec<Controller>) {
    let list = std::mem::take(controllers);
    insert_controllers(controllers, list);
}

/// Puts a disk behind those of its bus that come before it by name; the first of a bus goes to the end.
pub fn insert_disk(disks: &mut Vec<Disk>, disk: Disk) {
    insert(disks, vec![disk], disk_place);
}

/// Puts a controller behind those of its kind that have a lower index. A USB2 controller goes before the
/// companions that have its index.
pub fn insert_controller(controllers: &mut Vec<Controller>, controller: Controller) {
    insert_controllers(controllers, vec![controller]);
}

/// Puts in one controller after the other, as [`insert_controller`] does.
pub fn insert_controllers(controllers: &mut Vec<Controller>, new: Vec<Controller>) {
    insert(controllers, new, |controller| {
        (controller.kind.tag(), controller.index.map(|index| (index, controller.info.master.is_some())))
    });
}

/// Puts a video card at the end, the primary one in front.
pub fn insert_video(videos: &mut Vec<Video>, video: Video) {
    match is_primary(&video) {
        true => videos.insert(0, video),
        false => videos.push(video),
    }
}

fn is_primary(video: &Video) -> bool {
    video.model.primary.is_some_and(|p| p.is_true())
}

fn disk_place(disk: &Disk) -> (Option<DiskBus>, Option<i64>) {
    (disk.bus(), Some(name_index(disk.dst()).map_or(-1, i64::from)))
}

/// What is known of the items of one group while others are put in.
struct Group<K> {
    /// Groups are numbered as they appear.
    rank: usize,
    /// The place behind the last one; the end of the list for a group that is new.
    end: usize,
    /// Each item with a higher key than all before it, with its place: new ones go before the first that is
    /// higher than they are.
    peaks: Vec<(K, usize)>,
    /// The highest key of the new ones that go to the end.
    highest: Option<K>,
}

/// Puts each of `new` into `list`, one after the other: before the first of its group that has a higher key, else
/// behind the last of the group. One without a key goes behind the last; one of a new group to the end.
///
/// One by one this would take time with the square of the list's length. So the place of each is worked out first,
/// in the list as it is; those with one place are in order of their keys there.
fn insert<T, G: Hash + Eq, K: Ord + Copy>(
    list: &mut Vec<T>,
    new: Vec<T>,
    place: impl Fn(&T) -> (G, Option<K>),
) {
    let mut groups: HashMap<G, Group<K>> = HashMap::new();
    for (at, item) in list.iter().enumerate() {
        let (name, key) = place(item);
        let rank = groups.len();
        let group =
            groups.entry(name).or_insert_with(|| Group { rank, end: 0, peaks: Vec::new(), highest: None });
        group.end = at + 1;
        if let Some(key) = key.filter(|key| group.peaks.last().is_none_or(|(peak, _)| key > peak)) {
            group.peaks.push((key, at));
        }
    }
    let old = list.len();
    let mut placed = Vec::with_capacity(new.len());
    for item in new {
        let (name, key) = place(&item);
        let rank = groups.len();
        let group =
            groups.entry(name).or_insert_with(|| Group { rank, end: old, peaks: Vec::new(), highest: None });
        let higher =
            key.and_then(|key| group.peaks.get(group.peaks.partition_point(|(peak, _)| *peak <= key)));
        let (at, key) = match higher {
            Some((_, at)) => (*at, key),
            None => {
                // one without a key has the place of the highest so far
                group.highest = group.highest.max(key);
                (group.end, key.or(group.highest))
            }
        };
        placed.push(((at, group.rank, key), item));
    }
    placed.sort_by_key(|(place, _)| *place);
    let mut placed = placed.into_iter().peekable();
    let mut merged = Vec::with_capacity(old + placed.len());
    for (at, item) in std::mem::take(list).into_iter().enumerate() {
        while let Some((_, new)) = placed.next_if(|((place, ..), _)| *place <= at) {
            merged.push(new);
        }
        merged.push(item);
    }
    merged.extend(placed.map(|(_, item)| item));
    *list = merged;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::insert;

    type Item = (u8, Option<u8>, usize);

    /// The rule, one item at a time.
    fn one(list: &mut Vec<Item>, item: Item) {
        let mut at = None;
        for (i, current) in list.iter().enumerate().rev().filter(|(_, c)| c.0 == item.0) {
            if item.1.is_none() {
                at = Some(i + 1);
                break;
            }
            if current.1 > item.1 {
                at = Some(i);
            } else {
                at.get_or_insert(i + 1);
            }
        }
        list.insert(at.unwrap_or(list.len()), item);
    }

    proptest! {
        #[test]
        fn many_at_once_are_put_as_one_after_the_other(
            had in proptest::collection::vec((0u8..3, proptest::option::of(0u8..6)), 0..12),
            new in proptest::collection::vec((0u8..4, proptest::option::of(0u8..6)), 0..12),
        ) {
            let numbered = |list: Vec<(u8, Option<u8>)>, from: usize| -> Vec<Item> {
                list.into_iter().zip(from..).map(|((group, key), i)| (group, key, i)).collect()
            };
            // what is there may be in any order, but each group is together
            let mut had = numbered(had, 0);
            had.sort_by_key(|item| item.0);
            let new = numbered(new, 100);
            let mut expected = had.clone();
            new.iter().for_each(|item| one(&mut expected, *item));
            let mut list = had;
            insert(&mut list, new, |item| (item.0, item.1));
            prop_assert_eq!(list, expected);
        }
    }
}
