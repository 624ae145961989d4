//! Defaults of the probe format, in one place.

use std::collections::BTreeMap;
use std::time::Duration;

use tollgate_report::quantity::{Size, Span};

use super::{
    CommandCheck, Expect, HttpCheck, LoadBudget, LoadCheck, MetricsCheck, TcpCheck, WebsocketCheck,
};

pub(super) fn every() -> Span {
    Span(Duration::from_secs(30))
}

pub(super) fn timeout() -> Span {
    Span(Duration::from_secs(10))
}

pub(super) fn failures_before_down() -> u32 {
    3
}

pub(super) fn passes_before_up() -> u32 {
    1
}

impl Default for HttpCheck {
    fn default() -> Self {
        Self {
            name: String::new(),
            method: "GET".to_owned(),
            path: String::new(),
            headers: BTreeMap::new(),
            body: None,
            json: None,
            operation: None,
            schema: None,
            expect: Expect::default(),
            capture: BTreeMap::new(),
            redirects_max: 0,
            body_size_max: Size(1 << 20),
        }
    }
}

impl Default for WebsocketCheck {
    fn default() -> Self {
        Self {
            path: String::new(),
            headers: BTreeMap::new(),
            subprotocol: None,
            ticket: None,
            send: None,
            expect: None,
            message: None,
            schema: None,
            hold: None,
            message_size_max: Size(1 << 20),
        }
    }
}

impl Default for TcpCheck {
    fn default() -> Self {
        Self {
            address: None,
            tls: false,
            send: None,
            expect: None,
            answer_size_max: Size(64 << 10),
        }
    }
}

impl Default for MetricsCheck {
    fn default() -> Self {
        Self {
            path: "/metrics".to_owned(),
            headers: BTreeMap::new(),
            checks: Vec::new(),
            body_size_max: Size(4 << 20),
        }
    }
}

impl Default for CommandCheck {
    fn default() -> Self {
        Self {
            program: String::new(),
            args: Vec::new(),
            env: BTreeMap::new(),
            exit: vec![0],
            measurements: false,
            output_size_max: Size(64 << 10),
        }
    }
}

impl Default for LoadCheck {
    fn default() -> Self {
        Self {
            request: HttpCheck::default(),
            rate: None,
            connections: 16,
            duration: Span(Duration::from_secs(10)),
            request_timeout: Span(Duration::from_secs(10)),
            budget: LoadBudget::default(),
        }
    }
}
