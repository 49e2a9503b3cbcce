"""Networks and their ports."""

from __future__ import annotations

from typing import Any

from . import _native as native
from ._object import Object, own, public, uuid_of, uuid_text


@public
class virNetwork(Object):
    """A virtual network."""

    _handle = native.virNetworkPtr

    def DHCPLeases(self, mac: str | None = None, flags: int = 0) -> list[dict[str, Any]]:
        names = ("iface", "expirytime", "type", "mac", "iaid", "ipaddr", "prefix", "hostname", "clientid")
        return [dict(zip(names, lease)) for lease in native.virNetworkGetDHCPLeases(self._o, mac, flags)]

    def UUID(self) -> bytes:
        return own(self, "virNetworkGetUUID").uuid

    def UUIDString(self) -> str:
        return uuid_text(own(self, "virNetworkGetUUIDString").uuid)

    def XMLDesc(self, flags: int = 0) -> str:
        return native.virNetworkGetXMLDesc(self._o, flags)

    def autostart(self) -> int:
        return native.virNetworkGetAutostart(self._o)

    def bridgeName(self) -> str:
        return native.virNetworkGetBridgeName(self._o)

    def create(self) -> int:
        return native.virNetworkCreate(self._o)

    def destroy(self) -> int:
        return native.virNetworkDestroy(self._o)

    def isActive(self) -> int:
        return native.virNetworkIsActive(self._o)

    def isPersistent(self) -> int:
        return native.virNetworkIsPersistent(self._o)

    def metadata(self, type: int, uri: str | None, flags: int = 0) -> str:
        return native.virNetworkGetMetadata(self._o, type, uri, flags)

    def name(self) -> str:
        return own(self, "virNetworkGetName").name

    def portCreateXML(self, xmldesc: str, flags: int = 0) -> virNetworkPort:
        return virNetworkPort(self, _obj=native.virNetworkPortCreateXML(self._o, xmldesc, flags))

    def portLookupByUUID(self, uuid: bytes) -> virNetworkPort:
        return virNetworkPort(self, _obj=native.virNetworkPortLookupByUUID(self._o, uuid))

    def portLookupByUUIDString(self, uuidstr: str) -> virNetworkPort:
        return virNetworkPort(self, _obj=native.virNetworkPortLookupByUUID(self._o, uuid_of(uuidstr, "virNetworkPortLookupByUUIDString")))

    def setAutostart(self, autostart: int) -> int:
        return native.virNetworkSetAutostart(self._o, autostart)

    def setMetadata(
        self, type: int, metadata: str | None, key: str | None, uri: str | None, flags: int = 0
    ) -> int:
        return native.virNetworkSetMetadata(self._o, type, metadata, key, uri, flags)

    def undefine(self) -> int:
        return native.virNetworkUndefine(self._o)

    def update(self, command: int, section: int, parentIndex: int, xml: str, flags: int = 0) -> int:
        return native.virNetworkUpdate(self._o, command, section, parentIndex, xml, flags)

    def listAllPorts(self, flags: int = 0) -> list[virNetworkPort]:
        return [virNetworkPort(self, _obj=one) for one in native.virNetworkListAllPorts(self._o, flags)]

@public
class virNetworkPort(Object):
    """What is plugged into a network."""

    _handle = native.virNetworkPortPtr

    def __init__(self, net: virNetwork, _obj: Any = None) -> None:
        self._net = net
        Object.__init__(self, net.connect(), _obj)

    def network(self) -> virNetwork:
        """The network."""
        return self._net

    def UUID(self) -> bytes:
        return own(self, "virNetworkPortGetUUID").uuid

    def UUIDString(self) -> str:
        return uuid_text(own(self, "virNetworkPortGetUUIDString").uuid)

    def XMLDesc(self, flags: int = 0) -> str:
        return native.virNetworkPortGetXMLDesc(self._o, flags)

    def delete(self, flags: int = 0) -> int:
        return native.virNetworkPortDelete(self._o, flags)

    def parameters(self, flags: int = 0) -> dict[str, Any]:
        return native.virNetworkPortGetParameters(self._o, flags)

    def setParameters(self, params: dict[str, Any], flags: int = 0) -> int:
        return native.virNetworkPortSetParameters(self._o, params, flags, flags)
