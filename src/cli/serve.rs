//! `proxfleet serve`: the fleet of a configuration, until SIGTERM.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{ConfigFile, Verdict, logging, say};
use crate::collect;
use crate::config::{self, Config};
use crate::fleet::Fleet;
use crate::fleet::telemetry::Telemetry;
use crate::remote::trust::SystemRoots;
use crate::web::server::{self, Limits, OwnCertificate};
use crate::web::{self, App};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    logging: logging::LogArguments,
}

pub(super) async fn serve(arguments: Arguments) -> Verdict {
    if let Err(problem) = logging::start(&arguments.logging) {
        say(&format!("error: {problem}"));
        return Verdict::Failed;
    }
    let path = arguments.config.path;
    serve_from(Box::new(move || load(&path))).await
}

/// Where a configuration comes from, at the start and whenever it is to be read again. The error
/// is the report of all that is wrong.
pub(super) type Origin = Box<dyn Fn() -> Result<Config, String> + Send + Sync>;

/// Serves what an origin has, until the process is told to stop.
pub(super) async fn serve_from(origin: Origin) -> Verdict {
    let config = match origin() {
        Ok(config) => config,
        Err(report) => {
            say(&report);
            return Verdict::Failed;
        }
    };
    let listeners = match server::listen(&config.server.listen).await {
        Ok(listeners) => listeners,
        Err(error) => {
            say(&format!("error: {error}"));
            return Verdict::Failed;
        }
    };
    match run(config, listeners, Some(origin)).await {
        Ok(()) => Verdict::Good,
        Err(report) => {
            say(&format!("error: {report}"));
            Verdict::Failed
        }
    }
}

/// Reads a configuration. Warnings are logged; errors are the report, all of them.
fn load(path: &Path) -> Result<Config, String> {
    let loaded = config::load(path, &collect::configuration_keys());
    let mut report = String::new();
    for finding in &loaded.findings {
        if loaded.config.is_some() {
            tracing::warn!("{finding}");
        } else {
            report.push_str(&format!("{finding}\n"));
        }
    }
    loaded.config.ok_or(report)
}

/// Serves a configuration on listeners that are open, until the process is told to stop. With an
/// origin it is read again at SIGHUP and where the web asks for it.
pub(super) async fn run(
    config: Config,
    listeners: Vec<TcpListener>,
    origin: Option<Origin>,
) -> Result<(), String> {
    tracing::info!("proxfleet {} starts", env!("CARGO_PKG_VERSION"));
    let telemetry = Arc::new(Telemetry::new());
    let fleet = Arc::new(Fleet::new(
        Arc::clone(&telemetry),
        Arc::new(SystemRoots::load()),
    ));
    let certificate = OwnCertificate::default();
    certificate.store(own_certificate(&config)?);
    fleet.apply(&config).map_err(|error| error.to_string())?;
    telemetry.configuration_read(true);

    let (reload, reloads) = mpsc::channel(1);
    let app = App::new(Arc::clone(&fleet), config.clone(), reload);
    let stop = CancellationToken::new();
    let limits = Limits::new(config.server.max_connections);
    for listener in &listeners {
        if let Ok(address) = listener.local_addr() {
            tracing::info!(remotes = config.remotes.len(), "listening on {address}");
        }
    }
    let serving = tokio::spawn(server::serve(
        listeners,
        web::router(Arc::clone(&app)),
        Arc::clone(&certificate),
        limits,
        stop.clone(),
    ));

    let reloader = Reloader {
        origin,
        app,
        certificate,
    };
    let signals = Signals::open().map_err(|error| format!("cannot listen for signals: {error}"))?;
    reloader.wait_for_the_end(signals, reloads).await;
    tracing::info!("stopping: scrapes under way are finished first");
    stop.cancel();
    let ended = serving.await;
    fleet.stop();
    ended.map_err(|error| format!("the listener failed: {error}"))
}

fn own_certificate(config: &Config) -> Result<Option<Arc<rustls::ServerConfig>>, String> {
    match &config.server.tls {
        None => Ok(None),
        Some(tls) => web::certificate::load(tls)
            .map(Some)
            .map_err(|error| error.to_string()),
    }
}

struct Signals {
    hang_up: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn open() -> std::io::Result<Self> {
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

struct Reloader {
    origin: Option<Origin>,
    app: Arc<App>,
    certificate: OwnCertificate,
}

impl Reloader {
    async fn wait_for_the_end(
        &self,
        mut signals: Signals,
        mut requests: mpsc::Receiver<oneshot::Sender<Result<(), String>>>,
    ) {
        loop {
            let request = tokio::select! {
                _ = signals.terminate.recv() => return,
                _ = signals.interrupt.recv() => return,
                _ = signals.hang_up.recv() => None,
                request = requests.recv() => request,
            };
            let result = self.reload();
            if let Some(request) = request {
                // Whoever asked may have gone; the log has it all the same.
                let _gone = request.send(result);
            }
        }
    }

    /// Brings a changed configuration into force, whole or not at all.
    fn reload(&self) -> Result<(), String> {
        let result = self.try_reload();
        self.app
            .fleet
            .telemetry()
            .configuration_read(result.is_ok());
        match &result {
            Ok(()) => tracing::info!("the configuration was reloaded"),
            Err(report) => {
                tracing::error!(
                    "the configuration was not reloaded, the running one stays in force:\n{report}"
                );
            }
        }
        result
    }

    fn try_reload(&self) -> Result<(), String> {
        let origin = self
            .origin
            .as_ref()
            .ok_or("this configuration was not read from a file")?;
        let config = origin()?;
        let certificate = own_certificate(&config)?;
        self.app
            .fleet
            .apply(&config)
            .map_err(|error| error.to_string())?;
        self.certificate.store(certificate);
        let config = Arc::new(config);
        let old = self.app.config.swap(Arc::clone(&config));
        if old.server.listen != config.server.listen
            || old.server.max_connections != config.server.max_connections
        {
            tracing::warn!("[server] listen and max_connections change with the next restart only");
        }
        Ok(())
    }
}
