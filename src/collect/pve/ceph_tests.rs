use super::*;
use crate::collect::walk;
use crate::remote::table::AnswerTable;

const STATUS: &str = r#"{"data":{"fsid":"0b5c","quorum_names":["pve1","pve2"],
    "health":{"status":"HEALTH_WARN","checks":{
        "OSD_DOWN":{"severity":"HEALTH_WARN","summary":{"message":"1 osds down","count":1},"muted":false},
        "POOL_NO_REDUNDANCY":{"severity":"HEALTH_WARN","summary":{"message":"x","count":1},"muted":true}},"mutes":[]},
    "monmap":{"num_mons":3,"mons":[{"name":"pve1"},{"name":"pve2"},{"name":"pve3"}]},
    "mgrmap":{"available":true,"active_name":"pve1","standbys":[{"name":"pve2"}]},
    "osdmap":{"epoch":9,"num_osds":3,"num_up_osds":2,"num_in_osds":3,"num_remapped_pgs":0},
    "pgmap":{"pgs_by_state":[{"state_name":"active+clean","count":90},{"state_name":"active+undersized+degraded","count":7}],
        "num_pgs":97,"num_pools":2,"num_objects":1000,"data_bytes":4000,"bytes_used":12000,"bytes_avail":18000,
        "bytes_total":30000,"degraded_objects":50,"degraded_total":3000,"degraded_ratio":0.016,
        "read_bytes_sec":100,"write_op_per_sec":5}}}"#;

fn answers() -> AnswerTable {
    AnswerTable::new(Product::Pve, 1_800_000_000)
        .with(
            "/cluster/resources",
            r#"{"data":[{"id":"node/pve1","node":"pve1","status":"online","type":"node"},
                {"id":"node/pve2","node":"pve2","status":"online","type":"node"}]}"#,
        )
        .with(
            "/cluster/status",
            r#"{"data":[{"type":"cluster","id":"cluster","name":"lab","quorate":1,"nodes":2},
                {"id":"node/pve1","name":"pve1","online":1,"type":"node"},
                {"id":"node/pve2","name":"pve2","online":1,"type":"node"}]}"#,
        )
}

fn assert_contains(lines: &[String], expected: &[&str]) {
    for line in expected {
        assert!(
            lines.iter().any(|known| known == line),
            "{line} is not in {lines:#?}"
        );
    }
}

#[tokio::test]
async fn health_capacity_and_throughput_are_told() {
    let lines = walk::exposed(&CEPH, answers().with("/cluster/ceph/status", STATUS)).await;
    assert_contains(
        &lines,
        &[
            r#"pve_ceph_health_status{remote="r",status="HEALTH_OK"} 0"#,
            r#"pve_ceph_health_status{remote="r",status="HEALTH_WARN"} 1"#,
            r#"pve_ceph_health_status{remote="r",status="HEALTH_ERR"} 0"#,
            r#"pve_ceph_health_check{check="OSD_DOWN",remote="r",severity="HEALTH_WARN"} 1"#,
            r#"pve_ceph_health_check{check="POOL_NO_REDUNDANCY",remote="r",severity="HEALTH_WARN"} 0"#,
            r#"pve_ceph_manager_available{remote="r"} 1"#,
            r#"pve_ceph_managers_standby{remote="r"} 1"#,
            r#"pve_ceph_monitors{remote="r"} 3"#,
            r#"pve_ceph_monitors_in_quorum{remote="r"} 2"#,
            r#"pve_ceph_osds{remote="r"} 3"#,
            r#"pve_ceph_osds_up{remote="r"} 2"#,
            r#"pve_ceph_osds_in{remote="r"} 3"#,
            r#"pve_ceph_placement_groups{remote="r"} 97"#,
            r#"pve_ceph_placement_groups_in_state{remote="r",state="active"} 97"#,
            r#"pve_ceph_placement_groups_in_state{remote="r",state="clean"} 90"#,
            r#"pve_ceph_placement_groups_in_state{remote="r",state="undersized"} 7"#,
            r#"pve_ceph_placement_groups_in_state{remote="r",state="inconsistent"} 0"#,
            r#"pve_ceph_size_bytes{remote="r"} 30000"#,
            r#"pve_ceph_used_bytes{remote="r"} 12000"#,
            r#"pve_ceph_available_bytes{remote="r"} 18000"#,
            r#"pve_ceph_data_bytes{remote="r"} 4000"#,
            r#"pve_ceph_objects{remote="r"} 1000"#,
            r#"pve_ceph_objects_degraded{remote="r"} 50"#,
            r#"pve_ceph_objects_misplaced{remote="r"} 0"#,
            r#"pve_ceph_objects_unfound{remote="r"} 0"#,
            r#"pve_ceph_read_bytes_per_second{remote="r"} 100"#,
            r#"pve_ceph_written_bytes_per_second{remote="r"} 0"#,
            r#"pve_ceph_recovered_bytes_per_second{remote="r"} 0"#,
            r#"pve_ceph_read_operations_per_second{remote="r"} 0"#,
            r#"pve_ceph_write_operations_per_second{remote="r"} 5"#,
        ],
    );
}

#[tokio::test]
async fn a_node_without_ceph_is_passed_over_for_one_that_has_it() {
    let answers = answers()
        .with("/cluster/ceph/status", STATUS)
        .with(
            "/cluster/ceph/flags",
            r#"{"data":[{"name":"noout","description":"x","value":1},{"name":"pause","value":false}]}"#,
        )
        .with_status("/nodes/pve1/ceph/osd", 500, "binary not installed: /usr/bin/ceph-mon")
        .with(
            "/nodes/pve2/ceph/osd",
            r#"{"data":{"flags":"noout","root":{"leaf":0,"children":[{"id":"-1","name":"default","type":"root",
                "leaf":0,"children":[{"id":"-3","name":"pve2","type":"host","children":[
                {"id":"1","name":"osd.1","type":"osd","leaf":1,"status":"down","in":0,"device_class":"ssd",
                 "total_space":1024,"bytes_used":0,"pgs":0},
                {"id":0,"name":"osd.0","type":"osd","leaf":1,"status":"up","in":1,"crush_weight":0.9,
                 "device_class":"nvme","total_space":2000,"bytes_used":500,"percent_used":25,"pgs":97,
                 "commit_latency_ms":4,"apply_latency_ms":"6"}]}]}]}}}"#,
        )
        .with_status("/nodes/pve1/ceph/pool", 500, "binary not installed: /usr/bin/ceph-mon")
        .with(
            "/nodes/pve2/ceph/pool",
            r#"{"data":[{"pool":2,"pool_name":"vms","bytes_used":900,"percent_used":0.25,"size":3,
                "min_size":2,"pg_num":32,"type":"replicated"}]}"#,
        );
    let lines = walk::exposed(&CEPH, answers).await;
    let of_parts: Vec<_> = lines
        .iter()
        .skip_while(|line| !line.starts_with("pve_ceph_flag"))
        .collect();
    assert_eq!(
        of_parts,
        [
            r#"pve_ceph_flag{flag="noout",remote="r"} 1"#,
            r#"pve_ceph_flag{flag="pause",remote="r"} 0"#,
            r#"pve_ceph_osd_up{osd="0",remote="r"} 1"#,
            r#"pve_ceph_osd_up{osd="1",remote="r"} 0"#,
            r#"pve_ceph_osd_in{osd="0",remote="r"} 1"#,
            r#"pve_ceph_osd_in{osd="1",remote="r"} 0"#,
            r#"pve_ceph_osd_size_bytes{osd="0",remote="r"} 2000"#,
            r#"pve_ceph_osd_used_bytes{osd="0",remote="r"} 500"#,
            r#"pve_ceph_osd_placement_groups{osd="0",remote="r"} 97"#,
            r#"pve_ceph_osd_placement_groups{osd="1",remote="r"} 0"#,
            r#"pve_ceph_osd_commit_latency_seconds{osd="0",remote="r"} 0.004"#,
            r#"pve_ceph_osd_apply_latency_seconds{osd="0",remote="r"} 0.006"#,
            r#"pve_ceph_osd_info{device_class="nvme",node="pve2",osd="0",remote="r"} 1"#,
            r#"pve_ceph_osd_info{device_class="ssd",node="pve2",osd="1",remote="r"} 1"#,
            r#"pve_ceph_pool_used_bytes{pool="vms",remote="r"} 900"#,
            r#"pve_ceph_pool_usage_ratio{pool="vms",remote="r"} 0.25"#,
            r#"pve_ceph_pool_replicas{pool="vms",remote="r"} 3"#,
            r#"pve_ceph_pool_minimum_replicas{pool="vms",remote="r"} 2"#,
            r#"pve_ceph_pool_placement_groups{pool="vms",remote="r"} 32"#,
        ]
    );
}

#[tokio::test]
async fn a_cluster_without_ceph_says_nothing_of_it() {
    let without = answers().with_status(
        "/cluster/ceph/status",
        500,
        "binary not installed: /usr/bin/ceph-mon",
    );
    assert!(walk::exposed(&CEPH, without).await.is_empty());
    let odd = answers().with("/cluster/ceph/status", r#"{"data":{"health":null}}"#);
    assert!(walk::exposed(&CEPH, odd).await.is_empty());
}
