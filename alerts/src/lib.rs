//! tollgate-alerts.
