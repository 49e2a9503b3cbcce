//! libvirt's error numbers (`virErrorNumber`) with the sentence each one begins.

/// What went wrong, as a number clients match on. Numbers this build does not know survive unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(pub i32);

/// The sentences of one error number: without and with a detail (`{}` stands for it).
struct Sentences {
    code: ErrorCode,
    name: &'static str,
    plain: &'static str,
    detailed: &'static str,
}

macro_rules! codes {
    ($($name:ident = $number:literal, $plain:literal, $detailed:literal;)*
     @warnings $($warning:ident = $warning_number:literal, $warning_plain:literal, $warning_detailed:literal;)*) => {
        #[allow(missing_docs)]
        impl ErrorCode {
            $(pub const $name: ErrorCode = ErrorCode($number);)*
            $(pub const $warning: ErrorCode = ErrorCode($warning_number);)*

            /// Every number with its name in C; then the first number that has none.
            pub const NAMES: &'static [(&'static str, i64)] = &[
                $((concat!("VIR_ERR_", stringify!($name)), $number),)*
                $((concat!("VIR_", stringify!($warning)), $warning_number),)*
                ("VIR_ERR_NUMBER_LAST", [$($number,)* $($warning_number),*].len() as i64),
            ];
        }

        const SENTENCES: &[Sentences] = &[
            $(Sentences { code: ErrorCode::$name, name: stringify!($name), plain: $plain, detailed: $detailed },)*
            $(Sentences {
                code: ErrorCode::$warning,
                name: stringify!($warning),
                plain: $warning_plain,
                detailed: $warning_detailed,
            },)*
        ];
    };
}

codes! {
    OK = 0, "no error", "{}";
    INTERNAL_ERROR = 1, "internal error", "internal error: {}";
    NO_MEMORY = 2, "out of memory", "out of memory: {}";
    NO_SUPPORT = 3, "this function is not supported by the connection driver", "this function is not supported by the connection driver: {}";
    UNKNOWN_HOST = 4, "unknown host", "unknown host {}";
    NO_CONNECT = 5, "no connection driver available", "no connection driver available for {}";
    INVALID_CONN = 6, "invalid connection pointer in", "invalid connection pointer in {}";
    INVALID_DOMAIN = 7, "invalid domain pointer in", "invalid domain pointer in {}";
    INVALID_ARG = 8, "invalid argument", "invalid argument: {}";
    OPERATION_FAILED = 9, "operation failed", "operation failed: {}";
    GET_FAILED = 10, "GET operation failed", "GET operation failed: {}";
    POST_FAILED = 11, "POST operation failed", "POST operation failed: {}";
    HTTP_ERROR = 12, "got unknown HTTP error code", "got unknown HTTP error code {}";
    SEXPR_SERIAL = 13, "failed to serialize S-Expr", "failed to serialize S-Expr: {}";
    NO_XEN = 14, "could not use Xen hypervisor entry", "could not use Xen hypervisor entry {}";
    XEN_CALL = 15, "failed Xen syscall", "failed Xen syscall {}";
    OS_TYPE = 16, "unknown OS type", "unknown OS type {}";
    NO_KERNEL = 17, "missing kernel information", "missing kernel information: {}";
    NO_ROOT = 18, "missing root device information", "missing root device information in {}";
    NO_SOURCE = 19, "missing source information for device", "missing source information for device {}";
    NO_TARGET = 20, "missing target information for device", "missing target information for device {}";
    NO_NAME = 21, "missing name information", "missing name information in {}";
    NO_OS = 22, "missing operating system information", "missing operating system information for {}";
    NO_DEVICE = 23, "missing devices information", "missing devices information for {}";
    NO_XENSTORE = 24, "could not connect to Xen Store", "could not connect to Xen Store {}";
    DRIVER_FULL = 25, "too many drivers registered", "too many drivers registered in {}";
    CALL_FAILED = 26, "library call failed", "library call failed: {}";
    XML_ERROR = 27, "XML description is invalid or not well formed", "XML error: {}";
    DOM_EXIST = 28, "this domain exists already", "domain {} exists already";
    OPERATION_DENIED = 29, "operation forbidden for read only access", "operation forbidden: {}";
    OPEN_FAILED = 30, "failed to open configuration file", "failed to open configuration file {}";
    READ_FAILED = 31, "failed to read configuration file", "failed to read configuration file {}";
    PARSE_FAILED = 32, "failed to parse configuration file", "failed to parse configuration file {}";
    CONF_SYNTAX = 33, "configuration file syntax error", "configuration file syntax error: {}";
    WRITE_FAILED = 34, "failed to write configuration file", "failed to write configuration file: {}";
    XML_DETAIL = 35, "parser error", "{}";
    INVALID_NETWORK = 36, "invalid network pointer in", "invalid network pointer in {}";
    NETWORK_EXIST = 37, "this network exists already", "network {} exists already";
    SYSTEM_ERROR = 38, "system call error", "{}";
    RPC = 39, "RPC error", "{}";
    GNUTLS_ERROR = 40, "GNUTLS call error", "{}";
    NO_DOMAIN = 42, "Domain not found", "Domain not found: {}";
    NO_NETWORK = 43, "Network not found", "Network not found: {}";
    INVALID_MAC = 44, "invalid MAC address", "invalid MAC address: {}";
    AUTH_FAILED = 45, "authentication failed", "authentication failed: {}";
    INVALID_STORAGE_POOL = 46, "invalid storage pool pointer in", "invalid storage pool pointer in {}";
    INVALID_STORAGE_VOL = 47, "invalid storage volume pointer in", "invalid storage volume pointer in {}";
    NO_STORAGE_POOL = 49, "Storage pool not found", "Storage pool not found: {}";
    NO_STORAGE_VOL = 50, "Storage volume not found", "Storage volume not found: {}";
    INVALID_NODE_DEVICE = 52, "invalid node device pointer", "invalid node device pointer in {}";
    NO_NODE_DEVICE = 53, "Node device not found", "Node device not found: {}";
    NO_SECURITY_MODEL = 54, "Security model not found", "Security model not found: {}";
    OPERATION_INVALID = 55, "Requested operation is not valid", "Requested operation is not valid: {}";
    NO_INTERFACE = 57, "Interface not found", "Interface not found: {}";
    INVALID_INTERFACE = 58, "invalid interface pointer in", "invalid interface pointer in {}";
    MULTIPLE_INTERFACES = 59, "multiple matching interfaces found", "multiple matching interfaces found: {}";
    INVALID_NWFILTER = 61, "Invalid network filter", "Invalid network filter: {}";
    NO_NWFILTER = 62, "Network filter not found", "Network filter not found: {}";
    BUILD_FIREWALL = 63, "Error while building firewall", "Error while building firewall: {}";
    INVALID_SECRET = 65, "Invalid secret", "Invalid secret: {}";
    NO_SECRET = 66, "Secret not found", "Secret not found: {}";
    CONFIG_UNSUPPORTED = 67, "unsupported configuration", "unsupported configuration: {}";
    OPERATION_TIMEOUT = 68, "Timed out during operation", "Timed out during operation: {}";
    MIGRATE_PERSIST_FAILED = 69, "Failed to make domain persistent after migration", "Failed to make domain persistent after migration: {}";
    HOOK_SCRIPT_FAILED = 70, "Hook script execution failed", "Hook script execution failed: {}";
    INVALID_DOMAIN_SNAPSHOT = 71, "Invalid domain snapshot", "Invalid domain snapshot: {}";
    NO_DOMAIN_SNAPSHOT = 72, "Domain snapshot not found", "Domain snapshot not found: {}";
    INVALID_STREAM = 73, "invalid stream pointer", "invalid stream pointer in {}";
    ARGUMENT_UNSUPPORTED = 74, "argument unsupported", "argument unsupported: {}";
    STORAGE_PROBE_FAILED = 75, "Storage pool probe failed", "Storage pool probe failed: {}";
    STORAGE_POOL_BUILT = 76, "Storage pool already built", "Storage pool already built: {}";
    SNAPSHOT_REVERT_RISKY = 77, "revert requires force", "revert requires force: {}";
    OPERATION_ABORTED = 78, "operation aborted", "operation aborted: {}";
    AUTH_CANCELLED = 79, "authentication cancelled", "authentication cancelled: {}";
    NO_DOMAIN_METADATA = 80, "metadata not found", "metadata not found: {}";
    MIGRATE_UNSAFE = 81, "Unsafe migration", "Unsafe migration: {}";
    OVERFLOW = 82, "numerical overflow", "numerical overflow: {}";
    BLOCK_COPY_ACTIVE = 83, "block copy still active", "block copy still active: {}";
    OPERATION_UNSUPPORTED = 84, "Operation not supported", "Operation not supported: {}";
    SSH = 85, "SSH transport error", "SSH transport error: {}";
    AGENT_UNRESPONSIVE = 86, "Guest agent is not responding", "Guest agent is not responding: {}";
    RESOURCE_BUSY = 87, "resource busy", "resource busy: {}";
    ACCESS_DENIED = 88, "access denied", "access denied: {}";
    DBUS_SERVICE = 89, "error from service", "error from service: {}";
    STORAGE_VOL_EXIST = 90, "this storage volume exists already", "storage volume {} exists already";
    CPU_INCOMPATIBLE = 91, "the CPU is incompatible with host CPU", "the CPU is incompatible with host CPU: {}";
    XML_INVALID_SCHEMA = 92, "XML document failed to validate against schema", "XML document failed to validate against schema: {}";
    MIGRATE_FINISH_OK = 93, "migration successfully aborted", "migration successfully aborted: {}";
    AUTH_UNAVAILABLE = 94, "authentication unavailable", "authentication unavailable: {}";
    NO_SERVER = 95, "Server not found", "Server not found: {}";
    NO_CLIENT = 96, "Client not found", "Client not found: {}";
    AGENT_UNSYNCED = 97, "guest agent replied with wrong id to guest-sync command", "guest agent replied with wrong id to guest-sync command: {}";
    LIBSSH = 98, "libssh transport error", "libssh transport error: {}";
    DEVICE_MISSING = 99, "device not found", "device not found: {}";
    INVALID_NWFILTER_BINDING = 100, "Invalid network filter binding", "Invalid network filter binding: {}";
    NO_NWFILTER_BINDING = 101, "Network filter binding not found", "Network filter binding not found: {}";
    INVALID_DOMAIN_CHECKPOINT = 102, "Invalid domain checkpoint", "Invalid domain checkpoint: {}";
    NO_DOMAIN_CHECKPOINT = 103, "Domain checkpoint not found", "Domain checkpoint not found: {}";
    NO_DOMAIN_BACKUP = 104, "Domain backup job id not found", "Domain backup job id not found: {}";
    INVALID_NETWORK_PORT = 105, "Invalid network port pointer", "Invalid network port pointer: {}";
    NETWORK_PORT_EXIST = 106, "this network port exists already", "network port {} exists already";
    NO_NETWORK_PORT = 107, "network port not found", "network port not found: {}";
    NO_HOSTNAME = 108, "no hostname found", "no hostname found: {}";
    CHECKPOINT_INCONSISTENT = 109, "checkpoint inconsistent", "checkpoint inconsistent: {}";
    MULTIPLE_DOMAINS = 110, "multiple matching domains found", "multiple matching domains found: {}";
    NO_NETWORK_METADATA = 111, "metadata not found", "metadata not found: {}";
    AGENT_COMMAND_TIMEOUT = 112, "guest agent command timed out", "guest agent command timed out: {}";
    AGENT_COMMAND_FAILED = 113, "guest agent command failed", "guest agent command failed: {}";
    @warnings
    WAR_NO_NETWORK = 41, "Failed to find the network", "Failed to find the network: {}";
    WAR_NO_STORAGE = 48, "Failed to find a storage driver", "Failed to find a storage driver: {}";
    WAR_NO_NODE = 51, "Failed to find a node driver", "Failed to find a node driver: {}";
    WAR_NO_INTERFACE = 56, "Failed to find the interface", "Failed to find the interface: {}";
    WAR_NO_NWFILTER = 60, "Failed to start the nwfilter driver", "Failed to start the nwfilter driver: {}";
    WAR_NO_SECRET = 64, "Failed to find a secret storage driver", "Failed to find a secret storage driver: {}";
}

impl ErrorCode {
    fn sentences(self) -> Option<&'static Sentences> {
        SENTENCES.iter().find(|s| s.code == self)
    }

    /// The number's name without its `VIR_ERR_` prefix (a warning's without `VIR_`), if it has one.
    pub fn name(self) -> Option<&'static str> {
        self.sentences().map(|s| s.name)
    }

    /// The sentence libvirt uses for this number around `detail`; without a detail the sentence alone.
    pub fn sentence(self, detail: &str) -> String {
        match (self.sentences(), detail.is_empty()) {
            (Some(s), true) => s.plain.to_owned(),
            (Some(s), false) => s.detailed.replace("{}", detail),
            (None, _) => format!("unknown error {}: {detail}", self.0),
        }
    }

    /// The sentence's template as libvirt puts it into `str1` of an error, with `%1$s` for the detail.
    pub(super) fn template(self, detailed: bool) -> String {
        match self.sentences() {
            // what is nothing but the detail has no place to number
            Some(s) if detailed && s.detailed == "{}" => "%s".to_owned(),
            Some(s) if detailed => s.detailed.replace("{}", "%1$s"),
            Some(s) => s.plain.to_owned(),
            None => String::new(),
        }
    }
}

impl std::fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name}({})", self.0),
            None => write!(f, "ErrorCode({})", self.0),
        }
    }
}
