//! The API calls: what is asked, what it needs, and what it tells as a typed value.
//!
//! A [`Source`] is one thing to know of a remote, with one file: its calls are declared (path,
//! parameters and the versions they came with, privileges), its `fetch` asks them through a
//! [`Session`] and returns the typed value. Most sources are one call; those that need a second
//! way (an older version, a broken datastore, a slow node) have it in their `fetch`, so that
//! nobody else needs to know of it.

pub mod apt;
pub mod item;
pub mod json;
pub mod pbs;
pub mod permissions;
pub mod points;
pub mod pve;
pub mod session;
pub mod subscription;
pub mod tasks;
pub mod topology;

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::remote::error::CallError;
use crate::remote::version::Version;
pub use item::{GuestKind, Item};
pub use session::{Request, Session};

/// One call of the API, as the schema of the product has it.
#[derive(Debug)]
pub struct ApiCall {
    /// The path below `/api2/json`, with `{node}`, `{vmid}`, `{store}` … to be filled in. Also the
    /// label `call` of the self metrics, hence one series a call and not one an object.
    pub path: &'static str,
    /// Parameters that only newer versions know. Both products refuse unknown ones with 400.
    pub parameters: &'static [Parameter],
    pub access: Access,
    /// The version that brought the call, where the versions in use differ in it.
    pub since: Option<Version>,
}

/// What the token needs for the whole answer.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// Nothing: every token is answered.
    Open,
    /// All of these; without them the call is refused.
    Needs(&'static [Privilege]),
    /// Any of these, of which versions differ in what they have; without them the call is refused.
    NeedsOneOf(&'static [Privilege]),
    /// All of these; without them the answer is 200, and empty or a part.
    FilteredBy(&'static [Privilege]),
}

impl ApiCall {
    /// A call that every token may make.
    pub const fn get(path: &'static str) -> Self {
        Self {
            path,
            parameters: &[],
            access: Access::Open,
            since: None,
        }
    }

    pub const fn needs(mut self, privileges: &'static [Privilege]) -> Self {
        self.access = Access::Needs(privileges);
        self
    }

    pub const fn needs_one_of(mut self, privileges: &'static [Privilege]) -> Self {
        self.access = Access::NeedsOneOf(privileges);
        self
    }

    pub const fn filtered_by(mut self, privileges: &'static [Privilege]) -> Self {
        self.access = Access::FilteredBy(privileges);
        self
    }

    pub const fn since(mut self, version: Version) -> Self {
        self.since = Some(version);
        self
    }

    pub const fn parameters(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    pub fn privileges(&self) -> &'static [Privilege] {
        match self.access {
            Access::Open => &[],
            Access::Needs(privileges)
            | Access::NeedsOneOf(privileges)
            | Access::FilteredBy(privileges) => privileges,
        }
    }

    /// What is lacking for the whole answer. Of those of which any will do, the first stands for
    /// all.
    pub fn lacking(&self, holds: impl Fn(&Privilege) -> bool) -> Vec<Privilege> {
        let privileges = self.privileges().iter();
        match self.access {
            Access::NeedsOneOf(any) if any.iter().any(&holds) => Vec::new(),
            Access::NeedsOneOf(_) => privileges.take(1).copied().collect(),
            _ => privileges
                .filter(|privilege| !holds(privilege))
                .copied()
                .collect(),
        }
    }
}

/// A query parameter and the version that brought it.
#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub since: Version,
}

/// A privilege on a path of the product's permission tree, which may have the placeholders of the
/// call that needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Privilege {
    pub name: &'static str,
    pub path: &'static str,
}

impl Privilege {
    pub const fn new(name: &'static str, path: &'static str) -> Self {
        Self { name, path }
    }

    /// The path down to the first placeholder: who has the privilege there has it for all.
    pub fn root(&self) -> &'static str {
        let root = self.path.split('{').next().unwrap_or_default();
        match root.trim_end_matches('/') {
            "" => "/",
            root => root,
        }
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.name, self.root())
    }
}

/// What a source is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Once a remote.
    Remote,
    /// For each node that is online.
    EachNode,
    /// For each storage of PVE that takes backups, for a shared one once.
    EachBackupStorage,
    /// For each datastore of a backup server that can be opened.
    EachDatastore,
    EachGuest,
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
        Self::with_problems(value, Vec::new())
    }

    /// A value that lacks what these errors were about.
    pub fn with_problems(value: T, problems: Vec<CallError>) -> Self {
        Self {
            value,
            problems,
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

/// One thing to know of a remote, kept in one slot for each item of its scope.
pub struct Source<T: 'static> {
    /// Unique name, for logs and documentation.
    pub name: &'static str,
    pub scope: Scope,
    /// Every call that `fetch` may make.
    pub calls: &'static [&'static ApiCall],
    /// Asks.
    fetch: for<'a> fn(Asked<'a, T>) -> Fetching<'a, T>,
    again_on_change: bool,
    alone: bool,
    kept: Option<Kept<T>>,
}

/// How a value outlives the process.
struct Kept<T> {
    save: fn(&T) -> String,
    load: fn(&str) -> Option<T>,
}

impl<T> Source<T> {
    pub const fn new(
        name: &'static str,
        scope: Scope,
        calls: &'static [&'static ApiCall],
        fetch: for<'a> fn(Asked<'a, T>) -> Fetching<'a, T>,
    ) -> Self {
        Self {
            name,
            scope,
            calls,
            fetch,
            again_on_change: false,
            alone: false,
            kept: None,
        }
    }

    /// A guest is asked about again at once when its node or its lock changes.
    pub const fn again_on_change(mut self) -> Self {
        self.again_on_change = true;
        self
    }

    /// Nothing else is asked in the background meanwhile: such a call keeps a worker of the server
    /// busy for seconds.
    pub const fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// The value is kept in the state directory, and is the previous one after a restart.
    pub const fn kept(mut self, save: fn(&T) -> String, load: fn(&str) -> Option<T>) -> Self {
        self.kept = Some(Kept { save, load });
        self
    }
}

/// What a fetch is given.
pub struct Asked<'a, T> {
    pub session: &'a Session,
    /// What is asked about.
    pub item: &'a Item,
    /// The last good value, for what must be carried over from it.
    pub previous: Option<Arc<T>>,
    node: Option<Arc<str>>,
    known: &'a dyn Known,
}

impl<T> Asked<'_, T> {
    /// The node that the item is on now; empty for what is on none.
    pub fn node(&self) -> &str {
        self.node.as_deref().unwrap_or_default()
    }

    /// The last good value of another source of the same remote.
    pub fn value<U: Send + Sync>(&self, source: &Source<U>, item: &Item) -> Option<Arc<U>> {
        self.known.value(source.name, item)?.downcast().ok()
    }
}

/// A value of any source's type, as slots keep it.
pub type AnyValue = Arc<dyn Any + Send + Sync>;

/// Whoever knows the last good values of a remote.
pub trait Known: Send + Sync {
    fn value(&self, source: &str, item: &Item) -> Option<AnyValue>;
}

/// A source without its type, for slots and lists.
pub trait AnySource: Send + Sync {
    fn name(&self) -> &'static str;
    fn scope(&self) -> Scope;
    fn calls(&self) -> &'static [&'static ApiCall];
    fn is_asked_again_on_change(&self) -> bool;
    fn is_asked_alone(&self) -> bool;
    fn fetch<'a>(
        &self,
        session: &'a Session,
        item: &'a Item,
        previous: Option<AnyValue>,
        known: &'a dyn Known,
    ) -> Fetching<'a, AnyValue>;
    /// The value as it is kept between runs; `None` for a source whose values are not.
    fn save(&self, value: &AnyValue) -> Option<String>;
    fn load(&self, text: &str) -> Option<AnyValue>;
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

    fn is_asked_again_on_change(&self) -> bool {
        self.again_on_change
    }

    fn is_asked_alone(&self) -> bool {
        self.alone
    }

    fn fetch<'a>(
        &self,
        session: &'a Session,
        item: &'a Item,
        previous: Option<AnyValue>,
        known: &'a dyn Known,
    ) -> Fetching<'a, AnyValue> {
        let fetching = (self.fetch)(Asked {
            session,
            item,
            previous: previous.and_then(|value| value.downcast::<T>().ok()),
            node: session.topology().node_of(item),
            known,
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

    fn save(&self, value: &AnyValue) -> Option<String> {
        let value = value.downcast_ref::<T>()?;
        self.kept.as_ref().map(|kept| (kept.save)(value))
    }

    fn load(&self, text: &str) -> Option<AnyValue> {
        let value = (self.kept.as_ref()?.load)(text)?;
        Some(Arc::new(value) as AnyValue)
    }
}
