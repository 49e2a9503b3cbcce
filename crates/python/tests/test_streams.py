"""Streams, on the test driver."""

import unittest

import libvirt
from test_connection import quiet


class Streams(unittest.TestCase):
    def setUp(self):
        quiet(self)
        self.conn = libvirt.open("test:///default")
        self.addCleanup(self.conn.close)
        self.domain = self.conn.lookupByName("test")

    def picture(self, flags=0):
        stream = self.conn.newStream(flags)
        self.assertEqual(self.domain.screenshot(stream, 0, 0), "image/png")
        return stream

    def test_all_is_received(self):
        pieces = []
        stream = self.picture()
        stream.recvAll(lambda stream, data, into: into.append(data), pieces)
        self.assertEqual(stream.finish(), 0)
        self.assertTrue(b"".join(pieces).startswith(b"\x89PNG"))

    def test_it_is_received_in_pieces_of_any_size(self):
        stream = self.picture()
        self.assertEqual(stream.recv(4), b"\x89PNG")
        self.assertEqual(stream.recvFlags(4), b"\r\n\x1a\n")
        while stream.recv(1000):
            pass
        self.assertEqual(stream.finish(), 0)

    def test_holes_are_told_apart_if_there_are_any(self):
        pieces = []
        stream = self.picture()
        stream.sparseRecvAll(
            lambda stream, data, into: into.append(data), lambda stream, length, into: into.append(length), pieces
        )
        stream.finish()
        self.assertTrue(all(isinstance(piece, bytes) for piece in pieces))

    def test_a_handler_that_fails_has_the_stream_aborted(self):
        stream = self.picture()
        with self.assertRaisesRegex(RuntimeError, "recvAll handler returned -1"):
            stream.recvAll(lambda stream, data, into: -1, None)
        with self.assertRaises(libvirt.libvirtError):
            stream.recv(1)

    def test_a_stream_that_no_call_opened_has_nothing(self):
        stream = self.conn.newStream()
        with self.assertRaises(libvirt.libvirtError):
            stream.recv(1)
        with self.assertRaises(libvirt.libvirtError):
            self.domain.openConsole(None, None)
        with self.assertRaises(TypeError):
            stream.send(5)
        self.assertEqual(stream.abort(), 0)
        with self.assertRaises(libvirt.libvirtError) as caught:
            stream.eventAddCallback(libvirt.VIR_STREAM_EVENT_READABLE, print, None)
        self.assertEqual(caught.exception.get_error_code(), libvirt.VIR_ERR_NO_SUPPORT)

    def test_a_descriptor_that_is_none_is_told(self):
        with self.assertRaisesRegex(libvirt.libvirtError, "Cannot duplicate FD 9999: Bad file descriptor"):
            self.conn.createXMLWithFiles("<domain/>", [9999])
