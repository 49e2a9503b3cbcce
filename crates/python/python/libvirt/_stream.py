"""Streams: consoles, screenshots, the contents of volumes."""

from __future__ import annotations

from typing import Any, Callable

from . import _native as native
from ._error import libvirtError
from ._events import Watched
from ._object import Object, c_int, public
from ._storage import virStorageVol

NOT_NOW, HOLE = -2, -3
STOP_AT_HOLE = 1


@public
class virStream(Object):
    """Bytes that flow beside calls. `virConnect.newStream` makes one, a method like `virDomain.openConsole` opens it, and
    it ends with `finish` or `abort`. One thread may send while another one receives."""

    _handle = native.virStreamPtr
    _watched: Watched | None = None

    def __del__(self) -> None:
        watched, self._watched = self._watched, None
        if watched is not None:
            watched.stop()
        self._o = None

    def abort(self) -> int:
        return native.virStreamAbort(self._o)

    def finish(self) -> int:
        return native.virStreamFinish(self._o)

    def recv(self, nbytes: int) -> Any:
        """Receives at most that many bytes, after waiting for some; none at the end. -2 when there are none now and the
        stream was made with `VIR_STREAM_NONBLOCK`. Holes are zeros."""
        return native.virStreamRecv(self._o, nbytes)

    def recvFlags(self, nbytes: int, flags: int = 0) -> Any:
        """As `recv`; with `VIR_STREAM_RECV_STOP_AT_HOLE` it is -3 where a hole is, for `recvHole`."""
        return native.virStreamRecvFlags(self._o, nbytes, flags)

    def recvHole(self, flags: int = 0) -> int:
        """Receives a hole: how many bytes of nothing come here."""
        return native.virStreamRecvHole(self._o, flags)

    def send(self, data: bytes) -> int:
        """Sends bytes. Returns how many; errors may be told by a later call only."""
        return native.virStreamSend(self._o, data)

    def sendHole(self, length: int, flags: int = 0) -> int:
        """Sends a hole of that many bytes, which only a stream for a sparse transfer may have. Returns 0."""
        return native.virStreamSendHole(self._o, length, flags)

    def eventAddCallback(self, events: int, cb: Callable[[virStream, int, Any], Any], opaque: Any) -> None:
        """Has `cb(stream, events, opaque)` called, by the event loop, whenever one of `events`
        (`VIR_STREAM_EVENT_...`) is possible."""
        events = c_int(events)
        if self._watched is not None:
            native.fail("virStreamEventAddCallback", 1, 38, "multiple stream callbacks not supported")
        self.cb = cb
        self._watched = Watched(self, events, cb, opaque)

    def eventUpdateCallback(self, events: int) -> int:
        """Changes what the callback is called for. Returns 0."""
        events = c_int(events)
        self._callback("virStreamEventUpdateCallback").update(events)
        return 0

    def eventRemoveCallback(self) -> int:
        """Has the callback called no more. Returns 0."""
        self._callback("virStreamEventRemoveCallback").stop()
        self._watched = None
        return 0

    def _callback(self, function: str) -> Watched:
        if self._watched is None:
            if not native.stream_opened(self._o):
                native.fail(function, 3, 38, function)
            native.fail(function, 1, 38, "no stream callback registered")
        return self._watched

    def recvAll(self, handler: Callable[[virStream, bytes, Any], Any], opaque: Any) -> None:
        """Receives all, and gives it to `handler(stream, bytes, opaque)` piece by piece. When that raises something, or
        returns a negative number, the stream is aborted."""
        while True:
            got = self.recv(virStorageVol.streamBufSize)
            if got == NOT_NOW:
                raise libvirtError("cannot use recvAll with nonblocking stream")
            if not got:
                return
            with self._aborting():
                refused(handler(self, got, opaque), "recvAll handler returned %d")

    def sendAll(self, handler: Callable[[virStream, int, Any], bytes], opaque: Any) -> None:
        """Sends all that `handler(stream, bytes wanted, opaque)` returns, until it returns nothing. When it raises
        something the stream is aborted."""
        while True:
            with self._aborting():
                got = handler(self, virStorageVol.streamBufSize, opaque)
            if not got:
                return
            if self.send(got) == NOT_NOW:
                raise libvirtError("cannot use sendAll with nonblocking stream")

    def sparseRecvAll(
        self,
        handler: Callable[[virStream, bytes, Any], Any],
        holeHandler: Callable[[virStream, int, Any], Any],
        opaque: Any,
    ) -> None:
        """As `recvAll`, of a sparse transfer: holes are given to `holeHandler(stream, length, opaque)`."""
        while True:
            got = self.recvFlags(virStorageVol.streamBufSize, STOP_AT_HOLE)
            if got == NOT_NOW:
                raise libvirtError("cannot use sparseRecvAll with nonblocking stream")
            with self._aborting():
                if got == HOLE:
                    refused(holeHandler(self, self.recvHole(), opaque), "holeHandler handler returned %d")
                elif got:
                    refused(handler(self, got, opaque), "sparseRecvAll handler returned %d")
            if got == b"":
                return

    def sparseSendAll(
        self,
        handler: Callable[[virStream, int, Any], Any],
        holeHandler: Callable[[virStream, Any], Any],
        skipHandler: Callable[[virStream, int, Any], Any],
        opaque: Any,
    ) -> None:
        """As `sendAll`, of a sparse transfer. `holeHandler(stream, opaque)` says whether there is data where the source
        is at, and how many bytes of data or of nothing; `skipHandler(stream, length, opaque)` goes over a hole."""
        while True:
            with self._aborting():
                in_data, length = holeHandler(self, opaque)
                if not in_data and length > 0:
                    self.sendHole(length)
                    refused(skipHandler(self, length, opaque), "skipHandler handler returned %d")
                    continue
                got = handler(self, min(length, virStorageVol.streamBufSize), opaque)
                refused(got, "sparseSendAll handler returned %d")
            if not got:
                return
            if self.send(got) == NOT_NOW:
                raise libvirtError("cannot use sparseSendAll with nonblocking stream")

    def _aborting(self) -> Aborting:
        return Aborting(self)


def refused(answer: Any, text: str) -> None:
    """Handlers say with a negative number that they give up."""
    if isinstance(answer, int) and answer < 0:
        raise RuntimeError(text % answer)


class Aborting:
    """Has the stream aborted when what is done within raises something."""

    def __init__(self, stream: virStream) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if kind is not None:
            try:
                self.stream.abort()
            except Exception:
                # what was raised first says more
                pass
