//! Which of the proxy's threads this is. What is kept for each thread needs no other one to be woken.

use std::cell::Cell;
use std::num::NonZero;
use std::thread::available_parallelism;

/// More threads forward more than one service needs.
const N_SHARDS_MAX: usize = 16;

thread_local! {
    static SHARD: Cell<usize> = const { Cell::new(0) };
}

/// One for each processor.
pub(super) fn n_shards() -> usize {
    available_parallelism()
        .map_or(1, NonZero::get)
        .min(N_SHARDS_MAX)
}

/// The number of this thread; 0 for threads that are not the proxy's.
pub(super) fn current() -> usize {
    SHARD.get()
}

pub(super) fn set_current(shard: usize) {
    SHARD.set(shard);
}
