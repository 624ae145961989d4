//! The shape of the database, as an ordered list of steps.
//!
//! A step is never changed once it is released; a new one is added. Steps only add, because the
//! stable version and its candidate share one database while a canary runs, and the stable version
//! must start again after a rollback. A step that earlier hubs can't work with writes the number of
//! steps that a hub must have into `meta`, as `steps_min`.

use sqlx::{Row, Sqlite, SqlitePool, Transaction};

use super::StoreError;

/// Each step, in order; the `user_version` of the database is the number of those that were made.
const STEPS: [&str; 2] = [FIRST, ANNOTATIONS];

const FIRST: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    topic TEXT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    archived INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE TABLE runs (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project_id TEXT NOT NULL REFERENCES projects (id),
    tier TEXT NOT NULL,
    outcome TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_project ON runs (project_id, ordinal);
CREATE TABLE metrics (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id TEXT NOT NULL REFERENCES projects (id),
    metric TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX metrics_by_name ON metrics (project_id, metric, ordinal);
CREATE TABLE deployments (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    phase TEXT NOT NULL,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE TABLE probes (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE TABLE probe_samples (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    probe_id TEXT NOT NULL REFERENCES probes (id),
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX probe_samples_by_probe ON probe_samples (probe_id, ordinal);
CREATE TABLE alerts (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL,
    state TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX alerts_by_fingerprint ON alerts (fingerprint, ordinal);
CREATE UNIQUE INDEX alerts_open ON alerts (fingerprint) WHERE state <> 'resolved';
CREATE TABLE tokens (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    client_type TEXT NOT NULL,
    prefix TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE TABLE tickets (
    digest BLOB PRIMARY KEY,
    token_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE TABLE idempotency (
    token_id TEXT NOT NULL,
    key TEXT NOT NULL,
    request_digest BLOB NOT NULL,
    response TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (token_id, key)
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (created_at);
CREATE INDEX events_by_age ON events (at);
";

const ANNOTATIONS: &str = "
CREATE TABLE annotations (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id TEXT NOT NULL REFERENCES projects (id),
    kind TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX annotations_by_project ON annotations (project_id, ordinal);
";

/// Takes the steps that the database has not taken yet, all in one transaction, so that several
/// hubs may start on one new file at once. Writes the epoch with the first step.
///
/// # Errors
/// [`StoreError::Newer`] when a later version has taken steps that this one can't work with.
pub async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    let mut transaction = writer
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(StoreError::query("begin the migration"))?;
    let n_taken: i64 = sqlx::query("PRAGMA user_version")
        .fetch_one(&mut *transaction)
        .await
        .map_err(StoreError::query("read the version of the database"))?
        .get(0);
    let n_taken = usize::try_from(n_taken).unwrap_or(usize::MAX);
    let needed = steps_min(&mut transaction, n_taken).await?;
    if needed > STEPS.len() {
        return Err(StoreError::Newer {
            needed,
            known: STEPS.len(),
        });
    }
    for step in STEPS.iter().skip(n_taken) {
        sqlx::raw_sql(*step)
            .execute(&mut *transaction)
            .await
            .map_err(StoreError::query("migrate the database"))?;
    }
    if n_taken == 0 {
        write_epoch(&mut transaction).await?;
    }
    if n_taken < STEPS.len() {
        let version = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {}", STEPS.len()));
        sqlx::raw_sql(version)
            .execute(&mut *transaction)
            .await
            .map_err(StoreError::query("write the version of the database"))?;
    }
    transaction
        .commit()
        .await
        .map_err(StoreError::query("commit the migration"))
}

/// The steps that a hub must have for a database in which `n_taken` were made.
async fn steps_min(
    transaction: &mut Transaction<'static, Sqlite>,
    n_taken: usize,
) -> Result<usize, StoreError> {
    if n_taken <= STEPS.len() {
        return Ok(0);
    }
    let row = sqlx::query("SELECT value FROM meta WHERE key = 'steps_min'")
        .fetch_optional(&mut **transaction)
        .await
        .map_err(StoreError::query("read the steps that a hub must have"))?;
    let Some(row) = row else {
        return Ok(0);
    };
    let text: String = row.get(0);
    Ok(text.parse().unwrap_or(usize::MAX))
}

async fn write_epoch(transaction: &mut Transaction<'static, Sqlite>) -> Result<(), StoreError> {
    let epoch = format!("{:016x}", rand::random::<u64>());
    sqlx::query("INSERT INTO meta (key, value) VALUES ('epoch', $1)")
        .bind(epoch)
        .execute(&mut **transaction)
        .await
        .map_err(StoreError::query("write the epoch"))?;
    Ok(())
}
