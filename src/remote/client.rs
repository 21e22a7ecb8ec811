//! The door to one remote.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Semaphore;

use super::authorization::Authorization;
use super::call::{Answer, Call};
use super::endpoints::Endpoints;
use super::error::{CallError, Context, Failure, SetupError};
use super::in_flight::InFlight;
use super::login::{Entry, Login};
use super::observer::{CallRecord, Observer};
use super::responder::{Answering, Responder};
use super::transport::{self, Reply, Transport};
use super::trust::SystemRoots;
use crate::config;

/// While another end-point is left, one is not waited for longer. A refused token is answered
/// after three seconds.
const SHARE_OF_ONE: Duration = Duration::from_secs(5);

/// Talks to one remote. Clones share everything.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    config: Arc<config::Remote>,
    name: Arc<str>,
    transports: Vec<Arc<Transport>>,
    authorization: Authorization,
    endpoints: Mutex<Endpoints>,
    /// What the last end-point that did not answer has shown.
    last_failure: Mutex<String>,
    login: Login,
    in_flight: Semaphore,
    in_flight_total: Arc<InFlight>,
    observer: Arc<dyn Observer>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("remote", &self.0.name)
            .finish_non_exhaustive()
    }
}

impl Client {
    pub fn new(
        config: Arc<config::Remote>,
        roots: Arc<SystemRoots>,
        in_flight_total: Arc<InFlight>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, SetupError> {
        let transports = config
            .endpoints
            .iter()
            .enumerate()
            .map(|(index, endpoint)| {
                Transport::new(index, &config, endpoint, &roots, Arc::clone(&observer))
                    .map(Arc::new)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self(Arc::new(Inner {
            name: Arc::from(&*config.name),
            endpoints: Mutex::new(Endpoints::new(transports.len())),
            transports,
            last_failure: Mutex::default(),
            authorization: Authorization::new(&config)?,
            login: Login::new(&config.credentials),
            in_flight: Semaphore::new(config.max_in_flight),
            in_flight_total,
            observer,
            config,
        })))
    }

    /// Asks. The wait for a turn counts into the time-out.
    async fn ask(&self, call: &Call) -> Result<Answer, CallError> {
        let inner = &*self.0;
        let context = inner.context(call.name, None);
        let entry = inner.login.enter(&context).await?;
        let time_out = call.time_out.unwrap_or(inner.config.timeout);
        let deadline = Instant::now() + time_out;

        let asking = async {
            // It is never closed.
            let _own = inner.in_flight.acquire().await;
            let _total = inner.in_flight_total.enter(call.background).await;
            inner.try_endpoints(call, deadline).await
        };
        // A little later than the end-point's own, which knows better what did not answer.
        let result = tokio::time::timeout(time_out + Duration::from_millis(250), asking)
            .await
            .unwrap_or_else(|_| Err(CallError::new(context, Failure::TimedOut(time_out))));

        match (entry, &result) {
            (Entry::Alone(alone), Ok(_)) => alone.accepted(),
            (Entry::Alone(alone), Err(error)) => match () {
                () if error.is_refusal() => alone.refused(error.clone()),
                () if error.is_answered() => alone.accepted(),
                () => alone.unanswered(error.clone()),
            },
            (Entry::Free, Err(error)) if error.is_refusal() => inner.login.refused(),
            (Entry::Free, _) => {}
        }
        result
    }
}

impl Responder for Client {
    fn get<'a>(&'a self, call: &'a Call) -> Answering<'a> {
        Box::pin(self.ask(call))
    }

    fn context(&self, call: &'static str, endpoint: Option<usize>) -> Context {
        self.0.context(call, endpoint)
    }

    fn endpoints(&self) -> usize {
        self.0.transports.len()
    }

    fn prefer(&self, endpoint: usize) {
        self.0.endpoints().prefer(endpoint);
    }

    fn reconsider(&self) {
        self.0.login.reset();
        self.0.authorization.reconsider();
    }
}

impl Inner {
    async fn try_endpoints(&self, call: &Call, deadline: Instant) -> Result<Answer, CallError> {
        let candidates = match call.endpoint {
            Some(only) => Vec::from_iter(
                self.endpoints()
                    .may_ask(only, Instant::now())
                    .then_some(only),
            ),
            None => self.endpoints().candidates(Instant::now()),
        };
        let mut last = None;
        let count = candidates.len();
        for (position, index) in candidates.into_iter().enumerate() {
            let Some(transport) = self.transports.get(index) else {
                continue;
            };
            let mut left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            if position + 1 < count && call.time_out.is_none() {
                left = left.min(SHARE_OF_ONE);
            }
            match self.attempt(index, transport, call, left).await {
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_answered() || call.endpoint.is_some() => return Err(error),
                // It was the call that was slow: another end-point would be no faster.
                Err(error) if call.time_out.is_some() && is_time_out(&error) => return Err(error),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| {
            let last = self
                .last_failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            CallError::new(self.context(call.name, None), Failure::BackOff(last))
        }))
    }

    async fn attempt(
        &self,
        index: usize,
        transport: &Arc<Transport>,
        call: &Call,
        time_out: Duration,
    ) -> Result<Answer, CallError> {
        let asking = Asking::begin(self, index);
        let started = Instant::now();
        let result = self.get(index, transport, call, time_out).await;
        let (elapsed, received) = (started.elapsed(), SystemTime::now());

        let result = match result {
            Ok(reply) => {
                self.observe(
                    index,
                    call,
                    super::outcome::Outcome::Ok,
                    elapsed,
                    reply.date.and_then(|date| {
                        transport::clock_difference(date, reply.sent_at, received)
                    }),
                );
                Ok(Answer {
                    body: reply.body,
                    endpoint: index,
                    date: reply.date,
                    received_at: received,
                    elapsed,
                })
            }
            Err(failure) => {
                let error = CallError::new(self.context(call.name, Some(index)), failure);
                self.observe(index, call, error.outcome(), elapsed, None);
                Err(error)
            }
        };
        match &result {
            Ok(_) => asking.answered(call.endpoint.is_none()),
            Err(error) if error.is_answered() => asking.answered(false),
            // It may have been another node that was slow, or a call that is.
            Err(error) if call.time_out.is_some() && is_time_out(error) => asking.given_up(),
            Err(error) => asking.failed(error),
        }
        result
    }

    /// Asks with what the credentials bring, and once more where that has come to its end.
    async fn get(
        &self,
        index: usize,
        transport: &Arc<Transport>,
        call: &Call,
        time_out: Duration,
    ) -> Result<Reply, Failure> {
        let deadline = Instant::now() + time_out;
        let left = || deadline.saturating_duration_since(Instant::now());
        let shown = self.authorization.show(index, transport, left()).await?;
        match transport.get(call, &shown, left()).await {
            Err(Failure::Unauthorised { .. }) if self.authorization.renews(&shown) => {
                let shown = self.authorization.show(index, transport, left()).await?;
                transport.get(call, &shown, left()).await
            }
            result => result,
        }
    }

    fn observe(
        &self,
        endpoint: usize,
        call: &Call,
        outcome: super::outcome::Outcome,
        elapsed: Duration,
        clock_difference: Option<f64>,
    ) {
        self.observer.call_finished(&CallRecord {
            product: self.config.product,
            endpoint,
            call: call.name,
            outcome,
            elapsed,
            clock_difference,
        });
    }

    fn context(&self, call: &'static str, endpoint: Option<usize>) -> Context {
        Context {
            remote: Arc::clone(&self.name),
            product: self.config.product,
            call,
            address: endpoint
                .and_then(|index| self.transports.get(index))
                .map(|transport| Arc::clone(&transport.address)),
        }
    }

    fn endpoints(&self) -> MutexGuard<'_, Endpoints> {
        self.endpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_time_out(error: &CallError) -> bool {
    matches!(error.failure(), Failure::TimedOut(_))
}

/// An end-point that is being asked. Dropped without a word, it was given up.
struct Asking<'a> {
    inner: &'a Inner,
    index: usize,
}

impl<'a> Asking<'a> {
    fn begin(inner: &'a Inner, index: usize) -> Self {
        inner.endpoints().asking(index);
        Self { inner, index }
    }

    fn answered(self, prefer: bool) {
        if self.inner.endpoints().answered(self.index, prefer) {
            self.log_change(None);
        }
    }

    fn failed(self, error: &CallError) {
        *self
            .inner
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = error.failure().to_string();
        if self
            .inner
            .endpoints()
            .failed(self.index, Instant::now(), fastrand::f64())
        {
            self.log_change(Some(error));
        }
    }

    fn given_up(self) {}

    /// Of a remote with one end-point the log tells anyway.
    fn log_change(&self, error: Option<&CallError>) {
        if self.inner.transports.len() < 2 {
            return;
        }
        let (remote, index) = (&self.inner.name, self.index);
        let address = self
            .inner
            .transports
            .get(index)
            .map(|transport| &*transport.address);
        match error {
            Some(error) => {
                tracing::warn!(%remote, address, "{error}; the other end-points are asked");
            }
            None => tracing::info!(%remote, address, "the end-point answers again"),
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.inner.endpoints().given_up(self.index);
    }
}
