//! Readers, by data: what is read, and how a broken report is rejected.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tollgate_ratchet::reader::{ReportKind, TestOutcome};
use tollgate_ratchet::{Report, Together, detect, measure, read};

const LCOV: &str = "TN:\nSF:src/a.rs\nFN:1,f\nDA:1,3\nDA:2,0\nDA:3,1\nLF:3\nLH:2\nend_of_record\n";
// `a.go` was tested by two packages: the second block ran in one of them.
const GO_COVER: &str = "mode: set
example.com/m/a.go:3.14,5.2 2 1
example.com/m/a.go:7.10,9.3 3 0
example.com/m/c:b.go:1.1,2.2 5 0
example.com/m/a.go:3.14,5.2 2 0
example.com/m/a.go:7.10,9.3 3 1
";
const LLVM: &str = r#"{"data":[{"files":[{"filename":"src/a.rs","summary":{"lines":{"count":10,"covered":7,"percent":70}}}],"totals":{}}],"type":"llvm.coverage.json.export","version":"3.1.0"}"#;
const NEXTEST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="3" failures="1" errors="0" time="1.5">
  <testsuite name="demo" tests="3" disabled="0" errors="0" failures="1">
    <testcase name="passes" classname="demo" time="0.1"/>
    <testcase name="flaky" classname="demo" time="0.2"><flakyFailure message="x" type="test failure">&lt;boom&gt;</flakyFailure></testcase>
    <testcase name="fails" classname="demo" time="0.3"><failure type="test failure"/><rerunFailure type="test failure"/></testcase>
  </testsuite>
</testsuites>
"#;
const PYTEST: &str = r#"<testsuites><testsuite name="pytest" tests="3" time="0.5">
<testcase classname="test_m" name="test_ok" time="0.1"/>
<testcase classname="test_m" name="test_flaky" time="0.1"/>
<testcase classname="test_m" name="test_flaky" time="0.1"/>
<testcase classname="test_m" name="test_flaky" time="0.1"/>
<testcase classname="test_m" name="test_skip" time="0.1"><skipped/></testcase>
</testsuite></testsuites>"#;
const SUREFIRE: &str = r#"<testsuite name="S" tests="2" time="1,234.5">
<testcase name="a" classname="S"><flakyError type="E"><stackTrace>x</stackTrace></flakyError></testcase>
<testcase name="b" classname="S"><failure/><rerunFailure/></testcase></testsuite>"#;
const GOTESTSUM: &str = r#"<testsuites><testsuite name="pkg" tests="3" time="2">
<properties><property name="go.version" value="go1.23"/></properties>
<testcase classname="pkg" name="TestA" time="1"><failure message="Failed"/></testcase>
<testcase classname="pkg" name="TestA" time="1"/>
<testcase classname="pkg" name="TestB" time="1"/></testsuite></testsuites>"#;
const VITEST: &str = r#"<testsuites name="vitest tests" tests="2" failures="1" errors="0" time="0.4">
<testsuite name="a.test.ts" tests="2" failures="1" time="0.3">
<testcase classname="a.test.ts" name="same" time="0.1"/>
<testcase classname="a.test.ts" name="same" time="0.1"><failure message="x"/></testcase>
</testsuite></testsuites>"#;
const MUTANTS: &str = r#"{"outcomes":[
{"scenario":"Baseline","summary":"Success","log_path":"l","phase_results":[]},
{"scenario":{"Mutant":{"name":"src/a.rs:1:1: replace f with ()","file":"src/a.rs"}},"summary":"CaughtMutant"},
{"scenario":{"Mutant":{"name":"src/a.rs:2:1: replace g with ()","file":"src/a.rs"}},"summary":"MissedMutant"},
{"scenario":{"Mutant":{"name":"src/a.rs:3:1: replace h with ()","file":"src/a.rs"}},"summary":"Timeout"},
{"scenario":{"Mutant":{"name":"src/a.rs:4:1: replace i with ()","file":"src/a.rs"}},"summary":"Unviable"}
],"total_mutants":4,"missed":1,"caught":1,"timeout":1,"unviable":1,"success":0}"#;
const CLIPPY: &str = concat!(
    r#"{"reason":"compiler-artifact","package_id":"a"}"#,
    "\n",
    r#"{"reason":"compiler-message","message":{"message":"unneeded `return`","level":"warning","code":{"code":"clippy::needless_return"},"spans":[{"file_name":"src/a.rs","line_start":3,"column_start":5,"is_primary":true}]}}"#,
    "\n",
    r#"{"reason":"compiler-message","message":{"message":"unneeded `return`","level":"warning","code":{"code":"clippy::needless_return"},"spans":[{"file_name":"src/a.rs","line_start":3,"column_start":5,"is_primary":true}]}}"#,
    "\n",
    r#"{"reason":"compiler-message","message":{"message":"1 warning emitted","level":"warning","code":null,"spans":[]}}"#,
    "\n",
    r#"{"reason":"build-finished","success":true}"#,
    "\n"
);

#[track_caller]
fn check(kind: ReportKind, text: &str, want: &[(&str, f64)]) -> Report {
    let report = read(kind, text.as_bytes(), "report").expect("the sample is valid");
    let got: Vec<(String, f64)> = measure(std::slice::from_ref(&report))
        .into_iter()
        .map(|measurement| (measurement.metric, (measurement.value * 1e3).round() / 1e3))
        .collect();
    let want: Vec<(String, f64)> = want
        .iter()
        .map(|(id, value)| ((*id).to_owned(), *value))
        .collect();
    assert_eq!(got, want);
    report
}

#[test]
fn a_report_gives_the_values_that_it_holds() {
    use ReportKind::*;
    check(Lcov, LCOV, &[("coverage_percent_min", 66.667)]);
    check(
        Lcov,
        "SF:a\nLF:4\nLH:3\nend_of_record\n",
        &[("coverage_percent_min", 75.0)],
    );
    check(GoCover, GO_COVER, &[("coverage_percent_min", 50.0)]);
    check(GoCover, "mode: atomic\n", &[]);
    check(LlvmCovJson, LLVM, &[("coverage_percent_min", 70.0)]);
    check(CargoMutants, MUTANTS, &[("mutation_score_min", 66.667)]);
    let timed_out = MUTANTS
        .replace("CaughtMutant", "Timeout")
        .replace("MissedMutant", "Unviable");
    check(CargoMutants, &timed_out, &[]);
    check(ClippyJson, CLIPPY, &[("lint_warnings_max", 1.0)]);
    let want = |n_flaky, time_s, n_ran, n_failed, n_skipped| {
        [
            ("failed_test_count_max", n_failed),
            ("flaky_test_count_max", n_flaky),
            ("skipped_test_count_max", n_skipped),
            ("test_count_min", n_ran),
            ("test_execution_time_max", time_s),
        ]
    };
    check(Junit, NEXTEST, &want(1.0, 1.5, 3.0, 1.0, 0.0));
    check(Junit, PYTEST, &want(1.0, 0.5, 2.0, 0.0, 1.0));
    check(Junit, SUREFIRE, &want(1.0, 1234.5, 2.0, 1.0, 0.0));
    check(Junit, GOTESTSUM, &want(1.0, 2.0, 2.0, 0.0, 0.0));
}

#[test]
fn xml_is_read_in_the_encoding_that_it_declares() {
    let text = |encoding: &str| {
        format!(
            "<?xml version=\"1.0\" encoding='{encoding}'?>\n<testsuite name=\"s\"><testcase name=\"größer\"/></testsuite>\n"
        )
    };
    let units = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    };
    let latin1: Vec<u8> = text("ISO-8859-1")
        .chars()
        .map(|letter| u8::try_from(u32::from(letter)).expect("the sample is Latin-1"))
        .collect();
    let marked = format!("\u{feff}{}", text("UTF-16"));
    let files = [
        text("UTF-8").into_bytes(),
        latin1.clone(),
        units(&text("UTF-16"), u16::to_le_bytes),
        units(&text("UTF-16"), u16::to_be_bytes),
        units(&marked, u16::to_le_bytes),
        units(&marked, u16::to_be_bytes),
    ];
    for bytes in &files {
        assert_eq!(detect(bytes, "report.xml"), Some(ReportKind::Junit));
        let report = read(ReportKind::Junit, bytes, "report.xml").expect("the sample is valid");
        let Report::Tests(tests) = report else {
            panic!("JUnit gives tests")
        };
        assert_eq!(tests.cases[0].name, "größer");
    }
    // Without the declaration it is malformed UTF-8, and half a character is not UTF-16.
    let undeclared = latin1
        .split(|byte| *byte == b'\n')
        .nth(1)
        .expect("the sample has two lines");
    assert!(read(ReportKind::Junit, undeclared, "r.xml").is_err());
    assert!(read(ReportKind::Junit, &files[2][..99], "r.xml").is_err());
}

#[test]
fn coverage_of_a_folder_or_file_is_that_of_its_files() {
    let text = "SF:a/x.rs\nDA:1,1\nDA:2,0\nend_of_record\nSF:a/b/y.rs\nDA:1,1\nend_of_record\nSF:ab/z.rs\nDA:1,0\nend_of_record\n";
    let report = read(ReportKind::Lcov, text.as_bytes(), "l").expect("the sample is valid");
    let together = Together::of(std::slice::from_ref(&report));
    let got: Vec<String> = together
        .measurements_in(["a", "a/x.rs", "ab", "none"])
        .into_iter()
        .map(|measurement| format!("{} {}", measurement.metric, measurement.detail))
        .collect();
    assert_eq!(
        got,
        [
            "coverage_percent_min@a 2 of 3 lines",
            "coverage_percent_min@a/x.rs 1 of 2 lines",
            "coverage_percent_min@ab 0 of 1 lines",
        ]
    );
}

#[test]
fn two_tests_of_one_name_are_two_tests_where_the_writer_has_no_retries() {
    let report = read(ReportKind::Junit, VITEST.as_bytes(), "v.xml").expect("the sample is valid");
    let Report::Tests(tests) = report else {
        panic!("JUnit gives tests")
    };
    assert_eq!(tests.count(TestOutcome::Failed), 1);
    assert_eq!(tests.count(TestOutcome::Passed), 1);
    assert_eq!(tests.count(TestOutcome::Flaky), 0);
}

#[test]
fn what_a_report_does_not_measure_is_absent_and_not_zero() {
    let untimed = "<testsuite name='s'><testcase name='a'/></testsuite>";
    check(
        ReportKind::Junit,
        untimed,
        &[
            ("failed_test_count_max", 0.0),
            ("flaky_test_count_max", 0.0),
            ("skipped_test_count_max", 0.0),
            ("test_count_min", 1.0),
        ],
    );
    let outside_any_suite = "<testsuites><testcase name='a' time='2'/></testsuites>";
    check(
        ReportKind::Junit,
        outside_any_suite,
        &[
            ("failed_test_count_max", 0.0),
            ("flaky_test_count_max", 0.0),
            ("skipped_test_count_max", 0.0),
            ("test_count_min", 1.0),
            ("test_execution_time_max", 2.0),
        ],
    );
    let no_mutants = r#"{"outcomes":[],"total_mutants":0}"#;
    check(ReportKind::CargoMutants, no_mutants, &[]);
    assert_eq!(measure(&[]), []);
}

#[test]
fn coverage_of_two_runs_is_united_by_line() {
    let other = "SF:src\\a.rs\nDA:2,1\nend_of_record\nSF:src/b.rs\nDA:1,0\nend_of_record\n";
    let reports = [
        read(ReportKind::Lcov, LCOV.as_bytes(), "a").expect("the sample is valid"),
        read(
            ReportKind::Lcov,
            other.replace("src\\", "src/").as_bytes(),
            "b",
        )
        .expect("the sample is valid"),
    ];
    let got = measure(&reports);
    assert_eq!(got[0].detail, "3 of 4 lines");
    let go = read(ReportKind::GoCover, GO_COVER.as_bytes(), "c").expect("the sample is valid");
    assert_eq!(
        measure(std::slice::from_ref(&go))[0].detail,
        "5 of 10 statements"
    );
    let [one, other] = reports;
    assert_eq!(
        measure(&[one, other, go])[0].detail,
        "8 of 14 lines and statements"
    );
}

#[test]
fn a_broken_report_names_file_line_and_what_was_expected() {
    use ReportKind::*;
    let cases: Vec<(ReportKind, Vec<u8>)> = vec![
        (Lcov, b"".to_vec()),
        (Lcov, b"I'm not an info file".to_vec()),
        (Lcov, b"SF:a\nDA:1,x\nend_of_record\n".to_vec()),
        (Lcov, b"SF:a\nDA:1,-1\nend_of_record\n".to_vec()),
        (Lcov, b"SF:a\nDA:1,1\n".to_vec()),
        (Lcov, b"TN:\nDA:1,1\n".to_vec()),
        (Lcov, b"SF:a\nLF:1\nLH:2\nend_of_record\n".to_vec()),
        (Lcov, b"SF:a\n\xff\n".to_vec()),
        (GoCover, b"mode: often\n".to_vec()),
        (GoCover, b"mode: set\na.go:1.1,2.2 3\n".to_vec()),
        (GoCover, b"mode: set\na.go:1.1,2 3 1\n".to_vec()),
        (GoCover, b"mode: set\na.go:1.1,2.2 3 -1\n".to_vec()),
        (
            GoCover,
            b"mode: set\na.go:1.1,2.2 3 1\na.go:1.1,2.2 4 1\n".to_vec(),
        ),
        (GoCover, b"mode: count\na.go:1.1,2.2 3 1".to_vec()),
        (LlvmCovJson, b"{\"type\":\"x\",\"data\":[]}".to_vec()),
        (
            LlvmCovJson,
            b"{\n\"data\":[{\"files\":[{\"filename\":1}]}]}".to_vec(),
        ),
        (Junit, b"<suites/>".to_vec()),
        (Junit, b"<testsuite>\n<testcase name='a'>".to_vec()),
        (Junit, b"<testsuite tests='6'></testsuite>".to_vec()),
        (
            Junit,
            b"<testsuite><testcase time='soon'/></testsuite>".to_vec(),
        ),
        (Junit, b"<testsuite></testsuites>".to_vec()),
        (
            CargoMutants,
            b"{\"outcomes\":[],\"total_mutants\":3}".to_vec(),
        ),
        (
            CargoMutants,
            MUTANTS.replace("\"Timeout\"", "\"Slept\"").into_bytes(),
        ),
        (CargoMutants, b"[]".to_vec()),
        (
            CargoMutants,
            b"{\"outcomes\":[{\"scenario\":\"Baseline\",\"summary\":\"Failure\"}]}".to_vec(),
        ),
        (
            ClippyJson,
            CLIPPY
                .replace("\"success\":true", "\"success\":false")
                .into_bytes(),
        ),
        (ClippyJson, b"{\"reason\":\"compiler-artifact\"}\n".to_vec()),
        (
            ClippyJson,
            b"{\"reason\":\"compiler-artifact\"}\nerror: oh\n".to_vec(),
        ),
        (
            ClippyJson,
            b"{\"reason\":\"build-finished\",\"success\":false}".to_vec(),
        ),
    ];
    let mut text = String::new();
    for (kind, bytes) in &cases {
        let error = read(*kind, bytes, "r").unwrap_err().to_string();
        text.push_str(error.lines().next().unwrap_or_default());
        text.push('\n');
    }
    insta::assert_snapshot!("broken_reports", text);
}

const COBERTURA: &str = r#"<?xml version="1.0" ?>
<coverage line-rate="0.75" branch-rate="0.5">
  <sources><source>/work/app/src</source></sources>
  <packages><package name=".">
    <classes>
      <class name="a" filename="a&amp;b.py">
        <methods><method name="f"><lines><line number="2" hits="9"/></lines></method></methods>
        <lines>
          <line number="3" hits="0"/>
          <line number="2" hits="4" branch="true" condition-coverage="50% (1/2)"/>
        </lines>
      </class>
      <class name="b" filename="/other/b.py">
        <methods><method name="g"><lines><line number="7" hits="1"/></lines></method></methods>
        <lines/>
      </class>
      <class name="a.inner" filename="a&amp;b.py"><lines><line number="9" hits="1"/></lines></class>
    </classes>
  </package></packages>
</coverage>
"#;

#[test]
fn cobertura_counts_the_lines_of_classes_and_their_branches() {
    let Report::Coverage(coverage) =
        read(ReportKind::Cobertura, COBERTURA.as_bytes(), "c.xml").unwrap()
    else {
        panic!("Cobertura is coverage");
    };
    let names: Vec<&str> = coverage.files.keys().map(String::as_str).collect();
    assert_eq!(names, ["/other/b.py", "/work/app/src/a&b.py"]);
    let file = &coverage.files["/work/app/src/a&b.py"];
    let hits: Vec<(u32, u64)> = file.hits.iter().collect();
    assert_eq!(hits, [(2, 4), (3, 0), (9, 1)]);
    assert_eq!(
        file.branches,
        std::collections::BTreeMap::from([(2, (1, 2))])
    );
    assert_eq!((file.n_lines, file.n_covered), (3, 2));
    assert_eq!(coverage.files["/other/b.py"].n_covered, 1);
}

#[test]
fn cobertura_that_is_cut_short_or_has_no_numbers_is_rejected_with_its_line() {
    let error = |text: &str| {
        read(ReportKind::Cobertura, text.as_bytes(), "c.xml")
            .unwrap_err()
            .to_string()
    };
    let cut = error(&COBERTURA[..COBERTURA.len() / 2]);
    assert!(cut.contains("c.xml:"), "{cut}");
    let wrong = error(&COBERTURA.replace("hits=\"0\"", "hits=\"many\""));
    assert!(
        wrong.contains("c.xml:9") && wrong.contains("`hits`"),
        "{wrong}"
    );
    let empty = error("<coverage line-rate='1'><packages/></coverage>");
    assert!(empty.contains("filename"), "{empty}");
}

#[test]
fn lcov_counts_branches_by_line() {
    let text = "SF:a.c\nDA:1,3\nBRDA:1,0,0,2\nBRDA:1,0,1,-\nBRDA:1,0,2,0\nend_of_record\n";
    let Report::Coverage(coverage) = read(ReportKind::Lcov, text.as_bytes(), "lcov.info").unwrap()
    else {
        panic!("LCOV is coverage");
    };
    assert_eq!(
        coverage.files["a.c"].branches,
        std::collections::BTreeMap::from([(1, (1, 3))])
    );
}

#[test]
fn kind_is_recognised_by_content() {
    use ReportKind::*;
    for (text, path, want) in [
        (LCOV, "x", Some(Lcov)),
        (GO_COVER, "c.out", Some(GoCover)),
        (LLVM, "x.json", Some(LlvmCovJson)),
        (NEXTEST, "x.xml", Some(Junit)),
        (COBERTURA, "x.xml", Some(Cobertura)),
        (
            "<coverage generated='1'><project/></coverage>",
            "clover.xml",
            None,
        ),
        (MUTANTS, "x.json", Some(CargoMutants)),
        (CLIPPY, "x", Some(ClippyJson)),
        ("{}", "mutants.out/outcomes.json", Some(CargoMutants)),
        ("", "lcov.info", Some(Lcov)),
        ("<html/>", "x.xml", None),
        ("hello", "x.txt", None),
        ("", "x", None),
    ] {
        assert_eq!(detect(text.as_bytes(), path), want, "{path}");
    }
}

/// Every sample of our kinds is read, or rejected by an error that names the file and a line.
#[test]
fn samples_of_the_field_are_read_or_clearly_rejected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/reports");
    if !folder.exists() {
        tollgate_report::not_checked(
            "../shared",
            "samples of reports",
            "../shared was not found; the crate's own samples were read",
        );
        return;
    }
    let mut refused = String::new();
    let mut n_read = 0;
    for (sub, kind, suffix) in [
        ("lcov", ReportKind::Lcov, ""),
        ("go-cover", ReportKind::GoCover, ""),
        ("llvm-cov-json", ReportKind::LlvmCovJson, ""),
        ("junit", ReportKind::Junit, ".xml"),
        ("cargo-mutants", ReportKind::CargoMutants, "outcomes.json"),
        ("generated", ReportKind::Lcov, "lcov.info"),
        ("generated", ReportKind::Lcov, ".lcov"),
        ("generated", ReportKind::LlvmCovJson, "llvm22_export.json"),
        (
            "generated",
            ReportKind::LlvmCovJson,
            "llvm22_export_summary.json",
        ),
        ("generated", ReportKind::Junit, "junit.xml"),
        ("generated", ReportKind::Junit, "reruns.xml"),
        ("generated", ReportKind::Junit, "leak.xml"),
    ] {
        let mut paths: Vec<_> = fs::read_dir(folder.join(sub))
            .expect("the sample is valid")
            .map(|entry| entry.expect("the sample is valid").path())
            .filter(|path| path.to_string_lossy().ends_with(suffix))
            .collect();
        paths.sort();
        assert!(!paths.is_empty(), "{sub} {suffix}");
        for path in paths {
            let bytes = fs::read(&path).expect("the sample is valid");
            let name = path
                .file_name()
                .expect("the sample is valid")
                .to_string_lossy()
                .into_owned();
            match read(kind, &bytes, &name) {
                Ok(report) => {
                    n_read += 1;
                    assert_eq!(detect(&bytes, &name), Some(kind), "{name}");
                    assert!(
                        measure(&[report]).iter().all(|m| m.value.is_finite()),
                        "{name}"
                    );
                }
                Err(error) => {
                    let text = error.to_string();
                    assert!(text.contains(&format!("`{name}:")), "{text}");
                    refused.push_str(text.lines().next().unwrap_or_default());
                    refused.push('\n');
                }
            }
        }
    }
    assert!(
        n_read > 80,
        "{n_read} samples were read; refused:\n{refused}"
    );
    insta::assert_snapshot!("refused_samples", refused);
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for kind in ReportKind::ALL.iter().copied() {
            let _ = read(kind, &bytes, "x");
        }
        let _ = detect(&bytes, "x.json");
    }

    #[test]
    fn a_truncated_report_is_never_a_smaller_report(kind_idx in 0usize..5, cut in 0.0f64..1.0) {
        let (kind, text) = [
            (ReportKind::Lcov, LCOV),
            (ReportKind::LlvmCovJson, LLVM),
            (ReportKind::Junit, NEXTEST),
            (ReportKind::CargoMutants, MUTANTS),
            (ReportKind::ClippyJson, CLIPPY),
        ][kind_idx];
        let text = text.trim_end();
        let n_kept = (text.len() as f64 * cut) as usize;
        prop_assert!(read(kind, &text.as_bytes()[..n_kept], "x").is_err());
    }

    #[test]
    fn text_that_looks_like_a_report_never_panics(
        text in "(mode: set\n|a.go:[0-9]{1,11}\\.1,2\\.[0-9]{0,12} [0-9]{1,22} [0-9]{0,22}\n|SF:a\n|DA:[0-9]{1,12},[0-9]{0,22}\n|LF:[0-9]*\n|LH:9\n|end_of_record\n|<testsuite|<testcase name='a'|/>|>|</testsuite>|&lt;|&x;|\\{\"outcomes\":|\\[|\\]|\\}){0,30}"
    ) {
        for kind in ReportKind::ALL.iter().copied() {
            let _ = read(kind, text.as_bytes(), "x");
        }
    }
}

/// Numbers that the samples' own writers give are an oracle for ours.
#[test]
fn samples_agree_with_the_totals_of_their_writers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/reports");
    if !folder.exists() {
        tollgate_report::not_checked("../shared", "totals of samples", "../shared was not found");
        return;
    }
    let value = |kind, file: &str, metric: &str| {
        let report = read(kind, &fs::read(folder.join(file)).unwrap(), file).unwrap();
        let found = measure(&[report]).into_iter().find(|m| m.metric == metric);
        found.unwrap().value
    };
    for file in [
        "generated/llvm22_export.json",
        "llvm-cov-json/bin_crate_run.json",
        "llvm-cov-json/real1_exclude.json",
    ] {
        let json: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.join(file)).unwrap()).unwrap();
        let want = json["data"][0]["totals"]["lines"]["percent"]
            .as_f64()
            .unwrap();
        let got = value(ReportKind::LlvmCovJson, file, "coverage_percent_min");
        assert!((got - want).abs() < 1e-9, "{file}: {got} {want}");
    }
    // `go tool cover -func` sums statements; here by the columns of the profile.
    let file = "go-cover/go.out";
    let profile = fs::read_to_string(folder.join(file)).unwrap();
    let blocks: Vec<[f64; 2]> = profile
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut words = line.rsplit(' ');
            [(); 2].map(|()| words.next().unwrap().parse().unwrap())
        })
        .collect();
    let ran = blocks.iter().filter(|[count, _]| *count > 0.0);
    let n_ran: f64 = ran.map(|[_, statements]| statements).sum();
    let n_all: f64 = blocks.iter().map(|[_, statements]| statements).sum();
    let got = value(ReportKind::GoCover, file, "coverage_percent_min");
    assert!((got - 100.0 * n_ran / n_all).abs() < 1e-9, "{got}");
    let file = "cargo-mutants/mutants.out__outcomes.json";
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join(file)).unwrap()).unwrap();
    let count = |key: &str| json[key].as_f64().unwrap();
    let detected = count("caught") + count("timeout");
    let want = 100.0 * detected / (detected + count("missed"));
    let got = value(ReportKind::CargoMutants, file, "mutation_score_min");
    assert!((got - want).abs() < 1e-9, "{got} {want}");
    let flaky = |file| value(ReportKind::Junit, file, "flaky_test_count_max");
    assert_eq!(flaky("generated/pytest_junit_reruns.xml"), 1.0);
    assert_eq!(
        flaky("junit/maven_surefire_flaky__surefire-report.xml"),
        1.0
    );
    let nextest = "generated/nextest_junit_flaky_timeout_abort_leak.xml";
    assert_eq!(value(ReportKind::Junit, nextest, "test_count_min"), 7.0);
    assert_eq!(
        value(ReportKind::Junit, nextest, "test_execution_time_max"),
        3.374
    );
}
