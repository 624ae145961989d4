//! The tools that the tests of this repository need besides those of its settings.

use std::path::Path;

use tollgate::tools::{Install, Tool, version};

/// Node and its packages, Chromium, and a Swift compiler.
pub fn tools(root: &Path) -> Vec<Tool> {
    let packages = root.join("tests/node/node_modules/.bin/tsc");
    vec![
        Tool::new(
            "node packages",
            "TypeScript and browser tests",
            packages
                .exists()
                .then(|| "tests/node/node_modules".to_owned()),
            Install::Local("npm ci --prefix tests/node".to_owned()),
        ),
        Tool::new(
            "chromium",
            "tests of the dashboard in a browser",
            version("chromium", &["--version"]),
            Install::System("chromium".to_owned()),
        ),
        Tool::new(
            "swiftc 6",
            "compiling the generated Swift",
            tollgate_proof::toolchains::swift::find().map(|toolchain| toolchain.version),
            Install::Manual("cargo xtask swift".to_owned()),
        ),
    ]
}
