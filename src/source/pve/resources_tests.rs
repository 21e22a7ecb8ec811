use super::*;

fn picture(rows: &str) -> Picture {
    parse_resources(&format!(r#"{{"data":[{rows}]}}"#)).unwrap()
}

fn joined(rows: &str, status: &str) -> Picture {
    let mut picture = picture(rows);
    picture.join(parse_status(&format!(r#"{{"data":[{status}]}}"#)).unwrap());
    picture
}

const RUNNING: &str = r#"{"type":"qemu","id":"qemu/100","vmid":100,"node":"a","name":"web","status":"running",
    "uptime":1000,"cpu":0.5,"maxcpu":2,"mem":10,"maxmem":20,"disk":0,"maxdisk":30,"template":0,
    "netin":100,"netout":200,"diskread":300,"diskwrite":400,"tags":"x;y","pool":"prod"}"#;

#[test]
fn rows_become_their_objects_in_order() {
    let picture = picture(&format!(
        r#"{RUNNING},
        {{"type":"lxc","vmid":"99","node":"b","status":"stopped","name":"1234"}},
        {{"type":"node","node":"b","status":"online","cpu":0.1,"level":""}},
        {{"type":"node","node":"a","status":"offline","hastate":"unknown"}},
        {{"type":"storage","node":"a","storage":"local","status":"available","content":"iso,backup","shared":0,"disk":5,"maxdisk":9,"plugintype":"dir"}},
        {{"type":"pool","pool":"prod","id":"/pool/prod","cpu":0.2}},
        {{"type":"network","network-type":"zone","network":"z","node":"a","status":"ok"}},
        {{"type":"network","network-type":"fabric","network":"f","node":"a","status":"ok"}},
        {{"type":"sdn","sdn":"old","node":"a","status":"available"}},
        {{"type":"something-new","id":"x"}},
        {{"type":"qemu","vmid":-4}}, {{"type":"qemu","vmid":99999999999}}, {{"type":"qemu"}}"#
    ));
    let guests: Vec<_> = picture
        .guests
        .iter()
        .map(|g| (g.kind.as_str(), g.vmid, &*g.name))
        .collect();
    assert_eq!(guests, [("lxc", 99, "1234"), ("qemu", 100, "web")]);
    let web = &picture.guests[1];
    assert_eq!(web.counters.disk_written, Some(400.0));
    assert_eq!(
        (&*web.tags, &*web.pool, web.template),
        ("x;y", "prod", Some(false))
    );
    let nodes: Vec<_> = picture.nodes.iter().map(|n| (&*n.name, n.online)).collect();
    assert_eq!(nodes, [("a", Some(false)), ("b", Some(true))]);
    assert_eq!(&*picture.storages[0].content, "backup,iso");
    let zones: Vec<_> = picture.zones.iter().map(|z| &*z.zone).collect();
    assert_eq!(zones, ["old", "z"]);
}

#[test]
fn a_row_that_stands_twice_is_one() {
    assert_eq!(picture(&format!("{RUNNING},{RUNNING}")).guests.len(), 1);
}

#[test]
fn the_cluster_decides_who_is_online() {
    let picture = joined(
        r#"{"type":"node","node":"a","status":"unknown"},{"type":"node","node":"b","status":"online"}"#,
        r#"{"type":"cluster","name":"lab","quorate":1,"nodes":3,"version":3},
           {"type":"node","name":"a","online":1,"nodeid":1,"level":"c"},
           {"type":"node","name":"b","online":0,"nodeid":2},
           {"type":"node","name":"new","online":0}"#,
    );
    let nodes: Vec<_> = picture.nodes.iter().map(|n| (&*n.name, n.online)).collect();
    assert_eq!(
        nodes,
        [("a", Some(true)), ("b", Some(false)), ("new", Some(false))]
    );
    let topology = picture.topology(&GuestFilter::default());
    assert_eq!(topology.nodes, ["a".into()]);
    assert_eq!(&*picture.cluster.unwrap().name, "lab");
}

#[test]
fn quorum_is_lacking_only_where_there_is_a_cluster() {
    let lacks = |status: &str| {
        parse_status(&format!(r#"{{"data":[{status}]}}"#))
            .unwrap()
            .lacks_quorum()
    };
    assert!(lacks(r#"{"type":"cluster","name":"lab","quorate":0}"#));
    assert!(!lacks(r#"{"type":"cluster","name":"lab","quorate":1}"#));
    assert!(!lacks(r#"{"type":"node","name":"a","online":1}"#));
}

#[test]
fn a_name_is_kept_when_pve_forgets_it() {
    let before = picture(RUNNING);
    let mut after = picture(
        r#"{"type":"qemu","vmid":100,"node":"a","status":"unknown"},{"type":"qemu","vmid":101,"node":"a"}"#,
    );
    after.carry_over(&before);
    assert_eq!(&*after.guests[0].name, "web");
    assert_eq!(after.guests[0].template, Some(false));
    assert_eq!(&*after.guests[1].name, "");
}

fn counters_after(uptime: f64, netin: f64) -> Option<f64> {
    let before = picture(RUNNING);
    let mut after = picture(&format!(
        r#"{{"type":"qemu","vmid":100,"node":"a","uptime":{uptime},"netin":{netin}}}"#
    ));
    after.carry_over(&before);
    after.guests[0].counters.network_in
}

#[test]
fn a_counter_goes_back_with_a_restart_only() {
    assert_eq!(counters_after(1010.0, 150.0), Some(150.0), "it counts on");
    assert_eq!(
        counters_after(1010.0, 90.0),
        Some(100.0),
        "the picture of its counter is older"
    );
    assert_eq!(
        counters_after(990.0, 90.0),
        Some(100.0),
        "the whole picture is older"
    );
    assert_eq!(counters_after(5.0, 3.0), Some(3.0), "it was restarted");
    assert_eq!(
        counters_after(500.0, 3.0),
        Some(3.0),
        "it was restarted while nobody looked"
    );
    assert_eq!(counters_after(0.0, 0.0), Some(0.0), "it was stopped");
}
