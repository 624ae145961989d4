//! The proof of the wire: values go Rust → TypeScript → Swift → Rust and stay equal, and broken
//! ones are rejected with their path.

pub mod cases;
mod examples;
pub mod ring;
mod value;
