//! Events as they are stored: written with the change they tell of, numbered in commit order.

use std::time::Duration;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use tollgate_report::Timestamp;

use super::{Store, StoreError};

/// How many missed events are replayed at most.
pub const REPLAY_EVENTS_MAX: i64 = 1_000;
/// How long events are kept.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// One event as it is stored.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Its number; grows in the order of commits, over all hubs that share the database.
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
    /// What it is about, such as `run.0123`.
    pub topic: String,
    /// What happened, such as `run.uploaded`.
    pub kind: String,
    /// The resource as it was then, JSON.
    pub data: String,
}

/// What a client missed.
#[derive(Debug)]
pub enum Missed {
    /// All of it, in order.
    Events(Vec<StoredEvent>),
    /// Too much, too long ago, or of another count.
    Gone,
}

impl Store {
    /// The number of the last event; 0 when there was none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_seq(&self) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT coalesce(max(seq), 0) FROM events")
            .fetch_one(&self.readers)
            .await
            .map_err(StoreError::query("read the number of the last event"))?;
        Ok(row.get(0))
    }

    /// Up to `limit` events after `seq`, in order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn events_after(&self, seq: i64, limit: i64) -> Result<Vec<StoredEvent>, StoreError> {
        let rows = sqlx::query(
            "SELECT seq, at, topic, kind, data FROM events WHERE seq > $1 ORDER BY seq LIMIT $2",
        )
        .bind(seq)
        .bind(limit)
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::query("read events"))?;
        Ok(rows.iter().map(event).collect())
    }

    /// The events a client missed since `since`, up to and including `upto`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn missed(
        &self,
        epoch: &str,
        since: i64,
        upto: i64,
        now: Timestamp,
    ) -> Result<Missed, StoreError> {
        if epoch != self.epoch || since < 0 || upto - since > REPLAY_EVENTS_MAX {
            return Ok(Missed::Gone);
        }
        if since >= upto {
            // Another hub on this database may be ahead of this one; beyond the database is not.
            let is_ours = since == upto || since <= self.last_seq().await?;
            return Ok(if is_ours {
                Missed::Events(Vec::new())
            } else {
                Missed::Gone
            });
        }
        let mut events = self.events_after(since, upto - since).await?;
        events.retain(|event| event.seq <= upto);
        let is_whole = events
            .first()
            .is_some_and(|first| first.seq == since + 1 && now.since(first.at) <= KEPT);
        Ok(if is_whole {
            Missed::Events(events)
        } else {
            Missed::Gone
        })
    }

    /// Deletes events, idempotency keys and tickets that are older than they are kept.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn prune(&self, now: Timestamp) -> Result<(), StoreError> {
        let old = now.minus(KEPT).as_micros();
        // The last event stays, so that a client which has it is told that nothing is missing.
        let statements = [
            (
                "DELETE FROM events WHERE at < $1 AND seq < (SELECT max(seq) FROM events)",
                old,
            ),
            ("DELETE FROM idempotency WHERE created_at < $1", old),
            ("DELETE FROM tickets WHERE expires_at < $1", now.as_micros()),
        ];
        for (statement, before) in statements {
            sqlx::query(statement)
                .bind(before)
                .execute(&self.writer)
                .await
                .map_err(StoreError::query("delete old events"))?;
        }
        Ok(())
    }
}

fn event(row: &SqliteRow) -> StoredEvent {
    StoredEvent {
        seq: row.get(0),
        at: Timestamp::from_micros(row.get(1)),
        topic: row.get(2),
        kind: row.get(3),
        data: row.get(4),
    }
}
