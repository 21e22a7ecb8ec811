//! Login with a user's password, as the older exporters do it.

#![allow(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use proxfleet::config::{self, Credentials, Endpoint, Password, Product};
use proxfleet::remote::Client;
use proxfleet::remote::call::Call;
use proxfleet::remote::error::CallError;
use proxfleet::remote::in_flight::InFlight;
use proxfleet::remote::observer::Nobody;
use proxfleet::remote::outcome::Outcome;
use proxfleet::remote::responder::Responder;
use proxfleet::remote::trust::SystemRoots;
use simulator::{Fault, Fleet, RemotePlan, SimulatedRemote, User};
use support::{fleet, pbs, pve};

/// A client of a remote, with the password of one of its users, or another.
fn client(remote: &SimulatedRemote, user: &User, password: &str) -> Client {
    let product = match remote.product() {
        "pve" => Product::Pve,
        _ => Product::Pbs,
    };
    let endpoints = remote.endpoints().into_iter().map(|endpoint| Endpoint {
        host: endpoint.address.ip().to_string(),
        port: endpoint.address.port(),
        fingerprint: Some(endpoint.fingerprint.parse().unwrap()),
    });
    let config = config::Remote {
        name: remote.name().to_owned(),
        origin: Default::default(),
        product,
        endpoints: endpoints.collect(),
        credentials: Credentials::Password(Password {
            user: user.id.clone(),
            password: password.into(),
        }),
        ca: None,
        labels: Default::default(),
        filter: Default::default(),
        timeout: Duration::from_secs(10),
        max_in_flight: 3,
        background_calls_per_second: 1000,
        collectors: Default::default(),
    };
    Client::new(
        Arc::new(config),
        Arc::new(SystemRoots::none()),
        Arc::new(InFlight::new(8)),
        Arc::new(Nobody),
    )
    .unwrap()
}

/// What twenty calls at once are answered.
async fn ask_at_once(client: &Client) -> Vec<Result<(), CallError>> {
    let calls = (0..20).map(|_| {
        let client = client.clone();
        tokio::spawn(async move {
            let call = Call::get("/version", "/version".to_owned());
            client.get(&call).await.map(drop)
        })
    });
    let mut results = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        results.push(call.await.unwrap());
    }
    results
}

fn logins(remote: &SimulatedRemote) -> u64 {
    let counts = remote.counts();
    let requests = counts.endpoints.iter();
    requests
        .filter_map(|endpoint| endpoint.requests.get("POST /access/ticket"))
        .sum()
}

async fn both() -> Fleet {
    fleet([RemotePlan::Pve(pve("a", 2, 5)), RemotePlan::Pbs(pbs("b"))]).await
}

#[tokio::test]
async fn one_login_serves_all_calls_and_a_ticket_that_has_ended_is_renewed_once() {
    let fleet = both().await;
    for remote in fleet.remotes() {
        let user = &remote.users()[0];
        let client = client(remote, user, &user.password);
        for result in ask_at_once(&client).await {
            result.unwrap();
        }
        assert_eq!(logins(remote), 1, "{}", remote.name());

        fleet.clock().advance(Duration::from_secs(3 * 3600));
        for result in ask_at_once(&client).await {
            result.unwrap();
        }
        assert_eq!(logins(remote), 2, "{}", remote.name());
    }
}

#[tokio::test]
async fn a_ticket_of_one_node_is_good_for_the_others() {
    let fleet = both().await;
    let remote = fleet.remote("a");
    let user = &remote.users()[0];
    let client = client(remote, user, &user.password);
    for endpoint in [0, 1] {
        let mut call = Call::get("/version", "/version".to_owned());
        call.endpoint = Some(endpoint);
        client.get(&call).await.unwrap();
    }
    assert_eq!(logins(remote), 1);
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let fleet = both().await;
    for remote in fleet.remotes() {
        let client = client(remote, &remote.users()[0], "correct-horse");
        for _ in 0..2 {
            for result in ask_at_once(&client).await {
                let error = result.unwrap_err();
                assert_eq!(error.outcome(), Outcome::Unauthorised);
                let text = error.to_string();
                assert!(text.contains("the password was refused"), "{text}");
                assert!(!format!("{text} {error:?}").contains("correct-horse"));
            }
        }
        assert_eq!(logins(remote), 1, "{}", remote.name());
    }
}

#[tokio::test]
async fn a_password_that_is_refused_later_is_not_repeated_by_what_is_waiting() {
    let fleet = both().await;
    for remote in fleet.remotes() {
        let user = &remote.users()[0];
        let client = client(remote, user, &user.password);
        for result in ask_at_once(&client).await {
            result.unwrap();
        }
        remote.set_fault(Fault::Unauthorised);
        for result in ask_at_once(&client).await {
            result.unwrap_err();
        }
        assert_eq!(logins(remote), 2, "{}", remote.name());
        remote.clear_faults();
        client.reconsider();
        for result in ask_at_once(&client).await {
            result.unwrap();
        }
        assert_eq!(logins(remote), 3, "{}", remote.name());
    }
}

#[tokio::test]
async fn a_second_factor_is_a_clear_error_and_tried_once() {
    let fleet = both().await;
    for remote in fleet.remotes() {
        let user = remote.users().iter().find(|user| user.second_factor);
        let user = user.unwrap();
        let client = client(remote, user, &user.password);
        for result in ask_at_once(&client).await {
            let text = result.unwrap_err().to_string();
            assert!(text.contains("has a second factor"), "{text}");
            assert!(text.contains("use an API token"), "{text}");
            assert!(!text.contains("tfa!"), "{text}");
        }
        assert_eq!(logins(remote), 1, "{}", remote.name());
    }
}
