"""What the classes have in common."""

from __future__ import annotations

import operator
import os
import stat
import sys
import types
from typing import TYPE_CHECKING, Any, Callable, NoReturn
from uuid import UUID

from . import _native as native
from ._error import libvirtError

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


def without(function: str, argument: str) -> NoReturn:
    """Raises the error about an argument that is not there."""
    native.invalid(function, 20, argument, f"{argument} in {function} must not be NULL")
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


def c_int(value: Any) -> int:
    """A number as C's int, with Python's complaints about what is none."""
    number = operator.index(value)
    if not -(2**63) <= number < 2**63:
        raise OverflowError("Python int too large to convert to C long")
    if number >= 2**31:
        raise OverflowError("signed integer is greater than maximum")
    if number < -(2**31):
        raise OverflowError("signed integer is less than minimum")
    return number


def text(value: Any, function: str, number: int, needed: bool = False) -> Any:
    """A text, or, unless it is needed, None; with the complaint about what is none, which is the argument of that number."""
    if isinstance(value, str) or (value is None and not needed):
        return value
    wanted = "str" if needed else "str or None"
    raise TypeError(f"{function}() argument {number} must be {wanted}, not {type(value).__name__}")


def absolute(path: Any) -> Any:
    """A path as a daemon elsewhere in the file system understands it."""
    return os.path.join(os.getcwd(), path) if isinstance(path, str) and path else path


def files_of(files: Any) -> list[int]:
    """Descriptors that are handed over."""
    if not isinstance(files, list):
        raise TypeError("unexpected type")
    return files


def counted(names: Callable, count: Callable, *arguments: Any) -> Any:
    """A list. Who cannot have it is told so by the function that says how long it is, which libvirt asks first."""
    try:
        return names(*arguments)
    except libvirtError:
        count(*arguments)
        raise


def check_socket(fd: int, function: str) -> None:
    """Raises libvirt's error about a descriptor that is no socket's."""
    try:
        mode = os.fstat(fd).st_mode
    except OSError as error:
        native.fail(function, 38, 20, f"Unable to access file descriptor {fd}: {error.strerror}")
        raise
    if not stat.S_ISSOCK(mode):
        native.invalid(function, 20, "fd", f"fd {fd} must be a socket")


# KiB from here on are more bytes than C's long long counts
TOO_MUCH = (2**63 - 1) // 1024


def kib_of(size: Any, function: str) -> Any:
    """An amount of memory in KiB, which must be neither nothing nor more than can be."""
    some(size, function, "memory")
    if isinstance(size, int) and -(2**63) <= size and size % 2**64 >= TOO_MUCH:
        native.fail(function, 82, 20, f"input too large: {size % 2**64}")
    return size


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


def seconds_of(time: dict[str, int] | None, flags: int) -> tuple[int, int]:
    """Seconds and nanoseconds of what `setTime` is given."""
    if time is None and flags:
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
    "absolute",
    "c_int",
    "check_socket",
    "checked",
    "counted",
    "files_of",
    "handle_of",
    "kib_of",
    "own",
    "public",
    "seconds_of",
    "some",
    "text",
    "unsigned",
    "uuid_of",
    "uuid_text",
    "with_texts",
    "without",
]
