//! The API calls: what is asked, what it needs, and what it tells as a typed value.
//!
//! A [`Source`] is one thing to know of a remote, with one file: its calls are declared (path,
//! parameters and the versions they came with, privileges), its `fetch` asks them through a
//! [`Session`] and returns the typed value. Most sources are one call; those that need a second
//! way (an older version, a broken datastore, a slow node) have it in their `fetch`, so that
//! nobody else needs to know of it.

pub mod json;
pub mod pbs;
pub mod permissions;
pub mod points;
pub mod pve;
pub mod session;

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::remote::error::CallError;
use crate::remote::version::Version;
pub use session::{Request, Session};

/// One call of the API, as the schema of the product has it.
#[derive(Debug)]
pub struct ApiCall {
    /// The path below `/api2/json`, with `{node}` and `{store}` to be filled in. Also the label
    /// `call` of the self metrics, hence one series a call and not one an object.
    pub path: &'static str,
    /// Parameters that only newer versions know. Both products refuse unknown ones with 400.
    pub parameters: &'static [Parameter],
    /// What the token needs for the whole answer.
    pub privileges: &'static [Privilege],
    /// The version that brought the call, where the versions in use differ in it.
    pub since: Option<Version>,
}

/// A query parameter and the version that brought it.
#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub since: Version,
}

/// A privilege on a path of the product's permission tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Privilege {
    pub name: &'static str,
    pub path: &'static str,
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.name, self.path)
    }
}

/// What a source is asked for: once a remote, or once for each of its nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Remote,
    EachNode,
}

/// A value and what could not be learned beside it.
#[derive(Debug)]
pub struct Fetched<T> {
    pub value: T,
    /// Calls that failed while the others made a usable value: the value is a partial truth.
    pub problems: Vec<CallError>,
    /// How many of the objects that were to be asked have answered, where that is not all or none.
    pub coverage: Option<Coverage>,
}

impl<T> Fetched<T> {
    /// A value that lacks nothing.
    pub fn whole(value: T) -> Self {
        Self {
            value,
            problems: Vec::new(),
            coverage: None,
        }
    }
}

/// Of so many objects, so many have answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coverage {
    pub answered: usize,
    pub expected: usize,
}

pub type Fetching<'a, T> = Pin<Box<dyn Future<Output = Result<Fetched<T>, CallError>> + Send + 'a>>;

/// One thing to know of a remote, kept in one slot for each remote (and node, by scope).
pub struct Source<T: 'static> {
    /// Unique name, for logs and documentation.
    pub name: &'static str,
    pub scope: Scope,
    /// Every call that `fetch` may make.
    pub calls: &'static [&'static ApiCall],
    /// Asks.
    pub fetch: for<'a> fn(Asked<'a, T>) -> Fetching<'a, T>,
}

/// What a fetch is given.
pub struct Asked<'a, T> {
    pub session: &'a Session,
    /// The node that is asked about, for sources of [`Scope::EachNode`].
    pub node: Option<&'a str>,
    /// The last good value, for what must be carried over from it.
    pub previous: Option<Arc<T>>,
}

/// A value of any source's type, as slots keep it.
pub type AnyValue = Arc<dyn Any + Send + Sync>;

/// A source without its type, for slots and lists.
pub trait AnySource: Send + Sync {
    fn name(&self) -> &'static str;
    fn scope(&self) -> Scope;
    fn calls(&self) -> &'static [&'static ApiCall];
    fn fetch<'a>(
        &self,
        session: &'a Session,
        node: Option<&'a str>,
        previous: Option<AnyValue>,
    ) -> Fetching<'a, AnyValue>;
}

impl<T: Send + Sync> AnySource for Source<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn scope(&self) -> Scope {
        self.scope
    }

    fn calls(&self) -> &'static [&'static ApiCall] {
        self.calls
    }

    fn fetch<'a>(
        &self,
        session: &'a Session,
        node: Option<&'a str>,
        previous: Option<AnyValue>,
    ) -> Fetching<'a, AnyValue> {
        let previous = previous.and_then(|value| value.downcast::<T>().ok());
        let fetching = (self.fetch)(Asked {
            session,
            node,
            previous,
        });
        Box::pin(async move {
            let fetched = fetching.await?;
            Ok(Fetched {
                value: Arc::new(fetched.value) as AnyValue,
                problems: fetched.problems,
                coverage: fetched.coverage,
            })
        })
    }
}
