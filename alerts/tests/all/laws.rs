//! Laws of the pure parts: limit, dedup, grouping, retry and Slack's limits.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use tollgate_alerts::change::{Kind, Mute, Notification, State, Told};
use tollgate_alerts::pipeline::{Input, Policy, next_due, step};
use tollgate_alerts::retry::{backoff, parse_retry_after};
use tollgate_alerts::rules::{RuleStates, Sample, built_in, observe};
use tollgate_alerts::settings::{Group, Retry, Route, RuleSettings, SettingsError};
use tollgate_alerts::silence::Silence;
use tollgate_alerts::{AlertEvent, EventState, Settings, Severity, slack};
use tollgate_report::Timestamp;
use tollgate_report::quantity::Span;

fn second(n: u64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000).plus(Duration::from_secs(n))
}

fn event(component: &str, name: &str, id: u32, severity: Severity) -> AlertEvent {
    AlertEvent::firing(
        component,
        name,
        severity,
        format!("{name} {id} broke"),
        second(0),
    )
    .label("id", id.to_string())
}

/// Each alert is a group of its own, so that only the limit holds messages back.
fn ungrouped() -> Settings {
    Settings {
        group: Group {
            by: vec!["name".to_owned(), "id".to_owned()],
            wait: Span(Duration::ZERO),
            interval: Span(Duration::ZERO),
        },
        ..Settings::default()
    }
}

struct Sim {
    policy: Policy,
    state: State,
    made: Vec<Notification>,
}

impl Sim {
    fn new(settings: Settings) -> Self {
        Self {
            policy: Policy::new(settings).unwrap(),
            state: State::default(),
            made: Vec::new(),
        }
    }

    fn input(&mut self, input: Input, now: Timestamp) {
        let change = step(&self.state, &self.policy, input, now);
        self.made.extend(change.notifications.values().cloned());
        self.state.apply(change);
    }

    fn event(&mut self, event: &AlertEvent, now: Timestamp) -> usize {
        let n_before = self.made.len();
        self.input(Input::Event(Box::new(event.clone())), now);
        self.made.len() - n_before
    }

    /// Ticks whenever the pipeline asks for it, up to `until`.
    fn run(&mut self, mut now: Timestamp, until: Timestamp) {
        for _ in 0..10_000 {
            match next_due(&self.state, &self.policy, now) {
                Some(due) if due <= until => now = due.max(now),
                _ => return,
            }
            self.input(Input::Tick, now);
        }
        panic!("the pipeline asks for ticks without end");
    }
}

#[derive(Debug, Clone)]
struct Step {
    wait: u64,
    component: u8,
    name: u8,
    id: u32,
    severity: Severity,
    is_resolve: bool,
}

const NAMES: [&str; 4] = ["latency-p95", "canary-rolled-back", "disk", "queue"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let severity = prop_oneof![
        Just(Severity::Info),
        Just(Severity::Warning),
        Just(Severity::Critical)
    ];
    let one = (
        0u64..40,
        0u8..2,
        0u8..4,
        0u32..25,
        severity,
        prop::bool::weighted(0.3),
    )
        .prop_map(|(wait, component, name, id, severity, is_resolve)| Step {
            wait,
            component,
            name,
            id,
            severity,
            is_resolve,
        });
    prop::collection::vec(one, 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_alert_fires_once_until_it_is_resolved(waits in prop::collection::vec(0u64..200, 1..30)) {
        let mut sim = Sim::new(Settings::default());
        let event = event("api", "disk", 1, Severity::Warning);
        let mut now = second(0);
        for wait in waits {
            now = now.plus(Duration::from_secs(wait));
            sim.event(&event, now);
        }
        prop_assert_eq!(sim.made.len(), 1);
        sim.event(&event.resolved(), now);
        sim.event(&event.resolved(), now);
        prop_assert_eq!(sim.made.len(), 2);
        sim.event(&event, now.plus(Duration::from_secs(3_600)));
        prop_assert_eq!(sim.made.len(), 3, "after a resolve it may fire again");
    }

    #[test]
    fn a_wait_is_between_half_and_all_of_its_exponential(attempts in 1u32..200, id in "[a-z]{8}") {
        let retry = Retry::default();
        let full = Duration::from_secs(1 << (attempts - 1).min(20)).min(retry.longest.0);
        let wait = backoff(&retry, &id, attempts, None);
        prop_assert!(wait <= full && wait * 2 >= full, "{:?} of {:?}", wait, full);
        prop_assert_eq!(wait, backoff(&retry, &id, attempts, None));
        prop_assert!(backoff(&retry, &id, attempts, Some(Duration::from_secs(400))) >= Duration::from_secs(400));
        prop_assert!(backoff(&retry, &id, attempts, Some(Duration::MAX)) <= Duration::from_secs(3_600));
    }
}

#[test]
fn a_storm_becomes_ten_messages_and_one_digest_that_counts_the_rest() {
    let mut sim = Sim::new(ungrouped());
    for id in 0..100 {
        sim.event(
            &event("api", "disk", id, Severity::Warning),
            second(u64::from(id) / 10),
        );
    }
    assert_eq!(sim.made.len(), 10);
    sim.run(second(10), second(1_000));
    assert_eq!(sim.made.len(), 11);
    let digest = sim.made[10].overflow.clone().unwrap();
    assert_eq!(digest.n_alerts(), 90);
    assert_eq!(
        sim.made[10].at,
        second(300),
        "as soon as the window has room"
    );
}

#[test]
fn a_critical_alert_of_a_component_inhibits_its_warnings_until_it_is_over() {
    let mut sim = Sim::new(Settings::default());
    let critical = event("api", "health-probe-failures", 1, Severity::Critical);
    let warning = event("api", "memory", 1, Severity::Warning);
    assert_eq!(sim.event(&critical, second(0)), 1);
    assert_eq!(sim.event(&warning, second(1)), 0);
    assert_eq!(
        sim.event(&event("db", "memory", 1, Severity::Warning), second(1)),
        1
    );
    assert_eq!(
        sim.state.alerts[&warning.fingerprint()].mute,
        Some(Mute::Inhibited)
    );
    assert_eq!(
        sim.event(&critical.resolved(), second(2)),
        2,
        "the resolve, and what it hid"
    );
}

#[test]
fn a_silence_holds_until_it_expires_and_no_longer() {
    let silence = Silence {
        component: None,
        name: Some("mem*".to_owned()),
        labels: BTreeMap::new(),
        author: "ada".to_owned(),
        reason: "known issue 12".to_owned(),
        expires: second(600),
    };
    let settings = Settings {
        silences: vec![silence.clone()],
        ..Settings::default()
    };
    let mut sim = Sim::new(settings);
    let memory = event("api", "memory", 1, Severity::Warning);
    assert_eq!(sim.event(&memory, second(0)), 0);
    assert_eq!(
        sim.event(&event("api", "disk", 1, Severity::Warning), second(0)),
        1
    );
    sim.run(second(0), second(599));
    assert_eq!(sim.made.len(), 1);
    sim.run(second(599), second(601));
    assert_eq!(sim.made.len(), 2, "still broken when the silence ends");
    let settings = Settings {
        silences: vec![Silence {
            reason: String::new(),
            ..silence
        }],
        ..Settings::default()
    };
    let lacks = SettingsError::Silence {
        index: 0,
        what: "a reason",
    };
    assert_eq!(settings.check(), Err(lacks));
}

#[test]
fn a_group_puts_later_alerts_into_one_message_after_its_interval() {
    let mut sim = Sim::new(Settings::default());
    for id in 0..5 {
        sim.event(
            &event("api", "disk", id, Severity::Warning),
            second(u64::from(id)),
        );
    }
    assert_eq!(sim.made.len(), 1);
    sim.run(second(5), second(60));
    assert_eq!(sim.made.len(), 2);
    assert_eq!(sim.made[1].alerts.len(), 4);
}

#[test]
fn an_alert_that_gets_worse_is_told_again() {
    let mut sim = Sim::new(Settings::default());
    assert_eq!(
        sim.event(&event("api", "disk", 1, Severity::Warning), second(0)),
        1
    );
    assert_eq!(
        sim.event(&event("api", "disk", 1, Severity::Critical), second(1)),
        1
    );
    assert_eq!(
        sim.event(&event("api", "disk", 1, Severity::Warning), second(2)),
        0
    );
    assert_eq!(
        sim.event(
            &event("api", "disk", 1, Severity::Warning).resolved(),
            second(3)
        ),
        1
    );
}

fn samples(component: &str, metric: &str, values: &[(u64, f64)]) -> Vec<(u64, EventState)> {
    let rules = built_in();
    let mut states = RuleStates::new();
    let mut raised = Vec::new();
    for (at, value) in values {
        let sample = Sample {
            component: component.to_owned(),
            metric: metric.to_owned(),
            value: *value,
            at: second(*at),
        };
        let (next, events) = observe(&rules, states, &sample, second(*at));
        states = next;
        raised.extend(events.into_iter().map(|event| (*at, event.state)));
    }
    raised
}

#[test]
fn the_built_in_rules_fire_at_their_numbers_and_not_before() {
    use EventState::{Firing, Resolved};
    let every_30 = |metric, value, until: u64| {
        let values: Vec<(u64, f64)> = (0..=until / 30).map(|n| (n * 30, value)).collect();
        samples("api", metric, &values)
    };
    assert_eq!(every_30("latency_p95_ms", 501.0, 270), []);
    assert_eq!(every_30("latency_p95_ms", 501.0, 330), [(300, Firing)]);
    assert_eq!(every_30("latency_p95_ms", 500.0, 900), []);
    assert_eq!(every_30("error_rate_percent", 5.1, 120), [(120, Firing)]);
    assert_eq!(every_30("error_rate_percent", 5.1, 90), []);
    assert_eq!(every_30("memory_percent", 86.0, 300), [(300, Firing)]);
    assert_eq!(every_30("memory_percent", 85.0, 900), []);
    let probes = [
        (0, 1.0),
        (30, 1.0),
        (60, 0.0),
        (90, 1.0),
        (120, 0.0),
        (400, 0.0),
    ];
    assert_eq!(
        samples("api", "probe_failure", &probes),
        [(90, Firing), (400, Resolved)]
    );
    assert_eq!(
        samples("api", "probe_failure", &[(0, 1.0), (200, 1.0), (400, 1.0)]),
        []
    );
    assert_eq!(
        samples("api", "certificate_days_left", &[(0, 13.0)]),
        [(0, Firing)]
    );
    assert_eq!(samples("api", "certificate_days_left", &[(0, 14.0)]), []);
    assert_eq!(
        samples("api", "burn_rate", &[(0, 15.0), (120, 15.0)]),
        [(120, Firing)]
    );
    assert_eq!(
        samples("api", "burn_rate", &[(0, 15.0), (60, 1.0), (120, 15.0)]),
        []
    );
}

#[test]
fn a_gap_without_samples_proves_nothing_and_a_cooldown_is_kept() {
    assert_eq!(
        samples("api", "latency_p95_ms", &[(0, 900.0), (900, 900.0)]),
        []
    );
    let flapping = [(0, 13.0), (1, 20.0), (2, 13.0), (200, 13.0), (301, 13.0)];
    let raised = samples("api", "certificate_days_left", &flapping);
    let at: Vec<u64> = raised.iter().map(|(at, _)| *at).collect();
    assert_eq!(at, [0, 1, 301]);
}

#[test]
fn settings_change_a_rule_and_a_wrong_name_is_met_with_the_right_one() {
    let toml = "[rules.latency-p95]\nabove = 800\nfor = \"1m\"\n\
                [rules.queue]\nmetric = \"queue_length\"\nabove = 100\nseverity = \"critical\"\n\
                [rules.memory]\noff = true\n";
    let settings: Settings = toml::from_str(toml).unwrap();
    let rules = settings.rulebook().unwrap();
    assert_eq!(rules["latency-p95"].hold, Span(Duration::from_secs(60)));
    assert_eq!(rules["queue"].severity, Severity::Critical);
    assert!(!rules.contains_key("memory"));
    let mut wrong = Settings::default();
    wrong
        .rules
        .insert("latency-p59".to_owned(), RuleSettings::default());
    assert_eq!(
        wrong.check().unwrap_err().to_string(),
        "`alerts.rules.latency-p59` is not a built-in rule (did you mean `latency-p95`?), \
         and a rule of your own needs `metric` and one of `above`, `below` and `count`"
    );
    let mut wrong = Settings::default();
    wrong.routes.push(Route {
        receivers: vec!["consol".to_owned()],
        ..Route::default()
    });
    assert_eq!(
        wrong.check().unwrap_err().to_string(),
        "`alerts.routes[0].receivers` names `consol`, which is not a receiver (did you mean `console`?)"
    );
    assert!(toml::from_str::<Settings>("[receivers.x]\nkind = \"slack\"\nurll = 1").is_err());
}

#[test]
fn a_retry_after_is_seconds_or_a_date() {
    let now: Timestamp = "2015-10-21T07:27:00Z".parse().unwrap();
    let parse = |text| parse_retry_after(text, now).map(|wait| wait.as_secs());
    assert_eq!(parse("120"), Some(120));
    assert_eq!(parse("Wed, 21 Oct 2015 07:28:00 GMT"), Some(60));
    assert_eq!(parse("Wed, 21 Oct 2015 07:26:00 GMT"), Some(0));
    assert_eq!(parse("soon"), None);
}

/// Laws that take longer than a second.
mod slow {
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_window_has_more_than_ten_and_nothing_exempt_is_dropped(steps in steps()) {
            let mut sim = Sim::new(ungrouped());
            let mut now = second(0);
            for one in steps {
                let later = now.plus(Duration::from_secs(one.wait));
                sim.run(now, later);
                now = later;
                let component = format!("c{}", one.component);
                let name = NAMES[one.name as usize];
                let mut event = event(&component, name, one.id, one.severity);
                let known = sim.state.alerts.get(&event.fingerprint()).cloned();
                let is_firing = known.as_ref().is_some_and(|known| known.is_firing());
                let had_critical = sim.made.iter().any(|made| {
                    made.component == component
                        && now.since(made.at) < Duration::from_secs(300)
                        && made.alerts.iter().any(|a| a.name == name && a.severity == Severity::Critical)
                });
                if one.is_resolve {
                    event.state = EventState::Resolved;
                }
                let n_before = sim.made.len();
                sim.event(&event, now);
                let about_it = |made: &&Notification| made.alerts.iter().any(|a| a.fingerprint() == event.fingerprint());
                let told = sim.made[n_before..].iter().find(about_it);
                if one.is_resolve && is_firing && known.as_ref().unwrap().told == Told::Yes {
                    prop_assert_eq!(told.unwrap().kind, Kind::Resolved, "a resolve was dropped");
                }
                if !one.is_resolve && !is_firing {
                    let is_first_critical = one.severity == Severity::Critical && !had_critical;
                    if is_first_critical || name == "canary-rolled-back" {
                        prop_assert!(told.is_some(), "{:?} was dropped", one);
                    }
                }
            }
            sim.run(now, now.plus(Duration::from_secs(3_600)));
            for made in sim.made.iter().filter(|made| !made.is_exempt) {
                let n = sim.made.iter().filter(|other| {
                    !other.is_exempt
                        && other.component == made.component
                        && other.at <= made.at
                        && made.at.since(other.at) < Duration::from_secs(300)
                }).count();
                prop_assert!(n <= 10, "{} messages in the window that ends at {}", n, made.at);
            }
            // Nothing waits for ever: each firing alert is told, in a digest, or muted for a reason.
            for alert in sim.state.alerts.values().filter(|alert| alert.is_firing()) {
                prop_assert!(alert.told != Told::No || alert.mute.is_some(), "{:?}", alert);
            }
            prop_assert!(sim.state.limits.values().all(|limit| limit.overflow.is_none()));
        }

        #[test]
        fn the_order_of_arrival_does_not_change_the_groups(
            ids in prop::collection::vec((0u8..3, 0u8..4, 0u32..6), 1..30),
            seed in any::<u64>(),
        ) {
            let groups = |ids: &[(u8, u8, u32)]| {
                let mut sim = Sim::new(Settings::default());
                for (idx, (component, name, id)) in ids.iter().enumerate() {
                    let event = event(&format!("c{component}"), NAMES[*name as usize], *id, Severity::Warning);
                    sim.event(&event, second(idx as u64));
                }
                sim.state.groups_of_alerts()
            };
            let mut shuffled = ids.clone();
            shuffled.sort_by_key(|id| tollgate_report::Digest::of(format!("{seed} {id:?}")));
            prop_assert_eq!(groups(&ids), groups(&shuffled));
        }

        #[test]
        fn a_slack_message_of_any_text_keeps_the_limits(
            headline in ".{0,200}",
            sections in prop::collection::vec(("[a-z<&`\n ]{0,30}", 1usize..200), 0..60),
        ) {
            let sections: Vec<String> = sections.iter().map(|(text, n)| text.repeat(*n)).collect();
            let sections = sections.iter().map(|text| slack::escape(text)).collect::<Vec<_>>().join("\n%%\n");
            let message = slack::message(&format!("x{headline}"), &sections, "ntf_1", "tollgate");
            prop_assert_eq!(slack::violation(&message), None);
        }
    }
}
