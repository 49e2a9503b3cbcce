"""Network filters and where they are bound."""

from __future__ import annotations

from . import _native as native
from ._object import Object, own, public, uuid_text


@public
class virNWFilter(Object):
    """Rules for the packets of a guest's interface."""

    _handle = native.virNWFilterPtr

    def UUID(self) -> bytes:
        return own(self, "virNWFilterGetUUID").uuid

    def UUIDString(self) -> str:
        return uuid_text(own(self, "virNWFilterGetUUIDString").uuid)

    def XMLDesc(self, flags: int = 0) -> str:
        return native.virNWFilterGetXMLDesc(self._o, flags)

    def name(self) -> str:
        return own(self, "virNWFilterGetName").name

    def undefine(self) -> int:
        return native.virNWFilterUndefine(self._o)

@public
class virNWFilterBinding(Object):
    """A filter that is in force for an interface."""

    _handle = native.virNWFilterBindingPtr

    def XMLDesc(self, flags: int = 0) -> str:
        return native.virNWFilterBindingGetXMLDesc(self._o, flags)

    def delete(self) -> int:
        return native.virNWFilterBindingDelete(self._o)

    def filterName(self) -> str:
        return own(self, "virNWFilterBindingGetFilterName").filter_name

    def portDev(self) -> str:
        return own(self, "virNWFilterBindingGetPortDev").port_dev
