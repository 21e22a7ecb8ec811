//! Which guests of a remote are shown.

use std::fmt;

/// `[remote.filter]`. The default admits every guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestFilter {
    /// A guest must match one pattern of each list that is not empty.
    pub include: Selection,
    /// A guest that matches any pattern of any list is left out, whatever `include` says.
    pub exclude: Selection,
    /// Whether templates are shown.
    pub templates: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    pub tags: Vec<Pattern>,
    pub pools: Vec<Pattern>,
    pub names: Vec<Pattern>,
}

/// What is known of a guest that filters can ask for.
#[derive(Debug, Clone, Copy)]
pub struct GuestFacts<'a> {
    pub name: &'a str,
    /// As `/cluster/resources` has them: separated by `;`.
    pub tags: &'a str,
    /// Empty for a guest that is in none.
    pub pool: &'a str,
    pub template: bool,
}

/// `*` stands for any number of characters, `?` for one; the case of ASCII letters does not matter,
/// since PVE lowers that of tags by default and that of names means nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl GuestFilter {
    pub fn admits(&self, guest: &GuestFacts<'_>) -> bool {
        (self.templates || !guest.template)
            && self
                .include
                .kinds(guest)
                .into_iter()
                .all(|(given, matches)| !given || matches)
            && !self
                .exclude
                .kinds(guest)
                .into_iter()
                .any(|(_, matches)| matches)
    }

    /// Whether it admits every guest.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for GuestFilter {
    fn default() -> Self {
        Self {
            include: Selection::default(),
            exclude: Selection::default(),
            templates: true,
        }
    }
}

impl Selection {
    /// For each list: whether there is anything in it, and whether the guest matches it.
    fn kinds(&self, guest: &GuestFacts<'_>) -> [(bool, bool); 3] {
        let tag = |pattern: &Pattern| {
            // PVE writes `;`, and accepts the others in configuration files.
            guest
                .tags
                .split([';', ',', ' '])
                .any(|tag| !tag.is_empty() && pattern.matches(tag))
        };
        [
            (!self.tags.is_empty(), self.tags.iter().any(tag)),
            (
                !self.pools.is_empty(),
                self.pools.iter().any(|pattern| pattern.matches(guest.pool)),
            ),
            (
                !self.names.is_empty(),
                self.names.iter().any(|pattern| pattern.matches(guest.name)),
            ),
        ]
    }
}

impl Pattern {
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn matches(&self, text: &str) -> bool {
        let (mut pattern, mut rest) = (self.0.chars(), text.chars());
        // Where to go on when a match fails: behind the last `*`, one more character left to it.
        let mut retry = None;
        loop {
            let (wanted, found) = (pattern.clone().next(), rest.clone().next());
            match (wanted, found) {
                (None, None) => return true,
                (Some('*'), _) => {
                    pattern.next();
                    retry = Some((pattern.clone(), rest.clone()));
                    continue;
                }
                (Some(wanted), Some(found))
                    if wanted == '?' || wanted.eq_ignore_ascii_case(&found) =>
                {
                    pattern.next();
                    rest.next();
                    continue;
                }
                _ => {}
            }
            match &mut retry {
                None => return false,
                Some((after_star, left)) => {
                    if left.next().is_none() {
                        return false;
                    }
                    pattern = after_star.clone();
                    rest = left.clone();
                }
            }
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| Pattern::new(text)).collect()
    }

    const WEB: GuestFacts<'_> = GuestFacts {
        name: "web-1",
        tags: "prod;dmz",
        pool: "front/web",
        template: false,
    };

    #[test]
    fn patterns_are_globs() {
        for (pattern, text, matches) in [
            ("web-*", "web-1", true),
            ("WEB-?", "web-1", true),
            ("web", "web-1", false),
            ("*", "", true),
            ("?", "", false),
            ("*-*-*", "a-b", false),
            ("*a*b", "xaxbxb", true),
            ("gr?n", "grün", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(text),
                matches,
                "{pattern} of {text}"
            );
        }
    }

    #[test]
    fn the_default_admits_everything() {
        let filter = GuestFilter::default();
        assert!(filter.is_empty());
        assert!(
            filter.admits(&WEB)
                && filter.admits(&GuestFacts {
                    template: true,
                    ..WEB
                })
        );
    }

    #[test]
    fn each_list_of_include_narrows() {
        let mut filter = GuestFilter {
            include: Selection {
                tags: patterns(&["test", "prod"]),
                ..Selection::default()
            },
            ..GuestFilter::default()
        };
        assert!(!filter.is_empty());
        assert!(filter.admits(&WEB));
        assert!(!filter.admits(&GuestFacts { tags: "", ..WEB }));
        filter.include.pools = patterns(&["back/*"]);
        assert!(!filter.admits(&WEB));
        filter.include.pools = patterns(&["front/*"]);
        assert!(filter.admits(&WEB));
    }

    #[test]
    fn exclude_and_templates_outrank_include() {
        let filter = GuestFilter {
            include: Selection {
                names: patterns(&["web-*"]),
                ..Selection::default()
            },
            exclude: Selection {
                tags: patterns(&["dmz"]),
                ..Selection::default()
            },
            templates: false,
        };
        assert!(!filter.admits(&WEB));
        assert!(filter.admits(&GuestFacts {
            tags: "prod",
            ..WEB
        }));
        assert!(!filter.admits(&GuestFacts {
            tags: "prod",
            template: true,
            ..WEB
        }));
    }

    proptest! {
        #[test]
        fn a_text_matches_itself_with_anything_around(text in "[a-z?*é]{0,12}", before in "[a-z]{0,4}") {
            prop_assert!(Pattern::new(&text).matches(&text));
            let pattern = format!("*{text}*");
            let whole = format!("{before}{text}{before}");
            prop_assert!(Pattern::new(&pattern).matches(&whole));
        }
    }
}
