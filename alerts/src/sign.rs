//! The signed webhook: how a request is signed, and how a receiver verifies it.
//!
//! The form is that of Standard Webhooks. Three headers come with each request:
//!
//! - `webhook-id`: the message's id, the same in every attempt; deduplicate by it.
//! - `webhook-timestamp`: seconds since 1970 of this attempt.
//! - `webhook-signature`: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`, where body is
//!   the raw bytes; several signatures are separated by spaces.
//!
//! The key is the secret's bytes, or what follows `whsec_` decoded from base64.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tollgate_report::Timestamp;

/// Header of the message's id.
pub const ID_HEADER: &str = "webhook-id";
/// Header of the attempt's time.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// Header of the signature.
pub const SIGNATURE_HEADER: &str = "webhook-signature";
/// How far the timestamp may be from the receiver's clock.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// Value of `webhook-id`.
    pub id: &'a str,
    /// Value of `webhook-timestamp`.
    pub timestamp: &'a str,
    /// The raw body.
    pub body: &'a [u8],
}

/// The signature of a request is not valid.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VerifyError {
    /// The timestamp is not a number of seconds.
    #[error("the webhook's timestamp `{0}` is not a number of seconds")]
    Timestamp(String),
    /// The timestamp is more than [`TOLERANCE`] away.
    #[error("the webhook's timestamp is more than five minutes away from now")]
    Stale,
    /// No signature matches.
    #[error("no signature of the webhook matches its body")]
    Signature,
}

fn mac(secret: &SecretString, signed: &Signed<'_>) -> Hmac<Sha256> {
    let secret = secret.expose_secret();
    let key = secret
        .strip_prefix("whsec_")
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .unwrap_or_else(|| secret.as_bytes().to_vec());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
    for part in [
        signed.id.as_bytes(),
        b".",
        signed.timestamp.as_bytes(),
        b".",
        signed.body,
    ] {
        mac.update(part);
    }
    mac
}

/// The value of `webhook-signature`.
#[must_use]
pub fn sign(secret: &SecretString, signed: &Signed<'_>) -> String {
    format!(
        "v1,{}",
        STANDARD.encode(mac(secret, signed).finalize().into_bytes())
    )
}

/// Whether `signature` matches and the timestamp is near `now`. Compares in constant time.
pub fn verify(
    secret: &SecretString,
    signed: &Signed<'_>,
    signature: &str,
    now: Timestamp,
) -> Result<(), VerifyError> {
    let seconds: i64 = signed
        .timestamp
        .parse()
        .map_err(|_: std::num::ParseIntError| {
            VerifyError::Timestamp(signed.timestamp.to_owned())
        })?;
    let at = Timestamp::from_micros(seconds.saturating_mul(1_000_000));
    if now.since(at).max(at.since(now)) > TOLERANCE {
        return Err(VerifyError::Stale);
    }
    let fits = |one: &str| {
        one.strip_prefix("v1,")
            .and_then(|encoded| STANDARD.decode(encoded).ok())
            .is_some_and(|tag| mac(secret, signed).verify_slice(&tag).is_ok())
    };
    if signature.split_whitespace().any(fits) {
        Ok(())
    } else {
        Err(VerifyError::Signature)
    }
}
