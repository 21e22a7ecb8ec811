//! A scrape from cache allocates a constant number of times, whatever the number of samples.

#![allow(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod support;

use std::alloc::System;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use proxfleet::fleet::Fleet;
use proxfleet::fleet::telemetry::Telemetry;
use proxfleet::remote::trust::SystemRoots;
use proxfleet::web::{self, App};
use proxfleet::{collect, config};
use simulator::RemotePlan;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::ServiceExt;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The goal; what is measured is far below it.
const ALLOWED: usize = 200;

async fn scrape(router: &axum::Router) -> usize {
    let request = Request::get("/metrics")
        .header("Accept-Encoding", "gzip")
        .body(Body::empty())
        .unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    axum::body::to_bytes(answer.into_body(), usize::MAX)
        .await
        .unwrap()
        .len()
}

#[tokio::test]
async fn a_scrape_from_cache_does_not_allocate_by_the_sample() {
    for guests in [10, 2_000] {
        let simulated = support::fleet([RemotePlan::Pve(support::pve("a", 3, guests))]).await;
        // Nothing is asked for while it is counted.
        let text = format!(
            "[defaults]\nintervals = {{ resources = \"1h\" }}\ncollectors = {{ usage = false, version = false, membership = false }}\n{}",
            simulated.config_toml()
        );
        let loaded = config::parse(
            &text,
            Path::new("test.toml"),
            &collect::configuration_keys(),
        );
        let config = loaded
            .config
            .unwrap_or_else(|| panic!("{:?}", loaded.findings));
        let fleet = Arc::new(Fleet::new(
            Arc::new(Telemetry::new()),
            Arc::new(SystemRoots::none()),
        ));
        fleet.apply(&config).unwrap();
        let (reload, _reloads) = tokio::sync::mpsc::channel(1);
        let router = web::router(App::new(fleet, config, reload));
        assert!(scrape(&router).await > 1000);

        // The fewest of several: the simulated servers live in this process too.
        let mut fewest = usize::MAX;
        for _ in 0..20 {
            let region = Region::new(ALLOCATOR);
            scrape(&router).await;
            fewest = fewest.min(region.change().allocations);
        }
        assert!(
            fewest <= ALLOWED,
            "{fewest} allocations with {guests} guests"
        );
    }
}
