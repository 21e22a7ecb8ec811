//! The declaration of a call: what is checked before it is answered, and what is held against the API schemas.

use crate::remote::Product;

/// An API call of the simulator.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    pub product: Product,
    /// `/nodes/{node}/status`
    pub path: &'static str,
    /// The query parameters it allows; any other is a 400.
    pub parameters: &'static [Parameter],
    pub access: Access,
    /// PVE: answered by pvedaemon, so that a second `Connection` header comes with the answer.
    pub(crate) daemon: bool,
    /// PVE: answered by the asked node, whatever node the path names.
    pub(crate) local: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    pub name: &'static str,
    pub kind: Kind,
    /// The first version that knows it; empty for what all simulated versions know.
    pub since: &'static str,
}

/// What a parameter's value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Boolean,
    Integer,
    OneOf(&'static [&'static str]),
    /// As `OneOf`, and it may be given several times.
    ListOf(&'static [&'static str]),
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Even without a token.
    World,
    /// Every token; the answer holds what it may see.
    Everyone,
    /// Holders of a privilege on a path, in which placeholders may stand; of one of several, as in `A|B`.
    Privilege {
        path: &'static str,
        name: &'static str,
    },
    /// Holders of a privilege on one of two paths; a refusal names neither.
    Either {
        paths: [&'static str; 2],
        name: &'static str,
    },
}

impl Parameter {
    pub(crate) const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            since: "",
        }
    }

    pub(crate) const fn since(name: &'static str, kind: Kind, since: &'static str) -> Self {
        Self { name, kind, since }
    }
}

impl Route {
    pub(crate) const fn new(product: Product, path: &'static str, access: Access) -> Self {
        Self {
            product,
            path,
            parameters: &[],
            access,
            daemon: false,
            local: false,
        }
    }

    pub(crate) const fn with(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    pub(crate) const fn by_daemon(mut self) -> Self {
        self.daemon = true;
        self
    }

    pub(crate) const fn answered_here(mut self) -> Self {
        self.local = true;
        self
    }

    /// The values of the path's placeholders; `None` when the path is another.
    pub(crate) fn matches<'p>(&self, path: &'p str) -> Option<Captures<'p>> {
        let mut captures = Captures::default();
        let mut given = path.split('/');
        for wanted in self.path.split('/') {
            let segment = given.next()?;
            match wanted
                .strip_prefix('{')
                .and_then(|wanted| wanted.strip_suffix('}'))
            {
                Some(name) => captures.0.push((name, segment)),
                None if wanted != segment => return None,
                None => {}
            }
        }
        given.next().is_none().then_some(captures)
    }
}

/// What stands in a path in the place of `{node}`, `{vmid}`, `{store}` …, decoded.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Captures<'p>(Vec<(&'static str, &'p str)>);

impl<'p> Captures<'p> {
    pub(crate) fn get(&self, name: &str) -> Option<&'p str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }

    /// `template` with the values in the place of its placeholders.
    pub(crate) fn fill(&self, template: &str) -> String {
        self.0
            .iter()
            .fold(template.to_owned(), |filled, (name, value)| {
                filled.replace(&format!("{{{name}}}"), value)
            })
    }
}

/// Whether `version` (`9.1.8`) is at least `since` (`9.0.8`, or empty).
pub(crate) fn reaches(version: &str, since: &str) -> bool {
    let parts = |text: &str| {
        text.split('.')
            .map(|part| part.parse::<u32>().unwrap_or(0))
            .collect::<Vec<_>>()
    };
    since.is_empty() || parts(version) >= parts(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_matches_its_paths_only() {
        let route = Route::new(Product::Pve, "/nodes/{node}/status", Access::Everyone);
        let captures = route.matches("/nodes/pve1/status").unwrap();
        assert_eq!(captures.get("node"), Some("pve1"));
        assert_eq!(captures.get("store"), None);
        assert_eq!(route.matches("/nodes/pve1"), None);
        assert_eq!(route.matches("/nodes/pve1/status/x"), None);
        let version = Route::new(Product::Pve, "/version", Access::Everyone);
        assert_eq!(version.matches("/version"), Some(Captures::default()));
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert!(
            reaches("9.1.8", "9.0.8") && reaches("10.0", "9.0.8") && !reaches("8.4.5", "9.0.8")
        );
    }
}
