//! Hits by line: sorted pairs, since reports list lines in order and there are millions of them.

use std::collections::BTreeMap;

/// How often each line ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits(Vec<(u32, u64)>);

impl Hits {
    /// Adds hits of a line; those of one line add up.
    pub fn add(&mut self, line: u32, hits: u64) {
        match self.0.last_mut() {
            Some((last, _)) if *last > line => {
                match self.0.binary_search_by_key(&line, |(line, _)| *line) {
                    Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(hits),
                    Err(at) => self.0.insert(at, (line, hits)),
                }
            }
            Some((last, sum)) if *last == line => *sum = sum.saturating_add(hits),
            _ => self.0.push((line, hits)),
        }
    }

    /// The hits of a line; absent if it can't run.
    #[must_use]
    pub fn get(&self, line: u32) -> Option<u64> {
        let at = self.0.binary_search_by_key(&line, |(line, _)| *line);
        at.ok().map(|at| self.0[at].1)
    }

    /// Lines and hits, in the order of the lines.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.0.iter().copied()
    }

    /// How many lines can run.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no line can run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(u32, u64)> for Hits {
    /// Of any order: sorted once, and the hits of one line added up.
    fn from_iter<I: IntoIterator<Item = (u32, u64)>>(pairs: I) -> Self {
        let mut pairs: Vec<(u32, u64)> = pairs.into_iter().collect();
        if !pairs.is_sorted_by(|one, next| one.0 < next.0) {
            pairs.sort_by_key(|(line, _)| *line);
            pairs.dedup_by(|next, one| {
                let is_same = next.0 == one.0;
                if is_same {
                    one.1 = one.1.saturating_add(next.1);
                }
                is_same
            });
        }
        Self(pairs)
    }
}

impl From<BTreeMap<u32, u64>> for Hits {
    fn from(hits: BTreeMap<u32, u64>) -> Self {
        hits.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_of_one_line_add_up_in_any_order() {
        let pairs = [(7, 1), (2, 0), (7, u64::MAX), (3, 4), (2, 5)];
        let hits: Hits = pairs.into_iter().collect();
        let mut added = Hits::default();
        for (line, n) in pairs {
            added.add(line, n);
        }
        assert_eq!(hits, added);
        assert_eq!(
            hits.iter().collect::<Vec<_>>(),
            [(2, 5), (3, 4), (7, u64::MAX)]
        );
        assert_eq!((hits.get(2), hits.get(4), hits.len()), (Some(5), None, 3));
    }
}
