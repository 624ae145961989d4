//! tollgate-codegen.
