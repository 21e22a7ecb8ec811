use super::*;

fn task(kind: &str, start: i64, ended: Option<(f64, TaskResult)>) -> Task {
    Task {
        upid: format!("UPID:a:00000001:00000001:{start:08X}:{kind}:100:root@pam:")
            .parse()
            .unwrap(),
        ended: ended.map(|(at, result)| End { at, result }),
    }
}

fn ok(kind: &str, start: i64, end: f64) -> Task {
    task(kind, start, Some((end, TaskResult::Ok)))
}

fn enter(previous: Option<&Ledger>, tasks: Vec<Task>, now: f64) -> Ledger {
    Ledger::with(previous, tasks, now).ledger
}

fn counted(ledger: &Ledger, kind: &str) -> [u64; 4] {
    let tally = &ledger.types[kind];
    [tally.ok, tally.warnings, tally.error, tally.unknown]
}

#[test]
fn the_first_list_counts_nothing_and_each_later_task_once() {
    let first = enter(None, vec![ok("qmstart", 10, 1000.0)], 1010.0);
    assert_eq!(counted(&first, "qmstart"), [0, 0, 0, 0]);
    assert_eq!(first.types["qmstart"].last_success, Some(1000.0));

    let list = vec![
        ok("qmstart", 30, 1050.0),
        task("qmstart", 20, Some((1000.0, TaskResult::Error))),
        ok("qmstart", 10, 1000.0),
    ];
    let second = enter(Some(&first), list.clone(), 1060.0);
    assert_eq!(counted(&second, "qmstart"), [1, 0, 1, 0]);
    let third = enter(Some(&second), list, 1120.0);
    assert_eq!(counted(&third, "qmstart"), [1, 0, 1, 0]);
}

#[test]
fn a_restart_goes_on_where_the_last_process_ended() {
    let first = enter(None, vec![ok("vzdump", 10, 1000.0)], 1010.0);
    let first = enter(Some(&first), vec![task("vzdump", 40, None)], 1070.0);
    let loaded = Ledger::load(&first.save()).unwrap();
    let list = vec![ok("vzdump", 40, 90_000.0), ok("vzdump", 10, 1000.0)];
    let second = enter(Some(&loaded), list.clone(), 90_010.0);
    assert_eq!(counted(&second, "vzdump"), [1, 0, 0, 0]);
    let loaded = Ledger::load(&second.save()).unwrap();
    assert_eq!(
        counted(&enter(Some(&loaded), list, 90_070.0), "vzdump"),
        [1, 0, 0, 0]
    );
    assert_eq!(Ledger::load("nonsense"), None);
}

#[test]
fn a_task_that_ran_is_counted_when_it_ends_however_late_its_entry_comes() {
    let first = enter(None, vec![task("vzdump", 10, None)], 1000.0);
    assert_eq!(first.types["vzdump"].running, 1);
    assert_eq!(first.types["vzdump"].oldest_start, Some(10));
    // Between the halves of a list it is in neither.
    let second = enter(Some(&first), vec![], 1060.0);
    assert_eq!(second.types["vzdump"].running, 0);
    // Its end lies before the last that was counted by more than the overlap.
    let other = enter(Some(&second), vec![ok("qmstart", 20, 2000.0)], 2000.0);
    assert_eq!(counted(&other, "vzdump"), [0, 0, 0, 1], "it never came");
    let third = enter(Some(&second), vec![ok("vzdump", 10, 1050.0)], 1120.0);
    assert_eq!(counted(&third, "vzdump"), [1, 0, 0, 0]);
}

#[test]
fn what_was_given_up_is_not_counted_again() {
    let first = enter(None, vec![task("vzdump", 10, None)], 1000.0);
    let second = enter(Some(&first), vec![], 1060.0);
    let third = enter(Some(&second), vec![], 1700.0);
    assert_eq!(counted(&third, "vzdump"), [0, 0, 0, 1]);
    let fourth = enter(Some(&third), vec![ok("vzdump", 10, 1710.0)], 1720.0);
    assert_eq!(counted(&fourth, "vzdump"), [0, 0, 0, 1]);
}

#[test]
fn an_end_in_the_future_does_not_stop_the_counting() {
    let first = enter(None, vec![ok("qmstart", 10, 9e9)], 1000.0);
    let second = enter(
        Some(&first),
        vec![ok("qmstart", 10, 9e9), ok("qmstart", 20, 1050.0)],
        1060.0,
    );
    assert_eq!(counted(&second, "qmstart"), [1, 0, 0, 0]);
}

#[test]
fn types_are_bounded_and_plain() {
    let many = (0..100).map(|n| ok(&format!("type{n:03}"), n, 1000.0));
    let hostile = [ok("Böse\"", 500, 1000.0), ok(&"x".repeat(99), 501, 1000.0)];
    let ledger = enter(None, many.chain(hostile).collect(), 1000.0);
    assert_eq!(ledger.types.len(), MOST_TYPES + 1);
    assert!(ledger.types.contains_key(OTHER_TYPE));
    assert!(ledger.types.keys().all(|name| is_type(name)));
}

#[test]
fn what_is_kept_does_not_grow() {
    let mut ledger = enter(None, vec![], 0.0);
    for n in 0..2000_i64 {
        let now = (n * 60) as f64;
        ledger = enter(Some(&ledger), vec![ok("qmstart", n, now)], now);
    }
    assert_eq!(counted(&ledger, "qmstart"), [2000, 0, 0, 0]);
    assert!(ledger.seen.len() < 20, "{}", ledger.seen.len());
}

#[test]
fn rows_come_in_every_form() {
    let page = parse(
        r#"{"data":[
        {"upid":"UPID:a:00000001:00000001:00000001:x:1:u@pam:","status":"RUNNING"},
        {"upid":"UPID:a:00000001:00000001:00000001:x:1:u@pam:","status":"OK ","endtime":"9"},
        {"upid":"UPID:a:00000002:00000001:00000001:x:1:u@pam:","status":"boom","endtime":9},
        {"upid":"UPID:a:00000003:00000001:00000001:x:1:u@pam:","status":null,"endtime":9},
        {"upid":"UPID:a:00000004:00000001:00000001:x:1:u@pam:","status":"WARNINGS: 3","endtime":9},
        {"upid":5},null,{}]}"#,
    )
    .unwrap();
    assert_eq!(page.rows, 8);
    let results: Vec<_> = page
        .tasks
        .iter()
        .map(|task| task.ended.map(|end| end.result))
        .collect();
    assert_eq!(
        results,
        [
            Some(TaskResult::Ok),
            Some(TaskResult::Error),
            Some(TaskResult::Unknown),
            Some(TaskResult::Warnings),
        ]
    );
}

#[tokio::test]
async fn pages_are_read_until_the_ends_are_old() {
    use crate::config::Product;
    use crate::remote::table::AnswerTable;
    use crate::source::ApiCall;

    static CALL: ApiCall = ApiCall::get("/tasks");
    let rows = |range: std::ops::Range<i64>| {
        let rows: Vec<_> = range
            .map(|n| {
                serde_json::json!({"status": "OK", "endtime": 10_000 - n,
                    "upid": format!("UPID:a:00000001:00000001:{n:08X}:x:1:u@pam:")})
            })
            .collect();
        serde_json::json!({"data": rows}).to_string()
    };
    let answers = AnswerTable::new(Product::Pve, 10_000)
        .with("/tasks?limit=50", rows(0..50))
        .with("/tasks?limit=500&start=50", rows(50..550))
        .with("/tasks?limit=500&start=550", rows(550..1050));
    let session = Session::new(answers, Product::Pve);
    let previous = Ledger {
        cursor: 9_990.0,
        ..Ledger::default()
    };
    let listed = list(&session, &CALL, || Request::of(&CALL), Some(&previous)).await;
    let ledger = listed.unwrap().ledger;
    // Ends of 9,390 and later; the next page is not in the table.
    assert_eq!(counted(&ledger, "x"), [611, 0, 0, 0]);
}
