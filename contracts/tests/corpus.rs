//! Real documents of `../shared/corpus`, where that is present: none crashes, the clean ones have
//! no false alarm.

use std::path::{Path, PathBuf};
use std::time::Instant;

use tollgate_contracts::{Contract, LintSettings, LoadSettings, diff, lint, load_with};
use tollgate_report::{Severity, not_checked};

fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    if folder.is_dir() {
        return folder.canonicalize().ok();
    }
    not_checked("../shared", "real documents", "../shared is not here");
    None
}

fn load(folder: &Path, file: &str) -> Contract {
    let settings = LoadSettings {
        folder: Some(folder.to_path_buf()),
        ..LoadSettings::default()
    };
    load_with(&folder.join(file), &settings).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn every_real_document_loads_and_its_findings_have_places() {
    let Some(folder) = corpus() else { return };
    let index = std::fs::read_to_string(folder.join("index.tsv")).unwrap();
    for line in index.lines().skip(1) {
        let file = line.split('\t').next().unwrap();
        let start = Instant::now();
        let contract = load(&folder, file);
        println!(
            "{file}: {} files, {} references, {} operations, {} channels, {} findings, {:?}",
            contract.documents.len(),
            contract.references.len(),
            contract.operations().len(),
            contract.channels().len(),
            contract.findings.len(),
            start.elapsed(),
        );
        for finding in contract.findings.iter().take(5) {
            println!(
                "    {:?} {} {}",
                finding.place, finding.code, finding.message
            );
        }
        assert!(
            contract
                .findings
                .iter()
                .all(|finding| finding.place.is_some())
        );
    }
}

#[test]
fn documents_that_are_clean_have_no_error_finding() {
    let Some(folder) = corpus() else { return };
    for file in [
        "museum.yaml",
        "svix-server.json",
        "asyncapi30-eventcatalog-orders.yml",
        "github-2026.json",
        "asyncapi30-social-media/public-api/asyncapi.yaml",
    ] {
        let contract = load(&folder, file);
        let errors: Vec<_> = contract
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{file}: {errors:#?}");
    }
}

#[test]
fn every_real_document_is_linted_and_does_not_differ_from_itself() {
    let Some(folder) = corpus() else { return };
    for file in [
        "museum.yaml",
        "svix-server.json",
        "asyncapi30-eventcatalog-orders.yml",
        "asyncapi30-kraken-multi.yml",
        "discord.json",
        "github-2026.json",
    ] {
        let contract = load(&folder, file);
        let again = load(&folder, file);
        let start = Instant::now();
        let findings = lint(&contract, &LintSettings::default());
        let linted = start.elapsed();
        let start = Instant::now();
        assert_eq!(diff(&contract, &again), [], "{file}");
        println!(
            "{file}: {} lint findings in {linted:?}, no difference in {:?}",
            findings.len(),
            start.elapsed()
        );
        for finding in findings.iter().take(4) {
            println!(
                "    {:?} {} {}",
                finding.place, finding.code, finding.message
            );
        }
    }
}

#[test]
fn our_own_contracts_load_without_an_error() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let settings = LintSettings {
        own_rules: true,
        ..LintSettings::default()
    };
    for file in ["openapi.yaml", "asyncapi.yaml"] {
        let contract = load(folder, file);
        let errors: Vec<_> = contract
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{file}: {errors:#?}");
        for finding in lint(&contract, &settings).iter().take(12) {
            println!(
                "{file} {:?} {} {}",
                finding.severity, finding.code, finding.message
            );
        }
    }
}
