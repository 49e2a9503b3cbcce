//! Types, and what only C has: macros that are like functions, other names for types.

use std::fmt::Write;

use virtus_capi::declare::TypeDef;

use super::text;

/// Which types a header declares, in an order in which each knows those it needs.
const TYPES: &[(&str, &[&str])] = &[
    ("libvirt-common", &["virFreeCallback", "virTypedParameter"]),
    (
        "libvirt-host",
        &[
            "virConnect",
            "virStream",
            "virNodeInfo",
            "virNodeCPUStats",
            "virNodeMemoryStats",
            "virSecurityLabel",
            "virSecurityModel",
            "virConnectCredential",
            "virConnectAuthCallbackPtr",
            "virConnectAuth",
            "virConnectCloseFunc",
        ],
    ),
    (
        "libvirt-domain",
        &[
            "virDomain",
            "virDomainInfo",
            "virDomainControlInfo",
            "virDomainBlockStats",
            "virDomainInterfaceStats",
            "virDomainMemoryStat",
            "virDomainBlockInfo",
            "virDomainBlockJobInfo",
            "virDomainDiskError",
            "virDomainFSInfo",
            "virDomainIOThreadInfo",
            "virDomainIPAddress",
            "virDomainInterface",
            "virDomainJobInfo",
            "virDomainStatsRecord",
            "virVcpuInfo",
            "virDomainEventGraphicsAddress",
            "virDomainEventGraphicsSubjectIdentity",
            "virDomainEventGraphicsSubject",
            "virConnectDomainEventCallback",
            "virConnectDomainEventGenericCallback",
            "virConnectDomainEventAgentLifecycleCallback",
            "virConnectDomainEventBalloonChangeCallback",
            "virConnectDomainEventBlockJobCallback",
            "virConnectDomainEventBlockThresholdCallback",
            "virConnectDomainEventDeviceAddedCallback",
            "virConnectDomainEventDeviceRemovalFailedCallback",
            "virConnectDomainEventDeviceRemovedCallback",
            "virConnectDomainEventDiskChangeCallback",
            "virConnectDomainEventGraphicsCallback",
            "virConnectDomainEventIOErrorCallback",
            "virConnectDomainEventIOErrorReasonCallback",
            "virConnectDomainEventJobCompletedCallback",
            "virConnectDomainEventMemoryDeviceSizeChangeCallback",
            "virConnectDomainEventMemoryFailureCallback",
            "virConnectDomainEventMetadataChangeCallback",
            "virConnectDomainEventMigrationIterationCallback",
            "virConnectDomainEventNICMACChangeCallback",
            "virConnectDomainEventPMSuspendCallback",
            "virConnectDomainEventPMSuspendDiskCallback",
            "virConnectDomainEventPMWakeupCallback",
            "virConnectDomainEventRTCChangeCallback",
            "virConnectDomainEventTrayChangeCallback",
            "virConnectDomainEventTunableCallback",
            "virConnectDomainEventWatchdogCallback",
        ],
    ),
    ("libvirt-domain-checkpoint", &["virDomainCheckpoint"]),
    ("libvirt-domain-snapshot", &["virDomainSnapshot"]),
    (
        "libvirt-event",
        &[
            "virEventHandleCallback",
            "virEventTimeoutCallback",
            "virEventAddHandleFunc",
            "virEventUpdateHandleFunc",
            "virEventRemoveHandleFunc",
            "virEventAddTimeoutFunc",
            "virEventUpdateTimeoutFunc",
            "virEventRemoveTimeoutFunc",
        ],
    ),
    ("libvirt-interface", &["virInterface"]),
    (
        "libvirt-network",
        &[
            "virNetwork",
            "virNetworkPort",
            "virNetworkDHCPLease",
            "virConnectNetworkEventGenericCallback",
            "virConnectNetworkEventLifecycleCallback",
            "virConnectNetworkEventMetadataChangeCallback",
        ],
    ),
    (
        "libvirt-nodedev",
        &[
            "virNodeDevice",
            "virConnectNodeDeviceEventGenericCallback",
            "virConnectNodeDeviceEventLifecycleCallback",
        ],
    ),
    ("libvirt-nwfilter", &["virNWFilter", "virNWFilterBinding"]),
    (
        "libvirt-secret",
        &["virSecret", "virConnectSecretEventGenericCallback", "virConnectSecretEventLifecycleCallback"],
    ),
    (
        "libvirt-storage",
        &[
            "virStoragePool",
            "virStoragePoolInfo",
            "virStorageVol",
            "virStorageVolInfo",
            "virConnectStoragePoolEventGenericCallback",
            "virConnectStoragePoolEventLifecycleCallback",
        ],
    ),
    (
        "libvirt-stream",
        &[
            "virStreamEventCallback",
            "virStreamSinkFunc",
            "virStreamSinkHoleFunc",
            "virStreamSourceFunc",
            "virStreamSourceHoleFunc",
            "virStreamSourceSkipFunc",
        ],
    ),
    ("virterror", &["virError", "virErrorFunc"]),
    ("libvirt-qemu", &["virConnectDomainQemuMonitorEventCallback"]),
    ("libvirt-admin", &["virAdmConnect", "virAdmServer", "virAdmClient", "virAdmConnectCloseFunc"]),
];

/// Structs that C calls otherwise than the library does: name and tag.
const ODD: &[(&str, &str, &str)] = &[
    ("virDomainBlockStats", "virDomainBlockStatsStruct", "_virDomainBlockStats"),
    ("virDomainInterfaceStats", "virDomainInterfaceStatsStruct", "_virDomainInterfaceStats"),
    ("virDomainMemoryStat", "virDomainMemoryStatStruct", "_virDomainMemoryStat"),
    ("virDomainIPAddress", "virDomainIPAddress", "_virDomainInterfaceIPAddress"),
];

/// Fields that are not to be used any more.
const DEPRECATED: &[(&str, &str)] = &[("virError", "conn"), ("virError", "dom"), ("virError", "net")];

/// What a header needs of the system and of others.
pub(super) fn includes(header: &str) -> &'static str {
    match header {
        "libvirt-common" => "#include <stddef.h>\n#include <sys/types.h>\n\n",
        "libvirt-qemu" | "libvirt-lxc" | "libvirt-admin" => "#include <libvirt/libvirt.h>\n\n",
        _ => "",
    }
}

/// What C alone has, before the types.
pub(super) fn before(header: &str) -> &'static str {
    match header {
        "libvirt-common" => {
            "#ifndef VIR_DEPRECATED\n\
             # if defined(__GNUC__)\n\
             #  define VIR_DEPRECATED __attribute__((deprecated))\n\
             # else\n\
             #  define VIR_DEPRECATED\n\
             # endif\n\
             #endif\n\n\
             #ifndef VIR_EXPORT_VAR\n\
             # define VIR_EXPORT_VAR\n\
             #endif\n\n\
             /* Whether the headers are those of this version or a later one. */\n\
             #define LIBVIR_CHECK_VERSION(major, minor, micro) \\\n    \
             (LIBVIR_VERSION_NUMBER >= (major) * 1000000 + (minor) * 1000 + (micro))\n\n"
        }
        "libvirt-domain" => "typedef unsigned long long virDomainBlockJobCursor;\n\n",
        _ => "",
    }
}

/// What C alone has, after the types.
pub(super) fn after(header: &str) -> &'static str {
    match header {
        "libvirt-host" => {
            "/* The most CPUs that the host may have, online or not, by its topology. */\n\
             #define VIR_NODEINFO_MAXCPUS(nodeinfo) \\\n    \
             ((nodeinfo).nodes * (nodeinfo).sockets * (nodeinfo).cores * (nodeinfo).threads)\n\n"
        }
        "libvirt-domain" => {
            "/* Bits of CPUs: eight a byte, the lowest first. */\n\
             #define VIR_CPU_MAPLEN(cpu) (((cpu) + 7) / 8)\n\
             #define VIR_USE_CPU(cpumap, cpu) ((cpumap)[(cpu) / 8] |= (1 << ((cpu) % 8)))\n\
             #define VIR_UNUSE_CPU(cpumap, cpu) ((cpumap)[(cpu) / 8] &= ~(1 << ((cpu) % 8)))\n\
             #define VIR_CPU_USED(cpumap, cpu) ((cpumap)[(cpu) / 8] & (1 << ((cpu) % 8)))\n\
             /* The same in the maps of several virtual CPUs, one after the other. */\n\
             #define VIR_GET_CPUMAP(cpumaps, maplen, vcpu) (&((cpumaps)[(size_t)(vcpu) * (maplen)]))\n\
             #define VIR_CPU_USABLE(cpumaps, maplen, vcpu, cpu) \\\n    \
             VIR_CPU_USED(VIR_GET_CPUMAP(cpumaps, maplen, vcpu), cpu)\n\
             #define VIR_COPY_CPUMAP(cpumaps, maplen, vcpu, cpumap) \\\n    \
             memcpy(cpumap, VIR_GET_CPUMAP(cpumaps, maplen, vcpu), maplen)\n\n\
             /* Makes a callback what virConnectDomainEventRegisterAny takes. */\n\
             #define VIR_DOMAIN_EVENT_CALLBACK(cb) ((virConnectDomainEventGenericCallback)(void (*)(void))(cb))\n\n\
             /* Names from before typed parameters had one. */\n\
             #define _virSchedParameter _virTypedParameter\n\
             #define _virBlkioParameter _virTypedParameter\n\
             #define _virMemoryParameter _virTypedParameter\n\
             typedef struct _virTypedParameter virSchedParameter;\n\
             typedef virSchedParameter *virSchedParameterPtr;\n\
             typedef struct _virTypedParameter virBlkioParameter;\n\
             typedef virBlkioParameter *virBlkioParameterPtr;\n\
             typedef struct _virTypedParameter virMemoryParameter;\n\
             typedef virMemoryParameter *virMemoryParameterPtr;\n\n"
        }
        "libvirt-network" => {
            "/* Makes a callback what virConnectNetworkEventRegisterAny takes. */\n\
             #define VIR_NETWORK_EVENT_CALLBACK(cb) ((virConnectNetworkEventGenericCallback)(void (*)(void))(cb))\n\n"
        }
        "libvirt-nodedev" => {
            "/* Makes a callback what virConnectNodeDeviceEventRegisterAny takes. */\n\
             #define VIR_NODE_DEVICE_EVENT_CALLBACK(cb) ((virConnectNodeDeviceEventGenericCallback)(void (*)(void))(cb))\n\n"
        }
        "libvirt-secret" => {
            "/* Makes a callback what virConnectSecretEventRegisterAny takes. */\n\
             #define VIR_SECRET_EVENT_CALLBACK(cb) ((virConnectSecretEventGenericCallback)(void (*)(void))(cb))\n\n"
        }
        "libvirt-storage" => {
            "/* Makes a callback what virConnectStoragePoolEventRegisterAny takes. */\n\
             #define VIR_STORAGE_POOL_EVENT_CALLBACK(cb) ((virConnectStoragePoolEventGenericCallback)(void (*)(void))(cb))\n\n"
        }
        _ => "",
    }
}

/// The types of a header, as far as they are declared.
pub(super) fn declared(header: &str) -> String {
    of(header).map(|name| one(name)).collect()
}

fn one(name: &str) -> String {
    let structure = virtus_capi::structs().find(|s| s.name == name);
    let callback = virtus_capi::callbacks().find(|c| c.name == name);
    match (structure, callback) {
        (_, Some(callback)) => function(callback),
        (Some(structure), _) => data(name, Some(structure)),
        _ => data(name, None),
    }
}

/// What C calls a struct, its tag, and a pointer to it.
pub fn names(structure: &str) -> [String; 3] {
    let pointer = format!("{structure}Ptr");
    match ODD.iter().find(|(odd, _, _)| *odd == structure) {
        Some((_, name, tag)) => [(*name).to_owned(), (*tag).to_owned(), pointer],
        None => [structure.to_owned(), format!("_{structure}"), pointer],
    }
}

/// The types of a header.
pub(crate) fn of(header: &str) -> impl Iterator<Item = &'static &'static str> + use<'_> {
    TYPES.iter().filter(move |(name, _)| *name == header).flat_map(|(_, names)| *names)
}

fn data(name: &str, fields: Option<&TypeDef>) -> String {
    let [c_name, tag, pointer] = names(name);
    let mut text = format!("typedef struct {tag} {c_name};\ntypedef {c_name} *{pointer};\n");
    if let Some(fields) = fields {
        let _ = writeln!(text, "struct {tag} {{");
        for (field, of) in fields.members {
            let field = &field.trim_start_matches("r#");
            let deprecated = if DEPRECATED.contains(&(name, field)) { " VIR_DEPRECATED" } else { "" };
            let _ = writeln!(text, "    {}{deprecated};", text::member(field, &of()));
        }
        text.push_str("};\n");
    }
    text.push('\n');
    text
}

fn function(callback: &TypeDef) -> String {
    let arguments: Vec<_> = callback
        .members
        .iter()
        .map(|(name, of)| text::member(name.trim_start_matches("r#"), &of()))
        .collect();
    let result = callback.result.map_or_else(|| "void".to_owned(), |result| result());
    let begin = format!("typedef {}", text::member(&format!("(*{})", callback.name), &result));
    text::list(&begin, &arguments, ";\n\n")
}

/// Every type that a header has.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    TYPES.iter().flat_map(|(_, names)| names.iter().copied())
}
