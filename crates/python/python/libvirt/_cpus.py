"""Maps of CPUs: bits for libvirt, tuples of True and False here."""

from __future__ import annotations

from typing import Any

from . import _native as native

# CPUs whose figures are asked for at once
AT_ONCE = 128


def number_of_cpus(domain: Any) -> int:
    """How many CPUs the domain's host has."""
    return native.virNodeGetCPUMap(native.connection(domain), 0)[2]


def length_of_map(cpus: int) -> int:
    """How many bytes a map of that many CPUs takes."""
    return (cpus + 7) // 8


def flags_of_map(cpumap: bytes, cpus: int) -> tuple[bool, ...]:
    """For each of the host's CPUs whether its bit is set."""
    length = len(cpumap) * 8
    return tuple(cpu < length and bool(cpumap[cpu // 8] >> cpu % 8 & 1) for cpu in range(cpus))


def map_of_flags(domain: Any, flags: tuple[bool, ...]) -> bytes:
    """The map of the CPUs that are true."""
    cpus = number_of_cpus(domain)
    if not isinstance(flags, tuple):
        raise TypeError("Unexpected type, tuple is required")
    cpumap = bytearray(length_of_map(cpus))
    for cpu, flag in enumerate(flags[:cpus]):
        if flag:
            cpumap[cpu // 8] |= 1 << cpu % 8
    return bytes(cpumap)


def cpu_stats(domain: Any, total: bool, flags: int) -> list[dict[str, Any]]:
    """A domain's figures for each of the host's CPUs, or for all of them together."""
    ask = native.virDomainGetCPUStats
    if total:
        count = ask(domain, 0, -1, 1, flags)[1]
        return [dict(ask(domain, count, -1, 1, flags)[0]) if count else {}]
    cpus = ask(domain, 0, 0, 0, flags)[1]
    count = ask(domain, 0, 0, 1, flags)[1]
    found: list[dict[str, Any]] = []
    for first in range(0, cpus, AT_ONCE):
        wanted = min(AT_ONCE, cpus - first)
        params, each = ask(domain, count, first, wanted, flags) if count else ([], 0)
        found += [dict(params[cpu * count:cpu * count + each]) for cpu in range(wanted)]
    return found


__all__ = ["cpu_stats", "flags_of_map", "length_of_map", "map_of_flags", "number_of_cpus"]
