#!/usr/bin/env python3
"""Snapshot every running domain of a host, one after the other, and keep the newest few.

    nightly_snapshots.py [-c URI] [--keep N] [--how suspend|quiesce|auto] [--prefix TEXT] [--report FILE]

With `suspend` a domain stands still for the moment of its snapshot, which holds its memory and its disks as they were
then. With `quiesce` it runs on, and its agent has the file systems written out; the snapshot holds its disks. `auto`
quiesces where an agent answers, and suspends elsewhere. Whatever happens, a domain that was suspended by this program is
resumed; when the program is told to end, it ends after that.

Only snapshots whose names begin with the prefix are counted and deleted, and only of a domain that has just got a new
one. Ends with 0 when every domain has its snapshot, 1 when something failed, 2 when the host cannot be asked.
"""

import argparse
import json
import signal
import sys
import time
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

import libvirt

QUIESCED = (
    libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE
    | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
    | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC
)
# a domain is worth several attempts to resume it
ATTEMPTS, PAUSE = 5, 1.0


def has_agent(dom):
    """Whether the domain's agent is connected."""
    root = ElementTree.fromstring(dom.XMLDesc(0))
    channels = root.findall("devices/channel/target[@name='org.qemu.guest_agent.0']")
    return any(channel.get("state") == "connected" for channel in channels)


def is_running(dom):
    return dom.state()[0] == libvirt.VIR_DOMAIN_RUNNING


class Suspended:
    """A domain that stands still as long as this is entered."""

    def __init__(self, dom):
        self.dom = dom

    def __enter__(self):
        try:
            self.dom.suspend()
        except BaseException:
            # it may stand still all the same, when only the answer was lost
            self.resume()
            raise

    def __exit__(self, *_):
        self.resume()

    def resume(self):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                if self.dom.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
                    self.dom.resume()
                return
            except libvirt.libvirtError as error:
                # one that has ended needs no resuming
                if error.get_error_code() in (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID):
                    return
                if attempt == ATTEMPTS:
                    raise
            time.sleep(PAUSE)


def snapshot(dom, name, how):
    """Makes the snapshot and says how: "suspend" or "quiesce"."""
    if how == "auto":
        how = "quiesce" if has_agent(dom) else "suspend"
    xml = f"<domainsnapshot><name>{escape(name)}</name></domainsnapshot>"
    if how == "quiesce":
        dom.snapshotCreateXML(xml, QUIESCED)
    else:
        with Suspended(dom):
            dom.snapshotCreateXML(xml, 0)
    return how


def creation_time(snap):
    return int(ElementTree.fromstring(snap.getXMLDesc(0)).findtext("creationTime", "0"))


def prune(dom, prefix, keep, newest):
    """Deletes all but the `keep` newest snapshots whose names begin with `prefix`, never `newest`; says which."""
    ours = [snap for snap in dom.listAllSnapshots() if snap.getName().startswith(prefix)]
    ours.sort(key=lambda snap: (snap.getName() != newest, -creation_time(snap)))
    deleted = []
    # the oldest first: should one fail, the newer ones stay
    for snap in reversed(ours[keep:]):
        name = snap.getName()
        snap.delete()
        deleted.append(name)
    return deleted


def work_on(dom, prefix, keep, how, stamp):
    """Snapshots one domain and says what became of it."""
    entry = {"domain": dom.name(), "result": "failed", "snapshot": None, "how": None, "deleted": [], "error": None}
    begun = time.monotonic()
    try:
        if not is_running(dom):
            entry["result"] = "not running any more"
            return entry
        name = f"{prefix}{stamp}"
        entry["how"] = snapshot(dom, name, how)
        entry["snapshot"] = name
        entry["deleted"] = prune(dom, prefix, keep, name)
        entry["result"] = "done"
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            entry["result"] = "not running any more"
        else:
            entry["error"] = str(error)
    finally:
        entry["seconds"] = round(time.monotonic() - begun, 3)
    return entry


def run(conn, prefix="nightly-", keep=7, how="auto", now=None, stopped=lambda: False):
    """Snapshots all running domains, until `stopped` says so; a list with an entry for each."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    domains = conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_RUNNING)
    report = []
    for dom in sorted(domains, key=lambda dom: dom.name()):
        if stopped():
            report.append({"domain": dom.name(), "result": "failed", "error": "told to end"})
        else:
            report.append(work_on(dom, prefix, keep, how, stamp))
    return report


def tell(report, out):
    for entry in report:
        line = f"{entry['domain']}: {entry['result']}"
        if entry.get("snapshot"):
            line += f", {entry['snapshot']} by {entry['how']} in {entry['seconds']} s"
        if entry.get("deleted"):
            line += f", deleted {', '.join(entry['deleted'])}"
        if entry.get("error"):
            line += f", {entry['error']}"
        print(line, file=out)


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1 is kept")
    return number


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Snapshot every running domain of a host.")
    parser.add_argument("-c", "--connect", metavar="URI", help="the host")
    parser.add_argument("--keep", metavar="N", type=positive, default=7, help="snapshots of a domain (default: 7)")
    parser.add_argument("--how", choices=("suspend", "quiesce", "auto"), default="auto")
    parser.add_argument("--prefix", metavar="TEXT", default="nightly-", help="names' beginning (default: nightly-)")
    parser.add_argument("--report", metavar="FILE", help="the report as JSON, beside that on standard output")
    options = parser.parse_args(arguments)

    # a signal is only taken note of, so that none can come between a domain and its resuming
    signals = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: signals.append(number))
    libvirt.registerErrorHandler(lambda context, error: None, None)
    try:
        conn = libvirt.open(options.connect)
        report = run(conn, options.prefix, options.keep, options.how, stopped=lambda: bool(signals))
    except libvirt.libvirtError as error:
        print(f"nightly_snapshots: {error}", file=sys.stderr)
        return 2
    tell(report, sys.stdout)
    if options.report:
        with open(options.report, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)
            file.write("\n")
    return 1 if any(entry["result"] == "failed" for entry in report) else 0


if __name__ == "__main__":
    sys.exit(main())
