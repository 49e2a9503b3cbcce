//! Runs stories, each in namespaces of its own, and counts.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::{Outcome, World};

/// What a story cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Private namespaces.
    Root,
    /// A program in `PATH`, with the package that has it.
    Program(&'static str, &'static str),
    /// The test guest, built by `scripts/build-guest`.
    Guest,
    /// The Python binding.
    PythonLibvirt,
    /// A variable of the environment, with what it has to say.
    Variable(&'static str, &'static str),
    /// A command that must succeed, with the package that makes it do so.
    Works(&'static [&'static str], &'static str),
}

/// One test.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// What it is called in the output.
    pub name: &'static str,
    /// What it needs beside [`Need::Root`] and virsh.
    pub needs: &'static [Need],
    /// What happens.
    pub tell: fn(&mut World) -> Outcome,
}

/// No story takes longer than this, even on a busy machine without KVM.
const LIMIT: Duration = Duration::from_secs(300);
const ALWAYS: [Need; 4] = [
    Need::Root,
    Need::Program("unshare", "util-linux"),
    Need::Program("virsh", "libvirt-clients"),
    Need::Program("ip", "iproute2"),
];

/// The whole `main` of a test binary: `NAME…` as arguments choose stories whose names contain one of them.
#[must_use]
pub fn run(stories: &[Story]) -> ExitCode {
    let args: Vec<String> =
        std::env::args().skip(1).filter(|a| a == "--inside" || !a.starts_with('-')).collect();
    if let [inside, name] = args.as_slice()
        && inside == "--inside"
    {
        return inside_world(stories, name);
    }
    let listing = std::env::args().any(|a| a == "--list");
    let (mut passed, mut failed, mut skipped) = (0_u32, Vec::new(), 0_u32);
    for story in
        stories.iter().filter(|s| args.is_empty() || args.iter().any(|a| s.name.contains(a.as_str())))
    {
        if listing {
            println!("{}: test", story.name);
            continue;
        }
        if let Some(why) = ALWAYS.iter().chain(story.needs).find_map(|n| missing(*n)) {
            println!("test {} ... skipped, {why}", story.name);
            skipped += 1;
            continue;
        }
        let begun = Instant::now();
        match outside_world(story.name) {
            Ok(Told { left_out, measured }) => {
                println!("test {} ... ok ({:.1} s)", story.name, begun.elapsed().as_secs_f32());
                for part in &left_out {
                    println!("test {part}");
                }
                for figure in &measured {
                    println!("    {figure}");
                }
                passed += 1;
                skipped = skipped.saturating_add(u32::try_from(left_out.len()).unwrap_or(u32::MAX));
            }
            Err(e) => {
                println!("test {} ... FAILED\n{e}", story.name);
                failed.push(story.name);
            }
        }
    }
    if listing {
        return ExitCode::SUCCESS;
    }
    for name in &failed {
        println!("failed: {name}");
    }
    let verdict = if failed.is_empty() { "ok" } else { "FAILED" };
    println!("test result: {verdict}. {passed} passed; {} failed; {skipped} ignored", failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn missing(need: Need) -> Option<String> {
    match need {
        Need::Root => {
            (!rustix::process::geteuid().is_root()).then(|| "needs root for private namespaces".into())
        }
        Need::Program(name, package) => {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let found = std::env::split_paths(&path).any(|d| d.join(name).is_file());
            (!found).then(|| format!("needs the program '{name}' (package {package})"))
        }
        Need::Variable(name, what) => {
            std::env::var_os(name).is_none().then(|| format!("needs {name}: {what}"))
        }
        Need::Works(command, package) => {
            let (program, args) = command.split_first()?;
            let tried = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
            (!tried.is_ok_and(|status| status.success())).then(|| format!("needs the package {package}"))
        }
        Need::Guest => {
            guest_dir().is_none().then(|| "needs the guest: scripts/build-guest target/guest".into())
        }
        Need::PythonLibvirt => {
            let found = Command::new("/usr/bin/python3")
                .args(["-c", "import libvirt"])
                .stderr(Stdio::null())
                .status();
            (!found.is_ok_and(|s| s.success())).then(|| "needs the package python3-libvirt".into())
        }
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Where the guest's kernel and initrd are: `VIRTUS_GUEST`, or where `scripts/test` builds them.
pub(crate) fn guest_dir() -> Option<PathBuf> {
    let dir =
        std::env::var_os("VIRTUS_GUEST").map_or_else(|| workspace().join("target/guest"), PathBuf::from);
    dir.join("initrd.gz").is_file().then_some(dir)
}

/// The daemon under test: `VIRTUSD`, or the one beside this binary, built when it is not there.
pub(crate) fn daemon() -> Outcome<PathBuf> {
    program("VIRTUSD", "virtusd", "virtusd")
}

/// The command line under test: `VIRTUS`, or the one beside this binary, built when it is not there.
pub(crate) fn command_line() -> Outcome<PathBuf> {
    program("VIRTUS", "virtus", "virtus-cli")
}

/// The Python module under test, as cargo builds it, and the sources beside it.
pub(crate) fn python_module() -> Outcome<(PathBuf, PathBuf)> {
    let library = program("VIRTUS_PYTHON", "libvirtus_python.so", "virtus-python")?;
    Ok((library, workspace().join("crates/python/python")))
}

/// The C library under test: `VIRTUS_LIBVIRT`, or `target/libvirt`, built when it is not there.
pub(crate) fn library() -> Outcome<PathBuf> {
    if let Some(path) = std::env::var_os("VIRTUS_LIBVIRT") {
        return Ok(path.into());
    }
    let directory = workspace().join("target/libvirt");
    if !directory.join("libvirt-admin.so.0").exists() {
        let built = Command::new(env!("CARGO"))
            .args(["xtask", "libvirt", "--debug"])
            .current_dir(workspace())
            .stdout(Stdio::null())
            .status()?;
        crate::ensure!(built.success(), "cannot build the C library");
    }
    Ok(directory)
}

fn program(variable: &str, name: &str, package: &str) -> Outcome<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        return Ok(path.into());
    }
    let beside = std::env::current_exe()?.parent().and_then(Path::parent).map(|d| d.join(name));
    let beside = beside.ok_or("this binary lies in no directory")?;
    if !beside.is_file() {
        // a benchmark of a slow daemon would tell nothing
        let fast = beside.parent().is_some_and(|dir| dir.ends_with("release"));
        let built = Command::new(env!("CARGO"))
            .args(["build", "-q", "-p", package])
            .args(fast.then_some("--release"))
            .current_dir(workspace())
            .status()?;
        crate::ensure!(built.success() && beside.is_file(), "cannot build {name}");
    }
    Ok(beside)
}

/// What a story tells beside that it ended well.
struct Told {
    /// The parts that were left out, with the reasons.
    left_out: Vec<String>,
    /// Figures.
    measured: Vec<String>,
}

/// Starts this binary again inside fresh namespaces. A shell stays process 1 and awaits what falls to it.
fn outside_world(name: &str) -> Outcome<Told> {
    let daemon = daemon()?;
    let output = tempfile::NamedTempFile::new()?;
    let mut child = Command::new("unshare")
        .args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c"])
        .args(["\"$0\" --inside \"$1\"; exit $?", &std::env::current_exe()?.to_string_lossy(), name])
        .env("VIRTUSD", daemon)
        .stdin(Stdio::null())
        .stdout(output.reopen()?)
        .stderr(output.reopen()?)
        .spawn()?;
    let end = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > end {
            child.kill()?;
            break child.wait()?;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    if status.success() {
        let told = std::fs::read_to_string(output.path())?;
        let left_out = told.lines().filter_map(|line| line.strip_prefix("skipped ")?.split_once(": "));
        let measured = told.lines().filter_map(|line| line.strip_prefix("measured ")).map(str::to_owned);
        return Ok(Told {
            left_out: left_out.map(|(part, why)| format!("{name}/{part} ... skipped, {why}")).collect(),
            measured: measured.collect(),
        });
    }
    Err(format!("{}\n({status})", std::fs::read_to_string(output.path())?).into())
}

fn inside_world(stories: &[Story], name: &str) -> ExitCode {
    let Some(story) = stories.iter().find(|s| s.name == name) else {
        println!("no story is called {name}");
        return ExitCode::FAILURE;
    };
    let mut world = match World::make() {
        Ok(world) => world,
        Err(e) => {
            println!("the world could not be made: {e}");
            return ExitCode::FAILURE;
        }
    };
    match (story.tell)(&mut world) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            println!("{e}\nThe daemon's log ends:\n{}", world.log_end(30));
            ExitCode::FAILURE
        }
    }
}
