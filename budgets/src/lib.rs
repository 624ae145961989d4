//! tollgate-budgets.
