"""Virtual machines and what belongs to them: libvirt's API.

    import libvirt

    with libvirt.open("qemu:///system") as conn:
        for dom in conn.listAllDomains():
            print(dom.name(), dom.info())

Sizes of memory are in KiB and sizes of disks in bytes, unless a method says otherwise; times are in nanoseconds. What
fails raises `libvirtError`. Other threads run while a call waits for its answer.
"""

from __future__ import annotations

from typing import Any

from . import _native as native
from ._connect import virConnect
from ._domain import virDomain
from ._error import (
    libvirtError,
    registerErrorHandler,
    virGetLastError,
    virGetLastErrorCode,
    virGetLastErrorDomain,
    virGetLastErrorMessage,
    virResetLastError,
)
from ._event_loop import (
    _dispatchEventHandleCallback,
    _dispatchEventTimeoutCallback,
    _eventInvokeHandleCallback,
    _eventInvokeTimeoutCallback,
    virEventAddHandle,
    virEventAddTimeout,
    virEventInvokeFreeCallback,
    virEventRegisterDefaultImpl,
    virEventRegisterImpl,
    virEventRemoveHandle,
    virEventRemoveTimeout,
    virEventRunDefaultImpl,
    virEventUpdateHandle,
    virEventUpdateTimeout,
)
from ._interface import virInterface
from ._moment import virDomainCheckpoint, virDomainSnapshot
from ._network import virNetwork, virNetworkPort
from ._nodedev import virNodeDevice
from ._nwfilter import virNWFilter, virNWFilterBinding
from ._secret import virSecret
from ._storage import virStoragePool, virStorageVol
from ._stream import virStream
from ._types import (
    _T,
    _BlkioParameter,
    _DomainCB,
    _EventAddHandleFunc,
    _EventAddTimeoutFunc,
    _EventCB,
    _EventRemoveHandleFunc,
    _EventRemoveTimeoutFunc,
    _EventUpdateHandleFunc,
    _EventUpdateTimeoutFunc,
    _MemoryParameter,
    _SchedParameter,
    _TimerCB,
    _TypedParameter,
)

globals().update(native.constants())


def open(name: str | None = None) -> virConnect:
    """Opens a connection for reading and writing.

    Without a name it is the one of `LIBVIRT_DEFAULT_URI`, of `uri_default` in `libvirt.conf`, or the one that the
    local daemon picks.
    """
    return virConnect(_obj=native.virConnectOpen(name))


def openReadOnly(name: str | None = None) -> virConnect:
    """Opens a connection that can only look."""
    return virConnect(_obj=native.virConnectOpenReadOnly(name))


def openAuth(uri: str | None, auth: list, flags: int = 0) -> virConnect:
    """Opens a connection, and asks for names and passwords that `auth.conf` does not have.

    `auth` is a list of three: the kinds of credentials that can be asked for (`VIR_CRED_...`), a function, and what it
    is given as its second argument. Its first one is a list of questions, each a list of five: kind, prompt, challenge
    (the host), default, and the place for the answer. It returns 0, or -1 to give up. `flags` are `VIR_CONNECT_RO` and
    `VIR_CONNECT_NO_ALIASES`.
    """
    return virConnect(_obj=native.virConnectOpenAuth(uri, auth, flags))


def getVersion(name: str | None = None) -> Any:
    """The version of libvirt that this is: 1,000,000 times the major number, 1,000 times the minor one, and the
    release. With the name of a driver it is that twice, as a tuple."""
    if name is None:
        return native.VERSION
    if not isinstance(name, str):
        raise TypeError(f"virGetVersion() argument 1 must be str, not {type(name).__name__}")
    return native.VERSION, native.VERSION


def virInitialize() -> int:
    """Nothing is to be done before other functions are used; returns 0."""
    return 0

