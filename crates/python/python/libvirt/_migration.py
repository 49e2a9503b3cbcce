"""Domains on their way to another host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _native as native
from ._error import libvirtError
from ._object import handle_of

if TYPE_CHECKING:
    from ._connect import virConnect

PEER2PEER = 2
# numbers of errors
NO_SUPPORT, INVALID_CONN, OPERATION_DENIED = 3, 6, 29
# parameters that are of C's type int; all other numbers are of the largest types
INTS = {
    "auto_converge.increment",
    "auto_converge.initial",
    "compression.mt.dthreads",
    "compression.mt.level",
    "compression.mt.threads",
    "compression.zlib.level",
    "compression.zstd.level",
    "disks_port",
    "parallel.connections",
}


def typed(params: dict[str, Any] | None) -> dict[str, Any]:
    """Parameters of a migration, with the types that daemons want."""
    if params is not None and not isinstance(params, dict):
        raise TypeError(f"dict is required, not '{type(params).__name__}'")
    return {
        name: native.Typed("int", value) if name in INTS and isinstance(value, int) else value
        for name, value in (params or {}).items()
    }


def named(**params: Any) -> dict[str, Any]:
    """Those parameters that are there."""
    return {name: value for name, value in params.items() if value}


def move(domain: Any, there: virConnect | None, params: dict[str, Any], flags: int, function: str) -> Any:
    """Moves a domain to where a connection leads. Returns what stands for it there."""
    handle = handle_of(there)
    if there is None or not flags & PEER2PEER:
        try:
            return native.virDomainMigrate3(domain, handle, typed(params), flags)
        except libvirtError as error:
            code = error.get_error_code()
            # these name the function that was called
            if code in (NO_SUPPORT, INVALID_CONN):
                native.fail(function, code, 20, function)
            raise
    native.virDomainMigrateToURI3(domain, there.getURI(), typed(params), flags)
    return native.virDomainLookupByName(there._o, params.get("destination_name", domain.name))


def send(domain: Any, destination: str | None, params: dict[str, Any], flags: int, function: str) -> int:
    """Has the daemon move a domain: with another one, or, without a destination, by itself."""
    if native.is_read_only(domain):
        native.fail(function, OPERATION_DENIED, 20, f"read only access prevents {function}")
    return native.virDomainMigrateToURI3(domain, destination, typed(params), flags)


__all__ = ["PEER2PEER", "move", "named", "send"]
