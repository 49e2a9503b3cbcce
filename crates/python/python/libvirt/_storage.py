"""Storage pools and their volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _native as native
from ._object import Object, handle_of, own, public, uuid_text

if TYPE_CHECKING:
    from ._stream import virStream


@public
class virStoragePool(Object):
    """Where volumes are kept."""

    _handle = native.virStoragePoolPtr

    def UUID(self) -> bytes:
        return own(self, "virStoragePoolGetUUID").uuid

    def UUIDString(self) -> str:
        return uuid_text(own(self, "virStoragePoolGetUUIDString").uuid)

    def XMLDesc(self, flags: int = 0) -> str:
        return native.virStoragePoolGetXMLDesc(self._o, flags)

    def autostart(self) -> int:
        return native.virStoragePoolGetAutostart(self._o)

    def build(self, flags: int = 0) -> int:
        return native.virStoragePoolBuild(self._o, flags)

    def create(self, flags: int = 0) -> int:
        return native.virStoragePoolCreate(self._o, flags)

    def createXML(self, xmlDesc: str, flags: int = 0) -> virStorageVol:
        return virStorageVol(self._conn, _obj=native.virStorageVolCreateXML(self._o, xmlDesc, flags))

    def createXMLFrom(self, xmlDesc: str, clonevol: virStorageVol, flags: int = 0) -> virStorageVol:
        made = native.virStorageVolCreateXMLFrom(self._o, xmlDesc, handle_of(clonevol), flags)
        return virStorageVol(self._conn, _obj=made)

    def delete(self, flags: int = 0) -> int:
        return native.virStoragePoolDelete(self._o, flags)

    def destroy(self) -> int:
        return native.virStoragePoolDestroy(self._o)

    def info(self) -> list:
        return list(native.virStoragePoolGetInfo(self._o))

    def isActive(self) -> int:
        return native.virStoragePoolIsActive(self._o)

    def isPersistent(self) -> int:
        return native.virStoragePoolIsPersistent(self._o)

    def listVolumes(self) -> list[str]:
        return native.virStoragePoolListVolumes(self._o)

    def name(self) -> str:
        return own(self, "virStoragePoolGetName").name

    def numOfVolumes(self) -> int:
        return native.virStoragePoolNumOfVolumes(self._o)

    def refresh(self, flags: int = 0) -> int:
        return native.virStoragePoolRefresh(self._o, flags)

    def setAutostart(self, autostart: int) -> int:
        return native.virStoragePoolSetAutostart(self._o, autostart)

    def storageVolLookupByName(self, name: str) -> virStorageVol:
        return virStorageVol(self._conn, _obj=native.virStorageVolLookupByName(self._o, name))

    def undefine(self) -> int:
        return native.virStoragePoolUndefine(self._o)

    def listAllVolumes(self, flags: int = 0) -> list[virStorageVol]:
        return [virStorageVol(self._conn, _obj=one) for one in native.virStoragePoolListAllVolumes(self._o, flags)]

@public
class virStorageVol(Object):
    """A disk, or what can become one."""

    _handle = native.virStorageVolPtr
    # what virStream.sendAll and its like move at once
    streamBufSize = 262120

    def XMLDesc(self, flags: int = 0) -> str:
        return native.virStorageVolGetXMLDesc(self._o, flags)

    def delete(self, flags: int = 0) -> int:
        return native.virStorageVolDelete(self._o, flags)

    def download(self, stream: virStream, offset: int, length: int, flags: int = 0) -> int:
        return native.virStorageVolDownload(self._o, handle_of(stream), offset, length, flags)

    def info(self) -> list:
        return list(native.virStorageVolGetInfo(self._o))

    def infoFlags(self, flags: int = 0) -> list:
        return list(native.virStorageVolGetInfoFlags(self._o, flags))

    def key(self) -> str:
        return own(self, "virStorageVolGetKey").key

    def name(self) -> str:
        return own(self, "virStorageVolGetName").name

    def path(self) -> str:
        return native.virStorageVolGetPath(self._o)

    def resize(self, capacity: int, flags: int = 0) -> int:
        return native.virStorageVolResize(self._o, capacity, flags)

    def storagePoolLookupByVolume(self) -> virStoragePool:
        return virStoragePool(self._conn, _obj=native.virStoragePoolLookupByVolume(self._o))

    def upload(self, stream: virStream, offset: int, length: int, flags: int = 0) -> int:
        return native.virStorageVolUpload(self._o, handle_of(stream), offset, length, flags)

    def wipe(self, flags: int = 0) -> int:
        return native.virStorageVolWipe(self._o, flags)

    def wipePattern(self, algorithm: int, flags: int = 0) -> int:
        return native.virStorageVolWipePattern(self._o, algorithm, flags)
