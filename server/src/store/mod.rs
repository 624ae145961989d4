//! The database: one writer, several readers, one file that several hubs may share.

mod alerts;
mod annotations;
mod deployments;
mod events;
mod metrics;
mod migrations;
mod page;
mod probes;
mod projects;
mod runs;
mod snapshot;
mod tokens;
mod write;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, SqlitePool};
use tokio::sync::Notify;

pub use alerts::AlertRow;
pub use deployments::DeploymentRow;
pub use events::{Missed, StoredEvent};
pub use page::{Page, PageRequest};
pub use probes::NewSample;
pub use runs::{NewRun, RunFilter};
pub use snapshot::Snapshot;
pub use tokens::{NewToken, TokenRow};
pub use write::{Begun, Idempotency, Write};

/// The first SQLite without the WAL-reset bug of 3.7.0 to 3.51.2
/// (<https://sqlite.org/releaselog/3_51_3.html>).
const SQLITE_VERSION_MIN: (u32, u32, u32) = (3, 51, 3);
/// How long a writer waits for the writer of another hub.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a connection of the pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// Readers next to the one writer; SQLite reads from the page cache, so few suffice.
const N_READERS: u32 = 4;

/// The database of one hub process.
#[derive(Debug)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
    epoch: String,
    sqlite_version: String,
    committed: Notify,
}

/// The database could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A statement failed.
    #[error("cannot {operation}")]
    Query {
        /// What was tried.
        operation: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// The file could not be opened.
    #[error(
        "cannot open the database `{path}`\n\nhint: make its folder writable, or choose another file with --database"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// The folder of the file could not be made.
    #[error("cannot create the folder of the database `{path}`")]
    Folder {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The linked SQLite is too old to be safe.
    #[error(
        "SQLite {got} is too old: 3.51.3 or later is required, because earlier versions can lose a write-ahead log"
    )]
    SqliteTooOld {
        /// Its version.
        got: String,
    },
    /// A later hub has changed the database.
    #[error(
        "the database needs a newer hub: one with {needed} migrations, and this hub has {known}\n\nhint: start the newer hub"
    )]
    Newer {
        /// Steps that a hub must have.
        needed: usize,
        /// Steps that are known.
        known: usize,
    },
    /// A stored document is not what this hub writes.
    #[error("cannot read the stored {what}")]
    Document {
        /// Which resource.
        what: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

impl StoreError {
    /// Names the operation of a failed statement.
    pub(crate) fn query(operation: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| Self::Query { operation, source }
    }
}

/// Takes the lock that a hub holds while it opens the database; dropping the file gives it back.
async fn lock_opening(path: &Path) -> Result<std::fs::File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".opening");
    let path = PathBuf::from(name);
    let failed = |source| StoreError::Open {
        path: path.clone(),
        source: sqlx::Error::Io(source),
    };
    let lock = path.clone();
    let locked = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::create(lock)?;
        file.lock()?;
        Ok(file)
    });
    match locked.await {
        Ok(locked) => locked.map_err(failed),
        Err(error) => Err(failed(std::io::Error::other(error))),
    }
}

impl Store {
    /// Opens the file, makes it and its folder when they are missing, and migrates it.
    ///
    /// # Errors
    /// When the file cannot be opened or written, is from a later hub, or SQLite is too old.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            tokio::fs::create_dir_all(folder)
                .await
                .map_err(|source| StoreError::Folder {
                    path: path.to_owned(),
                    source,
                })?;
        }
        let open = |source| StoreError::Open {
            path: path.to_owned(),
            source,
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        // Turning a new file to the write-ahead log needs it alone, and SQLite does not wait for
        // that: of two hubs that open it at once, the second waits here.
        let opening = lock_opening(path).await?;
        let writer = pool(1).connect_with(options.clone()).await.map_err(open)?;
        let sqlite_version = check_sqlite_version(&writer).await?;
        migrations::migrate(&writer).await?;
        let readers = pool(N_READERS)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(open)?;
        let epoch = sqlx::query("SELECT value FROM meta WHERE key = 'epoch'")
            .fetch_one(&readers)
            .await
            .map_err(StoreError::query("read the epoch"))?
            .get(0);
        drop(opening);
        Ok(Self {
            writer,
            readers,
            epoch,
            sqlite_version,
            committed: Notify::new(),
        })
    }

    /// Names the count of events; another database has another epoch.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The version of the linked SQLite.
    #[must_use]
    pub fn sqlite_version(&self) -> &str {
        &self.sqlite_version
    }

    /// Waits until this process has committed a write since the last call returned.
    pub async fn committed(&self) {
        self.committed.notified().await;
    }

    /// Reads one row, to see that the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn check_readable(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT value FROM meta WHERE key = 'epoch'")
            .fetch_one(&self.readers)
            .await
            .map_err(StoreError::query("read the database"))?;
        Ok(())
    }

    /// Closes every connection; the last one of all processes folds the write-ahead log.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn pool(n_connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(n_connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

async fn check_sqlite_version(writer: &SqlitePool) -> Result<String, StoreError> {
    let version: String = sqlx::query("SELECT sqlite_version()")
        .fetch_one(writer)
        .await
        .map_err(StoreError::query("read the version of SQLite"))?
        .get(0);
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if (next(), next(), next()) < SQLITE_VERSION_MIN {
        return Err(StoreError::SqliteTooOld { got: version });
    }
    Ok(version)
}

/// Reads a stored document.
pub(crate) fn parse_document<T: serde::de::DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|source| StoreError::Document { what, source })
}

/// Writes a document for storing.
pub(crate) fn render_document<T: serde::Serialize>(
    what: &'static str,
    value: &T,
) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|source| StoreError::Document { what, source })
}

/// A new id: the time in microseconds and 32 random bits, so that ids sort by age.
pub(crate) fn new_id(now: tollgate_report::Timestamp) -> String {
    format!("{:014x}{:08x}", now.as_micros(), rand::random::<u32>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn two_hubs_may_open_one_new_file_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/hub.db");
        let (left, right) = tokio::join!(Store::open(&path), Store::open(&path));
        assert_eq!(left.unwrap().epoch(), right.unwrap().epoch());
    }

    #[tokio::test]
    async fn a_database_of_a_later_hub_is_used_unless_it_needs_that_hub() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.db");
        let store = Store::open(&path).await.unwrap();
        sqlx::raw_sql("PRAGMA user_version = 99")
            .execute(&store.writer)
            .await
            .unwrap();
        store.close().await;
        // Steps only add, so that the stable version can start again after a rollback.
        let store = Store::open(&path).await.unwrap();
        let version = sqlx::query("PRAGMA user_version")
            .fetch_one(&store.writer)
            .await
            .unwrap();
        assert_eq!(version.get::<i64, _>(0), 99);
        sqlx::raw_sql("INSERT INTO meta (key, value) VALUES ('steps_min', '98')")
            .execute(&store.writer)
            .await
            .unwrap();
        store.close().await;
        let error = Store::open(&path).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Newer { needed: 98, .. }),
            "{error}"
        );
    }
}
