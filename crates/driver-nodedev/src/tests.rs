use std::sync::Mutex as StdMutex;

use virtus_host::program::Recorder;

use super::*;

#[derive(Default)]
struct Heard(StdMutex<Vec<String>>);

impl EventSink for Heard {
    fn publish(&self, event: Event) {
        if let Event::NodeDevice(device, event) = event {
            let what = match event {
                NodeDeviceEvent::Lifecycle { event, .. } => event.to_string(),
                NodeDeviceEvent::Update {} => "changed".to_owned(),
            };
            self.0.lock().unwrap().push(format!("{} {what}", device.name));
        }
    }
}

fn net(root: &std::path::Path, name: &str) -> PathBuf {
    let path = root.join("sys/devices/virtual/net").join(name);
    let class = root.join("sys/class/net");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::create_dir_all(&class).unwrap();
    std::os::unix::fs::symlink(&path, class.join(name)).unwrap();
    std::os::unix::fs::symlink(&class, path.join("subsystem")).unwrap();
    std::fs::write(path.join("uevent"), format!("INTERFACE={name}\n")).unwrap();
    std::fs::write(path.join("address"), "02:00:00:00:00:01\n").unwrap();
    std::fs::write(path.join("operstate"), "down\n").unwrap();
    path
}

#[test]
fn what_comes_changes_and_goes_is_told() {
    let root = tempfile::tempdir().unwrap();
    let heard = Arc::new(Heard::default());
    let shared = Shared {
        root: root.path().to_owned(),
        devices: ArcSwap::default(),
        runner: Arc::new(Recorder::default()),
        events: Arc::clone(&heard) as Arc<dyn EventSink>,
        looking: Mutex::new(()),
    };
    shared.look();
    assert_eq!(shared.devices.load().len(), 1);
    let path = net(root.path(), "zz0");
    shared.look();
    std::fs::write(path.join("operstate"), "up\n").unwrap();
    shared.look();
    shared.look();
    std::fs::remove_file(root.path().join("sys/class/net/zz0")).unwrap();
    shared.look();
    let name = "net_zz0_02_00_00_00_00_01";
    let told = heard.0.lock().unwrap().clone();
    assert_eq!(told, [format!("{name} 0"), format!("{name} changed"), format!("{name} 1")]);
}

#[test]
fn guests_that_kvm_tells_of_are_no_devices() {
    assert!(!matters(Some("change@/devices/virtual/misc/kvm")));
    assert!(!matters(Some("add@/devices/virtual/net/tap0/queues/rx-0")));
    assert!(matters(Some("add@/devices/virtual/net/tap0")));
    assert!(matters(None));
}
