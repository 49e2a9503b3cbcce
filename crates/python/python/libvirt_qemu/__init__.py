"""What only QEMU has: its monitor, its events, the agent in the guest."""

from __future__ import annotations

import os
from typing import IO, Any, Callable

import libvirt
from libvirt import _native as native
from libvirt._events import deregister_monitor, register_monitor
from libvirt._object import MANUAL, described

globals().update(native.constants("libvirt-qemu"))


def qemuMonitorCommand(domain: libvirt.virDomain, cmd: str, flags: int) -> str:
    return native.virDomainQemuMonitorCommand(domain._o, cmd, flags)


def qemuMonitorCommandWithFiles(
    domain: libvirt.virDomain, cmd: str, files: list[int] = [], flags: int = 0
) -> tuple[str, list[IO]]:
    answer, found = native.virDomainQemuMonitorCommandWithFiles(domain._o, cmd, flags, files)
    return answer, [os.fdopen(fd) for fd in found]


def qemuAgentCommand(domain: libvirt.virDomain, cmd: str, timeout: int, flags: int) -> str | None:
    return native.virDomainQemuAgentCommand(domain._o, cmd, timeout, flags)


def qemuAttach(conn: libvirt.virConnect, pid_value: int, flags: int) -> libvirt.virDomain:
    return libvirt.virDomain(conn, _obj=native.virDomainQemuAttach(conn._o, pid_value, flags))


def qemuMonitorEventRegister(
    conn: libvirt.virConnect,
    dom: libvirt.virDomain | None,
    event: str | None,
    cb: Callable[[libvirt.virConnect, libvirt.virDomain, str, int, int, str, Any], Any],
    opaque: Any,
    flags: int = 0,
) -> int:
    """Has `cb(connection, domain, event, seconds, microseconds, details, opaque)` called for a QEMU's own events: those
    of the name `event`, or of the pattern that `flags` say it is, or all of them; of one domain, or of all.

    `details` is JSON. Returns the number that `qemuMonitorEventDeregister` takes.
    """
    return register_monitor(conn, dom, event, cb, opaque, flags)


def qemuMonitorEventDeregister(conn: libvirt.virConnect, callbackID: int) -> None:
    """Has the callback of that number called no more."""
    deregister_monitor(conn, callbackID)


for _function, _said in (
    (qemuMonitorCommand, "virDomainQemuMonitorCommand"),
    (qemuMonitorCommandWithFiles, "virDomainQemuMonitorCommandWithFiles"),
    (qemuAgentCommand, "virDomainQemuAgentCommand"),
    (qemuAttach, "virDomainQemuAttach"),
):
    if _said in MANUAL:
        _function.__doc__ = described(_function, _said)
