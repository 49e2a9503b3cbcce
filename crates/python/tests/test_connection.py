"""Connections, objects and errors, on the test driver."""

import gc
import inspect
import subprocess
import sys
import threading
import unittest
import weakref

import libvirt
import libvirt_lxc
import libvirt_qemu

DOMAIN = """<domain type='test'><name>%s</name><memory>1024</memory><vcpu>1</vcpu>
<os><type>hvm</type></os></domain>"""


def quiet(test):
    libvirt.registerErrorHandler(lambda context, error: None, None)
    test.addCleanup(libvirt.registerErrorHandler, None, None)


class Connection(unittest.TestCase):
    def setUp(self):
        quiet(self)
        self.conn = libvirt.open("test:///default")
        self.addCleanup(lambda: self.conn._o and self.conn.close())

    def test_the_script_everybody_begins_with(self):
        lines = []
        self.assertEqual(self.conn.listDefinedDomains(), [])
        with self.assertRaises(libvirt.libvirtError):
            self.conn.listNWFilters()
        dir(self.conn)
        for id in self.conn.listDomainsID():
            dom = self.conn.lookupByID(id)
            infos = dom.info()
            lines.append((id, dom.name(), infos[0], infos[1], infos[3], infos[2]))
        self.assertEqual(lines, [(1, "test", 1, 8388608, 2, 2097152)])

    def test_objects_know_where_they_come_from(self):
        dom = self.conn.lookupByName("test")
        self.assertIs(dom.connect(), self.conn)
        snapshot = dom.snapshotCreateXML("<domainsnapshot><name>s</name></domainsnapshot>")
        self.assertIs(snapshot.getDomain(), dom)
        self.assertIs(snapshot.domain(), dom)
        self.assertIs(snapshot.getConnect(), self.conn)
        self.assertEqual([s.getName() for s in dom.listAllSnapshots()], ["s"])
        snapshot.delete()

    def test_what_comes_back_has_the_shape_that_programs_know(self):
        dom = self.conn.lookupByName("test")
        self.assertIsInstance(dom.info(), list)
        self.assertIsInstance(dom.UUID(), bytes)
        self.assertEqual(dom.state(), [libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_UNKNOWN])
        self.assertEqual(dom.memoryStats()["actual"], 2097152)
        self.assertEqual(dom.isActive(), 1)
        self.assertEqual(dom.fsInfo()[0], ("/", "vda1", "ext4", ["vda"]))
        infos, maps = dom.vcpus()
        self.assertEqual(len(infos[0]), 4)
        self.assertEqual(set(maps[0]), {True})
        self.assertEqual(self.conn.getCPUMap()[1][:2], [True, False])
        self.assertEqual(self.conn.getFreePages([4], 0, 1), {0: {4: 7}})
        self.assertEqual(dom.interfaceAddresses(0)["testnet0"]["hwaddr"], "aa:bb:cc:dd:ee:ff")
        (found, stats), = self.conn.getAllDomainStats()
        self.assertEqual((found.name(), stats["state.state"]), ("test", 1))
        self.assertEqual(self.conn.getInfo()[1], 3072)
        self.assertEqual(dom.perfEvents()["cmt"], False)

    def test_ids_come_and_go(self):
        dom = self.conn.defineXML(DOMAIN % "comes")
        self.assertEqual(dom.ID(), -1)
        self.assertEqual(dom.create(), 0)
        self.assertGreater(dom.ID(), 0)
        self.assertEqual(dom.destroy(), 0)
        self.assertEqual(dom.ID(), -1)
        self.assertEqual(dom.undefine(), 0)

    def test_errors_say_all_they_know(self):
        with self.assertRaises(libvirt.libvirtError) as caught:
            self.conn.lookupByName("nobody")
        error = caught.exception
        self.assertEqual(str(error), "Domain not found")
        self.assertEqual(error.get_error_code(), libvirt.VIR_ERR_NO_DOMAIN)
        self.assertEqual(error.get_error_domain(), libvirt.VIR_FROM_TEST)
        self.assertEqual(error.get_error_level(), libvirt.VIR_ERR_ERROR)
        self.assertEqual((error.get_str1(), error.get_str2(), error.get_int1()), ("Domain not found", None, -1))
        self.assertEqual(libvirt.virGetLastError()[:3], (42, 12, "Domain not found"))
        self.conn.getHostname()
        self.assertIsNone(libvirt.virGetLastError())

    def test_an_exception_without_an_error_has_its_own_text(self):
        libvirt.virResetLastError()
        error = libvirt.libvirtError("mine")
        self.assertEqual((str(error), error.get_error_code(), error.get_error_message()), ("mine", None, None))

    def test_the_handler_is_told_instead_of_the_standard_error_output(self):
        told = []
        libvirt.registerErrorHandler(lambda context, error: told.append((context, error[0])), "context")
        with self.assertRaises(libvirt.libvirtError):
            self.conn.lookupByName("nobody")
        self.assertEqual(told, [("context", libvirt.VIR_ERR_NO_DOMAIN)])

    def test_without_a_handler_errors_are_written(self):
        source = "import libvirt\ntry: libvirt.open('test:///default').lookupByName('x')\nexcept libvirt.libvirtError: pass"
        done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "libvirt: Test Driver error : Domain not found\n")

    def test_wrong_arguments_are_told_as_python_does(self):
        for wrong, kind, text in (
            (lambda: self.conn.lookupByName(1), TypeError, "virDomainLookupByName() argument 2 must be str or None, not int"),
            (lambda: self.conn.lookupByName(b"x"), TypeError, "virDomainLookupByName() argument 2 must be str or None, not bytes"),
            (lambda: self.conn.lookupByName("a\0b"), ValueError, "embedded null character"),
            (lambda: self.conn.lookupByName(), TypeError, "virConnect.lookupByName() missing 1 required positional argument: 'name'"),
            (lambda: self.conn.lookupByID("x"), TypeError, "'str' object cannot be interpreted as an integer"),
            (lambda: self.conn.lookupByID(1.0), TypeError, "'float' object cannot be interpreted as an integer"),
            (lambda: self.conn.lookupByID(1 << 40), OverflowError, "signed integer is greater than maximum"),
            (lambda: self.conn.lookupByID(-1 << 40), OverflowError, "signed integer is less than minimum"),
            (lambda: self.conn.lookupByUUID(5), TypeError, "a bytes-like object is required, not 'int'"),
            (lambda: libvirt.open(5), TypeError, "virConnectOpen() argument 1 must be str or None, not int"),
            (lambda: libvirt.virDomain(self.conn, 5), Exception, "Expected a wrapped C Object but got <class 'int'>"),
        ):
            with self.assertRaises(kind) as caught:
                wrong()
            self.assertEqual(str(caught.exception), text)

    def test_flags_beyond_32_bits_are_cut_as_in_c(self):
        dom = self.conn.lookupByName("test")
        self.assertEqual(dom.XMLDesc(1 << 40), dom.XMLDesc(0))

    def test_none_and_what_is_no_uuid_are_refused(self):
        for wrong, text in (
            (lambda: self.conn.lookupByName(None), "name in virDomainLookupByName must not be NULL"),
            (lambda: self.conn.lookupByUUIDString(None), "uuidstr in virDomainLookupByUUIDString must not be NULL"),
            (lambda: self.conn.lookupByUUIDString("zzz"), "Invalid UUID"),
        ):
            with self.assertRaises(libvirt.libvirtError) as caught:
                wrong()
            self.assertEqual(str(caught.exception), text)
            self.assertEqual(caught.exception.get_error_code(), libvirt.VIR_ERR_INVALID_ARG)

    def test_parameters_have_the_types_of_those_that_are_there(self):
        dom = self.conn.lookupByName("test")
        self.assertEqual(dom.setSchedulerParameters({"weight": 60}), 0)
        for wrong, kind in (({"none": 1}, LookupError), ({}, LookupError), ({"weight": "x"}, TypeError), (5, SystemError)):
            with self.assertRaises(kind):
                dom.setSchedulerParameters(wrong)

    def test_a_closed_connection_answers_no_more(self):
        conn = libvirt.open("test:///default")
        dom = conn.lookupByName("test")
        self.assertEqual(conn.close(), 1, "the domain still has it")
        self.assertIn("<name>test</name>", dom.XMLDesc())
        with self.assertRaisesRegex(libvirt.libvirtError, "invalid connection pointer in virConnectGetHostname"):
            conn.getHostname()
        with self.assertRaisesRegex(libvirt.libvirtError, "invalid connection pointer in virConnectClose"):
            conn.close()

    def test_a_connection_ends_with_its_block(self):
        with libvirt.open("test:///default") as conn:
            self.assertEqual(conn.isAlive(), 1)
        self.assertIsNone(conn._o)

    def test_a_connection_for_looking_changes_nothing(self):
        dom = libvirt.openReadOnly("test:///default").lookupByName("test")
        with self.assertRaisesRegex(libvirt.libvirtError, "read only access prevents virDomainSuspend"):
            dom.suspend()

    def test_who_is_forgotten_goes(self):
        conn = libvirt.open("test:///default")
        gone = weakref.ref(conn)
        dom = conn.lookupByName("test")
        del conn
        gc.collect()
        self.assertIsNotNone(gone(), "its domain needs it")
        del dom
        gc.collect()
        self.assertIsNone(gone())

    def test_programs_may_change_classes_and_objects(self):
        class Mine(libvirt.virDomain):
            def name(self):
                return super().name().upper()

        dom = self.conn.lookupByName("test")
        self.assertEqual(Mine(self.conn, _obj=dom._o).name(), "TEST")
        dom.note = 1
        self.assertEqual(vars(dom)["note"], 1)

    def test_names_and_passwords_are_asked_for(self):
        asked = []

        def answer(questions, data):
            for question in questions:
                asked.append((question[0], data))
                question[4] = "x"
            return 0

        conn = libvirt.openAuth("test:///default", [[libvirt.VIR_CRED_AUTHNAME], answer, "data"], 0)
        self.assertEqual((conn.getType(), asked), ("TEST", []))
        for wrong in (None, [], [[1], 5, None]):
            with self.assertRaises(TypeError):
                libvirt.openAuth("test:///default", wrong)

    def test_versions(self):
        self.assertGreaterEqual(libvirt.getVersion(), 11003000)
        self.assertEqual(libvirt.getVersion("Test"), (libvirt.getVersion(),) * 2)
        with self.assertRaises(TypeError):
            libvirt.getVersion(5)

    def test_threads_work_side_by_side(self):
        failures = []

        def work():
            try:
                for _ in range(100):
                    self.assertEqual(self.conn.lookupByName("test").name(), "test")
                    with self.assertRaises(libvirt.libvirtError):
                        self.conn.lookupByName("nobody")
                    self.assertEqual(libvirt.virGetLastErrorCode(), 42)
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


class Described(unittest.TestCase):
    def test_every_method_is_described(self):
        for module in (libvirt, libvirt_qemu, libvirt_lxc):
            for name, thing in vars(module).items():
                if name.startswith("_") or getattr(thing, "__module__", "").split(".")[0] not in (module.__name__,):
                    continue
                if inspect.isfunction(thing):
                    self.assertTrue(thing.__doc__, name)
                if inspect.isclass(thing):
                    self.assertTrue(thing.__doc__, name)
                    for method, function in inspect.getmembers(thing, inspect.isfunction):
                        if not method.startswith("_"):
                            self.assertTrue(function.__doc__, f"{name}.{method}")
