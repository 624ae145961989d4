//! tollgate-tiers.
