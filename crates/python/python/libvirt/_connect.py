"""Connections."""

from __future__ import annotations

import operator
from typing import Any, Callable

from . import _native as native
from ._cpus import flags_of_map
from ._domain import virDomain
from ._error import libvirtError
from ._events import (
    deregister,
    deregister_close,
    deregister_lifecycle,
    keep_alive,
    register,
    register_close,
    register_lifecycle,
    serve,
    stop_serving,
)
from ._interface import virInterface
from ._network import virNetwork
from ._nodedev import virNodeDevice
from ._nwfilter import virNWFilter, virNWFilterBinding
from ._object import absolute, c_int, checked, counted, files_of, public, text, uuid_of, with_texts, without
from ._secret import virSecret
from ._storage import virStoragePool, virStorageVol
from ._stream import virStream


def stats_of(conn: virConnect, records: list) -> list[tuple[virDomain, dict[str, Any]]]:
    return [(virDomain(conn, _obj=native.domain(conn._o, *dom)), stats) for dom, stats in records]


@public
class virConnect:
    """A connection to a hypervisor. It can be used with `with`, which closes it."""

    _handle = native.virConnectPtr

    def __init__(self, _obj: Any = None) -> None:
        self._o = checked(_obj, self._handle)
        serve(self)

    def __del__(self) -> None:
        stop_serving(self)
        self._o = None
        native.virResetLastError()

    def __enter__(self) -> virConnect:
        return self

    def __exit__(self, exc_type_: Any, exc_value_: Any, traceback_: Any) -> None:
        self.close()

    def c_pointer(self) -> int:
        """Where the connection is in memory."""
        return self._o.address

    def allocPages(self, pages: dict[int, int], startCell: int = 0, cellCount: int = 0, flags: int = 0) -> int:
        if not pages:
            raise LookupError("Need non-empty dictionary to pages attribute")
        sizes, counts = list(pages), list(pages.values())
        return native.virNodeAllocPages(self._o, sizes, counts, startCell, cellCount, flags)

    def baselineCPU(self, xmlCPUs: list[str], flags: int = 0) -> str:
        if not isinstance(xmlCPUs, list):
            without("virConnectBaselineCPU", "xmlCPUs")
        return native.virConnectBaselineCPU(self._o, xmlCPUs, flags)

    def baselineHypervisorCPU(
        self, emulator: str | None, arch: str | None, machine: str | None, virttype: str | None, xmlCPUs: list[str], flags: int = 0
    ) -> str:
        for number, given in enumerate((emulator, arch, machine, virttype), 2):
            text(given, "virConnectBaselineHypervisorCPU", number)
        if not isinstance(xmlCPUs, list):
            without("virConnectBaselineHypervisorCPU", "xmlCPUs")
        return native.virConnectBaselineHypervisorCPU(
            self._o, emulator, arch, machine, virttype, xmlCPUs, flags
        )

    def changeBegin(self, flags: int = 0) -> int:
        return native.virInterfaceChangeBegin(self._o, flags)

    def changeCommit(self, flags: int = 0) -> int:
        return native.virInterfaceChangeCommit(self._o, flags)

    def changeRollback(self, flags: int = 0) -> int:
        return native.virInterfaceChangeRollback(self._o, flags)

    def close(self) -> int:
        served, self._o = self._o, None
        stop_serving(self)
        return native.virConnectClose(served)

    def compareCPU(self, xmlDesc: str, flags: int = 0) -> int:
        return native.virConnectCompareCPU(self._o, xmlDesc, flags)

    def compareHypervisorCPU(
        self, emulator: str | None, arch: str | None, machine: str | None, virttype: str | None, xmlCPU: str, flags: int = 0
    ) -> int:
        return native.virConnectCompareHypervisorCPU(
            self._o, emulator, arch, machine, virttype, xmlCPU, flags
        )

    def createLinux(self, xmlDesc: str, flags: int = 0) -> virDomain:
        """The old name of `createXML`."""
        return self.createXML(text(xmlDesc, "virDomainCreateLinux", 2), flags)

    def createXML(self, xmlDesc: str, flags: int = 0) -> virDomain:
        return virDomain(self, _obj=native.virDomainCreateXML(self._o, xmlDesc, flags))

    def defineXML(self, xml: str) -> virDomain:
        return virDomain(self, _obj=native.virDomainDefineXML(self._o, xml))

    def defineXMLFlags(self, xml: str, flags: int = 0) -> virDomain:
        return virDomain(self, _obj=native.virDomainDefineXMLFlags(self._o, xml, flags))

    def domainXMLFromNative(self, nativeFormat: str, nativeConfig: str, flags: int = 0) -> str:
        return native.virConnectDomainXMLFromNative(self._o, nativeFormat, nativeConfig, flags)

    def domainXMLToNative(self, nativeFormat: str, domainXml: str, flags: int = 0) -> str:
        return native.virConnectDomainXMLToNative(self._o, nativeFormat, domainXml, flags)

    def findStoragePoolSources(self, type: str, srcSpec: str | None, flags: int = 0) -> str:
        return native.virConnectFindStoragePoolSources(self._o, type, srcSpec, flags)

    def getCPUMap(self, flags: int = 0) -> tuple[int, list[bool], int]:
        cpumap, online, cpus = native.virNodeGetCPUMap(self._o, flags)
        return cpus, list(flags_of_map(cpumap, cpus)), online

    def getCPUModelNames(self, arch: str, flags: int = 0) -> list[str]:
        text(arch, "virConnectGetCPUModelNames", 2, needed=True)
        return native.virConnectGetCPUModelNames(self._o, arch, flags)

    def getCPUStats(self, cpuNum: int, flags: int = 0) -> dict[str, int]:
        return dict(native.virNodeGetCPUStats(self._o, cpuNum, flags))

    def getCapabilities(self) -> str:
        return native.virConnectGetCapabilities(self._o)

    def getCellsFreeMemory(self, startCell: int, maxCells: int) -> list[int]:
        return native.virNodeGetCellsFreeMemory(self._o, startCell, maxCells)

    def getDomainCapabilities(
        self, emulatorbin: str | None = None, arch: str | None = None, machine: str | None = None, virttype: str | None = None, flags: int = 0
    ) -> str:
        return native.virConnectGetDomainCapabilities(self._o, emulatorbin, arch, machine, virttype, flags)

    def getFreeMemory(self) -> int:
        return native.virNodeGetFreeMemory(self._o)

    def getFreePages(
        self, pages: list[int], startCell: int, maxCells: int, flags: int = 0
    ) -> dict[int, dict[int, int]]:
        startCell, maxCells = c_int(startCell), c_int(maxCells)
        if not isinstance(pages, list):
            raise TypeError("pagesize must be list")
        if maxCells == 0:
            raise LookupError("cellCount must not be zero")
        counts = native.virNodeGetFreePages(self._o, pages, startCell, maxCells, flags)
        cells = [counts[i:i + len(pages)] for i in range(0, len(counts), len(pages) or 1)]
        return {startCell + cell: dict(zip(pages, found)) for cell, found in enumerate(cells)}

    def getHostname(self) -> str:
        return native.virConnectGetHostname(self._o)

    def getInfo(self) -> list:
        model, memory, *rest = native.virNodeGetInfo(self._o)
        # KiB, which programs are used to have as MiB
        return [model, memory >> 10, *rest]

    def getLibVersion(self) -> int:
        return native.virConnectGetLibVersion(self._o)

    def getMaxVcpus(self, type: str | None) -> int:
        return native.virConnectGetMaxVcpus(self._o, type)

    def getMemoryParameters(self, flags: int = 0) -> dict[str, Any]:
        return native.virNodeGetMemoryParameters(self._o, with_texts(self, self._o, flags))

    def getMemoryStats(self, cellNum: int, flags: int = 0) -> dict[str, int]:
        return dict(native.virNodeGetMemoryStats(self._o, cellNum, flags))

    def getSEVInfo(self, flags: int = 0) -> dict[str, Any]:
        return native.virNodeGetSEVInfo(self._o, with_texts(self, self._o, flags))

    def getSecurityModel(self) -> list:
        return list(native.virNodeGetSecurityModel(self._o))

    def getStoragePoolCapabilities(self, flags: int = 0) -> str:
        return native.virConnectGetStoragePoolCapabilities(self._o, flags)

    def getSysinfo(self, flags: int = 0) -> str:
        return native.virConnectGetSysinfo(self._o, flags)

    def getType(self) -> str:
        return native.virConnectGetType(self._o)

    def getURI(self) -> str:
        return native.virConnectGetURI(self._o)

    def getVersion(self) -> int:
        return native.virConnectGetVersion(self._o)

    def interfaceDefineXML(self, xml: str, flags: int = 0) -> virInterface:
        return virInterface(self, _obj=native.virInterfaceDefineXML(self._o, xml, flags))

    def interfaceLookupByMACString(self, macstr: str) -> virInterface:
        return virInterface(self, _obj=native.virInterfaceLookupByMACString(self._o, macstr))

    def interfaceLookupByName(self, name: str) -> virInterface:
        return virInterface(self, _obj=native.virInterfaceLookupByName(self._o, name))

    def isAlive(self) -> int:
        return native.virConnectIsAlive(self._o)

    def isEncrypted(self) -> int:
        return native.virConnectIsEncrypted(self._o)

    def isSecure(self) -> int:
        return native.virConnectIsSecure(self._o)

    def listDefinedDomains(self) -> list[str]:
        return counted(native.virConnectListDefinedDomains, native.virConnectNumOfDefinedDomains, self._o)

    def listDefinedInterfaces(self) -> list[str]:
        return counted(native.virConnectListDefinedInterfaces, native.virConnectNumOfDefinedInterfaces, self._o)

    def listDefinedNetworks(self) -> list[str]:
        return counted(native.virConnectListDefinedNetworks, native.virConnectNumOfDefinedNetworks, self._o)

    def listDefinedStoragePools(self) -> list[str]:
        return counted(native.virConnectListDefinedStoragePools, native.virConnectNumOfDefinedStoragePools, self._o)

    def listDevices(self, cap: str | None, flags: int = 0) -> list[str]:
        return counted(native.virNodeListDevices, native.virNodeNumOfDevices, self._o, cap, flags)

    def listDomainsID(self) -> list[int]:
        return native.virConnectListDomains(self._o)

    def listInterfaces(self) -> list[str]:
        return counted(native.virConnectListInterfaces, native.virConnectNumOfInterfaces, self._o)

    def listNWFilters(self) -> list[str]:
        return counted(native.virConnectListNWFilters, native.virConnectNumOfNWFilters, self._o)

    def listNetworks(self) -> list[str]:
        return counted(native.virConnectListNetworks, native.virConnectNumOfNetworks, self._o)

    def listSecrets(self) -> list[str]:
        return counted(native.virConnectListSecrets, native.virConnectNumOfSecrets, self._o)

    def listStoragePools(self) -> list[str]:
        return counted(native.virConnectListStoragePools, native.virConnectNumOfStoragePools, self._o)

    def lookupByID(self, id: int) -> virDomain:
        return virDomain(self, _obj=native.virDomainLookupByID(self._o, id))

    def lookupByName(self, name: str) -> virDomain:
        return virDomain(self, _obj=native.virDomainLookupByName(self._o, name))

    def lookupByUUID(self, uuid: bytes) -> virDomain:
        return virDomain(self, _obj=native.virDomainLookupByUUID(self._o, uuid))

    def lookupByUUIDString(self, uuidstr: str) -> virDomain:
        return virDomain(self, _obj=native.virDomainLookupByUUID(self._o, uuid_of(uuidstr, "virDomainLookupByUUIDString")))

    def networkCreateXML(self, xmlDesc: str) -> virNetwork:
        return virNetwork(self, _obj=native.virNetworkCreateXML(self._o, xmlDesc))

    def networkCreateXMLFlags(self, xmlDesc: str, flags: int = 0) -> virNetwork:
        return virNetwork(self, _obj=native.virNetworkCreateXMLFlags(self._o, xmlDesc, flags))

    def networkDefineXML(self, xml: str) -> virNetwork:
        return virNetwork(self, _obj=native.virNetworkDefineXML(self._o, xml))

    def networkDefineXMLFlags(self, xml: str, flags: int = 0) -> virNetwork:
        return virNetwork(self, _obj=native.virNetworkDefineXMLFlags(self._o, xml, flags))

    def networkLookupByName(self, name: str) -> virNetwork:
        return virNetwork(self, _obj=native.virNetworkLookupByName(self._o, name))

    def networkLookupByUUID(self, uuid: bytes) -> virNetwork:
        return virNetwork(self, _obj=native.virNetworkLookupByUUID(self._o, uuid))

    def networkLookupByUUIDString(self, uuidstr: str) -> virNetwork:
        return virNetwork(self, _obj=native.virNetworkLookupByUUID(self._o, uuid_of(uuidstr, "virNetworkLookupByUUIDString")))

    def newStream(self, flags: int = 0) -> virStream:
        return virStream(self, _obj=native.virStreamNew(self._o, flags))

    def nodeDeviceCreateXML(self, xmlDesc: str, flags: int = 0) -> virNodeDevice:
        return virNodeDevice(self, _obj=native.virNodeDeviceCreateXML(self._o, xmlDesc, flags))

    def nodeDeviceDefineXML(self, xmlDesc: str, flags: int = 0) -> virNodeDevice:
        return virNodeDevice(self, _obj=native.virNodeDeviceDefineXML(self._o, xmlDesc, flags))

    def nodeDeviceLookupByName(self, name: str) -> virNodeDevice:
        return virNodeDevice(self, _obj=native.virNodeDeviceLookupByName(self._o, name))

    def nodeDeviceLookupSCSIHostByWWN(self, wwnn: str, wwpn: str, flags: int = 0) -> virNodeDevice:
        return virNodeDevice(self, _obj=native.virNodeDeviceLookupSCSIHostByWWN(self._o, wwnn, wwpn, flags))

    def numOfDefinedDomains(self) -> int:
        return native.virConnectNumOfDefinedDomains(self._o)

    def numOfDefinedInterfaces(self) -> int:
        return native.virConnectNumOfDefinedInterfaces(self._o)

    def numOfDefinedNetworks(self) -> int:
        return native.virConnectNumOfDefinedNetworks(self._o)

    def numOfDefinedStoragePools(self) -> int:
        return native.virConnectNumOfDefinedStoragePools(self._o)

    def numOfDevices(self, cap: str | None, flags: int = 0) -> int:
        return native.virNodeNumOfDevices(self._o, cap, flags)

    def numOfDomains(self) -> int:
        return native.virConnectNumOfDomains(self._o)

    def numOfInterfaces(self) -> int:
        return native.virConnectNumOfInterfaces(self._o)

    def numOfNWFilters(self) -> int:
        return native.virConnectNumOfNWFilters(self._o)

    def numOfNetworks(self) -> int:
        return native.virConnectNumOfNetworks(self._o)

    def numOfSecrets(self) -> int:
        return native.virConnectNumOfSecrets(self._o)

    def numOfStoragePools(self) -> int:
        return native.virConnectNumOfStoragePools(self._o)

    def nwfilterBindingCreateXML(self, xml: str, flags: int = 0) -> virNWFilterBinding:
        return virNWFilterBinding(self, _obj=native.virNWFilterBindingCreateXML(self._o, xml, flags))

    def nwfilterBindingLookupByPortDev(self, portdev: str) -> virNWFilterBinding:
        return virNWFilterBinding(self, _obj=native.virNWFilterBindingLookupByPortDev(self._o, portdev))

    def nwfilterDefineXML(self, xmlDesc: str) -> virNWFilter:
        return virNWFilter(self, _obj=native.virNWFilterDefineXML(self._o, xmlDesc))

    def nwfilterDefineXMLFlags(self, xmlDesc: str, flags: int = 0) -> virNWFilter:
        return virNWFilter(self, _obj=native.virNWFilterDefineXMLFlags(self._o, xmlDesc, flags))

    def nwfilterLookupByName(self, name: str) -> virNWFilter:
        return virNWFilter(self, _obj=native.virNWFilterLookupByName(self._o, name))

    def nwfilterLookupByUUID(self, uuid: bytes) -> virNWFilter:
        return virNWFilter(self, _obj=native.virNWFilterLookupByUUID(self._o, uuid))

    def nwfilterLookupByUUIDString(self, uuidstr: str) -> virNWFilter:
        return virNWFilter(self, _obj=native.virNWFilterLookupByUUID(self._o, uuid_of(uuidstr, "virNWFilterLookupByUUIDString")))

    def restore(self, frm: str) -> int:
        return native.virDomainRestore(self._o, absolute(frm))

    def restoreFlags(self, frm: str, dxml: str | None = None, flags: int = 0) -> int:
        return native.virDomainRestoreFlags(self._o, absolute(frm), dxml, flags)

    def restoreParams(self, params: dict[str, Any], flags: int = 0) -> int:
        return native.virDomainRestoreParams(self._o, params, flags)

    def saveImageDefineXML(self, file: str, dxml: str, flags: int = 0) -> int:
        return native.virDomainSaveImageDefineXML(self._o, absolute(file), dxml, flags)

    def saveImageGetXMLDesc(self, file: str, flags: int = 0) -> str:
        return native.virDomainSaveImageGetXMLDesc(self._o, absolute(file), flags)

    def secretDefineXML(self, xml: str, flags: int = 0) -> virSecret:
        return virSecret(self, _obj=native.virSecretDefineXML(self._o, xml, flags))

    def secretLookupByUUID(self, uuid: bytes) -> virSecret:
        return virSecret(self, _obj=native.virSecretLookupByUUID(self._o, uuid))

    def secretLookupByUUIDString(self, uuidstr: str) -> virSecret:
        return virSecret(self, _obj=native.virSecretLookupByUUID(self._o, uuid_of(uuidstr, "virSecretLookupByUUIDString")))

    def secretLookupByUsage(self, usageType: int, usageID: str) -> virSecret:
        return virSecret(self, _obj=native.virSecretLookupByUsage(self._o, usageType, usageID))

    def setIdentity(self, params: dict[str, Any], flags: int = 0) -> int:
        if not isinstance(params, dict):
            raise TypeError("migration params must be a dictionary")
        return native.virConnectSetIdentity(self._o, params, flags)

    def setKeepAlive(self, interval: int, count: int) -> int:
        """Asks the daemon for a sign of life after `interval` seconds of silence, and gives it up after `count` in vain; an
        interval of 0 stops that. Somebody has to run an event loop. Returns 0."""
        return keep_alive(self, interval, count)

    def setMemoryParameters(self, params: dict[str, Any], flags: int = 0) -> int:
        return native.virNodeSetMemoryParameters(self._o, params, flags, with_texts(self, self._o, flags))

    def storagePoolCreateXML(self, xmlDesc: str, flags: int = 0) -> virStoragePool:
        return virStoragePool(self, _obj=native.virStoragePoolCreateXML(self._o, xmlDesc, flags))

    def storagePoolDefineXML(self, xml: str, flags: int = 0) -> virStoragePool:
        return virStoragePool(self, _obj=native.virStoragePoolDefineXML(self._o, xml, flags))

    def storagePoolLookupByName(self, name: str) -> virStoragePool:
        return virStoragePool(self, _obj=native.virStoragePoolLookupByName(self._o, name))

    def storagePoolLookupByTargetPath(self, path: str) -> virStoragePool:
        return virStoragePool(self, _obj=native.virStoragePoolLookupByTargetPath(self._o, path))

    def storagePoolLookupByUUID(self, uuid: bytes) -> virStoragePool:
        return virStoragePool(self, _obj=native.virStoragePoolLookupByUUID(self._o, uuid))

    def storagePoolLookupByUUIDString(self, uuidstr: str) -> virStoragePool:
        return virStoragePool(self, _obj=native.virStoragePoolLookupByUUID(self._o, uuid_of(uuidstr, "virStoragePoolLookupByUUIDString")))

    def storageVolLookupByKey(self, key: str) -> virStorageVol:
        return virStorageVol(self, _obj=native.virStorageVolLookupByKey(self._o, key))

    def storageVolLookupByPath(self, path: str) -> virStorageVol:
        return virStorageVol(self, _obj=native.virStorageVolLookupByPath(self._o, path))

    def suspendForDuration(self, target: int, duration: int, flags: int = 0) -> int:
        return native.virNodeSuspendForDuration(self._o, target, duration, flags)

    def virConnGetLastError(self) -> tuple:
        """The last error of this thread, as a tuple; all zeros when there is none."""
        return native.virGetLastError() or (0, 0, None, 0, None, None, None, 0, 0)

    def virConnResetLastError(self) -> None:
        """Forgets the last error of this thread."""
        native.virResetLastError()

    def domainEventDeregister(self, cb: Callable) -> None:
        """Has a callback of `domainEventRegister` called no more."""
        deregister_lifecycle(self, cb)

    def domainEventRegister(self, cb: Callable, opaque: Any) -> None:
        """Has `cb(connection, domain, event, detail, opaque)` called when a domain starts, stops and the like."""
        register_lifecycle(self, cb, opaque)

    def domainEventDeregisterAny(self, callbackID: int) -> None:
        """Has the callback of that number called no more."""
        deregister(self, "Domain", callbackID)

    def networkEventDeregisterAny(self, callbackID: int) -> None:
        """Has the callback of that number called no more."""
        deregister(self, "Network", callbackID)

    def networkEventRegisterAny(self, net: virNetwork | None, eventID: int, cb: Callable, opaque: Any) -> int:
        """Has `cb` called for events of this number (`VIR_NETWORK_EVENT_ID_...`),
        of one object or, with None, of all. It is given the connection, the object, what the event says, and `opaque`.

        Returns the number that `networkEventDeregisterAny` takes. Somebody has to run an event loop that was
        registered before the connection was opened.
        """
        return register(self, virNetwork, net, eventID, cb, opaque)

    def domainEventRegisterAny(self, dom: virDomain | None, eventID: int, cb: Callable, opaque: Any) -> int:
        """Has `cb` called for events of this number (`VIR_DOMAIN_EVENT_ID_...`),
        of one object or, with None, of all. It is given the connection, the object, what the event says, and `opaque`.

        Returns the number that `domainEventDeregisterAny` takes. Somebody has to run an event loop that was
        registered before the connection was opened.
        """
        return register(self, virDomain, dom, eventID, cb, opaque)

    def storagePoolEventDeregisterAny(self, callbackID: int) -> None:
        """Has the callback of that number called no more."""
        deregister(self, "StoragePool", callbackID)

    def storagePoolEventRegisterAny(self, pool: virStoragePool | None, eventID: int, cb: Callable, opaque: Any) -> int:
        """Has `cb` called for events of this number (`VIR_STORAGE_POOL_EVENT_ID_...`),
        of one object or, with None, of all. It is given the connection, the object, what the event says, and `opaque`.

        Returns the number that `storagePoolEventDeregisterAny` takes. Somebody has to run an event loop that was
        registered before the connection was opened.
        """
        return register(self, virStoragePool, pool, eventID, cb, opaque)

    def nodeDeviceEventDeregisterAny(self, callbackID: int) -> None:
        """Has the callback of that number called no more."""
        deregister(self, "NodeDevice", callbackID)

    def nodeDeviceEventRegisterAny(self, dev: virNodeDevice | None, eventID: int, cb: Callable, opaque: Any) -> int:
        """Has `cb` called for events of this number (`VIR_NODE_DEVICE_EVENT_ID_...`),
        of one object or, with None, of all. It is given the connection, the object, what the event says, and `opaque`.

        Returns the number that `nodeDeviceEventDeregisterAny` takes. Somebody has to run an event loop that was
        registered before the connection was opened.
        """
        return register(self, virNodeDevice, dev, eventID, cb, opaque)

    def secretEventDeregisterAny(self, callbackID: int) -> None:
        """Has the callback of that number called no more."""
        deregister(self, "Secret", callbackID)

    def secretEventRegisterAny(self, secret: virSecret | None, eventID: int, cb: Callable, opaque: Any) -> int:
        """Has `cb` called for events of this number (`VIR_SECRET_EVENT_ID_...`),
        of one object or, with None, of all. It is given the connection, the object, what the event says, and `opaque`.

        Returns the number that `secretEventDeregisterAny` takes. Somebody has to run an event loop that was
        registered before the connection was opened.
        """
        return register(self, virSecret, secret, eventID, cb, opaque)

    def listAllDomains(self, flags: int = 0) -> list[virDomain]:
        return [virDomain(self, _obj=one) for one in native.virConnectListAllDomains(self._o, flags)]

    def listAllStoragePools(self, flags: int = 0) -> list[virStoragePool]:
        return [virStoragePool(self, _obj=one) for one in native.virConnectListAllStoragePools(self._o, flags)]

    def listAllNetworks(self, flags: int = 0) -> list[virNetwork]:
        return [virNetwork(self, _obj=one) for one in native.virConnectListAllNetworks(self._o, flags)]

    def listAllInterfaces(self, flags: int = 0) -> list[virInterface]:
        return [virInterface(self, _obj=one) for one in native.virConnectListAllInterfaces(self._o, flags)]

    def listAllDevices(self, flags: int = 0) -> list[virNodeDevice]:
        return [virNodeDevice(self, _obj=one) for one in native.virConnectListAllNodeDevices(self._o, flags)]

    def listAllNWFilters(self, flags: int = 0) -> list[virNWFilter]:
        return [virNWFilter(self, _obj=one) for one in native.virConnectListAllNWFilters(self._o, flags)]

    def listAllNWFilterBindings(self, flags: int = 0) -> list[virNWFilterBinding]:
        return [virNWFilterBinding(self, _obj=one) for one in native.virConnectListAllNWFilterBindings(self._o, flags)]

    def listAllSecrets(self, flags: int = 0) -> list[virSecret]:
        return [virSecret(self, _obj=one) for one in native.virConnectListAllSecrets(self._o, flags)]

    def unregisterCloseCallback(self) -> None:
        """Has the callback of `registerCloseCallback` called no more."""
        deregister_close(self)

    def registerCloseCallback(self, cb: Callable, opaque: Any) -> int:
        """Has `cb(connection, reason, opaque)` called when the connection ends by itself: `reason` is one of
        `VIR_CONNECT_CLOSE_REASON_...`. Only one can be registered."""
        return register_close(self, cb, opaque)

    def createXMLWithFiles(self, xmlDesc: str, files: list[int], flags: int = 0) -> virDomain:
        text(xmlDesc, "virDomainCreateXMLWithFiles", 2)
        return virDomain(self, _obj=native.virDomainCreateXMLWithFiles(self._o, xmlDesc, flags, files_of(files)))

    def getAllDomainStats(self, stats: int = 0, flags: int = 0) -> list[tuple[virDomain, dict[str, Any]]]:
        return stats_of(self, native.virConnectGetAllDomainStats(self._o, [], stats, flags))

    def domainListGetStats(
        self, doms: list[virDomain], stats: int = 0, flags: int = 0
    ) -> list[tuple[virDomain, dict[str, Any]]]:
        if not all(isinstance(dom, virDomain) for dom in doms):
            raise libvirtError("domain list contains non-domain elements")
        operator.index(stats), operator.index(flags)
        if not doms:
            function = "virDomainListGetStats"
            native.fail(function, 8, 20, f"doms array in {function} must contain at least one domain")
        found = native.virConnectGetAllDomainStats(self._o, [dom._o for dom in doms], stats, flags)
        return stats_of(self, found)
