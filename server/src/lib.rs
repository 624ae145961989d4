//! tollgate-server.
