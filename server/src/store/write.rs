//! One acknowledged write: the change, its events and its idempotency key in one transaction.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use sqlx::{Row, Sqlite, SqliteConnection, Transaction};
use tollgate_report::Timestamp;

use super::{Store, StoreError, parse_document, render_document};

/// Names a write, so that it takes effect once.
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// Whose name it is.
    pub token_id: String,
    /// The name, chosen by the caller.
    pub key: String,
    /// The operation, its parameters and its body; another request under the same name is rejected.
    pub request: String,
}

/// The result of beginning a write.
#[derive(Debug)]
pub enum Begun<'s, T> {
    /// Continue with it.
    New(Write<'s>),
    /// It was done before, with this answer.
    Done(T),
    /// Its name was used for another request, or for one whose answer is shown only once.
    Taken,
}

/// A write that is under way; dropped without [`Write::commit`] it changes nothing.
#[derive(Debug)]
pub struct Write<'s> {
    store: &'s Store,
    transaction: Transaction<'static, Sqlite>,
    idempotency: Option<(Idempotency, Vec<u8>)>,
    now: Timestamp,
}

impl Store {
    /// Begins a write, unless one with its name was made before.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn begin<T: DeserializeOwned>(
        &self,
        idempotency: Option<Idempotency>,
        now: Timestamp,
    ) -> Result<Begun<'_, T>, StoreError> {
        let mut transaction = self
            .writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(StoreError::query("begin a write"))?;
        let idempotency = idempotency.map(|name| {
            let digest = Sha256::digest(name.request.as_bytes()).to_vec();
            (name, digest)
        });
        if let Some((name, digest)) = &idempotency {
            let known = sqlx::query(
                "SELECT request_digest, response FROM idempotency WHERE token_id = $1 AND key = $2",
            )
            .bind(&name.token_id)
            .bind(&name.key)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(StoreError::query("find an idempotency key"))?;
            if let Some(row) = known {
                let response: Option<String> = row.get(1);
                return match response {
                    Some(text) if row.get::<Vec<u8>, _>(0) == *digest => {
                        Ok(Begun::Done(parse_document("answer", &text)?))
                    }
                    _ => Ok(Begun::Taken),
                };
            }
        }
        Ok(Begun::New(Write {
            store: self,
            transaction,
            idempotency,
            now,
        }))
    }
}

impl Write<'_> {
    /// The connection, for statements of this write.
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }

    /// When the write began.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Writes an event about the change.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn event<T: Serialize>(
        &mut self,
        topic: &str,
        kind: &str,
        resource: &T,
    ) -> Result<(), StoreError> {
        let data = render_document("event", resource)?;
        let at = self.now.as_micros();
        sqlx::query("INSERT INTO events (at, topic, kind, data) VALUES ($1, $2, $3, $4)")
            .bind(at)
            .bind(topic)
            .bind(kind)
            .bind(data)
            .execute(self.connection())
            .await
            .map_err(StoreError::query("write an event"))?;
        Ok(())
    }

    /// Commits; afterwards the change survives the end of the process at any moment.
    /// The answer is kept for a repetition under the same name.
    ///
    /// # Errors
    /// When the database cannot be written; then nothing is changed.
    pub async fn commit<T: Serialize>(self, answer: &T) -> Result<(), StoreError> {
        let text = match &self.idempotency {
            Some(_) => Some(render_document("answer", answer)?),
            None => None,
        };
        self.commit_with(text).await
    }

    /// Commits a write whose answer is shown only once; its name cannot be used again.
    ///
    /// # Errors
    /// When the database cannot be written; then nothing is changed.
    pub async fn commit_secret(self) -> Result<(), StoreError> {
        self.commit_with(None).await
    }

    async fn commit_with(mut self, response: Option<String>) -> Result<(), StoreError> {
        if let Some((name, digest)) = self.idempotency.take() {
            sqlx::query(
                "INSERT INTO idempotency (token_id, key, request_digest, response, created_at)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(name.token_id)
            .bind(name.key)
            .bind(digest)
            .bind(response)
            .bind(self.now.as_micros())
            .execute(&mut *self.transaction)
            .await
            .map_err(StoreError::query("store an idempotency key"))?;
        }
        self.transaction
            .commit()
            .await
            .map_err(StoreError::query("commit a write"))?;
        self.store.committed.notify_one();
        Ok(())
    }
}
