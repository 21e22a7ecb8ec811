//! Tokens and what they may see.

use crate::random::Random;

/// What a token's rights are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// PVEAuditor on `/`, Audit on `/`.
    Auditor,
    /// A user without any ACL.
    Nothing,
    /// The user is an auditor, the token with privilege separation has no ACL of its own.
    PrivilegeSeparated,
    /// One guest, or one namespace of one datastore.
    OneObject,
    Administrator,
}

/// A token that the remote knows.
#[derive(Debug, Clone)]
pub struct Token {
    /// `user@realm!name`.
    pub id: String,
    pub secret: String,
    pub role: Role,
}

/// PVEAuditor of 9.x; the agent's privilege is not in that of 8.x.
pub(crate) const PVE_AUDIT: &[&str] = &[
    "Datastore.Audit",
    "Mapping.Audit",
    "Pool.Audit",
    "SDN.Audit",
    "Sys.Audit",
    "VM.Audit",
    "VM.GuestAgent.Audit",
];

/// PBS' role Audit holds neither Remote.Audit nor Tape.Audit.
pub(crate) const PBS_AUDIT: &[&str] = &["Datastore.Audit", "Sys.Audit"];

impl Role {
    /// Whether the role sees what needs an auditor on the whole of it.
    pub(crate) fn sees_all(self) -> bool {
        matches!(self, Self::Auditor | Self::Administrator)
    }
}

/// The tokens of a remote, the auditor's first.
pub(crate) fn tokens(realm: &str, seed: u64) -> Vec<Token> {
    let mut random = Random::of(seed, "tokens", 0);
    [
        ("monitor", "proxfleet", Role::Auditor),
        ("nobody", "none", Role::Nothing),
        ("monitor", "separated", Role::PrivilegeSeparated),
        ("limited", "one", Role::OneObject),
        ("admin", "all", Role::Administrator),
    ]
    .into_iter()
    .map(|(user, name, role)| Token { id: format!("{user}@{realm}!{name}"), secret: secret(&mut random), role })
    .collect()
}

/// A UUID, as the products make secrets.
fn secret(random: &mut Random) -> String {
    let (high, low) = (random.next(), random.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

/// The token that an `Authorization` header holds, if the remote knows it. The products differ in
/// the separator before the secret.
pub(crate) fn authenticate(tokens: &[Token], is_pve: bool, header: Option<&str>) -> Option<Role> {
    let header = header?;
    let (text, separator) = if is_pve {
        (header.strip_prefix("PVEAPIToken=")?, '=')
    } else {
        (header.strip_prefix("PBSAPIToken=").or(header.strip_prefix("PBSAPIToken "))?, ':')
    };
    let (id, secret) = text.rsplit_once(separator)?;
    tokens.iter().find(|token| token.id == id && token.secret == secret).map(|token| token.role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_product_has_its_own_header() {
        let tokens = tokens("pve", 1);
        let Token { id, secret, .. } = &tokens[0];
        let ask = |is_pve, header: String| authenticate(&tokens, is_pve, Some(&header));
        assert_eq!(ask(true, format!("PVEAPIToken={id}={secret}")), Some(Role::Auditor));
        assert_eq!(ask(true, format!("PVEAPIToken={id}:{secret}")), None);
        assert_eq!(ask(true, format!("PBSAPIToken={id}:{secret}")), None);
        assert_eq!(ask(false, format!("PBSAPIToken={id}:{secret}")), Some(Role::Auditor));
        assert_eq!(ask(true, format!("PVEAPIToken={id}=x{secret}")), None);
        assert_eq!(authenticate(&tokens, true, None), None);
    }
}
