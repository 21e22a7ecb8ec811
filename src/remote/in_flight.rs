//! How many calls may be under way to all remotes together.

use tokio::sync::{Semaphore, SemaphorePermit};

/// What is asked in the background has half of the room: a scrape must not wait behind the
/// background of a thousand remotes.
#[derive(Debug)]
pub struct InFlight {
    all: Semaphore,
    background: Semaphore,
}

/// Room for one call, until it is dropped.
#[must_use]
pub struct Room<'a> {
    _all: Option<SemaphorePermit<'a>>,
    _background: Option<SemaphorePermit<'a>>,
}

impl InFlight {
    pub fn new(calls: usize) -> Self {
        Self {
            all: Semaphore::new(calls.max(1)),
            background: Semaphore::new((calls / 2).max(1)),
        }
    }

    /// Waits for room.
    pub async fn enter(&self, background: bool) -> Room<'_> {
        // Neither is ever closed.
        let background = match background {
            true => self.background.acquire().await.ok(),
            false => None,
        };
        Room {
            _background: background,
            _all: self.all.acquire().await.ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_background_leaves_room_for_who_waits() {
        let in_flight = InFlight::new(2);
        let background = in_flight.enter(true).await;
        let at_once = std::time::Duration::ZERO;
        let more = tokio::time::timeout(at_once, in_flight.enter(true)).await;
        assert!(more.is_err(), "half of the room is taken");
        let live = tokio::time::timeout(at_once, in_flight.enter(false)).await;
        assert!(live.is_ok());
        drop((background, live));
        drop(in_flight.enter(true).await);
    }
}
