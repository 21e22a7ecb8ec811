//! Connections: TLS, keep-alive, and the faults that are below HTTP.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::request::Reader;
use super::response::{Then, render};
use super::{Answer, Request};
use crate::clock::http_date;
use crate::lock;
use crate::remote::{Product, Reaction, RemoteState};

/// pveproxy closes a connection after this long without a request, and after this many requests.
const PVE_IDLE: Duration = Duration::from_secs(5);
const PVE_REQUESTS: usize = 100;
/// How often a port that another process took meanwhile is asked for again.
const REBIND: Duration = Duration::from_millis(50);

/// Serves one endpoint until `stop`; while the endpoint refuses, its port is closed.
pub(crate) async fn serve(
    remote: Arc<RemoteState>,
    endpoint: usize,
    listener: TcpListener,
    stop: CancellationToken,
) {
    let Ok(address) = listener.local_addr() else {
        return;
    };
    let mut listener = Some(listener);
    let mut faults = remote.faults.subscribe();
    loop {
        if remote.refuses(endpoint) {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind(address).await.ok();
            if listener.is_none() {
                sleep(REBIND).await;
                continue;
            }
        }
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            _ = faults.changed() => {}
            accepted = accepted => if let Ok((stream, _)) = accepted {
                let (remote, stop) = (Arc::clone(&remote), stop.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        _ = connection(&remote, endpoint, stream) => {}
                    }
                });
            }
        }
    }
}

async fn connection(remote: &Arc<RemoteState>, endpoint: usize, stream: TcpStream) -> Option<()> {
    let state = remote.endpoints.get(endpoint)?;
    if remote.refuses(endpoint) {
        return None;
    }
    state.counters.connections.fetch_add(1, Ordering::Relaxed);
    stream.set_nodelay(true).ok()?;
    hold(remote, endpoint).await?;
    let mut first = [0];
    stream.peek(&mut first).await.ok()?;
    // A TLS record of a handshake starts with 22; everything else is taken for plain HTTP.
    if first != [22] {
        return redirect(remote, endpoint, stream).await;
    }
    let acceptor = TlsAcceptor::from(Arc::clone(&remote.identity(endpoint)?.tls));
    let mut stream = acceptor.accept(stream).await.ok()?;
    state.counters.handshakes.fetch_add(1, Ordering::Relaxed);
    let mut reader = Reader::default();
    for served in 1.. {
        let request = next_request(remote, endpoint, &mut reader, &mut stream).await;
        let Some(request) = request else { break };
        hold(remote, endpoint).await?;
        *lock(&state.counters.requests)
            .entry(request.call())
            .or_default() += 1;
        state
            .counters
            .authorization_bytes
            .fetch_add(request.secret_bytes(), Ordering::Relaxed);
        let under_way = remote.counters.begin();

        let (head, body, then, truncated) =
            prepare(remote, endpoint, request, served, &mut reader, &mut stream).await?;
        // A client that has the answer may send the next request at once, which is no concurrency.
        drop(under_way);
        stream.write_all(&head).await.ok()?;
        if truncated {
            stream.write_all(body.get(..body.len() / 2)?).await.ok()?;
            stream.flush().await.ok()?;
            // No close_notify: the connection just ends.
            return None;
        }
        stream.write_all(&body).await.ok()?;
        stream.flush().await.ok()?;
        if then == Then::Close {
            break;
        }
    }
    stream.shutdown().await.ok()
}

/// The answer as bytes, after the time it takes; `None` when the client went away meanwhile.
async fn prepare(
    remote: &Arc<RemoteState>,
    endpoint: usize,
    request: Request,
    served: usize,
    reader: &mut Reader,
    stream: &mut (impl AsyncRead + Unpin),
) -> Option<(Vec<u8>, bytes::Bytes, Then, bool)> {
    let work = Arc::clone(remote);
    let product = remote.product();
    let mut faults = remote.faults.subscribe();
    loop {
        let (work, request) = (Arc::clone(&work), request.clone());
        // Rendering 50,000 guests takes long enough to hold up the other endpoints of the process.
        let (answer, truncated, rendered) = tokio::task::spawn_blocking(move || {
            let (answer, truncated) = match work.react(endpoint, &request) {
                Reaction::Answer(answer) => (answer, false),
                Reaction::Truncated(answer) => (answer, true),
                Reaction::Never => return None,
            };
            let then = then(product, &answer, &request, served);
            let (head, body) = render(
                product,
                &answer,
                &request,
                work.endpoint_time(endpoint),
                then,
            );
            Some((answer, truncated, (head, body, then)))
        })
        .await
        .ok()?
        .map_or((None, false, None), |(answer, truncated, rendered)| {
            (Some(answer), truncated, Some(rendered))
        });
        match (answer, rendered) {
            (Some(answer), Some((head, body, then))) => {
                tokio::select! {
                    () = sleep(answer.delay) => return Some((head, body, then, truncated)),
                    () = gone(reader, stream) => return None,
                }
            }
            // The call hangs until the client gives up or the fault is taken away.
            _ => tokio::select! {
                changed = faults.changed() => changed.ok()?,
                () = gone(reader, stream) => return None,
            },
        }
    }
}

fn then(product: Product, answer: &Answer, request: &Request, served: usize) -> Then {
    let pve_closes = product == Product::Pve && (answer.status >= 400 || served >= PVE_REQUESTS);
    if request.close || pve_closes {
        Then::Close
    } else {
        Then::KeepAlive
    }
}

async fn next_request(
    remote: &RemoteState,
    endpoint: usize,
    reader: &mut Reader,
    stream: &mut (impl AsyncRead + Unpin),
) -> Option<Request> {
    let mut faults = remote.faults.subscribe();
    let idle = async {
        match remote.product() {
            Product::Pve => sleep(PVE_IDLE).await,
            Product::Pbs => std::future::pending().await,
        }
    };
    tokio::pin!(idle);
    loop {
        tokio::select! {
            request = reader.next(stream) => return request,
            () = &mut idle => return None,
            changed = faults.changed() => {
                changed.ok()?;
                if remote.refuses(endpoint) {
                    return None;
                }
            }
        }
    }
}

/// Waits while the endpoint hangs.
async fn hold(remote: &RemoteState, endpoint: usize) -> Option<()> {
    let mut faults = remote.faults.subscribe();
    while remote.hangs(endpoint) {
        faults.changed().await.ok()?;
    }
    (!remote.refuses(endpoint)).then_some(())
}

/// Resolves when the client closes the connection.
async fn gone(reader: &mut Reader, stream: &mut (impl AsyncRead + Unpin)) {
    while reader.fill(stream).await {}
}

/// Plain HTTP on the TLS port: 301 to https. PBS drops the path.
async fn redirect(remote: &RemoteState, endpoint: usize, mut stream: TcpStream) -> Option<()> {
    let mut reader = Reader::default();
    let request = timeout(PVE_IDLE, reader.next(&mut stream)).await.ok()??;
    let date = http_date(remote.endpoint_time(endpoint));
    let answer = match remote.product() {
        Product::Pve => format!(
            "HTTP/1.1 301 Moved Permanently\r\nCache-Control: max-age=0\r\nConnection: Keep-Alive\r\nDate: {date}\r\n\
             Pragma: no-cache\r\nLocation: https://{}{}\r\nServer: pve-api-daemon/3.0\r\nContent-Length: 17\r\n\
             Expires: {date}\r\n\r\nMoved Permanently",
            request.host, request.target
        ),
        Product::Pbs => format!(
            "HTTP/1.1 301 Moved Permanently\r\nlocation: https://{}\r\ncontent-length: 0\r\ndate: {date}\r\n\r\n",
            request.host
        ),
    };
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}
