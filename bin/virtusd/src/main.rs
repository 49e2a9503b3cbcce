//! The Virtus daemon: configuration, sockets, privileges, and the wiring of drivers.

mod activation;
mod admin;
mod config;
mod drivers;
mod logging;
mod options;
mod paths;
mod pidfile;
mod sockets;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use virtus_api::Drivers;
use virtus_host::footprint::Footprint;
use virtus_server::{EventBus, Listener, Server, ServerConfig, Shards};

use crate::admin::{Administration, Pool, Served};
use crate::config::Config;
use crate::logging::{Filters, Format, Log, Outputs, Priority};
use crate::options::{Command, Options};
use crate::paths::Paths;
use crate::sockets::Kind;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| virtus_driver_network::is_lease_event(first)) {
        return tell_lease(&arguments);
    }
    let options = match options::parse(arguments.into_iter()) {
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
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("virtusd: {e}");
            ExitCode::FAILURE
        }
    }
}

/// dnsmasq has started this program to tell it of a lease.
fn tell_lease(arguments: &[String]) -> ExitCode {
    match virtus_driver_network::lease_event(arguments) {
        Ok(answer) => {
            print!("{answer}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("virtusd: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> std::io::Result<()> {
    virtus_host::allocator::share_pools();
    let paths = Paths::find()?;
    let config_file = options.config.as_ref().map_or_else(|| paths.config.join("libvirtd.conf"), Into::into);
    let config = Config::load(&config_file)?;
    sockets::check_auth(&config)?;
    let log = Log::default();
    set_up_log(&log, &config, options).map_err(std::io::Error::other)?;
    if options.daemon {
        activation::detach()?;
    }
    log.install();
    for (name, line) in &config.unknown {
        tracing::warn!("{}:{line}: setting '{name}' has no effect", config_file.display());
    }
    let _pid_file = pidfile::take(options.pid_file.as_deref(), &paths, options.daemon)?;
    // two threads for what waits; the calls themselves run where they are read
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(4);
    let shards = Arc::new(Shards::start(threads)?);
    let result = runtime.block_on(serve(options, &config, &paths, &log, shards));
    // what still runs in the background does not keep the daemon
    runtime.shutdown_timeout(Duration::from_millis(200));
    result
}

fn set_up_log(log: &Log, config: &Config, options: &Options) -> Result<(), String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let filters = variable("LIBVIRT_LOG_FILTERS").or_else(|| config.log_filters.clone()).unwrap_or_default();
    let outputs = variable("LIBVIRT_LOG_OUTPUTS").or_else(|| config.log_outputs.clone()).unwrap_or_default();
    let format = match config.log_format.as_str() {
        "text" => Format::Text,
        "json" => Format::Json,
        other => return Err(format!("log_format is 'text' or 'json', not '{other}'")),
    };
    let level = match (variable("LIBVIRT_DEBUG"), config.log_level) {
        (Some(level), _) => Priority::parse(&level),
        (None, 0) if options.verbose => Priority::parse("2"),
        (None, 0) => None,
        (None, level) => Priority::parse(&level.to_string()),
    };
    let (filters, outputs) = (Filters::parse(&filters)?, Outputs::parse(&outputs, format)?);
    log.change(|settings| {
        settings.level = level;
        settings.filters = filters;
        settings.outputs = outputs;
    });
    Ok(())
}

fn keepalive(interval: i64) -> Option<Duration> {
    u64::try_from(interval).ok().filter(|s| *s > 0).map(Duration::from_secs)
}

fn pool(min: u32, max: u32, priority: u32) -> Arc<Pool> {
    Arc::new(Pool { min: min.into(), max: max.into(), priority: priority.into() })
}

async fn serve(
    options: &Options,
    config: &Config,
    paths: &Paths,
    log: &Log,
    shards: Arc<Shards>,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Handle::current();
    let events = Arc::new(EventBus::default());
    let loaded = drivers::load(paths, config, events.clone()).map_err(std::io::Error::other)?;
    let api = Server::new(
        ServerConfig {
            name: "libvirtd".into(),
            max_clients: config.max_clients,
            max_anonymous: config.max_anonymous_clients,
            max_requests: config.max_client_requests,
            keepalive_interval: keepalive(config.keepalive_interval),
            keepalive_count: config.keepalive_count,
            privileged: paths.privileged,
        },
        loaded.drivers,
        Some(drivers::open),
        shards.clone(),
        events.clone(),
        runtime.clone(),
    );
    let stop = Arc::new(Notify::new());
    let timeout = Arc::new(AtomicU32::new(options.timeout.unwrap_or(0)));
    let administration = Arc::new(Administration::new(log.clone(), stop.clone(), timeout.clone()));
    let admin = Server::new(
        ServerConfig {
            name: "admin".into(),
            max_clients: config.admin_max_clients,
            max_anonymous: config.admin_max_clients,
            max_requests: config.admin_max_client_requests,
            keepalive_interval: keepalive(config.admin_keepalive_interval),
            keepalive_count: config.admin_keepalive_count,
            privileged: paths.privileged,
        },
        Drivers { admin: Some(administration.clone()), ..Drivers::default() },
        None,
        shards,
        events,
        runtime,
    );
    administration.set_servers(vec![
        Served { server: admin.clone(), pool: pool(config.admin_min_workers, config.admin_max_workers, 0) },
        Served {
            server: api.clone(),
            pool: pool(config.min_workers, config.max_workers, config.prio_workers),
        },
    ]);

    let sockets = match activation::inherited()? {
        inherited if !inherited.is_empty() => inherited,
        _ => sockets::bind(paths, config)?,
    };
    for socket in &sockets {
        let server = if socket.kind == Kind::Admin { &admin } else { &api };
        let listener = Listener::new(socket.fd.try_clone()?, server.clone(), socket.kind == Kind::ReadOnly);
        tokio::spawn(listener.run());
    }
    activation::notify("READY=1");
    tokio::spawn(keep_small());
    wait_for_end(&timeout, &api, &stop, &loaded.reload).await?;
    activation::notify("STOPPING=1");
    sockets::remove(&sockets);
    api.disconnect_all();
    admin.disconnect_all();
    Ok(())
}

/// Gives memory back whenever the daemon has become quiet.
async fn keep_small() {
    let mut footprint = Footprint::default();
    loop {
        let pause = footprint.look();
        tokio::time::sleep(pause).await;
    }
}

/// Waits for a signal, a request to stop, or for nobody being there for the time that was set.
async fn wait_for_end(
    timeout: &AtomicU32,
    api: &Server,
    stop: &Notify,
    reload: &drivers::Reload,
) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut idle = 0;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            () = stop.notified() => return Ok(()),
            _ = hangup.recv() => {
                tracing::info!("what the host may have lost is made anew; definitions are read when they change");
                let reload = Arc::clone(reload);
                drop(tokio::task::spawn_blocking(move || reload()));
            }
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                idle = if api.client_count() == 0 { idle + 1 } else { 0 };
                let limit = timeout.load(Ordering::Relaxed);
                if limit > 0 && idle >= limit {
                    return Ok(());
                }
            }
        }
    }
}
