//! Everything that a client needs to continue from one point of the events.

use sqlx::{Row, Sqlite, Transaction};

use super::{Store, StoreError};

/// Each list of a snapshot: its name and its documents, all read at one point.
const LISTS: [(&str, &str); 6] = [
    (
        "projects",
        "SELECT document FROM projects WHERE archived = 0 ORDER BY id LIMIT 100",
    ),
    (
        "runs",
        "SELECT document FROM runs ORDER BY ordinal DESC LIMIT 30",
    ),
    (
        "metrics",
        "SELECT document FROM metrics
         WHERE ordinal IN (SELECT max(ordinal) FROM metrics GROUP BY project_id, metric)
         ORDER BY project_id, metric LIMIT 200",
    ),
    (
        "deployments",
        "SELECT document FROM deployments ORDER BY ordinal DESC LIMIT 10",
    ),
    (
        "probes",
        "SELECT document FROM probes ORDER BY id LIMIT 100",
    ),
    (
        "alerts",
        "SELECT document FROM alerts ORDER BY state = 'resolved', ordinal DESC LIMIT 50",
    ),
];

/// The lists of a snapshot, as the text of a JSON object.
#[derive(Debug)]
pub struct Snapshot(pub String);

impl Store {
    /// The latest of everything, newest first where it has an age, and the number of the last
    /// event that is in it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn snapshot(&self) -> Result<(Snapshot, i64), StoreError> {
        let mut transaction = self
            .readers
            .begin()
            .await
            .map_err(StoreError::query("begin a snapshot"))?;
        let seq = sqlx::query("SELECT coalesce(max(seq), 0) FROM events")
            .fetch_one(&mut *transaction)
            .await
            .map_err(StoreError::query("read the number of the last event"))?
            .get(0);
        let mut text = String::from("{");
        for (idx, (name, statement)) in LISTS.into_iter().enumerate() {
            let documents = documents(&mut transaction, statement).await?;
            let comma = if idx == 0 { "" } else { "," };
            text.push_str(&format!("{comma}\"{name}\":[{}]", documents.join(",")));
        }
        text.push('}');
        Ok((Snapshot(text), seq))
    }
}

async fn documents(
    transaction: &mut Transaction<'static, Sqlite>,
    statement: &'static str,
) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query(statement)
        .fetch_all(&mut **transaction)
        .await
        .map_err(StoreError::query("read a snapshot"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
