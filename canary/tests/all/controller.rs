//! Laws of the controller: whatever happens, in whatever order.
use std::collections::BTreeMap;

use proptest::prelude::*;
use tollgate_canary::analysis::Metric;
use tollgate_canary::controller::{Candidate, Identity, Stage, WAITING};
use tollgate_canary::events::{ArmSample, GateVerdict, ProcessId};
use tollgate_canary::settings::OnInconclusive;
use tollgate_canary::{Action, Event, Moment, Phase, Settings, State, Weight, step};
use tollgate_report::{Digest, Timestamp};

/// A proxy and a deployer without sockets: they obey, and answer with events.
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) ms: u64,
    pub(crate) weight: Weight,
    is_swapped: bool,
    pub(crate) stable: ArmSample,
    pub(crate) canary: ArmSample,
    errors_every: Option<u64>,
    stable_errors_every: Option<u64>,
    has_traffic: bool,
    gates: Vec<GateVerdict>,
    pub(crate) log: Vec<Action>,
}

fn new_state(settings: &Settings) -> State {
    let identity = |label: &str| Identity {
        label: label.to_owned(),
        digest: Digest::of(label),
    };
    let versions = (identity("old"), identity("new"));
    State::new("run-1", settings.plan(), versions, 1, Timestamp::EPOCH)
}

impl World {
    fn new(settings: &Settings) -> Self {
        Self {
            state: new_state(settings),
            ms: 0,
            weight: Weight::NONE,
            is_swapped: false,
            stable: ArmSample::default(),
            canary: ArmSample::default(),
            errors_every: None,
            stable_errors_every: None,
            has_traffic: true,
            gates: Vec::new(),
            log: Vec::new(),
        }
    }

    fn now(&self) -> Moment {
        Moment {
            at: Timestamp::from_micros(i64::try_from(self.ms * 1_000).unwrap()),
            mono_ms: self.ms,
        }
    }

    /// Gives an event and does what is asked, until nothing more is asked.
    pub(crate) fn give(&mut self, event: Event) {
        let mut queue = std::collections::VecDeque::from([event]);
        while let Some(event) = queue.pop_front() {
            let (state, actions) = step(self.state.clone(), &event, self.now());
            self.state = state;
            for action in actions {
                queue.extend(self.obey(&action));
                self.log.push(action);
            }
        }
    }

    fn obey(&mut self, action: &Action) -> Vec<Event> {
        let process = ProcessId {
            pid: 7,
            start_ticks: None,
        };
        let addr = "127.0.0.1:7".parse().unwrap();
        match action {
            Action::StartCandidate => vec![
                Event::CandidateStarted {
                    process: process.clone(),
                },
                Event::CandidateReady { process, addr },
            ],
            Action::SetThresholds { .. } => vec![Event::ThresholdsSet],
            Action::SetWeight { weight, .. } => {
                self.weight = *weight;
                vec![]
            }
            Action::VerifyWeight { .. } => vec![Event::WeightObserved {
                weight: self.weight,
                n_checked: 10,
                n_canary: if self.weight == Weight::ALL { 10 } else { 0 },
            }],
            Action::CloseEvidence => vec![Event::Judged {
                gates: self.gates.clone(),
            }],
            Action::Swap { .. } => {
                self.is_swapped = true;
                self.weight = Weight::NONE;
                vec![Event::Swapped]
            }
            Action::DrainVersion { .. } => vec![Event::Drained { n_in_flight: 0 }],
            Action::StopVersion { .. } => vec![Event::Stopped],
            Action::Notify(notification) => vec![Event::Notified {
                id: notification.id.clone(),
            }],
            Action::Persist
            | Action::Record(_)
            | Action::SetCanary { .. }
            | Action::RenewLease { .. } => {
                vec![]
            }
        }
    }

    /// 200 ms at 50 requests a second.
    fn tick(&mut self) {
        self.ms += 200;
        if self.has_traffic {
            for _ in 0..10 {
                let turn = (self.stable.n + self.canary.n) % 10;
                let is_canary = turn < u64::from(self.weight.bp() / 1_000);
                let (arm, every) = if is_canary {
                    (&mut self.canary, self.errors_every)
                } else {
                    (&mut self.stable, self.stable_errors_every)
                };
                arm.n += 1;
                arm.n_answered += 1;
                arm.p95_us = 2_000;
                arm.n_bad += u64::from(every.is_some_and(|every| arm.n % every == 0));
            }
        }
        self.observe();
    }

    pub(crate) fn observe(&mut self) {
        let event = Event::Counts {
            stable: Box::new(self.stable),
            canary: Box::new(self.canary),
            weight: self.weight,
            lease_expired_at: None,
            examples: BTreeMap::new(),
        };
        self.give(event);
    }

    fn probe(&mut self, is_fail: bool) {
        self.give(Event::Probe {
            name: "health".to_owned(),
            is_fail,
            detail: "status 500".to_owned(),
        });
    }

    fn run(&mut self, n_ticks: u32) {
        for _ in 0..n_ticks {
            if self.state.is_over() {
                break;
            }
            self.tick();
        }
    }
}

pub(crate) fn started(settings: &Settings) -> World {
    let mut world = World::new(settings);
    world.give(Event::Start);
    world.probe(false);
    world
}

#[test]
fn a_clean_candidate_is_promoted_by_the_short_plan_within_twenty_seconds() {
    let mut world = started(&Settings::short());
    world.run(100);
    assert_eq!(
        world.state.phase,
        Phase::Succeeded,
        "{:?}",
        world.state.records
    );
    assert!(world.is_swapped);
    let reason = &world.state.decision.as_ref().unwrap().reason;
    assert!(reason.contains("below the margin of 10.0%"), "{reason}");
}

#[test]
fn a_candidate_that_fails_every_request_is_rolled_back_after_four_bad_answers() {
    let mut world = started(&Settings::short());
    world.errors_every = Some(1);
    world.run(100);
    assert_eq!(world.state.phase, Phase::RolledBack);
    assert_eq!(world.weight, Weight::NONE);
    assert_eq!(world.state.evidence.coin(Metric::Errors).n_canary(), 4);
    assert!(
        !world
            .log
            .iter()
            .any(|action| matches!(action, Action::Swap { .. }))
    );
}

#[test]
fn without_traffic_nothing_is_promoted_and_the_verdict_says_what_is_missing() {
    let mut world = started(&Settings::short());
    world.has_traffic = false;
    world.run(400);
    assert_eq!(world.state.phase, Phase::Inconclusive);
    let reason = &world.state.decision.as_ref().unwrap().reason;
    assert!(
        reason.contains("54 more good canary requests would decide"),
        "{reason}"
    );
    assert_eq!(world.weight, Weight::NONE);
}

#[test]
fn a_held_inconclusive_run_is_promoted_when_the_traffic_comes() {
    let settings = Settings {
        on_inconclusive: OnInconclusive::Hold,
        ..Settings::short()
    };
    let mut world = started(&settings);
    world.has_traffic = false;
    world.run(400);
    assert_eq!(world.state.phase, Phase::Inconclusive);
    assert_eq!(world.weight, Weight::from_bp(1_000));
    world.has_traffic = true;
    world.run(200);
    assert_eq!(world.state.phase, Phase::Succeeded);
}

#[test]
fn an_outage_of_the_metrics_pauses_the_clock() {
    let mut world = started(&Settings::short());
    world.run(30);
    let baked = world.state.bake_ms;
    for _ in 0..100 {
        world.ms += 200;
        let detail = "refused".to_owned();
        world.give(Event::CountsMissing { detail });
    }
    assert_eq!(world.state.phase, Phase::Progressing);
    assert_eq!(world.state.bake_ms, baked);
}

#[test]
fn both_ill_while_promoting_does_not_send_everything_back() {
    let mut world = started(&Settings::short());
    world.stable_errors_every = Some(4);
    world.errors_every = Some(4);
    world.state.phase = Phase::Promoting;
    world.state.stage = Stage::Shift;
    world.state.is_frozen = true;
    world.weight = Weight::ALL;
    world.run(5);
    assert_ne!(world.state.phase, Phase::RollingBack);
}

fn gated() -> World {
    let settings = Settings {
        manual_gate: true,
        ..Settings::short()
    };
    let mut world = started(&settings);
    world.run(200);
    assert!(world.state.is_waiting(), "{:?}", world.state.records);
    assert_eq!(world.weight, Weight::from_bp(1_000));
    world
}

fn approval() -> Event {
    Event::Approved {
        by: "ada".to_owned(),
        reason: "the numbers are good".to_owned(),
    }
}

#[test]
fn a_gate_waits_as_long_as_it_takes_says_so_once_and_an_approval_promotes() {
    let mut world = gated();
    world.run(1_000);
    let told = world.state.outbox.iter();
    assert_eq!(told.filter(|notice| notice.title == WAITING).count(), 1);
    let text = world.state.waiting_text().unwrap();
    assert!(text.contains("canary approve run-1 --reason"), "{text}");
    world.give(approval());
    world.run(20);
    assert_eq!(world.state.phase, Phase::Succeeded);
    assert_eq!(world.state.waiting_text(), None);
    let reason = &world.state.decision.as_ref().unwrap().reason;
    let approved = "approved by `ada`: the numbers are good";
    assert!(reason.ends_with(approved), "{reason}");
}

#[test]
fn a_candidate_that_turns_bad_while_a_person_is_waited_for_is_rolled_back() {
    let mut world = gated();
    world.errors_every = Some(1);
    world.run(100);
    assert_eq!(world.state.phase, Phase::RolledBack);
    assert!(!world.is_swapped && world.state.waiting_text().is_none());
}

#[test]
fn an_approval_that_nobody_waited_for_promotes_nothing() {
    let settings = Settings {
        manual_gate: true,
        ..Settings::short()
    };
    let mut world = started(&settings);
    world.give(approval());
    world.run(200);
    assert!(world.state.is_waiting());
    assert_eq!(world.state.approved_by, None);
}

#[test]
fn a_held_inconclusive_run_is_promoted_when_a_person_approves() {
    let settings = Settings {
        on_inconclusive: OnInconclusive::Hold,
        ..Settings::short()
    };
    let mut world = started(&settings);
    world.has_traffic = false;
    world.run(400);
    assert!(world.state.phase == Phase::Inconclusive && world.state.is_waiting());
    world.give(approval());
    world.run(20);
    assert_eq!(world.state.phase, Phase::Succeeded);
}

#[test]
fn three_failed_probes_in_a_row_roll_back_and_two_do_not() {
    let mut world = started(&Settings::short());
    world.run(20);
    for is_fail in [true, true, false, true, true] {
        world.probe(is_fail);
    }
    assert_eq!(world.state.phase, Phase::Progressing);
    world.probe(true);
    assert_eq!(world.state.phase, Phase::RolledBack);
}

#[test]
fn a_leak_is_named_with_its_speed() {
    let mut world = started(&Settings::short());
    world.run(18);
    for i in 0..12u64 {
        world.run(5);
        world.give(Event::Memory {
            bytes: (100 + 20 * i) << 20,
        });
    }
    assert_eq!(world.state.phase, Phase::RolledBack);
    let reason = &world.state.decision.as_ref().unwrap().reason;
    assert!(reason.contains("at least 20.0 MiB/s"), "{reason}");
}

#[test]
fn a_gate_that_fails_over_the_closed_evidence_makes_a_promotion_impossible() {
    let mut world = started(&Settings::short());
    world.gates = vec![GateVerdict {
        gate: "traffic".to_owned(),
        has_passed: false,
        reason: "3 requests lost".to_owned(),
    }];
    world.run(150);
    assert_eq!(world.state.phase, Phase::RolledBack);
    assert!(!world.is_swapped);
    let reason = &world.state.decision.as_ref().unwrap().reason;
    assert_eq!(reason, "gate traffic: 3 requests lost");
}

#[test]
fn a_candidate_that_fails_under_all_of_the_traffic_goes_back() {
    let mut world = started(&Settings::short());
    while world.weight != Weight::ALL {
        world.tick();
    }
    world.errors_every = Some(2);
    world.run(100);
    assert_eq!(world.state.phase, Phase::RolledBack);
    assert!(!world.is_swapped);
}

#[test]
fn a_query_that_has_not_passed_holds_a_promotion_and_one_over_its_limit_rolls_back() {
    let settings = |held_for: &str| {
        let query = serde_json::json!({
            "name": "queue", "url": "http://metrics", "query": "depth", "max": 9.0, "for": held_for,
        });
        Settings {
            queries: vec![serde_json::from_value(query).unwrap()],
            ..Settings::short()
        }
    };
    let query = |is_over| Event::Query {
        name: "queue".to_owned(),
        is_over,
        detail: "value 12, at most 9 is allowed".to_owned(),
    };
    let mut world = started(&settings("0s"));
    world.run(100);
    world.give(query(None));
    assert_eq!(
        world.state.phase,
        Phase::Progressing,
        "no data is not a pass"
    );
    world.give(query(Some(false)));
    world.run(50);
    assert_eq!(world.state.phase, Phase::Succeeded);

    let mut world = started(&settings("2s"));
    world.run(20);
    world.give(query(Some(true)));
    world.run(5);
    assert_eq!(world.state.phase, Phase::Progressing);
    world.run(10);
    assert_eq!(world.state.phase, Phase::RolledBack);
}

#[test]
fn a_candidate_that_spins_is_rolled_back_and_one_that_works_as_hard_as_stable_is_not() {
    for (canary_cores, want) in [(9, Phase::RolledBack), (4, Phase::Succeeded)] {
        let mut world = started(&Settings::short());
        for second in 0..40 {
            world.give(Event::Cpu {
                canary_ms: second * 100 * canary_cores,
                stable_ms: second * 100,
            });
            world.run(5);
        }
        assert_eq!(world.state.phase, want, "{:?}", world.state.records);
    }
}

#[test]
fn a_controller_that_was_gone_too_long_goes_back_to_stable() {
    let mut world = started(&Settings::short());
    world.run(30);
    world.weight = Weight::NONE;
    world.give(Event::Resumed {
        down_ms: 400_000,
        epoch: 2,
        is_candidate_alive: true,
        is_swapped: false,
        weight: Weight::NONE,
    });
    assert_eq!(world.state.phase, Phase::RolledBack);
}

/// Kill the controller after each action of a run in turn; a new one must bring it to an end.
#[test]
fn a_crash_at_every_persisted_step_converges() {
    for errors_every in [None, Some(1)] {
        for crash_at in 0..60 {
            let mut world = started(&Settings::short());
            world.errors_every = errors_every;
            let mut n_persisted = 0;
            for _ in 0..150 {
                if world.state.is_over() {
                    break;
                }
                let before = world.log.len();
                world.tick();
                n_persisted += world.log[before..]
                    .iter()
                    .filter(|action| matches!(action, Action::Persist))
                    .count();
                if n_persisted >= crash_at {
                    break;
                }
            }
            // What is on disk comes back; the lease has run out meanwhile.
            let text = serde_json::to_string(&world.state).unwrap();
            let restored: State = serde_json::from_str(&text).unwrap();
            assert_eq!(restored, world.state, "a state survives the disk unchanged");
            world.state = restored;
            world.weight = Weight::NONE;
            let (is_swapped, weight) = (world.is_swapped, world.weight);
            world.ms = 0;
            world.give(Event::Resumed {
                down_ms: 5_000,
                epoch: 2,
                is_candidate_alive: true,
                is_swapped,
                weight,
            });
            world.run(300);
            let want = if errors_every.is_some() {
                Phase::RolledBack
            } else {
                Phase::Succeeded
            };
            assert_eq!(
                world.state.phase, want,
                "crash after {crash_at}: {:?}",
                world.state.records
            );
            assert_eq!(world.weight, Weight::NONE);
        }
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let sample = (0u64..400, 0u64..40).prop_map(|(n, n_bad)| ArmSample {
        n,
        n_bad,
        n_answered: n,
        p95_us: 2_000,
        ..ArmSample::default()
    });
    let weight = prop_oneof![Just(0u32), Just(1_000), Just(10_000)].prop_map(Weight::from_bp);
    let process = ProcessId {
        pid: 7,
        start_ticks: None,
    };
    prop_oneof![
        Just(Event::CandidateReady {
            process,
            addr: "127.0.0.1:7".parse().unwrap()
        }),
        Just(Event::CandidateExited {
            detail: "signal 9".to_owned()
        }),
        (sample.clone(), sample, weight.clone()).prop_map(|(stable, canary, weight)| {
            Event::Counts {
                stable: Box::new(stable),
                canary: Box::new(canary),
                weight,
                lease_expired_at: None,
                examples: BTreeMap::new(),
            }
        }),
        Just(Event::CountsMissing {
            detail: "x".to_owned()
        }),
        Just(Event::ThresholdsSet),
        (weight.clone(), 0u32..3, 0u32..3).prop_map(|(weight, n_checked, n_canary)| {
            Event::WeightObserved {
                weight,
                n_checked,
                n_canary: n_canary.min(n_checked),
            }
        }),
        Just(Event::Swapped),
        Just(Event::Drained { n_in_flight: 0 }),
        Just(Event::Stopped),
        Just(Event::EffectFailed {
            effect: "weight".to_owned(),
            detail: "x".to_owned()
        }),
        (0u64..2_000_000_000).prop_map(|bytes| Event::Memory { bytes }),
        any::<bool>().prop_map(|is_fail| Event::Probe {
            name: "p".to_owned(),
            is_fail,
            detail: "x".to_owned()
        }),
        any::<bool>().prop_map(|has_passed| Event::Judged {
            gates: vec![GateVerdict {
                gate: "traffic".to_owned(),
                has_passed,
                reason: "x".to_owned(),
            }]
        }),
        Just(Event::Approved {
            by: "me".to_owned(),
            reason: "the numbers are good".to_owned(),
        }),
        (0u64..500_000, weight, any::<bool>()).prop_map(|(down_ms, weight, is_candidate_alive)| {
            Event::Resumed {
                down_ms,
                epoch: 2,
                is_candidate_alive,
                is_swapped: false,
                weight,
            }
        }),
    ]
}

/// Folds events 300 ms apart, and checks after each what must always hold.
fn fold_checked(events: &[Event]) -> (State, Vec<Action>) {
    let mut state = new_state(&Settings::short());
    let mut all = Vec::new();
    let mut ms = 0;
    let mut has_judged = false;
    for event in std::iter::once(&Event::Start).chain(events) {
        ms += 300;
        let now = Moment {
            at: Timestamp::from_micros(ms * 1_000),
            mono_ms: u64::try_from(ms).unwrap(),
        };
        let state_before = state.stage;
        let (next, actions) = step(state, event, now);
        if let Some(idx) = actions
            .iter()
            .position(|action| matches!(action, Action::Persist))
        {
            assert_eq!(idx, 0, "kept before it is done");
        }
        // A judgement counts from the moment at which the evidence was closed.
        has_judged = match event {
            Event::Judged { gates } => {
                state_before == Stage::Confirm && gates.iter().all(|gate| gate.has_passed)
            }
            _ => has_judged && next.stage == Stage::Swap,
        };
        for action in &actions {
            if matches!(action, Action::Swap { .. }) {
                assert!(has_judged, "promoted although a gate has not passed");
            }
            if let Action::Record(record) = action
                && record.phase == Phase::Promoting
                && record.reason.starts_with("excess")
            {
                let promotion = next.evidence.promotion(&next.plan);
                assert!(promotion.is_shown, "promoted without the evidence");
            }
        }
        if matches!(
            next.phase,
            Phase::RollingBack | Phase::RolledBack | Phase::Aborted
        ) {
            assert_eq!(next.intended_weight, Weight::NONE);
        }
        if matches!(next.phase, Phase::RolledBack | Phase::Aborted) {
            assert!(
                next.weight_zero_at.is_some(),
                "over before weight 0 was seen"
            );
        }
        state = next;
        all.extend(actions);
    }
    (state, all)
}

/// The random events may have swallowed the answer to an effect, as a crash does.
fn resumed(is_swapped: bool) -> Event {
    Event::Resumed {
        down_ms: 1,
        epoch: 3,
        is_candidate_alive: true,
        is_swapped,
        weight: Weight::NONE,
    }
}

/// What takes seconds; a commit does not wait for it.
mod slow {
    use super::*;

    proptest! {
        #[test]
        fn random_events_never_break_the_laws_and_give_the_same_twice(
            events in prop::collection::vec(any_event(), 0..120)
        ) {
            let first = fold_checked(&events);
            prop_assert_eq!(&first, &fold_checked(&events));
        }

        #[test]
        fn an_abort_always_ends_the_run(events in prop::collection::vec(any_event(), 0..80)) {
            let (state, _) = fold_checked(&events);
            let mut world = World::new(&Settings::short());
            world.is_swapped = state.phase == Phase::Promoting && state.stage != Stage::Shift;
            world.state = state;
            world.ms = 1_000_000;
            world.give(Event::AbortRequested { by: "me".to_owned(), reason: "now".to_owned() });
            world.give(resumed(world.is_swapped));
            world.run(60);
            prop_assert!(world.state.is_over(), "{:?}", world.state.records);
            prop_assert_eq!(world.weight, Weight::NONE);
            if !matches!(world.state.candidate, Candidate::Absent) {
                prop_assert!(!world.state.records.is_empty());
            }
        }
    }
}
