//! Real documents of `../shared/corpus`, where that is present: none crashes, the clean ones have
//! no false alarm.

use std::path::Path;
use std::time::Instant;

use tollgate_contracts_model::{Contract, LoadSettings, load_with};
use tollgate_report::Severity;

use crate::shared::shared;

fn load(folder: &Path, file: &str) -> Contract {
    let settings = LoadSettings {
        folder: Some(folder.to_path_buf()),
        ..LoadSettings::default()
    };
    load_with(&folder.join(file), &settings).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn every_real_document_loads_and_its_findings_have_places() {
    let Some(folder) = shared("corpus", "real documents") else {
        return;
    };
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
    let Some(folder) = shared("corpus", "real documents") else {
        return;
    };
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
fn our_own_contracts_load_without_an_error() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in ["openapi.yaml", "asyncapi.yaml"] {
        let contract = load(&folder, file);
        let errors: Vec<_> = contract
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{file}: {errors:#?}");
    }
}
