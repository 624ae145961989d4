//! Pages of lists: keyset cursors over an ascending or descending key.

/// Which page of a list is wanted.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// Where the last page ended, as its `next_cursor` said.
    pub cursor: Option<String>,
    /// How many items at most; 50 when absent, held within 1 and 200.
    pub limit: Option<i64>,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// What it holds.
    pub items: Vec<T>,
    /// Where the next page starts; none on the last page.
    pub next_cursor: Option<String>,
}

impl PageRequest {
    /// How many rows to ask for: one more than the page holds, to know whether there is a next.
    pub(crate) fn n_rows(&self) -> i64 {
        self.n_items() + 1
    }

    fn n_items(&self) -> i64 {
        self.limit.unwrap_or(50).clamp(1, 200)
    }

    /// The ordinal below which a newest-first page starts; none when the cursor is not one of ours.
    #[must_use]
    pub fn before(&self) -> Option<i64> {
        match &self.cursor {
            None => Some(i64::MAX),
            Some(cursor) => i64::from_str_radix(cursor, 16).ok().filter(|n| *n >= 0),
        }
    }

    /// The id above which a page ordered by id starts.
    pub(crate) fn after(&self) -> &str {
        self.cursor.as_deref().unwrap_or("")
    }

    /// Makes a page of rows that were read with one row more than it holds.
    pub(crate) fn page<T>(&self, mut rows: Vec<(String, T)>) -> Page<T> {
        let n_items = usize::try_from(self.n_items()).unwrap_or(50);
        let next_cursor = if rows.len() > n_items {
            rows.truncate(n_items);
            rows.last().map(|(cursor, _)| cursor.clone())
        } else {
            None
        };
        Page {
            items: rows.into_iter().map(|(_, item)| item).collect(),
            next_cursor,
        }
    }
}

/// The cursor of a row in a newest-first list.
pub(crate) fn ordinal_cursor(ordinal: i64) -> String {
    format!("{ordinal:x}")
}
