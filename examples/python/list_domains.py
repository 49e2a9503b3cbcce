#!/usr/bin/env python3
"""List all domains of a host: those that run with what they use, and those that are only defined.

    list_domains.py [-c URI]

The columns are id, name, state, maximum memory in KiB, virtual CPUs and memory in KiB; a domain that does not run has
no id, which is shown as "-".
"""

import argparse
import sys

import libvirt

STATES = {
    libvirt.VIR_DOMAIN_NOSTATE: "no state",
    libvirt.VIR_DOMAIN_RUNNING: "running",
    libvirt.VIR_DOMAIN_BLOCKED: "idle",
    libvirt.VIR_DOMAIN_PAUSED: "paused",
    libvirt.VIR_DOMAIN_SHUTDOWN: "in shutdown",
    libvirt.VIR_DOMAIN_SHUTOFF: "shut off",
    libvirt.VIR_DOMAIN_CRASHED: "crashed",
    libvirt.VIR_DOMAIN_PMSUSPENDED: "pmsuspended",
}


def is_gone(error):
    """Whether a domain was not there any more when it was looked at."""
    return error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN


def rows(conn):
    """What is shown, a tuple for each domain: those that run by id, then the others by name."""
    found = []
    for id in sorted(conn.listDomainsID()):
        try:
            dom = conn.lookupByID(id)
            infos = dom.info()
        except libvirt.libvirtError as error:
            # between the list and the look a domain may end
            if is_gone(error):
                continue
            raise
        found.append((str(id), dom.name(), infos[0], infos[1], infos[3], infos[2]))
    for name in sorted(conn.listDefinedDomains()):
        try:
            infos = conn.lookupByName(name).info()
        except libvirt.libvirtError as error:
            if is_gone(error):
                continue
            raise
        found.append(("-", name, infos[0], infos[1], infos[3], infos[2]))
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description="List all domains of a host.")
    parser.add_argument("-c", "--connect", metavar="URI", help="the host; the default one if there is none given")
    options = parser.parse_args(arguments)
    libvirt.registerErrorHandler(lambda context, error: None, None)
    try:
        conn = libvirt.openReadOnly(options.connect)
        found = rows(conn)
    except libvirt.libvirtError as error:
        print(f"list_domains: {error}", file=sys.stderr)
        return 1
    for id, name, state, most, cpus, memory in found:
        print(id, name, STATES.get(state, str(state)), most, cpus, memory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
