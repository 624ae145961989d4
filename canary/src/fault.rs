//! What users of a service notice, counted for each version. Values only.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// One way in which an answer is not what it was before. Server errors, timeouts and slow answers
/// have counts of their own in [`crate::events::ArmSample`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// 4xx.
    ClientErrors,
    /// 3xx other than 304.
    Redirects,
    /// A status that the stable version did not use for this operation, or that the contract does
    /// not list.
    UnexpectedStatus,
    /// The client went away before the end of the answer.
    GaveUp,
    /// No answer, or no further byte of it, for far longer than usual.
    Unfinished,
    /// The connection could not be made.
    Refused,
    /// The connection broke before the answer began.
    Reset,
    /// The answer broke off in its body.
    Cut,
    /// The answer began later than 95% of the stable version's for this operation.
    FirstByte,
    /// A body that is empty, or much smaller or larger than the stable version's.
    BodySize,
    /// Another content type, or a header that the stable version always sends is missing.
    Headers,
    /// An upgrade such as a WebSocket was refused.
    Upgrades,
    /// A tunnel that the service ended early, without a close frame or with a code of failure, or
    /// in which it stayed silent.
    Tunnels,
    /// A gRPC status other than 0.
    Grpc,
    /// JSON that does not parse, or that breaks the contract's schema.
    Schema,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::ClientErrors,
        Self::Redirects,
        Self::UnexpectedStatus,
        Self::GaveUp,
        Self::Unfinished,
        Self::Refused,
        Self::Reset,
        Self::Cut,
        Self::FirstByte,
        Self::BodySize,
        Self::Headers,
        Self::Upgrades,
        Self::Tunnels,
        Self::Grpc,
        Self::Schema,
    ];
}

/// How often each [`Fault`] occurred.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultCounts([u64; Fault::ALL.len()]);

impl FaultCounts {
    /// How often this one occurred.
    #[must_use]
    pub fn of(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }

    /// Counts one more.
    pub fn add(&mut self, fault: Fault, n: u64) {
        self.0[fault as usize] += n;
    }

    /// The sum of two.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        for fault in Fault::ALL {
            self.add(fault, other.of(fault));
        }
        self
    }

    /// What happened since `earlier`; `None` when a count went back.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Self> {
        let mut since = Self::default();
        for fault in Fault::ALL {
            since.add(fault, self.of(fault).checked_sub(earlier.of(fault))?);
        }
        Some(since)
    }

    /// Nothing occurred.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Serialize for FaultCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counts = Fault::ALL.into_iter().map(|fault| (fault, self.of(fault)));
        serializer.collect_map(counts.filter(|(_, n)| *n > 0))
    }
}

impl<'de> Deserialize<'de> for FaultCounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let counts = BTreeMap::<Fault, u64>::deserialize(deserializer)?;
        let mut all = Self::default();
        for (fault, n) in counts {
            all.add(fault, n);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_survive_their_text_and_only_what_occurred_is_written() {
        let mut counts = FaultCounts::default();
        counts.add(Fault::Cut, 3);
        counts.add(Fault::ClientErrors, 1);
        let text = serde_json::to_string(&counts).unwrap();
        assert_eq!(text, r#"{"client-errors":1,"cut":3}"#);
        assert_eq!(serde_json::from_str::<FaultCounts>(&text).unwrap(), counts);
        assert_eq!(FaultCounts::default().since(counts), None);
    }

    #[test]
    fn each_fault_has_its_own_place() {
        for (idx, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, idx);
        }
    }
}
