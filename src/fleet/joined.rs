//! What is made of all remotes together.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Fleet, Roster};
use crate::collect::{FleetCollector, RemoteInputs};
use crate::config::Fingerprint;
use crate::metric::block::Block;
use crate::source::AnySource;

/// What depends on the time of day is judged anew so often.
const JUDGED_EVERY: Duration = Duration::from_secs(60);

/// The last that each fleet collector has said.
#[derive(Default)]
pub(super) struct Joined(Mutex<Vec<(&'static str, Rendered)>>);

#[derive(Clone)]
struct Rendered {
    key: u64,
    blocks: Arc<Vec<(String, Arc<Block>)>>,
}

impl Joined {
    fn lock(&self) -> MutexGuard<'_, Vec<(&'static str, Rendered)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fleet {
    /// A fleet collector's samples, by the remote that they are about; rendered at most once for
    /// what is known and each minute.
    pub fn joined(
        &self,
        collector: &'static FleetCollector,
        now: Instant,
    ) -> Arc<Vec<(String, Arc<Block>)>> {
        let roster = self.roster();
        let unix = unix_time();
        let mut hasher = DefaultHasher::new();
        (unix.as_secs() / JUDGED_EVERY.as_secs()).hash(&mut hasher);
        for remote in &roster.remotes {
            remote.config.name.hash(&mut hasher);
            remote
                .readable(collector.reads.iter(), now)
                .key
                .hash(&mut hasher);
        }
        let key = hasher.finish();
        let mut rendered = self.joined.lock();
        let known = rendered.iter().find(|(name, _)| *name == collector.name);
        if let Some((_, known)) = known.filter(|(_, known)| known.key == key) {
            return Arc::clone(&known.blocks);
        }

        let inputs = inputs_of(&roster, collector.reads, now);
        let lines = (collector.collect)(&inputs, unix.as_secs_f64());
        let blocks = lines.into_iter().filter_map(|(index, lines)| {
            let remote = roster.remotes.get(index)?;
            let is_on = remote.config.collectors.enabled(collector.name, true);
            is_on.then(|| {
                (
                    remote.config.name.clone(),
                    Arc::new(Block::from_lines(lines)),
                )
            })
        });
        let blocks = Arc::new(blocks.collect());
        rendered.retain(|(name, _)| *name != collector.name);
        let known = Rendered {
            key,
            blocks: Arc::clone(&blocks),
        };
        rendered.push((collector.name, known));
        blocks
    }

    /// Makes something of what is known of all remotes; the time is in Unix seconds.
    pub fn join<T>(
        &self,
        reads: &'static [&'static dyn AnySource],
        make: impl FnOnce(&[RemoteInputs<'_>], f64) -> T,
    ) -> T {
        let roster = self.roster();
        make(
            &inputs_of(&roster, reads, Instant::now()),
            unix_time().as_secs_f64(),
        )
    }
}

fn inputs_of<'r>(
    roster: &'r Roster,
    reads: &'static [&'static dyn AnySource],
    now: Instant,
) -> Vec<RemoteInputs<'r>> {
    roster
        .remotes
        .iter()
        .map(|remote| {
            let seen = remote.telemetry.endpoints().iter();
            let seen = seen.filter_map(|endpoint| {
                let certificate = endpoint.view().certificate?;
                Some(certificate.certificate.fingerprint)
            });
            let pinned = remote.config.endpoints.iter();
            let pinned = pinned.filter_map(|endpoint| endpoint.fingerprint);
            let fingerprints: Vec<Fingerprint> = seen.chain(pinned).collect();
            RemoteInputs {
                config: &remote.config,
                fingerprints,
                inputs: remote.inputs(&remote.readable(reads.iter(), now)),
            }
        })
        .collect()
}

fn unix_time() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
