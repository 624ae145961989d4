//! tollgate-models.
