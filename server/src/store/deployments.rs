//! Canary releases.

use sqlx::Row;

use super::page::ordinal_cursor;
use super::{Page, PageRequest, Store, StoreError, Write};

/// The state of a deployment, as it is stored.
#[derive(Debug)]
pub struct DeploymentRow<'a> {
    /// Its id.
    pub id: &'a str,
    /// The phase's word.
    pub phase: &'a str,
    /// The controller's count of states.
    pub revision: i64,
    /// All of it.
    pub document: &'a str,
}

impl Store {
    /// Documents of deployments, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn deployments(
        &self,
        phase: Option<&str>,
        request: &PageRequest,
    ) -> Result<Page<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT ordinal, document FROM deployments
             WHERE ordinal < $1 AND ($2 IS NULL OR phase = $2)
             ORDER BY ordinal DESC LIMIT $3",
        )
        .bind(request.before().unwrap_or(0))
        .bind(phase)
        .bind(request.n_rows())
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::query("list deployments"))?;
        Ok(request.page(
            rows.iter()
                .map(|row| (ordinal_cursor(row.get(0)), row.get(1)))
                .collect(),
        ))
    }

    /// The document of a deployment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn deployment(&self, id: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT document FROM deployments WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.readers)
            .await
            .map_err(StoreError::query("read a deployment"))?;
        Ok(row.map(|row| row.get(0)))
    }
}

impl Write<'_> {
    /// The document of a deployment and its revision.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn deployment(&mut self, id: &str) -> Result<Option<(String, i64)>, StoreError> {
        let row = sqlx::query("SELECT document, revision FROM deployments WHERE id = $1")
            .bind(id)
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::query("read a deployment"))?;
        Ok(row.map(|row| (row.get(0), row.get(1))))
    }

    /// Adds a deployment, or replaces its state.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn put_deployment(&mut self, row: DeploymentRow<'_>) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO deployments (id, phase, revision, document) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE
             SET phase = excluded.phase, revision = excluded.revision, document = excluded.document",
        )
        .bind(row.id)
        .bind(row.phase)
        .bind(row.revision)
        .bind(row.document)
        .execute(self.connection())
        .await
        .map_err(StoreError::query("write a deployment"))?;
        Ok(())
    }
}
