"""Shifting hosts, in files and on networks in memory."""

import io
import os
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout

import libvirt

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import shift_dhcp_hosts

NETWORK = """<network>
  <name>{name}</name>
  <!-- where guests live -->
  <bridge name='virbr7'/>
  <dns>
    <host ip='192.168.7.1'><hostname>router</hostname></host>
  </dns>
  <ip address='192.168.7.1' netmask='255.255.255.0'>
    <dhcp>
      <range start='192.168.7.100' end='192.168.7.200'/>
      <host mac='52:54:00:00:00:10' name='web' ip='192.168.7.{web}'/>
      <host mac='52:54:00:00:00:11' name='mail' ip='192.168.7.11'/>
    </dhcp>
  </ip>
  <ip family='ipv6' address='fd00::1' prefix='64'>
    <dhcp>
      <host id='0:1:2' name='six' ip='fd00::20'/>
    </dhcp>
  </ip>
</network>
"""


def told(*arguments):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = shift_dhcp_hosts.main(arguments)
    return code, out.getvalue(), err.getvalue()


class InFiles(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "network.xml")

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)

    def read(self):
        with open(self.path, encoding="utf-8") as file:
            return file.read()

    def test_all_hosts_move_and_nothing_else(self):
        self.write(NETWORK.format(name="seven", web=10))
        code, _, err = told("5", self.path)
        self.assertEqual((code, err), (0, "3 hosts shifted by 5\n"))
        text = self.read()
        for moved in ("52:54:00:00:00:15", "192.168.7.15", "52:54:00:00:00:16", "192.168.7.16", "fd00::25"):
            self.assertIn(f'"{moved}"', text)
        for kept in ('ip="192.168.7.1"', 'start="192.168.7.100"', "<!-- where guests live -->", 'address="fd00::1"'):
            self.assertIn(kept, text)
        self.assertEqual(told("-5", self.path)[0], 0)
        self.assertIn('"192.168.7.10"', self.read())

    def test_it_can_be_written_elsewhere(self):
        self.write(NETWORK.format(name="seven", web=10))
        before = self.read()
        code, out, _ = told("1", self.path, "-o", "-")
        self.assertEqual(code, 0)
        self.assertIn('"192.168.7.11"', out)
        self.assertEqual(self.read(), before)

    def test_overflow_is_refused_with_its_place(self):
        for web, by, why in (
            (250, "6", "line 11, host 'web': IP 192.168.7.250 would end in 256"),
            (10, "-17", "line 11, host 'web': MAC 52:54:00:00:00:10 would end in -1"),
            (250, "5", "line 11, host 'web': IP 192.168.7.250 would become 192.168.7.255, which is not for hosts"),
            (10, "-9", "line 11, host 'web': IP 192.168.7.10 would become 192.168.7.1, which is not for hosts"),
        ):
            with self.subTest(web=web, by=by):
                self.write(NETWORK.format(name="seven", web=web))
                before = self.read()
                code, _, err = told(by, self.path)
                self.assertEqual(code, 1)
                self.assertIn(f"{self.path}, {why}", err)
                self.assertEqual(self.read(), before)

    def test_an_address_stays_in_its_network(self):
        self.write(NETWORK.format(name="seven", web=10).replace("255.255.255.0", "255.255.255.240"))
        code, _, err = told("6", self.path)
        self.assertEqual(code, 1)
        self.assertIn("which is not in 192.168.7.0/28", err)

    def test_what_is_no_network_is_refused(self):
        for text, why in (("<domain/>", "<domain> is no definition of a network"), ("<network>", "no element found")):
            self.write(text)
            code, _, err = told("1", self.path)
            self.assertEqual(code, 1)
            self.assertIn(why, err)
        self.write(NETWORK.format(name="x", web="x"))
        self.assertIn("'192.168.7.x' is no IP address", told("1", self.path)[2])
        self.write(NETWORK.format(name="x", web=10).replace("52:54:00:00:00:11", "52:54:11"))
        self.assertIn("'52:54:11' is no MAC address", told("1", self.path)[2])
        self.assertIn("No such file", told("1", self.path + ".missing")[2])


class OnNetworks(unittest.TestCase):
    def setUp(self):
        self.conn = libvirt.open("test:///default")
        text = NETWORK.format(name=self.id(), web=10)
        self.network = self.conn.networkDefineXML(text)
        self.addCleanup(self.network.undefine)
        self.network.create()
        self.addCleanup(self.network.destroy)

    def hosts(self):
        return [host for _, host in shift_dhcp_hosts.hosts(self.network.XMLDesc(0))]

    def test_a_running_network_is_shifted(self):
        code, _, err = told("1", "-c", "test:///default", "--network", self.id())
        self.assertEqual((code, err), (0, "3 hosts shifted by 1\n"))
        hosts = "".join(self.hosts())
        # the one has taken the address that was the other's
        for moved in ("192.168.7.11", "192.168.7.12", "52:54:00:00:00:12", "fd00::21"):
            self.assertIn(moved, hosts)
        self.assertNotIn("192.168.7.10", hosts)

    def test_overflow_changes_nothing(self):
        before = self.network.XMLDesc(0)
        code, _, err = told("250", "-c", "test:///default", "--network", self.id())
        self.assertEqual(code, 1)
        self.assertIn(f"network '{self.id()}', line", err)
        self.assertEqual(self.network.XMLDesc(0), before)

    def test_an_update_that_is_refused_takes_all_back(self):
        before = self.hosts()
        network, made = self.network, []

        class Stubborn:
            """Refuses the sixth update."""

            def update(self, *arguments):
                made.append(arguments)
                if len(made) == 6:
                    raise libvirt.libvirtError("no more")
                return network.update(*arguments)

            def __getattr__(self, name):
                return getattr(network, name)

        class Conn:
            def networkLookupByName(self, name):
                return Stubborn()

        with self.assertRaisesRegex(shift_dhcp_hosts.Refused, "no more; all is as it was"):
            shift_dhcp_hosts.change_network(1, Conn(), self.id())
        self.assertEqual(len(made), 11, "five were made and taken back")
        self.assertEqual(sorted(self.hosts()), sorted(before))

    def test_what_cannot_be_taken_back_is_said(self):
        network = self.network
        made = []

        class Dead:
            """Goes away in the middle."""

            def update(self, *arguments):
                made.append(arguments)
                if len(made) > 2:
                    raise libvirt.libvirtError("gone")
                return network.update(*arguments)

            def __getattr__(self, name):
                return getattr(network, name)

        class Conn:
            def networkLookupByName(self, name):
                return Dead()

        with self.assertRaisesRegex(shift_dhcp_hosts.Broken, "could not be taken back:\n.*192.168.7.11"):
            shift_dhcp_hosts.change_network(1, Conn(), self.id())

    def test_an_unknown_network_is_refused(self):
        code, _, err = told("1", "-c", "test:///default", "--network", "nobody")
        self.assertEqual(code, 1)
        self.assertIn("Network not found", err)


if __name__ == "__main__":
    unittest.main()
