//! `<memoryBacking>` and `<devices>`: what kinds of devices guests can have.

use virtus_xml::Writer;

use super::{Question, group, supported, which};

pub(super) fn write(w: &mut Writer, q: &Question<'_>) {
    let memfd = q.has("memory-backend-memfd");
    group(
        w,
        "memoryBacking",
        &[("sourceType", which(&[("file", true), ("anonymous", true), ("memfd", memfd)]))],
    );
    w.start("devices");
    disk(w, q);
    graphics(w, q);
    video(w, q);
    hostdev(w, q);
    rng(w, q);
    let virtiofs = q.has("vhost-user-fs");
    group(
        w,
        "filesystem",
        &[("driverType", which(&[("path", true), ("handle", true), ("virtiofs", virtiofs)]))],
    );
    tpm(w, q);
    listed(w, "redirdev", "bus", &[("usb", q.has("usb-redir"))]);
    let spice = q.has("spice");
    group(w, "channel", &[("type", which(&[("pty", true), ("unix", true), ("spicevmc", spice)]))]);
    crypto(w, q);
    group(w, "interface", &[("backendType", which(&[("default", true), ("passt", q.has("netdev.stream"))]))]);
    panic(w, q);
    w.end();
}

/// Something that is there if it has any value.
fn listed(w: &mut Writer, name: &'static str, values: &str, known: &[(&str, bool)]) {
    let found = which(known);
    match found.is_empty() {
        true => supported(w, name, false),
        false => group(w, name, &[(values, found)]),
    }
}

/// Models of virtio devices.
fn virtio<'a>(q: &Question<'_>) -> Vec<&'a str> {
    let transitional = q.has("virtio-pci-non-transitional");
    which(&[
        ("virtio", true),
        ("virtio-transitional", transitional),
        ("virtio-non-transitional", transitional),
    ])
}

fn disk(w: &mut Writer, q: &Question<'_>) {
    let machine = q.machine();
    let floppy = !machine.is_pseries();
    group(
        w,
        "disk",
        &[
            ("diskDevice", which(&[("disk", true), ("cdrom", true), ("floppy", floppy), ("lun", true)])),
            (
                "bus",
                which(&[
                    ("ide", machine.has_builtin_ide()),
                    ("fdc", floppy),
                    ("scsi", true),
                    ("virtio", true),
                    ("usb", q.has("usb-storage")),
                    ("sata", q.has("ich9-ahci")),
                ]),
            ),
            ("model", virtio(q)),
        ],
    );
}

fn graphics(w: &mut Writer, q: &Question<'_>) {
    group(
        w,
        "graphics",
        &[(
            "type",
            which(&[
                ("sdl", q.has("sdl")),
                ("vnc", q.has("vnc")),
                ("spice", q.has("spice")),
                ("egl-headless", q.has("egl-headless")),
                ("dbus", q.has("display-dbus")),
            ]),
        )],
    );
}

fn video(w: &mut Writer, q: &Question<'_>) {
    group(
        w,
        "video",
        &[(
            "modelType",
            which(&[
                ("vga", q.has("VGA")),
                ("cirrus", q.has("cirrus-vga")),
                ("vmvga", q.has("vmware-svga")),
                ("qxl", q.has("qxl")),
                ("virtio", q.has("virtio-gpu")),
                ("none", true),
                ("bochs", q.has("bochs-display")),
                ("ramfb", q.has("ramfb")),
            ]),
        )],
    );
}

fn hostdev(w: &mut Writer, q: &Question<'_>) {
    let vfio = std::path::Path::new("/dev/vfio/vfio").exists()
        && std::fs::read_dir("/sys/kernel/iommu_groups").is_ok_and(|mut groups| groups.next().is_some());
    group(
        w,
        "hostdev",
        &[
            ("mode", vec!["subsystem"]),
            ("startupPolicy", vec!["default", "mandatory", "requisite", "optional"]),
            ("subsysType", which(&[("usb", true), ("pci", true), ("scsi", q.has("virtio-scsi-pci"))])),
            ("capsType", Vec::new()),
            ("pciBackend", which(&[("default", vfio), ("vfio", vfio)])),
        ],
    );
}

fn rng(w: &mut Writer, q: &Question<'_>) {
    let backends =
        [("random", q.has("rng-random")), ("egd", q.has("rng-egd")), ("builtin", q.has("rng-builtin"))];
    let models = if q.has("virtio-rng") { virtio(q) } else { Vec::new() };
    group(w, "rng", &[("model", models), ("backendModel", which(&backends))]);
}

fn tpm(w: &mut Writer, q: &Question<'_>) {
    let models = ["tpm-tis", "tpm-crb", "tpm-spapr", "spapr-tpm-proxy"].map(|name| (name, q.has(name)));
    let program = |name: &str| virtus_host::program::find_in_path(std::path::Path::new(name)).is_some();
    let swtpm = q.has("tpm-emulator") && program("swtpm") && program("swtpm_setup");
    let backends =
        [("passthrough", q.has("tpm-passthrough")), ("emulator", swtpm), ("external", q.has("tpm-emulator"))];
    let (models, backends) = (which(&models), which(&backends));
    if models.is_empty() || backends.is_empty() {
        return supported(w, "tpm", false);
    }
    let versions = which(&[("1.2", swtpm), ("2.0", swtpm)]);
    group(w, "tpm", &[("model", models), ("backendModel", backends), ("backendVersion", versions)]);
}

fn crypto(w: &mut Writer, q: &Question<'_>) {
    let backends = [("builtin", true), ("lkcf", q.has("cryptodev-backend-lkcf"))];
    group(
        w,
        "crypto",
        &[
            ("model", which(&[("virtio", q.has("virtio-crypto"))])),
            ("type", vec!["qemu"]),
            ("backendModel", which(&backends)),
        ],
    );
}

fn panic(w: &mut Writer, q: &Question<'_>) {
    let machine = q.machine();
    let models = [
        ("isa", machine.is_x86() && q.has("pvpanic")),
        ("pseries", machine.is_pseries()),
        ("hyperv", machine.is_x86()),
        ("s390", machine.is_s390_ccw()),
        ("pvpanic", q.has("pvpanic-pci")),
    ];
    listed(w, "panic", "model", &models);
}
