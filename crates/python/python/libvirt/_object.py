"""What the classes have in common."""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

from . import _native as native

if TYPE_CHECKING:
    from ._connect import virConnect


def checked(value: Any, handle: type) -> Any:
    """What stands for an object, made sure to be that."""
    if not isinstance(value, handle):
        raise Exception("Expected a wrapped C Object but got %s" % type(value))
    return value


class Object:
    """Something that is reached through a connection."""

    _handle: type

    def __init__(self, conn: virConnect, _obj: Any = None) -> None:
        self._conn = conn
        self._o = checked(_obj, self._handle)

    def __del__(self) -> None:
        self._o = None
        # as whatever is called, also what lets go of an object
        native.virResetLastError()

    def connect(self) -> virConnect:
        """The connection that it belongs to."""
        return self._conn

    def c_pointer(self) -> int:
        """Where the object is in memory."""
        return self._o.address


def own(it: Object, function: str) -> Any:
    """What stands for the object, of which a property is read: no error is left from before."""
    native.virResetLastError()
    if it._o is None:
        native.refuse(it._handle, function)
    return it._o


def handle_of(it: Any) -> Any:
    """What stands for an object that is an argument; None for None."""
    return None if it is None else it._o


def uuid_text(uuid: bytes) -> str:
    return str(UUID(bytes=uuid))


# where errors about the arguments of functions come from: VIR_FROM_...
FROM = (("virDomain", 20), ("virNetwork", 19), ("virStorage", 18), ("virNWFilter", 33), ("virSecret", 30))


def invalid(function: str, argument: str, text: str) -> NoReturn:
    """Raises libvirt's error about an argument."""
    domain = next((number for prefix, number in FROM if function.startswith(prefix)), 0)
    native.invalid(function, domain, argument, text)
    raise AssertionError


def uuid_of(text: str | None, function: str) -> bytes:
    """The bytes of a UUID as people write it."""
    if text is None:
        invalid(function, "uuidstr", f"uuidstr in {function} must not be NULL")
    if not isinstance(text, str):
        raise TypeError(f"{function}() argument 2 must be str or None, not {type(text).__name__}")
    uuid = native.uuid(text)
    if uuid is None:
        domains = function.startswith("virDomain")
        invalid(function, "uuidstr", "Invalid UUID" if domains else f"uuidstr in {function} must be a valid UUID")
    return uuid


def some(number: int, function: str, argument: str) -> int:
    """A number that must not be zero."""
    if number == 0 and isinstance(number, int):
        invalid(function, argument, f"{argument} in {function} must not be zero")
    return number


# the number of the feature that parameters may be texts, and the flag of those who understand that
TEXTS, TEXTS_OKAY = 9, 4


def with_texts(conn: virConnect, handle: Any, flags: int) -> int:
    """The flags of a call that returns parameters, with the one that they may be texts if the daemon knows it."""
    takes = conn.__dict__.get("_texts")
    if takes is None and handle is not None:
        takes = conn._texts = bool(native.virConnectSupportsFeature(handle, TEXTS))
    return flags | TEXTS_OKAY if takes and isinstance(flags, int) else flags


def unsigned(value: int, function: str, number: int) -> int:
    """The lowest 64 bits of an argument, as C reads some of its unsigned numbers."""
    if not isinstance(value, int):
        raise TypeError(f"{function}() argument {number} must be int, not {type(value).__name__}")
    return (value + 2**63) % 2**64 - 2**63


def seconds_of(time: dict[str, int] | None) -> tuple[int, int]:
    """Seconds and nanoseconds of what `setTime` is given."""
    if time is None:
        return 0, 0
    if not isinstance(time, dict):
        raise TypeError("time must be a dictionary or None with flags set")
    if "seconds" not in time or set(time) - {"seconds", "nseconds"}:
        raise LookupError("Dictionary must contains 'seconds'")
    return time["seconds"], time.get("nseconds", 0)


MANUAL: dict[str, str] = native.manual()


def described(function: types.FunctionType, said: str) -> str:
    return f"{MANUAL[said]}\n\nRaises libvirtError when it fails. In C: {said}."


def public(thing: Any) -> Any:
    """Makes a class or function one of the module `libvirt`. What has no description of its own is described by what
    the manual says of the function of the C API that it calls."""
    functions = vars(thing).values() if isinstance(thing, type) else [thing]
    for function in functions:
        if isinstance(function, types.FunctionType) and not function.__doc__:
            said = next((name for name in function.__code__.co_names if name in MANUAL), None)
            if said is None:
                said = next((c for c in function.__code__.co_consts if isinstance(c, str) and c in MANUAL), None)
            if said is not None:
                function.__doc__ = described(function, said)
    thing.__module__ = "libvirt"
    return thing


__all__ = [
    "Object",
    "checked",
    "handle_of",
    "own",
    "public",
    "seconds_of",
    "some",
    "unsigned",
    "uuid_of",
    "uuid_text",
    "with_texts",
]
