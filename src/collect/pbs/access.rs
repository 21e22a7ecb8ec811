//! What our token lacks, and which accounts of the backup server expire.

use std::time::Duration;

use crate::collect::access::{MISSING_PRIVILEGE, expiry_lines, missing_lines};
use crate::collect::{Class, Collector, Inputs};
use crate::config::Product;
use crate::metric::family::Family;
use crate::metric::lines::Lines;
use crate::source::pbs::access;

pub static ACCESS: Collector = Collector {
    name: "access",
    about: "Privileges that the token lacks for what runs, and the expiry of users and tokens.",
    product: Product::Pbs,
    class: Class::Background,
    by_default: true,
    interval: Duration::from_secs(60 * 60),
    sources: &[&access::RIGHTS, &access::EXPIRIES],
    reads: &[],
    families: &[&MISSING_PRIVILEGE, &USER_EXPIRY, &TOKEN_EXPIRY],
    collect,
};

static USER_EXPIRY: Family = Family::gauge(
    "pbs_user_expiry_timestamp_seconds",
    "When an enabled user of the backup server expires, only for those that do",
    &["remote", "user"],
)
.unrecorded();
static TOKEN_EXPIRY: Family = Family::gauge(
    "pbs_token_expiry_timestamp_seconds",
    "When an API token of an enabled user of the backup server expires, only for those that do",
    &["remote", "token"],
);

fn collect(inputs: &Inputs<'_>) -> Vec<Lines> {
    let mut lines = Vec::new();
    if let Some(rights) = inputs.get(&access::RIGHTS) {
        lines.push(missing_lines(&rights, inputs));
    }
    if let Some(expiries) = inputs.get(&access::EXPIRIES) {
        lines.extend(expiry_lines(
            &expiries,
            &USER_EXPIRY,
            &TOKEN_EXPIRY,
            inputs.remote,
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::walk;
    use crate::remote::table::AnswerTable;

    fn answers() -> AnswerTable {
        AnswerTable::new(Product::Pbs, 1).with("/admin/datastore", r#"{"data":[]}"#)
    }

    #[tokio::test]
    async fn accounts_that_can_be_used_and_expire_are_told() {
        let users = r#"{"data":[
            {"userid":"adm@pbs","tokens":[{"tokenid":"adm@pbs!old","expire":1700000000},{"tokenid":"adm@pbs!new"},
                {"tokenid":"adm@pbs!off","enable":false,"expire":5}]},
            {"userid":"disabled@pbs","enable":false,"expire":1700000000},
            {"userid":"guest@pbs","expire":1800000000},{"userid":"root@pam"}]}"#;
        let lines = walk::exposed(&ACCESS, answers().with("/access/users", users)).await;
        assert_eq!(
            lines,
            [
                r#"pbs_user_expiry_timestamp_seconds{remote="r",user="guest@pbs"} 1800000000"#,
                r#"pbs_token_expiry_timestamp_seconds{remote="r",token="adm@pbs!old"} 1700000000"#,
            ]
        );
    }

    #[tokio::test]
    async fn what_the_token_lacks_is_told_with_who_needs_it() {
        let missing = async |rights: &str| {
            let answers = answers().with("/access/permissions", rights);
            walk::exposed(&ACCESS, answers).await
        };
        let lines = missing(
            r#"{"data":{"/":{"Sys.Audit":true,"Datastore.Audit":true},"/system/tasks":{}}}"#,
        )
        .await;
        let lacks = r#"proxfleet_token_missing_privilege{collector="task",path="/system/tasks",privilege="Sys.Audit",remote="r"} 1"#;
        assert!(lines.iter().any(|line| line == lacks), "{lines:#?}");
        let without = r#"{"data":{"/":{"Sys.Audit":true,"Datastore.Audit":true}}}"#;
        let lines = missing(without).await;
        assert!(!lines.iter().any(|line| line == lacks), "{lines:#?}");
    }
}
