use std::os::unix::fs::symlink;

use super::*;

/// A host of a few files.
struct Host(tempfile::TempDir);

impl Host {
    fn new() -> Host {
        Host(tempfile::tempdir().unwrap())
    }

    /// Adds a device: its place below `/sys/devices`, the bus or class, its files.
    fn add(&self, place: &str, subsystem: &str, files: &[(&str, &str)]) -> &Host {
        let root = self.0.path();
        let path = root.join("sys/devices").join(place);
        std::fs::create_dir_all(&path).unwrap();
        let class = root.join("sys").join(subsystem);
        let (_, name) = place.rsplit_once('/').unwrap_or(("", place));
        let listing = if subsystem.starts_with("bus/") { class.join("devices") } else { class.clone() };
        std::fs::create_dir_all(&listing).unwrap();
        symlink(&path, listing.join(name)).unwrap();
        symlink(&class, path.join("subsystem")).unwrap();
        for (file, text) in files {
            let file = path.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        self
    }

    fn xml(&self, name: &str) -> String {
        let all = all(self.0.path());
        let found = all.iter().find(|device| device.name == name);
        found
            .unwrap_or_else(|| panic!("{name} among {:?}", all.iter().map(|d| &d.name).collect::<Vec<_>>()))
            .format()
    }
}

#[test]
fn a_disk_is_on_the_device_that_is_told_of() {
    let host = Host::new();
    host.add(
        "pci0000:00/0000:00:02.0",
        "bus/pci",
        &[
            ("vendor", "0x1af4\n"),
            ("device", "0x1042\n"),
            ("uevent", "PCI_CLASS=18000\n"),
            ("numa_node", "-1\n"),
        ],
    )
    .add("pci0000:00/0000:00:02.0/virtio1", "bus/virtio", &[("uevent", "")])
    .add(
        "pci0000:00/0000:00:02.0/virtio1/block/vda",
        "class/block",
        &[
            ("uevent", "MAJOR=252\nMINOR=0\nDEVNAME=vda\nDEVTYPE=disk\n"),
            ("size", "2048\n"),
            ("queue/logical_block_size", "512\n"),
            ("device/vendor", "0x1af4\n"),
        ],
    );
    let data = host.0.path().join("run/udev/data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("b252:0"), "S:disk/by-id/x\nE:ID_SERIAL=ab-1\n").unwrap();
    assert_eq!(
        host.xml("block_vda_ab_1"),
        "<device>
  <name>block_vda_ab_1</name>
  <path>/sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda</path>
  <devnode type='dev'>/dev/vda</devnode>
  <devnode type='link'>/dev/disk/by-id/x</devnode>
  <parent>pci_0000_00_02_0</parent>
  <capability type='storage'>
    <block>/dev/vda</block>
    <drive_type>disk</drive_type>
    <vendor>0x1af4</vendor>
    <serial>ab-1</serial>
    <size>1048576</size>
    <logical_block_size>512</logical_block_size>
    <num_blocks>2048</num_blocks>
  </capability>
</device>
"
    );
    let pci = host.xml("pci_0000_00_02_0");
    assert!(pci.contains("<class>0x018000</class>") && pci.contains("<parent>computer</parent>"), "{pci}");
    assert!(!pci.contains("numa"), "{pci}");
}

#[test]
fn adapters_targets_and_units_of_scsi() {
    let host = Host::new();
    host.add("pci/host3", "bus/scsi", &[("uevent", "DEVTYPE=scsi_host\n")])
        .add("pci/host3/target3:0:0", "bus/scsi", &[("uevent", "DEVTYPE=scsi_target\n")])
        .add(
            "pci/host3/target3:0:0/3:0:0:1",
            "bus/scsi",
            &[("uevent", "DEVTYPE=scsi_device\n"), ("type", "5\n")],
        );
    for (name, text) in [
        ("fc_host/host3/node_name", "0x2000f4e9d4eb02c9\n"),
        ("fc_host/host3/port_name", "0x2001f4e9d4eb02c9\n"),
        ("fc_host/host3/max_npiv_vports", "254\n"),
        ("fc_host/host3/npiv_vports_inuse", "1\n"),
    ] {
        let path = host.0.path().join("sys/class").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let adapter = host.xml("scsi_host3");
    assert!(adapter.contains("<wwnn>2000f4e9d4eb02c9</wwnn>"), "{adapter}");
    assert!(adapter.contains("<max_vports>254</max_vports>"), "{adapter}");
    assert!(host.xml("scsi_target3_0_0").contains("<parent>scsi_host3</parent>"));
    let unit = host.xml("scsi_3_0_0_1");
    assert!(unit.contains("<lun>1</lun>") && unit.contains("<type>cdrom</type>"), "{unit}");
}

#[test]
fn a_computer_without_firmware_has_no_name() {
    assert_eq!(
        Host::new().xml("computer"),
        "<device>
  <name>computer</name>
  <capability type='system'>
    <hardware>
      <uuid>00000000-0000-0000-0000-000000000000</uuid>
    </hardware>
    <firmware>
    </firmware>
  </capability>
</device>
"
    );
}

#[test]
fn mediated_devices_have_the_name_of_their_parent_in_theirs() {
    let host = Host::new();
    let uuid = "d069d019-36ea-4111-8f0a-8c9a70e21366";
    host.add(
        "pci0000:00/0000:00:02.0",
        "bus/pci",
        &[
            ("vendor", "0x8086"),
            ("device", "0x0001"),
            ("uevent", "PCI_CLASS=30000\n"),
            ("mdev_supported_types/a-1/device_api", "vfio-pci\n"),
            ("mdev_supported_types/a-1/available_instances", "3\n"),
        ],
    )
    .add(&format!("pci0000:00/0000:00:02.0/{uuid}"), "bus/mdev", &[("uevent", "")]);
    let device = host.0.path().join(format!("sys/devices/pci0000:00/0000:00:02.0/{uuid}/mdev_type"));
    symlink("../mdev_supported_types/a-1", device).unwrap();
    let xml = host.xml("mdev_d069d019_36ea_4111_8f0a_8c9a70e21366_0000_00_02_0");
    assert!(xml.contains("<type id='a-1'/>") && xml.contains("<parent>pci_0000_00_02_0</parent>"), "{xml}");
    let parent = host.xml("pci_0000_00_02_0");
    assert!(
        parent.contains("<capability type='mdev_types'>") && parent.contains("<availableInstances>3<"),
        "{parent}"
    );
}
