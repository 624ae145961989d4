//! tollgate-probes.
