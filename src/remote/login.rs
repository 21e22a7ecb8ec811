//! Gentleness with credentials: one failed login at most, not one for each call that is waiting.
//!
//! A refused token is answered after three seconds, looks like an attack in the server's log, and
//! may get the address blocked. So the first call goes alone until a server has accepted the
//! token; after a 401 no token is sent for a minute, doubling to ten, and then by one call alone.
//! With passwords the pauses are long: a directory locks an account after a few wrong ones.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::error::{CallError, Context, Failure};
use crate::config::Credentials;

/// The first pause and the longest.
const PAUSES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(600)];
const PAUSES_OF_PASSWORDS: [Duration; 2] = [Duration::from_secs(1800), Duration::from_secs(7200)];

pub(super) struct Login {
    /// For errors: a token or a password.
    shown: &'static str,
    pauses: [Duration; 2],
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// Length of the next pause.
    pause: Duration,
}

enum Phase {
    /// No server has seen the token yet, or not since the pause.
    Unproven,
    /// One call is on its way; the others wait for what becomes of it.
    Proving(watch::Receiver<Option<Proof>>),
    Proven,
    Paused(Instant),
}

/// What became of the call that went alone: accepted, or why not.
type Proof = Result<(), CallError>;

/// Permission to send the token.
pub(super) enum Entry<'a> {
    Free,
    Alone(Alone<'a>),
}

/// The one call that others wait for. Dropped without a word, another takes its place.
pub(super) struct Alone<'a> {
    login: &'a Login,
    told: watch::Sender<Option<Proof>>,
    settled: bool,
}

impl Login {
    pub(super) fn new(credentials: &Credentials) -> Self {
        let pauses = match credentials {
            Credentials::Token(_) => PAUSES,
            Credentials::Password(_) => PAUSES_OF_PASSWORDS,
        };
        Self {
            shown: credentials.kind(),
            pauses,
            state: Mutex::new(State {
                phase: Phase::Unproven,
                pause: pauses[0],
            }),
        }
    }

    /// Waits for permission. An error is that of the call that went first.
    pub(super) async fn enter(&self, context: &Context) -> Result<Entry<'_>, CallError> {
        loop {
            let mut proving = {
                let mut state = self.state();
                match &state.phase {
                    Phase::Proven => return Ok(Entry::Free),
                    Phase::Paused(until) => {
                        let left = until.saturating_duration_since(Instant::now());
                        if !left.is_zero() {
                            return Err(CallError::new(
                                context.clone(),
                                Failure::Paused {
                                    shown: self.shown,
                                    left,
                                },
                            ));
                        }
                        return Ok(Entry::Alone(self.begin(&mut state)));
                    }
                    Phase::Unproven => return Ok(Entry::Alone(self.begin(&mut state))),
                    Phase::Proving(proving) => proving.clone(),
                }
            };
            // An error is that the call was given up: then it is somebody else's turn.
            if let Ok(proof) = proving.wait_for(Option::is_some).await
                && let Some(Err(error)) = &*proof
            {
                return Err(error.clone());
            }
        }
    }

    fn begin(&self, state: &mut State) -> Alone<'_> {
        let (told, proving) = watch::channel(None);
        state.phase = Phase::Proving(proving);
        Alone {
            login: self,
            told,
            settled: false,
        }
    }

    /// A token that was accepted before has been refused.
    pub(super) fn refused(&self) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Proven) {
            state.pause(self.pauses[1]);
        }
    }

    /// Forgets a pause, because the operator may have mended the token.
    pub(super) fn reset(&self) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Paused(_)) {
            state.phase = Phase::Unproven;
        }
        state.pause = self.pauses[0];
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pause(&mut self, longest: Duration) {
        self.phase = Phase::Paused(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(longest);
    }
}

impl Alone<'_> {
    /// A server has accepted the token.
    pub(super) fn accepted(mut self) {
        let mut state = self.login.state();
        state.phase = Phase::Proven;
        state.pause = self.login.pauses[0];
        drop(state);
        self.tell(Ok(()));
    }

    /// A server has refused the token.
    pub(super) fn refused(mut self, error: CallError) {
        self.login.state().pause(self.login.pauses[1]);
        self.tell(Err(error));
    }

    /// No server has said anything of the token.
    pub(super) fn unanswered(mut self, error: CallError) {
        self.login.state().phase = Phase::Unproven;
        self.tell(Err(error));
    }

    fn tell(&mut self, proof: Proof) {
        self.settled = true;
        self.told.send_replace(Some(proof));
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.login.state().phase = Phase::Unproven;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Password, Product, Token};
    use std::sync::Arc;

    fn context() -> Context {
        Context {
            remote: "r".into(),
            product: Product::Pve,
            call: "/version",
            address: None,
        }
    }

    fn token() -> Credentials {
        Credentials::Token(Token {
            id: "u@pve!t".to_owned(),
            secret: "x".into(),
        })
    }

    fn refusal() -> CallError {
        let failure = Failure::Unauthorised {
            shown: "token",
            text: "No ticket".to_owned(),
            hint: "",
        };
        CallError::new(context(), failure)
    }

    #[tokio::test]
    async fn the_first_goes_alone_and_the_others_share_its_fate() {
        let login = Arc::new(Login::new(&token()));
        let Ok(Entry::Alone(first)) = login.enter(&context()).await else {
            panic!("the first must go alone");
        };
        let waiting: Vec<_> = (0..20)
            .map(|_| {
                let login = Arc::clone(&login);
                tokio::spawn(async move { login.enter(&context()).await.map(drop) })
            })
            .collect();
        tokio::task::yield_now().await;
        first.refused(refusal());
        for waiter in waiting {
            assert!(waiter.await.unwrap().is_err());
        }
        assert!(
            matches!(login.enter(&context()).await, Err(error) if error.to_string().contains("tried again in"))
        );
        login.reset();
        let Ok(Entry::Alone(again)) = login.enter(&context()).await else {
            panic!("after a reset one goes alone");
        };
        again.accepted();
        assert!(matches!(login.enter(&context()).await, Ok(Entry::Free)));
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_makes_room() {
        let login = Login::new(&token());
        let first = login.enter(&context()).await.map_err(drop).unwrap();
        drop(first);
        assert!(matches!(login.enter(&context()).await, Ok(Entry::Alone(_))));
    }

    #[test]
    fn pauses_double_to_ten_minutes() {
        let login = Login::new(&token());
        let mut lengths = Vec::new();
        for _ in 0..6 {
            lengths.push(login.state().pause.as_secs());
            login.state().pause(login.pauses[1]);
        }
        assert_eq!(lengths, [60, 120, 240, 480, 600, 600]);
    }

    #[test]
    fn a_wrong_password_is_tried_too_seldom_to_lock_an_account() {
        let password = Credentials::Password(Password {
            user: "u@ad".to_owned(),
            password: "x".into(),
        });
        let login = Login::new(&password);
        assert!(login.state().pause >= Duration::from_secs(1800));
    }
}
