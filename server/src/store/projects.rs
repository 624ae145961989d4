//! Projects.

use sqlx::Row;

use super::{Page, PageRequest, Store, StoreError, Write};

impl Store {
    /// Documents of projects, ordered by id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn projects(
        &self,
        with_archived: bool,
        request: &PageRequest,
    ) -> Result<Page<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, document FROM projects WHERE id > $1 AND archived <= $2 ORDER BY id LIMIT $3",
        )
        .bind(request.after())
        .bind(i64::from(with_archived))
        .bind(request.n_rows())
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::query("list projects"))?;
        Ok(request.page(rows.iter().map(|row| (row.get(0), row.get(1))).collect()))
    }

    /// The document of a project.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn project(&self, id: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT document FROM projects WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.readers)
            .await
            .map_err(StoreError::query("read a project"))?;
        Ok(row.map(|row| row.get(0)))
    }
}

impl Write<'_> {
    /// The document of a project, and whether it is archived.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn project(&mut self, id: &str) -> Result<Option<(String, bool)>, StoreError> {
        let row = sqlx::query("SELECT document, archived FROM projects WHERE id = $1")
            .bind(id)
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::query("read a project"))?;
        Ok(row.map(|row| (row.get(0), row.get(1))))
    }

    /// Adds a project, or replaces it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn put_project(
        &mut self,
        id: &str,
        is_archived: bool,
        document: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO projects (id, archived, document) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET archived = excluded.archived, document = excluded.document",
        )
        .bind(id)
        .bind(i64::from(is_archived))
        .bind(document)
        .execute(self.connection())
        .await
        .map_err(StoreError::query("write a project"))?;
        Ok(())
    }
}
