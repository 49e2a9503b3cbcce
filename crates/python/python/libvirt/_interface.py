"""The host's network interfaces."""

from __future__ import annotations

from . import _native as native
from ._object import Object, own, public


@public
class virInterface(Object):
    """One of the host's network interfaces."""

    _handle = native.virInterfacePtr

    def MACString(self) -> str:
        return own(self, "virInterfaceGetMACString").mac

    def XMLDesc(self, flags: int = 0) -> str:
        return native.virInterfaceGetXMLDesc(self._o, flags)

    def create(self, flags: int = 0) -> int:
        return native.virInterfaceCreate(self._o, flags)

    def destroy(self, flags: int = 0) -> int:
        return native.virInterfaceDestroy(self._o, flags)

    def isActive(self) -> int:
        return native.virInterfaceIsActive(self._o)

    def name(self) -> str:
        return own(self, "virInterfaceGetName").name

    def undefine(self) -> int:
        return native.virInterfaceUndefine(self._o)
