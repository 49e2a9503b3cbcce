"""Domains."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from . import _native as native
from ._cpus import cpu_stats, flags_of_map, length_of_map, map_of_flags, number_of_cpus
from ._error import libvirtError
from ._migration import PEER2PEER, move, named, send
from ._moment import virDomainCheckpoint, virDomainSnapshot
from ._object import (
    Object,
    absolute,
    c_int,
    check_socket,
    files_of,
    handle_of,
    kib_of,
    own,
    public,
    seconds_of,
    some,
    text,
    unsigned,
    uuid_text,
    with_texts,
    without,
)

if TYPE_CHECKING:
    from ._connect import virConnect
    from ._stream import virStream

# by the numbers of virDomainMemoryStatTags
MEMORY_STATS = (
    "swap_in", "swap_out", "major_fault", "minor_fault", "unused", "available", "actual", "rss", "usable",
    "last_update", "disk_caches", "hugetlb_pgalloc", "hugetlb_pgfail",
)


@public
class virDomain(Object):
    """A virtual machine."""

    _handle = native.virDomainPtr

    def _with_texts(self, flags: int) -> int:
        return with_texts(self._conn, self._o and native.connection(self._o), flags)

    def _ended(self, done: int) -> int:
        # a driver in the same process knows at once; what a daemon does is heard by events
        if native.answers_here(self._o):
            self._o = native.without_id(self._o)
        return done

    def ID(self) -> int:
        return own(self, "virDomainGetID").id

    def OSType(self) -> str:
        return native.virDomainGetOSType(self._o)

    def UUID(self) -> bytes:
        return own(self, "virDomainGetUUID").uuid

    def UUIDString(self) -> str:
        return uuid_text(own(self, "virDomainGetUUIDString").uuid)

    def XMLDesc(self, flags: int = 0) -> str:
        return native.virDomainGetXMLDesc(self._o, flags)

    def abortJob(self) -> int:
        return native.virDomainAbortJob(self._o)

    def abortJobFlags(self, flags: int = 0) -> int:
        return native.virDomainAbortJobFlags(self._o, flags)

    def addIOThread(self, iothread_id: int, flags: int = 0) -> int:
        return native.virDomainAddIOThread(self._o, iothread_id, flags)

    def agentSetResponseTimeout(self, timeout: int, flags: int = 0) -> int:
        return native.virDomainAgentSetResponseTimeout(self._o, timeout, flags)

    def attachDevice(self, xml: str) -> int:
        return native.virDomainAttachDevice(self._o, xml)

    def attachDeviceFlags(self, xml: str, flags: int = 0) -> int:
        return native.virDomainAttachDeviceFlags(self._o, xml, flags)

    def authorizedSSHKeysGet(self, user: str, flags: int = 0) -> list[str]:
        text(user, "virDomainAuthorizedSSHKeysGet", 2, needed=True)
        return native.virDomainAuthorizedSSHKeysGet(self._o, user, flags)

    def authorizedSSHKeysSet(self, user: str, keys: list[str] | None = None, flags: int = 0) -> int:
        text(user, "virDomainAuthorizedSSHKeysSet", 2, needed=True)
        if not isinstance(keys, list) and operator.index(flags) & 3:
            without("virDomainAuthorizedSSHKeysSet", "keys")
        return native.virDomainAuthorizedSSHKeysSet(self._o, user, keys if isinstance(keys, list) else None, flags)

    def autostart(self) -> int:
        return native.virDomainGetAutostart(self._o)

    def autostartOnce(self) -> int:
        return native.virDomainGetAutostartOnce(self._o)

    def backupBegin(self, backupXML: str, checkpointXML: str | None, flags: int = 0) -> int:
        return native.virDomainBackupBegin(self._o, backupXML, checkpointXML, flags)

    def backupGetXMLDesc(self, flags: int = 0) -> str:
        return native.virDomainBackupGetXMLDesc(self._o, flags)

    def blkioParameters(self, flags: int = 0) -> dict[str, Any]:
        return native.virDomainGetBlkioParameters(self._o, self._with_texts(flags))

    def blockCommit(
        self, disk: str, base: str | None, top: str | None, bandwidth: int = 0, flags: int = 0
    ) -> int:
        return native.virDomainBlockCommit(self._o, disk, base, top, bandwidth, flags)

    def blockCopy(self, disk: str, destxml: str, params: dict[str, Any] | None = None, flags: int = 0) -> int:
        return native.virDomainBlockCopy(self._o, disk, destxml, params, flags)

    def blockInfo(self, path: str, flags: int = 0) -> list:
        return list(native.virDomainGetBlockInfo(self._o, path, flags))

    def blockIoTune(self, disk: str | None, flags: int = 0) -> dict[str, Any]:
        return native.virDomainGetBlockIoTune(self._o, disk, self._with_texts(flags))

    def blockJobAbort(self, disk: str, flags: int = 0) -> int:
        return native.virDomainBlockJobAbort(self._o, disk, flags)

    def blockJobInfo(self, path: str, flags: int = 0) -> dict[str, int]:
        found, *job = native.virDomainGetBlockJobInfo(self._o, path, flags)
        return dict(zip(("type", "bandwidth", "cur", "end"), job)) if found else {}

    def blockJobSetSpeed(self, disk: str, bandwidth: int, flags: int = 0) -> int:
        return native.virDomainBlockJobSetSpeed(self._o, disk, bandwidth, flags)

    def blockPeek(self, disk: str, offset: int, size: int, flags: int = 0) -> bytes:
        return native.virDomainBlockPeek(
            self._o, disk, unsigned(offset, "virDomainBlockPeek", 3), unsigned(size, "virDomainBlockPeek", 4), flags
        )

    def blockPull(self, disk: str, bandwidth: int = 0, flags: int = 0) -> int:
        return native.virDomainBlockPull(self._o, disk, bandwidth, flags)

    def blockRebase(self, disk: str, base: str | None, bandwidth: int = 0, flags: int = 0) -> int:
        return native.virDomainBlockRebase(self._o, disk, base, bandwidth, flags)

    def blockResize(self, disk: str, size: int, flags: int = 0) -> int:
        return native.virDomainBlockResize(self._o, disk, size, flags)

    def blockStats(self, path: str) -> tuple[int, int, int, int, int]:
        return native.virDomainBlockStats(self._o, path)

    def blockStatsFlags(self, path: str, flags: int = 0) -> dict[str, Any]:
        return native.virDomainBlockStatsFlags(self._o, path, self._with_texts(flags))

    def checkpointCreateXML(self, xmlDesc: str, flags: int = 0) -> virDomainCheckpoint:
        return virDomainCheckpoint(self, _obj=native.virDomainCheckpointCreateXML(self._o, xmlDesc, flags))

    def checkpointLookupByName(self, name: str, flags: int = 0) -> virDomainCheckpoint:
        return virDomainCheckpoint(self, _obj=native.virDomainCheckpointLookupByName(self._o, name, flags))

    def controlInfo(self, flags: int = 0) -> list:
        return list(native.virDomainGetControlInfo(self._o, flags))

    def coreDump(self, to: str, flags: int = 0) -> int:
        return native.virDomainCoreDump(self._o, absolute(to), flags)

    def coreDumpWithFormat(self, to: str, dumpformat: int, flags: int = 0) -> int:
        return native.virDomainCoreDumpWithFormat(self._o, absolute(to), dumpformat, flags)

    def create(self) -> int:
        done = native.virDomainCreate(self._o)
        self._o = native.looked_up_again(self._o)
        return done

    def createWithFlags(self, flags: int = 0) -> int:
        self._o = native.virDomainCreateWithFlags(self._o, flags)
        return 0

    def delIOThread(self, iothread_id: int, flags: int = 0) -> int:
        return native.virDomainDelIOThread(self._o, iothread_id, flags)

    def delThrottleGroup(self, group: str | None, flags: int = 0) -> int:
        return native.virDomainDelThrottleGroup(self._o, group, flags)

    def destroy(self) -> int:
        done = native.virDomainDestroy(self._o)
        self._o = native.without_id(self._o)
        return done

    def destroyFlags(self, flags: int = 0) -> int:
        done = native.virDomainDestroyFlags(self._o, flags)
        self._o = native.without_id(self._o)
        return done

    def detachDevice(self, xml: str) -> int:
        return native.virDomainDetachDevice(self._o, xml)

    def detachDeviceAlias(self, alias: str, flags: int = 0) -> int:
        return native.virDomainDetachDeviceAlias(self._o, alias, flags)

    def detachDeviceFlags(self, xml: str, flags: int = 0) -> int:
        return native.virDomainDetachDeviceFlags(self._o, xml, flags)

    def diskErrors(self, flags: int = 0) -> dict[str, int]:
        # as libvirt-python has it, which takes flags and tells nobody
        operator.index(flags)
        return dict(native.virDomainGetDiskErrors(self._o, 0))

    def emulatorPinInfo(self, flags: int = 0) -> tuple[bool, ...] | None:
        cpus = number_of_cpus(self._o)
        maps, found = native.virDomainGetEmulatorPinInfo(self._o, length_of_map(cpus), flags)
        return flags_of_map(maps, cpus) if found else None

    def fSTrim(self, mountPoint: str | None, minimum: int, flags: int = 0) -> int:
        return native.virDomainFSTrim(self._o, mountPoint, minimum, flags)

    def fsInfo(self, flags: int = 0) -> list[tuple[str, str, str, list[str]]]:
        return native.virDomainGetFSInfo(self._o, flags)

    def getCPUStats(self, total: bool, flags: int = 0) -> list[dict[str, Any]]:
        """What the domain used of the host's CPUs, in nanoseconds: of all together, or of each of them.

        Raises libvirtError when it fails. In C: virDomainGetCPUStats.
        """
        return cpu_stats(self._o, total, self._with_texts(flags))

    def graphicsReload(self, type: int, flags: int = 0) -> int:
        return native.virDomainGraphicsReload(self._o, type, flags)

    def guestInfo(self, types: int = 0, flags: int = 0) -> dict[str, Any]:
        return native.virDomainGetGuestInfo(self._o, types, flags)

    def guestVcpus(self, flags: int = 0) -> dict[str, Any] | None:
        try:
            return native.virDomainGetGuestVcpus(self._o, flags)
        except libvirtError:
            # who asks is used to find nothing, and the reason in virGetLastError
            return None

    def hasCurrentSnapshot(self, flags: int = 0) -> int:
        return native.virDomainHasCurrentSnapshot(self._o, flags)

    def hasManagedSaveImage(self, flags: int = 0) -> int:
        return native.virDomainHasManagedSaveImage(self._o, flags)

    def hostname(self, flags: int = 0) -> str:
        return native.virDomainGetHostname(self._o, flags)

    def info(self) -> list:
        return list(native.virDomainGetInfo(self._o))

    def injectNMI(self, flags: int = 0) -> int:
        return native.virDomainInjectNMI(self._o, flags)

    def interfaceAddresses(self, source: int, flags: int = 0) -> dict[str, dict[str, Any]]:
        def interface(hwaddr: str | None, addrs: list) -> dict[str, Any]:
            found = [{"addr": addr, "prefix": prefix, "type": kind} for kind, addr, prefix in addrs]
            return {"addrs": found or None, "hwaddr": hwaddr}

        interfaces = native.virDomainInterfaceAddresses(self._o, source, flags)
        return {name: interface(hwaddr, addrs) for name, hwaddr, addrs in interfaces}

    def interfaceParameters(self, device: str, flags: int = 0) -> dict[str, Any]:
        return native.virDomainGetInterfaceParameters(self._o, device, self._with_texts(flags))

    def interfaceStats(self, path: str) -> tuple[int, int, int, int, int, int, int, int]:
        return native.virDomainInterfaceStats(self._o, path)

    def ioThreadInfo(self, flags: int = 0) -> list[tuple[int, tuple[bool, ...]]]:
        cpus = number_of_cpus(self._o)
        threads = native.virDomainGetIOThreadInfo(self._o, flags)
        return [(thread, flags_of_map(cpumap, cpus)) for thread, cpumap in threads]

    def isActive(self) -> int:
        return native.virDomainIsActive(self._o)

    def isPersistent(self) -> int:
        return native.virDomainIsPersistent(self._o)

    def isUpdated(self) -> int:
        return native.virDomainIsUpdated(self._o)

    def jobInfo(self) -> list:
        return list(native.virDomainGetJobInfo(self._o))

    def jobStats(self, flags: int = 0) -> dict[str, Any]:
        kind, stats = native.virDomainGetJobStats(self._o, flags)
        return {**stats, "type": kind}

    def launchSecurityInfo(self, flags: int = 0) -> dict[str, Any]:
        return native.virDomainGetLaunchSecurityInfo(self._o, self._with_texts(flags))

    def managedSave(self, flags: int = 0) -> int:
        return self._ended(native.virDomainManagedSave(self._o, flags))

    def managedSaveDefineXML(self, dxml: str | None, flags: int = 0) -> int:
        return native.virDomainManagedSaveDefineXML(self._o, dxml, flags)

    def managedSaveGetXMLDesc(self, flags: int = 0) -> str:
        return native.virDomainManagedSaveGetXMLDesc(self._o, flags)

    def managedSaveRemove(self, flags: int = 0) -> int:
        return native.virDomainManagedSaveRemove(self._o, flags)

    def maxMemory(self) -> int:
        return native.virDomainGetMaxMemory(self._o)

    def maxVcpus(self) -> int:
        return native.virDomainGetMaxVcpus(self._o)

    def memoryParameters(self, flags: int = 0) -> dict[str, Any]:
        return native.virDomainGetMemoryParameters(self._o, self._with_texts(flags))

    def memoryPeek(self, start: int, size: int, flags: int = 0) -> bytes:
        return native.virDomainMemoryPeek(
            self._o, unsigned(start, "virDomainMemoryPeek", 2), unsigned(size, "virDomainMemoryPeek", 3), flags
        )

    def memoryStats(self) -> dict[str, int]:
        stats = native.virDomainMemoryStats(self._o, 0)
        return {MEMORY_STATS[tag]: value for tag, value in stats if 0 <= tag < len(MEMORY_STATS)}

    def messages(self, flags: int = 0) -> list[str]:
        return native.virDomainGetMessages(self._o, flags)

    def metadata(self, type: int, uri: str | None, flags: int = 0) -> str:
        return native.virDomainGetMetadata(self._o, type, uri, flags)

    def migrate(
        self, dconn: virConnect, flags: int = 0, dname: str | None = None, uri: str | None = None, bandwidth: int = 0
    ) -> virDomain:
        """Moves the domain to another host, which `dconn` is connected to, and returns what it is there.

        `dname` is its name there, `uri` says over which way it goes, and `bandwidth` is in MiB/s, 0 for no limit.
        `flags` are `VIR_MIGRATE_...`. Raises libvirtError when it fails; the domain runs on here then.
        """
        params = named(destination_name=dname, migrate_uri=uri, bandwidth=bandwidth)
        return virDomain(dconn, _obj=move(self._o, dconn, params, flags, "virDomainMigrate"))

    def migrate2(
        self,
        dconn: virConnect,
        dxml: str | None = None,
        flags: int = 0,
        dname: str | None = None,
        uri: str | None = None,
        bandwidth: int = 0,
    ) -> virDomain:
        """As `migrate`, with another definition there: `dxml`, in which only what the guest does not see may differ."""
        params = named(destination_xml=dxml, destination_name=dname, migrate_uri=uri, bandwidth=bandwidth)
        return virDomain(dconn, _obj=move(self._o, dconn, params, flags, "virDomainMigrate2"))

    def migrate3(self, dconn: virConnect, params: dict[str, Any], flags: int = 0) -> virDomain:
        """As `migrate`; all that can be said of it is in `params`, by the names of `VIR_MIGRATE_PARAM_...`. A list is a
        parameter that is given several times."""
        return virDomain(dconn, _obj=move(self._o, dconn, params, flags, "virDomainMigrate3"))

    def migrateToURI(self, duri: str, flags: int = 0, dname: str | None = None, bandwidth: int = 0) -> int:
        """Has the daemon move the domain: with `VIR_MIGRATE_PEER2PEER` to the daemon of the URI, otherwise to the
        hypervisor that the URI leads to. Returns 0."""
        function = "virDomainMigrateToURI"
        text(duri, function, 2), text(dname, function, 4)
        if flags & PEER2PEER:
            return send(self._o, duri, named(destination_name=dname, bandwidth=bandwidth), flags, function)
        return send(self._o, None, named(migrate_uri=duri, destination_name=dname, bandwidth=bandwidth), flags, function)

    def migrateToURI2(
        self,
        dconnuri: str | None = None,
        miguri: str | None = None,
        dxml: str | None = None,
        flags: int = 0,
        dname: str | None = None,
        bandwidth: int = 0,
    ) -> int:
        """As `migrateToURI`, with the daemon's URI and that of the way apart, and another definition there."""
        for number, given in ((2, dconnuri), (3, miguri), (4, dxml), (6, dname)):
            text(given, "virDomainMigrateToURI2", number)
        params = named(migrate_uri=miguri, destination_xml=dxml, destination_name=dname, bandwidth=bandwidth)
        return send(self._o, dconnuri if flags & PEER2PEER else None, params, flags, "virDomainMigrateToURI2")

    def migrateToURI3(self, dconnuri: str | None, params: dict[str, Any], flags: int = 0) -> int:
        """As `migrateToURI`; all that can be said of it is in `params`, by the names of `VIR_MIGRATE_PARAM_...`."""
        # the name is libvirt-python's own mistake
        text(dconnuri, "virDomainMigrate3", 2)
        return send(self._o, dconnuri if flags & PEER2PEER else None, params, flags, "virDomainMigrateToURI3")

    def migrateGetCompressionCache(self, flags: int = 0) -> int | None:
        """How many bytes of memory a migration of the domain may use to compress pages that are sent again; None when
        it cannot be told, as in libvirt-python. In C: virDomainMigrateGetCompressionCache."""
        try:
            return native.virDomainMigrateGetCompressionCache(self._o, flags)
        except libvirtError:
            return None

    def migrateGetMaxDowntime(self, flags: int = 0) -> int | None:
        """For how many milliseconds the guest may stand still at the end of a live migration; None when it cannot be
        told, as in libvirt-python. In C: virDomainMigrateGetMaxDowntime."""
        try:
            return native.virDomainMigrateGetMaxDowntime(self._o, flags)
        except libvirtError:
            return None

    def migrateGetMaxSpeed(self, flags: int = 0) -> int:
        return native.virDomainMigrateGetMaxSpeed(self._o, flags)

    def migrateSetCompressionCache(self, cacheSize: int, flags: int = 0) -> int:
        return native.virDomainMigrateSetCompressionCache(self._o, cacheSize, flags)

    def migrateSetMaxDowntime(self, downtime: int, flags: int = 0) -> int:
        return native.virDomainMigrateSetMaxDowntime(self._o, downtime, flags)

    def migrateSetMaxSpeed(self, bandwidth: int, flags: int = 0) -> int:
        return native.virDomainMigrateSetMaxSpeed(self._o, bandwidth, flags)

    def migrateStartPostCopy(self, flags: int = 0) -> int:
        return native.virDomainMigrateStartPostCopy(self._o, flags)

    def name(self) -> str:
        return own(self, "virDomainGetName").name

    def numaParameters(self, flags: int = 0) -> dict[str, Any]:
        return native.virDomainGetNumaParameters(self._o, self._with_texts(flags))

    def openChannel(self, name: str | None, st: virStream, flags: int = 0) -> int:
        return native.virDomainOpenChannel(self._o, handle_of(st), name, flags)

    def openConsole(self, dev_name: str | None, st: virStream, flags: int = 0) -> int:
        return native.virDomainOpenConsole(self._o, handle_of(st), dev_name, flags)

    def openGraphics(self, idx: int, fd: int, flags: int = 0) -> int:
        operator.index(idx)
        check_socket(c_int(fd), "virDomainOpenGraphics")
        return native.virDomainOpenGraphics(self._o, idx, flags, [fd])

    def openGraphicsFD(self, idx: int, flags: int = 0) -> int:
        return native.virDomainOpenGraphicsFD(self._o, idx, flags)

    def pMSuspendForDuration(self, target: int, duration: int, flags: int = 0) -> int:
        return native.virDomainPMSuspendForDuration(self._o, target, duration, flags)

    def pMWakeup(self, flags: int = 0) -> int:
        return native.virDomainPMWakeup(self._o, flags)

    def perfEvents(self, flags: int = 0) -> dict[str, Any]:
        return native.virDomainGetPerfEvents(self._o, self._with_texts(flags))

    def pinEmulator(self, cpumap: tuple[bool, ...], flags: int = 0) -> int:
        return native.virDomainPinEmulator(self._o, map_of_flags(self._o, cpumap), flags)

    def pinIOThread(self, iothread_val: int, cpumap: tuple[bool, ...], flags: int = 0) -> int:
        return native.virDomainPinIOThread(self._o, c_int(iothread_val), map_of_flags(self._o, cpumap), flags)

    def pinVcpu(self, vcpu: int, cpumap: tuple[bool, ...]) -> int:
        return native.virDomainPinVcpu(self._o, c_int(vcpu), map_of_flags(self._o, cpumap))

    def pinVcpuFlags(self, vcpu: int, cpumap: tuple[bool, ...], flags: int = 0) -> int:
        return native.virDomainPinVcpuFlags(self._o, c_int(vcpu), map_of_flags(self._o, cpumap), flags)

    def reboot(self, flags: int = 0) -> int:
        return native.virDomainReboot(self._o, flags)

    def rename(self, new_name: str | None, flags: int = 0) -> int:
        return native.virDomainRename(self._o, new_name, flags)

    def reset(self, flags: int = 0) -> int:
        return native.virDomainReset(self._o, flags)

    def resume(self) -> int:
        return native.virDomainResume(self._o)

    def revertToSnapshot(self, snap: virDomainSnapshot, flags: int = 0) -> int:
        return native.virDomainRevertToSnapshot(handle_of(snap), flags)

    def save(self, to: str) -> int:
        return self._ended(native.virDomainSave(self._o, absolute(to)))

    def saveFlags(self, to: str, dxml: str | None = None, flags: int = 0) -> int:
        return self._ended(native.virDomainSaveFlags(self._o, absolute(to), dxml, flags))

    def saveParams(self, params: dict[str, Any], flags: int = 0) -> int:
        return native.virDomainSaveParams(self._o, params, flags)

    def schedulerParameters(self) -> dict[str, Any]:
        return native.virDomainGetSchedulerParameters(self._o)

    def schedulerParametersFlags(self, flags: int = 0) -> dict[str, Any]:
        return native.virDomainGetSchedulerParametersFlags(self._o, self._with_texts(flags))

    def schedulerType(self) -> tuple[str, int]:
        return native.virDomainGetSchedulerType(self._o)

    def screenshot(self, stream: virStream, screen: int, flags: int = 0) -> str | None:
        return native.virDomainScreenshot(self._o, handle_of(stream), screen, flags)

    def securityLabel(self) -> list:
        label, enforcing = native.virDomainGetSecurityLabel(self._o)
        return [label, bool(enforcing)]

    def securityLabelList(self) -> list[list]:
        return [[label, bool(enforcing)] for label, enforcing in native.virDomainGetSecurityLabelList(self._o)]

    def sendKey(self, codeset: int, holdtime: int, keycodes: list[int], nkeycodes: int, flags: int = 0) -> int:
        codeset, holdtime, nkeycodes = c_int(codeset), c_int(holdtime), c_int(nkeycodes)
        return native.virDomainSendKey(self._o, codeset, holdtime, keycodes[:nkeycodes], flags)

    def sendProcessSignal(self, pid_value: int, signum: int, flags: int = 0) -> int:
        return native.virDomainSendProcessSignal(self._o, some(pid_value, "virDomainSendProcessSignal", "pid_value"), signum, flags)

    def setAutostart(self, autostart: int) -> int:
        return native.virDomainSetAutostart(self._o, autostart)

    def setAutostartOnce(self, autostart: int) -> int:
        return native.virDomainSetAutostartOnce(self._o, autostart)

    def setBlkioParameters(self, params: dict[str, Any], flags: int = 0) -> int:
        return native.virDomainSetBlkioParameters(self._o, params, flags, self._with_texts(flags))

    def setBlockIoTune(self, disk: str, params: dict[str, Any], flags: int = 0) -> int:
        return native.virDomainSetBlockIoTune(self._o, disk, params, flags, self._with_texts(flags))

    def setBlockThreshold(self, dev: str, threshold: int, flags: int = 0) -> int:
        return native.virDomainSetBlockThreshold(self._o, dev, threshold, flags)

    def setGuestVcpus(self, cpumap: str, state: int, flags: int = 0) -> int:
        return native.virDomainSetGuestVcpus(self._o, cpumap, state, flags)

    def setIOThreadParams(self, iothread_val: int, params: dict[str, Any], flags: int = 0) -> int:
        return native.virDomainSetIOThreadParams(self._o, iothread_val, params, flags)

    def setInterfaceParameters(self, device: str, params: dict[str, Any], flags: int = 0) -> int:
        return native.virDomainSetInterfaceParameters(self._o, device, params, flags, self._with_texts(flags))

    def setLaunchSecurityState(self, params: dict[str, Any], flags: int = 0) -> int:
        if not isinstance(params, dict):
            raise TypeError("Launch security state params must be a dictionary")
        if not params:
            without("virDomainSetLaunchSecurityState", "params")
        return native.virDomainSetLaunchSecurityState(self._o, params, flags)

    def setLifecycleAction(self, type: int, action: int, flags: int = 0) -> int:
        return native.virDomainSetLifecycleAction(self._o, type, action, flags)

    def setMaxMemory(self, memory: int) -> int:
        return native.virDomainSetMaxMemory(self._o, kib_of(memory, "virDomainSetMaxMemory"))

    def setMemory(self, memory: int) -> int:
        return native.virDomainSetMemory(self._o, kib_of(memory, "virDomainSetMemory"))

    def setMemoryFlags(self, memory: int, flags: int = 0) -> int:
        return native.virDomainSetMemoryFlags(self._o, kib_of(memory, "virDomainSetMemoryFlags"), flags)

    def setMemoryParameters(self, params: dict[str, Any], flags: int = 0) -> int:
        return native.virDomainSetMemoryParameters(self._o, params, flags, self._with_texts(flags))

    def setMemoryStatsPeriod(self, period: int, flags: int = 0) -> int:
        if isinstance(period, int) and period < 0:
            function = "virDomainSetMemoryStatsPeriod"
            native.invalid(function, 20, "period", f"period in {function} must be zero or greater")
        return native.virDomainSetMemoryStatsPeriod(self._o, period, flags)

    def setMetadata(
        self, type: int, metadata: str | None, key: str | None, uri: str | None, flags: int = 0
    ) -> int:
        return native.virDomainSetMetadata(self._o, type, metadata, key, uri, flags)

    def setNumaParameters(self, params: dict[str, Any], flags: int = 0) -> int:
        return native.virDomainSetNumaParameters(self._o, params, flags, self._with_texts(flags))

    def setPerfEvents(self, params: dict[str, Any], flags: int = 0) -> int:
        return native.virDomainSetPerfEvents(self._o, params, flags, self._with_texts(flags))

    def setSchedulerParameters(self, params: dict[str, Any]) -> int:
        return native.virDomainSetSchedulerParameters(self._o, params)

    def setSchedulerParametersFlags(self, params: dict[str, Any], flags: int = 0) -> int:
        return native.virDomainSetSchedulerParametersFlags(self._o, params, flags, self._with_texts(flags))

    def setThrottleGroup(self, group: str, params: dict[str, Any], flags: int = 0) -> int:
        return native.virDomainSetThrottleGroup(self._o, group, params, flags)

    def setUserPassword(self, user: str | None, password: str | None, flags: int = 0) -> int:
        return native.virDomainSetUserPassword(self._o, user, password, flags)

    def setVcpu(self, vcpumap: str, state: int, flags: int = 0) -> int:
        return native.virDomainSetVcpu(self._o, vcpumap, state, flags)

    def setVcpus(self, nvcpus: int) -> int:
        return native.virDomainSetVcpus(self._o, some(nvcpus, "virDomainSetVcpus", "nvcpus"))

    def setVcpusFlags(self, nvcpus: int, flags: int = 0) -> int:
        return native.virDomainSetVcpusFlags(self._o, some(nvcpus, "virDomainSetVcpusFlags", "nvcpus"), flags)

    def shutdown(self) -> int:
        return self._ended(native.virDomainShutdown(self._o))

    def shutdownFlags(self, flags: int = 0) -> int:
        return self._ended(native.virDomainShutdownFlags(self._o, flags))

    def snapshotCreateXML(self, xmlDesc: str, flags: int = 0) -> virDomainSnapshot:
        return virDomainSnapshot(self, _obj=native.virDomainSnapshotCreateXML(self._o, xmlDesc, flags))

    def snapshotCurrent(self, flags: int = 0) -> virDomainSnapshot:
        return virDomainSnapshot(self, _obj=native.virDomainSnapshotCurrent(self._o, flags))

    def snapshotListNames(self, flags: int = 0) -> list[str]:
        return native.virDomainSnapshotListNames(self._o, flags)

    def snapshotLookupByName(self, name: str, flags: int = 0) -> virDomainSnapshot:
        return virDomainSnapshot(self, _obj=native.virDomainSnapshotLookupByName(self._o, name, flags))

    def snapshotNum(self, flags: int = 0) -> int:
        return native.virDomainSnapshotNum(self._o, flags)

    def startDirtyRateCalc(self, seconds: int, flags: int = 0) -> int:
        return native.virDomainStartDirtyRateCalc(self._o, seconds, flags)

    def state(self, flags: int = 0) -> list:
        return list(native.virDomainGetState(self._o, flags))

    def suspend(self) -> int:
        return native.virDomainSuspend(self._o)

    def undefine(self) -> int:
        return native.virDomainUndefine(self._o)

    def undefineFlags(self, flags: int = 0) -> int:
        return native.virDomainUndefineFlags(self._o, flags)

    def updateDeviceFlags(self, xml: str, flags: int = 0) -> int:
        return native.virDomainUpdateDeviceFlags(self._o, xml, flags)

    def vcpuPinInfo(self, flags: int = 0) -> list[tuple[bool, ...]]:
        cpus = number_of_cpus(self._o)
        length = length_of_map(cpus)
        vcpus = native.virDomainGetInfo(self._o)[3]
        maps, found = native.virDomainGetVcpuPinInfo(self._o, vcpus, length, flags)
        return [flags_of_map(maps[i * length:], cpus) for i in range(found)]

    def vcpus(self) -> tuple[list[tuple[int, int, int, int]], list[tuple[bool, ...]]]:
        cpus = number_of_cpus(self._o)
        length = length_of_map(cpus)
        vcpus = native.virDomainGetInfo(self._o)[3]
        infos, maps = native.virDomainGetVcpus(self._o, vcpus, length)
        return infos, [flags_of_map(maps[i * length:], cpus) for i in range(len(infos))]

    def vcpusFlags(self, flags: int = 0) -> int:
        return native.virDomainGetVcpusFlags(self._o, flags)

    def listAllSnapshots(self, flags: int = 0) -> list[virDomainSnapshot]:
        return [virDomainSnapshot(self, _obj=one) for one in native.virDomainListAllSnapshots(self._o, flags)]

    def listAllCheckpoints(self, flags: int = 0) -> list[virDomainCheckpoint]:
        return [virDomainCheckpoint(self, _obj=one) for one in native.virDomainListAllCheckpoints(self._o, flags)]

    def createWithFiles(self, files: list[int], flags: int = 0) -> int:
        self._o = native.virDomainCreateWithFiles(self._o, flags, files_of(files))
        return 0

    def fsFreeze(self, mountpoints: list[str] | None = None, flags: int = 0) -> int:
        return native.virDomainFSFreeze(self._o, mountpoints if isinstance(mountpoints, list) else None, flags)

    def fsThaw(self, mountpoints: list[str] | None = None, flags: int = 0) -> int:
        return native.virDomainFSThaw(self._o, mountpoints if isinstance(mountpoints, list) else None, flags)

    def getTime(self, flags: int = 0) -> dict[str, int]:
        return dict(zip(("seconds", "nseconds"), native.virDomainGetTime(self._o, flags)))

    def setTime(self, time: dict[str, int] | None = None, flags: int = 0) -> int:
        """Sets the guest's clock through the agent: `time` has `seconds` since 1970 and perhaps `nseconds`.

        Without it the guest reads its hardware's clock (`VIR_DOMAIN_TIME_SYNC`).
        """
        seconds, nseconds = seconds_of(time, flags)
        return native.virDomainSetTime(self._o, seconds, nseconds, flags)

    def FDAssociate(self, name: str, files: list[int], flags: int = 0) -> int:
        text(name, "virDomainFDAssociate", 2, needed=True)
        return native.virDomainFDAssociate(self._o, name, flags, files_of(files))
