//! The monitor against a fake QEMU.

use std::time::Duration;

use serde_json::{Value, json};
use virtus_qmp::command::{Getfd, QueryName, QueryStatus, Quit, Stop, SystemReset};
use virtus_qmp::event::data;
use virtus_qmp::fake::FakeMonitor;
use virtus_qmp::{Error, EventKind, Monitor, Options};

fn options() -> Options {
    Options { vm: "guest".to_owned(), timeout: None }
}

fn ordinary(name: &str, _: &Value) -> Option<virtus_qmp::fake::Answer> {
    Some(match name {
        "query-status" => Ok(json!({"status": "running", "singlestep": false, "running": true})),
        "query-name" => Ok(json!({"name": "guest"})),
        "getfd" | "stop" => Ok(json!({})),
        other => Err(("CommandNotFound", format!("The command {other} has not been found"))),
    })
}

#[tokio::test]
async fn commands_get_their_own_replies() {
    let (stream, fake) = FakeMonitor::start(ordinary).unwrap();
    let (monitor, _events, greeting) = Monitor::connect(stream, options()).await.unwrap();
    assert_eq!(greeting.version.qemu.number(), 10_000_002);
    let mut batch = monitor.batch();
    let (status, name, missing) =
        (batch.add(&QueryStatus {}), batch.add(&QueryName {}), batch.add(&SystemReset {}));
    batch.send();
    // awaited in another order than sent
    let refused = missing.await.unwrap_err();
    assert_eq!(
        virtus_base::Error::from(refused).message(),
        "internal error: unable to execute QEMU command 'system_reset': The command system_reset has not been found"
    );
    assert_eq!(name.await.unwrap().name.as_deref(), Some("guest"));
    assert!(status.await.unwrap().running);
    assert_eq!(fake.received().len(), 3);
    assert_eq!(fake.received()[0].arguments, Value::Null);
}

#[tokio::test]
async fn pass_through_gives_whole_replies_and_the_callers_id() {
    let (stream, _fake) = FakeMonitor::start(ordinary).unwrap();
    let (monitor, _events, _) = Monitor::connect(stream, options()).await.unwrap();
    let ask = |value: Value| value.as_object().unwrap().clone();
    let reply = monitor.pass_through(ask(json!({"execute": "stop"}))).await.unwrap();
    assert_eq!(reply.to_string(), r#"{"return":{},"id":"libvirt-2"}"#);
    let reply = monitor.pass_through(ask(json!({"execute": "nope", "id": [1]}))).await.unwrap();
    assert_eq!(
        reply.to_string(),
        r#"{"error":{"class":"CommandNotFound","desc":"The command nope has not been found"},"id":[1]}"#
    );
}

#[tokio::test]
async fn descriptors_go_with_their_command() {
    let (stream, fake) = FakeMonitor::start(ordinary).unwrap();
    let (monitor, _events, _) = Monitor::connect(stream, options()).await.unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    monitor.execute_with_fds(&Getfd { fdname: "net0".into() }, vec![file.into()]).await.unwrap();
    monitor.execute(&Stop {}).await.unwrap();
    let counts: Vec<_> = fake.received().iter().map(|r| (r.name.clone(), r.fds)).collect();
    assert_eq!(counts, [("getfd".to_owned(), 1), ("stop".to_owned(), 0)]);
}

#[tokio::test]
async fn events_arrive_in_order_and_end_with_the_connection() {
    let (stream, fake) = FakeMonitor::start(ordinary).unwrap();
    let (monitor, mut events, _) = Monitor::connect(stream, options()).await.unwrap();
    fake.emit("RESET", &json!({"guest": true, "reason": "guest-reset"}));
    fake.emit("X_FUTURE", &json!({"a": [1]}));
    let reset = events.next().await.unwrap();
    assert_eq!(reset.read::<data::Reset>().unwrap().guest, Some(true));
    assert_eq!(reset.timestamp.unwrap().microseconds, 2);
    assert_eq!(events.next().await.unwrap().kind, EventKind::Other("X_FUTURE".into()));
    fake.hang_up();
    assert!(events.next().await.is_none());
    assert!(monitor.is_closed());
    assert_eq!(monitor.execute(&Stop {}).await.unwrap_err(), Error::Closed { vm: "guest".into() });
}

#[tokio::test]
async fn those_who_wait_learn_of_the_end() {
    let (stream, fake) = FakeMonitor::start(|_, _| None).unwrap();
    let (monitor, _events, _) = Monitor::connect(stream, options()).await.unwrap();
    let quit = monitor.submit(&Quit {});
    fake.hang_up();
    assert!(quit.await.unwrap_err().is_closed());
    let (stream, _fake) = FakeMonitor::start(|_, _| None).unwrap();
    let (monitor, _events, _) = Monitor::connect(stream, options()).await.unwrap();
    let quit = monitor.submit(&Quit {});
    monitor.close();
    assert!(quit.await.unwrap_err().is_closed());
}

#[tokio::test]
async fn a_late_reply_is_not_mistaken_for_another() {
    let (stream, fake) =
        FakeMonitor::start(|name, _| (name != "stop").then(|| Ok(json!({"name": "n"})))).unwrap();
    let (monitor, _events, _) = Monitor::connect(stream, options()).await.unwrap();
    let late = monitor.execute_within(&Stop {}, Some(Duration::ZERO)).await.unwrap_err();
    assert!(matches!(late, Error::Timeout { ref command, .. } if command == "stop"));
    // the reply to `stop`, whose id is the second one
    fake.write_text("{\"return\": {}, \"id\": \"libvirt-2\"}\r\n");
    assert_eq!(monitor.execute(&QueryName {}).await.unwrap().name.as_deref(), Some("n"));
}

#[tokio::test]
async fn nonsense_ends_the_connection() {
    for text in ["hello\n", "{}\n", "[1]\n", "{\"return\": 1, \"id\": \"libvirt-99\"}\n", "\u{ff}\n"] {
        let (stream, fake) = FakeMonitor::start(ordinary).unwrap();
        let (monitor, mut events, _) = Monitor::connect(stream, options()).await.unwrap();
        fake.write_text(text);
        assert!(events.next().await.is_none());
        assert!(matches!(monitor.execute(&Stop {}).await, Err(Error::Protocol(_))), "{text}");
    }
}

#[tokio::test]
async fn large_messages_pass_in_both_directions() {
    let (stream, fake) = FakeMonitor::start(|_, arguments| Some(Ok(arguments.clone()))).unwrap();
    let (monitor, _events, _) = Monitor::connect(stream, options()).await.unwrap();
    let long = "x".repeat(3_000_000);
    // while the socket is full, the next command queues behind
    let (first, second) = (json!({"a": long}), json!({"b": 1}));
    let (first, second) = (monitor.execute_raw("echo", &first), monitor.execute_raw("echo", &second));
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap()["a"].as_str().map(str::len), Some(3_000_000));
    assert_eq!(second.unwrap()["b"], 1);
    assert_eq!(fake.received().len(), 2);
}

#[tokio::test]
async fn a_dropped_monitor_closes_its_connection() {
    let (stream, _fake) = FakeMonitor::start(ordinary).unwrap();
    let (monitor, mut events, _) = Monitor::connect(stream, options()).await.unwrap();
    let other = monitor.clone();
    drop(monitor);
    assert!(other.execute(&Stop {}).await.is_ok());
    drop(other);
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_silent_qemu_is_not_asked_for_ever() {
    let (stream, _fake) = FakeMonitor::start(|_, _| None).unwrap();
    let (monitor, _events, _) = Monitor::connect(stream, options()).await.unwrap();
    let asked: Vec<_> = (0..4096).map(|_| monitor.submit(&Stop {})).collect();
    assert!(matches!(monitor.submit(&Stop {}).await, Err(Error::Protocol(_))));
    monitor.close();
    for ticket in asked {
        assert!(ticket.await.unwrap_err().is_closed());
    }
}
