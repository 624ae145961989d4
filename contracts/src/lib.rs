//! tollgate-contracts.
