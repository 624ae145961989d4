//! Tier runs.

use sqlx::Row;

use super::page::ordinal_cursor;
use super::{Page, PageRequest, Store, StoreError, Write};

/// Which runs of a project are wanted.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Only this tier's.
    pub tier: Option<String>,
    /// Only those that ended so.
    pub outcome: Option<String>,
}

/// A run to keep.
#[derive(Debug)]
pub struct NewRun<'a> {
    /// Its id.
    pub id: &'a str,
    /// Whose run it is.
    pub project_id: &'a str,
    /// The tier's word.
    pub tier: &'a str,
    /// The outcome's word.
    pub outcome: &'a str,
    /// All of it.
    pub document: &'a str,
}

impl Store {
    /// Documents of a project's runs, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runs(
        &self,
        project_id: &str,
        filter: &RunFilter,
        request: &PageRequest,
    ) -> Result<Page<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT ordinal, document FROM runs
             WHERE project_id = $1 AND ordinal < $2
               AND ($3 IS NULL OR tier = $3) AND ($4 IS NULL OR outcome = $4)
             ORDER BY ordinal DESC LIMIT $5",
        )
        .bind(project_id)
        .bind(request.before().unwrap_or(0))
        .bind(filter.tier.as_deref())
        .bind(filter.outcome.as_deref())
        .bind(request.n_rows())
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::query("list runs"))?;
        Ok(request.page(
            rows.iter()
                .map(|row| (ordinal_cursor(row.get(0)), row.get(1)))
                .collect(),
        ))
    }

    /// The document of a run.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run(&self, project_id: &str, id: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT document FROM runs WHERE project_id = $1 AND id = $2")
            .bind(project_id)
            .bind(id)
            .fetch_optional(&self.readers)
            .await
            .map_err(StoreError::query("read a run"))?;
        Ok(row.map(|row| row.get(0)))
    }
}

impl Write<'_> {
    /// Keeps a run.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn insert_run(&mut self, run: NewRun<'_>) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO runs (id, project_id, tier, outcome, document) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(run.id)
        .bind(run.project_id)
        .bind(run.tier)
        .bind(run.outcome)
        .bind(run.document)
        .execute(self.connection())
        .await
        .map_err(StoreError::query("keep a run"))?;
        Ok(())
    }
}
