//! Upstream's daemon, to see that the clients need none of ours.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::{Answer, Outcome, World, ensure, wait_for};

/// A `libvirtd` with directories of its own, beside the daemon of the world. It ends with this value.
#[derive(Debug)]
pub struct Upstream {
    directory: PathBuf,
    process: Child,
}

impl Upstream {
    /// Starts one and waits until it serves. Its host has a UUID that follows from the name: two of them take each
    /// other for different hosts.
    ///
    /// # Errors
    /// That it does not come up.
    pub fn start(world: &World, name: &str) -> Outcome<Self> {
        let directory = world.home().join(name);
        let shared = directory.join("shared");
        for part in ["etc", "lib", "cache", "log", "run", "shared"] {
            fs::create_dir_all(directory.join(part))?;
        }
        let id = name.bytes().fold(0_u8, |sum, b| sum.wrapping_mul(31).wrapping_add(b));
        fs::write(
            directory.join("etc/libvirtd.conf"),
            format!(
                "host_uuid = \"0b1c2d3e-4f50-4a6b-8c7d-0000000000{id:02x}\"\nunix_sock_dir = \"{}\"\n",
                shared.display()
            ),
        )?;
        // nobody but root is sure to be there, and no virtlogd is
        let driver = "user = \"root\"\ngroup = \"root\"\nsecurity_driver = \"none\"\nstdio_handler = \"file\"\ndynamic_ownership = 0\n";
        fs::write(directory.join("etc/qemu.conf"), driver)?;
        let script = format!(
            "cd '{}'
             for each in etc:/etc lib:/var/lib cache:/var/cache log:/var/log run:/run; do
               mount --bind ${{each%%:*}} ${{each#*:}}/libvirt
             done
             exec libvirtd --pid-file '{}'",
            directory.display(),
            directory.join("pid").display()
        );
        let log = fs::File::create(directory.join("daemon.log"))?;
        let process = Command::new("unshare")
            .args(["--mount", "bash", "-ec", &script])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let mut daemon = Upstream { directory, process };
        wait_for("libvirtd to listen", 30, || {
            let ended = daemon.process.try_wait()?.is_some();
            ensure!(!ended, "libvirtd ended: {}", fs::read_to_string(daemon.directory.join("daemon.log"))?);
            Ok(std::os::unix::net::UnixStream::connect(shared.join("libvirt-sock")).is_ok())
        })?;
        Ok(daemon)
    }

    /// The URI of its QEMU driver.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("qemu+unix:///system?socket={}/shared/libvirt-sock", self.directory.display())
    }

    /// Runs the project's own virsh against it, for an answer that may be a refusal.
    ///
    /// # Errors
    /// When it cannot be run, or does not end.
    pub fn try_virsh(&self, world: &World, args: &[&str]) -> Outcome<Answer> {
        world.called_with("virsh", args, &[("LIBVIRT_DEFAULT_URI", &self.uri())])
    }

    /// The same for a command that must succeed; its output.
    ///
    /// # Errors
    /// What it complains of.
    pub fn virsh(&self, world: &World, args: &[&str]) -> Outcome<String> {
        let answer = self.try_virsh(world, args)?;
        ensure!(answer.ok, "virsh {}: {}{}", args.join(" "), answer.out, answer.err);
        Ok(answer.out)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
