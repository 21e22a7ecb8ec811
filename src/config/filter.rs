//! Which guests of a remote are exposed.

/// Guests by tag, pool, name and template. The default lets all pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestFilter {
    /// Where it names anything, only guests that match it are let pass.
    pub include: Patterns,
    /// Guests that match it are not let pass.
    pub exclude: Patterns,
    /// Whether templates are let pass.
    pub templates: bool,
}

impl Default for GuestFilter {
    fn default() -> Self {
        Self { include: Patterns::default(), exclude: Patterns::default(), templates: true }
    }
}

/// A guest matches if any of these does. `*` stands for any text and `?` for one character.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns {
    pub tags: Vec<String>,
    pub pools: Vec<String>,
    pub names: Vec<String>,
}

/// What a filter looks at.
#[derive(Debug, Clone, Copy)]
pub struct GuestFacts<'a> {
    pub name: &'a str,
    /// As PVE has them: `a;b`.
    pub tags: &'a str,
    pub pool: &'a str,
    pub template: bool,
}

impl GuestFilter {
    /// Whether it lets everything pass.
    pub fn is_empty(&self) -> bool {
        self.templates && self.include.is_empty() && self.exclude.is_empty()
    }

    pub fn admits(&self, guest: &GuestFacts<'_>) -> bool {
        (self.templates || !guest.template)
            && (self.include.is_empty() || self.include.matches(guest))
            && !self.exclude.matches(guest)
    }
}

impl Patterns {
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty() && self.pools.is_empty() && self.names.is_empty()
    }

    fn matches(&self, guest: &GuestFacts<'_>) -> bool {
        let any = |patterns: &[String], text: &str| patterns.iter().any(|p| is_match(p, text));
        let mut tags = guest.tags.split([';', ',', ' ']).filter(|tag| !tag.is_empty());
        any(&self.names, guest.name)
            || (!guest.pool.is_empty() && any(&self.pools, guest.pool))
            || tags.any(|tag| any(&self.tags, tag))
    }
}

/// Whether a text is what a pattern describes. Linear but for the last `*`, which is tried again.
fn is_match(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match (pattern.get(p), text.get(t)) {
            (Some('*'), _) => {
                star = Some((p, t));
                p += 1;
            }
            (Some(expected), Some(found)) if *expected == '?' || expected == found => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((star_p, star_t)) => {
                    star = Some((star_p, star_t + 1));
                    p = star_p + 1;
                    t = star_t + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("web-*", "web-01", true),
            ("web-*", "db-01", false),
            ("*", "", true),
            ("?", "", false),
            ("a?c*e", "abcdde", true),
            ("a?c*e", "abcdd", false),
            ("*a*b", "xaxbxab", true),
            ("ä?", "äö", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(is_match(pattern, text), expected, "{pattern} {text}");
        }
    }

    fn guest<'a>(name: &'a str, tags: &'a str, pool: &'a str) -> GuestFacts<'a> {
        GuestFacts { name, tags, pool, template: false }
    }

    #[test]
    fn guests_are_let_in_and_kept_out() {
        assert!(GuestFilter::default().is_empty());
        assert!(GuestFilter::default().admits(&guest("a", "", "")));
        let filter = GuestFilter {
            include: Patterns { tags: vec!["prod".into()], pools: vec!["web*".into()], ..Patterns::default() },
            exclude: Patterns { names: vec!["*-test".into()], ..Patterns::default() },
            templates: false,
        };
        assert!(filter.admits(&guest("a", "x;prod", "")));
        assert!(filter.admits(&guest("a", "", "web/eu")));
        assert!(!filter.admits(&guest("a", "production", "")));
        assert!(!filter.admits(&guest("a-test", "prod", "")));
        assert!(!filter.admits(&GuestFacts { template: true, ..guest("a", "prod", "") }));
    }
}
