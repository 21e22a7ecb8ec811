//! The HTTP of one end-point.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use hyper::ext::ReasonPhrase;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderValue, SERVER};
use secrecy::{ExposeSecret, SecretString};

use super::authorization::Shown;
use super::call::Call;
use super::classify::{self, Refusal};
use super::error::{self, Failure, SetupError};
use super::observer::Observer;
use super::trust::{self, CertificateState, SystemRoots};
use crate::config::{self, Origin, Product};

/// A TLS handshake may have to wait for a worker that computes; pveproxy has three.
const CONNECT_TIME_OUT: Duration = Duration::from_secs(5);
/// pveproxy closes idle connections after 5 s: one that it closes while we send costs a call.
const PVE_IDLE: Duration = Duration::from_secs(4);
/// PBS keeps them longer than a minute, and a handshake with it costs 6 ms.
const PBS_IDLE: Duration = Duration::from_secs(65);
/// Bodies of errors are short; more of one is not read.
const ERROR_BODY: usize = 16 << 10;
/// Nor of the answer to a login.
const LOGIN_BODY: usize = 64 << 10;

pub(super) struct Transport {
    pub(super) address: Arc<str>,
    product: Product,
    origin: Origin,
    /// Up to `/api2/json`.
    base: String,
    http: reqwest::Client,
    /// Bytes of each call's last good answer: room for the next one, which else grows by copying.
    lengths: Mutex<HashMap<&'static str, usize>>,
    /// The last certificate that was judged.
    certificate: Arc<Mutex<Option<CertificateState>>>,
}

/// A good answer, as one end-point gave it.
pub(super) struct Reply {
    pub(super) body: Bytes,
    pub(super) date: Option<i64>,
    pub(super) sent_at: SystemTime,
}

impl Transport {
    pub(super) fn new(
        index: usize,
        config: &config::Remote,
        endpoint: &config::Endpoint,
        roots: &SystemRoots,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, SetupError> {
        let remote = || config.name.clone();
        let address: Arc<str> = Arc::from(endpoint.address());
        let certificate = Arc::new(Mutex::new(None));
        let witness = {
            let last = Arc::clone(&certificate);
            let (remote, address) = (remote(), Arc::clone(&address));
            let origin = config.origin.clone();
            Box::new(move |state: &CertificateState| {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if !state.verdict.is_accepted() && last.as_ref() != Some(state) {
                    tracing::error!(
                        remote,
                        %address,
                        presented = %state.certificate.fingerprint,
                        expected = state.expected.map(|pin| pin.to_string()),
                        "the certificate is not trusted, no secret is sent; {}",
                        error::remedy(state, &origin)
                            .replace("REMOTE", &remote)
                            .replace("ADDRESS", &address)
                    );
                }
                *last = Some(state.clone());
                observer.certificate_seen(index, state);
            })
        };
        let tls = trust::client_config(roots, config.ca.as_ref(), endpoint.fingerprint, witness)
            .map_err(|source| SetupError::Tls {
                remote: remote(),
                source,
            })?;
        let idle = match config.product {
            Product::Pve => PVE_IDLE,
            Product::Pbs => PBS_IDLE,
        };
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIME_OUT.min(config.timeout))
            .pool_idle_timeout(idle)
            .pool_max_idle_per_host(config.max_in_flight)
            .user_agent(concat!("proxfleet/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|source| SetupError::Http {
                remote: remote(),
                source,
            })?;

        let base = format!("https://{address}/api2/json");
        if base.parse::<reqwest::Url>().is_err() {
            return Err(SetupError::Address {
                remote: remote(),
                address: address.to_string(),
            });
        }
        Ok(Self {
            address,
            product: config.product,
            origin: config.origin.clone(),
            base,
            http,
            lengths: Mutex::default(),
            certificate,
        })
    }

    pub(super) async fn get(
        &self,
        call: &Call,
        shown: &Shown,
        time_out: Duration,
    ) -> Result<Reply, Failure> {
        let deadline = Instant::now() + time_out;
        match self.get_once(call, shown, time_out).await {
            // The server closed a kept connection while we were sending on it: nobody has
            // worked on the call, and a new connection will do.
            Err(Unsent::Stale) => {
                let left = deadline.saturating_duration_since(Instant::now());
                self.get_once(call, shown, left)
                    .await
                    .map_err(|unsent| unsent.into_failure())
            }
            result => result.map_err(|unsent| unsent.into_failure()),
        }
    }

    async fn get_once(
        &self,
        call: &Call,
        shown: &Shown,
        time_out: Duration,
    ) -> Result<Reply, Unsent> {
        let sent_at = SystemTime::now();
        let sent = self
            .http
            .get(format!("{}{}", self.base, call.path))
            .header(&shown.name, shown.value.clone())
            .timeout(time_out)
            .send()
            .await;
        let mut response = sent.map_err(|error| self.unsent(&error, time_out))?;
        let date = response.headers().get(DATE).and_then(unix_seconds);
        if !response.status().is_success() {
            let failure = self
                .refusal(response, shown.kind, call.node.as_deref(), time_out)
                .await;
            return Err(Unsent::No(failure));
        }
        let room = self.lengths().get(call.name).copied().unwrap_or_default();
        let room = BytesMut::with_capacity((room + room / 16).min(call.body_limit));
        let body = read(&mut response, room, call.body_limit, time_out).await?;
        self.lengths().insert(call.name, body.len());
        Ok(Reply {
            body,
            date,
            sent_at,
        })
    }

    /// Posts the form of a login, once: where the answer is lost, the password may have been seen.
    pub(super) async fn log_in(
        &self,
        path: &str,
        form: SecretString,
        time_out: Duration,
    ) -> Result<Bytes, Failure> {
        let sent = self
            .http
            .post(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.expose_secret().to_owned())
            .timeout(time_out)
            .send()
            .await;
        let mut response = sent.map_err(|error| self.unsent(&error, time_out).into_failure())?;
        if !response.status().is_success() {
            return Err(self.refusal(response, "password", None, time_out).await);
        }
        read(&mut response, BytesMut::new(), LOGIN_BODY, time_out)
            .await
            .map_err(Unsent::into_failure)
    }

    /// What an answer other than 2xx means.
    async fn refusal(
        &self,
        mut response: reqwest::Response,
        shown: &'static str,
        node: Option<&str>,
        time_out: Duration,
    ) -> Failure {
        let status = response.status();
        let reason = response
            .extensions()
            .get::<ReasonPhrase>()
            .map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned())
            .or_else(|| status.canonical_reason().map(str::to_owned))
            .unwrap_or_default();
        let server = header(response.headers(), &SERVER);
        // The status says enough where the body cannot be read.
        let body = read(&mut response, BytesMut::new(), ERROR_BODY, time_out)
            .await
            .unwrap_or_default();
        classify::failure(&Refusal {
            product: self.product,
            status: status.as_u16(),
            reason: &reason,
            body: &String::from_utf8_lossy(&body),
            server: &server,
            node,
            shown,
        })
    }

    fn lengths(&self) -> MutexGuard<'_, HashMap<&'static str, usize>> {
        self.lengths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unsent(&self, error: &reqwest::Error, time_out: Duration) -> Unsent {
        if error.is_connect() && is_distrust(error) {
            let last = self
                .certificate
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(state) = last.as_ref() {
                return Unsent::No(Failure::Certificate {
                    state: Box::new(state.clone()),
                    origin: self.origin.clone(),
                });
            }
        }
        if error.is_connect() {
            return Unsent::No(Failure::Connect(root_cause(error)));
        }
        if error.is_timeout() {
            return Unsent::No(Failure::TimedOut(time_out));
        }
        if chain(error).any(|cause| {
            cause
                .downcast_ref::<hyper::Error>()
                .is_some_and(hyper::Error::is_incomplete_message)
        }) {
            return Unsent::Stale;
        }
        Unsent::No(Failure::Broken(root_cause(error)))
    }
}

/// Why there is no good answer.
enum Unsent {
    /// The connection was closed by the server before it answered anything.
    Stale,
    No(Failure),
}

impl Unsent {
    fn into_failure(self) -> Failure {
        match self {
            Self::Stale => Failure::Broken("it was closed before an answer".to_owned()),
            Self::No(failure) => failure,
        }
    }
}

async fn read(
    response: &mut reqwest::Response,
    mut body: BytesMut,
    limit: usize,
    time_out: Duration,
) -> Result<Bytes, Unsent> {
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => {
                return Err(Unsent::No(Failure::TooLong(limit)));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body.freeze()),
            Err(error) if error.is_timeout() => {
                return Err(Unsent::No(Failure::TimedOut(time_out)));
            }
            Err(error) => return Err(Unsent::No(Failure::Broken(root_cause(&error)))),
        }
    }
}

fn header(headers: &HeaderMap, name: &reqwest::header::HeaderName) -> String {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

fn unix_seconds(date: &HeaderValue) -> Option<i64> {
    let date = httpdate::parse_http_date(date.to_str().ok()?).ok()?;
    i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

/// Their clock minus ours, where the answer came between these times.
pub(super) fn clock_difference(date: i64, sent: SystemTime, received: SystemTime) -> Option<f64> {
    let seconds = |time: SystemTime| Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs_f64());
    let ours = f64::midpoint(seconds(sent)?, seconds(received)?);
    // The header has whole seconds: on average half a second has passed since.
    Some(date as f64 + 0.5 - ours)
}

fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| StdError::source(*error))
}

/// Whether the handshake failed because we did not trust the certificate.
fn is_distrust(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(|cause| {
        // What an io::Error was made of is not among its sources, and may be one itself.
        let inner = std::iter::successors(Some(cause), |cause| {
            let inner = cause.downcast_ref::<io::Error>()?.get_ref()?;
            Some(inner as &(dyn StdError + 'static))
        });
        inner.into_iter().any(|cause| {
            matches!(
                cause.downcast_ref(),
                Some(rustls::Error::InvalidCertificate(_))
            )
        })
    })
}

/// What is at the bottom; what stands above it repeats the address.
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    chain(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}
