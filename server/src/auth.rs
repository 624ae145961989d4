//! API keys, roles and what they permit.

use sha2::{Digest, Sha256};

/// How every key starts, so that scanners for secrets can find it.
pub const KEY_PREFIX: &str = "tg_";
/// The permission of operations that need no key.
pub const PUBLIC: &str = "public";

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// Reads and writes evidence; has no access to keys.
    Developer,
    /// Reads evidence.
    Viewer,
}

/// What a developer may do.
const DEVELOPER: [&str; 8] = [
    "alerts.",
    "annotations.",
    "deployments.",
    "events.",
    "metrics.",
    "probes.",
    "projects.",
    "runs.",
];

impl Role {
    /// The role of a stored word; an unknown one may only read.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "admin" => Self::Admin,
            "developer" => Self::Developer,
            _ => Self::Viewer,
        }
    }

    /// Whether the role includes a permission of the contract's `x-permission`.
    #[must_use]
    pub fn permits(self, permission: &str) -> bool {
        match self {
            Self::Admin => true,
            Self::Developer => DEVELOPER.iter().any(|area| permission.starts_with(area)),
            Self::Viewer => permission.ends_with(".read"),
        }
    }
}

/// Messages a second that a client of this type may send over an event stream.
#[must_use]
pub fn message_rate(client_type: &str) -> u32 {
    match client_type {
        "ios" => 5,
        "cli" => 20,
        _ => 10,
    }
}

/// A new key: 256 random bits.
#[must_use]
pub fn new_key() -> String {
    let bits: [u8; 32] = rand::random();
    format!("{KEY_PREFIX}{}", hex(&bits))
}

/// A new one-time ticket: 256 random bits.
#[must_use]
pub fn new_ticket() -> String {
    let bits: [u8; 32] = rand::random();
    format!("tk_{}", hex(&bits))
}

/// Whether a text has the form of a key.
#[must_use]
pub fn is_key(text: &str) -> bool {
    text.strip_prefix(KEY_PREFIX).is_some_and(|digits| {
        digits.len() == 64
            && digits
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

/// What is stored of a key or ticket. The secret has 256 random bits, so a plain hash suffices.
#[must_use]
pub fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// How a key starts, for people to tell keys apart.
#[must_use]
pub fn shown_prefix(key: &str) -> &str {
    key.get(..KEY_PREFIX.len() + 8).unwrap_or(KEY_PREFIX)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_has_the_form_of_a_key_and_is_not_repeated() {
        let key = new_key();
        assert!(is_key(&key) && key != new_key());
        assert!(!is_key("tg_short") && !is_key(&key.to_uppercase()));
        assert_eq!(shown_prefix(&key).len(), 11);
    }

    #[test]
    fn a_viewer_reads_a_developer_writes_and_only_an_admin_sees_keys() {
        let permissions = [
            "runs.read",
            "runs.write",
            "tokens.manage",
            "alerts.acknowledge",
        ];
        let of = |role: Role| permissions.map(|it| role.permits(it));
        assert_eq!(of(Role::Viewer), [true, false, false, false]);
        assert_eq!(of(Role::Developer), [true, true, false, true]);
        assert_eq!(of(Role::Admin), [true; 4]);
    }
}
