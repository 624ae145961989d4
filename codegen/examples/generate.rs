//! Writes generated code into a folder: `generate LANGUAGE PART PACKAGE OUT CONTRACT…`.
//!
//! `tollgate codegen` does this for the targets of `tollgate.toml`; this example shows how
//! little is needed around the library.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::{env, fs};

use tollgate_codegen::{Emit, Language, Request, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [language, part, package, out, contracts @ ..] = arguments.as_slice() else {
        return Err("generate needs LANGUAGE PART PACKAGE OUT CONTRACT…".into());
    };
    let word = language.strip_suffix("+manifest").unwrap_or(language);
    let language = Language::parse(word)?;
    let request = Request {
        language,
        emit: BTreeSet::from([match part.as_str() {
            "server" => Emit::Server,
            "client" => Emit::Client,
            "wire" => Emit::Wire,
            _ => Emit::Models,
        }]),
        package: package.clone(),
        has_manifest: language != Language::RUST || arguments[0] == "rust+manifest",
    };
    let contracts: Vec<_> = contracts
        .iter()
        .map(|path| tollgate_contracts_model::load(Path::new(path)))
        .collect::<Result<_, _>>()?;
    for artifact in generate(&contracts, &request)?.artifacts {
        let path = Path::new(out).join(&artifact.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        tollgate_report::write_atomic(&path, artifact.contents.as_bytes())?;
    }
    Ok(())
}
