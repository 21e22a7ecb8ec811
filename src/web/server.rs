//! Listeners: TLS, time-outs, a bound on connections, and an end that lets scrapes finish.
//!
//! `axum::serve` sets no timer, so no header time-out would work under it, and a TLS handshake
//! inside its accept would hold up all other clients.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// What a listener allows its clients.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub max_connections: usize,
    pub handshake: Duration,
    /// Until the head of a request is there. It runs on connections that idle between requests
    /// too, so it is longer than the usual scrape intervals: each scrape on a new connection
    /// would cost a handshake.
    pub header: Duration,
    /// For requests under way when the program is told to stop.
    pub drain: Duration,
}

impl Limits {
    pub fn new(max_connections: usize) -> Self {
        Self {
            max_connections,
            handshake: Duration::from_secs(5),
            header: Duration::from_secs(75),
            drain: Duration::from_secs(30),
        }
    }
}

/// Our own certificate; empty for plain HTTP. It may change while the listener runs.
pub type OwnCertificate = Arc<ArcSwapOption<ServerConfig>>;

#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct ListenError {
    pub address: SocketAddr,
    source: io::Error,
}

/// Opens a listener on each address.
pub async fn listen(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for address in addresses {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| ListenError {
                address: *address,
                source,
            })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Serves until `stop`, then lets the requests under way finish.
pub async fn serve(
    listeners: Vec<TcpListener>,
    router: Router,
    certificate: OwnCertificate,
    limits: Limits,
    stop: CancellationToken,
) {
    let connections = Arc::new(Semaphore::new(limits.max_connections));
    let graceful = Arc::new(GracefulShutdown::new());
    let mut accepting = tokio::task::JoinSet::new();
    for listener in listeners {
        let door = Door {
            router: router.clone(),
            certificate: Arc::clone(&certificate),
            limits,
            graceful: Arc::clone(&graceful),
        };
        accepting.spawn(accept(
            listener,
            door,
            Arc::clone(&connections),
            stop.clone(),
        ));
    }
    while accepting.join_next().await.is_some() {}
    // Every accept loop has ended, and connections hold only watchers.
    if let Ok(graceful) = Arc::try_unwrap(graceful)
        && tokio::time::timeout(limits.drain, graceful.shutdown())
            .await
            .is_err()
    {
        tracing::warn!("some requests did not finish within {:?}", limits.drain);
    }
}

struct Door {
    router: Router,
    certificate: OwnCertificate,
    limits: Limits,
    graceful: Arc<GracefulShutdown>,
}

async fn accept(
    listener: TcpListener,
    door: Door,
    connections: Arc<Semaphore>,
    stop: CancellationToken,
) {
    /// After an error of accept, which is one of resources: to let some become free.
    const PAUSE: Duration = Duration::from_millis(100);

    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // At the bound a new client is turned away at once rather than kept in a queue.
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
            tracing::debug!(
                "a connection was closed: {} are open",
                door.limits.max_connections
            );
            continue;
        };
        let watcher = door.graceful.watcher();
        let router = door.router.clone();
        let certificate = door.certificate.load_full();
        let limits = door.limits;
        tokio::spawn(async move {
            handle(stream, router, certificate, limits, watcher).await;
            drop(permit);
        });
    }
}

async fn handle(
    stream: TcpStream,
    router: Router,
    certificate: Option<Arc<ServerConfig>>,
    limits: Limits,
    watcher: hyper_util::server::graceful::Watcher,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("cannot set TCP_NODELAY: {error}");
    }
    match certificate {
        None => converse(stream, router, limits, watcher).await,
        Some(config) => {
            let accepting = TlsAcceptor::from(config).accept(stream);
            match tokio::time::timeout(limits.handshake, accepting).await {
                Ok(Ok(stream)) => converse(stream, router, limits, watcher).await,
                Ok(Err(error)) => tracing::debug!("a TLS handshake failed: {error}"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            }
        }
    }
}

async fn converse<S>(
    stream: S,
    router: Router,
    limits: Limits,
    watcher: hyper_util::server::graceful::Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!("a connection ended: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    struct Running {
        address: SocketAddr,
        stop: CancellationToken,
        serving: tokio::task::JoinHandle<()>,
    }

    async fn run(router: Router, limits: Limits) -> Running {
        let listeners = listen(&["127.0.0.1:0".parse().unwrap()]).await.unwrap();
        let address = listeners[0].local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(
            listeners,
            router,
            OwnCertificate::default(),
            limits,
            stop.clone(),
        ));
        Running {
            address,
            stop,
            serving,
        }
    }

    fn hello() -> Router {
        Router::new().route("/", get(|| async { "hello" }))
    }

    async fn closes(stream: &mut TcpStream) -> bool {
        let mut rest = Vec::new();
        let reading = stream.read_to_end(&mut rest);
        tokio::time::timeout(Duration::from_secs(10), reading)
            .await
            .is_ok()
    }

    #[tokio::test]
    async fn half_a_header_is_not_waited_for_for_ever() {
        let limits = Limits {
            header: Duration::from_millis(50),
            ..Limits::new(8)
        };
        let running = run(hello(), limits).await;
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
        assert!(closes(&mut stream).await);
        running.stop.cancel();
    }

    #[tokio::test]
    async fn connections_are_bounded() {
        let running = run(hello(), Limits::new(1)).await;
        let mut first = TcpStream::connect(running.address).await.unwrap();
        first
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = [0; 15];
        first.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        let mut second = TcpStream::connect(running.address).await.unwrap();
        assert!(closes(&mut second).await);
        running.stop.cancel();
    }

    #[tokio::test]
    async fn a_request_under_way_is_answered_before_the_end() {
        let (entered, mut has_entered) = tokio::sync::mpsc::channel(1);
        let release = Arc::new(tokio::sync::Notify::new());
        let waiting = Arc::clone(&release);
        let router = Router::new().route(
            "/",
            get(move || async move {
                entered.send(()).await.unwrap();
                waiting.notified().await;
                "late"
            }),
        );
        let running = run(router, Limits::new(8)).await;
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        has_entered.recv().await.unwrap();
        running.stop.cancel();
        release.notify_one();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("late"), "{answer}");
        tokio::time::timeout(Duration::from_secs(10), running.serving)
            .await
            .unwrap()
            .unwrap();
    }
}
