//! Probes and their samples.

use sqlx::Row;
use tollgate_report::Timestamp;

use super::{Page, PageRequest, Store, StoreError, Write};

/// How many samples of each probe are kept; at one each 30 s that is a day.
pub const N_SAMPLES_KEPT: i64 = 2_880;

/// One sample to keep.
#[derive(Debug)]
pub struct NewSample<'a> {
    /// Whose sample it is.
    pub probe_id: &'a str,
    /// When it was taken.
    pub at: Timestamp,
    /// The state's word.
    pub state: &'a str,
    /// All of it.
    pub document: &'a str,
}

/// What is kept of a probe's samples.
#[derive(Debug)]
pub struct History {
    /// Documents of the latest samples, oldest first.
    pub recent: Vec<String>,
    /// How many are kept.
    pub n_kept: i64,
    /// How many of those are `pass` or `degraded`.
    pub n_up: i64,
}

impl Store {
    /// Documents of probes, ordered by id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn probes(
        &self,
        state: Option<&str>,
        request: &PageRequest,
    ) -> Result<Page<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, document FROM probes
             WHERE id > $1 AND ($2 IS NULL OR state = $2) ORDER BY id LIMIT $3",
        )
        .bind(request.after())
        .bind(state)
        .bind(request.n_rows())
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::query("list probes"))?;
        Ok(request.page(rows.iter().map(|row| (row.get(0), row.get(1))).collect()))
    }
}

impl Write<'_> {
    /// The document of a probe.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn probe(&mut self, id: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT document FROM probes WHERE id = $1")
            .bind(id)
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::query("read a probe"))?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Adds a probe, or replaces it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn put_probe(
        &mut self,
        id: &str,
        state: &str,
        document: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO probes (id, state, document) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, document = excluded.document",
        )
        .bind(id)
        .bind(state)
        .bind(document)
        .execute(self.connection())
        .await
        .map_err(StoreError::query("write a probe"))?;
        Ok(())
    }

    /// Keeps a sample of a probe that is there, and drops the oldest when there are too many.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn insert_sample(&mut self, sample: NewSample<'_>) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO probe_samples (probe_id, at, state, document) VALUES ($1, $2, $3, $4)",
        )
        .bind(sample.probe_id)
        .bind(sample.at.as_micros())
        .bind(sample.state)
        .bind(sample.document)
        .execute(self.connection())
        .await
        .map_err(StoreError::query("keep a sample"))?;
        sqlx::query(
            "DELETE FROM probe_samples WHERE probe_id = $1 AND ordinal <= (
                 SELECT ordinal FROM probe_samples WHERE probe_id = $1
                 ORDER BY ordinal DESC LIMIT 1 OFFSET $2)",
        )
        .bind(sample.probe_id)
        .bind(N_SAMPLES_KEPT)
        .execute(self.connection())
        .await
        .map_err(StoreError::query("drop old samples"))?;
        Ok(())
    }

    /// What is kept of a probe's samples.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn history(&mut self, probe_id: &str, n_recent: i64) -> Result<History, StoreError> {
        let counts = sqlx::query(
            "SELECT count(*), count(*) FILTER (WHERE state IN ('pass', 'degraded'))
             FROM probe_samples WHERE probe_id = $1",
        )
        .bind(probe_id)
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::query("count samples"))?;
        let rows = sqlx::query(
            "SELECT document FROM probe_samples WHERE probe_id = $1 ORDER BY ordinal DESC LIMIT $2",
        )
        .bind(probe_id)
        .bind(n_recent)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::query("read samples"))?;
        Ok(History {
            recent: rows.iter().rev().map(|row| row.get(0)).collect(),
            n_kept: counts.get(0),
            n_up: counts.get(1),
        })
    }
}
