//! Real documents of `../shared/corpus`, where that is present, and our own.

use std::path::Path;

use tollgate_contracts_lint::{LintSettings, lint};
use tollgate_contracts_model::{Contract, LoadSettings, load_with};

use crate::shared::shared;

const FILES: [&str; 6] = [
    "museum.yaml",
    "svix-server.json",
    "asyncapi30-eventcatalog-orders.yml",
    "asyncapi30-kraken-multi.yml",
    "discord.json",
    "github-2026.json",
];

fn load(folder: &Path, file: &str) -> Contract {
    let settings = LoadSettings {
        folder: Some(folder.to_path_buf()),
        ..LoadSettings::default()
    };
    load_with(&folder.join(file), &settings).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn every_real_document_is_linted_the_same_twice() {
    let Some(folder) = shared("corpus", "real documents") else {
        return;
    };
    for file in FILES {
        let contract = load(&folder, file);
        let findings = lint(&contract, &LintSettings::default());
        assert!(findings.iter().all(|finding| finding.place.is_some()));
        assert_eq!(
            findings,
            lint(&contract, &LintSettings::default()),
            "{file}"
        );
    }
}

#[test]
fn our_own_contracts_follow_our_own_rules() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let settings = LintSettings {
        own_rules: true,
        ..LintSettings::default()
    };
    for file in ["openapi.yaml", "asyncapi.yaml"] {
        let findings = lint(&load(&folder, file), &settings);
        assert!(
            !tollgate_contracts_lint::has_errors(&findings),
            "{file}: {findings:#?}"
        );
    }
}
