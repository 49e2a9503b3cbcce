"""The same names, signatures, answers and exceptions as python3-libvirt, where that is installed."""

import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
# of how it is made, not of how it is used
INTERNALS = {
    "libvirt": {"Any", "Callable", "overload", "libvirtmod", "TracebackType"},
    "libvirt_qemu": {"libvirtmod_qemu"},
    "libvirt_lxc": {"libvirtmod_lxc"},
    "libvirtaio": {"itertools", "warnings"},
}


def reference():
    """The interpreter that has the reference, which is made in C."""
    for python in ("/usr/bin/python3", sys.executable):
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [python, "-c", "import libvirtmod, libvirt"]
        try:
            if subprocess.run(command, env=environment, capture_output=True, cwd="/").returncode == 0:
                return python, environment
        except OSError:
            pass
    return None


REFERENCE = reference()


def ask(python, environment, script):
    command = [python, os.path.join(HERE, script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd="/", timeout=120)
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


@unittest.skipIf(REFERENCE is None, "needs the package python3-libvirt")
class Reference(unittest.TestCase):
    maxDiff = None

    def both(self, script):
        return ask(*REFERENCE, script), ask(sys.executable, dict(os.environ), script)

    def test_names_and_signatures(self):
        theirs, ours = self.both("reference_names.py")
        self.assertEqual({name: what for name, what in theirs.items() if ours.get(name) != what}, {})

    def test_answers_and_exceptions(self):
        theirs, ours = self.both("reference_answers.py")
        self.assertEqual([pair for pair in zip(theirs, ours) if pair[0] != pair[1]], [])
        self.assertEqual(len(theirs), len(ours))
