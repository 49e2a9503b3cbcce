//! A sealed world: libvirt's directories empty and private, a daemon, and the clients to try it with.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Console, Outcome, ensure, runner, wait_for};

/// The socket whose being there says that the daemon serves.
pub(crate) const SOCKET: &str = "/run/libvirt/libvirt-sock";
const PRIVATE: [&str; 5] =
    ["/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt", "/run/libvirt"];
/// Files that are there while no guest runs, by how their paths begin and end.
const KEPT: [(&str, &str); 3] = [
    ("/etc/libvirt/qemu/", ".xml"),
    ("/run/libvirt/qemu/", "/driver.pid"),
    ("/run/libvirt/qemu/", "/autostarted"),
];
/// The home of somebody who is not root.
const USER: &str = "/run/virtus-user";
const USER_ID: &str = "12345";
const GUEST: &str = "/run/virtus-guest";

/// What a program answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it ended with 0.
    pub ok: bool,
    /// Its output.
    pub out: String,
    /// Its complaints.
    pub err: String,
}

/// The world and the daemon in it.
#[derive(Debug)]
pub struct World {
    home: tempfile::TempDir,
    daemon: Option<Child>,
}

impl World {
    /// Covers libvirt's directories with empty ones and starts the daemon. Called inside fresh namespaces only.
    pub(crate) fn make() -> Outcome<Self> {
        ensure!(std::process::id() < 50, "refusing to cover directories outside a PID namespace");
        sh("mount --make-rprivate / && ip link set lo up")?;
        // the guest is found before /run and /tmp change
        let guest = runner::guest_dir();
        sh("mount -t tmpfs -o mode=755 run /run
            mkdir /run/libvirt /run/lock /run/.cgroup; mount --rbind /sys/fs/cgroup /run/.cgroup
            mount -t sysfs sysfs /sys && mount --rbind /run/.cgroup /sys/fs/cgroup; umount -l /run/.cgroup")?;
        for dir in PRIVATE.iter().filter(|d| **d != "/run/libvirt") {
            fs::create_dir_all(dir)?;
            sh(&format!("mount -t tmpfs -o mode=755 private {dir}"))?;
        }
        if let Some(guest) = guest {
            fs::create_dir_all(GUEST)?;
            sh(&format!("mount --bind '{}' {GUEST}", guest.display()))?;
        }
        let mut world = World { home: tempfile::tempdir()?, daemon: None };
        fs::write("/etc/libvirt/libvirtd.conf", "job_wait = 2\n")?;
        world.start_daemon()?;
        Ok(world)
    }

    /// Where a story may put its files.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Starts the daemon and waits until it serves.
    ///
    /// # Errors
    /// That it does not come up.
    pub fn start_daemon(&mut self) -> Outcome {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log())?;
        // a socket that a killed daemon left behind must not be taken for the new one's
        let _ = fs::remove_file(SOCKET);
        let mut child =
            Command::new(runner::daemon()?).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        let up = wait_for("the daemon to listen", 20, || {
            ensure!(child.try_wait()?.is_none(), "the daemon ended: {}", self.log_end(5));
            Ok(std::os::unix::net::UnixStream::connect(SOCKET).is_ok())
        });
        self.daemon = Some(child);
        up
    }

    /// The daemon's process.
    ///
    /// # Errors
    /// That it does not run.
    pub fn daemon_pid(&self) -> Outcome<u32> {
        Ok(self.daemon.as_ref().ok_or("the daemon does not run")?.id())
    }

    /// Kills the daemon where it stands (SIGKILL) and awaits its end.
    ///
    /// # Errors
    /// That it did not run.
    pub fn kill_daemon(&mut self) -> Outcome {
        let mut child = self.daemon.take().ok_or("the daemon does not run")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Empties what does not survive a boot of the host; the daemon must not run.
    ///
    /// # Errors
    /// What the file system says.
    pub fn reboot_host(&self) -> Outcome {
        ensure!(self.daemon.is_none(), "the daemon runs");
        for entry in fs::read_dir("/run/libvirt")? {
            let path = entry?.path();
            if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
        Ok(())
    }

    /// Whether the daemon has ended by SIGKILL, as a crash point makes it.
    ///
    /// # Errors
    /// When it ended in another way: nothing else may end it.
    pub fn daemon_crashed(&mut self) -> Outcome<bool> {
        let child = self.daemon.as_mut().ok_or("the daemon does not run")?;
        let Some(status) = child.try_wait()? else { return Ok(false) };
        self.daemon = None;
        ensure!(status.signal() == Some(9), "the daemon ended by itself: {status}");
        Ok(true)
    }

    fn log(&self) -> PathBuf {
        self.home.path().join("virtusd.log")
    }

    /// The last lines the daemon wrote.
    #[must_use]
    pub fn log_end(&self, lines: usize) -> String {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
    }

    /// A definition with the test guest, of the given name, `extra` among its devices. The UUID follows from the
    /// name, so defining it again changes the same domain.
    #[must_use]
    pub fn guest_xml(&self, name: &str, extra: &str) -> String {
        let last = name.bytes().fold(0_u8, |sum, b| sum.wrapping_mul(31).wrapping_add(b));
        format!(
            "<domain type='qemu'><name>{name}</name>\
             <uuid>5f0e8a52-6c1d-4b7e-9d3a-0123456789{last:02x}</uuid><memory unit='MiB'>128</memory><vcpu>1</vcpu>\
             <os><type arch='x86_64' machine='q35'>hvm</type><kernel>{GUEST}/vmlinuz</kernel>\
             <initrd>{GUEST}/initrd.gz</initrd><cmdline>console=ttyS0 quiet</cmdline></os><features><acpi/></features>\
             <on_reboot>restart</on_reboot><on_crash>destroy</on_crash>\
             <devices><serial type='pty'/><console type='pty'/><memballoon model='virtio'/>{extra}</devices></domain>"
        )
    }

    /// Writes `text` as a file of the given name and says where.
    ///
    /// # Errors
    /// What the file system says.
    pub fn file(&self, name: &str, text: &str) -> Outcome<String> {
        let path = self.home.path().join(name);
        fs::write(&path, text)?;
        Ok(path.to_string_lossy().into_owned())
    }

    /// Defines a domain with the test guest.
    ///
    /// # Errors
    /// What virsh says.
    pub fn define(&self, name: &str) -> Outcome {
        let file = self.file(&format!("{name}.xml"), &self.guest_xml(name, ""))?;
        self.virsh(&["define", &file]).map(drop)
    }

    /// Runs Debian's virsh, which must succeed.
    ///
    /// # Errors
    /// What it complains of.
    pub fn virsh(&self, args: &[&str]) -> Outcome<String> {
        let answer = self.try_virsh(args)?;
        ensure!(answer.ok, "virsh {}: {}{}", args.join(" "), answer.out, answer.err);
        Ok(answer.out)
    }

    /// Runs Debian's virsh for an answer that may be a refusal.
    ///
    /// # Errors
    /// When it cannot be run, or does not end.
    pub fn try_virsh(&self, args: &[&str]) -> Outcome<Answer> {
        program(Command::new("timeout").args(["60", "virsh", "-q"]).args(args))
    }

    /// Runs the project's own command line under one of its names, for an answer that may be a refusal.
    ///
    /// # Errors
    /// When it cannot be run, or does not end.
    pub fn called(&self, name: &str, args: &[&str]) -> Outcome<Answer> {
        self.called_with(name, args, &[])
    }

    /// The same with variables of the environment.
    ///
    /// # Errors
    /// As [`World::called`].
    pub fn called_with(&self, name: &str, args: &[&str], variables: &[(&str, &str)]) -> Outcome<Answer> {
        let script = r#"exec -a "$0" "$@""#;
        let mut command = Command::new("timeout");
        command.args(["60", "bash", "-c", script, name]).arg(runner::command_line()?);
        program(command.arg("-q").args(args).envs(variables.iter().copied()))
    }

    /// Puts the project's own command line into a directory under the name `virtus`, and says which: for programs that
    /// look for it in `PATH`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn own_path(&self) -> Outcome<String> {
        let directory = self.home.path().join("bin");
        fs::create_dir_all(&directory)?;
        let link = directory.join("virtus");
        if !link.exists() {
            std::os::unix::fs::symlink(runner::command_line()?, &link)?;
        }
        Ok(directory.to_string_lossy().into_owned())
    }

    /// Starts a shell for long, in which `virtus` is found.
    ///
    /// # Errors
    /// That it cannot be run.
    pub fn shell(&self, command: &str) -> Outcome<Console> {
        Console::start(&format!("export PATH={}:$PATH; exec {command}", self.own_path()?), &[])
    }

    /// Runs the project's own command line as a user who is not root. The daemon that is theirs is the one under test.
    ///
    /// # Errors
    /// When it cannot be run, or does not end.
    pub fn called_by_user(&self, args: &[&str], variables: &[(&str, &str)]) -> Outcome<Answer> {
        if !Path::new(USER).exists() {
            // the programs may lie where a user does not come
            sh(&format!(
                "mkdir -p {USER}/run; cd {USER}; touch virtusd virtus; chown -R {USER_ID} . && chmod 700 run
                 mount --bind '{}' virtusd; mount --bind '{}' virtus",
                runner::daemon()?.display(),
                runner::command_line()?.display()
            ))?;
        }
        let mut command = Command::new("timeout");
        command.args(["60", "setpriv", "--reuid", USER_ID, "--regid", USER_ID, "--clear-groups"]);
        command.arg(Path::new(USER).join("virtus")).arg("-q").args(args);
        command.env("HOME", USER).env("XDG_RUNTIME_DIR", Path::new(USER).join("run"));
        command.env("LIBVIRTD_PATH", Path::new(USER).join("virtusd"));
        program(command.current_dir("/").envs(variables.iter().copied()))
    }

    /// Starts the project's own command line for long (`event`, `console`), called `virsh`.
    ///
    /// # Errors
    /// That it cannot be run.
    pub fn own(&self, args: &[&str]) -> Outcome<Console> {
        let path = runner::command_line()?;
        Console::start(&format!("exec -a virsh '{}'", path.display()), args)
    }

    /// Runs a Python program with the `libvirt` module against this daemon.
    ///
    /// # Errors
    /// Its traceback.
    pub fn python(&self, source: &str) -> Outcome<String> {
        let answer = program(Command::new("timeout").args(["60", "/usr/bin/python3", "-c", source]))?;
        ensure!(answer.ok, "python: {}{}", answer.out, answer.err);
        Ok(answer.out)
    }

    /// Runs a Python program with the project's own `libvirt` module against this daemon.
    ///
    /// # Errors
    /// Its traceback.
    pub fn own_python(&self, source: &str) -> Outcome<String> {
        let site = self.home.path().join("site");
        if !site.exists() {
            let (library, sources) = runner::python_module()?;
            let (library, sources, site) = (library.display(), sources.display(), site.display());
            sh(&format!("cp -r '{sources}' '{site}' && ln -s '{library}' '{site}/libvirt/_native.abi3.so'"))?;
        }
        let mut command = Command::new("timeout");
        command.args(["60", "/usr/bin/python3", "-c", source]).env("PYTHONPATH", site);
        let answer = program(command.current_dir("/"))?;
        ensure!(answer.ok, "python: {}{}", answer.out, answer.err);
        Ok(answer.out)
    }

    /// Starts a long-lived virsh (`event`, `console`).
    ///
    /// # Errors
    /// That it cannot be run.
    pub fn background(&self, args: &[&str]) -> Outcome<Console> {
        Console::virsh(args)
    }

    /// The guest's console, once its login is there.
    ///
    /// # Errors
    /// That no login appeared.
    pub fn login(&self, domain: &str) -> Outcome<Console> {
        let mut console = Console::virsh(&["console", domain, "--force"])?;
        console.expect("Connected to domain", 20)?;
        console.send("\n")?;
        console.expect("login:", 90)?;
        console.send("root\n")?;
        console.expect("#", 30)?;
        Ok(console)
    }

    /// The state virsh names, such as `running`.
    ///
    /// # Errors
    /// What virsh says.
    pub fn state(&self, domain: &str) -> Outcome<String> {
        Ok(self.virsh(&["domstate", domain])?.trim().to_owned())
    }

    /// Waits until the domain is in the state.
    ///
    /// # Errors
    /// That it did not get there.
    pub fn until_state(&self, domain: &str, state: &str) -> Outcome {
        wait_for(&format!("{domain} to be {state}"), 60, || Ok(self.state(domain)? == state))
    }

    /// The QEMU process of a domain, by its `-name`.
    ///
    /// # Errors
    /// That there is none.
    pub fn qemu(&self, domain: &str) -> Outcome<Pid> {
        let wanted = format!("guest={domain},");
        let (pid, _) = emulators()?
            .into_iter()
            .find(|(_, command)| command.contains(&wanted))
            .ok_or_else(|| format!("no QEMU runs {domain}"))?;
        Ok(pid)
    }

    /// How many QEMU processes live.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn qemus(&self) -> Outcome<usize> {
        Ok(emulators()?.len())
    }

    /// Stops a process (SIGSTOP) or lets it go on (SIGCONT).
    ///
    /// # Errors
    /// That it is gone.
    pub fn freeze(&self, pid: Pid, frozen: bool) -> Outcome {
        kill_process(pid, if frozen { Signal::STOP } else { Signal::CONT })?;
        // its threads stop one after the other, and until then may still answer
        let stopped = || -> std::io::Result<bool> {
            let tasks = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero()))?;
            tasks
                .map(|task| std::fs::read_to_string(task?.path().join("stat")))
                .try_fold(true, |all, stat| {
                    Ok(all && stat?.rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" T")))
                })
        };
        while frozen && !stopped()? {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        Ok(())
    }

    /// Files and sockets under the daemon's directories that no domain accounts for: those of running guests,
    /// and temporary ones.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn leftovers(&self) -> Outcome<Vec<String>> {
        let mut found = Vec::new();
        let mut todo: Vec<PathBuf> = ["/etc/libvirt/qemu", "/run/libvirt/qemu", "/var/lib/libvirt/qemu"]
            .iter()
            .map(PathBuf::from)
            .collect();
        while let Some(dir) = todo.pop() {
            let Ok(entries) = fs::read_dir(&dir) else { continue };
            for entry in entries {
                let path = entry?.path();
                let text = path.to_string_lossy().into_owned();
                if path.is_dir() {
                    if text.contains("/domain-") {
                        found.push(text);
                    } else {
                        todo.push(path);
                    }
                } else if !KEPT.iter().any(|(start, end)| text.starts_with(start) && text.ends_with(end)) {
                    found.push(text);
                }
            }
        }
        for interface in fs::read_dir("/sys/class/net")? {
            let name = interface?.file_name().to_string_lossy().into_owned();
            if name.starts_with("vnet") {
                found.push(name);
            }
        }
        Ok(found)
    }
}

fn sh(script: &str) -> Outcome {
    let answer = program(Command::new("bash").args(["-ec", script]))?;
    ensure!(answer.ok, "{script}: {}", answer.err);
    Ok(())
}

/// Runs a program to its end.
pub(crate) fn program(command: &mut Command) -> Outcome<Answer> {
    const DEFAULT: &str = "LIBVIRT_DEFAULT_URI";
    if command.get_envs().all(|(name, _)| name != DEFAULT) {
        command.env(DEFAULT, "qemu:///system");
    }
    let done = command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).output()?;
    ensure!(done.status.code() != Some(124), "{command:?} did not end");
    Ok(Answer {
        ok: done.status.success(),
        out: String::from_utf8_lossy(&done.stdout).into_owned(),
        err: String::from_utf8_lossy(&done.stderr).into_owned(),
    })
}

/// All guests' QEMU processes that still live, with their command lines.
fn emulators() -> Outcome<Vec<(Pid, String)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()).and_then(Pid::from_raw)
        else {
            continue;
        };
        // a zombie's command line is empty
        let command = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        let first = command.split('\0').next().unwrap_or_default();
        if first.contains("qemu-system") && command.contains("guest=") {
            all.push((pid, command.replace('\0', " ")));
        }
    }
    Ok(all)
}
