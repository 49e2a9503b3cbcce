"""Connections of libvirt looked after by an event loop of asyncio.

    import asyncio, libvirt, libvirtaio

    async def main():
        libvirtaio.virEventRegisterAsyncIOImpl()
        conn = libvirt.open("test:///default")
        conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, print, None)
        ...

    asyncio.run(main())
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import warnings
from typing import Any, Callable

import libvirt

__all__ = ["getCurrentImpl", "virEventAsyncIOImpl", "virEventRegisterAsyncIOImpl"]

READABLE = libvirt.VIR_EVENT_HANDLE_READABLE
WRITABLE = libvirt.VIR_EVENT_HANDLE_WRITABLE


class Callback:
    """A handle or timer of libvirt's, with the number that it is known by."""

    _numbers = itertools.count()

    def __init__(self, impl: virEventAsyncIOImpl, cb: Callable, opaque: Any) -> None:
        self.iden = next(self._numbers)
        self.impl = impl
        self.cb = cb
        self.opaque = opaque

    def close(self) -> None:
        """It is removed: its data goes when nobody can be using it any more."""
        self.impl.log.debug("callback %d is closed", self.iden)
        self.impl.schedule_ff_callback(self.iden, self.opaque)


class FDCallback(Callback):
    """A handle: which events of a descriptor its callback is called for."""

    def __init__(
        self, impl: virEventAsyncIOImpl, cb: Callable, opaque: Any, *, descriptor: Descriptor, event: int
    ) -> None:
        super().__init__(impl, cb, opaque)
        self.descriptor = descriptor
        self.event = event

    def __repr__(self) -> str:
        return f"<{type(self).__name__} iden={self.iden} fd={self.descriptor.fd} event={self.event}>"

    def update(self, event: int) -> None:
        self.event = event
        self.descriptor.update()


class TimeoutCallback(Callback):
    """A timer: it is called again and again."""

    def __init__(self, impl: virEventAsyncIOImpl, cb: Callable, opaque: Any) -> None:
        super().__init__(impl, cb, opaque)
        self.timeout = -1
        self._handle: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} iden={self.iden} timeout={self.timeout}>"

    def update(self, timeout: int) -> None:
        """Starts the timer anew, or with -1 milliseconds stops it."""
        self.timeout = timeout
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if timeout >= 0:
            self._handle = self.impl.loop.call_later(timeout / 1000, self._due)

    def _due(self) -> None:
        self._handle = self.impl.loop.call_later(self.timeout / 1000, self._due)
        self.cb(self.iden, self.opaque)

    def close(self) -> None:
        self.update(timeout=-1)
        super().close()


class Descriptor:
    """A descriptor with all handles that want to hear of it."""

    def __init__(self, impl: virEventAsyncIOImpl, fd: int) -> None:
        self.impl = impl
        self.fd = fd
        self.callbacks: dict[int, FDCallback] = {}

    def _handle(self, event: int) -> None:
        for callback in list(self.callbacks.values()):
            # one may have been removed by the one before
            if callback.iden in self.callbacks and callback.event & event:
                callback.cb(callback.iden, self.fd, event, callback.opaque)

    def update(self) -> None:
        """Has the loop watch for what the handles want."""
        wanted = 0
        for callback in self.callbacks.values():
            wanted |= callback.event
        if wanted & ~(READABLE | WRITABLE):
            warnings.warn("only VIR_EVENT_HANDLE_READABLE and VIR_EVENT_HANDLE_WRITABLE are heard of", UserWarning)
        loop = self.impl.loop
        if wanted & READABLE:
            loop.add_reader(self.fd, self._handle, READABLE)
        else:
            loop.remove_reader(self.fd)
        if wanted & WRITABLE:
            loop.add_writer(self.fd, self._handle, WRITABLE)
        else:
            loop.remove_writer(self.fd)

    def add_handle(self, callback: FDCallback) -> None:
        self.callbacks[callback.iden] = callback
        self.update()

    def remove_handle(self, iden: int) -> FDCallback:
        callback = self.callbacks.pop(iden)
        self.update()
        return callback


class DescriptorDict(dict):
    """The descriptors, made when they are asked for."""

    def __init__(self, impl: virEventAsyncIOImpl) -> None:
        super().__init__()
        self.impl = impl

    def __missing__(self, fd: int) -> Descriptor:
        descriptor = self[fd] = Descriptor(self.impl, fd)
        return descriptor


class virEventAsyncIOImpl:
    """libvirt's event loop on one of asyncio: the given one, or the one that runs.

    Other threads may open and close connections: what that needs of the loop is done in the loop's own thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.loop = loop or asyncio.get_event_loop()
        self.callbacks: dict[int, Callback] = {}
        self.descriptors = DescriptorDict(self)
        self.log = logging.getLogger(type(self).__name__)
        # what was removed and whose data is still there
        self._pending = 0
        self._finished: asyncio.Event | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} callbacks={self.callbacks} descriptors={dict(self.descriptors)}>"

    def register(self) -> virEventAsyncIOImpl:
        """Has libvirt use it for connections that are opened from now on."""
        self.log.debug("register()")
        libvirt.virEventRegisterImpl(
            self._add_handle,
            self._update_handle,
            self._remove_handle,
            self._add_timeout,
            self._update_timeout,
            self._remove_timeout,
        )
        return self

    def _in_loop(self, act: Callable, *args: Any) -> None:
        """Does something in the loop's thread: at once if that is this one."""
        try:
            here = asyncio.get_running_loop() is self.loop
        except RuntimeError:
            # a loop that does not run yet, or no more, is touched by whoever has it
            here = not self.loop.is_running()
        if here:
            act(*args)
        else:
            self.loop.call_soon_threadsafe(act, *args)

    def schedule_ff_callback(self, iden: int, opaque: Any) -> None:
        """Lets go of the data of a handle or timer, after what runs now."""
        if self.loop.is_closed():
            self._ff_callback(iden, opaque)
        else:
            self.loop.call_soon_threadsafe(self._ff_callback, iden, opaque)

    def _ff_callback(self, iden: int, opaque: Any) -> None:
        self.log.debug("ff_callback(iden=%d)", iden)
        libvirt.virEventInvokeFreeCallback(opaque)
        self._pending -= 1
        if self._pending == 0 and self._finished is not None:
            self._finished.set()

    async def drain(self) -> None:
        """Waits until all that was removed is gone."""
        self.log.debug("drain()")
        if self._pending:
            self._finished = asyncio.Event()
            await self._finished.wait()
            self._finished = None

    def is_idle(self) -> bool:
        """Whether nothing is left of any connection."""
        return not self.callbacks and not self._pending

    def _add(self, callback: Callback) -> int:
        self.callbacks[callback.iden] = callback
        self._pending += 1
        return callback.iden

    def _add_handle(self, fd: int, event: int, cb: Callable, opaque: Any) -> int:
        descriptor = self.descriptors[fd]
        callback = FDCallback(self, cb, opaque, descriptor=descriptor, event=event)
        self.log.debug("add_handle(fd=%d, event=%d) = %d", fd, event, callback.iden)
        self._in_loop(descriptor.add_handle, callback)
        return self._add(callback)

    def _update_handle(self, watch: int, event: int) -> None:
        self.log.debug("update_handle(watch=%d, event=%d)", watch, event)
        self._in_loop(self.callbacks[watch].update, event)

    def _remove_handle(self, watch: int) -> int:
        self.log.debug("remove_handle(watch=%d)", watch)
        callback = self.callbacks.pop(watch, None)
        if callback is None:
            self.log.warning("remove_handle(): no such handle: %r", watch)
            return -1
        self._in_loop(self._forget, callback)
        return 0

    def _forget(self, callback: FDCallback) -> None:
        descriptor = callback.descriptor
        descriptor.remove_handle(callback.iden)
        if not descriptor.callbacks and self.descriptors.get(descriptor.fd) is descriptor:
            del self.descriptors[descriptor.fd]
        callback.close()

    def _add_timeout(self, timeout: int, cb: Callable, opaque: Any) -> int:
        callback = TimeoutCallback(self, cb, opaque)
        self.log.debug("add_timeout(timeout=%d) = %d", timeout, callback.iden)
        self._in_loop(callback.update, timeout)
        return self._add(callback)

    def _update_timeout(self, timer: int, timeout: int) -> None:
        self.log.debug("update_timeout(timer=%d, timeout=%d)", timer, timeout)
        self._in_loop(self.callbacks[timer].update, timeout)

    def _remove_timeout(self, timer: int) -> int:
        self.log.debug("remove_timeout(timer=%d)", timer)
        callback = self.callbacks.pop(timer, None)
        if callback is None:
            self.log.warning("remove_timeout(): no such timeout: %r", timer)
            return -1
        self._in_loop(callback.close)
        return 0


_current_impl: virEventAsyncIOImpl | None = None


def getCurrentImpl() -> virEventAsyncIOImpl | None:
    """The event loop that was registered last, or None."""
    return _current_impl


def virEventRegisterAsyncIOImpl(loop: asyncio.AbstractEventLoop | None = None) -> virEventAsyncIOImpl:
    """Has connections that are opened from now on looked after by the given loop, or by the one that runs."""
    global _current_impl
    _current_impl = virEventAsyncIOImpl(loop=loop).register()
    return _current_impl
