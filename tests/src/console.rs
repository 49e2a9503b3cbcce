//! A program at a terminal of its own: what a user sees and types.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::{Outcome, ensure};

/// A running virsh with a terminal, from util-linux's `script`.
#[derive(Debug)]
pub struct Console {
    child: Child,
    input: ChildStdin,
    output: Receiver<Vec<u8>>,
    /// What was shown and not expected yet.
    shown: String,
}

impl Console {
    pub(crate) fn virsh(args: &[&str]) -> Outcome<Self> {
        Self::start("virsh", args)
    }

    /// Starts what bash makes of `program`, with arguments.
    pub(crate) fn start(program: &str, args: &[&str]) -> Outcome<Self> {
        let quoted: Vec<String> = args.iter().map(|a| format!("'{a}'")).collect();
        let mut child = Command::new("script")
            .args(["-qefc", &format!("{program} {}", quoted.join(" ")), "/dev/null"])
            .env("SHELL", "/bin/bash")
            .env("LIBVIRT_DEFAULT_URI", "qemu:///system")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take().ok_or("no stdin")?;
        let mut stdout = child.stdout.take().ok_or("no stdout")?;
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = stdout.read(&mut buffer) {
                if sender.send(buffer.get(..n).unwrap_or_default().to_vec()).is_err() {
                    break;
                }
            }
        });
        Ok(Console { child, input, output, shown: String::new() })
    }

    /// Waits until `text` is shown, and forgets all up to it.
    ///
    /// # Errors
    /// That it was not shown in time, with what was shown instead.
    pub fn expect(&mut self, text: &str, seconds: u64) -> Outcome {
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(at) = self.shown.find(text) {
                self.shown.drain(..at + text.len());
                return Ok(());
            }
            match self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("'{text}' was not shown in {seconds} s, but: {}", self.shown).into());
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(format!("the terminal closed before '{text}': {}", self.shown).into());
                }
            }
        }
    }

    /// Types.
    ///
    /// # Errors
    /// That nobody reads any more.
    pub fn send(&mut self, text: &str) -> Outcome {
        self.input.write_all(text.as_bytes())?;
        Ok(self.input.flush()?)
    }

    /// Leaves a console (Ctrl-]) and awaits virsh's end.
    ///
    /// # Errors
    /// That virsh does not end well.
    pub fn leave(mut self) -> Outcome {
        self.send("\u{1d}")?;
        let mut ended = None;
        crate::wait_for("virsh console to end", 20, || {
            ended = self.child.try_wait()?;
            Ok(ended.is_some())
        })?;
        ensure!(ended.is_some_and(|s| s.success()), "virsh console ended with {ended:?}");
        Ok(())
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
