//! tollgate-tests.
