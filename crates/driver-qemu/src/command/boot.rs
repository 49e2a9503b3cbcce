//! What is booted, and sleep states.

use virtus_conf::domain::os::AcpiTableType;

use super::build::Build;
use super::line::escape;

/// `-no-shutdown` and what the chipset offers of sleep and hot-plug.
pub(super) fn power_management(b: &mut Build<'_>) {
    let guest = b.guest;
    // the guest stays when it powers off, until the daemon has seen why
    b.line.flag("no-shutdown");
    let q35 = guest.machine().is_q35();
    let chip = if q35 { "ICH9-LPC" } else { "PIIX4_PM" };
    if let Some(pm) = &guest.domain.pm {
        for (name, state) in [("disable_s3", pm.suspend_to_mem), ("disable_s4", pm.suspend_to_disk)] {
            if let Some(state) = state {
                b.line.option("global", format!("{chip}.{name}={}", u8::from(!state.is_true())));
            }
        }
    }
}

/// `-boot`, the kernel, and ACPI tables.
pub(super) fn add(b: &mut Build<'_>) {
    let guest = b.guest;
    let os = &guest.domain.os;
    let mut options = Vec::new();
    if let Some(menu) = &os.bootmenu
        && let Some(enable) = menu.enable
    {
        options.push(format!("menu={}", if enable.is_true() { "on" } else { "off" }));
        options.extend(menu.timeout.map(|timeout| format!("splash-time={timeout}")));
    }
    options.extend(os.bios_reboot_timeout.map(|timeout| format!("reboot-timeout={timeout}")));
    options.push("strict=on".to_owned());
    b.line.option("boot", options.join(","));
    for (name, value) in [
        ("kernel", &os.kernel),
        ("initrd", &os.initrd),
        ("append", &os.cmdline),
        ("dtb", &os.dtb),
        ("shim", &os.shim),
    ] {
        if let Some(value) = value {
            b.line.option(name, value.clone());
        }
    }
    for table in os.acpi.iter().flat_map(|acpi| &acpi.tables) {
        let path = escape(&table.path);
        let text = match table.table_type {
            AcpiTableType::Raw => format!("file={path}"),
            AcpiTableType::Rawset => format!("data={path}"),
            AcpiTableType::Slic => format!("sig=SLIC,file={path}"),
            AcpiTableType::Msdm => format!("sig=MSDM,file={path}"),
        };
        b.line.option("acpitable", text);
    }
}
