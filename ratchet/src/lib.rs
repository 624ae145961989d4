//! tollgate-ratchet.
