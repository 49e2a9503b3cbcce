"""Errors."""

from __future__ import annotations

from typing import Any, Callable

from . import _native as native


class libvirtError(Exception):
    """What libvirt refuses, or could not do. `str()` of it is the text; numbers and parts of the text are got by its
    methods, which answer None when no error of libvirt was behind it."""

    def __init__(self, defmsg: str) -> None:
        # code, domain, message, level, three texts, two numbers
        self.err: tuple | None = native.virGetLastError()
        Exception.__init__(self, defmsg if self.err is None else self.err[2])

    def _part(self, place: int) -> Any:
        return None if self.err is None else self.err[place]

    def get_error_code(self) -> int | None:
        """Which error it is: one of `VIR_ERR_...`."""
        return self._part(0)

    def get_error_domain(self) -> int | None:
        """Which part of libvirt it comes from: one of `VIR_FROM_...`."""
        return self._part(1)

    def get_error_message(self) -> str | None:
        """The text for people."""
        return self._part(2)

    def get_error_level(self) -> int | None:
        """How grave it is: `VIR_ERR_WARNING` or `VIR_ERR_ERROR`."""
        return self._part(3)

    def get_str1(self) -> str | None:
        """The first text behind the message: usually the pattern that it was made by."""
        return self._part(4)

    def get_str2(self) -> str | None:
        """The second text behind the message: usually what was put into the pattern."""
        return self._part(5)

    def get_str3(self) -> str | None:
        """The third text behind the message."""
        return self._part(6)

    def get_int1(self) -> int | None:
        """The first number behind the message: the error of the system, the line of a document; -1 for none."""
        return self._part(7)

    def get_int2(self) -> int | None:
        """The second number behind the message; -1 for none."""
        return self._part(8)


libvirtError.__module__ = "libvirt"
native.set_error_class(libvirtError)


def registerErrorHandler(f: Callable[[Any, tuple], None] | None, ctx: Any) -> int:
    """Has `f(ctx, error)` called for each error, instead of its being written to the standard error output: `error`
    is code, domain, message, level, three texts and two numbers. None for `f` goes back to that. Returns 1."""
    return native.virRegisterErrorHandler(f, ctx)


def virGetLastError() -> tuple | None:
    """The last error of this thread, as a tuple: code, domain, message, level, three texts, two numbers. None when the
    last call succeeded."""
    return native.virGetLastError()


def virGetLastErrorCode() -> int:
    """The number of this thread's last error; 0 when there is none."""
    return native.virGetLastErrorCode()


def virGetLastErrorDomain() -> int:
    """Where this thread's last error comes from; 0 when there is none."""
    return native.virGetLastErrorDomain()


def virGetLastErrorMessage() -> str:
    """The text of this thread's last error."""
    return native.virGetLastErrorMessage()


def virResetLastError() -> None:
    """Forgets this thread's last error."""
    native.virResetLastError()


__all__ = [
    "libvirtError",
    "registerErrorHandler",
    "virGetLastError",
    "virGetLastErrorCode",
    "virGetLastErrorDomain",
    "virGetLastErrorMessage",
    "virResetLastError",
]
