//! A client of the control interface, and of the data plane for verifying requests.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::headers::VERSION;
use super::wire::{
    Counts, Drain, Drained, Promote, ProxyState, RenewLease, SetThresholds, SetVersion, SetWeight,
    VersionName,
};
use crate::exchange::{Answered, CALL_TIMEOUT, exchange};

/// A call to the proxy failed.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// It did not answer.
    #[error("cannot reach the proxy at `{addr}`: {detail}")]
    Unreachable {
        /// Where it was looked for.
        addr: SocketAddr,
        /// What went wrong.
        detail: String,
    },
    /// A newer controller is in charge, or the change contradicts the table.
    #[error("the proxy refused the change with {status}: {title}")]
    Refused {
        /// The status code.
        status: StatusCode,
        /// The reason it gave.
        title: String,
    },
}

impl ControlError {
    /// A newer controller has taken over.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::CONFLICT, title } if title.contains("epoch"))
    }
}

/// Speaks to one proxy. Every call has a timeout of 2 s (a drain: its deadline more).
#[derive(Clone)]
pub struct ControlClient {
    control: SocketAddr,
    token: String,
}

impl std::fmt::Debug for ControlClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ControlClient({})", self.control)
    }
}

impl ControlClient {
    /// A client for the proxy whose control interface listens at `control`.
    #[must_use]
    pub fn new(control: SocketAddr, token: String) -> Self {
        Self { control, token }
    }

    /// Where the control interface listens.
    #[must_use]
    pub fn control_addr(&self) -> SocketAddr {
        self.control
    }

    /// `GET /state`.
    pub async fn state(&self) -> Result<ProxyState, ControlError> {
        self.call(Method::GET, "/state", &(), CALL_TIMEOUT).await
    }

    /// `GET /counts`.
    pub async fn counts(&self) -> Result<Counts, ControlError> {
        self.call(Method::GET, "/counts", &(), CALL_TIMEOUT).await
    }

    /// `PUT /weight`.
    pub async fn set_weight(&self, wanted: &SetWeight) -> Result<ProxyState, ControlError> {
        self.call(Method::PUT, "/weight", wanted, CALL_TIMEOUT)
            .await
    }

    /// `POST /lease`.
    pub async fn renew(&self, wanted: &RenewLease) -> Result<ProxyState, ControlError> {
        self.call(Method::POST, "/lease", wanted, CALL_TIMEOUT)
            .await
    }

    /// `PUT /versions`.
    pub async fn set_version(&self, wanted: &SetVersion) -> Result<ProxyState, ControlError> {
        self.call(Method::PUT, "/versions", wanted, CALL_TIMEOUT)
            .await
    }

    /// `PUT /thresholds`.
    pub async fn set_thresholds(&self, wanted: &SetThresholds) -> Result<ProxyState, ControlError> {
        self.call(Method::PUT, "/thresholds", wanted, CALL_TIMEOUT)
            .await
    }

    /// `POST /promote`.
    pub async fn promote(&self, epoch: u64) -> Result<ProxyState, ControlError> {
        self.call(Method::POST, "/promote", &Promote { epoch }, CALL_TIMEOUT)
            .await
    }

    /// `POST /drain`; answers when nothing runs any more or the deadline passed.
    pub async fn drain(
        &self,
        name: VersionName,
        deadline: Duration,
    ) -> Result<Drained, ControlError> {
        let wanted = Drain {
            name,
            deadline_ms: crate::numbers::ms(deadline),
        };
        self.call(Method::POST, "/drain", &wanted, deadline + CALL_TIMEOUT)
            .await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
        timeout: Duration,
    ) -> Result<T, ControlError> {
        let unreachable = |detail: String| ControlError::Unreachable {
            addr: self.control,
            detail,
        };
        let bytes = if method == Method::GET {
            Bytes::new()
        } else {
            Bytes::from(serde_json::to_vec(body).expect("the wire types are JSON"))
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.control.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Full::new(bytes))
            .map_err(|error| unreachable(error.to_string()))?;
        let Answered { status, body, .. } =
            tokio::time::timeout(timeout, exchange(self.control, request))
                .await
                .map_err(|_| unreachable(format!("no answer within {} ms", timeout.as_millis())))?
                .map_err(unreachable)?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| unreachable(error.to_string()));
        }
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        Err(ControlError::Refused {
            status,
            title: problem["title"]
                .as_str()
                .unwrap_or("no reason given")
                .to_owned(),
        })
    }
}

/// Sends `n` requests through the data plane, each over its own connection. Returns how many were
/// answered, and how many of those by the canary. Takes 2 s at most, well within a lease.
pub(super) async fn verify(data: SocketAddr, path: &str, n: u32) -> (u32, u32) {
    let (mut n_checked, mut n_canary) = (0, 0);
    let deadline = Instant::now() + CALL_TIMEOUT;
    for _ in 0..n {
        let Ok(request) = Request::builder()
            .uri(path)
            .header(header::HOST, data.to_string())
            .header("x-tollgate-purpose", "verify")
            .body(Full::new(Bytes::new()))
        else {
            break;
        };
        let answered = tokio::time::timeout_at(deadline, exchange(data, request)).await;
        if let Ok(Ok(answered)) = answered
            && let Some(version) = answered.headers.get(VERSION)
        {
            n_checked += 1;
            n_canary += u32::from(version == VersionName::Canary.word());
        }
    }
    (n_checked, n_canary)
}
