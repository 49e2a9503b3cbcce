"""The nightly job, on hosts in memory and on domains that misbehave."""

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

import libvirt

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, SCRIPTS)
import nightly_snapshots

DOMAIN = "<domain type='test'><name>{}</name><memory>1024</memory><os><type>hvm</type></os></domain>"
NIGHT = 24 * 60 * 60


def failure(code, text="it went wrong"):
    class Failure(libvirt.libvirtError):
        def get_error_code(self):
            return code

    return Failure(text)


class OnAHost(unittest.TestCase):
    def setUp(self):
        file = tempfile.NamedTemporaryFile("w", suffix=".xml")
        self.addCleanup(file.close)
        file.write("<node>" + "".join(DOMAIN.format(name) for name in ("b", "a", "off")) + "</node>")
        file.flush()
        self.conn = libvirt.open("test://" + file.name)
        self.conn.lookupByName("off").destroy()
        self.a = self.conn.lookupByName("a")

    def names(self, dom):
        return sorted(snap.getName() for snap in dom.listAllSnapshots())

    def test_every_running_domain_has_its_snapshot(self):
        report = nightly_snapshots.run(self.conn, now=0)
        self.assertEqual([(e["domain"], e["result"], e["how"]) for e in report],
                         [("a", "done", "suspend"), ("b", "done", "suspend")])
        self.assertEqual(self.names(self.a), ["nightly-19700101-000000"])
        self.assertEqual(self.names(self.conn.lookupByName("off")), [])
        for name in "ab":
            self.assertTrue(nightly_snapshots.is_running(self.conn.lookupByName(name)))

    def test_a_paused_domain_is_left_alone(self):
        self.a.suspend()
        report = nightly_snapshots.run(self.conn, now=0)
        self.assertEqual([e["domain"] for e in report], ["b"])
        self.assertEqual(self.a.state()[0], libvirt.VIR_DOMAIN_PAUSED)

    def test_the_newest_few_are_kept(self):
        self.a.snapshotCreateXML("<domainsnapshot><name>mine</name></domainsnapshot>")
        for night in range(5):
            # several nights in one second: what counts is which came last
            report = nightly_snapshots.run(self.conn, keep=2, now=night * NIGHT)
        self.assertIn("nightly-19700105-000000", self.names(self.a))
        self.assertEqual(len(self.names(self.a)), 3)
        self.assertIn("mine", self.names(self.a))
        self.assertEqual(len(report[0]["deleted"]), 1)

    def test_a_failure_is_reported_and_the_others_go_on(self):
        name = "nightly-19700101-000000"
        self.a.snapshotCreateXML(f"<domainsnapshot><name>{name}</name></domainsnapshot>")
        report = nightly_snapshots.run(self.conn, now=0)
        self.assertEqual([e["result"] for e in report], ["failed", "done"])
        self.assertIn("already exists", report[0]["error"])
        self.assertTrue(nightly_snapshots.is_running(self.a), "it is resumed all the same")

    def test_who_is_told_to_end_leaves_the_rest(self):
        report = nightly_snapshots.run(self.conn, now=0, stopped=lambda: len(self.names(self.a)) > 0)
        self.assertEqual([(e["result"], e.get("error")) for e in report], [("done", None), ("failed", "told to end")])


class Misbehaving(unittest.TestCase):
    """What a host in memory does not do."""

    def domain(self, **methods):
        dom = mock.Mock(spec=libvirt.virDomain)
        dom.name.return_value = "a"
        dom.state.return_value = [libvirt.VIR_DOMAIN_RUNNING, 1]
        dom.listAllSnapshots.return_value = []

        def state(to):
            def change(*_):
                dom.state.return_value = [to, 1]
                return 0

            return change

        dom.suspend.side_effect = state(libvirt.VIR_DOMAIN_PAUSED)
        dom.resume.side_effect = state(libvirt.VIR_DOMAIN_RUNNING)
        for name, effect in methods.items():
            getattr(dom, name).side_effect = effect
        return dom

    def work(self, dom, how="suspend"):
        with mock.patch.object(nightly_snapshots, "PAUSE", 0):
            return nightly_snapshots.work_on(dom, "nightly-", 7, how, "x")

    def test_it_is_resumed_whatever_happens(self):
        for error in (failure(libvirt.VIR_ERR_OPERATION_FAILED), MemoryError(), KeyboardInterrupt()):
            dom = self.domain(snapshotCreateXML=error)
            try:
                self.work(dom)
            except (MemoryError, KeyboardInterrupt):
                pass
            self.assertEqual(dom.state()[0], libvirt.VIR_DOMAIN_RUNNING)

    def test_it_is_resumed_when_the_answer_to_suspending_was_lost(self):
        dom = self.domain()

        def suspend():
            dom.state.return_value = [libvirt.VIR_DOMAIN_PAUSED, 1]
            raise failure(libvirt.VIR_ERR_RPC)

        dom.suspend.side_effect = suspend
        self.assertEqual(self.work(dom)["result"], "failed")
        self.assertEqual(dom.state()[0], libvirt.VIR_DOMAIN_RUNNING)

    def test_resuming_is_tried_more_than_once(self):
        dom = self.domain()
        resume = dom.resume.side_effect
        errors = [failure(libvirt.VIR_ERR_OPERATION_TIMEOUT), failure(libvirt.VIR_ERR_OPERATION_TIMEOUT)]
        dom.resume.side_effect = lambda: resume() if not errors else self.throw(errors.pop())
        self.assertEqual(self.work(dom)["result"], "done")
        dom = self.domain(resume=failure(libvirt.VIR_ERR_OPERATION_TIMEOUT, "it does not wake"))
        entry = self.work(dom)
        self.assertEqual((entry["result"], entry["error"]), ("failed", "it does not wake"))
        self.assertEqual(dom.resume.call_count, nightly_snapshots.ATTEMPTS)

    @staticmethod
    def throw(error):
        raise error

    def test_a_domain_that_ends_meanwhile_is_no_failure(self):
        entry = self.work(self.domain(suspend=failure(libvirt.VIR_ERR_NO_DOMAIN)))
        self.assertEqual(entry["result"], "not running any more")

    def test_an_agent_quiesces(self):
        channel = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='{}'/></channel>"
        for state, how in (("connected", "quiesce"), ("disconnected", "suspend")):
            dom = self.domain()
            dom.XMLDesc.return_value = f"<domain><devices>{channel.format(state)}</devices></domain>"
            self.assertEqual(self.work(dom, "auto")["how"], how)
            self.assertEqual(dom.suspend.called, how == "suspend")
            flags = dom.snapshotCreateXML.call_args[0][1]
            self.assertEqual(flags, nightly_snapshots.QUIESCED if how == "quiesce" else 0)

    def test_old_ones_stay_when_the_new_one_failed(self):
        old = mock.Mock(spec=libvirt.virDomainSnapshot)
        old.getName.return_value = "nightly-old"
        dom = self.domain(snapshotCreateXML=failure(libvirt.VIR_ERR_OPERATION_FAILED))
        dom.listAllSnapshots.return_value = [old]
        nightly_snapshots.work_on(dom, "nightly-", 1, "suspend", "x")
        old.delete.assert_not_called()


class AsAProgram(unittest.TestCase):
    def run_it(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        handlers = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = nightly_snapshots.main(arguments)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return code, out.getvalue(), err.getvalue()

    def test_the_report_can_be_read_by_programs(self):
        with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
            code, out, _ = self.run_it("-c", "test:///default", "--report", file.name)
            report = json.load(file)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"^test: done, nightly-\d{8}-\d{6} by suspend in [\d.]+ s\n$")
        self.assertEqual([entry["result"] for entry in report], ["done"])

    def test_a_failure_is_in_the_exit_code(self):
        # the driver in memory has no snapshots of disks alone
        code, out, _ = self.run_it("-c", "test:///default", "--how", "quiesce")
        self.assertEqual(code, 1)
        self.assertIn("test: failed, ", out)

    def test_a_host_that_cannot_be_asked(self):
        code, _, err = self.run_it("-c", "test:///nonexistent")
        self.assertEqual(code, 2)
        self.assertIn("nonexistent", err)

    def test_a_signal_ends_it_between_two_domains(self):
        # a host whose first domain tells the program to end while it is snapshotted
        program = (
            "import os, signal, sys; sys.path.insert(0, sys.argv[1]); import libvirt, nightly_snapshots as n\n"
            "make = n.snapshot\n"
            "def snapshot(dom, name, how):\n"
            "    with n.Suspended(dom):\n"
            "        os.kill(os.getpid(), signal.SIGTERM)\n"
            "    return make(dom, name, how)\n"
            "n.snapshot = snapshot\n"
            "sys.exit(n.main(sys.argv[2:]))\n"
        )
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write("<node>" + DOMAIN.format("a") + DOMAIN.format("b") + "</node>")
            file.flush()
            done = subprocess.run(
                [sys.executable, "-c", program, SCRIPTS, "-c", "test://" + file.name],
                capture_output=True, text=True, timeout=60,
            )
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, r"^a: done, .*\nb: failed, told to end\n$")


if __name__ == "__main__":
    unittest.main()
