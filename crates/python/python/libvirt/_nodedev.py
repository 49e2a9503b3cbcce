"""The host's devices."""

from __future__ import annotations

from . import _native as native
from ._object import Object, own, public


@public
class virNodeDevice(Object):
    """One of the host's devices."""

    _handle = native.virNodeDevicePtr

    def XMLDesc(self, flags: int = 0) -> str:
        return native.virNodeDeviceGetXMLDesc(self._o, flags)

    def autostart(self) -> int:
        return native.virNodeDeviceGetAutostart(self._o)

    def create(self, flags: int = 0) -> int:
        return native.virNodeDeviceCreate(self._o, flags)

    def destroy(self) -> int:
        return native.virNodeDeviceDestroy(self._o)

    def detachFlags(self, driverName: str | None, flags: int = 0) -> int:
        return native.virNodeDeviceDetachFlags(self._o, driverName, flags)

    def dettach(self) -> int:
        return native.virNodeDeviceDettach(self._o)

    def isActive(self) -> int:
        return native.virNodeDeviceIsActive(self._o)

    def isPersistent(self) -> int:
        return native.virNodeDeviceIsPersistent(self._o)

    def listCaps(self) -> list[str]:
        return native.virNodeDeviceListCaps(self._o)

    def name(self) -> str:
        return own(self, "virNodeDeviceGetName").name

    def numOfCaps(self) -> int:
        return native.virNodeDeviceNumOfCaps(self._o)

    def parent(self) -> str | None:
        return native.virNodeDeviceGetParent(self._o)

    def reAttach(self) -> int:
        return native.virNodeDeviceReAttach(self._o)

    def reset(self) -> int:
        return native.virNodeDeviceReset(self._o)

    def setAutostart(self, autostart: int) -> int:
        return native.virNodeDeviceSetAutostart(self._o, autostart)

    def undefine(self, flags: int = 0) -> int:
        return native.virNodeDeviceUndefine(self._o, flags)

    def update(self, xmlDesc: str, flags: int = 0) -> int:
        return native.virNodeDeviceUpdate(self._o, xmlDesc, flags)
