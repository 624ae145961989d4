//! The kinds of probes, one row each. A row makes the variants of `Check` and `Kind`, the table in
//! the settings, its JSON schema, and the dispatch of its checks and runs.
//!
//! A new kind is a row here, its settings with what they require (`CheckSettings`), and a file that
//! runs it (`RunCheck`).

/// Calls a macro with all rows: description, variant, word in the settings, type of the settings.
macro_rules! probe_kinds {
    ($then:ident) => {
        $then! {
            /// One request and what is expected of the answer.
            Http http Box<HttpCheck>,
            /// Several requests that pass values on, and clean-up.
            Journey journey JourneyCheck,
            /// A WebSocket connection.
            Websocket websocket Box<WebsocketCheck>,
            /// A scrape of a Prometheus endpoint.
            Metrics metrics MetricsCheck,
            /// A TCP connection.
            Tcp tcp TcpCheck,
            /// A program.
            Command command CommandCheck,
            /// Many requests against a budget.
            Load load Box<LoadCheck>,
        }
    };
}
