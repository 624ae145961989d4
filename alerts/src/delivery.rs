//! Delivery: the background task, and one round of sending what is due. The outbox decides which
//! rows are sent, the channel reports how each attempt ended, and the journal records it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tollgate_report::Timestamp;

use crate::attempt::Sent;
use crate::change::{Change, Row, RowStatus};
use crate::channel::Outgoing;
use crate::journal::JournalError;
use crate::outbox;
use crate::pipeline::{self, Input};
use crate::shared::{Delivery, DispatcherError, Shared};

/// The background task checks at least this often, as the wall clock may jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// Rounds of one delivery: a dead letter's alert and a merged digest go out in the same call.
const N_ROUNDS: usize = 4;

/// The background task: sleeps until something is due or it is woken. Ends when `stop` is set.
pub(crate) async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    // A row that is due may still have to wait for the limit; a short sleep keeps that from spinning.
    let mut least_sleep = Duration::ZERO;
    while !*stop.borrow_and_update() {
        let now = shared.clock.now();
        let sleep = shared
            .next_due(now)
            .map_or(LONGEST_SLEEP, |due| due.since(now));
        let sleep = sleep.clamp(least_sleep, LONGEST_SLEEP);
        // Lost branches hold nothing: a wake-up only means to check again.
        tokio::select! {
            _ = stop.changed() => break,
            () = shared.wake.notified() => {}
            () = tokio::time::sleep(sleep) => {}
        }
        if *stop.borrow() {
            break;
        }
        least_sleep = match deliver_due(&shared).await {
            Ok(delivery) if delivery == Delivery::default() => Duration::from_secs(1),
            Ok(_) => Duration::ZERO,
            Err(error) => {
                tracing::error!(error = %error, "alerts cannot be kept or delivered");
                Duration::from_secs(1)
            }
        };
    }
}

/// Takes the pipeline to now and sends what is due, one caller at a time.
pub(crate) async fn deliver_due(shared: &Arc<Shared>) -> Result<Delivery, DispatcherError> {
    let _one_at_a_time = shared.delivering.lock().await;
    let mut delivery = Delivery::default();
    for _ in 0..N_ROUNDS {
        let at = shared.clock.now();
        let preparing = Arc::clone(shared);
        let due = tokio::task::spawn_blocking(move || prepare(&preparing, at)).await??;
        if due.is_empty() {
            break;
        }
        let mut sends = JoinSet::new();
        for rows in due.into_values() {
            sends.spawn(deliver_to_one(Arc::clone(shared), rows));
        }
        while let Some(ended) = sends.join_next().await {
            let part = ended??;
            delivery.n_delivered += part.n_delivered;
            delivery.n_later += part.n_later;
            delivery.n_dead += part.n_dead;
        }
    }
    Ok(delivery)
}

/// Takes the pipeline to `now`, makes digests of backlogs, and returns what to send.
fn prepare(shared: &Shared, now: Timestamp) -> Result<BTreeMap<String, Vec<Row>>, JournalError> {
    let policy = &shared.policy;
    shared.commit(|core| pipeline::step(&core.state, policy, Input::Tick, now))?;
    shared.commit(|core| outbox::merge(&core.state, policy, &core.paused, now))?;
    let core = shared.core();
    Ok(outbox::due(&core.state, policy, &core.paused, now))
}

/// Sends the rows of one receiver in order until one has to wait.
async fn deliver_to_one(shared: Arc<Shared>, rows: Vec<Row>) -> Result<Delivery, DispatcherError> {
    let mut delivery = Delivery::default();
    for row in rows {
        let now = shared.clock.now();
        let sent = send_row(&shared, &row, now).await;
        let is_later = matches!(sent, Sent::Later { .. });
        let marking = Arc::clone(&shared);
        let row = tokio::task::spawn_blocking(move || mark(&marking, row, &sent)).await??;
        match row.status {
            RowStatus::Delivered { .. } => delivery.n_delivered += 1,
            RowStatus::Dead { .. } => delivery.n_dead += 1,
            RowStatus::Pending | RowStatus::Merged { .. } => delivery.n_later += 1,
        }
        if is_later {
            break;
        }
    }
    Ok(delivery)
}

async fn send_row(shared: &Shared, row: &Row, now: Timestamp) -> Sent {
    let notification = shared
        .core()
        .state
        .notifications
        .get(&row.notification)
        .cloned();
    let (Some(notification), Some(channel)) = (notification, shared.channels.get(&row.receiver))
    else {
        return Sent::Refused {
            why: format!(
                "the receiver `{}` is no longer in the settings",
                row.receiver
            ),
        };
    };
    match shared.templates.render(&notification, now) {
        Ok(rendered) => {
            let outgoing = Outgoing {
                row,
                rendered: &rendered,
            };
            channel.send(&outgoing, now).await
        }
        Err(error) => {
            tracing::error!(message.id = %row.id, error = %error, "a message cannot be rendered");
            Sent::Refused {
                why: error.to_string(),
            }
        }
    }
}

/// Keeps how an attempt ended, and with it the alert that follows from a dead letter.
fn mark(shared: &Shared, row: Row, sent: &Sent) -> Result<Row, JournalError> {
    let now = shared.clock.now();
    let row = outbox::after(row, sent, &shared.policy, now);
    if let Sent::Later { .. } = sent {
        shared
            .core()
            .paused
            .insert(row.receiver.clone(), row.next_at);
    } else {
        shared.core().paused.remove(&row.receiver);
    }
    if let RowStatus::Dead { why, .. } = &row.status {
        tracing::error!(message.id = %row.id, receiver.name = %row.receiver, why = %why, "gave up on a message");
    }
    shared.commit(|core| {
        let event = outbox::dead_letter_event(&core.state, &row, now);
        let mut change = match event {
            Some(event) => {
                let input = Input::Event(Box::new(event));
                pipeline::step(&core.state, &shared.policy, input, now)
            }
            None => Change::default(),
        };
        change.rows.insert(row.id.clone(), row.clone());
        change
    })?;
    Ok(row)
}
