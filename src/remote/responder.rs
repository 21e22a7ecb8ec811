//! Whoever answers calls: a remote, or a table of answers in its place.

use std::future::Future;
use std::pin::Pin;

use super::call::{Answer, Call};
use super::error::{CallError, Context};

pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, CallError>> + Send + 'a>>;

pub trait Responder: Send + Sync {
    fn get<'a>(&'a self, call: &'a Call) -> Answering<'a>;

    /// Where an error happens that is found only in what was answered, or before anybody was asked.
    fn context(&self, call: &'static str, endpoint: Option<usize>) -> Context;

    /// Number of end-points.
    fn endpoints(&self) -> usize;

    /// From now on this end-point is asked first.
    fn prefer(&self, endpoint: usize);

    /// Lets a token that was refused be tried again.
    fn reconsider(&self);
}
