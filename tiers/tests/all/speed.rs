//! How long a run takes that has nothing to do. Printed, not asserted: machines differ.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::common::{Repository, step};
use tollgate_tiers::record::How;

#[test]
fn a_warm_run_over_sixty_crates_and_six_thousand_files_starts_nothing() {
    let mut files: Vec<(String, String)> = Vec::new();
    let mut members = String::new();
    for n in 0..60 {
        write!(members, "\"c{n}\",").unwrap();
        let need = if n == 0 {
            String::new()
        } else {
            format!("c{} = {{ path = \"../c{}\" }}\n", n - 1, n - 1)
        };
        let manifest = format!(
            "[package]\nname = \"c{n}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\n{need}"
        );
        files.push((format!("c{n}/Cargo.toml"), manifest));
        files.extend((0..99).map(|m| (format!("c{n}/src/m{m}.rs"), format!("// {m}"))));
        files.push((format!("c{n}/src/lib.rs"), String::new()));
    }
    files.push((
        "Cargo.toml".to_owned(),
        format!("[workspace]\nresolver = \"3\"\nmembers = [{members}]\n"),
    ));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let one = |name: &str| {
        format!(
            "[[tier0.steps]]\nname = '{name}'\ncommand = ['true', '{{packages}}']\nper_crate = true\ntools = [['git', '--version']]\n"
        )
    };
    let repository = Repository::new(&files, &[one("lint"), one("test")].concat());
    repository.run();
    // The memo trusts a file once it is two seconds older than the memo; the second run writes it.
    let old = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for (path, _) in &files {
        let file = std::fs::File::open(repository.root().join(path)).unwrap();
        file.set_modified(old).unwrap();
    }
    repository.run();
    let started = Instant::now();
    let report = repository.run();
    println!("warm run: {:?}", started.elapsed());
    assert_eq!(step(&report, "test").how, How::Cached);
    assert_eq!(step(&report, "lint").how, How::Cached);
}
