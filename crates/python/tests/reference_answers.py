"""What calls on the test driver answer and raise, as JSON. Everything is called by name, so that what one module lacks
is told, and not the end of it."""

import json

import libvirt

libvirt.registerErrorHandler(lambda context, error: None, None)
answers = []


def shape(value):
    """Times of the test driver go with the clock: of numbers that large only that they are numbers is compared."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) < 100_000_000 else "large"
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, [shape(one) for one in value]]
    if isinstance(value, dict):
        return {str(name): shape(one) for name, one in value.items()}
    return type(value).__name__


def tell(where, it, method, *arguments):
    try:
        answer = shape(getattr(it, method)(*arguments))
        if method.startswith("list") and answer[1:] and all(isinstance(one, str) for one in answer[1]):
            # whose order is that of a hash table
            answer[1].sort()
    except libvirt.libvirtError as error:
        answer = ["libvirtError", str(error), shape(error.err)]
    except Exception as error:
        answer = [type(error).__name__, str(error)]
    answers.append([where, method, shape(arguments), answer])


conn = libvirt.open("test:///default")
domain = conn.lookupByName("test")
network = conn.networkLookupByName("default")
pool = conn.storagePoolLookupByName("default-pool")
volume = pool.createXML("<volume><name>v</name><capacity>1048576</capacity></volume>")
interface = conn.interfaceLookupByName("eth1")
device = conn.nodeDeviceLookupByName("computer")

for method, arguments in (
    ("getType", ()), ("getVersion", ()), ("getLibVersion", ()), ("getURI", ()), ("getInfo", ()), ("isAlive", ()),
    ("getCPUMap", ()), ("getCPUStats", (-1,)), ("getCPUStats", (0,)), ("getCellsFreeMemory", (0, 2)),
    ("getFreePages", ([4], 0, 1)), ("getFreePages", (5, 0, 1)), ("getFreePages", ([4], 0, 0)),
    ("getMaxVcpus", (None,)), ("getMaxVcpus", ("test",)), ("getSecurityModel", ()), ("isSecure", ()),
    ("isEncrypted", ()), ("listDomainsID", ()), ("listDefinedDomains", ()), ("numOfDomains", ()),
    ("listNetworks", ()), ("listDefinedNetworks", ()), ("listStoragePools", ()), ("listDevices", (None,)),
    ("listDevices", ("scsi_host",)), ("listInterfaces", ()), ("numOfDevices", (None,)), ("lookupByName", ("none",)),
    ("lookupByName", (None,)), ("lookupByName", (1,)), ("lookupByName", (b"test",)), ("lookupByName", ("a\0b",)),
    ("lookupByID", (1,)), ("lookupByID", (99,)), ("lookupByID", ("x",)), ("lookupByID", (1.5,)),
    ("lookupByID", (1 << 40,)), ("lookupByUUID", (domain.UUID(),)), ("lookupByUUID", (b"a" * 16,)),
    ("lookupByUUID", (5,)), ("lookupByUUIDString", (domain.UUIDString(),)), ("lookupByUUIDString", ("zzz",)),
    ("lookupByUUIDString", (None,)), ("defineXML", ("<domain/>",)), ("defineXML", ("nonsense",)),
    ("createXML", ("<a/>", 0)), ("getCapabilities", ()), ("getDomainCapabilities", ()), ("getMemoryStats", (-1,)),
    ("getMemoryParameters", ()), ("getSEVInfo", ()), ("listAllDomains", ()), ("listAllDomains", (1 << 20,)),
    ("listAllNetworks", ()), ("listAllStoragePools", ()), ("listAllInterfaces", ()), ("listAllDevices", ()),
    ("listAllSecrets", ()), ("listAllNWFilters", ()), ("getAllDomainStats", ()), ("domainListGetStats", ([domain],)),
    ("domainListGetStats", ([5],)), ("networkLookupByName", ("x",)), ("storagePoolLookupByName", ("x",)),
    ("storageVolLookupByPath", ("/x",)), ("storageVolLookupByKey", (volume.key(),)), ("compareCPU", ("<cpu/>",)),
    ("baselineCPU", ([],)), ("getCPUModelNames", ("x86_64",)), ("getCPUModelNames", ("none",)), ("newStream", ()),
    ("nodeDeviceLookupByName", ("x",)), ("interfaceLookupByMACString", ("aa:bb:cc:dd:ee:ff",)),
    ("domainEventRegisterAny", (None, 0, print, None)), ("domainEventRegister", (print, None)),
    ("setKeepAlive", (5, 3)), ("getSysinfo", ()), ("findStoragePoolSources", ("logical", None)),
    ("findStoragePoolSources", ("none", None)), ("domainXMLFromNative", ("x", "y")), ("getStoragePoolCapabilities", ()),
):
    tell("connection", conn, method, *arguments)

for method, arguments in (
    ("info", ()), ("state", ()), ("maxMemory", ()), ("maxVcpus", ()), ("OSType", ()), ("UUID", ()), ("UUIDString", ()),
    ("name", ()), ("ID", ()), ("autostart", ()), ("memoryStats", ()), ("vcpus", ()), ("vcpusFlags", ()),
    ("schedulerType", ()), ("schedulerParameters", ()), ("schedulerParametersFlags", ()), ("jobInfo", ()),
    ("jobStats", ()), ("controlInfo", ()), ("securityLabel", ()), ("securityLabelList", ()), ("isActive", ()),
    ("isPersistent", ()), ("isUpdated", ()), ("hasCurrentSnapshot", ()), ("hasManagedSaveImage", ()),
    ("vcpuPinInfo", ()), ("emulatorPinInfo", ()), ("memoryParameters", ()), ("numaParameters", ()),
    ("blkioParameters", ()), ("perfEvents", ()), ("guestVcpus", ()), ("fsInfo", ()), ("hostname", ()),
    ("messages", ()), ("diskErrors", ()), ("ioThreadInfo", ()), ("listAllSnapshots", ()), ("snapshotNum", ()),
    ("guestInfo", ()), ("metadata", (0, None)), ("metadata", (2, "http://x")), ("getCPUStats", (True,)),
    ("getCPUStats", (False,)), ("interfaceAddresses", (0,)), ("blockInfo", ("vda",)), ("blockStats", ("vda",)),
    ("blockStats", ("none",)), ("interfaceStats", ("testnet0",)), ("interfaceStats", ("none",)),
    ("interfaceParameters", ("testnet0",)), ("blockIoTune", ("vda",)), ("blockJobInfo", ("vda",)),
    ("pinVcpu", (0, (True,))), ("pinVcpu", (9, (True,))), ("pinVcpu", (0, 5)), ("setMemoryParameters", ({"x": 1},)),
    ("setMemoryParameters", ({"hard_limit": 9000000},)), ("memoryParameters", ()),
    ("setSchedulerParameters", ({"weight": 70},)), ("setSchedulerParameters", ({"foo": 1},)),
    ("setSchedulerParameters", ({},)), ("setNumaParameters", ({"numa_nodeset": "0"},)), ("numaParameters", ()),
    ("setInterfaceParameters", ("testnet0", {"inbound.average": 5})), ("interfaceParameters", ("testnet0",)),
    ("sendKey", (0, 0, [1], 1)), ("fsFreeze", ()), ("fsThaw", ()), ("fSTrim", (None, 0)), ("XMLDesc", ("x",)),
    ("XMLDesc", (None,)), ("XMLDesc", (-1,)), ("XMLDesc", (1 << 33,)), ("setMemory", ("x",)), ("setMemory", (1.5,)),
    ("setMemory", (1 << 70,)), ("setMemory", (1048576,)), ("info", ()), ("setVcpus", (1,)), ("setVcpus", (0,)),
    ("setVcpusFlags", (1, 2)), ("setMetadata", (0, "about", None, None)), ("metadata", (0, None)), ("suspend", ()),
    ("state", ()), ("resume", ()), ("create", ()), ("snapshotCreateXML", ("<domainsnapshot><name>s</name></domainsnapshot>",)),
    ("snapshotListNames", ()), ("snapshotLookupByName", ("s",)), ("snapshotLookupByName", ("none",)),
    ("snapshotCurrent", ()), ("hasCurrentSnapshot", ()), ("attachDevice", ("<disk/>",)), ("setAutostart", (1,)),
    ("autostart", ()), ("rename", ("new",)), ("reboot", ()), ("shutdown", ()), ("state", ()), ("ID", ()), ("create", ()),
    ("ID", ()), ("destroy", ()), ("ID", ()), ("state", ()), ("destroy", ()), ("info", ()), ("injectNMI", ()),
    ("screenshot", (None, 0)), ("openConsole", (None, None)), ("abortJob", ()), ("getTime", ()),
    ("setTime", ({"seconds": 5},)), ("managedSave", ()), ("save", ("/nonexistent/x",)), ("coreDump", ("/nonexistent/x",)),
    ("setUserPassword", ("root", "x")), ("listAllCheckpoints", ()), ("agentSetResponseTimeout", (5,)),
    ("setBlockIoTune", ("vda", {"total_bytes_sec": 5})), ("launchSecurityInfo", (4,)), ("undefine", ()),
):
    tell("domain", domain, method, *arguments)

for it, where, calls in (
    (network, "network", (
        ("name", ()), ("UUIDString", ()), ("bridgeName", ()), ("isActive", ()), ("isPersistent", ()), ("autostart", ()),
        ("DHCPLeases", ()), ("listAllPorts", ()), ("portLookupByUUIDString", ("x",)), ("XMLDesc", ()), ("create", ()),
        ("update", (3, 4, -1, "<host mac='00:11:22:33:44:55' ip='192.168.122.9'/>", 0)), ("destroy", ()), ("isActive", ()),
        ("bridgeName", ()), ("create", ()), ("setAutostart", (1,)), ("autostart", ()), ("setAutostart", ("x",)),
    )),
    (pool, "pool", (
        ("name", ()), ("info", ()), ("isActive", ()), ("listVolumes", ()), ("numOfVolumes", ()), ("autostart", ()),
        ("storageVolLookupByName", ("v",)), ("storageVolLookupByName", ("none",)), ("refresh", ()), ("listAllVolumes", ()),
        ("createXML", ("<volume/>",)), ("createXML", ("<volume><name>w</name><capacity>5</capacity></volume>", 0)),
        ("createXMLFrom", ("<volume><name>x</name><capacity>5</capacity></volume>", volume)),
        ("createXMLFrom", ("<volume><name>y</name></volume>", None)), ("build", ()), ("undefine", ()), ("XMLDesc", ()),
    )),
    (volume, "volume", (
        ("name", ()), ("key", ()), ("path", ()), ("info", ()), ("infoFlags", ()), ("resize", (5,)), ("resize", ("x",)),
        ("wipe", ()), ("storagePoolLookupByVolume", ()), ("download", (None, 0, 0)), ("upload", (None, 0, 0)),
        ("XMLDesc", ()), ("delete", ()), ("delete", ()), ("info", ()),
    )),
    (interface, "interface", (
        ("name", ()), ("MACString", ()), ("isActive", ()), ("XMLDesc", ()), ("destroy", ()), ("isActive", ()), ("create", ()),
    )),
    (device, "device", (
        ("name", ()), ("parent", ()), ("listCaps", ()), ("numOfCaps", ()), ("isActive", ()), ("isPersistent", ()),
        ("autostart", ()), ("XMLDesc", ()), ("dettach", ()), ("reset", ()), ("destroy", ()),
    )),
):
    for method, arguments in calls:
        tell(where, it, method, *arguments)

for function, arguments in (
    ("getVersion", ()), ("getVersion", ("Test",)), ("getVersion", (5,)), ("open", ("",)), ("open", ("none",)), ("open", (5,)),
    ("openReadOnly", (5,)), ("virInitialize", ()), ("virGetLastErrorCode", ()), ("virGetLastErrorDomain", ()),
    ("virDomain", (conn,)), ("virDomain", (conn, 5)), ("virConnect", ()),
):
    if (function, arguments) != ("open", ("",)):
        tell("module", libvirt, function, *arguments)

tell("connection", conn, "close")
tell("connection", conn, "close")
tell("connection", conn, "getHostname")
tell("connection", conn, "lookupByName", "test")
tell("domain", domain, "name")
print(json.dumps(answers))
