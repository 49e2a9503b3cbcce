#!/usr/bin/env python3
"""Shift the last octet of the IP and MAC of every static DHCP host of a network by N.

    shift_dhcp_hosts.py N FILE [-o OUT]                  a definition in a file (- is standard input)
    shift_dhcp_hosts.py N --network NAME [-c URI]        a network of a host, while it runs and in its definition

Nothing is changed unless every host can be shifted: an octet that would leave 0 to 255, an address that would leave its
network or become that of the network itself is refused, with its place. On a network of a host it is all or nothing,
too: when an update is refused in the middle, those that were made are taken back.

Ends with 0 when all is done, 1 when nothing was changed, 2 when something could not be taken back.
"""

import argparse
import ipaddress
import sys
import xml.etree.ElementTree as ElementTree
from xml.parsers import expat

import libvirt


class Refused(Exception):
    """Why it cannot be done; nothing was changed."""


class Broken(Exception):
    """What could not be taken back."""


def shifted(number, by, what, place):
    """An octet, so much further."""
    if not 0 <= number + by <= 255:
        raise Refused(f"{place}: {what} would end in {number + by}, which is no octet")
    return number + by


def shifted_mac(mac, by, place):
    octets = mac.split(":")
    if len(octets) != 6:
        raise Refused(f"{place}: '{mac}' is no MAC address")
    try:
        last = int(octets[5], 16)
    except ValueError:
        raise Refused(f"{place}: '{mac}' is no MAC address") from None
    return ":".join(octets[:5] + [f"{shifted(last, by, f'MAC {mac}', place):02x}"])


def shifted_ip(text, by, place, around):
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise Refused(f"{place}: '{text}' is no IP address") from None
    last = shifted(int(address) & 0xFF, by, f"IP {text}", place)
    moved = type(address)(int(address) - (int(address) & 0xFF) + last)
    if around is not None:
        own, network = around
        if moved not in network:
            raise Refused(f"{place}: IP {text} would become {moved}, which is not in {network}")
        if moved in (own, network.network_address) or (moved.version == 4 and moved == network.broadcast_address):
            raise Refused(f"{place}: IP {text} would become {moved}, which is not for hosts")
    return str(moved)


def surroundings(ip):
    """The address of an <ip> element and its network, or None where it says too little."""
    size = ip.get("prefix") or ip.get("netmask")
    if not ip.get("address") or not size:
        return None
    try:
        interface = ipaddress.ip_interface(f"{ip.get('address')}/{size}")
    except ValueError:
        return None
    return interface.ip, interface.network


def lines_of_hosts(text):
    """The line of every <host> that stands in a <dhcp>, in their order."""
    found, open_elements = [], []
    parser = expat.ParserCreate()

    def start(name, _):
        if name == "host" and open_elements[-1:] == ["dhcp"]:
            found.append(parser.CurrentLineNumber)
        open_elements.append(name)

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: open_elements.pop()
    parser.Parse(text, True)
    return found


def shift(text, by, source):
    """The tree of a network's definition with its hosts shifted, and what has changed: a list of
    (index of the <ip>, host as it was, host as it is), the hosts as text. Names of places begin with `source`.
    """
    builder = ElementTree.TreeBuilder(insert_comments=True)
    try:
        lines = iter(lines_of_hosts(text))
        root = ElementTree.fromstring(text, ElementTree.XMLParser(target=builder))
    except (expat.ExpatError, ElementTree.ParseError) as error:
        raise Refused(f"{source}: {error}") from None
    if root.tag != "network":
        raise Refused(f"{source}: <{root.tag}> is no definition of a network")
    changes = []
    for index, ip in enumerate(root.findall("ip")):
        around = surroundings(ip)
        for dhcp in ip.findall("dhcp"):
            for host in dhcp.findall("host"):
                known_as = host.get("name") or host.get("mac") or host.get("id") or host.get("ip")
                place = f"{source}, line {next(lines)}, host '{known_as}'"
                before = as_text(host)
                if host.get("mac") is not None:
                    host.set("mac", shifted_mac(host.get("mac"), by, place))
                if host.get("ip") is not None:
                    host.set("ip", shifted_ip(host.get("ip"), by, place, around))
                changes.append((index, before, as_text(host)))
    return root, changes


def as_text(host):
    """An element alone, without the blanks that follow it."""
    tail, host.tail = host.tail, None
    text = ElementTree.tostring(host, encoding="unicode")
    host.tail = tail
    return text


def change_file(by, path, out):
    """Shifts the hosts of the definition in a file, and writes it to `out`, or back."""
    try:
        if path == "-":
            text = sys.stdin.read()
        else:
            with open(path, encoding="utf-8") as file:
                text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path}: {error}") from None
    root, changes = shift(text, by, path)
    result = ElementTree.tostring(root, encoding="unicode") + "\n"
    target = out or path
    if target == "-":
        sys.stdout.write(result)
    else:
        try:
            with open(target, "w", encoding="utf-8") as file:
                file.write(result)
        except OSError as error:
            raise Refused(f"{target}: {error}") from None
    return len(changes)


DELETE, ADD = libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE, libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST


class Updates:
    """Updates of a network that can be taken back."""

    def __init__(self, network):
        self.network = network
        self.done = []

    def make(self, command, index, host, flags):
        section = libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST
        self.network.update(command, section, index, host, flags)
        self.done.append((command, index, host, flags))

    def take_back(self):
        """Takes back all that were made, the last first; says what could not be."""
        left = []
        for command, index, host, flags in reversed(self.done):
            opposite = ADD if command == DELETE else DELETE
            section = libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST
            try:
                self.network.update(opposite, section, index, host, flags)
            except libvirt.libvirtError as error:
                left.append(f"{host}: {error}")
        self.done = []
        return left


def has_two_definitions(network):
    """Whether the network keeps one for the time after it has been started again, as all but a driver in memory do."""
    try:
        network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_INVALID_ARG:
            raise
        return False
    return True


def change_network(by, conn, name):
    """Shifts the hosts of a network, of its definition and while it runs."""
    network = conn.networkLookupByName(name)
    inactive = libvirt.VIR_NETWORK_XML_INACTIVE if has_two_definitions(network) else 0
    states = []
    if network.isActive():
        states.append((libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE, 0, f"network '{name}'"))
    if network.isPersistent() and (inactive or not states):
        states.append((libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG, inactive, f"definition of network '{name}'"))
    # all is looked at before anything is changed
    plans = [(flags, xml, shift(network.XMLDesc(xml), by, source)[1]) for flags, xml, source in states]
    updates = Updates(network)
    try:
        for flags, xml, changes in plans:
            wanted = [(index, after) for index, _, after in changes]
            if hosts(network.XMLDesc(xml)) == wanted:
                continue
            # an address is free for another host only when its own has let go of it
            for index, before, _ in reversed(changes):
                updates.make(DELETE, index, before, flags)
            for index, after in wanted:
                updates.make(ADD, index, after, flags)
    except (libvirt.libvirtError, KeyboardInterrupt) as error:
        left = updates.take_back()
        if left:
            raise Broken(f"{error}\nand these could not be taken back:\n" + "\n".join(left)) from None
        raise Refused(f"{error}; all is as it was") from None
    return max((len(changes) for _, _, changes in plans), default=0)


def hosts(text):
    """The static hosts of a definition: (index of the <ip>, host as text)."""
    return [(index, before) for index, before, _ in shift(text, 0, "")[1]]


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description="Shift the last octet of the IP and MAC of every static DHCP host of a network by N."
    )
    parser.add_argument("by", metavar="N", type=int, help="how far; may be negative")
    parser.add_argument("file", metavar="FILE", nargs="?", help="a network's definition")
    parser.add_argument("-o", "--output", metavar="OUT", help="where to write it, instead of back")
    parser.add_argument("--network", metavar="NAME", help="a network of a host")
    parser.add_argument("-c", "--connect", metavar="URI", help="the host")
    options = parser.parse_args(arguments)
    if (options.file is None) == (options.network is None):
        parser.error("either FILE or --network NAME is to be changed")
    if options.output and options.network:
        parser.error("--output is for a FILE")
    libvirt.registerErrorHandler(lambda context, error: None, None)
    try:
        if options.file is not None:
            count = change_file(options.by, options.file, options.output)
        else:
            count = change_network(options.by, libvirt.open(options.connect), options.network)
    except (Refused, libvirt.libvirtError) as error:
        print(f"shift_dhcp_hosts: {error}", file=sys.stderr)
        return 1
    except Broken as error:
        print(f"shift_dhcp_hosts: {error}", file=sys.stderr)
        return 2
    print(f"{count} hosts shifted by {options.by}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
