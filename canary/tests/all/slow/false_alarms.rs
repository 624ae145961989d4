//! How often a release that is as good as the stable version is rolled back, over all rules together,
//! and how soon one that is not is caught. Seeded simulations of whole runs.

use tollgate_canary::analysis::Metric;
use tollgate_canary::events::{ArmSample, TrafficArm};
use tollgate_canary::fault::Fault;
use tollgate_canary::settings::OnInconclusive;
use tollgate_canary::{Event, Phase, Settings, Weight};
use tollgate_stats::Rng;

use crate::controller::{World, started};

const SEED: u64 = 20_261_121;
/// Releases of the first test; a night's run asks for 10,000 and more.
const RELEASES_ENV: &str = "TOLLGATE_TEST_RELEASES";
/// The plan's weight as one request of so many.
const ONE_IN: u64 = 10;

/// What a version does, as shares of its requests.
#[derive(Debug, Clone, Copy, Default)]
struct Habits {
    server_errors: f64,
    cut: f64,
    client_errors: f64,
    slow: f64,
    others: f64,
}

/// A service that has a little of everything.
const USUAL: Habits = Habits {
    server_errors: 0.01,
    cut: 0.003,
    client_errors: 0.04,
    slow: 0.05,
    others: 0.005,
};

fn settings() -> Settings {
    Settings {
        on_inconclusive: OnInconclusive::RollBack,
        ..Settings::default()
    }
}

/// One request of a version; at most one thing is wrong with it.
fn request(arm: &mut ArmSample, live: &mut TrafficArm, habits: Habits, rng: &mut Rng) {
    arm.n += 1;
    arm.n_answered += 1;
    arm.p95_us = 20_000;
    live.n += 1;
    let mut draw = rng.below_u64(1 << 32) as f64 / (1u64 << 32) as f64;
    let mut falls = |share: f64| {
        let is_in = (0.0..share).contains(&draw);
        draw -= share;
        is_in
    };
    if falls(habits.server_errors) {
        arm.n_bad += 1;
        live.n_bad += 1;
    } else if falls(habits.cut) {
        arm.n_bad += 1;
        arm.faults.add(Fault::Cut, 1);
        live.n_bad += 1;
    } else if falls(habits.client_errors) {
        arm.faults.add(Fault::ClientErrors, 1);
        arm.faults.add(Fault::UnexpectedStatus, 1);
    } else if falls(habits.slow) {
        arm.n_slow += 1;
        arm.faults.add(Fault::FirstByte, 1);
    } else {
        for fault in [
            Fault::GaveUp,
            Fault::Unfinished,
            Fault::BodySize,
            Fault::Headers,
            Fault::Upgrades,
            Fault::Tunnels,
            Fault::Grpc,
            Fault::Schema,
        ] {
            if falls(habits.others) {
                arm.faults.add(fault, 1);
            }
        }
    }
}

/// A run at 10 requests a second until its end; returns its phase, and the seconds with traffic.
fn release(stable: Habits, canary: Habits, rng: &mut Rng) -> (World, f64) {
    let mut world = started(&settings());
    let mut live = [TrafficArm::default(); 2];
    let (mut n, mut n_weighed) = (0u64, 0u32);
    while !world.state.is_over() {
        // One observation for each request: the delay is exact.
        world.ms += 100;
        n += 1;
        let is_canary = world.weight == Weight::ALL
            || (world.weight > Weight::NONE && n.is_multiple_of(ONE_IN));
        n_weighed += u32::from(world.weight > Weight::NONE);
        if is_canary {
            request(&mut world.canary, &mut live[1], canary, rng);
        } else {
            request(&mut world.stable, &mut live[0], stable, rng);
        }
        if n.is_multiple_of(10) || is_canary {
            world.observe();
            let [stable, canary] = live;
            world.give(Event::Traffic { stable, canary });
        }
        world.log.clear();
    }
    (world, f64::from(n_weighed) / 10.0)
}

#[test]
fn the_same_against_the_same_is_rolled_back_in_at_most_one_release_of_a_thousand() {
    let n_runs = std::env::var(RELEASES_ENV).map_or(250, |text| text.parse().unwrap());
    let mut rng = Rng::new(SEED);
    let mut reasons = Vec::new();
    for _ in 0..n_runs {
        let (world, _) = release(USUAL, USUAL, &mut rng);
        if world.state.phase == Phase::RolledBack {
            reasons.push(world.state.decision.unwrap().reason);
        }
    }
    assert!(
        reasons.len() * 1_000 <= n_runs.max(1_000),
        "seed {SEED}: {} of {n_runs}: {reasons:#?}",
        reasons.len()
    );
}

#[test]
fn alpha_is_split_over_all_metrics_and_no_more_than_all_of_it_is_spent() {
    let shares: f64 = Metric::all().into_iter().map(Metric::alpha_share).sum();
    assert!((shares - 1.0).abs() < 1e-9, "{shares}");
}

/// Median and 95th percentile of the seconds until the rollback.
fn delays(canary: Habits, n_runs: usize) -> (f64, f64) {
    let mut rng = Rng::new(SEED);
    let stable = Habits {
        server_errors: 0.001,
        ..Habits::default()
    };
    let mut delays_s: Vec<f64> = (0..n_runs)
        .map(|_| {
            let (world, delay_s) = release(stable, canary, &mut rng);
            let is_caught = world.state.phase == Phase::RolledBack;
            if is_caught { delay_s } else { f64::INFINITY }
        })
        .collect();
    delays_s.sort_by(f64::total_cmp);
    (delays_s[n_runs / 2], delays_s[n_runs * 95 / 100])
}

#[test]
fn ten_percent_errors_at_ten_requests_a_second_are_caught_within_80_seconds() {
    let canary = Habits {
        server_errors: 0.10,
        ..Habits::default()
    };
    let (median, p95) = delays(canary, 500);
    assert!(median <= 45.0, "seed {SEED}: median {median} s");
    assert!(p95 <= 80.0, "seed {SEED}: p95 {p95} s");
}

#[test]
fn a_version_that_only_fails_is_caught_within_five_seconds() {
    let canary = Habits {
        server_errors: 1.0,
        ..Habits::default()
    };
    let (median, p95) = delays(canary, 100);
    assert!(median <= 5.0 && p95 <= 10.0, "seed {SEED}: {median} {p95}");
}
