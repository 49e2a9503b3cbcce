"""Events: who is told of what, and how the event loop comes to look after connections and streams."""

from __future__ import annotations

import traceback
import weakref
from typing import TYPE_CHECKING, Any, Callable

from . import _event_loop
from . import _native as native
from ._event_loop import READABLE, WRITABLE, _eventInvokeHandleCallback, _eventInvokeTimeoutCallback
from ._error import libvirtError
from ._object import c_int, handle_of

if TYPE_CHECKING:
    from ._connect import virConnect
    from ._object import Object
    from ._stream import virStream

# what keeps the numbers of callbacks, by the class of the object, as programs know these attributes
KEPT_IN = {
    "Domain": "domainEventCallbackID",
    "Network": "networkEventCallbackID",
    "StoragePool": "storagePoolEventCallbackID",
    "NodeDevice": "nodeDeviceEventCallbackID",
    "Secret": "secretEventCallbackID",
}

# kinds in the words of errors
WORDS = {"Network": "network ", "StoragePool": "storage pool ", "NodeDevice": "node device ", "Secret": "secret "}

# how many events there are
EVENTS = {"Domain": 27, "Network": 2, "StoragePool": 2, "NodeDevice": 2, "Secret": 2}


class Served:
    """A connection that an event loop looks after. It does not keep the connection."""

    def __init__(self, conn: virConnect, loop: _event_loop.Implementation) -> None:
        self.handle = weakref.ref(conn._o)
        self.loop = loop
        self.last = -1
        self.registered: dict[int, Any] = {}
        self.streams: set[Watched] = set()
        fd = native.fileno(conn._o)
        self.watch = loop.add_handle(fd, READABLE, _eventInvokeHandleCallback, (self.happened, None, None))
        self.timer = loop.add_timeout(-1, _eventInvokeTimeoutCallback, (self.due, None, None))
        self.due_in: int | None = None

    def happened(self, watch: int, fd: int, events: int, opaque: Any) -> None:
        self.look_after()

    def due(self, timer: int, opaque: Any) -> None:
        self.look_after()

    def look_after(self) -> None:
        handle = self.handle()
        if handle is None:
            return
        if not native.run_events(handle):
            # it has ended, which its descriptor would tell again and again
            self.stop()
        self.plan(handle)
        for stream in list(self.streams):
            stream.plan()

    def plan(self, handle: Any) -> None:
        """Has the loop come back when the connection has to show that it lives."""
        due_in = native.due(handle)
        if self.loop is not None and due_in != self.due_in:
            self.due_in = due_in
            self.loop.update_timeout(self.timer, -1 if due_in is None else due_in)

    def stop(self) -> None:
        loop, self.loop = self.loop, None
        if loop is not None:
            loop.remove_handle(self.watch)
            loop.remove_timeout(self.timer)

    def number(self, registered: Any) -> int:
        self.last += 1
        self.registered[self.last] = registered
        return self.last


def serve(conn: virConnect) -> Served | None:
    """Has the event loop look after the connection, if there is one."""
    served = getattr(conn, "_served", None)
    if served is None and _event_loop.registered is not None:
        served = conn._served = Served(conn, _event_loop.registered)
    return served


def stop_serving(conn: virConnect) -> None:
    served = getattr(conn, "_served", None)
    if served is not None:
        served.stop()


def needed(conn: virConnect, function: str) -> Served:
    """What looks after the connection: without it nobody would be told of anything."""
    if conn._o is None:
        native.refuse(conn._handle, function)
    served = serve(conn)
    if served is None:
        native.fail(function, 1, 0, "could not initialize domain event timer")
    return served


def local(conn: virConnect) -> bool:
    """Whether its calls are answered in this process."""
    return native.is_local(conn._o)


# errors about objects of another kind: their numbers, and where they come from
POINTERS = {
    "Domain": (7, 20),
    "Network": (36, 19),
    "StoragePool": (46, 18),
    "NodeDevice": (52, 22),
    "Secret": (65, 30),
}
# what there are no events of in this process, and where errors about them come from
NOT_HERE = {"Secret": 30}


def supported(conn: virConnect, kind: str, function: str) -> None:
    if conn._o is None:
        native.refuse(conn._handle, function)
    if kind in NOT_HERE and local(conn):
        native.fail(function, 3, NOT_HERE[kind], function)


def add(conn: virConnect, of: type, it: Any, event: int, callback: Callable, legacy: bool = False) -> int:
    """Registers a callback. Each event of an object has one callback a connection, or two, one of them the old way."""
    kind = of.__name__[3:]
    function = f"virConnect{kind}EventRegister" + ("" if legacy else "Any")
    event = c_int(event)
    if not 0 <= event < EVENTS[kind]:
        raise libvirtError(f"{function}() failed")
    if it is not None and not isinstance(it, of._handle):
        native.fail(function, *POINTERS[kind], function)
    supported(conn, kind, function)
    served = needed(conn, function)
    whose = it and (getattr(it, "uuid", None) or it.name)
    entry = (kind, event, whose, legacy)
    if any(other == entry for other, _ in served.registered.values()):
        native.fail(function, 8, 0, "event callback already tracked")
    return served.number((entry, native.on_event(conn._o, kind, it, event, callback)))


def remove(conn: virConnect, callback: int, kind: str, function: str) -> None:
    callback = c_int(callback)
    if callback < 0:
        domain = POINTERS.get(kind, POINTERS["Domain"])[1]
        native.invalid(function, domain, "callbackID", f"callbackID in {function} must be zero or greater")
    supported(conn, kind, function)
    served = serve(conn)
    known = None if served is None else served.registered.get(callback)
    if known is None or (local(conn) and known[0][0] != kind):
        text = "could not find event callback {} for deletion" if local(conn) else "event callback id {} not registered"
        native.fail(function, 8, 0, text.format(callback))
    if known[0][0] != kind:
        words = WORDS.get(known[0][0] if kind == "Domain" else kind, "")
        native.fail(function, 1, 7, f"{words}event callback {callback} not registered")
    del served.registered[callback]
    native.forget(conn._o, known[1])


def register(conn: virConnect, of: type, it: Object | None, event: int, cb: Callable, opaque: Any) -> int:
    """Has `cb` called for events of one object of the class, or of all of them."""
    kind = of.__name__[3:]
    handle = handle_of(it)

    def told(handle: Any, *details: Any) -> None:
        cb(conn, of(conn, _obj=handle), *details, opaque)

    number = add(conn, of, handle, event, told)
    conn.__dict__.setdefault(KEPT_IN[kind], {})[number] = opaque
    return number


def deregister(conn: virConnect, kind: str, callback: int) -> None:
    remove(conn, callback, kind, f"virConnect{kind}EventDeregisterAny")
    conn.__dict__.get(KEPT_IN[kind], {}).pop(callback, None)


def register_lifecycle(conn: virConnect, cb: Callable, opaque: Any) -> None:
    """The old way: one registration for all callbacks of the connection."""
    from ._domain import virDomain

    callbacks = conn.__dict__.get("domainEventCallbacks")
    if callbacks is not None:
        callbacks[cb] = opaque
        return
    callbacks = {cb: opaque}

    def told(handle: Any, event: int, detail: int) -> None:
        for each, data in list(callbacks.items()):
            each(conn, virDomain(conn, _obj=handle), event, detail, data)

    conn.domainEventCallbacks = callbacks
    conn._lifecycle = add(conn, virDomain, None, 0, told, legacy=True)


def deregister_lifecycle(conn: virConnect, cb: Callable) -> None:
    callbacks = conn.__dict__.get("domainEventCallbacks")
    if callbacks is None:
        return
    del callbacks[cb]
    if not callbacks:
        del conn.domainEventCallbacks
        function = "virConnectDomainEventDeregister"
        number = conn.__dict__.pop("_lifecycle", None)
        if number is None:
            # registering had failed
            native.fail(function, 8, 0, f"event callback function {id(cb):#x} not registered")
        remove(conn, number, "Domain", function)


def register_monitor(
    conn: virConnect, dom: Any, event: str | None, cb: Callable, opaque: Any, flags: int
) -> int:
    """Has `cb` called for a QEMU's own events."""
    from ._domain import virDomain

    def told(handle: Any, *details: Any) -> None:
        cb(conn, virDomain(conn, _obj=handle), *details, opaque)

    function = "virConnectDomainQemuMonitorEventRegister"
    handle = handle_of(dom)
    served = needed(conn, function)
    registered = getattr(native, function)(conn._o, handle, event, flags, told)
    number = served.number((("Monitor", event, handle, False), registered))
    conn.__dict__.setdefault("qemuMonitorEventCallbackID", {})[number] = opaque
    return number


def deregister_monitor(conn: virConnect, callback: int) -> None:
    remove(conn, callback, "Monitor", "virConnectDomainQemuMonitorEventDeregister")
    conn.__dict__.get("qemuMonitorEventCallbackID", {}).pop(callback, None)


def register_close(conn: virConnect, cb: Callable, opaque: Any) -> int:
    """Has `cb` called when the connection ends by itself."""
    if conn._o is None:
        native.refuse(conn._handle, "virConnectRegisterCloseCallback")
    if local(conn):
        # it never ends by itself, and nobody counts who wants to be told
        return 0
    if conn.__dict__.get("_closed") is not None:
        native.fail("virConnectRegisterCloseCallback", 55, 13, "A close callback is already registered")

    def told(reason: int) -> None:
        registered = conn.__dict__.get("_closed")
        if registered is not None:
            registered[0](conn, reason, registered[1])

    # libvirt has one callback a connection, and so it is registered once for all that come one after another
    if "_closed" not in conn.__dict__:
        native.virConnectRegisterCloseCallback(conn._o, told)
    conn._closed = (cb, opaque)
    return 0


def deregister_close(conn: virConnect) -> None:
    if conn._o is None:
        native.refuse(conn._handle, "virConnectUnregisterCloseCallback")
    if local(conn):
        return
    if conn.__dict__.get("_closed") is None:
        native.fail("virConnectUnregisterCloseCallback", 55, 13, "A different callback was requested")
    conn._closed = None


def keep_alive(conn: virConnect, interval: int, count: int) -> int:
    served = serve(conn) if conn._o is not None else None
    done = native.virConnectSetKeepAlive(conn._o, interval, count, served is not None)
    if served is not None:
        served.plan(conn._o)
    return done


class Watched:
    """A stream whose program wants to be told when it can be read or written."""

    def __init__(self, stream: virStream, events: int, cb: Callable, opaque: Any) -> None:
        function = "virStreamEventAddCallback"
        if not native.stream_opened(stream._o):
            native.fail(function, 3, 38, function)
        served = needed(stream._conn, function)
        self.stream, self.events, self.cb, self.opaque = stream, events, cb, opaque
        self.served = served
        self.loop = served.loop
        self.timer = self.loop.add_timeout(-1, _eventInvokeTimeoutCallback, (self.due, None, None))
        self.waiting = False
        served.streams.add(self)
        native.heed(stream._o, bool(events & READABLE))
        self.plan()

    def found(self) -> int:
        """What can be done with the stream now, of what is wanted."""
        found = self.events & WRITABLE
        if self.events & READABLE and native.stream_ready(self.stream._o):
            found |= READABLE
        return found

    def plan(self) -> None:
        waiting = bool(self.found())
        if self.loop is not None and waiting != self.waiting:
            self.waiting = waiting
            self.loop.update_timeout(self.timer, 0 if waiting else -1)

    def due(self, timer: int, opaque: Any) -> None:
        found = self.found() if self.loop is not None else 0
        if found:
            try:
                self.cb(self.stream, found, self.opaque)
            except Exception:
                traceback.print_exc()
        if self.loop is not None:
            self.plan()

    def update(self, events: int) -> None:
        self.events = events
        native.heed(self.stream._o, bool(events & READABLE))
        self.plan()

    def stop(self) -> None:
        loop, self.loop = self.loop, None
        self.served.streams.discard(self)
        if loop is not None:
            loop.remove_timeout(self.timer)
            native.heed(self.stream._o, False)


__all__ = [
    "Watched",
    "deregister",
    "deregister_close",
    "deregister_lifecycle",
    "deregister_monitor",
    "keep_alive",
    "libvirtError",
    "register",
    "register_close",
    "register_lifecycle",
    "register_monitor",
    "serve",
    "stop_serving",
]
