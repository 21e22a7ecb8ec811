//! `docs/coverage.md` leaves nothing unanswered, and names only what is exposed.

use std::collections::BTreeSet;

use proxfleet::view::catalogue;

const COVERAGE: &str = include_str!("../docs/coverage.md");
const PREFIXES: &[&str] = &["pve_", "pbs_", "proxfleet_"];
/// One table an exporter or collector.
const TABLES: usize = 11;

/// What is wrong with the tables, by line.
fn problems(coverage: &str) -> Vec<String> {
    let families: BTreeSet<&str> = catalogue::entries()
        .iter()
        .map(|entry| entry.family.name)
        .collect();
    let mut problems = Vec::new();
    for (number, line) in coverage.lines().enumerate() {
        let Some(row) = line.strip_prefix('|') else {
            continue;
        };
        let number = number + 1;
        let cells: Vec<&str> = row.trim_end_matches('|').split('|').collect();
        let &[theirs, ours] = &cells[..] else {
            problems.push(format!("{number}: not two cells"));
            continue;
        };
        if theirs.trim().is_empty() || ours.trim().is_empty() {
            problems.push(format!("{number}: an empty cell"));
        }
        // What stands between backticks: names, and expressions with names.
        let code = ours.split('`').skip(1).step_by(2);
        let words = code.flat_map(|code| code.split(|c: char| !c.is_alphanumeric() && c != '_'));
        let names = words.filter(|word| PREFIXES.iter().any(|prefix| word.starts_with(prefix)));
        let unknown = names.filter(|name| !families.contains(name) && !PREFIXES.contains(name));
        problems.extend(unknown.map(|name| format!("{number}: no family {name}")));
    }
    problems
}

#[test]
fn every_row_is_answered_with_families_that_exist() {
    let tables = COVERAGE.lines().filter(|line| *line == "|---|---|").count();
    assert_eq!(tables, TABLES);
    let problems = problems(COVERAGE);
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn what_is_wrong_is_found() {
    let found = problems("| `a` | `rate(pve_none[5m]) / pve_up` |\n| `b` |  |\n| `c` |\n");
    let expected = [
        "1: no family pve_none",
        "2: an empty cell",
        "3: not two cells",
    ];
    assert_eq!(found, expected);
}
