//! The daemon goes away and comes again, and the connection with it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // tests, whose helpers clippy does not know as such

mod daemon;

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use daemon::{Daemon, HOSTNAME, LIFECYCLE, OPEN, REGISTER, SCREENSHOT, xdr};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use virtus::constants::VIR_DOMAIN_EVENT_ID_LIFECYCLE;
use virtus::{
    CloseReason, Connection, Error, ErrorCode, ErrorDomain, Event, OpenOptions, Reconnect, Subject,
};

const SOON: Duration = Duration::from_secs(20);

fn quick(patience: Duration) -> OpenOptions {
    let pause = Duration::from_millis(5);
    OpenOptions::new().reconnect(Reconnect { first_pause: pause, longest_pause: pause * 4, patience })
}

fn started() -> Daemon {
    let daemon = Daemon::new();
    daemon.answers(HOSTNAME, |_| Some(Ok(xdr("here".to_owned()))));
    // each registration has another number
    let last = AtomicI32::new(0);
    daemon.answers(REGISTER, move |_| Some(Ok(xdr(last.fetch_add(1, Ordering::SeqCst) + 1))));
    daemon.start();
    daemon
}

fn restart(daemon: &Daemon) {
    daemon.stop();
    daemon.start();
}

/// What the daemon says of a domain that has come, to the callback of this number.
fn came(callback: i32) -> Vec<u8> {
    [xdr(callback), xdr("alpha".to_owned()), vec![7; 16], xdr(3_i32), xdr(2_i32), xdr(0_i32)].concat()
}

type Diary = Arc<Mutex<Vec<String>>>;

/// Writes down what is told.
fn listen(connection: &Connection) -> Diary {
    let diary = Diary::default();
    let (events, ends, starts) = (diary.clone(), diary.clone(), diary.clone());
    let write = move |_: &Connection, event: &Event| {
        let Event::Domain(domain, _) = event else { return };
        events.lock().unwrap().push(domain.name.clone());
    };
    connection.on_event(Subject::Domain(None), VIR_DOMAIN_EVENT_ID_LIFECYCLE, write).unwrap();
    connection.on_close(move |_, reason| ends.lock().unwrap().push(format!("{reason:?}"))).unwrap();
    connection.on_reconnect(move |connection| {
        // callbacks may make calls
        starts.lock().unwrap().push(format!("again {}", connection.hostname().unwrap()));
    });
    diary
}

fn until(connection: &Connection, diary: &Diary, count: usize) -> Vec<String> {
    let end = Instant::now() + SOON;
    while diary.lock().unwrap().len() < count && Instant::now() < end {
        connection.run_events(Some(Duration::from_millis(200))).unwrap();
    }
    diary.lock().unwrap().clone()
}

#[test]
fn a_call_under_way_fails_and_the_next_goes_through() {
    let daemon = started();
    let connection = quick(SOON).open(Some(&daemon.uri())).unwrap();
    daemon.answers(HOSTNAME, |_| None);
    let waiting = std::thread::spawn({
        let connection = connection.clone();
        move || connection.hostname()
    });
    while daemon.asked(HOSTNAME) == 0 {
        std::thread::yield_now();
    }
    daemon.stop();
    let error = waiting.join().unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::SYSTEM_ERROR);
    assert_eq!(error.message(), "End of file while reading data: Input/output error");
    assert_eq!(connection.close_reason(), Some(CloseReason::Eof));

    // it is there again while several wait for it
    daemon.answers(HOSTNAME, |_| Some(Ok(xdr("here".to_owned()))));
    let later: Vec<_> = (0..4)
        .map(|_| {
            let connection = connection.clone();
            std::thread::spawn(move || connection.hostname())
        })
        .collect();
    daemon.start();
    for call in later {
        assert_eq!(call.join().unwrap().unwrap(), "here");
    }
    assert_eq!(daemon.asked(OPEN), 2, "one of them has opened it for all");
    assert!(connection.is_alive());
}

#[test]
fn a_loss_nobody_has_noticed_costs_no_call() {
    let daemon = started();
    let connection = quick(SOON).open(Some(&daemon.uri())).unwrap();
    for _ in 0..3 {
        restart(&daemon);
        assert_eq!(connection.hostname().unwrap(), "here");
    }
    assert_eq!(daemon.asked(OPEN), 4);
}

#[test]
fn callbacks_are_registered_anew() {
    let daemon = started();
    let connection = quick(SOON).open(Some(&daemon.uri())).unwrap();
    let diary = listen(&connection);
    daemon.says(LIFECYCLE, &came(1));
    assert_eq!(until(&connection, &diary, 1), ["alpha"]);
    restart(&daemon);
    assert_eq!(until(&connection, &diary, 3), ["alpha", "Eof", "again here"]);
    daemon.says(LIFECYCLE, &came(1));
    daemon.says(LIFECYCLE, &came(2));
    assert_eq!(until(&connection, &diary, 4)[3..], ["alpha"], "by its new number, and not by the old one");
    assert_eq!(connection.run_events(Some(Duration::ZERO)), Ok(0));
    assert_eq!(diary.lock().unwrap().len(), 4);
}

#[test]
fn what_came_before_the_loss_is_told_though_a_call_noticed_it() {
    let daemon = started();
    let connection = quick(SOON).open(Some(&daemon.uri())).unwrap();
    let diary = listen(&connection);
    daemon.says(LIFECYCLE, &came(1));
    restart(&daemon);
    assert_eq!(connection.hostname().unwrap(), "here");
    assert_eq!(daemon.asked(REGISTER), 2);
    assert!(diary.lock().unwrap().is_empty(), "callbacks are for those who wait for events");
    assert_eq!(until(&connection, &diary, 3), ["alpha", "Eof", "again here"]);
}

#[test]
fn a_callback_that_is_refused_hinders_nothing() {
    let daemon = started();
    let connection = quick(SOON).open(Some(&daemon.uri())).unwrap();
    let registration =
        connection.on_event(Subject::Domain(None), VIR_DOMAIN_EVENT_ID_LIFECYCLE, |_, _| {}).unwrap();
    daemon.answers(REGISTER, |_| {
        Some(Err(Error::new(ErrorDomain::QEMU, ErrorCode::NO_DOMAIN, "Domain not found")))
    });
    restart(&daemon);
    assert_eq!(connection.hostname().unwrap(), "here");
    // the daemon does not know it, and is not asked to forget it
    connection.forget(registration).unwrap();
    assert!(connection.forget(registration).is_err());
}

#[test]
fn patience_ends() {
    let daemon = started();
    let connection = quick(Duration::ZERO).open(Some(&daemon.uri())).unwrap();
    daemon.stop();
    let error = connection.hostname().unwrap_err();
    assert!(error.message().starts_with("Failed to connect socket to "), "{error}");
    // those who wait for events have a timeout of their own, which is no failure
    assert_eq!(connection.run_events(Some(Duration::ZERO)), Ok(0));
    assert!(connection.run_events(None).unwrap_err().message().starts_with("Failed to connect socket to "));
    daemon.start();
    let end = Instant::now() + SOON;
    while connection.hostname().is_err() {
        assert!(Instant::now() < end);
    }
}

#[test]
fn who_is_not_let_in_again_hears_why() {
    let daemon = started();
    let connection = quick(Duration::ZERO).open(Some(&daemon.uri())).unwrap();
    daemon.answers(OPEN, |_| {
        Some(Err(Error::new(ErrorDomain::RPC, ErrorCode::AUTH_FAILED, "authentication failed")))
    });
    restart(&daemon);
    assert_eq!(connection.hostname().unwrap_err().code(), ErrorCode::AUTH_FAILED);
}

#[test]
fn what_was_closed_stays_closed() {
    let daemon = started();
    let connection = quick(SOON).open(Some(&daemon.uri())).unwrap();
    let diary = listen(&connection);
    connection.close().unwrap();
    for _ in 0..2 {
        assert_eq!(connection.hostname().unwrap_err().message(), "internal error: client socket is closed");
        assert!(connection.run_events(Some(Duration::ZERO)).is_err());
    }
    assert_eq!(connection.close_reason(), Some(CloseReason::Client));
    assert!(diary.lock().unwrap().is_empty());
    assert_eq!(daemon.asked(OPEN), 1);
}

#[test]
fn without_the_option_it_has_ended() {
    let daemon = started();
    let connection = Connection::open(&daemon.uri()).unwrap();
    let diary = listen(&connection);
    restart(&daemon);
    assert!(connection.run_events(Some(SOON)).is_err());
    assert!(connection.run_events(Some(SOON)).is_err());
    assert_eq!(*diary.lock().unwrap(), ["Eof"], "which is told once");
    assert!(connection.hostname().is_err());
}

#[test]
fn a_stream_ends_with_the_connection_that_opened_it() {
    let daemon = started();
    daemon.answers(SCREENSHOT, |_| Some(Ok(xdr(Some("image/png".to_owned())))));
    let connection = quick(SOON).open(Some(&daemon.uri())).unwrap();
    let domain = virtus::DomainRef { name: "alpha".to_owned(), uuid: virtus::Uuid([7; 16]), id: 3 };
    let domain = virtus::Domain::new(connection.clone(), domain);
    let (_, stream) = domain.screenshot(0, 0).unwrap();
    restart(&daemon);
    assert_eq!(connection.hostname().unwrap(), "here");
    assert!(stream.recv(&mut [0; 16]).is_err(), "nobody knows it there");
    assert!(stream.send(b"more").is_err());
    assert!(domain.screenshot(0, 0).is_ok());
}

#[test]
fn a_loop_of_ones_own_sees_it_through_the_same_descriptor() {
    let daemon = started();
    let connection = quick(SOON).open(Some(&daemon.uri())).unwrap();
    let diary = listen(&connection);
    let descriptor = connection.as_fd();
    let mut turns = 0;
    let mut run = |count: usize| {
        let end = Instant::now() + SOON;
        while diary.lock().unwrap().len() < count {
            assert!(Instant::now() < end, "{:?}", diary.lock().unwrap());
            let due = connection.due().map_or(SOON, |due| due.saturating_duration_since(Instant::now()));
            let due = Timespec::try_from(due).unwrap();
            poll(&mut [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)], Some(&due)).unwrap();
            connection.run_events(Some(Duration::ZERO)).unwrap();
            turns += 1;
        }
    };
    daemon.says(LIFECYCLE, &came(1));
    run(1);
    daemon.stop();
    run(2);
    std::thread::scope(|scope| {
        scope.spawn(|| daemon.start());
        run(3);
    });
    daemon.says(LIFECYCLE, &came(2));
    run(4);
    assert_eq!(*diary.lock().unwrap(), ["alpha", "Eof", "again here", "alpha"]);
    assert!(turns < 1000, "{turns} turns are no waiting");
}

#[test]
fn an_event_that_another_thread_took_off_the_socket_wakes_the_loop() {
    let daemon = started();
    let connection = Connection::open(&daemon.uri()).unwrap();
    let diary = listen(&connection);
    let ready = |timeout: Duration| {
        let timeout = Timespec::try_from(timeout).unwrap();
        poll(&mut [PollFd::new(&connection, PollFlags::IN)], Some(&timeout)).unwrap() > 0
    };
    assert!(!ready(Duration::ZERO));
    daemon.says(LIFECYCLE, &came(1));
    // the answer comes behind the event, on the same socket
    assert_eq!(connection.hostname().unwrap(), "here");
    assert!(ready(SOON));
    assert_eq!(connection.run_events(Some(Duration::ZERO)), Ok(1));
    assert!(!ready(Duration::ZERO));
    assert_eq!(diary.lock().unwrap().len(), 1);
}

#[cfg(feature = "tokio")]
mod awaited {
    use virtus::asynchronous;

    use super::*;

    #[tokio::test]
    async fn it_is_made_again() {
        let daemon = started();
        let connection = asynchronous::Connection::open_with(quick(SOON), Some(&daemon.uri())).await.unwrap();
        let diary = Diary::default();
        let (events, ends, starts) = (diary.clone(), diary.clone(), diary.clone());
        let write = move |_: &Connection, _: &Event| events.lock().unwrap().push("event".to_owned());
        connection.on_event(Subject::Domain(None), VIR_DOMAIN_EVENT_ID_LIFECYCLE, write).await.unwrap();
        connection.on_close(move |_, reason| ends.lock().unwrap().push(format!("{reason:?}"))).await.unwrap();
        connection.on_reconnect(move |_| starts.lock().unwrap().push("again".to_owned()));
        assert_eq!(connection.run_events(Some(Duration::from_millis(1))).await, Ok(0));

        // an event wakes the task that waits, and so does the loss
        let waiting = tokio::spawn({
            let connection = connection.clone();
            async move { connection.run_events(Some(SOON)).await }
        });
        tokio::task::yield_now().await;
        daemon.says(LIFECYCLE, &came(1));
        assert_eq!(waiting.await.unwrap(), Ok(1));
        restart(&daemon);
        while diary.lock().unwrap().len() < 3 {
            connection.run_events(Some(SOON)).await.unwrap();
        }
        assert_eq!(*diary.lock().unwrap(), ["event", "Eof", "again"]);
        assert_eq!(connection.hostname().await.unwrap(), "here");
        connection.close().await.unwrap();
        assert!(connection.run_events(None).await.is_err());
    }

    #[tokio::test]
    async fn patience_ends() {
        let daemon = started();
        let options = quick(Duration::from_millis(20));
        let connection = asynchronous::Connection::open_with(options, Some(&daemon.uri())).await.unwrap();
        daemon.stop();
        let error = connection.run_events(None).await.unwrap_err();
        assert!(error.message().starts_with("Failed to connect socket to "), "{error}");
        assert!(connection.hostname().await.is_err());
    }
}
