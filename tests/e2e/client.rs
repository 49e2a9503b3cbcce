//! The Python binding and the project's own crate, as programs use them.

use std::sync::mpsc;
use std::time::Duration;

use virtus::constants::VIR_DOMAIN_EVENT_ID_LIFECYCLE;
use virtus::{
    CloseReason, Connection, DomainEvent, ErrorCode, Event, OpenOptions, Reconnect, Subject, asynchronous,
};
use virtus_tests::{Outcome, World, ensure};

const URI: &str = "qemu:///system";
const STARTED: i32 = 2;
const STOPPED: i32 = 5;
/// As long as a slow machine may need.
const LONG: Duration = Duration::from_secs(60);

/// What the reference's Python module and ours have to see alike.
pub(crate) fn same_domains(world: &World) -> String {
    let xml = world.guest_xml("alpha", "");
    format!(
        r#"
import libvirt
conn = libvirt.open('qemu:///system')
dom = conn.defineXML("""{xml}""")
assert [d.name() for d in conn.listAllDomains()] == ['alpha']
assert conn.lookupByUUIDString(dom.UUIDString()).name() == 'alpha'
assert dom.info() == [libvirt.VIR_DOMAIN_SHUTOFF, 131072, 131072, 1, 0], dom.info()
assert dom.state() == [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_UNKNOWN], dom.state()
assert conn.getLibVersion() >= 9000000 and conn.getType() == 'QEMU' and conn.isAlive()
assert 'qemu' in conn.getCapabilities() and conn.getInfo()[2] > 0
dom.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, 'A title', None, None, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
assert dom.metadata(libvirt.VIR_DOMAIN_METADATA_TITLE, None) == 'A title'
try:
    conn.lookupByName('nobody')
    raise SystemExit('nobody was found')
except libvirt.libvirtError as e:
    assert e.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN and e.get_error_domain() == libvirt.VIR_FROM_QEMU
    assert e.get_error_message() == "Domain not found: no domain with matching name 'nobody'", e
dom.rename('beta')
assert conn.lookupByName('beta').UUIDString() == dom.UUIDString()
conn.lookupByName('beta').undefine()
assert conn.listAllDomains() == []
"#
    )
}

pub(crate) fn python_sees_the_same_domains(world: &mut World) -> Outcome {
    world.python(&same_domains(world)).map(drop)
}

pub(crate) fn the_python_module_sees_the_same_domains(world: &mut World) -> Outcome {
    world.own_python(&same_domains(world)).map(drop)
}

pub(crate) fn events(world: &World) -> String {
    let xml = world.guest_xml("alpha", "");
    format!(
        r#"
import libvirt
libvirt.virEventRegisterDefaultImpl()
conn = libvirt.open('qemu:///system')
told = []
conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
    lambda conn, dom, event, detail, opaque: told.append((dom.name(), event, detail)), None)
conn.defineXML("""{xml}""").undefine()
late = []
libvirt.virEventAddTimeout(20000, lambda timer, opaque: late.append(1), None)
while len(told) < 2 and not late:
    libvirt.virEventRunDefaultImpl()
assert told == [('alpha', libvirt.VIR_DOMAIN_EVENT_DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_ADDED),
                ('alpha', libvirt.VIR_DOMAIN_EVENT_UNDEFINED, libvirt.VIR_DOMAIN_EVENT_UNDEFINED_REMOVED)], told
"#
    )
}

pub(crate) fn python_is_told_of_events(world: &mut World) -> Outcome {
    world.python(&events(world)).map(drop)
}

pub(crate) fn the_python_module_is_told_of_events(world: &mut World) -> Outcome {
    world.own_python(&events(world)).map(drop)
}

/// A guest's life as a Python program follows it: its console, events of another connection, the end of the daemon.
pub(crate) fn the_python_module_follows_a_guest(world: &mut World) -> Outcome {
    let xml = world.guest_xml("alpha", "");
    let daemon = world.daemon_pid()?;
    world.own_python(&format!(
        r#"
import libvirt, os, signal, threading
libvirt.virEventRegisterDefaultImpl()
conn = libvirt.open('qemu:///system')
told, seen, late = [], [], []
libvirt.virEventAddTimeout(50000, lambda timer, opaque: late.append(1), None)
def until(done):
    while not done():
        assert not late, (told, seen)
        libvirt.virEventRunDefaultImpl()

number = conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
    lambda c, dom, event, detail, opaque: told.append((dom.name(), event)), None)
dom = conn.defineXML("""{xml}""")
assert dom.ID() == -1
dom.create()
assert dom.ID() > 0 and dom.isActive() == 1
until(lambda: ('alpha', libvirt.VIR_DOMAIN_EVENT_STARTED) in told)

stream = conn.newStream(libvirt.VIR_STREAM_NONBLOCK)
dom.openConsole(None, stream, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
def readable(it, events, opaque):
    assert it is stream and events & libvirt.VIR_STREAM_EVENT_READABLE and opaque == 'data'
    got = stream.recv(4096)
    if got != -2:
        seen.append(got)
stream.eventAddCallback(libvirt.VIR_STREAM_EVENT_READABLE, readable, 'data')
# another thread's calls take in what is for the stream: nothing of it is lost
stop = threading.Event()
def busy():
    while not stop.is_set():
        dom.info()
thread = threading.Thread(target=busy)
thread.start()
stream.send(b'\n')
until(lambda: b'login:' in b''.join(seen))
stop.set()
thread.join()
stream.eventRemoveCallback()
stream.abort()

other = libvirt.open('qemu:///system').lookupByName('alpha')
other.suspend()
until(lambda: ('alpha', libvirt.VIR_DOMAIN_EVENT_SUSPENDED) in told)
assert dom.state()[0] == libvirt.VIR_DOMAIN_PAUSED
dom.resume()
assert dom.memoryStats()['actual'] > 0 and dom.vcpus()[0][0][1] == 1
(found, stats), = conn.domainListGetStats([dom], libvirt.VIR_DOMAIN_STATS_STATE)
assert found.name() == 'alpha' and stats['state.state'] == 1, stats
assert libvirt.virGetLastError() is None

ended = []
conn.registerCloseCallback(lambda c, reason, opaque: ended.append((c is conn, reason, opaque)), 'data')
os.kill({daemon}, signal.SIGKILL)
until(lambda: ended)
assert ended == [(True, libvirt.VIR_CONNECT_CLOSE_REASON_EOF, 'data')], ended
assert conn.isAlive() == 0
try:
    dom.info()
except libvirt.libvirtError as error:
    assert error.get_error_domain() == libvirt.VIR_FROM_RPC, error.err
else:
    raise SystemExit('a daemon that is gone answered')
"#
    ))?;
    world.start_daemon()?;
    world.virsh(&["destroy", "alpha"])?;
    Ok(())
}

/// What a program that watches domains is told.
#[derive(Debug, PartialEq)]
enum Told {
    Lifecycle(String, i32),
    Lost(CloseReason),
    Again,
}

/// Starts and stops; what else happens on the way does not matter here.
fn lifecycle(event: &Event) -> Option<Told> {
    match event {
        Event::Domain(domain, DomainEvent::Lifecycle { event: event @ (STARTED | STOPPED), .. }) => {
            Some(Told::Lifecycle(domain.name.clone(), *event))
        }
        _ => None,
    }
}

pub(crate) fn the_crate_finds_a_restarted_daemon(world: &mut World) -> Outcome {
    world.define("alpha")?;
    let connection = OpenOptions::new().reconnect(Reconnect::default()).open(Some(URI))?;
    let plain = Connection::open(URI)?;
    let alpha = connection.lookup_domain_by_name("alpha")?;
    let (tell, told) = mpsc::channel();
    let (events, ends, starts) = (tell.clone(), tell.clone(), tell);
    connection.on_event(Subject::Domain(None), VIR_DOMAIN_EVENT_ID_LIFECYCLE, move |_, event| {
        lifecycle(event).into_iter().for_each(|told| drop(events.send(told)));
    })?;
    connection.on_close(move |_, reason| drop(ends.send(Told::Lost(reason))))?;
    connection.on_reconnect(move |_| drop(starts.send(Told::Again)));
    let next = |what: Told| -> Outcome {
        let end = std::time::Instant::now() + LONG;
        loop {
            match told.try_recv() {
                Ok(told) if told == what => return Ok(()),
                Ok(other) => return Err(format!("{other:?} instead of {what:?}").into()),
                Err(_) => ensure!(std::time::Instant::now() < end, "{what:?} was not told"),
            }
            connection.run_events(Some(Duration::from_secs(1)))?;
        }
    };
    alpha.create()?;
    next(Told::Lifecycle("alpha".to_owned(), STARTED))?;

    // a call that waits for an answer when the daemon dies
    let daemon = i32::try_from(world.daemon_pid()?).ok().and_then(rustix::process::Pid::from_raw);
    world.freeze(daemon.ok_or("the daemon has no number")?, true)?;
    let waiting = std::thread::spawn({
        let connection = connection.clone();
        move || connection.hostname()
    });
    std::thread::sleep(Duration::from_millis(50));
    world.kill_daemon()?;
    let answer = waiting.join().map_err(|_| "the call panicked")?;
    let error = answer.err().ok_or("a call that nobody answered went well")?;
    ensure!(error.code() == ErrorCode::SYSTEM_ERROR, "what a lost daemon is: {error}");
    ensure!(plain.run_events(Some(LONG)).is_err() && !plain.is_alive(), "without the option it has ended");

    // one that is made while nobody is there waits for the next daemon
    let waiting = std::thread::spawn({
        let alpha = alpha.clone();
        move || alpha.is_active()
    });
    world.start_daemon()?;
    ensure!(
        waiting.join().map_err(|_| "the call panicked")??,
        "the guest still runs, and its object still names it"
    );
    next(Told::Lost(CloseReason::Eof))?;
    next(Told::Again)?;
    alpha.destroy()?;
    next(Told::Lifecycle("alpha".to_owned(), STOPPED))?;
    ensure!(plain.hostname().is_err(), "and goes on having ended");
    connection.close()?;
    ensure!(connection.hostname().is_err() && told.try_recv().is_err(), "what was closed stays closed");
    Ok(())
}

pub(crate) fn the_crate_can_be_awaited(world: &mut World) -> Outcome {
    world.define("alpha")?;
    world.define("beta")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let options = OpenOptions::new().reconnect(Reconnect::default());
        let connection = asynchronous::Connection::open_with(options, Some(URI)).await?;
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        connection
            .on_event(Subject::Domain(None), VIR_DOMAIN_EVENT_ID_LIFECYCLE, move |_, event| {
                lifecycle(event).into_iter().for_each(|told| drop(tell.send(told)));
            })
            .await?;
        let watching = tokio::spawn({
            let connection = connection.clone();
            async move {
                loop {
                    connection.run_events(None).await?;
                }
                #[allow(unreachable_code)] // says what the task ends with
                Ok::<(), virtus::Error>(())
            }
        });
        let alpha = connection.lookup_domain_by_name("alpha").await?;
        let beta = connection.lookup_domain_by_name("beta").await?;
        // both at once, on one thread
        let (one, two) = tokio::join!(alpha.create(), beta.create());
        one.and(two)?;
        let mut names = Vec::new();
        for _ in 0..2 {
            let Some(Told::Lifecycle(name, STARTED)) = tokio::time::timeout(LONG, told.recv()).await? else {
                return Err("no start was told".into());
            };
            names.push(name);
        }
        names.sort();
        ensure!(names == ["alpha", "beta"], "{names:?}");

        world.kill_daemon()?;
        world.start_daemon()?;
        ensure!(alpha.is_active().await?, "the connection was made again");
        alpha.destroy().await?;
        let ended = tokio::time::timeout(LONG, told.recv()).await?;
        ensure!(ended == Some(Told::Lifecycle("alpha".to_owned(), STOPPED)), "{ended:?}");
        let error = connection.lookup_domain_by_name("nobody").await.err().ok_or("nobody was found")?;
        ensure!(error.code() == ErrorCode::NO_DOMAIN, "{error}");

        let xml =
            "<pool type='dir'><name>here</name><target><path>/var/lib/libvirt/here</path></target></pool>";
        let pool = connection.define_storage_pool(xml, 0).await?;
        pool.build(0).await?;
        pool.create(0).await?;
        let volume = "<volume><name>one</name><capacity>8192</capacity></volume>";
        let volume = pool.create_volume(volume, 0).await?;
        let mut stream = volume.upload(0, 8192, 0).await?;
        stream.send(vec![7; 8192]).await?;
        stream.finish().await?;
        let mut stream = volume.download(0, 8192, 0).await?;
        let mut bytes = Vec::new();
        while let Some(more) = stream.recv().await? {
            bytes.extend(more);
        }
        stream.finish().await?;
        ensure!(bytes == vec![7; 8192], "{} bytes came back", bytes.len());

        connection.close().await?;
        ensure!(tokio::time::timeout(LONG, watching).await??.is_err(), "who waits is told of the end");
        Ok(())
    })
}
