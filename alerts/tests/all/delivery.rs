//! From event to real receivers: once each, through outages, restarts and lost answers.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use tollgate_alerts::change::{Kind, RowStatus, State};
use tollgate_alerts::channel::Console;
use tollgate_alerts::journal::{self, Journal, JournalError};
use tollgate_alerts::loopback::{Failure, Loopback, Which};
use tollgate_alerts::settings::{Group, Limit, Receiver, Retry};
use tollgate_alerts::{AlertEvent, Dispatcher, PROGRAM, Sent, Settings, Setup, Severity};
use tollgate_report::quantity::Span;
use tollgate_report::render::Paint;
use tollgate_report::{Clock, ManualClock, SystemClock, Timestamp};

const SECRET: &str = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0";
const ALL: [Which; 3] = [Which::Webhook, Which::Slack, Which::Smtp];

#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Screen {
    fn n_messages(&self) -> usize {
        let bytes = self.0.lock().unwrap();
        String::from_utf8_lossy(&bytes)
            .matches("\nmessage ntf_")
            .count()
    }
}

struct World {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    loopback: Loopback,
    screen: Screen,
    settings: Settings,
}

impl World {
    async fn new() -> Self {
        let start: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let folder = tempfile::tempdir().unwrap();
        let secret = SecretString::from(SECRET);
        let loopback = Loopback::start(clock.clone(), secret).await.unwrap();
        let settings = Settings {
            receivers: loopback.receivers(folder.path()).unwrap(),
            group: Group {
                by: vec!["name".to_owned(), "id".to_owned()],
                ..Group::default()
            },
            ..Settings::default()
        };
        Self {
            folder,
            clock,
            loopback,
            screen: Screen::default(),
            settings,
        }
    }

    async fn open(&self) -> Dispatcher {
        self.open_with(self.clock.clone()).await
    }

    async fn open_with(&self, clock: Arc<dyn Clock>) -> Dispatcher {
        let setup = Setup {
            settings: self.settings.clone(),
            root: self.folder.path().to_owned(),
            clock,
            console: Console::new(Box::new(self.screen.clone()), Paint::Plain),
            program: PROGRAM.to_owned(),
        };
        Dispatcher::open(setup).await.unwrap()
    }

    fn event(&self, name: &str, id: usize, severity: Severity) -> AlertEvent {
        AlertEvent::firing(
            "api",
            name,
            severity,
            format!("{name} {id} broke"),
            self.clock.now(),
        )
        .label("id", id.to_string())
    }

    fn journal(&self) -> std::path::PathBuf {
        self.folder.path().join(".tollgate/alerts/outbox.ndjson")
    }

    fn counts(&self) -> Vec<usize> {
        ALL.iter()
            .map(|which| self.loopback.received_by(*which).len())
            .collect()
    }
}

#[tokio::test]
async fn four_receivers_are_reached_once_each_and_again_for_the_resolve() {
    let world = World::new().await;
    let dispatcher = world.open().await;
    let event = world.event("disk", 1, Severity::Warning);
    dispatcher.notify(event.clone()).await.unwrap();
    dispatcher.notify(event.clone()).await.unwrap();
    for _ in 0..3 {
        dispatcher.deliver_due().await.unwrap();
    }
    assert_eq!(world.counts(), [1, 1, 1]);
    assert_eq!(world.screen.n_messages(), 1);
    for received in world.loopback.received() {
        assert!(
            received.first_line.starts_with("WARNING api: disk 1 broke"),
            "{received:?}"
        );
    }
    dispatcher.notify(event.resolved()).await.unwrap();
    dispatcher.shutdown().await.unwrap();
    assert_eq!(world.counts(), [2, 2, 2]);
    assert_eq!(world.screen.n_messages(), 2);
    world.loopback.stop().await;
}

#[tokio::test]
async fn the_background_task_delivers_by_itself_and_shutdown_joins_it() {
    let mut world = World::new().await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let loopback = Loopback::start(clock.clone(), SecretString::from(SECRET))
        .await
        .unwrap();
    world.settings.receivers = loopback.receivers(world.folder.path()).unwrap();
    let mut dispatcher = world.open_with(clock.clone()).await;
    dispatcher.start();
    let event = AlertEvent::firing("api", "disk", Severity::Warning, "disk broke", clock.now());
    dispatcher.notify(event).await.unwrap();
    for which in ALL {
        assert!(
            loopback.wait_for(which, 1, Duration::from_secs(20)).await,
            "{which:?}"
        );
    }
    dispatcher.shutdown().await.unwrap();
    assert_eq!(loopback.received().len(), 3);
    loopback.stop().await;
    world.loopback.stop().await;
}

/// Rows that are neither delivered nor part of a delivered digest.
fn n_lost(state: &State) -> usize {
    let is_kept = |status: &RowStatus| {
        let mut status = status;
        while let RowStatus::Merged { into } = status {
            status = &state.rows[into].status;
        }
        matches!(status, RowStatus::Delivered { .. })
    };
    state
        .rows
        .values()
        .filter(|row| !is_kept(&row.status))
        .count()
}

/// How many alerts named `disk` the delivered messages of a receiver stand for.
fn n_told(state: &State, receiver: &str) -> usize {
    let rows = state.rows.values().filter(|row| {
        row.receiver == receiver && matches!(row.status, RowStatus::Delivered { .. })
    });
    rows.map(|row| {
        let notification = &state.notifications[&row.notification];
        let n_digest = notification
            .overflow
            .as_ref()
            .map_or(0, |overflow| overflow.n_alerts());
        let n_alerts = notification
            .alerts
            .iter()
            .filter(|alert| alert.name == "disk")
            .count();
        n_alerts + usize::try_from(n_digest).unwrap()
    })
    .sum()
}

#[tokio::test]
async fn a_restart_goes_on_from_the_journal_and_knows_what_it_told() {
    let world = World::new().await;
    ALL.iter()
        .for_each(|which| world.loopback.outage(*which, true));
    let dispatcher = world.open().await;
    let event = world.event("disk", 1, Severity::Warning);
    dispatcher.notify(event.clone()).await.unwrap();
    drop(dispatcher);
    ALL.iter()
        .for_each(|which| world.loopback.outage(*which, false));
    let dispatcher = world.open().await;
    dispatcher.notify(event).await.unwrap();
    dispatcher.deliver_due().await.unwrap();
    assert_eq!(world.counts(), [1, 1, 1]);
    drop(dispatcher);
    let dispatcher = world.open().await;
    dispatcher.deliver_due().await.unwrap();
    assert_eq!(
        world.counts(),
        [1, 1, 1],
        "what was delivered is not sent again"
    );
    world.loopback.stop().await;
}

#[tokio::test]
async fn a_kill_between_send_and_mark_leads_to_a_duplicate_with_the_same_id_and_no_loss() {
    let world = World::new().await;
    let dispatcher = world.open().await;
    dispatcher
        .notify(world.event("disk", 1, Severity::Warning))
        .await
        .unwrap();
    let before = fs::read(world.journal()).unwrap();
    dispatcher.deliver_due().await.unwrap();
    drop(dispatcher);
    // What the disk holds when the process dies after the send, in the middle of the mark.
    let mut torn = before.clone();
    torn.extend_from_slice(b"{\"version\":1,\"sum\":\"00");
    fs::write(world.journal(), torn).unwrap();
    let dispatcher = world.open().await;
    dispatcher.deliver_due().await.unwrap();
    assert_eq!(world.counts(), [2, 2, 2]);
    for which in ALL {
        let received = world.loopback.received_by(which);
        assert_eq!(received[0].id, received[1].id, "{which:?}");
        assert!(!received[0].id.is_empty());
    }
    world.loopback.stop().await;
}

#[tokio::test]
async fn a_lost_answer_is_tried_again_with_the_same_id() {
    let world = World::new().await;
    ALL.iter()
        .for_each(|which| world.loopback.fail(*which, 1, Failure::LoseAnswer));
    let dispatcher = world.open().await;
    dispatcher
        .notify(world.event("disk", 1, Severity::Warning))
        .await
        .unwrap();
    dispatcher.deliver_due().await.unwrap();
    world.clock.advance(Duration::from_secs(2));
    dispatcher.deliver_due().await.unwrap();
    for which in ALL {
        let received = world.loopback.received_by(which);
        assert_eq!(received.len(), 2, "{which:?}");
        assert_eq!(received[0].id, received[1].id);
    }
    assert_eq!(n_lost(&dispatcher.list()), 0);
    world.loopback.stop().await;
}

#[tokio::test]
async fn failures_that_pass_are_tried_again_and_a_wish_to_wait_is_honoured() {
    let world = World::new().await;
    world.loopback.fail(Which::Webhook, 2, Failure::Code(500));
    world
        .loopback
        .fail(Which::Slack, 1, Failure::RetryAfter(90));
    world.loopback.fail(Which::Smtp, 1, Failure::Code(421));
    let dispatcher = world.open().await;
    dispatcher
        .notify(world.event("disk", 1, Severity::Warning))
        .await
        .unwrap();
    dispatcher.deliver_due().await.unwrap();
    assert_eq!(world.counts(), [0, 0, 0]);
    for _ in 0..44 {
        world.clock.advance(Duration::from_secs(2));
        dispatcher.deliver_due().await.unwrap();
    }
    assert_eq!(world.counts(), [1, 0, 1], "Slack asked for 90 s");
    world.clock.advance(Duration::from_secs(2));
    dispatcher.deliver_due().await.unwrap();
    assert_eq!(world.counts(), [1, 1, 1]);
    world.loopback.stop().await;
}

#[tokio::test]
async fn a_dead_letter_is_an_alert_to_the_others_once_and_is_resolved_by_a_delivery() {
    let mut world = World::new().await;
    world.settings.retry = Retry {
        attempts: 2,
        ..Retry::default()
    };
    world.loopback.outage(Which::Slack, true);
    let dispatcher = world.open().await;
    for id in 0..3 {
        dispatcher
            .notify(world.event("disk", id, Severity::Warning))
            .await
            .unwrap();
    }
    for _ in 0..10 {
        dispatcher.deliver_due().await.unwrap();
        world.clock.advance(Duration::from_secs(5));
    }
    let about = |which: Which, start: &str| {
        let received = world.loopback.received_by(which);
        received
            .iter()
            .filter(|r| r.first_line.starts_with(start))
            .count()
    };
    let dead = "CRITICAL alerts: messages to the receiver `slack` cannot be delivered";
    assert_eq!(about(Which::Smtp, dead), 1);
    assert_eq!(about(Which::Webhook, dead), 1);
    assert_eq!(
        dispatcher.list().rows.len(),
        3 * 4 + 3,
        "none goes to the dead receiver"
    );
    world.loopback.outage(Which::Slack, false);
    dispatcher
        .notify(world.event("disk", 9, Severity::Warning))
        .await
        .unwrap();
    world.clock.advance(Duration::from_secs(60));
    dispatcher.deliver_due().await.unwrap();
    assert_eq!(
        about(
            Which::Smtp,
            "RESOLVED alerts: messages to the receiver `slack`"
        ),
        1
    );
    assert_eq!(about(Which::Slack, "WARNING api: disk 9"), 1);
    world.loopback.stop().await;
}

#[tokio::test]
async fn a_refusal_for_good_is_a_dead_letter_at_once() {
    let world = World::new().await;
    world.loopback.fail(Which::Webhook, 1, Failure::Code(410));
    world.loopback.fail(Which::Smtp, 1, Failure::Code(550));
    let dispatcher = world.open().await;
    dispatcher
        .notify(world.event("disk", 1, Severity::Warning))
        .await
        .unwrap();
    let delivery = dispatcher.deliver_due().await.unwrap();
    assert_eq!(delivery.n_dead, 2);
    world.loopback.stop().await;
}

#[tokio::test]
async fn trying_the_receivers_says_what_happened_to_each() {
    let world = World::new().await;
    world.loopback.fail(Which::Slack, 1, Failure::Code(404));
    let dispatcher = world.open().await;
    let tested = dispatcher.test_receivers().await.unwrap();
    let sent: Vec<(&str, &Sent)> = tested
        .iter()
        .map(|t| (t.receiver.as_str(), &t.sent))
        .collect();
    let refused = Sent::Refused {
        why: "the answer was 404".to_owned(),
    };
    let taken = &Sent::Taken;
    let wanted = [
        ("console", taken),
        ("email", taken),
        ("slack", &refused),
        ("webhook", taken),
    ];
    assert_eq!(sent, wanted);
    assert!(dispatcher.list().is_empty(), "a sample leaves no trace");
    world.loopback.stop().await;
}

#[tokio::test]
async fn ntfy_gets_the_message_with_its_priority_and_without_markdown() {
    let mut world = World::new().await;
    let ntfy = world.loopback.ntfy(world.folder.path()).unwrap();
    world.settings.receivers = [("ntfy".to_owned(), ntfy)].into();
    let dispatcher = world.open().await;
    let mut event = world.event("disk", 1, Severity::Critical);
    event.done = vec!["é".repeat(1_000); 30];
    dispatcher.notify(event.clone()).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    dispatcher.notify(event.resolved()).await.unwrap();
    world.loopback.fail(Which::Ntfy, 1, Failure::RetryAfter(2));
    for _ in 0..3 {
        dispatcher.deliver_due().await.unwrap();
        world.clock.advance(Duration::from_secs(2));
    }
    let received = world.loopback.received_by(Which::Ntfy);
    let payloads: Vec<serde_json::Value> = received
        .iter()
        .map(|received| serde_json::from_str(&received.body).unwrap())
        .collect();
    assert_eq!(payloads.len(), 2);
    assert!(received[0].first_line.starts_with("CRITICAL api: disk 1"));
    assert_eq!(payloads[0]["priority"], 5);
    assert_eq!(payloads[0]["tags"][0], "rotating_light");
    assert_eq!(payloads[1]["tags"][0], "white_check_mark");
    assert!(payloads[0]["message"].as_str().unwrap().len() <= 4_096);
    assert!(payloads[0].get("markdown").is_none());
    let topic = fs::read_to_string(world.folder.path().join("ntfy.topic")).unwrap();
    let shown = format!("{dispatcher:?} {:?}", world.settings);
    assert!(!shown.contains(&topic));
    assert!(
        !fs::read_to_string(world.journal())
            .unwrap()
            .contains(&topic)
    );
    world.loopback.stop().await;
}

#[tokio::test]
async fn a_secret_is_nowhere_to_be_read() {
    let mut world = World::new().await;
    let password = world.folder.path().join("mail.secret");
    fs::write(&password, "hunter2-hunter2\n").unwrap();
    if let Some(Receiver::Email(email)) = world.settings.receivers.get_mut("email") {
        email.username = Some("tollgate".to_owned());
        email.password = Some(tollgate_alerts::secret::SecretSource::file(&password));
    }
    let slack_url = fs::read_to_string(world.folder.path().join("slack.secret")).unwrap();
    ALL.iter()
        .for_each(|which| world.loopback.outage(*which, true));
    let dispatcher = world.open().await;
    dispatcher
        .notify(world.event("disk", 1, Severity::Warning))
        .await
        .unwrap();
    let delivery = dispatcher.deliver_due().await.unwrap();
    assert_eq!(delivery.n_later, 3);
    let tested = dispatcher.test_receivers().await.unwrap();
    let shown = [
        format!(
            "{dispatcher:?} {:?} {:?} {tested:?}",
            world.loopback, world.settings
        ),
        serde_json::to_string(&world.settings).unwrap(),
        format!("{:?}", dispatcher.list()),
        fs::read_to_string(world.journal()).unwrap(),
    ];
    let token = slack_url.rsplit('/').next().unwrap();
    for text in shown {
        for secret in [SECRET, "c2VjcmV0LW9m", "hunter2", token] {
            assert!(!text.contains(secret), "`{secret}` is in {text}");
        }
    }
    world.loopback.stop().await;
}

#[tokio::test]
async fn a_line_break_in_an_event_makes_no_header_of_its_own() {
    let world = World::new().await;
    let dispatcher = world.open().await;
    let mut event = world.event("disk", 1, Severity::Warning);
    event.summary = "broke\r\nBcc: eve@example.com\r\n\r\n.\r\nQUIT é".to_owned();
    event.done = vec![".".to_owned(), "..two dots".to_owned()];
    dispatcher.notify(event).await.unwrap();
    dispatcher.deliver_due().await.unwrap();
    let mails = world.loopback.received_by(Which::Smtp);
    assert_eq!(mails.len(), 1);
    assert!(
        !mails[0].headers.contains_key("bcc"),
        "{:?}",
        mails[0].headers
    );
    assert_eq!(mails[0].headers["envelope-to"], "oncall@example.com");
    assert!(mails[0].headers["content-type"].starts_with("multipart/alternative"));
    assert!(mails[0].id.starts_with("<msg_"));
    world.loopback.stop().await;
}

fn state_with(n: usize) -> State {
    let mut state = State::default();
    let at = Timestamp::EPOCH;
    for idx in 0..n {
        let event = AlertEvent::firing("api", format!("n{idx}"), Severity::Info, "x", at);
        let row = tollgate_alerts::change::Row {
            id: format!("msg_{idx}"),
            notification: format!("ntf_{idx}"),
            receiver: "console".to_owned(),
            component: event.component,
            is_exempt: false,
            created_at: at,
            next_at: at,
            attempts: 0,
            last_error: None,
            status: if idx % 2 == 0 {
                RowStatus::Pending
            } else {
                RowStatus::Delivered { at }
            },
        };
        state.rows.insert(row.id.clone(), row);
    }
    state
}

fn open(path: &Path) -> (Journal, State) {
    Journal::open(path).unwrap()
}

/// A line as version 0.1.0 writes it.
const SILENCE_LINE: &str = r#"{"version":1,"sum":"129457e9","change":{"alerts":{},"groups":{},"limits":{},"silences":{"sil_d45f700b9079a83aa36af7812c66ac94":{"component":"api","author":"ana","reason":"issue 12","expires":"2026-12-01T05:34:49.218496Z"}},"notifications":{},"rows":{}}}
"#;

#[test]
fn a_journal_of_an_earlier_version_is_read_and_written_in_the_same_form() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.ndjson");
    fs::write(&path, SILENCE_LINE).unwrap();
    let (mut journal, state) = open(&path);
    assert_eq!(
        state.silences["sil_d45f700b9079a83aa36af7812c66ac94"].reason,
        "issue 12"
    );
    journal.append(&state).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), SILENCE_LINE.repeat(2));
}

#[test]
fn a_last_line_whose_sum_is_wrong_is_cut_off_and_another_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.ndjson");
    let damaged = SILENCE_LINE.replace("ana", "\0\0\0");
    fs::write(&path, format!("{SILENCE_LINE}{damaged}")).unwrap();
    assert_eq!(open(&path).1.silences.len(), 1);
    assert_eq!(fs::read_to_string(&path).unwrap(), SILENCE_LINE);
    let newer = SILENCE_LINE.replace("\"version\":1", "\"version\":2");
    fs::write(&path, newer).unwrap();
    let error = Journal::open(&path).unwrap_err().to_string();
    assert!(error.contains("version 2 is not supported"), "{error}");
}

#[test]
fn a_broken_line_in_the_middle_and_a_second_process_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.ndjson");
    let (mut journal, _) = open(&path);
    assert!(matches!(
        Journal::open(&path),
        Err(JournalError::Busy { .. })
    ));
    journal.append(&state_with(1)).unwrap();
    journal.append(&state_with(2)).unwrap();
    drop(journal);
    let mut text = fs::read_to_string(&path).unwrap();
    text.replace_range(40..41, "#");
    fs::write(&path, text).unwrap();
    let error = Journal::open(&path).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read line 1 of the alert journal"),
        "{error}"
    );
}

#[test]
fn compaction_keeps_what_waits_and_forgets_what_ended_long_ago() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.ndjson");
    let (mut journal, _) = open(&path);
    let state = state_with(1_000);
    journal.append(&state).unwrap();
    let size = fs::metadata(&path).unwrap().len();
    let kept = state.compacted(Timestamp::EPOCH.plus(Duration::from_secs(1)));
    journal.compact(&kept).unwrap();
    assert!(fs::metadata(&path).unwrap().len() < size * 2 / 3);
    journal.append(&state_with(2)).unwrap();
    drop(journal);
    assert_eq!(open(&path).1.rows.len(), 501);
}

#[tokio::test]
async fn a_limit_of_two_leaves_room_for_a_rollback() {
    let mut world = World::new().await;
    world.settings.limit = Limit {
        messages: 2,
        window: Span(Duration::from_secs(300)),
    };
    let dispatcher = world.open().await;
    for id in 0..20 {
        dispatcher
            .notify(world.event("disk", id, Severity::Warning))
            .await
            .unwrap();
    }
    dispatcher
        .notify(world.event("canary-rolled-back", 1, Severity::Critical))
        .await
        .unwrap();
    dispatcher.deliver_due().await.unwrap();
    assert_eq!(world.counts(), [3, 3, 3]);
    world.clock.advance(Duration::from_secs(300));
    dispatcher.deliver_due().await.unwrap();
    assert_eq!(world.counts(), [4, 4, 4], "one digest for the rest");
    let state = dispatcher.list();
    let digest = state
        .notifications
        .values()
        .find(|n| n.kind == Kind::Digest)
        .unwrap();
    assert_eq!(digest.overflow.as_ref().unwrap().n_alerts(), 18);
    world.loopback.stop().await;
}

#[tokio::test]
async fn the_mail_receiver_keeps_the_order_of_commands_unstuffs_dots_and_bounds_lines() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = World::new().await;
    let talk = async |text: String| {
        let address = world.loopback.address(Which::Smtp);
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        // The receiver may reset a connection that it refuses; what it said before counts.
        let _ = stream.read_to_string(&mut answer).await;
        let codes = answer
            .lines()
            .filter(|line| line.as_bytes().get(3) == Some(&b' '));
        codes
            .map(|line| line[..3].to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mail = "MAIL FROM:<a@x>\r\nEHLO me\r\nDATA\r\nRCPT TO:<b@x>\r\nMAIL FROM:<a@x> SIZE=9\r\n\
                RCPT TO:<b@x>\r\nDATA\r\nSubject: one\r\n two\r\n\r\n..dot\r\n...\r\nend\r\n.\r\nWHAT\r\nQUIT\r\n";
    assert_eq!(
        talk(mail.to_owned()).await,
        "220 503 250 503 503 250 250 354 250 500 221"
    );
    let mails = world.loopback.received_by(Which::Smtp);
    assert_eq!(mails[0].first_line, "one two");
    assert_eq!(mails[0].body, ".dot\n..\nend\n");
    assert_eq!(talk("x".repeat(5_000)).await, "220");
    world.loopback.stop().await;
}

/// Tests that take longer than a second.
mod slow {
    use super::*;

    #[tokio::test]
    async fn an_hours_outage_of_mail_and_slack_loses_nothing_and_sends_no_burst() {
        let world = World::new().await;
        let dispatcher = world.open().await;
        let silent = [Which::Smtp, Which::Slack];
        silent
            .iter()
            .for_each(|which| world.loopback.outage(*which, true));
        let mut n_events = 0;
        for minute in 0..60 {
            for _ in 0..4 {
                n_events += 1;
                dispatcher
                    .notify(world.event("disk", n_events, Severity::Warning))
                    .await
                    .unwrap();
            }
            if minute == 30 {
                dispatcher
                    .notify(world.event("down", 0, Severity::Critical).label("x", "y"))
                    .await
                    .unwrap();
                let over = world
                    .event("down", 0, Severity::Critical)
                    .label("x", "y")
                    .resolved();
                dispatcher.notify(over).await.unwrap();
            }
            dispatcher.deliver_due().await.unwrap();
            world.clock.advance(Duration::from_secs(60));
        }
        for which in silent {
            assert_eq!(world.loopback.received_by(which), []);
            world.loopback.outage(which, false);
        }
        for _ in 0..80 {
            dispatcher.deliver_due().await.unwrap();
            world.clock.advance(Duration::from_secs(15));
        }
        let state = dispatcher.list();
        assert_eq!(n_lost(&state), 0);
        for which in silent {
            let received = world.loopback.received_by(which);
            let criticals = |start: &str| {
                received
                    .iter()
                    .filter(|r| r.first_line.starts_with(start))
                    .count()
            };
            assert_eq!(criticals("CRITICAL api: down"), 1);
            assert_eq!(criticals("RESOLVED api: down"), 1);
            let limited: Vec<Timestamp> = received
                .iter()
                .filter(|r| !r.first_line.contains("api: down"))
                .map(|r| r.at)
                .collect();
            for end in &limited {
                let inside = limited
                    .iter()
                    .filter(|at| **at <= *end && end.since(**at) < Duration::from_secs(300));
                assert!(
                    inside.count() <= 10,
                    "a burst at {end} to {which:?}: {limited:?}"
                );
            }
            assert_eq!(n_told(&state, which.name()), n_events);
        }
        dispatcher.shutdown().await.unwrap();
        world.loopback.stop().await;
    }

    #[test]
    fn a_journal_cut_at_any_byte_opens_with_its_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox.ndjson");
        let (mut journal, _) = open(&path);
        journal.append(&state_with(1)).unwrap();
        let first = fs::metadata(&path).unwrap().len() as usize;
        journal.append(&state_with(2)).unwrap();
        drop(journal);
        let bytes = fs::read(&path).unwrap();
        for cut in 0..bytes.len() {
            fs::write(&path, &bytes[..cut]).unwrap();
            let (mut journal, state) = open(&path);
            assert_eq!(state.rows.len(), usize::from(cut >= first), "cut at {cut}");
            if cut % 40 == 0 {
                journal.append(&state_with(2)).unwrap();
                drop(journal);
                assert_eq!(journal::read(&path).unwrap().rows.len(), 2);
            }
        }
    }
}
