//! One set of features for the crates that others depend on too: with it, the command, the hub and
//! the tests are built from the same dependencies, however few packages a build selects.
