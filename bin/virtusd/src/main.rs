//! The Virtus daemon: configuration, sockets, privileges, and the wiring of drivers.

mod activation;
mod drivers;
mod options;
mod paths;
mod sockets;

use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use virtus_server::{EventBus, Listener, Server, ServerConfig, Shards};

use crate::options::{Command, Options};
use crate::paths::Paths;

fn main() -> ExitCode {
    let options = match options::parse(std::env::args().skip(1)) {
        Ok(Command::Run(options)) => options,
        Ok(Command::Print(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(text) => {
            eprintln!("virtusd: {text}\nTry 'virtusd --help'.");
            return ExitCode::FAILURE;
        }
    };
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            tracing::error!("{e}");
            eprintln!("virtusd: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> std::io::Result<()> {
    let paths = Paths::find()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let shards = Arc::new(Shards::start(std::thread::available_parallelism().map_or(2, usize::from).min(4))?);
    runtime.block_on(async {
        let events = Arc::new(EventBus::default());
        let drivers = drivers::load(&paths, events.clone());
        let config = ServerConfig {
            name: "libvirtd".into(),
            max_clients: 5000,
            max_anonymous: 20,
            max_requests: 1024,
            keepalive_interval: Some(std::time::Duration::from_secs(5)),
            keepalive_count: 5,
            privileged: paths.privileged,
        };
        let server = Server::new(config, drivers, shards, events, tokio::runtime::Handle::current());
        let sockets = match activation::inherited()? {
            inherited if !inherited.is_empty() => inherited,
            _ => sockets::bind(&paths)?,
        };
        for socket in sockets.iter() {
            let listener = Listener::new(socket.fd.try_clone()?, server.clone(), socket.read_only);
            tokio::spawn(listener.run());
        }
        activation::notify("READY=1");
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        activation::notify("STOPPING=1");
        server.disconnect_all();
        sockets::remove(&sockets);
        let _ = options;
        Ok(())
    })
}
