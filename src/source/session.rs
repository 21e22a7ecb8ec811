//! The conversation with one remote: what was learned of it that decides what it may be asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::Notify;

use super::json::Unreadable;
use super::{ApiCall, Privilege};
use crate::config::Product;
use crate::remote::call::{Answer, Call};
use crate::remote::error::{CallError, Failure};
use crate::remote::outcome::Outcome;
use crate::remote::responder::Responder;
use crate::remote::version::Version;

/// How long a call that the token may not make, or the server does not know, is not made again.
const REFUSED_FOR: Duration = Duration::from_secs(3600);

/// Above this size a body is parsed where it does not hold up other tasks.
const LARGE_BODY: usize = 256 * 1024;

/// What one remote is asked through.
pub struct Session {
    responder: Box<dyn Responder>,
    product: Product,
    version: ArcSwapOption<Version>,
    online_nodes: ArcSwap<Vec<Arc<str>>>,
    topology: Notify,
    refusals: Mutex<HashMap<String, Refusal>>,
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
    store: Option<&'a str>,
    query: Vec<(&'static str, String)>,
    endpoint: Option<usize>,
    time_out: Option<Duration>,
}

impl<'a> Request<'a> {
    pub fn of(call: &'static ApiCall) -> Self {
        Self {
            call,
            node: None,
            store: None,
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

    /// Fills `{store}`.
    pub fn store(mut self, store: &'a str) -> Self {
        self.store = Some(store);
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
        let mut path = String::with_capacity(self.call.path.len() + 32);
        let mut rest = self.call.path;
        while let Some((before, after)) = rest.split_once('{') {
            path.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let value = match name {
                "node" => self.node,
                "store" => self.store,
                _ => None,
            };
            percent_encode(value.unwrap_or_default(), &mut path);
            rest = after;
        }
        path.push_str(rest);

        let mut separator = '?';
        for (name, value) in &self.query {
            if self.knows(name, version) {
                path.push(separator);
                path.push_str(name);
                path.push('=');
                percent_encode(value, &mut path);
                separator = '&';
            }
        }
        path
    }

    fn knows(&self, name: &str, version: Option<Version>) -> bool {
        self.call
            .parameters
            .iter()
            .find(|parameter| parameter.name == name)
            .is_none_or(|parameter| version.is_some_and(|version| version >= parameter.since))
    }
}

/// Encodes a path segment or query value. Everything but the unreserved characters is encoded:
/// node and datastore names have no others, task ids do.
fn percent_encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push_str(&format!("%{byte:02X}"));
        }
    }
}

impl Session {
    pub fn new(responder: impl Responder + 'static, product: Product) -> Self {
        Self {
            responder: Box::new(responder),
            product,
            version: ArcSwapOption::empty(),
            online_nodes: ArcSwap::default(),
            topology: Notify::new(),
            refusals: Mutex::default(),
        }
    }

    pub fn product(&self) -> Product {
        self.product
    }

    /// The version that the remote has told, once it has.
    pub fn version(&self) -> Option<Version> {
        self.version.load().as_deref().copied()
    }

    /// Keeps the version. A new one may know calls that the old one did not: they are asked again.
    pub fn learn_version(&self, version: Version) {
        let old = self.version.swap(Some(Arc::new(version)));
        if old.is_some_and(|old| *old != version) {
            self.forget_refusals();
        }
    }

    /// Whether the remote's version is known and at least this.
    pub fn is_at_least(&self, version: Version) -> bool {
        self.version().is_some_and(|own| own >= version)
    }

    /// Names of the nodes that the cluster has online, as last seen.
    pub fn online_nodes(&self) -> Arc<Vec<Arc<str>>> {
        self.online_nodes.load_full()
    }

    pub fn learn_online_nodes<'a>(&self, nodes: impl Iterator<Item = &'a str> + Clone) {
        let known = self.online_nodes.load();
        if !known.iter().map(|node| &**node).eq(nodes.clone()) {
            self.online_nodes
                .store(Arc::new(nodes.map(Arc::from).collect()));
            self.topology.notify_one();
        }
    }

    /// Waits until other nodes are online than before.
    pub async fn topology_changed(&self) {
        self.topology.notified().await;
    }

    /// Number of configured end-points.
    pub fn endpoints(&self) -> usize {
        self.responder.endpoints()
    }

    /// From now on asks this end-point first.
    pub fn prefer(&self, endpoint: usize) {
        self.responder.prefer(endpoint);
    }

    /// Asks. A call that was refused for good is not made again for an hour; its error stands.
    pub async fn get(&self, request: Request<'_>) -> Result<Answer, CallError> {
        let (version, since) = (self.version(), request.call.since);
        if let (Some(version), Some(since)) = (version, since)
            && version < since
        {
            let why = format!("{version}, it came with {since}");
            return Err(self.error(request.call, None, Failure::NotImplemented(why)));
        }
        let path = request.path(version);
        let key = path
            .split_once('?')
            .map_or(&*path, |(path, _)| path)
            .to_owned();
        if let Some(error) = self.refusal(&key) {
            return Err(error);
        }
        let call = Call {
            node: request.node.map(Arc::from),
            endpoint: request.endpoint,
            time_out: request.time_out,
            ..Call::get(request.call.path, path)
        };
        let result = self.responder.get(&call).await;
        if let Err(error) = &result
            && is_lasting(error)
        {
            let refusal = Refusal {
                since: Instant::now(),
                error: error.clone(),
            };
            self.refusals
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(key, refusal);
        }
        result
    }

    fn refusal(&self, key: &str) -> Option<CallError> {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let refusal = refusals.get(key)?;
        if refusal.since.elapsed() < REFUSED_FOR {
            return Some(refusal.error.clone());
        }
        refusals.remove(key);
        None
    }

    /// Asks everything again: after a reload the operator may have granted what was missing.
    pub fn reconsider(&self) {
        self.forget_refusals();
        self.responder.reconsider();
    }

    fn forget_refusals(&self) {
        self.refusals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
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

    fn error(&self, call: &ApiCall, endpoint: Option<usize>, failure: Failure) -> CallError {
        CallError::new(self.responder.context(call.path, endpoint), failure)
    }
}

fn is_lasting(error: &CallError) -> bool {
    error.outcome() == Outcome::Forbidden || error.is_not_implemented()
}

#[cfg(test)]
mod tests {
    use super::*;

    static CALL: ApiCall = ApiCall {
        path: "/nodes/{node}/storage/{store}/status",
        parameters: &[super::super::Parameter {
            name: "node-list",
            since: Version::new(9, 0, 8),
        }],
        privileges: &[],
        since: None,
    };

    #[test]
    fn paths_are_filled_and_encoded() {
        let request = Request::of(&CALL).node("pve1").store("a/b c\\é");
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
                .store("s")
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
