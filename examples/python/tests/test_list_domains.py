"""The list of domains, on hosts in memory."""

import io
import os
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout

import libvirt

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import list_domains

DOMAIN = "<domain type='test'><name>{}</name><memory>{}</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>"


def host(*domains):
    """A host with these domains, which run."""
    file = tempfile.NamedTemporaryFile("w", suffix=".xml")
    file.write("<node>" + "".join(domains) + "</node>")
    file.flush()
    return file


def told(*arguments):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = list_domains.main(arguments)
    return code, out.getvalue(), err.getvalue()


class ListDomains(unittest.TestCase):
    def test_running_domains_have_ids(self):
        code, out, _ = told("-c", "test:///default")
        self.assertEqual((code, out), (0, "1 test running 8388608 2 2097152\n"))

    def test_defined_domains_have_none(self):
        with host(DOMAIN.format("b", 2048), DOMAIN.format("a", 1024)) as file:
            conn = libvirt.open("test://" + file.name)
            conn.lookupByName("b").destroy()
            rows = list_domains.rows(conn)
        self.assertEqual(rows, [("2", "a", 1, 1024, 2, 1024), ("-", "b", 5, 2048, 2, 2048)])

    def test_a_domain_that_ends_meanwhile_is_left_out(self):
        class Gone(libvirt.libvirtError):
            def get_error_code(self):
                return libvirt.VIR_ERR_NO_DOMAIN

        class Conn:
            def listDomainsID(self):
                return [7]

            def lookupByID(self, id):
                raise Gone("gone")

            def listDefinedDomains(self):
                return ["seven"]

            def lookupByName(self, name):
                raise Gone("gone")

        self.assertEqual(list_domains.rows(Conn()), [])

    def test_what_cannot_be_reached_is_said(self):
        code, out, err = told("-c", "test:///nonexistent")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("nonexistent", err)


if __name__ == "__main__":
    unittest.main()
