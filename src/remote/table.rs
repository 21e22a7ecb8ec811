//! Answers by path, in the place of a remote: for tests, and for fuzzing what is made of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::call::{Answer, Call};
use super::classify::{self, Refusal};
use super::error::{CallError, Context, Failure};
use super::responder::{Answering, Responder};
use crate::config::Product;

/// What is asked for with a query that the table does not have is answered as without it; what it
/// does not have at all, as by a server that does not know the call.
pub struct AnswerTable {
    product: Product,
    /// The `Date` of every answer, Unix seconds.
    date: i64,
    answers: HashMap<String, (u16, String)>,
    /// Paths, in the order they were asked in.
    #[cfg(test)]
    asked: Arc<std::sync::Mutex<Vec<String>>>,
}

impl AnswerTable {
    pub fn new(product: Product, date: i64) -> Self {
        Self {
            product,
            date,
            answers: HashMap::new(),
            #[cfg(test)]
            asked: Arc::default(),
        }
    }

    /// The paths that are asked, for tests of what is not.
    #[cfg(test)]
    pub fn asked(&self) -> Arc<std::sync::Mutex<Vec<String>>> {
        Arc::clone(&self.asked)
    }

    /// Puts in the body of a good answer. `path` is the one below `/api2/json`, encoded.
    pub fn with(self, path: &str, body: impl Into<String>) -> Self {
        self.with_status(path, 200, body)
    }

    /// Puts in an answer with any status; `text` is the body or, of an error, what it says.
    pub fn with_status(mut self, path: &str, status: u16, text: impl Into<String>) -> Self {
        self.answers.insert(path.to_owned(), (status, text.into()));
        self
    }

    fn answer(&self, call: &Call) -> Result<Answer, Failure> {
        let plain = call.path.split('?').next().unwrap_or_default();
        let found = self.answers.get(&call.path);
        match found.or_else(|| self.answers.get(plain)) {
            Some((200, body)) => Ok(Answer {
                body: Bytes::from(body.clone()),
                endpoint: 0,
                date: Some(self.date),
                received_at: SystemTime::now(),
                elapsed: Duration::ZERO,
            }),
            Some((status, text)) => Err(classify::failure(&Refusal {
                shown: "token",
                product: self.product,
                status: *status,
                reason: text,
                body: text,
                server: "",
                node: call.node.as_deref(),
            })),
            None => Err(Failure::NotImplemented(call.path.clone())),
        }
    }
}

impl Responder for AnswerTable {
    fn get<'a>(&'a self, call: &'a Call) -> Answering<'a> {
        #[cfg(test)]
        self.asked.lock().unwrap().push(call.path.clone());
        let answer = self
            .answer(call)
            .map_err(|failure| CallError::new(self.context(call.name, Some(0)), failure));
        Box::pin(std::future::ready(answer))
    }

    fn context(&self, call: &'static str, _: Option<usize>) -> Context {
        Context {
            remote: Arc::from("table"),
            product: self.product,
            call,
            address: None,
        }
    }

    fn endpoints(&self) -> usize {
        1
    }

    fn prefer(&self, _: usize) {}

    fn reconsider(&self) {}
}
