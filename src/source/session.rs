//! The conversation with one remote: what was learned of it that decides what it may be asked.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::Notify;

use super::json::Unreadable;
use super::permissions::{self, PERMISSIONS_CALL, Permissions};
use super::topology::Topology;
use super::{Access, ApiCall, Privilege};
use crate::config::{self, GuestFilter, Product};
use crate::remote::call::{Answer, Call};
use crate::remote::error::{CallError, Failure};
use crate::remote::outcome::Outcome;
use crate::remote::pace::Pace;
use crate::remote::percent;
use crate::remote::responder::Responder;
use crate::remote::version::Version;

/// How long a call that the token may not make, or the server does not know, is not made again.
const REFUSED_FOR: Duration = Duration::from_secs(3600);

/// Above this size a body is parsed where it does not hold up other tasks.
const LARGE_BODY: usize = 256 * 1024;

/// pveproxy and pvedaemon have three workers each: one is left for whoever waits.
const BACKGROUND_IN_FLIGHT: usize = 2;

/// How long a list of rights is believed.
const RIGHTS_LAST: Duration = Duration::from_secs(3600);
/// How long it is not asked for again when it was not to be had.
const RIGHTS_RETRY: Duration = Duration::from_secs(60);

/// What one remote is asked through, by a scrape or in the background. Copies share what was
/// learned.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
    background: bool,
}

struct Inner {
    responder: Box<dyn Responder>,
    product: Product,
    filter: GuestFilter,
    version: ArcSwapOption<Version>,
    topology: ArcSwap<Topology>,
    topology_changed: Notify,
    pace: Mutex<Pace>,
    rights: tokio::sync::Mutex<Option<Rights>>,
    refusals: Mutex<HashMap<String, Refusal>>,
}

/// What the token may; `None` where that was not to be had.
struct Rights {
    since: Instant,
    permissions: Option<Arc<Permissions>>,
}

struct Refusal {
    since: Instant,
    error: CallError,
}

/// One use of an [`ApiCall`].
#[derive(Debug)]
pub struct Request<'a> {
    call: &'static ApiCall,
    node: Option<&'a str>,
    fills: Vec<(&'static str, String)>,
    query: Vec<(&'static str, String)>,
    endpoint: Option<usize>,
    time_out: Option<Duration>,
}

impl<'a> Request<'a> {
    pub fn of(call: &'static ApiCall) -> Self {
        Self {
            call,
            node: None,
            fills: Vec::new(),
            query: Vec::new(),
            endpoint: None,
            time_out: None,
        }
    }

    pub fn call(&self) -> &'static ApiCall {
        self.call
    }

    /// Fills `{node}`, and says that PVE must pass the call on to that node.
    pub fn node(mut self, node: &'a str) -> Self {
        self.node = Some(node);
        self
    }

    /// Fills another placeholder.
    pub fn fill(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.fills.push((name, value.to_string()));
        self
    }

    /// Adds a parameter. One that the remote's version does not know is not sent.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Asks only this end-point.
    pub fn at(mut self, endpoint: Option<usize>) -> Self {
        self.endpoint = endpoint;
        self
    }

    /// Waits longer or shorter than is set for the remote.
    pub fn time_out(mut self, time_out: Duration) -> Self {
        self.time_out = Some(time_out);
        self
    }

    fn path(&self, version: Option<Version>) -> String {
        let mut path = self.filled(self.call.path);
        let mut separator = '?';
        for (name, value) in &self.query {
            if self.knows(name, version) {
                path.push(separator);
                path.push_str(name);
                path.push('=');
                percent::encode(value, &mut path);
                separator = '&';
            }
        }
        path
    }

    /// A template with its placeholders filled in.
    fn filled(&self, template: &str) -> String {
        let mut path = String::with_capacity(template.len() + 32);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            path.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let fill = self.fills.iter().find(|(known, _)| *known == name);
            let value = match fill {
                Some((_, value)) => value,
                None if name == "node" => self.node.unwrap_or_default(),
                None => "",
            };
            percent::encode(value, &mut path);
            rest = after;
        }
        path.push_str(rest);
        path
    }

    /// What a refusal is about: the path, and the namespace, which has rights of its own. Other
    /// parameters say how much is asked for.
    fn subject(&self) -> String {
        let mut subject = self.filled(self.call.path);
        if let Some((_, namespace)) = self.query.iter().find(|(name, _)| *name == "ns") {
            subject.push('?');
            subject.push_str(namespace);
        }
        subject
    }

    fn knows(&self, name: &str, version: Option<Version>) -> bool {
        self.call
            .parameters
            .iter()
            .find(|parameter| parameter.name == name)
            .is_none_or(|parameter| version.is_some_and(|version| version >= parameter.since))
    }
}

impl Session {
    /// A session for what somebody waits for, with everything but the way to ask at its default.
    pub fn new(responder: impl Responder + 'static, product: Product) -> Self {
        Self::with(responder, product, GuestFilter::default(), Pace::default())
    }

    /// A session with a configured remote.
    pub fn of_remote(responder: impl Responder + 'static, config: &config::Remote) -> Self {
        let pace = Pace::new(
            config.background_calls_per_second as f64,
            config.max_in_flight.min(BACKGROUND_IN_FLIGHT),
        );
        Self::with(responder, config.product, config.filter.clone(), pace)
    }

    fn with(
        responder: impl Responder + 'static,
        product: Product,
        filter: GuestFilter,
        pace: Pace,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                responder: Box::new(responder),
                product,
                filter,
                version: ArcSwapOption::empty(),
                topology: ArcSwap::default(),
                topology_changed: Notify::new(),
                pace: Mutex::new(pace),
                rights: tokio::sync::Mutex::default(),
                refusals: Mutex::default(),
            }),
            background: false,
        }
    }

    /// The same remote, asked gently: within its budget of calls, and nothing that the token may
    /// not know.
    pub fn in_background(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            background: true,
        }
    }

    /// Whether nobody waits for the answers.
    pub fn is_background(&self) -> bool {
        self.background
    }

    pub fn product(&self) -> Product {
        self.inner.product
    }

    /// Which guests are to be shown, and so asked about.
    pub fn filter(&self) -> &GuestFilter {
        &self.inner.filter
    }

    /// The version that the remote has told, once it has.
    pub fn version(&self) -> Option<Version> {
        self.inner.version.load().as_deref().copied()
    }

    /// Keeps the version. A new one may know calls that the old one did not: they are asked again.
    pub fn learn_version(&self, version: Version) {
        let old = self.inner.version.swap(Some(Arc::new(version)));
        if old.is_some_and(|old| *old != version) {
            self.forget_refusals();
        }
    }

    /// Whether the remote's version is known and at least this.
    pub fn is_at_least(&self, version: Version) -> bool {
        self.version().is_some_and(|own| own >= version)
    }

    /// What there is to ask about, as last seen.
    pub fn topology(&self) -> Arc<Topology> {
        self.inner.topology.load_full()
    }

    pub fn learn(&self, topology: Topology) {
        if **self.inner.topology.load() != topology {
            self.inner.topology.store(Arc::new(topology));
        }
    }

    /// Says that the value which the topology was learned with can be read, too.
    pub fn has_learned(&self) {
        self.inner.topology_changed.notify_one();
    }

    /// Waits until the topology may be another than before.
    pub async fn topology_changed(&self) {
        self.inner.topology_changed.notified().await;
    }

    /// How many attempts may be under way in the background.
    pub fn in_flight(&self) -> usize {
        self.pace().in_flight(Instant::now())
    }

    /// Calls a second that the background may make now.
    pub fn rate(&self) -> f64 {
        self.pace().rate()
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.inner
            .pace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of configured end-points.
    pub fn endpoints(&self) -> usize {
        self.inner.responder.endpoints()
    }

    /// From now on asks this end-point first.
    pub fn prefer(&self, endpoint: usize) {
        self.inner.responder.prefer(endpoint);
    }

    /// Asks. A call that was refused for good is not made again for an hour; its error stands. In
    /// the background a call waits for its turn, and is not made where it can only fail.
    pub async fn get(&self, request: Request<'_>) -> Result<Answer, CallError> {
        let (version, since) = (self.version(), request.call.since);
        if let (Some(version), Some(since)) = (version, since)
            && version < since
        {
            let why = format!("{version}, it came with {since}");
            return Err(self.error(request.call, None, Failure::NotImplemented(why)));
        }
        if self.background {
            self.check(&request).await?;
        }
        let path = request.path(version);
        let key = request.subject();
        if let Some(error) = self.refusal(&key) {
            return Err(error);
        }
        let call = Call {
            node: request.node.map(Arc::from),
            endpoint: request.endpoint,
            time_out: request.time_out,
            background: self.background,
            ..Call::get(request.call.path, path)
        };
        let result = self.ask(&call).await;
        if let Err(error) = &result
            && is_lasting(error)
        {
            let refusal = Refusal {
                since: Instant::now(),
                error: error.clone(),
            };
            self.refusals().insert(key, refusal);
        }
        result
    }

    async fn ask(&self, call: &Call) -> Result<Answer, CallError> {
        if !self.background {
            return self.inner.responder.get(call).await;
        }
        let turn = self.pace().turn(Instant::now());
        tokio::time::sleep_until(turn.into()).await;
        let asked = Instant::now();
        let result = self.inner.responder.get(call).await;
        let timed_out = result.as_ref().is_err_and(CallError::is_from_busy_node);
        let now = Instant::now();
        self.pace().answered(now, now - asked, timed_out);
        result
    }

    /// Whether a call can be answered with what is asked for: its node is online, and the token has
    /// the rights. Both products answer 200 with an empty list where it has not.
    async fn check(&self, request: &Request<'_>) -> Result<(), CallError> {
        let topology = self.topology();
        if let Some(node) = request.node
            && !topology.nodes.is_empty()
            && !topology.nodes.iter().any(|online| **online == *node)
        {
            let failure = Failure::OtherNode {
                node: node.to_owned(),
                text: "it is not online".to_owned(),
                timed_out: false,
            };
            return Err(self.error(request.call, None, failure));
        }
        let Some(permissions) = self.permissions().await else {
            return Ok(());
        };
        let holds = |privilege: &Privilege| {
            let path = request.filled(privilege.path);
            match request.call.access {
                // A part of the list is a part of the truth.
                Access::FilteredBy(_) => permissions.has_below(privilege.name, &path),
                _ => permissions.has(privilege.name, &path),
            }
        };
        match request.call.lacking(holds).first() {
            None => Ok(()),
            Some(missing) => {
                let missing = format!("{} on {}", missing.name, request.filled(missing.path));
                let failure = Failure::Forbidden(format!("{missing}; it is not asked for"));
                Err(self.error(request.call, None, failure))
            }
        }
    }

    /// What the token may, asked once an hour.
    pub async fn permissions(&self) -> Option<Arc<Permissions>> {
        let mut rights = self.inner.rights.lock().await;
        if let Some(known) = &*rights {
            let lasts = match known.permissions {
                Some(_) => RIGHTS_LAST,
                None => RIGHTS_RETRY,
            };
            if known.since.elapsed() < lasts {
                return known.permissions.clone();
            }
        }
        // Refused to nobody, so a failure is one of the remote as a whole.
        let call = Call::get(PERMISSIONS_CALL.path, PERMISSIONS_CALL.path.to_owned());
        let answer = self.inner.responder.get(&call).await.ok();
        let permissions = answer
            .and_then(|answer| permissions::parse(&String::from_utf8_lossy(&answer.body)).ok())
            .map(Arc::new);
        *rights = Some(Rights {
            since: Instant::now(),
            permissions: permissions.clone(),
        });
        permissions
    }

    fn refusal(&self, key: &str) -> Option<CallError> {
        let mut refusals = self.refusals();
        let refusal = refusals.get(key)?;
        if refusal.since.elapsed() < REFUSED_FOR {
            return Some(refusal.error.clone());
        }
        refusals.remove(key);
        None
    }

    fn refusals(&self) -> MutexGuard<'_, HashMap<String, Refusal>> {
        self.inner
            .refusals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks everything again: after a reload the operator may have granted what was missing.
    pub async fn reconsider(&self) {
        self.forget_refusals();
        *self.inner.rights.lock().await = None;
        self.inner.responder.reconsider();
    }

    fn forget_refusals(&self) {
        self.refusals().clear();
    }

    /// Parses an answer; a large one off the threads that serve connections.
    pub async fn read<T: Send + 'static>(
        &self,
        answer: &Answer,
        call: &'static ApiCall,
        parse: fn(&str) -> Result<T, Unreadable>,
    ) -> Result<T, CallError> {
        let body = answer.body.clone();
        let read = move || match std::str::from_utf8(&body) {
            Ok(text) => parse(text),
            // A name in another encoding costs its letters, not the answer.
            Err(_) => parse(&String::from_utf8_lossy(&body)),
        };
        let result = if answer.body.len() > LARGE_BODY {
            match tokio::task::spawn_blocking(read).await {
                Ok(result) => result,
                Err(_) => Err(Unreadable("reading it failed unexpectedly".to_owned())),
            }
        } else {
            read()
        };
        result.map_err(|error| {
            let failure = Failure::Unreadable(error.to_string());
            self.error(call, Some(answer.endpoint), failure)
        })
    }

    /// The error for a call that was answered with nothing because the token may see nothing:
    /// both products filter lists to what may be seen, and an empty list is then no knowledge.
    pub fn nothing_visible(
        &self,
        answer: &Answer,
        call: &'static ApiCall,
        missing: Privilege,
    ) -> CallError {
        let failure = Failure::Forbidden(format!("{missing} (the answer is empty)"));
        self.error(call, Some(answer.endpoint), failure)
    }

    /// The error for a call that is not made, or told nothing, because what it is about is not
    /// here.
    pub fn not_applicable(&self, call: &'static ApiCall, why: &str) -> CallError {
        self.error(call, None, Failure::NotApplicable(why.to_owned()))
    }

    fn error(&self, call: &ApiCall, endpoint: Option<usize>, failure: Failure) -> CallError {
        CallError::new(self.inner.responder.context(call.path, endpoint), failure)
    }
}

fn is_lasting(error: &CallError) -> bool {
    error.outcome() == Outcome::Forbidden || error.is_not_implemented()
}

#[cfg(test)]
mod tests {
    use super::*;

    static CALL: ApiCall = ApiCall::get("/nodes/{node}/storage/{store}/status").parameters(&[
        super::super::Parameter {
            name: "node-list",
            since: Version::new(9, 0, 8),
        },
    ]);

    #[test]
    fn paths_are_filled_and_encoded() {
        let request = Request::of(&CALL).node("pve1").fill("store", "a/b c\\é");
        assert_eq!(
            request.path(None),
            "/nodes/pve1/storage/a%2Fb%20c%5C%C3%A9/status"
        );
    }

    #[test]
    fn a_parameter_is_sent_only_to_versions_that_know_it() {
        let request = || {
            Request::of(&CALL)
                .node("n")
                .fill("store", "s")
                .with("history", "1")
                .with("node-list", "a,b")
        };
        let path = |version| request().path(version);
        assert_eq!(path(None), "/nodes/n/storage/s/status?history=1");
        assert_eq!(
            path(Some(Version::new(9, 0, 7))),
            "/nodes/n/storage/s/status?history=1"
        );
        assert_eq!(
            path(Some(Version::new(9, 1, 0))),
            "/nodes/n/storage/s/status?history=1&node-list=a%2Cb"
        );
    }
}
