//! The daemon as its clients feel it: each benchmark is a story in a sealed world, as root.
//!
//! The figures are of a quiet machine or worth nothing; what counts are their relations.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use virtus::calls::Remote;
use virtus::{Connection, DomainRef};
use virtus_tests::{Need, Outcome, Story, World, ensure};

const STORIES: &[Story] = &[
    Story { name: "calls", needs: &[], tell: calls },
    Story { name: "definitions", needs: &[], tell: definitions },
    Story { name: "start_with_5000_definitions", needs: &[], tell: start_with_5000_definitions },
    Story { name: "guest", needs: &[Need::Program("qemu-system-x86_64", "qemu-system-x86")], tell: guest },
];

fn main() -> std::process::ExitCode {
    virtus_tests::run(STORIES)
}

/// Tells the runner of a figure.
fn measured(what: &str, figure: f64, unit: &str) {
    println!("measured {what}: {figure:.1} {unit}");
}

fn per_second(count: u32, took: Duration) -> f64 {
    f64::from(count) / took.as_secs_f64()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, |middle| middle.as_secs_f64() * 1000.0)
}

fn definition(number: u32) -> String {
    format!(
        "<domain type='qemu'><name>g{number:05}</name><uuid>5f0e8a52-6c1d-4b7e-9d3a-{number:012}</uuid>\
         <memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>\
         <disk type='file'><driver name='qemu' type='qcow2'/><source file='/images/{number}.qcow2'/>\
         <target dev='vda' bus='virtio'/></disk><interface type='user'><model type='virtio'/></interface>\
         <serial type='pty'/><graphics type='vnc'/></devices></domain>"
    )
}

fn repeat(
    connection: &Connection,
    seconds: u64,
    call: impl Fn(&Connection) -> virtus::Result<()>,
) -> Outcome<f64> {
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(seconds) {
        for _ in 0..50 {
            call(connection)?;
        }
        count += 50;
    }
    Ok(per_second(count, begun.elapsed()))
}

fn calls(_: &mut World) -> Outcome {
    let connection = Connection::open("qemu:///system")?;
    let domain = connection.call(Remote::domain_define_xml(definition(1)))?;
    let rate = repeat(&connection, 2, |c| c.call(Remote::connect_get_lib_version()).map(drop))?;
    measured("virConnectGetLibVersion, one connection", rate, "calls/s");
    let rate = repeat(&connection, 2, |c| c.call(Remote::domain_get_xml_desc(domain.clone(), 0)).map(drop))?;
    measured("virDomainGetXMLDesc, one connection", rate, "calls/s");
    let begun = Instant::now();
    let threads: Vec<_> = (0..16)
        .map(|_| {
            std::thread::spawn(|| -> virtus::Result<u32> {
                let connection = Connection::open("qemu:///system")?;
                for _ in 0..2000 {
                    connection.call(Remote::connect_get_lib_version())?;
                }
                Ok(2000)
            })
        })
        .collect();
    let mut count = 0;
    for thread in threads {
        count += thread.join().map_err(|_| "a thread panicked")??;
    }
    measured("virConnectGetLibVersion, 16 connections", per_second(count, begun.elapsed()), "calls/s");
    Ok(())
}

fn definitions(_: &mut World) -> Outcome {
    const COUNT: u32 = 500;
    let connection = Connection::open("qemu:///system")?;
    connection.call(Remote::domain_define_xml(definition(0)))?;
    let begun = Instant::now();
    for number in 1..=COUNT {
        connection.call(Remote::domain_define_xml(definition(number)))?;
    }
    measured("define", per_second(COUNT, begun.elapsed()), "domains/s");
    let begun = Instant::now();
    for number in 1..=COUNT {
        let domain = connection.call(Remote::domain_lookup_by_name(format!("g{number:05}")))?;
        connection.call(Remote::domain_undefine_flags(domain, 0))?;
    }
    measured("undefine", per_second(COUNT, begun.elapsed()), "domains/s");
    Ok(())
}

fn start_with_5000_definitions(world: &mut World) -> Outcome {
    const COUNT: u32 = 5000;
    let connection = Connection::open("qemu:///system")?;
    // the files are the daemon's own: one that it wrote, many times over
    let model = connection.call(Remote::domain_define_xml(definition(1)))?;
    let written = std::fs::read_to_string("/etc/libvirt/qemu/g00001.xml")?;
    drop((connection, model));
    world.kill_daemon()?;
    for number in 2..=COUNT {
        let text = written
            .replace("g00001", &format!("g{number:05}"))
            .replace("9d3a-000000000001", &format!("9d3a-{number:012}"));
        std::fs::write(format!("/etc/libvirt/qemu/g{number:05}.xml"), text)?;
    }
    let mut times = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        world.start_daemon()?;
        let found = Connection::open("qemu:///system")?.call(Remote::connect_list_all_domains(1, 0))?;
        times.push(begun.elapsed());
        ensure!(found.domains.0.len() == COUNT as usize, "{} domains are found", found.domains.0.len());
        world.kill_daemon()?;
    }
    measured("start and list 5,000 definitions", median(times), "ms");
    world.start_daemon()
}

/// Creating and destroying a guest, beside a QEMU that nobody manages.
fn guest(_: &mut World) -> Outcome {
    const ROUNDS: u32 = 15;
    let connection = Connection::open("qemu:///system")?;
    let xml = "<domain type='qemu'><name>guest</name><memory unit='MiB'>64</memory>\
               <os><type arch='x86_64' machine='q35'>hvm</type></os><devices><serial type='pty'/></devices></domain>";
    let domain: DomainRef = connection.call(Remote::domain_define_xml(xml.to_owned()))?;
    let (mut create, mut destroy, mut floor, mut end) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let line =
        connection.call(Remote::connect_domain_xml_to_native("qemu-argv".to_owned(), xml.to_owned(), 0))?;
    let bare = bare(&line);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        connection.call(Remote::domain_create(domain.clone()))?;
        create.push(begun.elapsed());
        let begun = Instant::now();
        connection.call(Remote::domain_destroy(domain.clone()))?;
        destroy.push(begun.elapsed());
        let (started, ended) = by_hand(&bare)?;
        floor.push(started);
        end.push(ended);
    }
    let (create, destroy, floor, end) = (median(create), median(destroy), median(floor), median(end));
    measured("bare QEMU, to its monitor's greeting", floor, "ms");
    measured("create", create, "ms");
    measured("create, in times of bare QEMU", create / floor, "x");
    measured("bare QEMU, from SIGTERM to its end", end, "ms");
    measured("destroy", destroy, "ms");
    measured("destroy, in times of bare QEMU", destroy / end, "x");
    Ok(())
}

/// The devices of a command line, with a monitor on standard input and output.
fn bare(line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let start = words.iter().position(|word| word.contains("qemu-system")).unwrap_or(0);
    let mut args = Vec::new();
    let mut words = words.into_iter().skip(start).peekable();
    while let Some(word) = words.next() {
        let value =
            words.next_if(|next| !next.starts_with('-')).map(|value| value.trim_matches('\'').to_owned());
        let skipped = matches!(word, "-object" | "-sandbox" | "-name" | "-uuid")
            && value.as_deref().is_none_or(|v| !v.contains("memory-backend"))
            || matches!(word, "-mon")
            || matches!(word, "-chardev" if value.as_deref().is_some_and(|v| v.contains("charmonitor")));
        if !skipped {
            args.push(word.to_owned());
            args.extend(value);
        }
    }
    args.extend(["-qmp", "stdio"].map(str::to_owned));
    args
}

/// How long a QEMU takes to greet, and to end when it is told to.
fn by_hand(args: &[String]) -> Outcome<(Duration, Duration)> {
    use std::io::{BufRead, BufReader};
    let (program, args) = args.split_first().ok_or("no program")?;
    let begun = Instant::now();
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut greeting = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut greeting)?;
    let started = begun.elapsed();
    ensure!(greeting.contains("QMP"), "bare QEMU says '{greeting}'");
    let begun = Instant::now();
    let ended = Command::new("kill").arg(child.id().to_string()).status()?;
    ensure!(ended.success(), "cannot end bare QEMU");
    child.wait()?;
    Ok((started, begun.elapsed()))
}
