//! API keys and one-time tickets as digests.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use tollgate_report::Timestamp;

use super::page::ordinal_cursor;
use super::{Page, PageRequest, Store, StoreError, Write, new_id};

/// A token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// The role's word: `admin`, `developer` or `viewer`.
    pub role: String,
    /// The client type's word: `ios`, `cli` or `web`.
    pub client_type: String,
    /// How the key starts.
    pub prefix: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl TokenRow {
    /// Whether it may be used at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A token to store.
#[derive(Debug)]
pub struct NewToken<'a> {
    /// What it is for.
    pub name: &'a str,
    /// The role's word.
    pub role: &'a str,
    /// The client type's word.
    pub client_type: &'a str,
    /// How the key starts.
    pub prefix: &'a str,
    /// SHA-256 of the key.
    pub digest: &'a [u8],
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

const COLUMNS_BY_DIGEST: &str = "
    SELECT ordinal, id, name, role, client_type, prefix, created_at, expires_at, revoked_at
    FROM tokens WHERE digest = $1";

impl Store {
    /// The token whose key has this digest, also when it is no longer live.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn token_by_digest(&self, digest: &[u8]) -> Result<Option<TokenRow>, StoreError> {
        let row = sqlx::query(COLUMNS_BY_DIGEST)
            .bind(digest)
            .fetch_optional(&self.readers)
            .await
            .map_err(StoreError::query("look up a key"))?;
        Ok(row.as_ref().map(token))
    }

    /// Whether any token was ever stored.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_tokens(&self) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT EXISTS (SELECT 1 FROM tokens)")
            .fetch_one(&self.readers)
            .await
            .map_err(StoreError::query("look for keys"))?;
        Ok(row.get(0))
    }

    /// Tokens, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tokens(&self, request: &PageRequest) -> Result<Page<TokenRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT ordinal, id, name, role, client_type, prefix, created_at, expires_at, revoked_at
             FROM tokens WHERE ordinal < $1 ORDER BY ordinal DESC LIMIT $2",
        )
        .bind(request.before().unwrap_or(0))
        .bind(request.n_rows())
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::query("list keys"))?;
        Ok(request.page(
            rows.iter()
                .map(|row| (ordinal_cursor(row.get(0)), token(row)))
                .collect(),
        ))
    }

    /// Takes a ticket: returns its token once, and never again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn take_ticket(
        &self,
        digest: &[u8],
        now: Timestamp,
    ) -> Result<Option<TokenRow>, StoreError> {
        let taken =
            sqlx::query("DELETE FROM tickets WHERE digest = $1 RETURNING token_id, expires_at")
                .bind(digest)
                .fetch_optional(&self.writer)
                .await
                .map_err(StoreError::query("take a ticket"))?;
        let Some(taken) = taken.filter(|row| now.as_micros() < row.get::<i64, _>(1)) else {
            return Ok(None);
        };
        let row = sqlx::query(
            "SELECT ordinal, id, name, role, client_type, prefix, created_at, expires_at, revoked_at
             FROM tokens WHERE id = $1",
        )
        .bind(taken.get::<String, _>(0))
        .fetch_optional(&self.readers)
        .await
        .map_err(StoreError::query("find the key of a ticket"))?;
        Ok(row.as_ref().map(token))
    }

    /// Stores a ticket.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn put_ticket(
        &self,
        digest: &[u8],
        token_id: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO tickets (digest, token_id, expires_at) VALUES ($1, $2, $3)")
            .bind(digest)
            .bind(token_id)
            .bind(expires_at.as_micros())
            .execute(&self.writer)
            .await
            .map_err(StoreError::query("keep a ticket"))?;
        Ok(())
    }
}

impl Write<'_> {
    /// Stores a token. A key that is stored already keeps its first row, which is returned.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn put_token(&mut self, new: NewToken<'_>) -> Result<TokenRow, StoreError> {
        let now = self.now();
        sqlx::query(
            "INSERT INTO tokens (id, name, role, client_type, prefix, digest, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (digest) DO NOTHING",
        )
        .bind(new_id(now))
        .bind(new.name)
        .bind(new.role)
        .bind(new.client_type)
        .bind(new.prefix)
        .bind(new.digest)
        .bind(now.as_micros())
        .bind(new.expires_at.map(Timestamp::as_micros))
        .execute(self.connection())
        .await
        .map_err(StoreError::query("keep a key"))?;
        let row = sqlx::query(COLUMNS_BY_DIGEST)
            .bind(new.digest)
            .fetch_one(self.connection())
            .await
            .map_err(StoreError::query("read a key back"))?;
        Ok(token(&row))
    }

    /// Revokes a token; whether there is one. Its event closes the streams opened with it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn revoke_token(&mut self, id: &str) -> Result<bool, StoreError> {
        let now = self.now().as_micros();
        let changed =
            sqlx::query("UPDATE tokens SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1")
                .bind(id)
                .bind(now)
                .execute(self.connection())
                .await
                .map_err(StoreError::query("revoke a key"))?;
        Ok(changed.rows_affected() > 0)
    }
}

fn token(row: &SqliteRow) -> TokenRow {
    let time = |column: &str| {
        row.get::<Option<i64>, _>(column)
            .map(Timestamp::from_micros)
    };
    TokenRow {
        id: row.get("id"),
        name: row.get("name"),
        role: row.get("role"),
        client_type: row.get("client_type"),
        prefix: row.get("prefix"),
        created_at: Timestamp::from_micros(row.get("created_at")),
        expires_at: time("expires_at"),
        revoked_at: time("revoked_at"),
    }
}
