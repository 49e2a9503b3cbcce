"""What only LXC has: the namespaces and control groups of its containers."""

from __future__ import annotations

import libvirt
from libvirt import _native as native


def lxcOpenNamespace(domain: libvirt.virDomain, flags: int) -> list[int]:
    """Opens the namespaces of a container. Returns their descriptors, for `setns`."""
    return native.virDomainLxcOpenNamespace(domain._o, flags)


def lxcEnterCGroup(domain: libvirt.virDomain, flags: int) -> int:
    """Moves this process into the control groups of a container. Returns 0."""
    return native.virDomainLxcEnterCGroup(domain._o, flags)
