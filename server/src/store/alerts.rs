//! Alerts.

use sqlx::Row;

use super::page::ordinal_cursor;
use super::{Page, PageRequest, Store, StoreError, Write};

/// An alert, as it is stored.
#[derive(Debug)]
pub struct AlertRow<'a> {
    /// Its id.
    pub id: &'a str,
    /// What it is about.
    pub fingerprint: &'a str,
    /// The state's word; of those that are not `resolved` there is one for each fingerprint.
    pub state: &'a str,
    /// All of it.
    pub document: &'a str,
}

impl Store {
    /// Documents of alerts, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn alerts(
        &self,
        state: Option<&str>,
        request: &PageRequest,
    ) -> Result<Page<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT ordinal, document FROM alerts
             WHERE ordinal < $1 AND ($2 IS NULL OR state = $2)
             ORDER BY ordinal DESC LIMIT $3",
        )
        .bind(request.before().unwrap_or(0))
        .bind(state)
        .bind(request.n_rows())
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::query("list alerts"))?;
        Ok(request.page(
            rows.iter()
                .map(|row| (ordinal_cursor(row.get(0)), row.get(1)))
                .collect(),
        ))
    }
}

impl Write<'_> {
    /// The document of the newest alert with this fingerprint; only the newest can be open.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn newest_alert(&mut self, fingerprint: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(
            "SELECT document FROM alerts WHERE fingerprint = $1 ORDER BY ordinal DESC LIMIT 1",
        )
        .bind(fingerprint)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::query("look for an alert"))?;
        Ok(row.map(|row| row.get(0)))
    }

    /// The document of an alert.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn alert(&mut self, id: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT document FROM alerts WHERE id = $1")
            .bind(id)
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::query("read an alert"))?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Adds an alert, or replaces it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn put_alert(&mut self, row: AlertRow<'_>) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO alerts (id, fingerprint, state, document) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, document = excluded.document",
        )
        .bind(row.id)
        .bind(row.fingerprint)
        .bind(row.state)
        .bind(row.document)
        .execute(self.connection())
        .await
        .map_err(StoreError::query("write an alert"))?;
        Ok(())
    }
}
