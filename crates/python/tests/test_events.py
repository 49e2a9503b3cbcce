"""Events and event loops, on the test driver. Each test is a process: only the first event loop counts."""

import subprocess
import sys
import textwrap
import unittest

BEGIN = """
import sys, threading, gc
import libvirt
libvirt.registerErrorHandler(lambda context, error: None, None)
told = []
def until(done):
    for _ in range(10000):
        if done():
            return
        libvirt.virEventRunDefaultImpl()
    sys.exit('it did not happen: %r' % told)
"""


class Events(unittest.TestCase):
    def run_apart(self, source, begin=BEGIN):
        command = [sys.executable, "-c", begin + textwrap.dedent(source)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def test_without_a_loop_nobody_is_told(self):
        self.run_apart("""
            conn = libvirt.open("test:///default")
            try:
                conn.domainEventRegisterAny(None, 0, print, None)
            except libvirt.libvirtError as error:
                assert str(error) == "internal error: could not initialize domain event timer", error
            else:
                sys.exit("registered")
        """)

    def test_lifecycle(self):
        self.run_apart("""
            libvirt.virEventRegisterDefaultImpl()
            conn = libvirt.open("test:///default")
            def lifecycle(c, dom, event, detail, opaque):
                assert c is conn
                told.append((dom.name(), event, detail, opaque))
            number = conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle, "data")
            assert number == 0 and conn.domainEventCallbackID == {0: "data"}
            dom = conn.lookupByName("test")
            dom.suspend()
            dom.resume()
            until(lambda: len(told) == 2)
            assert told == [("test", libvirt.VIR_DOMAIN_EVENT_SUSPENDED, 0, "data"),
                            ("test", libvirt.VIR_DOMAIN_EVENT_RESUMED, 0, "data")], told
            conn.domainEventDeregisterAny(number)
            try:
                conn.domainEventDeregisterAny(number)
            except libvirt.libvirtError as error:
                assert error.get_error_code() == libvirt.VIR_ERR_INVALID_ARG
            else:
                sys.exit("taken back twice")
        """)

    def test_the_old_way_and_one_domain_only(self):
        self.run_apart("""
            libvirt.virEventRegisterDefaultImpl()
            conn = libvirt.open("test:///default")
            first = lambda c, dom, event, detail, opaque: told.append((1, event, opaque))
            second = lambda c, dom, event, detail, opaque: told.append((2, event, opaque))
            conn.domainEventRegister(first, "a")
            conn.domainEventRegister(second, "b")
            dom = conn.lookupByName("test")
            conn.domainEventRegisterAny(dom, 0, lambda c, d, *rest: told.append((3, d.name(), rest[0])), None)
            dom.suspend()
            until(lambda: len(told) == 3)
            assert sorted(told) == [(1, 3, "a"), (2, 3, "b"), (3, "test", 3)], told
            conn.domainEventDeregister(first)
            conn.domainEventDeregister(second)
            assert not hasattr(conn, "domainEventCallbacks")
            del told[:]
            dom.resume()
            until(lambda: told)
            assert told == [(3, "test", 4)], told
        """)

    def test_networks_pools_and_what_else_has_events(self):
        self.run_apart("""
            libvirt.virEventRegisterDefaultImpl()
            conn = libvirt.open("test:///default")
            conn.networkEventRegisterAny(None, libvirt.VIR_NETWORK_EVENT_ID_LIFECYCLE,
                lambda c, net, event, detail, opaque: told.append((net.name(), event, opaque)), 1)
            conn.storagePoolEventRegisterAny(None, libvirt.VIR_STORAGE_POOL_EVENT_ID_REFRESH,
                lambda c, pool, opaque: told.append((pool.name(), opaque)), 2)
            conn.networkLookupByName("default").destroy()
            conn.storagePoolLookupByName("default-pool").refresh()
            until(lambda: len(told) == 2)
            assert told == [("default", libvirt.VIR_NETWORK_EVENT_STOPPED, 1), ("default-pool", 2)], told
        """)

    def test_a_loop_in_a_thread_is_woken(self):
        self.run_apart("""
            libvirt.virEventRegisterDefaultImpl()
            def loop():
                while True:
                    libvirt.virEventRunDefaultImpl()
            threading.Thread(target=loop, daemon=True).start()
            there = threading.Event()
            conn = libvirt.open("test:///default")
            conn.domainEventRegisterAny(None, 0, lambda *what: there.set(), None)
            conn.lookupByName("test").suspend()
            assert there.wait(30)
            there.clear()
            libvirt.virEventAddTimeout(0, lambda timer, opaque: (libvirt.virEventRemoveTimeout(timer), there.set()), None)
            assert there.wait(30)
        """)

    def test_an_exception_in_a_callback_ends_nothing(self):
        source = """
            libvirt.virEventRegisterDefaultImpl()
            conn = libvirt.open("test:///default")
            def fails(*what):
                told.append(what)
                raise ValueError("of the callback")
            conn.domainEventRegisterAny(None, 0, fails, None)
            conn.lookupByName("test").suspend()
            timer = libvirt.virEventAddTimeout(0, fails, None)
            until(lambda: len(told) >= 3)
        """
        done = subprocess.run(
            [sys.executable, "-c", BEGIN + textwrap.dedent(source)], capture_output=True, text=True, timeout=60
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(done.stderr.count("ValueError: of the callback"), 2)

    def test_handles_and_timers(self):
        self.run_apart("""
            import os
            libvirt.virEventRegisterDefaultImpl()
            out, into = os.pipe()
            def readable(watch, fd, events, opaque):
                told.append((watch == number, os.read(fd, 9), events, opaque))
            number = libvirt.virEventAddHandle(out, libvirt.VIR_EVENT_HANDLE_READABLE, readable, "data")
            os.write(into, b"x")
            until(lambda: told)
            assert told == [(True, b"x", 1, "data")], told
            libvirt.virEventUpdateHandle(number, 0)
            os.write(into, b"y")
            ticks = []
            timer = libvirt.virEventAddTimeout(1, lambda timer, opaque: ticks.append(opaque), "tick")
            until(lambda: len(ticks) == 3)
            assert len(told) == 1
            assert libvirt.virEventRemoveHandle(number) == 0 and libvirt.virEventRemoveTimeout(timer) == 0
            try:
                libvirt.virEventRemoveHandle(number)
            except libvirt.libvirtError:
                pass
            else:
                sys.exit("removed twice")
        """)

    def test_a_loop_of_the_programs_own(self):
        self.run_apart("""
            import select
            handles, timers, freed = {}, {}, []
            def add_handle(fd, events, cb, opaque):
                handles[len(handles) + 100] = [fd, events, cb, opaque]
                return max(handles)
            def update_handle(watch, events): handles[watch][1] = events
            def remove_handle(watch):
                libvirt.virEventInvokeFreeCallback(handles.pop(watch)[3])
                return 0
            def add_timeout(timeout, cb, opaque):
                timers[len(timers) + 200] = [timeout, cb, opaque]
                return max(timers)
            def update_timeout(timer, timeout): timers[timer][0] = timeout
            def remove_timeout(timer):
                libvirt.virEventInvokeFreeCallback(timers.pop(timer)[2])
                return 0
            libvirt.virEventRegisterImpl(add_handle, update_handle, remove_handle,
                                         add_timeout, update_timeout, remove_timeout)
            conn = libvirt.open("test:///default")
            assert handles
            conn.domainEventRegisterAny(None, 0, lambda *what: told.append(what[2]), None)
            conn.lookupByName("test").suspend()
            while not told:
                fds = {entry[0]: (watch, entry) for watch, entry in handles.items()}
                for fd in select.select(list(fds), [], [], 30)[0]:
                    watch, (_, events, cb, opaque) = fds[fd]
                    cb(watch, fd, events, opaque)
            conn.close()
            assert not handles and not timers
        """)

    def test_asyncio(self):
        self.run_apart("""
            import asyncio, libvirtaio
            async def main():
                impl = libvirtaio.virEventRegisterAsyncIOImpl()
                assert libvirtaio.getCurrentImpl() is impl
                conn = libvirt.open("test:///default")
                there = asyncio.get_running_loop().create_future()
                number = conn.domainEventRegisterAny(None, 0, lambda *what: there.set_result(what[2]), None)
                await asyncio.to_thread(conn.lookupByName("test").suspend)
                assert await asyncio.wait_for(there, 30) == libvirt.VIR_DOMAIN_EVENT_SUSPENDED
                ticks = []
                timer = libvirt.virEventAddTimeout(1, lambda timer, opaque: ticks.append(timer), None)
                while len(ticks) < 2:
                    await asyncio.sleep(0)
                libvirt.virEventRemoveTimeout(timer)
                conn.domainEventDeregisterAny(number)
                conn.close()
                await asyncio.wait_for(impl.drain(), 30)
                assert impl.is_idle(), impl
            asyncio.run(main())
        """)

    def test_a_connection_that_is_forgotten_with_callbacks_harms_nobody(self):
        self.run_apart("""
            libvirt.virEventRegisterDefaultImpl()
            for _ in range(50):
                conn = libvirt.open("test:///default")
                conn.domainEventRegisterAny(None, 0, lambda *what: told.append(what), None)
                conn.close()
            conn = libvirt.open("test:///default")
            conn.domainEventRegisterAny(None, 0, lambda *what: told.append(1), None)
            conn.lookupByName("test").suspend()
            until(lambda: told)
            gc.collect()
            assert told == [1], told
        """)
