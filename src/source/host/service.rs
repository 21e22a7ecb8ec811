//! Services of systemd: `/nodes/{node}/services` of both products, each with its own fixed list.

use serde::Deserialize;

use crate::source::json::{self, Rows, Text, Unreadable};

/// A service that is installed and meant to run, or runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub unit: Box<str>,
    pub is_active: bool,
    pub has_failed: bool,
}

/// Reads `/nodes/{node}/services`. Both products list services that are not installed as dead.
/// `state` is what systemd calls the substate; only newer PVE also tells the state.
pub fn parse(text: &str) -> Result<Vec<Service>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Row<'a> {
        #[serde(borrow)]
        service: Text<'a>,
        name: Text<'a>,
        state: Text<'a>,
        active_state: Text<'a>,
        unit_state: Text<'a>,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let mut services: Vec<Service> = rows
        .iter()
        .filter_map(|row| {
            let unit = row.service.known().or(row.name.known())?;
            let state = row.active_state.known().or(row.state.known())?;
            let service = Service {
                unit: Box::from(unit),
                is_active: is_active(state),
                has_failed: state == "failed",
            };
            let is_told = is_installed(row.unit_state.as_str())
                && state != "unknown"
                && (is_wanted(row.unit_state.as_str()) || service.is_active || service.has_failed);
            is_told.then_some(service)
        })
        .collect();
    services.sort_by(|a, b| a.unit.cmp(&b.unit));
    services.dedup_by(|a, b| a.unit == b.unit);
    Ok(services)
}

/// `running` and `exited` are substates of `active`: a service that runs, and one that has done
/// its work and is on.
fn is_active(state: &str) -> bool {
    matches!(
        state,
        "active" | "reloading" | "refreshing" | "running" | "exited" | "reload"
    )
}

fn is_installed(unit_state: &str) -> bool {
    unit_state != "not-found"
}

/// Whether systemd starts the unit, by itself or for another.
fn is_wanted(unit_state: &str) -> bool {
    !matches!(unit_state, "disabled" | "masked" | "masked-runtime")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(rows: &str) -> Vec<(String, bool, bool)> {
        let services = parse(&format!(r#"{{"data":[{rows}]}}"#)).unwrap();
        let seen = services.into_iter();
        seen.map(|service| (service.unit.into(), service.is_active, service.has_failed))
            .collect()
    }

    #[test]
    fn what_is_not_installed_or_switched_off_is_left_out() {
        let services = seen(
            r#"{"service":"a","state":"dead","active-state":"inactive","unit-state":"not-found"},
               {"service":"b","state":"dead","active-state":"inactive","unit-state":"disabled"},
               {"service":"c","state":"dead","active-state":"inactive","unit-state":"masked"},
               {"service":"d","state":"running","active-state":"active","unit-state":"disabled"},
               {"service":"e","state":"dead","active-state":"inactive","unit-state":"enabled"}"#,
        );
        let expected = [
            ("d".to_owned(), true, false),
            ("e".to_owned(), false, false),
        ];
        assert_eq!(services, expected);
    }

    #[test]
    fn the_substate_tells_where_the_state_is_not_told() {
        let services = seen(
            r#"{"service":"a","state":"running","unit-state":"static"},
               {"service":"b","state":"exited","unit-state":"enabled"},
               {"name":"c","state":"failed","unit-state":"enabled"},
               {"service":"d","state":"auto-restart","active-state":"activating"},
               {"service":"e","state":null},{"service":"f","state":"unknown"},
               {"state":"running"},{"service":"a","state":"dead"},null"#,
        );
        let expected = [
            ("a".to_owned(), true, false),
            ("b".to_owned(), true, false),
            ("c".to_owned(), false, true),
            ("d".to_owned(), false, false),
        ];
        assert_eq!(services, expected);
    }
}
