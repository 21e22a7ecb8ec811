use clap::Args;
use super::Verdict;
#[derive(Args)]
pub(super) struct Arguments {}
pub(super) async fn demo(_: Arguments) -> Verdict { Verdict::Failed }
