//! tollgate-canary.
