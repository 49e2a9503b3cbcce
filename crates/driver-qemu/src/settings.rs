//! `qemu.conf`: the driver's settings.
//!
//! `docs/qemu-conf.md` is made of this declaration.

use std::path::Path;

use virtus_base::settings::Texts;
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_host::process::Credentials;

virtus_base::settings! {
    /// All settings that libvirt 11.3 knows, with its names and defaults.
    pub struct Settings {
        /// Where the certificates of everything are that has no directory of its own.
        default_tls_x509_cert_dir: Option<String> = None,
        /// Whether clients need certificates where nothing else is said. Without it those of character devices do,
        /// others do not.
        default_tls_x509_verify: Option<bool> = None,
        /// The secret that opens the private keys where nothing else is said.
        default_tls_x509_secret_uuid: Option<String> = None,
        /// The address of VNC servers that name none.
        vnc_listen: String = "127.0.0.1".to_owned(),
        /// VNC servers that name no address are on a socket in the guest's own directory.
        vnc_auto_unix_socket: bool = false,
        /// VNC is encrypted.
        vnc_tls: bool = false,
        /// Where VNC's certificates are.
        vnc_tls_x509_cert_dir: Option<String> = None,
        /// The secret that opens VNC's private key.
        vnc_tls_x509_secret_uuid: Option<String> = None,
        /// VNC's clients need certificates.
        vnc_tls_x509_verify: Option<bool> = None,
        /// The password of VNC servers that have none; an empty one lets nobody in.
        vnc_password: Option<String> = None,
        /// VNC's clients say who they are by SASL.
        vnc_sasl: bool = false,
        /// Where QEMU finds the settings of SASL for VNC.
        vnc_sasl_dir: Option<String> = None,
        /// Guests with VNC may use the host's sound. No effect: a definition says where its sound goes.
        vnc_allow_host_audio: bool = false,
        /// The address of SPICE servers that name none.
        spice_listen: String = "127.0.0.1".to_owned(),
        /// SPICE servers that choose their ports have one with encryption; without it none has.
        spice_tls: bool = false,
        /// Where SPICE's certificates are.
        spice_tls_x509_cert_dir: Option<String> = None,
        /// SPICE servers that name no address are on a socket in the guest's own directory.
        spice_auto_unix_socket: bool = false,
        /// The password of SPICE servers that have none.
        spice_password: Option<String> = None,
        /// SPICE's clients say who they are by SASL.
        spice_sasl: bool = false,
        /// Where QEMU finds the settings of SASL for SPICE.
        spice_sasl_dir: Option<String> = None,
        /// The address of RDP servers. No effect: guests have none yet.
        rdp_listen: String = "127.0.0.1".to_owned(),
        /// No effect: guests have no RDP server yet.
        rdp_tls_x509_cert_dir: Option<String> = None,
        /// No effect: guests have no RDP server yet.
        rdp_username: Option<String> = None,
        /// No effect: guests have no RDP server yet.
        rdp_password: Option<String> = None,
        /// Character devices on TCP are encrypted where the definition does not say.
        chardev_tls: bool = false,
        /// Where the certificates of character devices are.
        chardev_tls_x509_cert_dir: Option<String> = None,
        /// Clients of character devices need certificates.
        chardev_tls_x509_verify: Option<bool> = None,
        /// The secret that opens the key of character devices.
        chardev_tls_x509_secret_uuid: Option<String> = None,
        /// No effect: QEMU has no VxHS any more.
        vxhs_tls: bool = false,
        /// No effect: QEMU has no VxHS any more.
        vxhs_tls_x509_cert_dir: Option<String> = None,
        /// No effect: QEMU has no VxHS any more.
        vxhs_tls_x509_secret_uuid: Option<String> = None,
        /// NBD is encrypted where the definition does not say.
        nbd_tls: bool = false,
        /// Where NBD's certificates are.
        nbd_tls_x509_cert_dir: Option<String> = None,
        /// The secret that opens NBD's key.
        nbd_tls_x509_secret_uuid: Option<String> = None,
        /// Where the certificates of migrations are. No effect yet.
        migrate_tls_x509_cert_dir: Option<String> = None,
        /// The other end of a migration needs a certificate. No effect yet.
        migrate_tls_x509_verify: Option<bool> = None,
        /// The secret that opens the key of migrations. No effect yet.
        migrate_tls_x509_secret_uuid: Option<String> = None,
        /// Migrations without encryption are refused. No effect yet.
        migrate_tls_force: bool = false,
        /// Where the certificates of backups are. No effect yet.
        backup_tls_x509_cert_dir: Option<String> = None,
        /// Clients of backups need certificates. No effect yet.
        backup_tls_x509_verify: Option<bool> = None,
        /// The secret that opens the key of backups. No effect yet.
        backup_tls_x509_secret_uuid: Option<String> = None,
        /// Guests without a display may use the host's sound. No effect: a definition says where its sound goes.
        nographics_allow_host_audio: bool = false,
        /// The first port that displays get by themselves.
        remote_display_port_min: u32 = 5900,
        /// The last port that displays get by themselves.
        remote_display_port_max: u32 = 65535,
        /// The first port that displays in browsers get by themselves.
        remote_websocket_port_min: u32 = 5700,
        /// The last port that displays in browsers get by themselves.
        remote_websocket_port_max: u32 = 65535,
        /// The security drivers. There is `dac`, which guests always have, so that `none` turns nothing off; others
        /// are refused as on a host that lacks them.
        security_driver: Texts = Texts::default(),
        /// No effect: every guest of the system's daemon runs confined to its user.
        security_default_confined: bool = true,
        /// No effect: every guest of the system's daemon runs confined to its user.
        security_require_confined: bool = false,
        /// Whom guests run as, by name or as `+` and a number.
        user: Option<String> = None,
        /// The group guests run as, by name or as `+` and a number.
        group: Option<String> = None,
        /// No effect: images keep their owner in any case, and are lent to the guest that runs.
        dynamic_ownership: bool = true,
        /// No effect: an image whose owner never changes needs none remembered.
        remember_owner: bool = true,
        /// The controllers of control groups that guests are put under. No effect yet: those that the host has.
        cgroup_controllers: Option<Vec<String>> = None,
        /// The nodes of /dev that every guest has.
        cgroup_device_acl: Option<Vec<String>> = None,
        /// How the memory of guests is stored that are saved. No effect yet.
        save_image_format: Option<String> = None,
        /// How the memory of guests is stored that are dumped. No effect yet.
        dump_image_format: Option<String> = None,
        /// How the memory of guests is stored in snapshots. No effect yet.
        snapshot_image_format: Option<String> = None,
        /// Where the memory of guests is dumped that have crashed. No effect yet.
        auto_dump_path: Option<String> = None,
        /// Such dumps go past the host's cache. No effect yet.
        auto_dump_bypass_cache: bool = false,
        /// Saved guests that start with the daemon are read past the host's cache. No effect yet.
        auto_start_bypass_cache: bool = false,
        /// Milliseconds between two guests that start with the daemon.
        auto_start_delay: u32 = 0,
        /// Which guests are saved when the daemon ends. No effect: guests run on.
        auto_shutdown_try_save: Option<String> = None,
        /// Which guests are asked to shut down when the daemon ends. No effect: guests run on.
        auto_shutdown_try_shutdown: Option<String> = None,
        /// Which guests are killed when the daemon ends. No effect: guests run on.
        auto_shutdown_poweroff: Option<String> = None,
        /// Seconds until guests have to be shut down. No effect: guests run on.
        auto_shutdown_wait: u32 = 30,
        /// Guests that were shut down come back. No effect: guests run on.
        auto_shutdown_restore: bool = true,
        /// Such guests are saved past the host's cache. No effect: guests run on.
        auto_save_bypass_cache: bool = false,
        /// Where huge pages are mounted; an empty list forbids them.
        hugetlbfs_mount: Texts = Texts::default(),
        /// The program that puts a user's guests on bridges. No effect yet.
        bridge_helper: Option<String> = None,
        /// QEMU shows the guest's name as its own.
        set_process_name: bool = false,
        /// How many processes QEMU's user may have; 0 leaves it as it is.
        max_processes: u32 = 0,
        /// How many files a QEMU may have open; 0 leaves it as it is.
        max_files: u32 = 0,
        /// How many threads a QEMU may have; 0 leaves it as it is. No effect yet.
        max_threads_per_process: u32 = 0,
        /// How large the memory image of a QEMU that crashes may be, in bytes, or `unlimited`.
        max_core: Core = Core::default(),
        /// Such an image has the guest's memory in it.
        dump_guest_core: bool = false,
        /// No effect: packets are filtered by filters that definitions name.
        mac_filter: bool = false,
        /// No effect: what the host's devices can do is the kernel's word.
        relaxed_acs_check: bool = false,
        /// Who keeps guests from images that others use. There is none, and naming one is an error as on a host
        /// that lacks it.
        lock_manager: Option<String> = None,
        /// How many calls may wait for a guest; 0 is without limit. No effect: waiting calls hold no thread.
        max_queued: u32 = 0,
        /// Seconds between two questions whether the other end of a migration is alive. No effect yet.
        keepalive_interval: i32 = 5,
        /// How many such questions may go unanswered. No effect yet.
        keepalive_count: u32 = 5,
        /// Whether QEMU may use only the system calls it needs: 1 or -1 yes, 0 no.
        seccomp_sandbox: i32 = -1,
        /// The address that migrations come in at. No effect yet.
        migration_address: String = "0.0.0.0".to_owned(),
        /// What others are told to migrate to. No effect yet.
        migration_host: Option<String> = None,
        /// The first port of migrations. No effect yet.
        migration_port_min: u32 = 49152,
        /// The last port of migrations. No effect yet.
        migration_port_max: u32 = 49215,
        /// QEMU's messages say when they were.
        log_timestamp: bool = true,
        /// Firmware and the template of its variables, each as `FIRMWARE:VARIABLES`. No effect: descriptor files say
        /// what there is, which libvirt prefers too.
        nvram: Option<Vec<String>> = None,
        /// Who writes what QEMU says: `logd` and `file` are the same here, as nothing has to run for it.
        stdio_handler: Option<String> = None,
        /// How much is said of images on Gluster, 0 to 9. No effect yet: 4.
        gluster_debug_level: u32 = 4,
        /// virtiofsd says more.
        virtiofsd_debug: bool = false,
        /// The namespaces of QEMU: `mount` gives it a /dev of its own.
        namespaces: Option<Vec<String>> = None,
        /// Where memory is that lies in files.
        memory_backing_dir: Option<String> = None,
        /// The program for persistent reservations.
        pr_helper: String = "qemu-pr-helper".to_owned(),
        /// No effect: networks of users are QEMU's own or passt's.
        slirp_helper: Option<String> = None,
        /// No effect: guests have no RDP server yet.
        qemu_rdp: String = "qemu-rdp".to_owned(),
        /// The program for buses between helpers.
        dbus_daemon: String = "dbus-daemon".to_owned(),
        /// Whom TPMs run as.
        swtpm_user: Option<String> = None,
        /// The group TPMs run as.
        swtpm_group: Option<String> = None,
        /// Capabilities of QEMU that are not used, by their names.
        capability_filters: Option<Vec<String>> = None,
        /// What QEMU does when it is told what it will not know for long: `omit`, `reject` or `crash` what comes in,
        /// nothing with `none`.
        deprecation_behavior: Option<String> = None,
        /// Which threads of a guest share a core with no other: `none`, `vcpus`, `emulator`, `full`. No effect yet.
        sched_core: Option<String> = None,
        /// No effect: images on servers are QEMU's own, as without this setting.
        storage_use_nbdkit: bool = false,
        /// Directories that hosts share. No effect: owners of images are not kept beside them.
        shared_filesystems: Option<Vec<String>> = None,
    }
}

/// What QEMU encrypts with certificates from objects of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Vnc,
    Chardev,
    Nbd,
}

/// How a service encrypts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tls<'a> {
    /// Where its certificates are.
    pub(crate) directory: String,
    /// Whether its clients need certificates.
    pub(crate) verify: bool,
    /// The secret that opens its key.
    pub(crate) secret: Option<&'a String>,
}

/// The size of a core dump.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Core {
    /// So many bytes.
    Bytes(u64),
    /// Any.
    Unlimited,
    /// Left as it is.
    #[default]
    Unset,
    /// A word that is none.
    Unknown(String),
}

impl virtus_base::settings::Setting for Core {
    const KIND: &'static str = "an unsigned integer";
    fn of(value: virtus_base::settings::Value) -> Option<Self> {
        use virtus_base::settings::Value;
        match value {
            Value::Number(bytes) => bytes.try_into().ok().map(Core::Bytes),
            Value::Text(text) if text == "unlimited" => Some(Core::Unlimited),
            Value::Text(text) => Some(Core::Unknown(text)),
            Value::List(_) => None,
        }
    }
    fn show(&self) -> String {
        match self {
            Core::Bytes(bytes) => bytes.to_string(),
            Core::Unlimited => "\"unlimited\"".to_owned(),
            Core::Unset => String::new(),
            Core::Unknown(text) => format!("\"{text}\""),
        }
    }
}

/// What there is of control groups' controllers, and how images of memory may be stored.
const CONTROLLERS: [&str; 9] =
    ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "net_cls", "perf_event"];
const IMAGE_FORMATS: [&str; 7] = ["raw", "gzip", "bzip2", "xz", "lzop", "zstd", "sparse"];

fn failed(code: ErrorCode, text: String) -> Error {
    Error::new(ErrorDomain::QEMU, code, text)
}

fn syntax(text: String) -> Error {
    Error::new(ErrorDomain::CONF, ErrorCode::CONF_SYNTAX, text)
}

impl Settings {
    /// Reads the file, if it is there, and looks at what it says.
    ///
    /// # Errors
    /// libvirt's, with the file and the line or the setting.
    pub fn load(path: &Path, privileged: bool) -> Result<Settings> {
        // one that cannot be read sets nothing, as in libvirt
        let Ok(text) = std::fs::read_to_string(path) else { return Ok(Settings::default()) };
        let file = path.display().to_string();
        let settings = Settings::parse(&file, &text)?;
        settings.check(&file, privileged)?;
        for (name, line) in &settings.unknown {
            tracing::warn!("{file}:{line}: setting '{name}' is not known");
        }
        Ok(settings)
    }

    fn check(&self, file: &str, privileged: bool) -> Result<()> {
        self.check_ports(file)?;
        for (name, format) in [
            ("save_image_format", &self.save_image_format),
            ("dump_image_format", &self.dump_image_format),
            ("snapshot_image_format", &self.snapshot_image_format),
        ] {
            if let Some(format) = format.as_ref().filter(|format| !IMAGE_FORMATS.contains(&format.as_str())) {
                let text = format!("Invalid {name} '{format}'");
                return Err(failed(ErrorCode::CONFIG_UNSUPPORTED, text));
            }
        }
        for (name, policy) in [
            ("auto_shutdown_try_save", &self.auto_shutdown_try_save),
            ("auto_shutdown_try_shutdown", &self.auto_shutdown_try_shutdown),
            ("auto_shutdown_poweroff", &self.auto_shutdown_poweroff),
        ] {
            let known = ["none", "persistent", "transient", "all"];
            if let Some(policy) = policy.as_ref().filter(|policy| !known.contains(&policy.as_str())) {
                return Err(failed(ErrorCode::INVALID_ARG, format!("unknown {name} '{policy}'")));
            }
        }
        if let Core::Unknown(size) = &self.max_core {
            return Err(failed(ErrorCode::CONFIG_UNSUPPORTED, format!("Unknown core size '{size}'")));
        }
        let handler = self.stdio_handler.as_deref().unwrap_or("file");
        if !matches!(handler, "logd" | "file") {
            return Err(failed(ErrorCode::CONFIG_UNSUPPORTED, format!("Unknown stdio handler {handler}")));
        }
        for controller in self.cgroup_controllers.iter().flatten() {
            if !CONTROLLERS.contains(&controller.as_str()) {
                return Err(syntax(format!("Unknown cgroup controller '{controller}'")));
            }
        }
        for namespace in self.namespaces.iter().flatten() {
            if namespace != "mount" {
                return Err(syntax(format!("Unknown namespace: {namespace}")));
            }
            if !privileged {
                let text = "cannot use namespaces in session mode".to_owned();
                return Err(failed(ErrorCode::CONFIG_UNSUPPORTED, text));
            }
        }
        for driver in self.security_driver.0.iter().flatten() {
            if !matches!(driver.as_str(), "none" | "dac") {
                let text = "Failed to initialize security drivers".to_owned();
                return Err(failed(ErrorCode::INTERNAL_ERROR, text));
            }
        }
        let core = self.sched_core.as_deref().unwrap_or("none");
        if !matches!(core, "none" | "vcpus" | "emulator" | "full") {
            return Err(failed(ErrorCode::CONFIG_UNSUPPORTED, format!("Unknown sched_core value {core}")));
        }
        self.check_host()
    }

    fn check_ports(&self, file: &str) -> Result<()> {
        let wrong = |text: String| Err(Error::new(ErrorDomain::CONF, ErrorCode::INTERNAL_ERROR, text));
        for (name, first, min, max) in [
            ("remote_websocket_port", 5700, self.remote_websocket_port_min, self.remote_websocket_port_max),
            ("remote_display_port", 5900, self.remote_display_port_min, self.remote_display_port_max),
        ] {
            if min < first {
                return wrong(format!("{file}: {name}_min: port must be greater than or equal to {first}"));
            }
            if max > 65535 || max < min {
                return wrong(format!("{file}: {name}_max: port must be between the minimal port and 65535"));
            }
        }
        let (min, max) = (self.migration_port_min, self.migration_port_max);
        if min == 0 {
            return wrong(format!("{file}: migration_port_min: port must be greater than 0"));
        }
        if max > 65535 || max < min {
            return wrong(format!(
                "{file}: migration_port_max: port must be between the minimal port {min} and 65535"
            ));
        }
        Ok(())
    }

    /// Looks at what has to be there: accounts, directories, programs.
    fn check_host(&self) -> Result<()> {
        for (name, directory) in [
            ("default_tls_x509_cert_dir", &self.default_tls_x509_cert_dir),
            ("vnc_tls_x509_cert_dir", &self.vnc_tls_x509_cert_dir),
            ("spice_tls_x509_cert_dir", &self.spice_tls_x509_cert_dir),
            ("chardev_tls_x509_cert_dir", &self.chardev_tls_x509_cert_dir),
            ("migrate_tls_x509_cert_dir", &self.migrate_tls_x509_cert_dir),
            ("backup_tls_x509_cert_dir", &self.backup_tls_x509_cert_dir),
            ("vxhs_tls_x509_cert_dir", &self.vxhs_tls_x509_cert_dir),
            ("nbd_tls_x509_cert_dir", &self.nbd_tls_x509_cert_dir),
        ] {
            if let Some(directory) = directory.as_ref().filter(|directory| !Path::new(directory).exists()) {
                return Err(syntax(format!("{name} directory '{directory}' does not exist")));
            }
        }
        for mount in self.hugetlbfs_mount.0.iter().flatten() {
            std::fs::metadata(mount).map_err(|e| {
                let text = format!("cannot determine filesystem for '{mount}'");
                Error::system(ErrorDomain::NONE, text, &e)
            })?;
        }
        if let Some(manager) = &self.lock_manager {
            let plugin =
                format!("/usr/lib/{}-linux-gnu/libvirt/lock-driver/{manager}.so", std::env::consts::ARCH);
            let gone = std::io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error());
            return Err(Error::system(
                ErrorDomain::LOCKING,
                format!("Plugin {plugin} not accessible"),
                &gone,
            ));
        }
        for (user, group) in [(&self.user, &self.group), (&self.swtpm_user, &self.swtpm_group)] {
            if let Some(user) = user.as_deref().filter(|user| Credentials::user_id(user).is_none()) {
                return Err(failed(ErrorCode::INVALID_ARG, format!("Failed to parse user '{user}'")));
            }
            if let Some(group) = group.as_deref().filter(|group| Credentials::group_id(group).is_none()) {
                return Err(failed(ErrorCode::INVALID_ARG, format!("Failed to parse group '{group}'")));
            }
        }
        Ok(())
    }

    /// How one service encrypts.
    pub(crate) fn tls(&self, service: Service) -> Tls<'_> {
        let (name, directory, verify, usually, secret) = match service {
            Service::Vnc => {
                let secret = &self.vnc_tls_x509_secret_uuid;
                ("vnc", &self.vnc_tls_x509_cert_dir, self.vnc_tls_x509_verify, false, secret)
            }
            Service::Chardev => {
                let secret = &self.chardev_tls_x509_secret_uuid;
                ("chardev", &self.chardev_tls_x509_cert_dir, self.chardev_tls_x509_verify, true, secret)
            }
            Service::Nbd => ("nbd", &self.nbd_tls_x509_cert_dir, None, true, &self.nbd_tls_x509_secret_uuid),
        };
        Tls {
            directory: self.certificates(directory.as_ref(), name),
            verify: verify.or(self.default_tls_x509_verify).unwrap_or(usually),
            secret: secret.as_ref().or(self.default_tls_x509_secret_uuid.as_ref()),
        }
    }

    /// Where the certificates of one service are.
    pub(crate) fn certificates(&self, own: Option<&String>, service: &str) -> String {
        let usual = format!("/etc/pki/libvirt-{service}");
        let default = || self.default_tls_x509_cert_dir.clone().unwrap_or_else(|| "/etc/pki/qemu".to_owned());
        own.cloned().unwrap_or_else(|| if Path::new(&usual).exists() { usual } else { default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_are_refused() {
        for (text, want) in [
            (
                "remote_display_port_min = 1",
                "internal error: f: remote_display_port_min: port must be greater than or equal to 5900",
            ),
            (
                "remote_display_port_max = 70000",
                "internal error: f: remote_display_port_max: port must be between the minimal port and 65535",
            ),
            (
                "remote_websocket_port_min = 1",
                "internal error: f: remote_websocket_port_min: port must be greater than or equal to 5700",
            ),
            ("migration_port_min = 0", "internal error: f: migration_port_min: port must be greater than 0"),
            ("save_image_format = \"x\"", "unsupported configuration: Invalid save_image_format 'x'"),
            ("auto_shutdown_try_save = \"x\"", "invalid argument: unknown auto_shutdown_try_save 'x'"),
            ("max_core = \"big\"", "unsupported configuration: Unknown core size 'big'"),
            ("stdio_handler = \"x\"", "unsupported configuration: Unknown stdio handler x"),
            (
                "cgroup_controllers = [ \"nope\" ]",
                "configuration file syntax error: Unknown cgroup controller 'nope'",
            ),
            ("namespaces = [ \"x\" ]", "configuration file syntax error: Unknown namespace: x"),
            ("security_driver = \"nope\"", "internal error: Failed to initialize security drivers"),
            ("sched_core = \"x\"", "unsupported configuration: Unknown sched_core value x"),
            ("user = \"nosuchuser\"", "invalid argument: Failed to parse user 'nosuchuser'"),
            ("swtpm_group = \"nosuch\"", "invalid argument: Failed to parse group 'nosuch'"),
            (
                "vnc_tls_x509_cert_dir = \"/nonexistent\"",
                "configuration file syntax error: vnc_tls_x509_cert_dir directory '/nonexistent' does not exist",
            ),
            (
                "hugetlbfs_mount = [\"/nonexistent\"]",
                "cannot determine filesystem for '/nonexistent': No such file or directory",
            ),
        ] {
            let error = Settings::parse("f", text).unwrap().check("f", true).unwrap_err();
            assert_eq!(error.to_string(), want);
        }
        let session = Settings::parse("f", "namespaces = [ \"mount\" ]").unwrap();
        assert!(session.check("f", false).is_err() && session.check("f", true).is_ok());
        assert!(Settings::default().check("f", false).is_ok());
    }

    #[test]
    fn the_page_is_what_is_declared() {
        let mut page = "# qemu.conf\n\nThe settings of the QEMU driver: `/etc/libvirt/qemu.conf` of the system's \
            daemon, `qemu.conf` in the configuration directory of a user's own. Written by a test from \
            `crates/driver-qemu/src/settings.rs`; `UPDATE=1 cargo test -p virtus-driver-qemu settings` writes it \
            anew.\n\n| setting | type | default | effect |\n|---|---|---|---|\n"
            .to_owned();
        for row in Settings::table() {
            let kind = row.kind.trim_start_matches("an ").trim_start_matches("a ");
            let default = if row.default.is_empty() { String::new() } else { format!("`{}`", row.default) };
            page.push_str(&format!("| `{}` | {kind} | {default} | {} |\n", row.name, row.effect));
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/qemu-conf.md");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page, "run it with UPDATE=1");
    }
}
