//! Values of ratchet metrics.

use sqlx::Row;

use super::page::ordinal_cursor;
use super::{Page, PageRequest, Store, StoreError, Write};

impl Store {
    /// Documents of a project's metric values, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn metrics(
        &self,
        project_id: &str,
        metric: Option<&str>,
        request: &PageRequest,
    ) -> Result<Page<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT ordinal, document FROM metrics
             WHERE project_id = $1 AND ordinal < $2 AND ($3 IS NULL OR metric = $3)
             ORDER BY ordinal DESC LIMIT $4",
        )
        .bind(project_id)
        .bind(request.before().unwrap_or(0))
        .bind(metric)
        .bind(request.n_rows())
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::query("list metrics"))?;
        Ok(request.page(
            rows.iter()
                .map(|row| (ordinal_cursor(row.get(0)), row.get(1)))
                .collect(),
        ))
    }

    /// The document of each metric's latest value, ordered by metric.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn latest_metrics(
        &self,
        project_id: &str,
        metric: Option<&str>,
        request: &PageRequest,
    ) -> Result<Page<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT metric, document FROM metrics
             WHERE ordinal IN (SELECT max(ordinal) FROM metrics WHERE project_id = $1 GROUP BY metric)
               AND metric > $2 AND ($3 IS NULL OR metric = $3)
             ORDER BY metric LIMIT $4",
        )
        .bind(project_id)
        .bind(request.after())
        .bind(metric)
        .bind(request.n_rows())
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::query("list the latest metrics"))?;
        Ok(request.page(rows.iter().map(|row| (row.get(0), row.get(1))).collect()))
    }
}

impl Write<'_> {
    /// Keeps a value.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn insert_metric(
        &mut self,
        project_id: &str,
        metric: &str,
        document: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO metrics (project_id, metric, document) VALUES ($1, $2, $3)")
            .bind(project_id)
            .bind(metric)
            .bind(document)
            .execute(self.connection())
            .await
            .map_err(StoreError::query("keep a metric"))?;
        Ok(())
    }
}
