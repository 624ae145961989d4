//! Any bytes as a report of each kind: LCOV, JUnit and the others.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_ratchet::{ReportKind, detect, read};

fuzz_target!(|bytes: &[u8]| {
    let _ = detect(bytes, "report");
    for kind in [
        ReportKind::Lcov,
        ReportKind::LlvmCovJson,
        ReportKind::Cobertura,
        ReportKind::Junit,
        ReportKind::CargoMutants,
        ReportKind::ClippyJson,
    ] {
        let _ = read(kind, bytes, "report");
    }
});
