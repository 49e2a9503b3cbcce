//! Has Python try the module: the tests of this directory, each as one here.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs, io};

/// The oldest Python that the module is for.
const SUPPORTED: &str = "import sys; sys.exit(sys.version_info < (3, 9))";

fn main() -> ExitCode {
    // a word that is no option is a part of the names of the tests that are wanted
    let wanted = env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    let python = env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let usable = Command::new(&python).args(["-c", SUPPORTED]).stderr(Stdio::null()).status();
    if !usable.is_ok_and(|status| status.success()) {
        println!("test python ... skipped: needs Python 3.9 or later (package python3)");
        println!("test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        return ExitCode::SUCCESS;
    }
    match run(&python, &wanted) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("python: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(python: &str, wanted: &str) -> io::Result<bool> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let site = tempfile::tempdir()?;
    copy(&package.join("python"), site.path())?;
    symlink(library()?, site.path().join("libvirt/_native.abi3.so"))?;
    // the examples are tried on libvirt-python by the test command, and on this module here
    let examples = package.join("../../examples/python/tests");
    let mut well = true;
    for tests in [package.join("tests"), examples] {
        let mut command = Command::new(python);
        command.args(["-m", "unittest", "discover", "-v", "-s"]).arg(tests);
        if !wanted.is_empty() {
            command.args(["-k", wanted]);
        }
        let done = command
            .env("PYTHONPATH", site.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("UPDATE", env::var_os("UPDATE").unwrap_or_default())
            .current_dir(site.path())
            .output()?;
        let said = String::from_utf8_lossy(&done.stderr);
        // Python ends badly when none of these tests is called so
        well &= tell(&said) && (done.status.success() || !wanted.is_empty());
    }
    Ok(well)
}

/// Tells of each test as cargo's own do, and the rest as it was said. Whether all was well.
fn tell(said: &str) -> bool {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    let mut name = "";
    let mut rest = String::new();
    for line in said.lines() {
        // "test_x (module.Class.test_x) ... ok", perhaps with what the test says of itself in between
        if let Some((test, _)) = line.split_once(" (").filter(|(test, _)| test.starts_with("test_")) {
            name = test;
        }
        let Some((_, outcome)) = line.rsplit_once(" ... ").filter(|_| !name.is_empty()) else {
            rest.push_str(line);
            rest.push('\n');
            continue;
        };
        let shown = match outcome.split_once(' ').map_or(outcome, |(first, _)| first) {
            "ok" => {
                passed += 1;
                "ok".to_owned()
            }
            "skipped" => {
                skipped += 1;
                format!("skipped: {}", outcome.trim_start_matches("skipped ").trim_matches('\''))
            }
            _ => {
                failed += 1;
                "FAILED".to_owned()
            }
        };
        println!("test {name} ... {shown}");
        name = "";
    }
    if failed > 0 || passed + skipped == 0 {
        println!("{rest}");
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "test result: {word}. {passed} passed; {failed} failed; {skipped} ignored; 0 measured; 0 filtered out"
    );
    failed == 0
}

/// The module that was built with this program.
fn library() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let places = program.ancestors().skip(1).take(2).map(|place| place.join("libvirtus_python.so"));
    let newest = places
        .filter_map(|place| fs::metadata(&place).and_then(|found| found.modified()).ok().zip(Some(place)))
        .max();
    newest.map(|(_, place)| place).ok_or_else(|| io::Error::other("the module was not built"))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true if entry.file_name() == "__pycache__" => {}
            true => copy(&entry.path(), &to)?,
            false => fs::copy(entry.path(), to).map(drop)?,
        }
    }
    Ok(())
}
