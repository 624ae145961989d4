//! Real documents of `../shared/corpus`, where that is present.

use std::path::Path;

use tollgate_contracts_diff::diff;
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
fn a_real_document_does_not_differ_from_itself() {
    let Some(folder) = shared("corpus", "real documents") else {
        return;
    };
    for file in FILES {
        assert_eq!(
            diff(&load(&folder, file), &load(&folder, file)),
            [],
            "{file}"
        );
    }
}
