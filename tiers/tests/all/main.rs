//! Tiers as their users see them, on real git repositories with small commands.

#[cfg(test)]
mod cache;
#[cfg(test)]
mod common;
#[cfg(test)]
mod crates;
#[cfg(test)]
mod slow;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod staged;
#[cfg(test)]
mod tier;
