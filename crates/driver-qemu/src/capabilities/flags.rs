//! What an emulator can do, by libvirt's names, each with how it is found out. Never by version.

use super::schema::Schema;

/// How a capability is found out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// Every QEMU this driver runs has it.
    Always,
    /// A QOM type exists.
    Type(&'static str),
    /// A QOM type has a property.
    Property(&'static str, &'static str),
    /// A monitor command exists.
    Command(&'static str),
    /// A place in the monitor's schema exists: a command's argument, and so on down; `+x` is a variant.
    Schema(&'static [&'static str]),
    /// A command line option has a parameter (`query-command-line-options`).
    Option(&'static str, &'static str),
    /// One of several QOM types exists.
    Types(&'static [&'static str]),
    /// The emulator knows a CPU model.
    Cpu(&'static str),
    /// A QOM type exists, and the host's CPU encrypts memory for it.
    Sev(&'static str),
    /// KVM runs guests of this emulator here.
    Kvm,
    /// TCG does.
    Tcg,
}

use Rule::{Always, Command, Cpu, Kvm, Option, Property, Schema as In, Sev, Tcg, Type, Types};

/// The capabilities.
pub(super) const FLAGS: &[(&str, Rule)] = &[
    ("kvm", Kvm),
    ("tcg", Tcg),
    ("ccid-emulated", Type("ccid-card-emulated")),
    ("ccid-passthru", Type("ccid-card-passthru")),
    ("piix3-usb-uhci", Type("piix3-usb-uhci")),
    ("piix4-usb-uhci", Type("piix4-usb-uhci")),
    ("vt82c686b-usb-uhci", Type("vt82c686b-usb-uhci")),
    ("usb-ehci", Type("usb-ehci")),
    ("ich9-usb-ehci1", Type("ich9-usb-ehci1")),
    ("pci-ohci", Type("pci-ohci")),
    ("nec-usb-xhci", Type("nec-usb-xhci")),
    ("qemu-xhci", Type("qemu-xhci")),
    ("usb-redir", Type("usb-redir")),
    ("usb-redir.filter", Property("usb-redir", "filter")),
    ("usb-hub", Type("usb-hub")),
    ("usb-storage", Type("usb-storage")),
    ("usb-serial", Type("usb-serial")),
    ("usb-kbd", Type("usb-kbd")),
    ("usb-audio", Type("usb-audio")),
    ("usb-mtp", Type("usb-mtp")),
    ("usb-host.hostdevice", Property("usb-host", "hostdevice")),
    ("usb-host.guest-resets-all", Property("usb-host", "guest-resets-all")),
    ("hda-duplex", Type("hda-duplex")),
    ("hda-micro", Type("hda-micro")),
    ("hda-output", Type("hda-output")),
    ("ich9-intel-hda", Type("ich9-intel-hda")),
    ("virtio-sound", Type("virtio-sound-device")),
    ("ich9-ahci", Type("ich9-ahci")),
    ("scsi-block", Type("scsi-block")),
    ("scsi-disk.channel", Property("scsi-hd", "channel")),
    ("lsi", Type("lsi53c895a")),
    ("virtio-scsi-pci", Types(&["virtio-scsi-pci", "virtio-scsi-ccw", "virtio-scsi-device"])),
    ("virtio-scsi.iothread-mapping", Property("virtio-scsi-pci", "iothread-vq-mapping")),
    ("megasas", Type("megasas")),
    ("mptsas1068", Type("mptsas1068")),
    ("pvscsi", Type("pvscsi")),
    ("vhost-scsi", Type("vhost-scsi")),
    ("vhost-user-blk", Type("vhost-user-blk")),
    ("vhost-user-fs", Type("vhost-user-fs-device")),
    ("vhost-user-fs.bootindex", Property("vhost-user-fs-pci", "bootindex")),
    ("vhost-vsock", Type("vhost-vsock-device")),
    ("virtio-blk.queue-size", Property("virtio-blk-pci", "queue-size")),
    ("virtio-blk.iothread-mapping", Property("virtio-blk-pci", "iothread-vq-mapping")),
    ("rotation-rate", Property("scsi-hd", "rotation_rate")),
    ("virtio-net", Type("virtio-net-device")),
    ("virtio-net.rss", Property("virtio-net-pci", "rss")),
    ("rtl8139", Type("rtl8139")),
    ("e1000", Type("e1000")),
    ("vmxnet3", Type("vmxnet3")),
    ("virtio-rng", Types(&["virtio-rng-pci", "virtio-rng-ccw", "virtio-rng-device"])),
    ("rng-random", Type("rng-random")),
    ("rng-egd", Type("rng-egd")),
    ("rng-builtin", Type("rng-builtin")),
    ("virtio-keyboard", Type("virtio-keyboard-device")),
    ("virtio-mouse", Type("virtio-mouse-device")),
    ("virtio-tablet", Type("virtio-tablet-device")),
    ("virtio-input-host", Type("virtio-input-host-device")),
    ("input-linux", Type("input-linux")),
    ("virtio-crypto", Type("virtio-crypto-device")),
    ("virtio-mmio", Type("virtio-mmio")),
    ("virtio-ccw", Type("virtio-blk-ccw")),
    ("virtio-pci-non-transitional", Type("virtio-blk-pci-non-transitional")),
    ("virtio-balloon-pci.deflate-on-oom", Property("virtio-balloon-pci", "deflate-on-oom")),
    ("virtio-balloon.free-page-reporting", Property("virtio-balloon-pci", "free-page-reporting")),
    ("virtio-pmem-pci", Type("virtio-pmem-pci")),
    ("virtio-mem-pci", Type("virtio-mem-pci")),
    ("virtio-mem-pci.prealloc", Property("virtio-mem-pci", "prealloc")),
    ("virtio-mem-pci.dynamic-memslots", Property("virtio-mem-pci", "dynamic-memslots")),
    ("virtio-iommu-pci", Type("virtio-iommu-pci")),
    ("virtio-iommu.boot-bypass", Property("virtio-iommu-pci", "boot-bypass")),
    ("intel-iommu", Type("intel-iommu")),
    ("intel-iommu.intremap", Property("intel-iommu", "intremap")),
    ("intel-iommu.caching-mode", Property("intel-iommu", "caching-mode")),
    ("intel-iommu.eim", Property("intel-iommu", "eim")),
    ("intel-iommu.device-iotlb", Property("intel-iommu", "device-iotlb")),
    ("intel-iommu.aw-bits", Property("intel-iommu", "aw-bits")),
    ("intel-iommu.dma-translation", Property("intel-iommu", "dma-translation")),
    ("VGA", Type("VGA")),
    ("VGA.vgamem_mb", Property("VGA", "vgamem_mb")),
    ("cirrus-vga", Type("cirrus-vga")),
    ("vmware-svga", Type("vmware-svga")),
    ("vmware-svga.vgamem_mb", Property("vmware-svga", "vgamem_mb")),
    ("qxl", Type("qxl")),
    ("bochs-display", Type("bochs-display")),
    ("ramfb", Type("ramfb")),
    ("virtio-gpu", Type("virtio-gpu-device")),
    ("virtio-gpu.blob", Property("virtio-gpu-pci", "blob")),
    ("virtio-gpu-gl-pci", Type("virtio-gpu-gl-pci")),
    ("virtio-vga", Type("virtio-vga")),
    ("virtio-vga-gl", Type("virtio-vga-gl")),
    ("vhost-user-gpu", Type("vhost-user-gpu")),
    ("vhost-user-vga", Type("vhost-user-vga")),
    ("vnc", Command("query-vnc")),
    ("spice", Option("spice", "")),
    ("sdl", In(&["query-display-options", "ret", "type", "=sdl"])),
    ("egl-headless", In(&["query-display-options", "ret", "type", "=egl-headless"])),
    ("egl-headless.rendernode", In(&["query-display-options", "ret", "+egl-headless", "rendernode"])),
    ("display-dbus", In(&["query-display-options", "ret", "type", "=dbus"])),
    ("display-reload", Command("display-reload")),
    ("vnc-power-control", Option("vnc", "power-control")),
    ("tpm-tis", Types(&["tpm-tis", "tpm-tis-device"])),
    ("tpm-spapr", Type("tpm-spapr")),
    ("spapr-tpm-proxy", Type("spapr-tpm-proxy")),
    ("tpm-crb", Type("tpm-crb")),
    ("tpm-passthrough", Type("tpm-passthrough")),
    ("tpm-emulator", Type("tpm-emulator")),
    ("pci-bridge", Type("pci-bridge")),
    ("dmi-to-pci-bridge", Type("i82801b11-bridge")),
    ("pcie-pci-bridge", Type("pcie-pci-bridge")),
    ("ioh3420", Type("ioh3420")),
    ("x3130-upstream", Type("x3130-upstream")),
    ("xio3130-downstream", Type("xio3130-downstream")),
    ("pcie-root-port", Type("pcie-root-port")),
    ("pcie-root-port.hotplug", Property("pcie-root-port", "hotplug")),
    ("pxb", Type("pxb")),
    ("pxb-pcie", Type("pxb-pcie")),
    ("mch", Type("mch")),
    ("mch.extended-tseg-mbytes", Property("mch", "extended-tseg-mbytes")),
    ("vfio-pci", Type("vfio-pci")),
    ("ivshmem-plain", Type("ivshmem-plain")),
    ("ivshmem-doorbell", Type("ivshmem-doorbell")),
    ("pci-serial", Type("pci-serial")),
    ("isa-serial", Type("isa-serial")),
    ("pvpanic", Type("pvpanic")),
    ("pvpanic-pci", Type("pvpanic-pci")),
    ("acpi-erst", Type("acpi-erst")),
    ("acpi-index", Property("virtio-net-pci", "acpi-index")),
    ("vmcoreinfo", Type("vmcoreinfo")),
    ("vmgenid", Type("vmgenid")),
    ("i8042", Type("i8042")),
    ("pc-dimm", Type("pc-dimm")),
    ("nvdimm", Type("nvdimm")),
    ("nvdimm.unarmed", Property("nvdimm", "unarmed")),
    ("pr-manager-helper", Type("pr-manager-helper")),
    ("dbus-vmstate", Type("dbus-vmstate")),
    ("thread-context", Type("thread-context")),
    ("zpci", Type("zpci")),
    ("virtio-blk-ccw.loadparm", Property("virtio-blk-ccw", "loadparm")),
    ("vfio-ccw", Type("vfio-ccw")),
    ("vfio-ap", Type("vfio-ap")),
    ("nvram", Type("spapr-nvram")),
    ("cryptodev-backend-lkcf", Type("cryptodev-backend-lkcf")),
    ("virtio-blk-pci.scsi", Property("virtio-blk-pci", "scsi")),
    ("sclplmconsole", Type("sclplmconsole")),
    ("machine.virt.iommu", Property("virt-machine", "iommu")),
    ("virtio-gpu.virgl", Property("virtio-gpu-pci", "virgl")),
    ("spapr-pci-host-bridge", Type("spapr-pci-host-bridge")),
    ("spapr-vty", Type("spapr-vty")),
    ("sclpconsole", Type("sclpconsole")),
    ("usb-ccid", Type("usb-ccid")),
    ("sev-guest", Sev("sev-guest")),
    ("sev-snp-guest", Sev("sev-snp-guest")),
    ("s390-pv-guest", Type("s390-pv-guest")),
    ("memory-backend-memfd", Type("memory-backend-memfd")),
    ("memory-backend-memfd.hugetlb", In(&["object-add", "+memory-backend-memfd", "hugetlb"])),
    ("memory-backend-file.pmem", In(&["object-add", "+memory-backend-file", "pmem"])),
    ("memory-backend-file.reserve", In(&["object-add", "+memory-backend-file", "reserve"])),
    ("memory-backend-file.prealloc-threads", In(&["object-add", "+memory-backend-file", "prealloc-threads"])),
    (
        "memory-backend-file.x-use-canonical-path-for-ramblock-id",
        In(&["object-add", "+memory-backend-file", "x-use-canonical-path-for-ramblock-id"]),
    ),
    ("iothread.thread-pool-max", In(&["object-add", "+iothread", "thread-pool-max"])),
    ("sev-guest-kernel-hashes", In(&["object-add", "+sev-guest", "kernel-hashes"])),
    ("netdev.stream", In(&["netdev_add", "+stream"])),
    ("netdev.stream.reconnect", In(&["netdev_add", "+stream", "reconnect"])),
    ("netdev-stream-reconnect-miliseconds", In(&["netdev_add", "+stream", "reconnect-ms"])),
    ("netdev.vhost-vdpa", In(&["netdev_add", "+vhost-vdpa"])),
    ("netdev.user", In(&["netdev_add", "+user"])),
    ("chardev-reconnect", In(&["chardev-add", "backend", "+socket", "data", "reconnect"])),
    ("chardev-reconnect-miliseconds", In(&["chardev-add", "backend", "+socket", "data", "reconnect-ms"])),
    ("chardev.qemu-vdagent", In(&["chardev-add", "backend", "+qemu-vdagent"])),
    ("chardev.json", Always),
    ("aio.io_uring", In(&["blockdev-add", "+file", "aio", "=io_uring"])),
    ("drive-nvme", In(&["blockdev-add", "+nvme"])),
    ("rbd-encryption", In(&["blockdev-add", "+rbd", "encrypt"])),
    ("rbd-encryption-layering", In(&["blockdev-add", "+rbd", "encrypt", "parent"])),
    ("rbd-encryption-luks-any", In(&["blockdev-add", "+rbd", "encrypt", "format", "=luks-any"])),
    ("qcow2-discard-no-unref", In(&["blockdev-add", "+qcow2", "discard-no-unref"])),
    ("blockdev.nbd.tls-hostname", In(&["blockdev-add", "+nbd", "tls-hostname"])),
    ("blockdev-set-active", Command("blockdev-set-active")),
    ("blockjob.backing-mask-protocol", In(&["block-commit", "backing-mask-protocol"])),
    ("migration-file-drop-cache", In(&["blockdev-add", "+file", "drop-cache"])),
    ("screendump_device", In(&["screendump", "device"])),
    ("screenshot-format-png", In(&["screendump", "format", "=png"])),
    ("query-cpu-definitions", Command("query-cpu-definitions")),
    ("query-cpu-model-expansion", Command("query-cpu-model-expansion")),
    (
        "query-cpu-model-expansion.deprecated-props",
        In(&["query-cpu-model-expansion", "ret", "deprecated-props"]),
    ),
    ("query-cpu-model-baseline", Command("query-cpu-model-baseline")),
    ("query-cpu-model-comparison", Command("query-cpu-model-comparison")),
    ("query-dirty-rate", Command("query-dirty-rate")),
    ("calc-dirty-rate", Command("calc-dirty-rate")),
    ("dirtyrate-param.mode", In(&["calc-dirty-rate", "mode"])),
    ("query-stats", Command("query-stats")),
    ("query-stats-schemas", Command("query-stats-schemas")),
    ("set-action", Command("set-action")),
    ("rtc-reset-reinjection", Command("rtc-reset-reinjection")),
    ("sev-inject-launch-secret", Command("sev-inject-launch-secret")),
    ("migrate-incoming.exit-on-error", In(&["migrate-incoming", "exit-on-error"])),
    ("migration.blocked-reasons", In(&["query-migrate", "ret", "blocked-reasons"])),
    ("migrate-rdma", In(&["migrate-set-capabilities", "capabilities", "capability", "=rdma-pin-all"])),
    ("x86-max-cpu", Type("max-x86_64-cpu")),
    ("cpu-max", Cpu("max")),
    ("cpu.migratable", Property("max-x86_64-cpu", "migratable")),
    ("cpu-unavailable-features", Property("max-x86_64-cpu", "unavailable-features")),
    ("canonical-cpu-features", Always),
    ("kvm-pit-lost-tick-policy", Property("kvm-pit", "lost_tick_policy")),
    ("piix4.acpi-root-pci-hotplug", Property("PIIX4_PM", "acpi-root-pci-hotplug")),
    ("numa.hmat", In(&["set-numa-node", "+hmat-lb"])),
    ("smp-dies", Option("smp-opts", "dies")),
    ("smp-clusters", Option("smp-opts", "clusters")),
    ("fsdev.multidevs", Option("fsdev", "multidevs")),
    ("run-with.async-teardown", Option("run-with", "async-teardown")),
    ("seccomp-sandbox", Option("sandbox", "elevateprivileges")),
    ("machine-vmport-opt", Property("pc-i440fx-machine", "vmport")),
    ("machine-hpet", Property("pc-i440fx-machine", "hpet")),
    ("machine-i8042-opt", Property("pc-i440fx-machine", "i8042")),
    ("confidential-guest-support", Option("machine", "confidential-guest-support")),
    ("device.json+hotplug", Always),
    ("netdev.json", Always),
    ("nbd-tls", Always),
    ("migration-param.bandwidth", Always),
    ("shim", Option("machine", "shim")),
];

/// The types whose properties have to be asked for.
pub(super) fn types_with_properties() -> Vec<&'static str> {
    let mut types: Vec<_> = FLAGS
        .iter()
        .filter_map(|(_, rule)| match rule {
            Property(kind, _) => Some(*kind),
            _ => None,
        })
        .collect();
    types.sort_unstable();
    types.dedup();
    types
}

/// What was found out of an emulator.
pub(super) struct Facts<'a> {
    pub(super) types: &'a dyn Fn(&str) -> bool,
    pub(super) cpu: &'a dyn Fn(&str) -> bool,
    pub(super) property: &'a dyn Fn(&str, &str) -> bool,
    pub(super) option: &'a dyn Fn(&str, &str) -> bool,
    pub(super) schema: &'a Schema,
    pub(super) sev: bool,
    pub(super) kvm: bool,
    pub(super) tcg: bool,
}

/// The capabilities that follow from the facts.
pub(super) fn evaluate(facts: &Facts<'_>) -> Vec<String> {
    let holds = |rule: &Rule| match rule {
        Always => true,
        Type(kind) => (facts.types)(kind),
        Types(kinds) => kinds.iter().any(|kind| (facts.types)(kind)),
        Cpu(name) => (facts.cpu)(name),
        Property(kind, name) => (facts.property)(kind, name),
        Command(name) => facts.schema.has(&[name]),
        In(path) => facts.schema.has(path),
        Option(option, parameter) => (facts.option)(option, parameter),
        Sev(kind) => facts.sev && (facts.types)(kind),
        Kvm => facts.kvm,
        Tcg => facts.tcg,
    };
    FLAGS.iter().filter(|(_, rule)| holds(rule)).map(|(name, _)| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once() {
        let mut names: Vec<_> = FLAGS.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
