//! The walk of the data without a fleet around it: every source asked once, one after the other, and
//! collected. So that what is made of answers can be tested and fuzzed as a whole.

use std::sync::Arc;

use super::{COLLECTORS, Class, Collector, Inputs};
use crate::metric::block::Block;
use crate::source::{AnySource, Session};

/// What every collector of the remote's product says, with the collector.
pub async fn walk(session: &Session, remote: &str) -> Vec<(&'static Collector, Arc<Block>)> {
    collected(&inputs(session, remote).await).collect()
}

/// What the collectors say of what was told.
pub fn collected(inputs: &Inputs<'_>) -> impl Iterator<Item = (&'static Collector, Arc<Block>)> {
    inputs.running().map(|collector| {
        let lines = (collector.collect)(inputs);
        (collector, Arc::new(Block::from_lines(lines)))
    })
}

/// What every source of the remote's product tells, for whoever reads it.
pub async fn inputs<'a>(session: &'a Session, remote: &'a str) -> Inputs<'a> {
    let product = session.product();
    let mut collectors: Vec<&'static Collector> = COLLECTORS
        .iter()
        .copied()
        .filter(|collector| collector.product == product)
        .collect();
    // What there is to ask about is learned from the live ones.
    collectors.sort_by_key(|collector| collector.class == Class::Background);

    let mut inputs = Inputs::new(remote, session.filter()).with_running(collectors.iter().copied());
    for collector in &collectors {
        for source in collector.sources {
            ask(session, *source, &mut inputs).await;
        }
    }
    inputs
}

async fn ask(session: &Session, source: &'static dyn AnySource, inputs: &mut Inputs<'_>) {
    for item in session.topology().items(source.scope()) {
        let fetched = source.fetch(session, &item, None, &*inputs).await;
        if let Ok(fetched) = fetched {
            inputs.add(source.name(), item, fetched.value);
        }
    }
}

/// The lines of one collector, made from these answers.
#[cfg(test)]
pub(crate) async fn exposed(
    collector: &'static Collector,
    answers: crate::remote::table::AnswerTable,
) -> Vec<String> {
    let session = Session::new(answers, collector.product);
    let walked = walk(&session, "r").await;
    let (_, block) = walked
        .into_iter()
        .find(|(walked, _)| std::ptr::eq(*walked, collector))
        .unwrap();
    block
        .parts()
        .flat_map(|(_, lines)| std::str::from_utf8(lines).unwrap().lines())
        .map(str::to_owned)
        .collect()
}
