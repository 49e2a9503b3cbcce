//! The monitor against the QEMU of this machine, if there is one.

use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use virtus_qmp::command::{
    DeviceListProperties, HumanMonitorCommand, QomListTypes, QueryBlockstats, QueryChardev, QueryCpusFast,
    QueryHotpluggableCpus, QueryMachines, QueryNamedBlockNodes, QueryQmpSchema, QueryStatus, Quit,
};
use virtus_qmp::{EventKind, Monitor, Options};

#[tokio::test]
async fn a_real_qemu_is_understood() {
    let (here, there) = UnixStream::pair().unwrap();
    let child = Command::new("qemu-system-x86_64")
        .args(["-machine", "pc,accel=tcg", "-S", "-nodefaults", "-no-user-config", "-display", "none"])
        .args(["-chardev", "socket,id=mon,fd=0", "-mon", "chardev=mon,mode=control"])
        .args(["-blockdev", "null-co,node-name=n0,size=1048576", "-device", "virtio-blk-pci,drive=n0,id=d0"])
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(there)))
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(e) => return eprintln!("skipped: no qemu-system-x86_64 ({e})"),
    };
    here.set_nonblocking(true).unwrap();
    let stream = tokio::net::UnixStream::from_std(here).unwrap();
    let (monitor, mut events, greeting) = Monitor::connect(stream, Options::default()).await.unwrap();
    assert!(greeting.version.qemu.number() > 6_000_000);

    let mut batch = monitor.batch();
    let machines = batch.add(&QueryMachines {});
    let schema = batch.add(&QueryQmpSchema {});
    let cpus = batch.add(&QueryCpusFast {});
    let places = batch.add(&QueryHotpluggableCpus {});
    let stats = batch.add(&QueryBlockstats { query_nodes: None });
    let nodes = batch.add(&QueryNamedBlockNodes { flat: Some(true) });
    let types = batch.add(&QomListTypes { implements: Some("device".into()), r#abstract: Some(false) });
    let properties = batch.add(&DeviceListProperties { typename: "virtio-blk-pci".into() });
    let chardevs = batch.add(&QueryChardev {});
    let human = batch.add(&HumanMonitorCommand { command_line: "info status".into(), cpu_index: None });
    batch.send();
    assert!(machines.await.unwrap().iter().any(|m| m.alias.as_deref() == Some("pc")));
    assert!(schema.await.unwrap().len() > 500);
    assert_eq!(cpus.await.unwrap().len(), 1);
    assert_eq!(places.await.unwrap()[0].vcpus_count, 1);
    assert_eq!(stats.await.unwrap()[0].stats.rd_bytes, 0);
    assert_eq!(nodes.await.unwrap()[0]["node-name"], "n0");
    assert!(types.await.unwrap().iter().any(|t| t.name == "virtio-blk-pci"));
    assert!(properties.await.unwrap().iter().any(|p| p.name == "drive"));
    assert_eq!(chardevs.await.unwrap()[0].label, "mon");
    assert!(human.await.unwrap().starts_with("VM status: paused"));
    assert_eq!(monitor.execute(&QueryStatus {}).await.unwrap().status, "prelaunch");

    monitor.execute(&Quit {}).await.unwrap();
    let mut kinds = Vec::new();
    while let Some(event) = events.next().await {
        kinds.push(event.kind);
    }
    assert!(kinds.contains(&EventKind::Shutdown), "{kinds:?}");
    assert!(child.wait().unwrap().success());
}
