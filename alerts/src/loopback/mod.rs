//! Loopback receivers: real webhook, Slack, ntfy and mail servers on port 0 of this machine, which
//! record what reaches them. For tests and for a trial run; failures can be scripted.

mod http;
mod record;
mod smtp;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tollgate_report::Clock;
use tollgate_report::quantity::Span;

pub use record::{Failure, Received, Which};

use crate::channel::{Receiver, console, email, ntfy, slack, webhook};
use crate::secret::SecretSource;
use record::{Inner, Script, lock};

/// Longest time for one message.
const TIMEOUT: Span = Span(Duration::from_secs(5));
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
    /// No port was free.
    #[error("cannot listen on a free port of 127.0.0.1")]
    Listen(#[source] io::Error),
    /// A secret's file could not be written.
    #[error("cannot write the secret of a loopback receiver to `{path}`")]
    Secret {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
}

impl Loopback {
    /// Starts the receivers. `secret` signs the webhook; Slack's address and ntfy's topic follow
    /// from it.
    pub async fn start(clock: Arc<dyn Clock>, secret: SecretString) -> Result<Self, LoopbackError> {
        let token = crate::notification::id_of("T", secret.expose_secret());
        let inner = Arc::new(Inner {
            clock,
            secret,
            token,
            received: Mutex::default(),
            scripts: Mutex::default(),
            arrived: Notify::new(),
        });
        let (stop, _) = watch::channel(false);
        let mut addresses = BTreeMap::new();
        let mut tasks = Vec::new();
        for which in [Which::Webhook, Which::Slack, Which::Smtp, Which::Ntfy] {
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

    /// Settings that reach the webhook, Slack and mail receivers and a console. Writes their secrets
    /// to files in `folder` that only the owner can read; creates the folder.
    pub fn receivers(&self, folder: &Path) -> Result<BTreeMap<String, Receiver>, LoopbackError> {
        let slack_url = format!(
            "http://{}/services/{}",
            self.address(Which::Slack),
            self.inner.token
        );
        let secret = write_secret(
            &folder.join("webhook.secret"),
            self.inner.secret.expose_secret(),
        )?;
        let slack = write_secret(&folder.join("slack.secret"), &slack_url)?;
        let timeout = TIMEOUT;
        let smtp = self.address(Which::Smtp);
        Ok(BTreeMap::from([
            (
                "console".to_owned(),
                Receiver::Console(console::Settings::default()),
            ),
            (
                Which::Smtp.name().to_owned(),
                Receiver::Email(email::Settings {
                    host: smtp.ip().to_string(),
                    port: Some(smtp.port()),
                    tls: email::Protection::None,
                    from: "Tollgate <tollgate@example.com>".to_owned(),
                    to: vec!["oncall@example.com".to_owned()],
                    timeout,
                    ..email::Settings::default()
                }),
            ),
            (
                Which::Slack.name().to_owned(),
                Receiver::Slack(slack::Settings {
                    url: slack,
                    timeout,
                }),
            ),
            (
                Which::Webhook.name().to_owned(),
                Receiver::Webhook(webhook::Settings {
                    url: format!("http://{}/alerts", self.address(Which::Webhook)),
                    secret,
                    timeout,
                }),
            ),
        ]))
    }

    /// Settings that reach the ntfy receiver; writes its topic to a file in `folder`.
    pub fn ntfy(&self, folder: &Path) -> Result<Receiver, LoopbackError> {
        Ok(Receiver::Ntfy(ntfy::Settings {
            server: format!("http://{}", self.address(Which::Ntfy)),
            topic: write_secret(&folder.join("ntfy.topic"), &self.inner.token)?,
            token: None,
            timeout: TIMEOUT,
        }))
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

    /// Waits until a receiver has `n` messages, at most `longest`. Returns whether it has.
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

/// Accepts connections until `stop` is set; then its connections end with it.
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
        Which::Webhook | Which::Slack | Which::Ntfy => http::serve(stream, which, inner).await,
    };
    if let Err(error) = served {
        tracing::debug!(receiver.name = which.name(), error = %error, "a loopback connection ended early");
    }
}
