//! Loopback receivers: a real webhook, Slack and mail server on port 0 of this machine, which
//! record what reaches them. For tests and for a trial run; programmable failures.

mod http;
mod smtp;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tollgate_report::quantity::Span;
use tollgate_report::{Clock, Timestamp};

use crate::secret::SecretSource;
use crate::settings::{Console, Email, Receiver, Slack, Tls, Webhook};

/// Longest message that a receiver takes, in bytes.
const SIZE_LIMIT: usize = 1 << 20;
/// Most messages that are recorded; the oldest are forgotten.
const N_RECORDED: usize = 10_000;
/// How long a client may keep a connection without a complete request.
const IDLE: Duration = Duration::from_secs(30);

/// Which of the loopback receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// Signed HTTP requests.
    Webhook,
    /// Slack's incoming webhook.
    Slack,
    /// Mail.
    Smtp,
}

impl Which {
    /// The receiver's name in [`Loopback::receivers`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Smtp => "email",
        }
    }
}

/// How a receiver fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Answers with this HTTP or SMTP code.
    Code(u16),
    /// Answers 429 with `Retry-After` in seconds (HTTP), or 451 (SMTP).
    RetryAfter(u64),
    /// Takes and records the message, then breaks the connection without an answer.
    LoseAnswer,
    /// Closes the connection at once.
    Close,
}

/// A message that reached a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Who received it.
    pub receiver: Which,
    /// When.
    pub at: Timestamp,
    /// `webhook-id`, `Message-ID`, or the id in Slack's last block.
    pub id: String,
    /// The mail's subject as it came, or the first line of the message.
    pub first_line: String,
    /// The raw body; for mail without its headers.
    pub body: String,
    /// Headers, names in lower case; of several of one name the last.
    pub headers: BTreeMap<String, String>,
}

#[derive(Default)]
struct Script {
    left: u64,
    failure: Option<Failure>,
}

struct Inner {
    clock: Arc<dyn Clock>,
    secret: SecretString,
    slack_path: String,
    received: Mutex<Vec<Received>>,
    scripts: Mutex<BTreeMap<Which, Script>>,
    arrived: Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn record(&self, received: Received) {
        let mut all = lock(&self.received);
        if all.len() >= N_RECORDED {
            all.remove(0);
        }
        all.push(received);
        drop(all);
        self.arrived.notify_waiters();
    }

    /// The failure that the next message meets, if any.
    fn next_failure(&self, which: Which) -> Option<Failure> {
        let mut scripts = lock(&self.scripts);
        let script = scripts.get_mut(&which)?;
        if script.left == 0 {
            return None;
        }
        script.left = script.left.saturating_sub(1);
        script.failure
    }
}

/// Running loopback receivers. End them with [`Loopback::stop`].
pub struct Loopback {
    inner: Arc<Inner>,
    addresses: BTreeMap<Which, SocketAddr>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Loopback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loopback")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// The loopback receivers could not be started or described.
#[derive(Debug, thiserror::Error)]
pub enum LoopbackError {
    /// No port could be had.
    #[error("listen on a free port of 127.0.0.1")]
    Listen(#[source] io::Error),
    /// A secret's file could not be written.
    #[error("write the secret of a loopback receiver to `{path}`")]
    Secret {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Loopback {
    /// Starts the three receivers. `secret` signs the webhook; it is part of Slack's address too.
    pub async fn start(clock: Arc<dyn Clock>, secret: SecretString) -> Result<Self, LoopbackError> {
        let token = crate::notification::id_of("T", secret.expose_secret());
        let inner = Arc::new(Inner {
            clock,
            secret,
            slack_path: format!("/services/{token}"),
            received: Mutex::default(),
            scripts: Mutex::default(),
            arrived: Notify::new(),
        });
        let (stop, _) = watch::channel(false);
        let mut addresses = BTreeMap::new();
        let mut tasks = Vec::new();
        for which in [Which::Webhook, Which::Slack, Which::Smtp] {
            let listener = TcpListener::bind("127.0.0.1:0")
                .await
                .map_err(LoopbackError::Listen)?;
            addresses.insert(which, listener.local_addr().map_err(LoopbackError::Listen)?);
            tasks.push(tokio::spawn(accept(
                listener,
                which,
                Arc::clone(&inner),
                stop.subscribe(),
            )));
        }
        Ok(Self {
            inner,
            addresses,
            stop,
            tasks,
        })
    }

    /// The address of a receiver.
    #[must_use]
    pub fn address(&self, which: Which) -> SocketAddr {
        self.addresses[&which]
    }

    /// Settings that reach the three receivers and a console; writes their secrets to files in
    /// `folder` that only the owner can read; makes the folder.
    pub fn receivers(&self, folder: &Path) -> Result<BTreeMap<String, Receiver>, LoopbackError> {
        let slack_url = format!(
            "http://{}{}",
            self.address(Which::Slack),
            self.inner.slack_path
        );
        let secret = write_secret(
            &folder.join("webhook.secret"),
            self.inner.secret.expose_secret(),
        )?;
        let slack = write_secret(&folder.join("slack.secret"), &slack_url)?;
        let timeout = Span(Duration::from_secs(5));
        let smtp = self.address(Which::Smtp);
        Ok(BTreeMap::from([
            ("console".to_owned(), Receiver::Console(Console::default())),
            (
                Which::Smtp.name().to_owned(),
                Receiver::Email(Email {
                    host: smtp.ip().to_string(),
                    port: Some(smtp.port()),
                    tls: Tls::None,
                    from: "Tollgate <tollgate@example.com>".to_owned(),
                    to: vec!["oncall@example.com".to_owned()],
                    timeout,
                    ..Email::default()
                }),
            ),
            (
                Which::Slack.name().to_owned(),
                Receiver::Slack(Slack {
                    url: slack,
                    timeout,
                }),
            ),
            (
                Which::Webhook.name().to_owned(),
                Receiver::Webhook(Webhook {
                    url: format!("http://{}/alerts", self.address(Which::Webhook)),
                    secret,
                    timeout,
                }),
            ),
        ]))
    }

    /// The next `n` messages to a receiver meet this failure; 0 ends an outage.
    pub fn fail(&self, which: Which, n: u64, failure: Failure) {
        let script = Script {
            left: n,
            failure: Some(failure),
        };
        lock(&self.inner.scripts).insert(which, script);
    }

    /// Starts or ends an outage: every connection is closed at once.
    pub fn outage(&self, which: Which, is_out: bool) {
        self.fail(which, if is_out { u64::MAX } else { 0 }, Failure::Close);
    }

    /// All messages so far, in order of arrival.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.inner.received).clone()
    }

    /// The messages of one receiver so far.
    #[must_use]
    pub fn received_by(&self, which: Which) -> Vec<Received> {
        self.received()
            .into_iter()
            .filter(|received| received.receiver == which)
            .collect()
    }

    /// Waits until a receiver has `n` messages, at most `longest`. Says whether it has.
    pub async fn wait_for(&self, which: Which, n: usize, longest: Duration) -> bool {
        let enough = async {
            loop {
                let arrived = self.inner.arrived.notified();
                tokio::pin!(arrived);
                arrived.as_mut().enable();
                if self.received_by(which).len() >= n {
                    return;
                }
                arrived.await;
            }
        };
        tokio::time::timeout(longest, enough).await.is_ok()
    }

    /// Closes all connections and waits for the tasks.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            // A panic of a receiver was reported by the runtime; stopping goes on.
            let _ = task.await;
        }
    }
}

fn write_secret(path: &Path, secret: &str) -> Result<SecretSource, LoopbackError> {
    let fail = |source| LoopbackError::Secret {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    let mut options = fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(fail)?;
    io::Write::write_all(&mut file, secret.as_bytes()).map_err(fail)?;
    Ok(SecretSource::file(path))
}

/// Takes connections until told to stop; then its connections end with it.
async fn accept(
    listener: TcpListener,
    which: Which,
    inner: Arc<Inner>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        // Lost branches drop nothing: an unaccepted connection stays in the listener's queue.
        tokio::select! {
            _ = stop.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, which, Arc::clone(&inner)));
                }
            }
        }
    }
    connections.shutdown().await;
}

async fn serve(stream: TcpStream, which: Which, inner: Arc<Inner>) {
    let served = match which {
        Which::Smtp => smtp::serve(stream, inner).await,
        Which::Webhook | Which::Slack => http::serve(stream, which, inner).await,
    };
    if let Err(error) = served {
        tracing::debug!(receiver.name = which.name(), error = %error, "a loopback connection ended early");
    }
}
