//! One domain for each kind of device that this machine's QEMU offers: started paused, seen in QEMU, ended without a
//! trace.
//!
//! A case is a file of `start/<group>/`: lines that say what it needs and what must be true, then a definition, whose
//! name, memory and machine are added if they are not there. `$DIR` stands for a directory of the case's own. `CASE`
//! in the environment chooses cases by a part of their names.
//!
//! | line | means |
//! |---|---|
//! | `needs PROGRAM` | skipped without the program in `PATH` |
//! | `needs file PATH` | skipped without the file |
//! | `run COMMANDS` | a shell runs them first, in `$DIR` |
//! | `after COMMANDS` | a shell runs them when the guest has ended |
//! | `shows TEXT` | the live definition has the text |
//! | `told TEXT` | QEMU's command line has the text |
//! | `qmp COMMAND => TEXT` | what QEMU answers has the text |
//! | `runs PROGRAM` | a process of this name lives with the guest, also when the daemon was replaced, and ends with it |
//! | `refused TEXT` | the start fails with the text |
//! | `undefined TEXT` | it cannot even be defined, with the text |

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use virtus_tests::{Outcome, World, ensure, wait_for};

/// What stands in a definition that does not say otherwise.
const OS: &str = "<os><type arch='x86_64' machine='q35'>hvm</type></os>";
const MEMORY: &str = "<memory unit='MiB'>64</memory>";

/// One definition with what is said of it.
struct Case {
    name: String,
    xml: String,
    lines: Vec<(String, String)>,
}

impl Case {
    fn read(path: &Path, dir: &str) -> Outcome<Case> {
        let text = fs::read_to_string(path)?.replace("$DIR", dir);
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let begin = text.find("<domain").ok_or("no definition")?;
        let (head, xml) = text.split_at(begin);
        let mut lines = Vec::new();
        for line in head.lines().map(str::trim).filter(|l| !l.is_empty()) {
            let (word, rest) = line.split_once(' ').ok_or_else(|| format!("{name}: '{line}'"))?;
            ensure!(
                ["needs", "run", "after", "shows", "told", "qmp", "runs", "refused", "undefined"]
                    .contains(&word),
                "{name}: nobody knows '{word}'"
            );
            lines.push((word.to_owned(), rest.trim().to_owned()));
        }
        let (root, rest) = xml.trim().split_once('>').ok_or("no root element")?;
        let mut body = format!("<name>{name}</name>");
        for (element, text) in [("memory", MEMORY), ("os", OS)] {
            if !rest.contains(&format!("<{element}>")) && !rest.contains(&format!("<{element} ")) {
                body.push_str(text);
            }
        }
        Ok(Case { name, xml: format!("{root}>{body}{rest}"), lines })
    }

    fn lines<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter(move |(w, _)| w == word).map(|(_, rest)| rest.as_str())
    }

    fn missing(&self) -> Option<String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        self.lines("needs").find_map(|need| match need.strip_prefix("file ") {
            Some(file) => (!Path::new(file).exists()).then(|| format!("needs {file}")),
            None => (!std::env::split_paths(&path).any(|d| d.join(need).is_file()))
                .then(|| format!("needs the program '{need}'")),
        })
    }
}

fn shell(dir: &Path, script: &str) -> Outcome {
    let log = fs::File::create(dir.join("shell.log"))?;
    let mut command = Command::new("bash");
    command.args(["-ec", script]).current_dir(dir).stdout(log.try_clone()?).stderr(log);
    ensure!(command.status()?.success(), "{script}: {}", fs::read_to_string(dir.join("shell.log"))?);
    Ok(())
}

/// All processes of this world, with their names.
fn processes() -> Outcome<BTreeMap<u32, String>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let (Some(name), Some((_, state))) =
            (fs::read_to_string(entry.path().join("comm")).ok(), stat.rsplit_once(") "))
        else {
            continue;
        };
        if !state.starts_with('Z') {
            all.insert(pid, name.trim().to_owned());
        }
    }
    Ok(all)
}

/// The aliases of a live definition's devices that QEMU must know.
fn aliases(xml: &str) -> BTreeSet<&str> {
    let nothing = |part: &&str| {
        part.starts_with("input") && part.contains("bus='ps2'")
            || part.starts_with("video") && part.contains("type='none'")
            // a card of the board
            || part.starts_with("interface") && part.contains("model type='xgmac'")
    };
    let devices = xml.split("\n    <").filter(|part| !nothing(part));
    devices.filter_map(|part| part.split_once("<alias name='")?.1.split('\'').next()).collect()
}

/// What QEMU has objects, devices, terminals and sound cards under.
fn known(world: &World, name: &str) -> Outcome<String> {
    let ask = |command: &str| world.try_virsh(&["qemu-monitor-command", name, command]).map(|a| a.out);
    let mut all = String::new();
    for path in ["/machine/peripheral", "/objects"] {
        all.push_str(&ask(&format!(r#"{{"execute":"qom-list","arguments":{{"path":"{path}"}}}}"#))?);
    }
    for command in ["query-chardev", "query-audiodevs", "query-block"] {
        all.push_str(&ask(&format!(r#"{{"execute":"{command}"}}"#))?);
    }
    Ok(all)
}

/// Devices of the board itself, which have aliases in libvirt and no name in QEMU.
fn is_built_in(alias: &str, known: &str) -> bool {
    let numbered = |prefix: &str| {
        alias.strip_prefix(prefix).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    matches!(alias, "pci" | "pci.0" | "pcie.0" | "ide" | "scsi" | "fdc0" | "usb")
        || ["panic", "watchdog"].iter().any(|kind| numbered(kind))
        || known.contains(&format!("\"char{alias}\""))
        || known.contains(&format!("\"id\":\"audio{}\"", alias.trim_start_matches("audio")))
}

fn start(world: &mut World, case: &Case, dir: &Path) -> Outcome {
    let name = case.name.as_str();
    for script in case.lines("run") {
        shell(dir, script)?;
    }
    let before = processes()?;
    let files = world.leftovers()?;
    let file = dir.join("domain.xml");
    fs::write(&file, &case.xml)?;
    let answer = world.try_virsh(&["define", &file.to_string_lossy()])?;
    if let Some(text) = case.lines("undefined").next() {
        ensure!(!answer.ok && answer.err.contains(text), "it was defined or refused with {answer:?}");
        return Ok(());
    }
    ensure!(answer.ok, "{}", answer.err.trim());
    let defined = world.virsh(&["dumpxml", name])?;
    let answer = world.try_virsh(&["start", "--paused", name])?;
    let mut refused = case.lines("refused").peekable();
    if refused.peek().is_some() {
        for text in refused {
            ensure!(!answer.ok && answer.err.contains(text), "it was started or refused with {answer:?}");
        }
    } else {
        ensure!(answer.ok, "{}", answer.err.trim());
        running(world, case)?;
        world.virsh(&["destroy", name])?;
    }
    ensure!(world.virsh(&["dumpxml", name])? == defined, "the definition is another one afterwards");
    world.virsh(&["undefine", name, "--nvram", "--tpm"])?;
    for script in case.lines("after") {
        shell(dir, script)?;
    }
    let daemon = world.daemon_pid()?;
    wait_for("its processes to end", 5, || Ok(new_ones(&before, daemon)?.is_empty()))
        .map_err(|e| format!("{e}: {:?} live on", new_ones(&before, daemon)))?;
    let left = world.leftovers()?;
    ensure!(left == files, "left behind: {left:?}");
    Ok(())
}

fn new_ones(before: &BTreeMap<u32, String>, daemon: u32) -> Outcome<Vec<String>> {
    let new = processes()?.into_iter().filter(|(pid, _)| !before.contains_key(pid) && *pid != daemon);
    Ok(new.map(|(_, name)| name).collect())
}

fn running(world: &mut World, case: &Case) -> Outcome {
    let name = case.name.as_str();
    let live = world.virsh(&["dumpxml", name])?;
    let known = known(world, name)?;
    let unknown: Vec<&str> = aliases(&live)
        .into_iter()
        .filter(|alias| !known.contains(&format!("\"{alias}\"")) && !is_built_in(alias, &known))
        .collect();
    ensure!(unknown.is_empty(), "QEMU does not know {unknown:?} but\n{known}");
    for text in case.lines("shows") {
        ensure!(live.contains(text), "'{text}' is not in {live}");
    }
    let pid = world.qemu(name)?;
    let line = fs::read_to_string(format!("/proc/{}/cmdline", pid.as_raw_nonzero()))?.replace('\0', " ");
    for text in case.lines("told") {
        ensure!(line.contains(text), "'{text}' is not in {line}");
    }
    for query in case.lines("qmp") {
        let (command, text) = query.split_once(" => ").ok_or("qmp COMMAND => TEXT")?;
        let answer = world.virsh(&["qemu-monitor-command", name, command])?;
        ensure!(answer.contains(text), "{command} does not answer '{text}' but {answer}");
    }
    let helpers: Vec<&str> = case.lines("runs").collect();
    let lives =
        |helper: &str| Ok::<_, virtus_tests::Failure>(processes()?.values().any(|n| n.starts_with(helper)));
    for helper in &helpers {
        ensure!(lives(helper)?, "{helper} does not run");
    }
    if !helpers.is_empty() {
        world.kill_daemon()?;
        world.start_daemon()?;
        wait_for("the guest to be found again", 20, || Ok(world.state(name)? == "paused"))?;
        for helper in &helpers {
            ensure!(lives(helper)?, "{helper} did not survive the daemon");
        }
    }
    Ok(())
}

/// Starts all cases of a group, and fails with all that failed.
fn group(world: &mut World, group: &str) -> Outcome {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/start").join(group);
    let mut files: Vec<PathBuf> =
        fs::read_dir(&dir)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    ensure!(!files.is_empty(), "no cases in {}", dir.display());
    fs::set_permissions(world.home(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let only = std::env::var("CASE").ok();
    let mut failures = Vec::new();
    for file in files {
        let home = world.home().join(file.file_stem().unwrap_or_default());
        let case = Case::read(&file, &home.to_string_lossy())?;
        if only.as_ref().is_some_and(|only| !case.name.contains(only.as_str())) {
            continue;
        }
        if let Some(why) = case.missing() {
            println!("skipped {}: {why}", case.name);
            continue;
        }
        fs::create_dir(&home)?;
        if let Err(e) = start(world, &case, &home) {
            failures.push(format!("{group}/{}: {e}", case.name));
            // the next one begins anew
            let _ = world.try_virsh(&["destroy", &case.name]);
            let _ = world.try_virsh(&["undefine", &case.name, "--nvram", "--tpm"]);
            for script in case.lines("after") {
                let _ = shell(&home, script);
            }
        }
    }
    ensure!(failures.is_empty(), "{} failed\n{}", failures.len(), failures.join("\n"));
    Ok(())
}

macro_rules! groups {
    ($($name:ident)*) => {$(
        pub(crate) fn $name(world: &mut World) -> Outcome {
            group(world, stringify!($name))
        }
    )*};
}
groups! { disks controllers interfaces characters displays memory firmware devices machines helpers }
