//! Login with a password: a ticket, good for two hours, that stands for it from then on.
//!
//! `POST /access/ticket` of both products. Calls that need a ticket at the same time share one
//! login. It runs to its end even where the call that began it is given up: a password whose
//! refusal nobody reads would be tried again and again, until its account is locked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::watch;

use super::error::Failure;
use super::percent;
use super::transport::Transport;
use crate::config::{Password, Product};

/// Both products end a ticket after two hours.
const RENEWED_AFTER: Duration = Duration::from_secs(90 * 60);
/// PBS says after 5 s that a password is wrong, and a directory may take longer.
const LOGIN_TIME_OUT: Duration = Duration::from_secs(30);
/// Calls that had permission for a login before it was refused do not repeat it.
const REFUSAL_STANDS: Duration = Duration::from_secs(60);

/// The tickets of one remote: each of a cluster's nodes takes those of the others.
#[derive(Clone)]
pub(super) struct Tickets(Arc<Inner>);

struct Inner {
    product: Product,
    password: Password,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Ticket>,
    /// Logins that are under way, by end-point: one that hangs must not hold up another.
    logins: HashMap<usize, watch::Receiver<Option<Attempt>>>,
    refusal: Option<(Instant, Failure)>,
}

type Attempt = Result<HeaderValue, Failure>;

struct Ticket {
    cookie: HeaderValue,
    since: Instant,
}

impl Ticket {
    fn is_valid(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < RENEWED_AFTER
    }
}

impl Tickets {
    pub(super) fn new(product: Product, password: Password) -> Self {
        Self(Arc::new(Inner {
            product,
            password,
            state: Mutex::default(),
        }))
    }

    /// The cookie of a ticket, which is got from this end-point if there is none, and whether it
    /// is new.
    pub(super) async fn valid(
        &self,
        endpoint: usize,
        transport: &Arc<Transport>,
        time_out: Duration,
    ) -> Result<(HeaderValue, bool), Failure> {
        let mut login = {
            let mut state = self.0.state();
            let now = Instant::now();
            if let Some(ticket) = state.held.as_ref().filter(|held| held.is_valid(now)) {
                return Ok((ticket.cookie.clone(), false));
            }
            if let Some((since, failure)) = &state.refusal
                && now.saturating_duration_since(*since) < REFUSAL_STANDS
            {
                return Err(failure.clone());
            }
            let login = state.logins.entry(endpoint);
            login
                .or_insert_with(|| self.begin(endpoint, Arc::clone(transport)))
                .clone()
        };
        let ended = tokio::time::timeout(time_out, login.wait_for(Option::is_some)).await;
        match ended {
            Ok(Ok(attempt)) => match &*attempt {
                Some(attempt) => attempt.clone().map(|cookie| (cookie, true)),
                None => Err(Failure::TimedOut(time_out)),
            },
            // It is told before it ends, but for a runtime that shuts down.
            Ok(Err(_)) => Err(Failure::Broken("the login was given up".to_owned())),
            Err(_) => Err(Failure::TimedOut(time_out)),
        }
    }

    fn begin(
        &self,
        endpoint: usize,
        transport: Arc<Transport>,
    ) -> watch::Receiver<Option<Attempt>> {
        let (told, login) = watch::channel(None);
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            let attempt = inner.log_in(&transport).await;
            let mut state = inner.state();
            state.logins.remove(&endpoint);
            let now = Instant::now();
            match &attempt {
                Ok(cookie) => {
                    state.held = Some(Ticket {
                        cookie: cookie.clone(),
                        since: now,
                    });
                }
                Err(failure) if failure.is_refusal() => {
                    state.refusal = Some((now, failure.clone()));
                }
                Err(_) => {}
            }
            drop(state);
            told.send_replace(Some(attempt));
        });
        login
    }

    /// Forgets a ticket that a server has refused.
    pub(super) fn forget(&self, refused: &HeaderValue) {
        let mut state = self.0.state();
        // Another call may have noticed before, and got a new one.
        if state
            .held
            .as_ref()
            .is_some_and(|held| held.cookie == *refused)
        {
            state.held = None;
        }
    }

    /// Forgets that the password was refused.
    pub(super) fn reconsider(&self) {
        self.0.state().refusal = None;
    }
}

impl Inner {
    async fn log_in(&self, transport: &Transport) -> Attempt {
        let mut form = String::from("username=");
        percent::encode(&self.password.user, &mut form);
        form.push_str("&password=");
        percent::encode(self.password.password.expose_secret(), &mut form);
        let body = transport
            .log_in("/access/ticket", form.into(), LOGIN_TIME_OUT)
            .await?;
        let ticket = read(&body, self.product, &self.password.user)?;
        let mut cookie = String::from(match self.product {
            Product::Pve => "PVEAuthCookie=",
            Product::Pbs => "PBSAuthCookie=",
        });
        percent::encode(ticket.expose_secret(), &mut cookie);
        let mut cookie = HeaderValue::try_from(cookie)
            .map_err(|_| Failure::Unreadable("the ticket cannot be sent back".to_owned()))?;
        cookie.set_sensitive(true);
        Ok(cookie)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the answer to a login: a ticket, or the half of one that a second factor makes whole.
fn read(body: &[u8], product: Product, user: &str) -> Result<SecretString, Failure> {
    #[derive(Deserialize)]
    struct Answer {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        ticket: String,
        /// Of PVE alone.
        #[serde(default, rename = "NeedTFA")]
        need_tfa: serde_json::Value,
    }
    // What was wrong is not quoted: it may be the ticket.
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|_| Failure::Unreadable("the answer to the login has no ticket".to_owned()))?;
    let Data { ticket, need_tfa } = answer.data;
    let ticket = SecretString::from(ticket);
    let needs_factor = match &need_tfa {
        serde_json::Value::Null | serde_json::Value::Bool(false) => false,
        serde_json::Value::Number(number) => number.as_i64() != Some(0),
        _ => true,
    };
    let (of, rest) = ticket.expose_secret().split_once(':').unwrap_or_default();
    if needs_factor || rest.starts_with("!tfa!") {
        return Err(Failure::SecondFactor(user.to_owned()));
    }
    match (product, of) {
        (Product::Pve, "PVE") | (Product::Pbs, "PBS") => Ok(ticket),
        (Product::Pve, "PBS") => Err(Failure::Unreadable(
            "this is a Proxmox Backup Server: its type is \"pbs\"".to_owned(),
        )),
        (Product::Pbs, "PVE") => Err(Failure::Unreadable(
            "this is Proxmox VE: its type is \"pve\"".to_owned(),
        )),
        _ => Err(Failure::Unreadable(
            "the answer to the login has a ticket of an unknown form".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &str, product: Product) -> String {
        match read(body.as_bytes(), product, "me@pam") {
            Ok(ticket) => ticket.expose_secret().to_owned(),
            Err(failure) => failure.to_string(),
        }
    }

    #[test]
    fn half_tickets_and_those_of_the_other_product_are_told_apart() {
        let whole = r#"{"data":{"ticket":"PVE:me@pam:6925D0A1::x+/=","username":"me@pam"}}"#;
        assert_eq!(told(whole, Product::Pve), "PVE:me@pam:6925D0A1::x+/=");
        assert!(told(whole, Product::Pbs).contains("type is \"pve\""));
        for half in [
            r#"{"data":{"ticket":"PVE:!tfa!%7B%7D:6925D0A1::x","NeedTFA":1}}"#,
            r#"{"data":{"ticket":"PVE:me@pam:6925D0A1::x","NeedTFA":1}}"#,
            r#"{"data":{"ticket":"PBS:!tfa!%7B%7D:6925D0A1::x"}}"#,
        ] {
            let text = told(half, Product::Pve);
            assert!(
                text.contains("second factor") && text.contains("me@pam"),
                "{text}"
            );
        }
        for odd in ["", "{}", r#"{"data":null}"#, r#"{"data":{"ticket":7}}"#] {
            assert!(told(odd, Product::Pve).contains("no ticket"), "{odd}");
        }
        let odd = r#"{"data":{"ticket":"secret"}}"#;
        assert!(!told(odd, Product::Pve).contains("secret"));
    }

    #[test]
    fn a_ticket_is_renewed_before_it_ends_and_forgotten_when_it_is_refused() {
        let since = Instant::now();
        let cookie = HeaderValue::from_static("PVEAuthCookie=x");
        let ticket = Ticket {
            cookie: cookie.clone(),
            since,
        };
        assert!(ticket.is_valid(since + Duration::from_secs(89 * 60)));
        assert!(!ticket.is_valid(since + Duration::from_secs(90 * 60)));

        let password = Password {
            user: "me@pam".to_owned(),
            password: "x".into(),
        };
        let tickets = Tickets::new(Product::Pve, password);
        tickets.0.state().held = Some(ticket);
        tickets.forget(&HeaderValue::from_static("PVEAuthCookie=older"));
        assert!(tickets.0.state().held.is_some());
        tickets.forget(&cookie);
        assert!(tickets.0.state().held.is_none());
    }
}
