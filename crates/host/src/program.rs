//! Helper programs that run and end: qemu-img, dnsmasq, nft, …

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use virtus_base::{Error, ErrorDomain};

/// What a program may write on each of its outputs unless told otherwise, in bytes.
pub const OUTPUT_LIMIT: usize = 16 * 1024 * 1024;

/// A program to run to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// A name to look up in `PATH`, or a path.
    pub name: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables besides `PATH` and `LC_ALL=C`, which is all the environment it gets.
    pub env: Vec<(OsString, OsString)>,
    /// What it reads on its standard input.
    pub stdin: Vec<u8>,
    /// How long it may run; it is killed then.
    pub timeout: Option<Duration>,
    /// How much it may write on each output, in bytes; it is killed when it writes more.
    pub output_limit: usize,
}

/// What a program left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Its exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl Program {
    /// A program without arguments.
    pub fn new(name: impl Into<PathBuf>) -> Program {
        Program {
            name: name.into(),
            args: Vec::new(),
            env: Vec::new(),
            stdin: Vec::new(),
            timeout: None,
            output_limit: OUTPUT_LIMIT,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Program {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Program {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Sets what it reads.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Program {
        self.stdin = bytes.into();
        self
    }

    /// Sets how long it may run.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Program {
        self.timeout = Some(limit);
        self
    }

    /// The command line as a shell would take it, after the variables the program gets.
    pub fn line(&self) -> String {
        let mut line = String::new();
        for (name, value) in &self.env {
            line.push_str(&format!("{}={} ", quoted(name), quoted(value)));
        }
        line.push_str(&quoted(self.name.as_os_str()));
        for arg in &self.args {
            line.push(' ');
            line.push_str(&quoted(arg));
        }
        line
    }
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

impl Output {
    /// The output of a program that must end with status 0.
    ///
    /// # Errors
    /// libvirt's "Child process (…) unexpected …: stderr" otherwise.
    pub fn success(self, program: &Program) -> Result<Output, Error> {
        let how = match (self.status, self.signal) {
            (Some(0), _) => return Ok(self),
            (Some(status), _) => format!("exit status {status}"),
            (None, Some(signal)) => format!("fatal signal {signal}"),
            (None, None) => "invalid value".to_owned(),
        };
        let line = program.line();
        let said = String::from_utf8_lossy(&self.stderr);
        Err(Error::internal(
            ErrorDomain::NONE,
            match said.is_empty() {
                true => format!("Child process ({line}) unexpected {how}"),
                false => format!("Child process ({line}) unexpected {how}: {said}"),
            },
        ))
    }
}

/// Whatever runs programs: the host, or a fake in tests.
#[async_trait]
pub trait Runner: Send + Sync + std::fmt::Debug {
    /// Runs `program` to its end.
    ///
    /// # Errors
    /// When it cannot be started, takes too long or writes too much. Its own failure is in the [`Output`].
    async fn run(&self, program: &Program) -> Result<Output, Error>;
}

/// Runs programs on this host.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host;

#[async_trait]
impl Runner for Host {
    async fn run(&self, program: &Program) -> Result<Output, Error> {
        tracing::debug!(target: "virtus_host", "running {}", program.line());
        let system = |what: String, e: &io::Error| Error::system(ErrorDomain::NONE, what, e);
        let path = find_in_path(&program.name).ok_or_else(|| {
            let text = format!("Cannot find '{}' in path", program.name.display());
            system(text, &io::Error::from_raw_os_error(libc::ENOENT))
        })?;
        let mut command = tokio::process::Command::new(&path);
        command.args(&program.args).env_clear().env("LC_ALL", "C").current_dir("/").kill_on_drop(true);
        command.envs(std::env::var_os("PATH").map(|p| ("PATH", p)));
        command.envs(program.env.iter().map(|(n, v)| (n, v)));
        command.stdin(if program.stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|e| system(format!("cannot execute binary {}", path.display()), &e))?;

        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let limit = program.output_limit;
        let work = async {
            let feed = async {
                if let Some(mut stdin) = stdin {
                    // a program need not read all it is given
                    let _ = stdin.write_all(&program.stdin).await;
                }
                Ok(())
            };
            let ((), stdout, stderr) =
                tokio::try_join!(feed, bounded(stdout, limit), bounded(stderr, limit))?;
            Ok::<_, io::Error>((child.wait().await?, stdout, stderr))
        };
        let ended = match program.timeout {
            None => work.await,
            Some(limit) => tokio::time::timeout(limit, work)
                .await
                .unwrap_or_else(|_| Err(io::Error::from_raw_os_error(libc::ETIMEDOUT))),
        };
        let (status, stdout, stderr) =
            ended.map_err(|e| system(format!("unable to run command '{}'", program.line()), &e))?;
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        Ok(Output { status: status.code(), signal, stdout, stderr })
    }
}

/// Runs `program` to its end and waits for it. For threads that may wait: a call's work beside the runtime, or the
/// daemon while it starts.
///
/// # Errors
/// As [`Runner::run`].
pub fn run_blocking(runner: &dyn Runner, program: &Program) -> Result<Output, Error> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| Error::system(ErrorDomain::NONE, "cannot run programs", &e))?;
        runtime.block_on(runner.run(program))
    };
    // a thread of its own: the caller's may belong to a runtime already
    std::thread::scope(|scope| scope.spawn(run).join())
        .unwrap_or_else(|_| Err(Error::internal(ErrorDomain::NONE, "the thread that ran a program ended")))
}

async fn bounded(from: Option<impl AsyncRead + Unpin>, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let ceiling = u64::try_from(limit).unwrap_or(u64::MAX);
        from.take(ceiling.saturating_add(1)).read_to_end(&mut bytes).await?;
    }
    if bytes.len() > limit { Err(io::Error::from_raw_os_error(libc::EFBIG)) } else { Ok(bytes) }
}

/// The program's full path: itself when it has a slash, else the first of that name in `PATH` that can be run.
pub fn find_in_path(name: &std::path::Path) -> Option<PathBuf> {
    let runs =
        |path: &PathBuf| path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    if name.as_os_str().to_string_lossy().contains('/') {
        return Some(name.to_owned()).filter(runs);
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/sbin:/usr/bin:/sbin:/bin".into());
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(runs)
}

/// Runs nothing: answers in order what a test prepared and remembers what was asked.
#[derive(Debug, Default)]
pub struct Recorder {
    answers: Mutex<VecDeque<Output>>,
    asked: Mutex<Vec<Program>>,
}

impl Recorder {
    /// A recorder with these answers; when they run out, programs succeed and print nothing.
    pub fn new(answers: impl IntoIterator<Item = Output>) -> Recorder {
        Recorder { answers: Mutex::new(answers.into_iter().collect()), asked: Mutex::default() }
    }

    /// The programs asked for so far.
    pub fn asked(&self) -> Vec<Program> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Runner for Recorder {
    async fn run(&self, program: &Program) -> Result<Output, Error> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(program.clone());
        let next = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        Ok(next.unwrap_or(Output { status: Some(0), ..Output::default() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        Program::new("sh").arg("-c").arg(script)
    }

    #[tokio::test]
    async fn input_and_both_outputs_pass() {
        let program = shell("cat; echo err >&2; exit 2").stdin("hello");
        let output = Host.run(&program).await.unwrap();
        assert_eq!((output.status, output.stdout.as_slice()), (Some(2), b"hello".as_slice()));
        assert_eq!(
            output.success(&program).unwrap_err().message(),
            "internal error: Child process (sh -c 'cat; echo err >&2; exit 2') unexpected exit status 2: err\n"
        );
    }

    #[tokio::test]
    async fn programs_are_held_to_their_limits() {
        let mut endless = shell("while :; do echo yes; done");
        endless.output_limit = 1000;
        assert!(Host.run(&endless).await.unwrap_err().message().ends_with("File too large"));
        let slow = shell("sleep 1000").timeout(Duration::from_millis(10));
        assert!(Host.run(&slow).await.unwrap_err().message().ends_with("Connection timed out"));
        let missing = Program::new("no-such-program-here");
        assert_eq!(
            Host.run(&missing).await.unwrap_err().message(),
            "Cannot find 'no-such-program-here' in path: No such file or directory"
        );
    }

    #[tokio::test]
    async fn a_recorder_answers_in_order() {
        let recorder = Recorder::new([Output { status: Some(1), ..Output::default() }]);
        assert_eq!(recorder.run(&shell("a")).await.unwrap().status, Some(1));
        assert_eq!(recorder.run(&shell("b")).await.unwrap().status, Some(0));
        assert_eq!(recorder.asked(), [shell("a"), shell("b")]);
    }
}
