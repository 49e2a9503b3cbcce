"""Names that programs with annotations take from libvirt-python, though they begin with an underscore."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional, TypeVar

# what a callback is given as its last argument
_T = TypeVar("_T")

# called with: the watch, the descriptor, what happened, and that
_EventCB = Callable[[int, int, int, _T], None]
# called with: the timer, and that
_TimerCB = Callable[[int, _T], None]

# the functions of an event loop
_EventAddHandleFunc = Callable[[int, int, _EventCB, _T], int]
_EventUpdateHandleFunc = Callable[[int, int], None]
_EventRemoveHandleFunc = Callable[[int], int]
_EventAddTimeoutFunc = Callable[[int, _TimerCB, _T], int]
_EventUpdateTimeoutFunc = Callable[[int, int], None]
_EventRemoveTimeoutFunc = Callable[[int], int]

# called with: the connection, the domain, the event, its detail, and that
_DomainCB = Callable[["virConnect", "virDomain", int, int, _T], Optional[int]]  # noqa: F821

_BlkioParameter = Dict[str, Any]
_MemoryParameter = Dict[str, Any]
_SchedParameter = Dict[str, Any]
_TypedParameter = Dict[str, Any]
