use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use virtus_host::program::{Output, Program};

use super::*;

/// A kernel without a table, which takes whatever it is told unless it is to refuse.
#[derive(Debug, Default)]
struct Nft {
    refuses: AtomicBool,
    scripts: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl Runner for Nft {
    async fn run(&self, program: &Program) -> Result<Output> {
        let lists = program.args.iter().any(|arg| arg == "list");
        let status = Some(i32::from(lists || self.refuses.load(Ordering::Relaxed)));
        self.scripts.lock().unwrap().push(String::from_utf8(program.stdin.clone()).unwrap());
        Ok(Output { status, stderr: b"Error: no".to_vec(), ..Output::default() })
    }
}

fn driver(root: &Path) -> (Driver, Arc<Nft>) {
    let nft = Arc::new(Nft::default());
    let runner = Arc::clone(&nft) as Arc<dyn Runner>;
    (Driver::start(root.join("nwfilter"), &root.join("run"), runner).unwrap(), nft)
}

fn filter(name: &str, inside: &str) -> Filter {
    let uuid = Uuid([name.as_bytes()[0]; 16]);
    Filter::parse(&format!("<filter name='{name}'><uuid>{uuid}</uuid>{inside}</filter>"), true).unwrap()
}

/// A guest's interface; the loopback, for that is there everywhere and nothing is really done to it.
fn port(filter: &str, parameters: &[(&str, &str)]) -> FilteredPort {
    FilteredPort {
        interface: "lo".into(),
        link: None,
        owner: "guest".into(),
        owner_uuid: Uuid([7; 16]),
        mac: [0x52, 0x54, 0, 1, 2, 3],
        filter: filter.into(),
        parameters: parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
    }
}

#[tokio::test]
async fn filters_do_not_go_in_circles() {
    let root = tempfile::tempdir().unwrap();
    let driver = driver(root.path()).0.0;
    let before = driver.filters.len();
    let define =
        |name: &str, takes: &str| driver.define(filter(name, &format!("<filterref filter='{takes}'/>")));
    define("a", "b").unwrap();
    define("b", "c").unwrap();
    assert!(define("c", "c").is_err());
    let e = define("c", "a").unwrap_err();
    assert_eq!(e.message(), "operation failed: filter would introduce a loop");
    define("c", "d").unwrap();
    define("d", "e").unwrap();
    assert_eq!(driver.filters.len() - before, 4);
}

#[tokio::test]
async fn a_filter_keeps_the_uuid_it_gets_and_stays_away_when_undefined() {
    let root = tempfile::tempdir().unwrap();
    let uuid = |driver: &Driver, name: &str| driver.0.filters.by_name(name).unwrap().definition().0.uuid;
    let first = driver(root.path()).0;
    let standard = uuid(&first, "clean-traffic");
    first.0.undefine(&NwfilterRef { name: String::new(), uuid: uuid(&first, "allow-arp") }).unwrap();
    std::fs::write(root.path().join("nwfilter/f.xml"), "<filter name='f' chain='root'/>").unwrap();
    let second = driver(root.path()).0;
    assert_eq!(uuid(&second, "clean-traffic"), standard);
    assert!(second.0.filters.by_name("allow-arp").is_none());
    let third = driver(root.path()).0;
    assert_eq!(uuid(&second, "f"), uuid(&third, "f"));
}

#[tokio::test]
async fn a_filter_in_use_is_neither_undefined_nor_broken() {
    let root = tempfile::tempdir().unwrap();
    let (driver, _) = driver(root.path());
    let shared = &driver.0;
    shared
        .define(filter("inner", "<rule action='drop' direction='in'><tcp dstportstart='$P'/></rule>"))
        .unwrap();
    shared.define(filter("outer", "<filterref filter='inner'/>")).unwrap();
    driver.bind(&port("outer", &[("P", "80")]), false).unwrap();
    let inner = shared.filters.by_name("inner").unwrap().definition();
    let e = shared.undefine(&reference(&inner.0)).unwrap_err();
    assert_eq!(e.message(), "Requested operation is not valid: nwfilter is in use");
    let e = shared.define(filter("inner", "<filterref filter='nope'/>")).unwrap_err();
    assert_eq!(e.message(), "internal error: referenced filter 'nope' is missing");
    assert_eq!(shared.filters.by_name("inner").unwrap().definition().0.entries, inner.0.entries);
    driver.unbind("lo");
    shared.undefine(&reference(&inner.0)).unwrap();
}

#[tokio::test]
async fn a_binding_is_there_as_long_as_its_interface() {
    let root = tempfile::tempdir().unwrap();
    let (driver, nft) = driver(root.path());
    driver.bind(&port("clean-traffic", &[("IP", "10.0.0.1")]), false).unwrap();
    let e = driver.bind(&port("clean-traffic", &[("IP", "10.0.0.1")]), false).unwrap_err();
    assert_eq!(e.message(), "operation failed: binding 'lo' already exists");
    driver.bind(&port("clean-traffic", &[("IP", "10.0.0.1")]), true).unwrap();
    let file = root.path().join("run/nwfilter-binding/lo.xml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("<parameter name='MAC' value='52:54:00:01:02:03'/>"));
    let second = super::tests::driver(root.path()).0;
    assert_eq!(second.0.bindings.list().len(), 1);
    driver.unbind("lo");
    assert!(!file.exists() && driver.0.bindings.get("lo").is_none());
    // the rules go soon after
    while !nft.scripts.lock().unwrap().iter().any(|script| script.starts_with("delete table bridge")) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_refusal_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (driver, nft) = driver(root.path());
    nft.refuses.store(true, Ordering::Relaxed);
    for (filter, parameters, want) in [
        ("nope", &[][..], "internal error: referenced filter 'nope' is missing"),
        ("clean-traffic", &[("IP", "x")], "internal error: srcipaddr has illegal value x"),
        ("clean-traffic", &[("IP", "10.0.0.1")], "Error: no"),
    ] {
        let e = driver.bind(&port(filter, parameters), false).unwrap_err();
        assert!(e.message().contains(want), "{e}");
        assert!(driver.0.bindings.list().is_empty());
    }
    for name in ["..", "a/b", "", "seventeen-letters"] {
        let odd = FilteredPort { interface: name.into(), ..port("clean-traffic", &[("IP", "10.0.0.1")]) };
        assert!(driver.bind(&odd, false).is_err(), "{name}");
    }
    assert!(!root.path().join("run/nwfilter-binding").exists());
}
