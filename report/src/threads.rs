//! Work in parallel on plain threads.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

/// The stack of each thread: documents may be nested deeper than the usual 8 MiB allow. Only
/// what is used takes memory.
const STACK_BYTES: usize = 64 << 20;

/// Does the same with each item, on as many threads as there are processors; the results are in
/// the order of the items.
pub fn in_threads<'t, T: Sync, R: Send>(
    items: &'t [T],
    work: impl Fn(&'t T) -> R + Sync,
) -> Vec<R> {
    let n_processors = thread::available_parallelism().map_or(1, NonZero::get);
    let n_threads = n_processors.min(items.len());
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            match items.get(index) {
                Some(item) => done.push((index, work(item))),
                None => return done,
            }
        }
    };
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        // Where the system has no thread left, the others do its share.
        let spawned: Vec<_> = (0..n_threads)
            .filter_map(|_| {
                Builder::new()
                    .stack_size(STACK_BYTES)
                    .spawn_scoped(scope, run)
                    .ok()
            })
            .collect();
        let mut done = if spawned.is_empty() {
            run()
        } else {
            Vec::new()
        };
        for thread in spawned {
            done.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Does two things at once: the first on a thread of its own.
pub fn both<A: Send, B>(aside: impl Fn() -> A + Sync, here: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let spawned = Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, &aside);
        let here = here();
        let aside = match spawned {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            // The system has no thread left.
            Err(_) => aside(),
        };
        (aside, here)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).collect();
        assert_eq!(
            in_threads(&items, |item| item * 2),
            (0..200).step_by(2).collect::<Vec<_>>()
        );
        assert!(in_threads(&[], |item: &usize| *item).is_empty());
        assert_eq!(both(|| 1, || 2), (1, 2));
    }
}
