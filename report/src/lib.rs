//! tollgate-report.
