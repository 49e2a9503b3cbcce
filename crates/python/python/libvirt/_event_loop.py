"""Event loops: one that is here, and those that programs bring."""

from __future__ import annotations

import os
import select
import threading
import time
import traceback
from typing import Any, Callable

from ._error import libvirtError

READABLE, WRITABLE, ERROR, HANGUP = 1, 2, 4, 8
POLLED = (
    (READABLE, select.POLLIN),
    (WRITABLE, select.POLLOUT),
    (ERROR, select.POLLERR),
    (HANGUP, select.POLLHUP),
)


class Implementation:
    """The six functions of an event loop."""

    def __init__(self, *functions: Callable) -> None:
        (
            self.add_handle,
            self.update_handle,
            self.remove_handle,
            self.add_timeout,
            self.update_timeout,
            self.remove_timeout,
        ) = functions


class DefaultLoop:
    """An event loop on poll(2). Functions may be called by any thread, also by callbacks."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.last = 0
        # number: [descriptor, events, callback, opaque]
        self.handles: dict[int, list] = {}
        # number: [milliseconds, due, callback, opaque]
        self.timers: dict[int, list] = {}
        self.runner: int | None = None
        self.woken, self.waker = os.pipe()
        for end in (self.woken, self.waker):
            os.set_blocking(end, False)

    def implementation(self) -> Implementation:
        return Implementation(
            self.add_handle,
            self.update_handle,
            self.remove_handle,
            self.add_timeout,
            self.update_timeout,
            self.remove_timeout,
        )

    def add_handle(self, fd: int, events: int, cb: Callable, opaque: Any) -> int:
        with self.lock:
            self.last += 1
            self.handles[self.last] = [fd, events, cb, opaque]
            number = self.last
        self.wake()
        return number

    def update_handle(self, watch: int, events: int) -> None:
        with self.lock:
            if watch in self.handles:
                self.handles[watch][1] = events
        self.wake()

    def remove_handle(self, watch: int) -> int:
        with self.lock:
            gone = self.handles.pop(watch, None)
        self.wake()
        return -1 if gone is None else 0

    def add_timeout(self, timeout: int, cb: Callable, opaque: Any) -> int:
        with self.lock:
            self.last += 1
            self.timers[self.last] = [timeout, due(timeout), cb, opaque]
            number = self.last
        self.wake()
        return number

    def update_timeout(self, timer: int, timeout: int) -> None:
        with self.lock:
            if timer in self.timers:
                self.timers[timer][:2] = [timeout, due(timeout)]
        self.wake()

    def remove_timeout(self, timer: int) -> int:
        with self.lock:
            gone = self.timers.pop(timer, None)
        self.wake()
        return -1 if gone is None else 0

    def wake(self) -> None:
        if self.runner != threading.get_ident():
            try:
                os.write(self.waker, b"\0")
            except BlockingIOError:
                # full, and so it wakes anyway
                pass

    def run_once(self) -> None:
        """Waits for something to happen, and calls whom it concerns."""
        poll = select.poll()
        poll.register(self.woken, select.POLLIN)
        with self.lock:
            wanted: dict[int, int] = {}
            for fd, events, _, _ in self.handles.values():
                wanted[fd] = wanted.get(fd, 0) | events
            for fd, events in wanted.items():
                if events:
                    poll.register(fd, sum(bit for event, bit in POLLED if events & event))
            dues = [when for _, when, _, _ in self.timers.values() if when is not None]
        wait = None
        if dues:
            # to the end of the millisecond, or it would be too early
            wait = max(0, int((min(dues) - time.monotonic()) * 1000) + 1) if min(dues) > time.monotonic() else 0
        happened = dict(poll.poll(wait))
        if happened.pop(self.woken, 0):
            os.read(self.woken, 4096)
        self.runner = threading.get_ident()
        try:
            self.dispatch(happened)
        finally:
            self.runner = None

    def dispatch(self, happened: dict[int, int]) -> None:
        with self.lock:
            timers, handles = list(self.timers), list(self.handles)
        for timer in timers:
            with self.lock:
                entry = self.timers.get(timer)
                if entry is None or entry[1] is None or entry[1] > time.monotonic():
                    continue
                entry[1] = due(entry[0])
                _, _, cb, opaque = entry
            call(cb, timer, opaque)
        for watch in handles:
            with self.lock:
                entry = self.handles.get(watch)
                if entry is None:
                    continue
                fd, events, cb, opaque = entry
            bits = happened.get(fd, 0)
            if bits & select.POLLNVAL:
                bits |= select.POLLERR
            found = sum(event for event, bit in POLLED if bits & bit)
            found &= events | ERROR | HANGUP
            if found and events:
                call(cb, watch, fd, found, opaque)


def call(cb: Callable, *arguments: Any) -> None:
    """What a callback raises ends neither the loop nor what else is due."""
    try:
        cb(*arguments)
    except Exception:
        traceback.print_exc()


def due(timeout: int) -> float | None:
    return None if timeout < 0 else time.monotonic() + timeout / 1000


registered: Implementation | None = None
default: DefaultLoop | None = None


def implementation(function: str) -> Implementation:
    if registered is None:
        raise libvirtError(f"{function}() failed")
    return registered


def virEventRegisterImpl(
    addHandle: Callable,
    updateHandle: Callable,
    removeHandle: Callable,
    addTimeout: Callable,
    updateTimeout: Callable,
    removeTimeout: Callable,
) -> None:
    """Has connections that are opened from now on looked after by an event loop of the program's own.

    `addHandle(fd, events, cb, opaque)` returns a number for the handle, and calls `cb(number, fd, events, opaque)`
    when something happens; `addTimeout(milliseconds, cb, opaque)` returns a number for the timer, and calls
    `cb(number, opaque)`, again and again; -1 milliseconds is never. The others are given these numbers. What is
    removed has its `opaque` given to `virEventInvokeFreeCallback` afterwards, not from within the function.

    Only the first event loop that is registered counts.
    """
    global registered
    functions = (addHandle, updateHandle, removeHandle, addTimeout, updateTimeout, removeTimeout)
    if not all(map(callable, functions)):
        raise TypeError("an event loop is made of six functions")
    if registered is None:
        registered = Implementation(*functions)


def virEventRegisterDefaultImpl() -> int:
    """Has connections that are opened from now on looked after by `virEventRunDefaultImpl`, which the program calls
    in a loop, or in a thread of its own. Returns 0."""
    global default, registered
    if default is None:
        default = DefaultLoop()
    if registered is None:
        registered = default.implementation()
    return 0


def virEventRunDefaultImpl() -> int:
    """Waits until something happens, and calls whom it concerns; other threads run while it waits. Returns 0."""
    if default is None:
        raise libvirtError("virEventRunDefaultImpl() failed")
    default.run_once()
    return 0


def _dispatchEventHandleCallback(watch: int, fd: int, events: int, cbData: dict[str, Any]) -> int:
    cbData["cb"](watch, fd, events, cbData["opaque"])
    return 0


def _dispatchEventTimeoutCallback(timer: int, cbData: dict[str, Any]) -> int:
    cbData["cb"](timer, cbData["opaque"])
    return 0


def _eventInvokeHandleCallback(watch: int, fd: int, event: int, opaque: Any, opaquecompat: Any = None) -> None:
    """What event loops call when something happened. Very old ones give the two parts of `opaque` apart."""
    cb, data = (opaque, opaquecompat) if opaquecompat else (opaque[0], opaque[1])
    cb(watch, fd, event, data)


def _eventInvokeTimeoutCallback(timer: int, opaque: Any, opaquecompat: Any = None) -> None:
    """What event loops call when a timer is due. Very old ones give the two parts of `opaque` apart."""
    cb, data = (opaque, opaquecompat) if opaquecompat else (opaque[0], opaque[1])
    cb(timer, data)


def virEventInvokeFreeCallback(opaque: Any) -> None:
    """What event loops call for `opaque` of a handle or timer some time after it was removed."""
    free = opaque[2]
    if free is not None:
        free(opaque[1])


def virEventAddHandle(fd: int, events: int, cb: Callable[[int, int, int, Any], Any], opaque: Any) -> int:
    """Has `cb(number, fd, events, opaque)` called when one of `events` (`VIR_EVENT_HANDLE_...`) happens to `fd`.
    Returns the number."""
    data = {"cb": cb, "opaque": opaque}
    add = implementation("virEventAddHandle").add_handle
    number = add(fd, events, _eventInvokeHandleCallback, (called_with_handle, data, None))
    if number == -1:
        raise libvirtError("virEventAddHandle() failed")
    return number


def called_with_handle(watch: int, fd: int, events: int, data: dict[str, Any]) -> None:
    _dispatchEventHandleCallback(watch, fd, events, data)


def called_with_timer(timer: int, data: dict[str, Any]) -> None:
    _dispatchEventTimeoutCallback(timer, data)


def virEventUpdateHandle(watch: int, events: int) -> None:
    """Changes which events a handle waits for."""
    if registered is not None:
        registered.update_handle(watch, events)


def virEventRemoveHandle(watch: int) -> int:
    """Has the callback of a handle called no more. Returns 0."""
    if implementation("virEventRemoveHandle").remove_handle(watch) == -1:
        raise libvirtError("virEventRemoveHandle() failed")
    return 0


def virEventAddTimeout(timeout: int, cb: Callable[[int, Any], Any], opaque: Any) -> int:
    """Has `cb(number, opaque)` called every `timeout` milliseconds: 0 is each time that the loop runs, -1 is never.
    Returns the number."""
    data = {"cb": cb, "opaque": opaque}
    add = implementation("virEventAddTimeout").add_timeout
    number = add(timeout, _eventInvokeTimeoutCallback, (called_with_timer, data, None))
    if number == -1:
        raise libvirtError("virEventAddTimeout() failed")
    return number


def virEventUpdateTimeout(timer: int, timeout: int) -> None:
    """Changes how often a timer is due, in milliseconds; -1 is never."""
    if registered is not None:
        registered.update_timeout(timer, timeout)


def virEventRemoveTimeout(timer: int) -> int:
    """Has the callback of a timer called no more. Returns 0."""
    if implementation("virEventRemoveTimeout").remove_timeout(timer) == -1:
        raise libvirtError("virEventRemoveTimeout() failed")
    return 0
