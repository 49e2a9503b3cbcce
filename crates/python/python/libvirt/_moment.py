"""Snapshots and checkpoints of domains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _native as native
from ._object import Object, own, public

if TYPE_CHECKING:
    from ._connect import virConnect
    from ._domain import virDomain


class Moment(Object):
    """A moment of a domain."""

    def __init__(self, dom: virDomain, _obj: Any = None) -> None:
        self._dom = dom
        Object.__init__(self, dom.connect(), _obj)

    def domain(self) -> virDomain:
        """Whose it is."""
        return self._dom

    def getDomain(self) -> virDomain:
        """Whose it is."""
        return self._dom

    def getConnect(self) -> virConnect:
        """The connection that it belongs to."""
        return self._conn


@public
class virDomainSnapshot(Moment):
    """What a domain was at a moment."""

    _handle = native.virDomainSnapshotPtr

    def delete(self, flags: int = 0) -> int:
        return native.virDomainSnapshotDelete(self._o, flags)

    def getName(self) -> str:
        return own(self, "virDomainSnapshotGetName").name

    def getParent(self, flags: int = 0) -> virDomainSnapshot:
        return virDomainSnapshot(self._dom, _obj=native.virDomainSnapshotGetParent(self._o, flags))

    def getXMLDesc(self, flags: int = 0) -> str:
        return native.virDomainSnapshotGetXMLDesc(self._o, flags)

    def hasMetadata(self, flags: int = 0) -> int:
        return native.virDomainSnapshotHasMetadata(self._o, flags)

    def isCurrent(self, flags: int = 0) -> int:
        return native.virDomainSnapshotIsCurrent(self._o, flags)

    def listChildrenNames(self, flags: int = 0) -> list[str]:
        return native.virDomainSnapshotListChildrenNames(self._o, flags)

    def numChildren(self, flags: int = 0) -> int:
        return native.virDomainSnapshotNumChildren(self._o, flags)

    def listAllChildren(self, flags: int = 0) -> list[virDomainSnapshot]:
        return [virDomainSnapshot(self.domain(), _obj=one) for one in native.virDomainSnapshotListAllChildren(self._o, flags)]

@public
class virDomainCheckpoint(Moment):
    """A moment since which a domain's disks keep what changes."""

    _handle = native.virDomainCheckpointPtr

    def delete(self, flags: int = 0) -> int:
        return native.virDomainCheckpointDelete(self._o, flags)

    def getName(self) -> str:
        return own(self, "virDomainCheckpointGetName").name

    def getParent(self, flags: int = 0) -> virDomainCheckpoint:
        return virDomainCheckpoint(self._dom, _obj=native.virDomainCheckpointGetParent(self._o, flags))

    def getXMLDesc(self, flags: int = 0) -> str:
        return native.virDomainCheckpointGetXMLDesc(self._o, flags)

    def listAllChildren(self, flags: int = 0) -> list[virDomainCheckpoint]:
        return [virDomainCheckpoint(self.domain(), _obj=one) for one in native.virDomainCheckpointListAllChildren(self._o, flags)]
