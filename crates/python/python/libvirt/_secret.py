"""Secrets."""

from __future__ import annotations

from . import _native as native
from ._object import Object, own, public, uuid_text


@public
class virSecret(Object):
    """What nobody else should know."""

    _handle = native.virSecretPtr

    def UUID(self) -> bytes:
        return own(self, "virSecretGetUUID").uuid

    def UUIDString(self) -> str:
        return uuid_text(own(self, "virSecretGetUUIDString").uuid)

    def XMLDesc(self, flags: int = 0) -> str:
        return native.virSecretGetXMLDesc(self._o, flags)

    def setValue(self, value: bytes, flags: int = 0) -> int:
        return native.virSecretSetValue(self._o, value, flags)

    def undefine(self) -> int:
        return native.virSecretUndefine(self._o)

    def usageID(self) -> str:
        return own(self, "virSecretGetUsageID").usage_id

    def usageType(self) -> int:
        return own(self, "virSecretGetUsageType").usage_type

    def value(self, flags: int = 0) -> bytes:
        return native.virSecretGetValue(self._o, flags)
