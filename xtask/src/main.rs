//! House keeping: `cargo xtask tidy` checks what the compiler does not, `cargo xtask libvirt` builds the C library.

mod arrows;
mod libvirt;
mod sources;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What was found wrong, each with the place.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<(String, String)>);

impl Findings {
    fn add(&mut self, place: &str, what: &str) {
        self.0.push((place.to_owned(), what.to_owned()));
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(place, what)| writeln!(f, "{place}: {what}"))
    }
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => {}
        Some("libvirt") => return built(libvirt::run(root(), std::env::args_os().skip(2))),
        _ => {
            eprintln!(
                "cargo xtask tidy       check dependency arrows, file sizes, unsafe code and documentation"
            );
            eprintln!("{}", libvirt::HELP);
            return ExitCode::from(2);
        }
    }
    match tidy() {
        Ok(findings) if findings.len() == 0 => {
            println!("tidy");
            ExitCode::SUCCESS
        }
        Ok(findings) => {
            print!("{findings}");
            ExitCode::FAILURE
        }
        Err(e) => {
            eprintln!("xtask: {e}");
            ExitCode::FAILURE
        }
    }
}

fn built(outcome: std::io::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("xtask: {e}");
            ExitCode::FAILURE
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

fn tidy() -> std::io::Result<Findings> {
    let root = root();
    let metadata = output(
        Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
            .current_dir(root),
    )?;
    let mut findings = Findings::default();
    arrows::check(&serde_json::from_slice(&metadata)?, &mut findings);
    sources::check(root, &files(root)?, &mut findings);
    Ok(findings)
}

/// The files that belong to the project, by their paths in it: what git keeps, or where there is no git, all but
/// what is built.
fn files(root: &Path) -> std::io::Result<Vec<PathBuf>> {
    let git = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    if let Ok(listed) = output(Command::new("git").args(git).current_dir(root)) {
        return Ok(String::from_utf8_lossy(&listed)
            .split('\0')
            .filter(|n| !n.is_empty())
            .map(PathBuf::from)
            .collect());
    }
    let mut found = Vec::new();
    let mut todo = vec![root.to_path_buf()];
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            if path.is_dir() {
                if name != "target" && name != ".git" {
                    todo.push(path);
                }
            } else if let Ok(inside) = path.strip_prefix(root) {
                found.push(inside.to_path_buf());
            }
        }
    }
    Ok(found)
}

fn output(command: &mut Command) -> std::io::Result<Vec<u8>> {
    let done = command.output()?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    Err(std::io::Error::other(format!("{command:?}: {}", String::from_utf8_lossy(&done.stderr))))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_project_is_tidy() {
        let findings = super::tidy().expect("the project can be read");
        assert_eq!(findings.to_string(), "");
    }
}
