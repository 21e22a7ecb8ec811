//! What became of a call: a closed set, which is also the value of the label `outcome`.

/// In order of how much it matters to the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    Ok,
    /// There is no such thing here: an older version, no Ceph, a datastore that is not mounted.
    NotApplicable,
    /// The guest, storage or task is there no longer.
    ObjectGone,
    /// Another node of the cluster could not be reached from the one that was asked.
    OtherNodeDown,
    /// The token lacks a privilege.
    Forbidden,
    /// The answer is not what the call answers with, or the call is not what the server takes.
    Invalid,
    /// The token is not known, expired or disabled.
    Unauthorised,
    /// No answer.
    Unavailable,
}

impl Outcome {
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::NotApplicable,
        Self::ObjectGone,
        Self::OtherNodeDown,
        Self::Forbidden,
        Self::Invalid,
        Self::Unauthorised,
        Self::Unavailable,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotApplicable => "not_applicable",
            Self::ObjectGone => "object_gone",
            Self::OtherNodeDown => "other_node_down",
            Self::Forbidden => "forbidden",
            Self::Invalid => "invalid",
            Self::Unauthorised => "unauthorised",
            Self::Unavailable => "unavailable",
        }
    }

    /// Whether something is wrong with the remote, the token or us.
    pub const fn is_error(self) -> bool {
        matches!(
            self,
            Self::Forbidden | Self::Invalid | Self::Unauthorised | Self::Unavailable
        )
    }
}
