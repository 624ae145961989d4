//! Events that explain a project's numbers.

use sqlx::Row;

use super::page::ordinal_cursor;
use super::{Page, PageRequest, Store, StoreError, Write};

impl Store {
    /// Documents of a project's annotations, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn annotations(
        &self,
        project_id: &str,
        kind: Option<&str>,
        request: &PageRequest,
    ) -> Result<Page<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT ordinal, document FROM annotations
             WHERE project_id = $1 AND ordinal < $2 AND ($3 IS NULL OR kind = $3)
             ORDER BY ordinal DESC LIMIT $4",
        )
        .bind(project_id)
        .bind(request.before().unwrap_or(0))
        .bind(kind)
        .bind(request.n_rows())
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::query("list annotations"))?;
        let entries = rows
            .iter()
            .map(|row| (ordinal_cursor(row.get(0)), row.get(1)));
        Ok(request.page(entries.collect()))
    }
}

impl Write<'_> {
    /// Keeps an annotation.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn insert_annotation(
        &mut self,
        project_id: &str,
        kind: &str,
        document: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO annotations (project_id, kind, document) VALUES ($1, $2, $3)")
            .bind(project_id)
            .bind(kind)
            .bind(document)
            .execute(self.connection())
            .await
            .map_err(StoreError::query("keep an annotation"))?;
        Ok(())
    }
}
