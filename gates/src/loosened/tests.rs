//! Settings before and after a change, and the findings about it.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_report::{Outcome, Severity, Verdict};
use tollgate_tiers::settings::{StepSettings, Tier};

use super::{Compared, Section, Versions, judge};
use crate::base::Base;

const NOW: &str = "2026-06-01T12:00:00Z";

fn compared(before: Option<&str>, now: &str) -> Compared {
    let default = StepSettings {
        name: "usual".to_owned(),
        command: vec!["make".to_owned()],
        ..StepSettings::default()
    };
    Compared {
        base: Base {
            commit: None,
            source: String::new(),
        },
        settings: Versions {
            file: "tollgate.toml".to_owned(),
            before: before.map(str::to_owned),
            now: Some(now.to_owned()),
        },
        budgets: Versions::default(),
        default_steps: BTreeMap::from([(Tier::Tier0, vec![default])]),
        default_steps_before: None,
        package: Versions::default(),
        rulesets: (None, None),
        changed_contracts: Vec::new(),
        default_contracts: (Vec::new(), Vec::new()),
        operations: BTreeMap::new(),
        operations_before: BTreeMap::new(),
        waivers: (BTreeMap::new(), BTreeMap::new()),
        now: NOW.parse().unwrap(),
    }
}

fn found(compared: &Compared) -> Vec<(String, Severity, String)> {
    let sections = BTreeSet::from(Section::ALL);
    let findings = judge(compared, &sections, Vec::new()).unwrap();
    findings
        .into_iter()
        .map(|finding| {
            let place = finding
                .place
                .map_or_else(String::new, |place| place.to_string());
            (
                finding.code,
                finding.severity,
                format!("{place} {}", finding.message),
            )
        })
        .collect()
}

/// The settings change from `before` to `now`; each finding is an error.
#[track_caller]
fn check(before: &str, now: &str, want: &[(&str, &str)]) {
    let got = found(&compared(Some(before), now));
    assert!(
        got.iter()
            .all(|(_, severity, _)| *severity == Severity::Error)
    );
    let got: Vec<(&str, &str)> = got
        .iter()
        .map(|(code, _, text)| (code.as_str(), text.as_str()))
        .collect();
    assert_eq!(got, want);
}

const STEPS: &str = "[[tiers.tier1.steps]]\nbuiltin = \"test\"\nexclude = [\"slow\"]\n\n[[tiers.tier1.steps]]\nname = \"js\"\ncommand = [\"npm\", \"test\"]\ninputs = [\"src/**\", \"package.json\"]\ntimeout = \"1m\"\n";

#[test]
fn what_is_the_same_stricter_or_new_is_not_loosened() {
    check(STEPS, STEPS, &[]);
    check(
        STEPS,
        &format!("{STEPS}\n[[tiers.tier1.steps]]\nbuiltin = \"fmt\"\n"),
        &[],
    );
    check(
        STEPS,
        &STEPS.replace("\"package.json\"", "\"package.json\", \"lib/**\""),
        &[],
    );
    check(&STEPS.replace("src/**", "src/*.js"), STEPS, &[]);
    check(
        STEPS,
        &STEPS.replace("inputs = [\"src/**\", \"package.json\"]\n", ""),
        &[],
    );
    check(
        STEPS,
        &STEPS.replace("name = \"js\"", "name = \"node\""),
        &[],
    );
    check(STEPS, &STEPS.replace("\"1m\"", "\"30s\""), &[]);
    check("", "[tiers.tier1]\ncritical = \"5m\"\n", &[]);
    // Without settings in the base there is nothing to loosen.
    assert_eq!(found(&compared(None, STEPS)), []);
}

#[test]
fn a_step_that_is_gone_optional_narrower_or_replaced_is_loosened() {
    let without = STEPS.split("\n\n").next().unwrap();
    check(
        STEPS,
        without,
        &[(
            "settings-step-removed",
            "tollgate.toml:1:15 `tiers.tier1.steps.js` was loosened from `npm test` to `none`",
        )],
    );
    check(
        STEPS,
        &STEPS.replace("timeout = \"1m\"", "timeout = \"5m\"\noptional = true"),
        &[
            (
                "settings-time-raised",
                "tollgate.toml:9:1 `tiers.tier1.steps.js.timeout` was loosened from `1m` to `5m`",
            ),
            (
                "settings-step-optional",
                "tollgate.toml:10:1 `tiers.tier1.steps.js.optional` was loosened from `false` to `true`",
            ),
        ],
    );
    check(
        STEPS,
        &STEPS
            .replace(", \"package.json\"", "")
            .replace("[\"slow\"]", "[\"slow\", \"cli\"]"),
        &[
            (
                "settings-step-excludes",
                "tollgate.toml:3:1 `tiers.tier1.steps.test.exclude` was loosened from `[slow]` to `[slow, cli]`",
            ),
            (
                "settings-step-inputs",
                "tollgate.toml:8:1 `tiers.tier1.steps.js.inputs` was loosened from `[src/**, package.json]` to `[src/**]`",
            ),
        ],
    );
    check(
        STEPS,
        &STEPS.replace("[\"npm\", \"test\"]", "[\"true\"]").replace(
            "builtin = \"test\"",
            "name = \"test\"\ncommand = [\"make\"]",
        ),
        &[
            (
                "settings-step-replaced",
                "tollgate.toml:3:1 `tiers.tier1.steps.test.command` was loosened from `builtin test` to `make`",
            ),
            (
                "settings-step-replaced",
                "tollgate.toml:8:1 `tiers.tier1.steps.js.command` was loosened from `npm test` to `true`",
            ),
        ],
    );
}

#[test]
fn steps_that_replace_those_of_a_recognised_project_are_compared_with_them() {
    check(
        "[ratchet]\n",
        "[[tiers.tier0.steps]]\nname = \"x\"\ncommand = [\"true\"]\n",
        &[(
            "settings-step-removed",
            "tollgate.toml:1:15 `tiers.tier0.steps.usual` was loosened from `make` to `none`",
        )],
    );
    check(
        "[[tiers.tier0.steps]]\nname = \"usual\"\ncommand = [\"make\"]\n",
        "",
        &[],
    );
}

#[test]
fn times_tools_rules_and_reports_are_compared() {
    let before = "[tiers]\nmay_be_missing = [\"swift\"]\ncoverage = true\nleaks = \"fail\"\n[tiers.tier0]\ncritical = \"60s\"\n[contracts]\nfiles = [\"a.yaml\", \"b.yaml\"]\n[contracts.lint]\nown_rules = true\n[ratchet]\nreports = [\"a.info\"]\n[budgets.unmeasured]\n\"ai.x\" = \"2026-12-31\"\n";
    check(before, before, &[]);
    let now = before
        .replace("[\"swift\"]", "[\"swift\", \"node\"]")
        .replace("coverage = true", "coverage = false")
        .replace("\"fail\"", "\"report\"")
        .replace("60s", "80s")
        .replace(", \"b.yaml\"", "")
        .replace(
            "own_rules = true",
            "own_rules = false\n[contracts.lint.rules]\noas3-schema = \"off\"",
        )
        .replace("[\"a.info\"]", "[]")
        .replace("2026-12-31", "2027-12-31");
    let got = found(&compared(Some(before), &now));
    let codes: Vec<&str> = got.iter().map(|(code, _, _)| code.as_str()).collect();
    let want = [
        "settings-may-be-missing",
        "settings-coverage-off",
        "settings-leaks-allowed",
        "settings-time-raised",
        "settings-contract-removed",
        "settings-rule-lowered",
        "settings-rule-lowered",
        "settings-report-removed",
        "settings-unmeasured",
    ];
    assert_eq!(codes, want, "{got:#?}");
    assert!(got[3].2.contains("from `1m` to `1m20s`"), "{}", got[3].2);
    assert!(
        got[8]
            .2
            .contains("from `until 2026-12-31` to `until 2027-12-31`"),
        "{}",
        got[8].2
    );
}

#[test]
fn another_floors_file_or_promises_file_is_loosened() {
    check(
        "",
        "[ratchet]\nfile = \"floors.json\"\n[budgets]\nfile = \"sla.json\"\n",
        &[
            (
                "settings-file-moved",
                "tollgate.toml:2:1 `ratchet.file` was loosened from `quality_ratchet.json` to `floors.json`",
            ),
            (
                "settings-file-moved",
                "tollgate.toml:4:1 `budgets.file` was loosened from `budgets/performance_sla.json` to `sla.json`",
            ),
        ],
    );
}

fn with_waiver(text: &str) -> Vec<(String, Severity, String)> {
    let mut compared = compared(
        Some("[tiers.tier0]\ncritical = \"60s\"\n"),
        "[tiers.tier0]\ncritical = \"80s\"\n",
    );
    compared
        .waivers
        .0
        .insert("waivers/slow.toml".to_owned(), text.to_owned());
    found(&compared)
}

const WAIVER: &str = "loosens = \"settings-time-raised\"\nscope = \"tiers.tier0.critical\"\nowner = \"ada\"\nreason = \"new suite\"\nexpires = 2026-07-01\n";

#[test]
fn a_live_waiver_turns_a_loosening_into_a_warning_and_is_shown() {
    let got = with_waiver(WAIVER);
    let codes: Vec<(&str, Severity)> = got.iter().map(|it| (it.0.as_str(), it.1)).collect();
    assert_eq!(
        codes,
        [
            ("settings-time-raised", Severity::Warning),
            ("waiver-live", Severity::Info)
        ]
    );
    assert!(
        got[0]
            .2
            .ends_with("from `1m` to `1m20s`; waived until 2026-07-01 by `ada`: new suite"),
        "{}",
        got[0].2
    );
}

#[test]
fn a_waiver_that_is_over_too_long_unexplained_or_about_something_else_allows_nothing() {
    for (from, to, code) in [
        ("2026-07-01", "2026-05-31", "waiver-expired"),
        ("2026-07-01", "2027-07-01", "waiver-too-long"),
        ("ada", " ", "waiver-unexplained"),
        ("expires = 2026-07-01\n", "", "waiver-unexplained"),
        ("tier0.critical", "tier1.critical", "settings-time-raised"),
        ("time-raised", "step-removed", "settings-time-raised"),
    ] {
        let got = with_waiver(&WAIVER.replace(from, to));
        let errors: Vec<&str> = got
            .iter()
            .filter(|it| it.1 == Severity::Error)
            .map(|it| it.0.as_str())
            .collect();
        assert!(
            errors.contains(&code) && errors.contains(&"settings-time-raised"),
            "{got:#?}"
        );
    }
    let compared = {
        let mut compared = compared(None, "");
        compared
            .waivers
            .0
            .insert("waivers/a.toml".to_owned(), "x = 1\n".to_owned());
        compared
    };
    let error = judge(&compared, &BTreeSet::new(), Vec::new()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot read the waiver in `waivers/a.toml:1`"),
        "{error}"
    );
}

#[test]
fn a_waiver_that_is_extended_is_named_with_both_days() {
    let mut compared = compared(None, "");
    compared
        .waivers
        .0
        .insert("waivers/a.toml".to_owned(), WAIVER.to_owned());
    compared.waivers.1.insert(
        "waivers/a.toml".to_owned(),
        WAIVER.replace("07-01", "06-15"),
    );
    let got = found(&compared);
    assert!(
        got[0]
            .2
            .contains("was extended from 2026-06-15 to 2026-07-01"),
        "{got:#?}"
    );
}

const SLA: &str = r#"{"version": 1, "limits": {"tests.tier0": {"measurement": "tests.tier0", "statistic": "value", "unit": "s", "target": 45, "critical": 90}}}"#;

#[test]
fn promises_are_compared_with_the_base_and_with_the_times_of_the_tiers() {
    let mut compared = compared(Some(""), "");
    compared.budgets = Versions {
        file: "sla.json".to_owned(),
        before: Some(SLA.to_owned()),
        now: Some(SLA.to_owned()),
    };
    assert_eq!(found(&compared), []);
    compared.budgets.now = Some(SLA.replace("90", "95"));
    let got = found(&compared);
    let codes: BTreeSet<&str> = got.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(
        codes,
        BTreeSet::from(["budget-limit-raised", "budget-tier-differs"]),
        "{got:#?}"
    );
    compared.budgets.now = None;
    assert_eq!(found(&compared)[0].0, "budget-file-removed");
}

#[test]
fn an_error_among_more_findings_fails_a_verdict() {
    let verdict = Verdict::new(Outcome::Pass, "all is well");
    let error = tollgate_report::Finding::error("x", "`a` is loosened");
    let failed = verdict.clone().with_findings(vec![error]);
    assert_eq!(
        (failed.outcome, failed.reason.as_str()),
        (Outcome::Fail, "`a` is loosened; all is well")
    );
    assert_eq!(verdict.clone().with_findings(Vec::new()), verdict);
}

#[test]
fn a_command_that_checks_less_is_loosened_and_a_longer_one_is_not() {
    check(
        STEPS,
        &STEPS.replace(
            "[\"npm\", \"test\"]",
            "[\"npm\", \"test\", \"--\", \"--coverage\"]",
        ),
        &[],
    );
    check(
        STEPS,
        &STEPS.replace(
            "[\"npm\", \"test\"]",
            "[\"sh\", \"-c\", \"npm test || true\"]",
        ),
        &[(
            "settings-step-command",
            "tollgate.toml:7:1 `tiers.tier1.steps.js.command` was loosened from `npm test` to `sh -c npm test || true`",
        )],
    );
    check(
        STEPS,
        &format!("{STEPS}set = {{ CI = \"\" }}\n"),
        &[(
            "settings-step-command",
            "tollgate.toml:7:1 `tiers.tier1.steps.js.command` was loosened from `npm test` to `npm test`",
        )],
    );
}

#[test]
fn options_in_variables_belong_to_the_command_also_of_a_shell() {
    let step = "[[tiers.tier1.steps]]\nname = \"py\"\ncommand = [\"sh\", \"-c\", \"pytest\"]\n";
    let place = "tollgate.toml:3:1 `tiers.tier1.steps.py.command` was loosened from `sh -c pytest` to `sh -c pytest`";
    let found = [("settings-step-command", place)];
    check(
        step,
        &format!("{step}set = {{ PYTEST_ADDOPTS = \"-k fast\" }}\n"),
        &found,
    );
    let strict = format!("{step}set = {{ RUSTFLAGS = \"-D warnings\" }}\n");
    check(&strict, step, &found);
    check(step, &strict, &[]);
}

#[test]
fn a_pass_that_may_answer_although_the_step_reads_more_is_loosened() {
    let audit = "[[tiers.tier3.steps]]\nbuiltin = \"audit\"\n";
    check(
        audit,
        &format!("{audit}cache = true\n"),
        &[(
            "settings-step-cached",
            "tollgate.toml:3:1 `tiers.tier3.steps.audit.cache` was loosened from `false` to `true`",
        )],
    );
    check(
        &format!("{STEPS}also_reads = [\"day\", \"history\"]\n"),
        &format!("{STEPS}also_reads = [\"day\"]\n"),
        &[(
            "settings-step-cached",
            "tollgate.toml:10:1 `tiers.tier1.steps.js.also_reads` was loosened from `[day, history]` to `[day]`",
        )],
    );
    check(
        &format!("{STEPS}cache = true\n"),
        &format!("{STEPS}cache = false\n"),
        &[],
    );
}

#[test]
fn a_script_of_package_json_is_the_command_of_the_step_that_runs_it() {
    let package = |script: &str| Some(format!("{{\"scripts\": {{\"test\": \"{script}\"}}}}"));
    let mut compared = compared(Some(STEPS), STEPS);
    compared.package = Versions {
        file: "package.json".to_owned(),
        before: package("vitest run && eslint ."),
        now: package("vitest run"),
    };
    assert_eq!(
        found(&compared),
        [(
            "settings-step-command".to_owned(),
            Severity::Error,
            "package.json `scripts.test` of `package.json` was loosened from `vitest run && eslint .` to `vitest run`".to_owned()
        )]
    );
    compared.package.now = package("vitest run --coverage && eslint . && tsc");
    assert_eq!(found(&compared), []);
}

#[test]
fn default_steps_that_the_repository_no_longer_has_are_loosened() {
    let mut compared = compared(Some(""), "");
    let before = compared.default_steps.clone();
    compared.default_steps = BTreeMap::new();
    compared.default_steps_before = Some(before);
    assert_eq!(
        found(&compared),
        [(
            "settings-step-removed".to_owned(),
            Severity::Error,
            "tollgate.toml `tiers.tier0.steps.usual` was loosened from `make` to `none`".to_owned()
        )]
    );
}

/// Codes and messages without their places.
#[track_caller]
fn check_messages(before: &str, now: &str, want: &[&str]) {
    let got = found(&compared(Some(before), now));
    let got: Vec<String> = got
        .iter()
        .map(|(code, _, text)| {
            let message = text.split_once(' ').map_or(text.as_str(), |(_, rest)| rest);
            format!("{code}: {message}")
        })
        .collect();
    assert_eq!(got, want);
}

#[test]
fn a_canary_that_needs_less_or_tolerates_more_is_loosened() {
    let canary = "[canary]\nmanual_gate = true\nalpha = \"0.5%\"\nsteps = [{ weight = \"5%\", bake = \"10m\" }, { weight = \"50%\", bake = \"10m\" }]\n";
    check_messages(canary, canary, &[]);
    check_messages(
        canary,
        "[canary]\nalpha = \"0.1%\"\npromote_alpha = \"5%\"\nprobe_passes_min = 0\nsteps = [{ weight = \"50%\", bake = \"10m\" }]\n",
        &[
            "settings-canary-loosened: `canary.manual_gate` was loosened from `true` to `false`",
            "settings-canary-loosened: `canary.alpha` was loosened from `0.5%` to `0.1%`",
            "settings-canary-loosened: `canary.promote_alpha` was loosened from `1%` to `5%`",
            "settings-canary-loosened: `canary.probe_passes_min` was loosened from `1` to `0`",
            "settings-canary-loosened: `canary.steps` was loosened from `5% for 10m, 50% for 10m` to `50% for 10m`",
        ],
    );
    check_messages(
        "[ship]\n[service]\nbinary = \"app\"\n",
        "[ship.canary]\nerror_rate_critical = \"20%\"\n[service]\nready = \"/\"\n",
        &[
            "settings-canary-loosened: `ship.canary.error_rate_critical` was loosened from `5%` to `20%`",
            "settings-service-changed: `service.binary` was loosened from `app` to `none`",
            "settings-service-changed: `service.ready` was loosened from `/ready` to `/`",
        ],
    );
}

#[test]
fn a_probe_that_expects_less_is_loosened() {
    let probe = "[[probes]]\nname = \"api\"\ntimeout = \"2s\"\n[probes.http]\npath = \"/a\"\nexpect.status = [200]\nexpect.body_contains = [\"ok\"]\n[[probes]]\nname = \"rss\"\n[probes.metrics]\npath = \"/metrics\"\nchecks = [{ metric = \"rss\", op = \"<\", value = \"500MiB\" }]\n";
    check_messages(
        probe,
        &probe.replace("500MiB", "400MiB").replace("2s", "1s"),
        &[],
    );
    let mut looser = probe
        .replace("[200]", "[200, 500]")
        .replace("expect.body_contains = [\"ok\"]\n", "");
    looser = looser.replace("500MiB", "2GiB").replace(
        "timeout = \"2s\"",
        "timeout = \"30s\"\nfailures_before_down = 9",
    );
    check_messages(
        probe,
        &looser,
        &[
            "settings-probe-loosened: `probes.api.timeout` was loosened from `2s` to `30s`",
            "settings-probe-loosened: `probes.api.failures_before_down` was loosened from `3` to `9`",
            "settings-probe-loosened: `probes.api.http` was loosened from `body `ok`` to `none`",
            "settings-probe-loosened: `probes.api.http` was loosened from `status 200` to `status 200 or 500`",
            "settings-probe-loosened: `probes.rss.metrics` was loosened from `rss ≤ 500MiB` to `rss ≤ 2GiB`",
        ],
    );
}

#[test]
fn alerts_that_reach_fewer_people_are_loosened() {
    let alerts = "[alerts.receivers.team]\nkind = \"console\"\n[alerts.receivers.boss]\nkind = \"console\"\n";
    check_messages(alerts, alerts, &[]);
    let quieter = "[alerts.receivers.team]\nkind = \"console\"\n[alerts.rules.mine]\noff = true\n[[alerts.silences]]\nname = \"x\"\nauthor = \"ada\"\nreason = \"r\"\nexpires = \"2026-12-01T00:00:00Z\"\n[alerts.limit]\nmessages = 1\n";
    let before = format!("{alerts}[alerts.rules.mine]\nmetric = \"m\"\nabove = 1.0\n");
    check_messages(
        &before,
        quieter,
        &[
            "settings-alerts-quieter: `alerts.receivers` was loosened from `[boss, team]` to `[team]`",
            "settings-alerts-quieter: `alerts.rules.mine` was loosened from `m > 1 for 0s in 5m, warning, again after 5m` to `off`",
            "settings-alerts-quieter: `alerts.silences.x` was loosened from `alerts` to `silence until 2026-12-01T00:00:00.000000Z`",
            "settings-alerts-quieter: `alerts.limit.messages` was loosened from `10` to `1`",
        ],
    );
}

#[test]
fn a_ruleset_with_a_lower_rule_is_loosened_at_its_file() {
    use crate::ruleset::RulesetText;
    let ruleset = |text: &str| {
        let files = BTreeMap::from([(".spectral.yaml".to_owned(), text.to_owned())]);
        Some(RulesetText {
            entry: ".spectral.yaml".to_owned(),
            files,
        })
    };
    let before = "extends: spectral:oas\nrules:\n  operation-tags: error\n";
    let mut compared = compared(Some(""), "");
    compared.rulesets = (ruleset(before), ruleset(&before.replace("error", "warn")));
    let text = ".spectral.yaml `rules.operation-tags` of `.spectral.yaml` was loosened from `error` to `warning`";
    let want = (
        "settings-rule-lowered".to_owned(),
        Severity::Error,
        text.to_owned(),
    );
    assert_eq!(found(&compared), [want]);
}
