//! Lists what the checks find, with the findings that `known.toml` still allows:
//! `cargo run -p tollgate-tidy -- [RULE] [FOLDER]`. With `--write` the numbers are written again.
#![expect(clippy::print_stdout, reason = "it is a command of the workshop")]

use tollgate_tidy::known::{self, Known};
use tollgate_tidy::modules::Modules;
use tollgate_tidy::{circles, picture, seams, tree};

const HEADER: &str = "# Findings that are still in the tree; these lists only shrink.\n\
    # `cargo run -p tollgate-tidy` lists them, and with `-- --write` writes this file.\n\n";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--write") {
        return write();
    }
    let is_wanted = |name: &str| arguments.first().is_none_or(|rule| rule == name);
    let folder = arguments.get(1);
    for (rule, mut found) in seams::findings() {
        if !is_wanted(rule) {
            continue;
        }
        found.retain(|one| folder.is_none_or(|folder| tree::area(&one.path) == folder));
        println!("{rule}: {} ({})", found.len(), seams::hint(rule));
        for finding in found {
            println!("  {finding}");
        }
    }
    if is_wanted("circles") {
        for root_file in picture::crate_roots() {
            let uses = Modules::load(tree::root(), &root_file)?.uses();
            for circle in circles::circles(&uses) {
                println!(
                    "circle: {}\n{}",
                    circle.join(" "),
                    circles::explain(&uses, &circle)
                );
            }
        }
    }
    Ok(())
}

fn write() -> Result<(), Box<dyn std::error::Error>> {
    let mut known = Known {
        harmless: Known::load().harmless,
        ..Known::default()
    };
    for root_file in picture::crate_roots() {
        let uses = Modules::load(tree::root(), &root_file)?.uses();
        known.circles.extend(circles::circles(&uses));
    }
    known.circles = std::mem::take(&mut known.circles)
        .into_iter()
        .filter(|circle| !known.is_harmless(circle))
        .collect();
    known.counts = seams::findings()
        .into_iter()
        .filter(|(_, found)| !found.is_empty())
        .map(|(rule, found)| (rule.to_owned(), known::count(&found)))
        .collect();
    let text = format!("{HEADER}{}", toml::to_string_pretty(&known)?);
    std::fs::write(tree::root().join(known::FILE), text)?;
    Ok(())
}
