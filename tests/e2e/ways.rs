//! How one gets to a daemon: by settings, by one's own, through ssh.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use virtus::{OpenOptions, Reconnect};
use virtus_tests::{Answer, Outcome, World, ensure, wait_for};

pub(crate) fn settings_say_where_to(world: &mut World) -> Outcome {
    world.define("alpha")?;
    let uri = |args: &[&str], default: &str| -> Outcome<Answer> {
        let args: Vec<&str> = args.iter().chain(&["uri"]).copied().collect();
        world.called_with("virtus", &args, &[("LIBVIRT_DEFAULT_URI", default)])
    };
    let leads_to = |answer: Answer, uri: &str| -> Outcome {
        ensure!(answer.ok && answer.out.trim() == uri, "{answer:?} instead of {uri}");
        Ok(())
    };
    let complains = |answer: Answer, of: &str| -> Outcome {
        ensure!(!answer.ok && answer.err.trim_end().ends_with(of), "{answer:?} instead of {of}");
        Ok(())
    };
    leads_to(uri(&[], "")?, "qemu:///system")?;
    leads_to(uri(&[], "test:///default")?, "test:///default")?;
    std::fs::write(
        "/etc/libvirt/libvirt.conf",
        "# where to\nuri_aliases = [\n  \"pretend=test:///default\",\n  'here=qemu:///system?a=b',\n]\nuri_default = \"pretend\"\n",
    )?;
    leads_to(uri(&[], "")?, "test:///default")?;
    leads_to(uri(&[], "here")?, "qemu:///system?a=b")?;
    leads_to(uri(&["-c", "pretend"], "")?, "test:///default")?;
    leads_to(uri(&["-c", "qemu:///system"], "pretend")?, "qemu:///system")?;
    leads_to(
        uri(&["-c", "qemu+unix:///system?socket=/run/libvirt/libvirt-sock"], "")?,
        "qemu+unix:///system?socket=/run/libvirt/libvirt-sock",
    )?;
    leads_to(uri(&["-c", "qemu:///system?mode=legacy"], "")?, "qemu:///system?mode=legacy")?;
    complains(uri(&["-c", "nobody"], "")?, "URI 'nobody' does not include a driver name")?;
    std::fs::write("/etc/libvirt/libvirt.conf", "uri_aliases = [ \"a b=test:///default\" ]\n")?;
    let refused = uri(&["-c", "pretend"], "")?;
    ensure!(
        refused.err.contains("Malformed 'uri_aliases' config entry 'a b=test:///default'"),
        "{refused:?}"
    );
    std::fs::write("/etc/libvirt/libvirt.conf", "uri_default = \n")?;
    let refused = uri(&["-c", "qemu:///system"], "")?;
    ensure!(refused.err.contains("libvirt.conf:1: "), "{refused:?}");
    std::fs::remove_file("/etc/libvirt/libvirt.conf")?;

    world.kill_daemon()?;
    let refused = world.called("virtus", &["uri"])?;
    let text = "Failed to connect socket to '/var/run/libvirt/virtqemud-sock': Connection refused";
    complains(refused, text)
}

pub(crate) fn a_users_daemon_starts_when_it_is_needed(world: &mut World) -> Outcome {
    let session = &["-c", "qemu:///session"];
    let call = |args: &[&str], variables: &[(&str, &str)]| {
        let args: Vec<&str> = session.iter().chain(args).copied().collect();
        world.called_by_user(&args, variables)
    };
    let refused = call(&["uri"], &[("LIBVIRT_AUTOSTART", "0")])?;
    ensure!(
        !refused.ok && refused.err.contains("Failed to connect socket to "),
        "not to be started: {refused:?}"
    );
    let refused = call(&["uri"], &[("LIBVIRTD_PATH", "/nonexistent")])?;
    ensure!(
        refused.err.contains("cannot execute binary /nonexistent: No such file or directory"),
        "nothing to start: {refused:?}"
    );
    let answer = call(&["uri"], &[])?;
    ensure!(answer.ok && answer.out.trim() == "qemu:///session", "{answer:?}");
    let xml = "<domain type='qemu'><name>mine</name><memory>1024</memory><os><type>hvm</type></os></domain>";
    std::fs::write("/run/virtus-user/mine.xml", xml)?;
    let defined = call(&["define", "/run/virtus-user/mine.xml"], &[])?;
    ensure!(defined.ok, "{defined:?}");
    let list = call(&["list", "--all", "--name"], &[])?;
    ensure!(list.out.trim() == "mine", "the same daemon, not another one each time: {list:?}");
    ensure!(world.virsh(&["list", "--all", "--name"])?.trim().is_empty(), "and not the system's");
    Ok(())
}

/// A host that lets in whoever has the key, and what is needed to go there.
struct Host {
    directory: String,
    sshd: Child,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
    }
}

const PORT: u16 = 2222;

impl Host {
    fn start(world: &World) -> Outcome<Self> {
        let directory = world.home().display().to_string();
        let script = format!(
            "cd {directory}; mkdir -p /run/sshd /root/.ssh; mount -t tmpfs -o mode=700 private /root/.ssh
             for key in host key other; do ssh-keygen -q -t ed25519 -N '' -f $key; done
             cp key.pub authorized; echo \"[localhost]:{PORT} $(cut -d' ' -f1,2 host.pub)\" > known
             echo \"[localhost]:{PORT} $(cut -d' ' -f1,2 other.pub)\" > lying; touch empty
             printf 'Port {PORT}\\nListenAddress 127.0.0.1\\nHostKey {directory}/host\\nStrictModes no\\nUsePAM no\\nPidFile none\\n' > config
             printf 'AuthorizedKeysFile {directory}/authorized\\nPermitRootLogin yes\\nPasswordAuthentication no\\n' >> config
             printf 'KbdInteractiveAuthentication no\\n' >> config"
        );
        let made = Command::new("bash").args(["-ec", &script]).stdin(Stdio::null()).output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let which = Command::new("bash").args(["-c", "command -v sshd"]).output()?;
        let sshd = Command::new(String::from_utf8_lossy(&which.stdout).trim())
            .args(["-D", "-f", &format!("{directory}/config"), "-E", &format!("{directory}/log")])
            .stdin(Stdio::null())
            .spawn()?;
        let host = Host { directory, sshd };
        wait_for("sshd to listen", 20, || Ok(std::net::TcpStream::connect(("127.0.0.1", PORT)).is_ok()))?;
        Ok(host)
    }

    /// A URI to it.
    fn uri(&self, transport: &str, parameters: &str) -> String {
        let parameters = parameters.replace("DIR", &self.directory);
        format!("qemu+{transport}://root@localhost:{PORT}/system?no_tty=1&{parameters}")
    }
}

fn names(world: &World, uri: &str) -> Outcome<Answer> {
    world.called("virsh", &["-c", uri, "list", "--all", "--name"])
}

fn reaches(world: &World, uri: &str) -> Outcome {
    let answer = names(world, uri)?;
    ensure!(answer.ok && answer.out.trim() == "alpha", "{uri}: {answer:?}");
    Ok(())
}

fn refuses(world: &World, uri: &str, text: &str) -> Outcome {
    let answer = names(world, uri)?;
    ensure!(!answer.ok && answer.err.contains(text), "{uri}: {answer:?} instead of {text}");
    Ok(())
}

/// The same, and Debian's virsh says the very same.
fn both_refuse(world: &World, uri: &str, text: &str) -> Outcome {
    refuses(world, uri, text)?;
    let (ours, theirs) = (names(world, uri)?, world.try_virsh(&["-c", uri, "list", "--all", "--name"])?);
    ensure!(ours == theirs, "{uri}: {theirs:?}, but ours says {ours:?}");
    Ok(())
}

const KEY: &str = "keyfile=DIR/key";

pub(crate) fn through_ssh(world: &mut World) -> Outcome {
    world.define("alpha")?;
    let host = Host::start(world)?;
    let trusting = |more: &str| host.uri("ssh", &format!("{KEY}&no_verify=1{more}"));
    for more in [
        "",
        "&proxy=auto",
        "&proxy=netcat",
        "&netcat=nc",
        "&socket=/run/libvirt/libvirt-sock",
        "&mode=legacy",
    ] {
        reaches(world, &trusting(more))?;
    }
    let helper = Command::new("bash").args(["-c", "command -v virt-ssh-helper"]).output()?.status.success();
    match helper {
        true => reaches(world, &trusting("&proxy=native"))?,
        false => refuses(world, &trusting("&proxy=native"), "virt-ssh-helper")?,
    }
    for (more, text) in [
        ("&netcat=/nonexistent/nc", "/nonexistent/nc: not found"),
        ("&proxy=netcat&socket=/nonexistent", "nc: /nonexistent: No such file or directory"),
        ("&proxy=bogus", "error: invalid argument: Unnkown proxy type 'bogus'"),
        ("&mode=direct", "error: Operation not supported: Cannot use direct socket mode for ssh transport"),
    ] {
        both_refuse(world, &trusting(more), text)?;
    }
    both_refuse(world, &host.uri("ssh", "keyfile=DIR/other&no_verify=1"), "Permission denied (publickey).")?;
    // a host nobody knows, until the user does
    std::fs::write("/root/.ssh/known_hosts", "")?;
    both_refuse(world, &host.uri("ssh", KEY), "Host key verification failed.")?;
    std::fs::copy(format!("{}/known", host.directory), "/root/.ssh/known_hosts")?;
    reaches(world, &host.uri("ssh", KEY))?;
    std::fs::copy(format!("{}/lying", host.directory), "/root/.ssh/known_hosts")?;
    refuses(world, &host.uri("ssh", KEY), "REMOTE HOST IDENTIFICATION HAS CHANGED")?;
    let elsewhere = trusting("").replace(&format!(":{PORT}/"), ":2223/");
    both_refuse(world, &elsewhere, "ssh: connect to host localhost port 2223: Connection refused")?;
    let read_only = world.called("virsh", &["-r", "-c", &trusting(""), "undefine", "alpha"])?;
    ensure!(!read_only.ok && read_only.err.contains("read only access prevents"), "{read_only:?}");
    Ok(())
}

pub(crate) fn ssh_names_of_libvirts_libraries(world: &mut World) -> Outcome {
    world.define("alpha")?;
    let host = Host::start(world)?;
    for library in ["libssh", "libssh2"] {
        let uri = |more: &str| host.uri(library, &format!("{KEY}&{more}"));
        reaches(world, &uri("known_hosts=DIR/known&sshauth=privkey"))?;
        reaches(world, &uri("known_hosts_verify=ignore&sshauth=agent,privkey"))?;
        reaches(
            world,
            &uri(&format!("known_hosts=DIR/new-{library}&known_hosts_verify=auto&sshauth=privkey")),
        )?;
        let kept = std::fs::read_to_string(format!("{}/new-{library}", host.directory))?;
        ensure!(kept.contains("ssh-ed25519"), "a host that was met is known: {kept}");
        for (more, text) in [
            (
                "known_hosts=DIR/empty&known_hosts_verify=normal",
                "SSH host key for 'localhost' was not accepted",
            ),
            ("known_hosts=DIR/lying&known_hosts_verify=auto", "!!! SSH HOST KEY VERIFICATION FAILED !!!"),
        ] {
            refuses(world, &uri(more), text)?;
        }
        // Debian's virsh has the libraries themselves
        let wrong = host.uri(library, "keyfile=DIR/other&known_hosts=DIR/known&sshauth=privkey");
        let text = match library {
            "libssh" => "libssh transport error: failed to authenticate: Access denied for 'publickey'.",
            _ => "has failed: Username/PublicKey combination invalid",
        };
        both_refuse(world, &wrong, text)?;
        let elsewhere = uri("known_hosts=DIR/known").replace(&format!(":{PORT}/"), ":2223/");
        both_refuse(
            world,
            &elsewhere,
            "unable to connect to server at 'localhost:2223': Connection refused",
        )?;
        for (more, text) in [
            (
                "known_hosts_verify=bogus",
                "error: invalid argument: Invalid host key verification method: 'bogus'",
            ),
            ("sshauth=bogus", "error: invalid argument: Invalid authentication method: 'bogus'"),
        ] {
            refuses(world, &uri(more), text)?;
        }
    }
    Ok(())
}

/// A program that stays connected through ssh finds the daemon again.
pub(crate) fn through_ssh_again(world: &mut World) -> Outcome {
    world.define("alpha")?;
    let host = Host::start(world)?;
    let uri = host.uri("ssh", &format!("{KEY}&no_verify=1"));
    let how = Reconnect { patience: Duration::from_secs(60), ..Reconnect::default() };
    let connection = OpenOptions::new().reconnect(how).open(Some(&uri))?;
    let alpha = connection.lookup_domain_by_name("alpha")?;
    world.kill_daemon()?;
    world.start_daemon()?;
    ensure!(!alpha.is_active()?, "through another ssh");
    connection.close()?;
    Ok(())
}
