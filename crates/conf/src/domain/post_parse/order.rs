//! The order devices have in a definition, whatever the document's: controllers of one kind by index, disks
//! of one bus by name, the primary video card first.

use crate::domain::Devices;
use crate::domain::device::controller::Controller;
use crate::domain::device::disk::{Disk, name_index};
use crate::domain::device::video::Video;

/// Brings the devices of a document into their order.
pub fn arrange(devices: &mut Devices) {
    for disk in std::mem::take(&mut devices.disks) {
        insert_disk(&mut devices.disks, disk);
    }
    for controller in std::mem::take(&mut devices.controllers) {
        insert_controller(&mut devices.controllers, controller);
    }
    for video in std::mem::take(&mut devices.videos) {
        insert_video(&mut devices.videos, video);
    }
}

/// Puts a disk behind those of its bus that come before it by name; the first of a bus goes to the end.
pub fn insert_disk(disks: &mut Vec<Disk>, disk: Disk) {
    let index = |d: &Disk| name_index(d.dst()).map_or(-1, i64::from);
    let mut at = None;
    for (i, current) in disks.iter().enumerate().rev().filter(|(_, d)| d.bus() == disk.bus()) {
        if index(current) > index(&disk) {
            at = Some(i);
        } else {
            at.get_or_insert(i + 1);
        }
    }
    disks.insert(at.unwrap_or(disks.len()), disk);
}

/// Puts a controller behind those of its kind that have a lower index. A USB2 controller goes before the
/// companions that have its index.
pub fn insert_controller(controllers: &mut Vec<Controller>, controller: Controller) {
    let mut at = None;
    let same = |c: &Controller| c.kind.tag() == controller.kind.tag();
    for (i, current) in controllers.iter().enumerate().rev().filter(|(_, c)| same(c)) {
        let Some(index) = controller.index else {
            at = Some(i + 1);
            break;
        };
        let master = current.info.master.is_some() && controller.info.master.is_none();
        if current.index.is_some_and(|c| c > index) || (current.index == Some(index) && master) {
            at = Some(i);
        } else {
            at.get_or_insert(i + 1);
        }
    }
    controllers.insert(at.unwrap_or(controllers.len()), controller);
}

/// Puts a video card at the end, the primary one in front.
pub fn insert_video(videos: &mut Vec<Video>, video: Video) {
    match video.model.primary.is_some_and(|p| p.is_true()) {
        true => videos.insert(0, video),
        false => videos.push(video),
    }
}
