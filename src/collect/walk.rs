//! The walk of the data without a fleet around it: every source asked once, one after the other, and
//! collected. So that what is made of answers can be tested and fuzzed as a whole.

use std::sync::Arc;

use super::{COLLECTORS, Class, Collector, Inputs};
use crate::metric::block::Block;
use crate::source::{AnySource, Session};

/// What every collector of the remote's product says, with the collector.
pub async fn walk(session: &Session, remote: &str) -> Vec<(&'static Collector, Arc<Block>)> {
    let collectors = collectors(session);
    let inputs = inputs(session, remote).await;
    collectors
        .into_iter()
        .map(|collector| {
            let lines = (collector.collect)(&inputs);
            (collector, Arc::new(Block::from_lines(lines)))
        })
        .collect()
}

/// What every source of the remote's product tells.
pub async fn inputs<'a>(session: &'a Session, remote: &'a str) -> Inputs<'a> {
    let collectors = collectors(session);
    let mut inputs = Inputs::new(remote, session.filter()).with_running(collectors.iter().copied());
    for collector in &collectors {
        for source in collector.sources {
            ask(session, *source, &mut inputs).await;
        }
    }
    inputs
}

/// Those that are live first: what there is to ask about is learned from them.
fn collectors(session: &Session) -> Vec<&'static Collector> {
    let product = session.product();
    let mut collectors: Vec<&'static Collector> = COLLECTORS
        .iter()
        .copied()
        .filter(|collector| collector.product == product)
        .collect();
    collectors.sort_by_key(|collector| collector.class == Class::Background);
    collectors
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
