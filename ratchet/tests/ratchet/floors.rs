//! Floors: the file, the check, tightening and merging, by data and by law.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tollgate_ratchet::history::{HISTORY_VERSION, append};
use tollgate_ratchet::merge::MergeInputs;
use tollgate_ratchet::show::{show, show_tightened, sparkline};
use tollgate_ratchet::trend::trend_html;
use tollgate_ratchet::{
    BaseInput, Catalogue, CheckInput, Checked, Direction, Floor, Floors, GapKind, History,
    HistoryEntry, Measurement, RatchetSettings, ReportGap, Status, TightenInput, Tightened, Unit,
    Version, Waiver, adopt, check, compare_with_base, diff_floors, merge, merge_driver, tighten,
};
use tollgate_report::render::Paint;
use tollgate_report::{Finding, Outcome, Severity, Timestamp};

fn settings() -> RatchetSettings {
    RatchetSettings::default()
}

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().expect("the sample is valid")
}

fn floors(ids: &[&str]) -> Floors {
    let mut floors = Floors::defaults(&Catalogue::new(&settings()));
    floors.0.retain(|id, _| ids.contains(&id.as_str()));
    floors
}

fn history(metric: &str, unit: &str, values: &[f64]) -> History {
    let entries = values.iter().enumerate().map(|(idx, value)| HistoryEntry {
        version: HISTORY_VERSION,
        at: Timestamp::from_micros(idx as i64 * 1_000_000),
        metric: metric.to_owned(),
        unit: Unit::try_from(unit).expect("the sample is valid"),
        value: *value,
        run: format!("r{idx}"),
        branch: None,
        revision: None,
    });
    History {
        entries: entries.collect(),
        torn_line: None,
    }
}

fn checked(
    floors: &Floors,
    measurements: &[Measurement],
    history: &History,
    waivers: &[Waiver],
) -> Checked {
    checked_with(&settings(), floors, measurements, history, waivers)
}

fn checked_with(
    settings: &RatchetSettings,
    floors: &Floors,
    measurements: &[Measurement],
    history: &History,
    waivers: &[Waiver],
) -> Checked {
    check(&CheckInput {
        floors,
        base: None,
        measurements,
        unmeasured: &[],
        gaps: &[],
        history,
        waivers,
        now: now(),
        is_strict: false,
        settings,
    })
}

fn tightened(floors: &Floors, measurements: &[Measurement], history: &History) -> Tightened {
    tighten(&TightenInput {
        floors,
        measurements,
        history,
        settings: &settings(),
    })
}

const WAIVER: &str = "metric = \"coverage_percent_min\"\nscope = \"repository\"\nowner = \"ada\"\nreason = \"the parser is being rewritten\"\nexpires = 2026-12-31\n";

#[test]
fn the_file_has_one_metric_a_line_and_reads_back() {
    let floors = Floors::defaults(&Catalogue::new(&settings()));
    let text = floors.render();
    assert_eq!(
        Floors::parse(&text, "f").expect("the sample is valid"),
        floors
    );
    insta::assert_snapshot!("quality_ratchet", text);
}

#[test]
fn a_file_that_names_another_command_is_accepted() {
    let floors = Floors::defaults(&Catalogue::new(&settings()));
    let older = floors.render().replace(
        "\"made_by\": \"tollgate ratchet",
        "\"made_by\": \"cargo xtask ratchet",
    );
    assert_ne!(older, floors.render());
    assert_eq!(Floors::parse(&older, "f").expect("it is valid"), floors);
}

#[test]
fn a_bad_file_names_the_line_the_column_and_what_to_do() {
    let good = floors(&["coverage_percent_min", "flaky_test_count_max"]).render();
    let catalogue = Catalogue::new(&settings());
    let mut text = String::new();
    for broken in [
        good.replace("\"unit\": \"%\", ", ""),
        good.replace("coverage_percent_min", "coverage_precent_min"),
        good.replace("coverage_percent_min", "cats_min"),
        good.replace("\"version\": 1", "\"version\": 2"),
        good.replace("flaky_test_count_max", "coverage_percent_min"),
        good.replace("70.0", "\"70\""),
        good.replace("\"up\"", "\"sideways\""),
        good.replace("\"down\"", "\"zero\""),
        good.replace("    \"flaky", "<<<<<<< ours\n    \"flaky"),
        good.replace("70.0", "70.0, \"note\": 1"),
        good[..good.len() / 2].to_owned(),
        String::new(),
    ] {
        assert_ne!(broken, good);
        let error = Floors::parse_known(&broken, "quality_ratchet.json", &catalogue).unwrap_err();
        text.push_str(&format!("{error}\n\n"));
    }
    insta::assert_snapshot!("broken_floors", text);
}

#[test]
fn every_floor_is_judged_and_unmeasured_is_not_a_pass() {
    let floors = floors(&[
        "coverage_percent_min",
        "mutation_score_min",
        "flaky_test_count_max",
        "test_execution_time_max",
    ]);
    let measurements = [
        Measurement::new("coverage_percent_min", "%", 68.25, "273 of 400 lines"),
        Measurement::new(
            "flaky_test_count_max",
            "count",
            1.0,
            "failed and then passed: a",
        ),
        Measurement::new("test_execution_time_max", "s", 71.0, "12 tests"),
        Measurement::new("lint_warnings_max", "count", 3.0, "3 lints"),
    ];
    let history = history("test_execution_time_max", "s", &[58.0, 60.0, 59.0]);
    let checked_now = checked(&floors, &measurements, &history, &[]);
    assert_eq!(checked_now.verdict.outcome, Outcome::Fail);
    let mut out = Vec::new();
    show(&mut out, &checked_now, &history, Paint::Plain).expect("the sample is valid");
    for finding in &checked_now.verdict.findings {
        tollgate_report::render::render_finding(&mut out, finding, None, Paint::Plain)
            .expect("the sample is valid");
    }
    insta::assert_snapshot!("show", String::from_utf8(out).expect("the sample is valid"));
    let unmeasured = checked(&floors, &[], &history, &[]);
    assert_eq!(unmeasured.verdict.outcome, Outcome::NotChecked);
}

#[test]
fn a_live_waiver_holds_and_a_bad_one_fails() {
    let floors = floors(&["coverage_percent_min"]);
    let measurements = [Measurement::new(
        "coverage_percent_min",
        "%",
        60.0,
        "6 of 10 lines",
    )];
    let parse =
        |text: &str| Waiver::parse(text, "ratchet/waivers/cov.toml").expect("the sample is valid");
    let live = checked(
        &floors,
        &measurements,
        &History::default(),
        &[parse(WAIVER)],
    );
    assert_eq!(live.judgements[0].status, Status::Waived);
    assert_eq!(live.verdict.outcome, Outcome::Warn);
    assert_eq!(live.live_waivers.len(), 1);
    for (text, code) in [
        (WAIVER.replace("2026-12-31", "2026-11-20"), "waiver-expired"),
        (
            WAIVER.replace("the parser is being rewritten", " "),
            "waiver-unexplained",
        ),
        (
            WAIVER.replace("expires = 2026-12-31\n", ""),
            "waiver-unexplained",
        ),
        (
            WAIVER.replace("repository", "src/**"),
            "waiver-scope-unknown",
        ),
        (WAIVER.replace("percent", "precent"), "waiver-without-floor"),
    ] {
        let bad = checked(&floors, &measurements, &History::default(), &[parse(&text)]);
        assert_eq!(bad.verdict.outcome, Outcome::Fail, "{text}");
        assert_eq!(bad.judgements[0].status, Status::Fail, "{text}");
        let findings = &bad.verdict.findings;
        assert!(
            findings.iter().any(|finding| finding.code == code),
            "{code}: {findings:?}"
        );
    }
    let until_today = parse(&WAIVER.replace("2026-12-31", "2026-11-21"));
    assert!(until_today.is_live(now()), "the last day counts");
    assert_eq!(
        parse(&until_today.render()),
        until_today,
        "parse after render is identity"
    );
}

#[test]
fn a_malformed_waiver_names_its_line() {
    let mut text = String::new();
    for broken in [
        WAIVER.replace("owner", "ownr"),
        WAIVER.replace("2026-12-31", "2026-12-31T10:00:00Z"),
        WAIVER.replace("2026-12-31", "2026-13-31"),
        WAIVER.replace("2026-12-31", "2026-02-30"),
        format!("{WAIVER}limit = nan\n"),
        WAIVER.replace("\"ada\"", "7"),
    ] {
        text.push_str(&format!(
            "{}\n\n",
            Waiver::parse(&broken, "w.toml").unwrap_err()
        ));
    }
    insta::assert_snapshot!("broken_waivers", text);
}

#[test]
fn a_noisy_metric_fails_by_several_runs_and_never_by_one() {
    let floors = floors(&["test_execution_time_max"]);
    let status = |value: f64, past: &[f64]| {
        let measurements = [Measurement::new("test_execution_time_max", "s", value, "x")];
        let history = history("test_execution_time_max", "s", past);
        let judgement = checked(&floors, &measurements, &history, &[])
            .judgements
            .remove(0);
        (judgement.status, judgement.reason)
    };
    let quiet = [60.0; 12];
    assert_eq!(status(65.0, &quiet).0, Status::Pass, "within 10%");
    let (outcome, reason) = status(9000.0, &quiet);
    assert_eq!(outcome, Status::Warn, "one spike after quiet runs");
    assert_eq!(
        reason,
        "8940 s worse than the floor, beyond the tolerance of 10%, in 1 of 13 runs; 4 more runs like this are \
         needed to tell a change from noise"
    );
    let mut past = quiet.to_vec();
    past.extend([70.0; 4]);
    let (outcome, reason) = status(70.0, &past);
    assert_eq!(outcome, Status::Fail, "a step change");
    assert_eq!(
        reason,
        "10 s worse than the floor, beyond the tolerance of 10%, in 5 runs in a row after 12 others; the \
         probability of that by noise is 1.6e-4, at most 0.0005 is allowed"
    );
    let (outcome, reason) = status(90.0, &quiet[..3]);
    assert_eq!(outcome, Status::NotChecked);
    assert!(
        reason.ends_with(
            "with 3 recorded runs: 10 more like this, or 2 within the tolerance, are needed"
        ),
        "{reason}"
    );
    let always = [9000.0; 14];
    let n_undecided = (0..always.len())
        .take_while(|n| status(9000.0, &always[..*n]).0 == Status::NotChecked)
        .count();
    assert_eq!(
        n_undecided, 10,
        "the eleventh run far above the floor fails"
    );
}

#[test]
fn what_is_unmeasured_fails_when_strict_unless_the_settings_name_it_and_a_day() {
    let floors = floors(&["coverage_percent_min", "test_execution_time_max"]);
    let late = [Measurement::new("test_execution_time_max", "s", 900.0, "x")];
    let outcome = |settings: &RatchetSettings, gaps: &[ReportGap], is_strict| {
        let checked = check(&CheckInput {
            floors: &floors,
            base: None,
            measurements: &late,
            unmeasured: &[],
            gaps,
            history: &History::default(),
            waivers: &[],
            now: now(),
            is_strict,
            settings,
        });
        let codes: Vec<String> = checked
            .verdict
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.code.clone())
            .collect();
        (checked.verdict.outcome, codes)
    };
    let mut settings = settings();
    let (lenient, codes) = outcome(&settings, &[], false);
    assert_eq!((lenient, codes.len()), (Outcome::NotChecked, 0));
    let (strict, codes) = outcome(&settings, &[], true);
    assert_eq!(strict, Outcome::Fail);
    assert_eq!(codes, ["floor-not-checked", "floor-undecided"]);
    let day = |text: &str| text.parse().expect("the sample is a day");
    for metric in floors.0.keys() {
        settings
            .unmeasured
            .insert(metric.clone(), day("2026-11-21"));
    }
    assert_eq!(outcome(&settings, &[], true).0, Outcome::NotChecked);
    let gap = ReportGap {
        report: "b.info".to_owned(),
        file: None,
        kind: GapKind::Missing,
        message: "the report `b.info` does not exist".to_owned(),
    };
    let (strict, codes) = outcome(&settings, std::slice::from_ref(&gap), true);
    assert_eq!(
        (strict, codes),
        (Outcome::Fail, vec!["report-missing".to_owned()])
    );
    settings.reports.push("b.info".to_owned());
    settings
        .unmeasured
        .insert("b.info".to_owned(), day("2027-01-01"));
    assert_eq!(outcome(&settings, &[gap], true).0, Outcome::NotChecked);
    settings
        .unmeasured
        .insert("coverage_percent_min".to_owned(), day("2026-11-20"));
    let (expired, codes) = outcome(&settings, &[], true);
    assert_eq!(expired, Outcome::Fail);
    assert_eq!(codes, ["floor-not-checked"]);
}

#[test]
fn a_tolerance_in_the_settings_counts_and_makes_no_exact_metric_noisy() {
    let floors = floors(&["coverage_percent_min"]);
    let with = |tolerance: &str| {
        let mut settings = settings();
        settings.metrics.insert(
            "coverage_percent_min".to_owned(),
            tollgate_ratchet::settings::UserMetric {
                unit: Unit::try_from("%").expect("the sample is valid"),
                direction: Direction::Up,
                floor: None,
                tolerance: Some(tolerance.parse().expect("the sample is valid")),
                command: Vec::new(),
            },
        );
        settings
    };
    let status = |settings: &RatchetSettings, value: f64| {
        let measured = [Measurement::new("coverage_percent_min", "%", value, "x")];
        let got = checked_with(settings, &floors, &measured, &History::default(), &[]);
        got.judgements[0].status
    };
    assert_eq!(status(&settings(), 69.97), Status::Fail);
    assert_eq!(status(&with("0.5%"), 69.97), Status::Pass);
    assert_eq!(
        status(&with("0.5%"), 69.6),
        Status::Fail,
        "at once, and not after several runs"
    );
}

#[test]
fn a_floor_far_behind_its_value_is_shown_and_can_be_a_finding() {
    let floors = floors(&["coverage_percent_min"]);
    let measured = [Measurement::new("coverage_percent_min", "%", 91.0, "x")];
    let mut settings = settings();
    let got = |settings: &RatchetSettings| {
        checked_with(settings, &floors, &measured, &History::default(), &[])
    };
    let shown = got(&settings);
    assert_eq!(shown.verdict.outcome, Outcome::Pass);
    assert_eq!(shown.behind[0].after, 91.0);
    let mut out = Vec::new();
    show(&mut out, &shown, &History::default(), Paint::Plain).expect("the sample is valid");
    let out = String::from_utf8(out).expect("the sample is valid");
    assert!(
        out.contains("behind: coverage_percent_min: floor 70, value 91; `{tollgate} ratchet tighten` raises the floor"),
        "{out}"
    );
    settings.floor_gap_max = Some("20%".parse().expect("the sample is valid"));
    let found = got(&settings);
    assert_eq!(found.verdict.outcome, Outcome::Fail);
    assert_eq!(found.verdict.findings[0].code, "floor-behind");
}

#[test]
fn failed_tests_fail_without_a_floor_too() {
    let floors = floors(&["coverage_percent_min"]);
    let measured = |n_failed| {
        [
            Measurement::new("coverage_percent_min", "%", 70.0, "x"),
            Measurement::new("failed_test_count_max", "count", n_failed, "failed: t"),
        ]
    };
    let outcome = |n_failed| {
        let got = checked(&floors, &measured(n_failed), &History::default(), &[]);
        got.verdict.outcome
    };
    assert_eq!(outcome(0.0), Outcome::Pass);
    assert_eq!(outcome(1.0), Outcome::Fail);
}

#[test]
fn a_waiver_holds_down_to_its_limit_and_for_the_longest_time_allowed() {
    let floors = floors(&["coverage_percent_min"]);
    let outcome = |text: &str, value: f64| {
        let waiver = Waiver::parse(text, "w.toml").expect("the sample is valid");
        let measured = [Measurement::new("coverage_percent_min", "%", value, "x")];
        let got = checked(&floors, &measured, &History::default(), &[waiver]);
        let codes = got.verdict.findings.into_iter().map(|finding| finding.code);
        (got.judgements[0].status, codes.collect::<Vec<_>>())
    };
    let deep = format!("{WAIVER}limit = 60.0\n");
    assert_eq!(outcome(&deep, 60.0).0, Status::Waived);
    let (status, codes) = outcome(&deep, 59.9);
    assert_eq!((status, codes[0].as_str()), (Status::Fail, "floor-broken"));
    let long = WAIVER.replace("2026-12-31", "2027-02-20");
    let (status, codes) = outcome(&long, 60.0);
    assert_eq!(status, Status::Fail);
    assert!(codes.contains(&"waiver-too-long".to_owned()), "{codes:?}");
    assert_eq!(
        outcome(&WAIVER.replace("2026-12-31", "2027-02-19"), 60.0).0,
        Status::Waived
    );
}

#[test]
fn what_a_change_loosens_names_both_values_and_passes_only_with_a_waiver() {
    let base = floors(&["coverage_percent_min", "flaky_test_count_max"]);
    let mut changed = base.clone();
    changed.0.remove("flaky_test_count_max");
    changed
        .0
        .get_mut("coverage_percent_min")
        .expect("the sample has it")
        .floor = 30.0;
    let waiver = |name: &str, text: &str| Waiver::parse(text, name).expect("the sample is valid");
    let compare = |before: &[Waiver], after: &[Waiver]| -> Vec<String> {
        let input = BaseInput {
            base: Version {
                floors: &base,
                waivers: before,
            },
            now: Version {
                floors: &changed,
                waivers: after,
            },
            text: &changed.render(),
            file: "quality_ratchet.json",
            at: now(),
            waiver_days_max: 90,
        };
        let found = compare_with_base(&input);
        let line = |finding: &Finding| {
            let place = finding.place.as_ref().map(ToString::to_string);
            format!(
                "{} {} {}: {}",
                finding.severity.word(),
                finding.code,
                place.unwrap_or_default(),
                finding.message
            )
        };
        found.iter().map(line).collect()
    };
    let removed = "error floor-removed quality_ratchet.json: the floor of `flaky_test_count_max` (2 count) was removed";
    let lowered = "floor-loosened quality_ratchet.json:5:5: the floor of `coverage_percent_min` was loosened from 70 to 30 %";
    assert_eq!(
        compare(&[], &[]),
        [removed.to_owned(), format!("error {lowered}")]
    );
    let old = waiver("w.toml", &format!("{WAIVER}limit = 60.0\n"));
    assert_eq!(
        compare(&[], std::slice::from_ref(&old)),
        [
            removed.to_owned(),
            format!("warning {lowered}"),
            "warning waiver-added w.toml: a new waiver of `coverage_percent_min` allows values as far as 60 until 2026-12-31".to_owned(),
        ]
    );
    let longer = waiver("w.toml", &WAIVER.replace("2026-12-31", "2027-01-31"));
    assert_eq!(
        compare(std::slice::from_ref(&old), &[longer])[1..3],
        [
            "error waiver-deepened w.toml: the limit of the waiver of `coverage_percent_min` was changed from 60 to none".to_owned(),
            "error waiver-extended w.toml: the waiver of `coverage_percent_min` was extended from 2026-12-31 to 2027-01-31".to_owned(),
        ]
    );
}

#[test]
fn a_revert_that_the_merge_turns_into_nothing_is_reported() {
    let high = floors(&["coverage_percent_min"]);
    let mut low = high.clone();
    low.0
        .get_mut("coverage_percent_min")
        .expect("the sample has it")
        .floor = 60.0;
    let merge = |ancestor: &Floors, ours: &Floors, theirs: &Floors| {
        merge_driver(&MergeInputs {
            ancestor: ancestor.render().as_bytes(),
            ours: ours.render().as_bytes(),
            theirs: theirs.render().as_bytes(),
        })
        .expect("it merges")
    };
    let reverted = merge(&high, &high, &low);
    assert_eq!(reverted.text, high.render());
    assert_eq!(
        reverted.notes,
        [
            "on their side, the floor of `coverage_percent_min` was loosened from 70 to 60 %; the merge keeps 70 %"
        ]
    );
    assert_eq!(merge(&low, &high, &low).notes, Vec::<String>::new());
    // A metric that one side measures in another unit takes that unit.
    let mut other = high.clone();
    other
        .0
        .get_mut("coverage_percent_min")
        .expect("the sample has it")
        .unit = Unit::try_from("ratio").expect("the sample is valid");
    assert_eq!(merge(&high, &other, &high).text, other.render());
    assert_eq!(merge(&high, &high, &other).text, other.render());
}

#[test]
fn a_history_is_joined_as_a_union() {
    let all = history("coverage_percent_min", "%", &[70.0, 71.0, 72.0]);
    let part = |range: std::ops::Range<usize>| History {
        entries: all.entries[range].to_vec(),
        torn_line: None,
    };
    assert_eq!(part(0..2).union(&part(1..3)), all);
    assert_eq!(part(1..3).union(&part(0..2)), all);
    assert_eq!(all.union(&all), all);
    assert_eq!(
        History::parse(&all.render(), "h").expect("it reads back"),
        all
    );
}

#[test]
fn a_unit_that_differs_is_never_compared() {
    let floors = floors(&["test_execution_time_max"]);
    let measurements = [Measurement::new("test_execution_time_max", "ms", 50.0, "x")];
    let got = checked(&floors, &measurements, &History::default(), &[]);
    assert_eq!(got.judgements[0].status, Status::Fail);
    assert_eq!(got.verdict.findings[0].code, "measurement-invalid");
}

#[test]
fn exact_floors_tighten_at_once_and_noisy_ones_when_confirmed() {
    let floors = floors(&["coverage_percent_min", "test_execution_time_max"]);
    let measurements = [
        Measurement::new("coverage_percent_min", "%", 81.234_567_8, "x"),
        Measurement::new("test_execution_time_max", "s", 40.0, "x"),
    ];
    let noisy = |before: usize, after: usize| {
        let level = |center: f64| move |idx: usize| center + (idx % 7) as f64 * 0.1;
        let values: Vec<f64> = (0..before)
            .map(level(60.0))
            .chain((0..after).map(level(50.0)))
            .collect();
        history("test_execution_time_max", "s", &values)
    };
    let early = tightened(&floors, &measurements, &noisy(12, 6));
    assert_eq!(early.floors.0["coverage_percent_min"].floor, 81.234_567);
    assert_eq!(early.floors.0["test_execution_time_max"].floor, 60.0);
    assert_eq!(early.waiting.len(), 1);
    let confirmed = tightened(&floors, &measurements, &noisy(12, 10));
    assert_eq!(confirmed.floors.0["test_execution_time_max"].floor, 50.2);
    let mut out = Vec::new();
    show_tightened(&mut out, &confirmed).expect("the sample is valid");
    show_tightened(&mut out, &early).expect("the sample is valid");
    insta::assert_snapshot!(
        "tightened",
        String::from_utf8(out).expect("the sample is valid")
    );
}

#[test]
fn a_metric_without_a_floor_is_adopted_at_its_value() {
    let measurements = [
        Measurement::new("test_count_min", "count", 120.0, "120 ran"),
        Measurement::new("lint_warnings_max", "count", 0.0, "no lints"),
    ];
    let input = TightenInput {
        floors: &Floors::default(),
        measurements: &measurements,
        history: &History::default(),
        settings: &settings(),
    };
    let adopted = adopt(&input).floors;
    assert_eq!(adopted.0.len(), 2);
    let again = checked(&adopted, &measurements, &History::default(), &[]);
    assert_eq!(again.verdict.outcome, Outcome::Pass, "{:?}", again.verdict);
}

#[test]
fn a_loosened_floor_is_a_finding_of_its_own() {
    let old = floors(&[
        "coverage_percent_min",
        "flaky_test_count_max",
        "test_execution_time_max",
        "security_issues_max",
    ]);
    let mut new = old.clone();
    new.0
        .get_mut("coverage_percent_min")
        .expect("the sample is valid")
        .floor = 69.0;
    new.0
        .get_mut("test_execution_time_max")
        .expect("the sample is valid")
        .tolerance_percent = Some(20.0);
    new.0
        .get_mut("flaky_test_count_max")
        .expect("the sample is valid")
        .floor = 1.0;
    new.0.remove("security_issues_max");
    let findings = diff_floors(&old, &new, "quality_ratchet.json");
    let codes: Vec<&str> = findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(
        codes,
        ["floor-removed", "floor-loosened", "tolerance-widened"]
    );
    assert_eq!(
        findings[1].message,
        "the floor of `coverage_percent_min` was loosened from 70 to 69 %"
    );
    assert_eq!(
        findings[1]
            .place
            .as_ref()
            .expect("the sample is valid")
            .line,
        5
    );
    assert_eq!(diff_floors(&old, &old, "f"), []);
}

#[test]
fn the_merge_driver_takes_the_stricter_line_of_each() {
    let base = floors(&["coverage_percent_min", "flaky_test_count_max"]);
    let (mut ours, mut theirs) = (base.clone(), base.clone());
    ours.0
        .get_mut("coverage_percent_min")
        .expect("the sample is valid")
        .floor = 75.0;
    theirs
        .0
        .get_mut("coverage_percent_min")
        .expect("the sample is valid")
        .floor = 72.0;
    theirs
        .0
        .get_mut("flaky_test_count_max")
        .expect("the sample is valid")
        .floor = 0.0;
    let merged = |ours: &Floors, theirs: &Floors| {
        merge_driver(&MergeInputs {
            ancestor: b"",
            ours: ours.render().as_bytes(),
            theirs: theirs.render().as_bytes(),
        })
    };
    let got = Floors::parse(
        &merged(&ours, &theirs).expect("the sample is valid").text,
        "f",
    )
    .expect("the sample is valid");
    assert_eq!(got.0["coverage_percent_min"].floor, 75.0);
    assert_eq!(got.0["flaky_test_count_max"].floor, 0.0);
    theirs
        .0
        .get_mut("coverage_percent_min")
        .expect("the sample is valid")
        .unit = Unit::try_from("ratio").expect("the sample is valid");
    let error = merged(&ours, &theirs).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot merge the floors: `coverage_percent_min` is in `% ↑`"),
        "{error}"
    );
}

#[test]
fn a_history_of_an_earlier_version_is_read_and_continued() {
    let earlier = r#"{"version":1,"at":"2026-11-20T10:00:00.000000Z","metric":"coverage_percent_min","unit":"%","value":70.0,"run":"r-1"}"#;
    let folder = tempfile::tempdir().expect("the sample is valid");
    let path = folder.path().join("history.ndjson");
    for last in [earlier.to_owned(), format!("{earlier}\n")] {
        std::fs::write(&path, last).expect("the sample is valid");
        let entries = History::load(&path).expect("the sample is valid").entries;
        append(&path, &entries).expect("the sample is valid");
        assert_eq!(
            std::fs::read_to_string(&path).expect("the sample is valid"),
            format!("{earlier}\n{earlier}\n")
        );
    }
}

#[test]
fn a_torn_last_line_is_left_out_and_cut_off_and_a_torn_middle_is_an_error() {
    let folder = tempfile::tempdir().expect("the sample is valid");
    let path = folder.path().join("deep/history.ndjson");
    let entries = history("coverage_percent_min", "%", &[70.0, 71.0]).entries;
    append(&path, &entries).expect("the sample is valid");
    let whole = std::fs::read_to_string(&path).expect("the sample is valid");
    std::fs::write(&path, &whole[..whole.len() - 10]).expect("the sample is valid");
    let torn = History::load(&path).expect("the sample is valid");
    assert_eq!((torn.entries.len(), torn.torn_line), (1, Some(2)));
    append(&path, &entries[1..]).expect("the sample is valid");
    assert_eq!(
        std::fs::read_to_string(&path).expect("the sample is valid"),
        whole
    );
    let error = History::parse(&whole.replacen("{\"version\"", "{\"verse\"", 1), "h").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot read the history in `h:1`"),
        "{error}"
    );
    assert_eq!(
        History::load(&folder.path().join("none")).expect("the sample is valid"),
        History::default()
    );
}

#[test]
fn the_trend_is_a_figure_for_each_measured_floor() {
    let floors = floors(&["coverage_percent_min", "flaky_test_count_max"]);
    let history = history("coverage_percent_min", "%", &[70.0, 72.0, 71.5]);
    insta::assert_snapshot!("trend", trend_html(&floors, &history));
    assert_eq!(sparkline(&[1.0, 2.0, 3.0]), "▁▅█");
    assert_eq!(sparkline(&[]), "");
}

#[test]
fn floors_survive_saving() {
    let folder = tempfile::tempdir().expect("the sample is valid");
    let path = folder.path().join("quality_ratchet.json");
    let catalogue = Catalogue::new(&settings());
    let floors = Floors::defaults(&catalogue);
    floors.save(&path).expect("the sample is valid");
    assert_eq!(
        Floors::load(&path, &catalogue).expect("the sample is valid"),
        floors
    );
    let missing = Floors::load(&folder.path().join("none.json"), &catalogue).unwrap_err();
    assert!(
        missing.to_string().contains("{tollgate} ratchet tighten"),
        "{missing}"
    );
}

fn any_floor() -> impl Strategy<Value = Floor> {
    let direction = prop_oneof![
        Just(Direction::Up),
        Just(Direction::Down),
        Just(Direction::Zero)
    ];
    let unit = prop_oneof![
        Just("%"),
        Just("s"),
        "[a-zA-Z/µ]{1,8}".prop_map(|text| &*text.leak())
    ];
    (
        direction,
        unit,
        -1000i32..100_000,
        prop::option::of(0u32..100),
    )
        .prop_map(|(direction, unit, floor, tolerance)| Floor {
            unit: Unit::try_from(unit).expect("the sample is valid"),
            direction,
            floor: if direction == Direction::Zero {
                0.0
            } else {
                f64::from(floor) / 100.0
            },
            tolerance_percent: tolerance.map(f64::from),
        })
}

fn any_floors() -> impl Strategy<Value = Floors> {
    let id = prop_oneof![
        Just("coverage_percent_min".to_owned()),
        Just("test_execution_time_max".to_owned()),
        Just("memory_usage_mb_max".to_owned()),
        "[a-c]_max",
    ];
    prop::collection::btree_map(id, any_floor(), 0..6).prop_map(|map: BTreeMap<_, _>| Floors(map))
}

proptest! {
    #[test]
    fn parse_after_render_is_identity(floors in any_floors()) {
        prop_assert_eq!(Floors::parse(&floors.render(), "f").unwrap(), floors);
    }

    #[test]
    fn no_text_makes_the_loaders_panic(text in ".{0,200}") {
        let _ = Floors::parse(&text, "f");
        let _ = Waiver::parse(&text, "w");
        let _ = History::parse(&text, "h");
    }

    #[test]
    fn merge_is_a_join(a in any_floors(), b in any_floors(), c in any_floors()) {
        prop_assert_eq!(merge(&a, &a), a.clone());
        prop_assert_eq!(merge(&a, &b), merge(&b, &a));
        prop_assert_eq!(merge(&merge(&a, &b), &c), merge(&a, &merge(&b, &c)));
    }

    #[test]
    fn the_join_loosens_neither_side_of_one_kind(a in any_floors(), b in any_floors()) {
        let joined = merge(&a, &b);
        for finding in diff_floors(&a, &joined, "f") {
            prop_assert_eq!(finding.code, "floor-redefined");
        }
    }

    #[test]
    fn tighten_never_loosens(
        floors in any_floors(),
        values in prop::collection::vec(-10.0f64..1000.0, 0..60),
        value in -10.0f64..1000.0,
    ) {
        let mut entries = History::default();
        let mut measurements = Vec::new();
        for (metric, floor) in &floors.0 {
            entries.entries.extend(history(metric, floor.unit.as_str(), &values).entries);
            measurements.push(Measurement::new(metric, floor.unit.as_str(), value, "x"));
        }
        let input = TightenInput { floors: &floors, measurements: &measurements, history: &entries, settings: &settings() };
        let after = tighten(&input).floors;
        prop_assert_eq!(diff_floors(&floors, &after, "f"), vec![]);
        prop_assert_eq!(diff_floors(&floors, &adopt(&input).floors, "f"), vec![]);
        prop_assert_eq!(merge(&floors, &after), after, "a tightened file wins every merge");
    }

    #[test]
    fn what_tightened_a_floor_passes_it(value in 0.0f64..100.0, is_up in any::<bool>()) {
        let id = if is_up { "coverage_percent_min" } else { "flaky_test_count_max" };
        let unit = if is_up { "%" } else { "count" };
        let measurements = [Measurement::new(id, unit, value, "x")];
        let mut start = floors(&[id]);
        start.0.get_mut(id).unwrap().floor = if is_up { 0.0 } else { 100.0 };
        let after = tightened(&start, &measurements, &History::default()).floors;
        let got = checked(&after, &measurements, &History::default(), &[]);
        prop_assert_eq!(got.judgements[0].status, Status::Pass);
    }
}
