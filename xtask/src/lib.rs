//! The workshop of this repository: fuzzing, benchmarks next to peers, agreement and history runs,
//! and the tools that our own tests need. It accepts the product's commands too.

mod agreement;
mod bench;
mod fuzz;
mod history;
mod mutate;
mod run;
mod swift;
mod tools;

pub use run::main;
