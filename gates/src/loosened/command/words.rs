//! The words of one program: one spelling for the same thing, what only changes how it looks, and
//! what leaves something out.

/// Options that change how a run looks or how fast it is, not what it checks. A value belongs to
/// those of the second list.
const APPEARANCE: [&str; 21] = [
    "-v",
    "-vv",
    "-q",
    "-qq",
    "-s",
    "--verbose",
    "--quiet",
    "--silent",
    "--color",
    "--no-color",
    "--colors",
    "--cache",
    "--no-cache",
    "--progress",
    "--no-progress",
    "--inline",
    "--offline",
    "--frozen",
    "--no-fail-fast",
    "--fail-fast",
    "-x",
];
const APPEARANCE_WITH_VALUE: [&str; 18] = [
    "-j",
    "--jobs",
    "-n",
    "--numprocesses",
    "--workers",
    "--maxWorkers",
    "--max-workers",
    "--threads",
    "--test-threads",
    "--reporter",
    "--reporters",
    "--format",
    "--output-format",
    "--message-format",
    "--junitxml",
    "--junit-xml",
    "--tb",
    "--durations",
];

/// Options with a value that leave something out, repeat what failed, or take a part.
const LEAVES_OUT: [&str; 46] = [
    "--config",
    "--config-file",
    "--disable-error-code",
    "--findRelatedTests",
    "--follow-imports",
    "--level",
    "--project",
    "--rule",
    "--select",
    "--test-skip-pattern",
    "--exclude",
    "--skip",
    "--ignore",
    "--ignore-glob",
    "--ignore-pattern",
    "--ignore-path",
    "--deselect",
    "--testPathIgnorePatterns",
    "--test-path-ignore-patterns",
    "--coveragePathIgnorePatterns",
    "--extend-exclude",
    "--extend-ignore",
    "--per-file-ignores",
    "--disable",
    "--omit",
    "--grep-invert",
    "--exclude-dir",
    "--reruns",
    "--retries",
    "--retry",
    "--only",
    "--grep",
    "--filter",
    "--filter-expr",
    "--testNamePattern",
    "--test-name-pattern",
    "--testPathPattern",
    "--package",
    "--lib",
    "--bin",
    "--bins",
    "--shard",
    "--changed",
    "--only-rerun",
    "--cap-lints",
    "--allow",
];

/// Options without a value that let a failure pass, or run nothing.
const LETS_PASS: [&str; 43] = [
    "--add-noqa",
    "--diff",
    "--fix",
    "--fix-only",
    "--ignore-missing-imports",
    "--listTests",
    "--no-eslintrc",
    "--noCheck",
    "--noconftest",
    "--skipLibCheck",
    "--test-only",
    "--testmon",
    "--updateSnapshot",
    "--exit-zero",
    "--exit-zero-even-if-changed",
    "--no-error",
    "--no-errors",
    "--warn-only",
    "--soft-fail",
    "--allow-failure",
    "--ignore-errors",
    "--ignore-failures",
    "--ignore-exit-code",
    "--passWithNoTests",
    "--pass-with-no-tests",
    "--no-tests=pass",
    "--if-present",
    "--no-run",
    "--dry-run",
    "--collect-only",
    "--co",
    "--list",
    "--help",
    "--version",
    "--no-verify",
    "--changedSince",
    "--onlyChanged",
    "--only-changed",
    "--last-failed",
    "--lf",
    "--onlyFailures",
    "--noEmitOnError=false",
    "--forceExit",
];

/// Short options of one program that leave something out or let it pass.
const SHORT: [(&str, &[&str]); 13] = [
    ("pytest", &["-k", "-m", "-c", "-o", "-W"]),
    ("unittest", &["-k", "-p", "-s", "-t"]),
    ("tox", &["-e"]),
    ("nox", &["-e", "-s"]),
    ("tsc", &["-p"]),
    ("jest", &["-t", "-o", "-u"]),
    ("vitest", &["-t"]),
    ("mocha", &["-g", "-f", "-i"]),
    ("playwright", &["-g"]),
    ("go", &["-run", "-skip"]),
    ("cargo", &["-p", "-E", "-A"]),
    ("make", &["-i"]),
    ("phpunit", &["--group", "--exclude-group"]),
];

/// Programs that test everything when no path is named.
const RUNNERS: [&str; 11] = [
    "pytest",
    "unittest",
    "node",
    "pyright",
    "jest",
    "vitest",
    "mocha",
    "playwright",
    "phpunit",
    "rspec",
    "cargo",
];

/// The words in one spelling, and apart from them those that leave something out.
pub(super) fn normalised(words: Vec<String>) -> (Vec<String>, Vec<String>) {
    let words = same_spelling(words);
    let short = SHORT
        .iter()
        .find(|(program, _)| words.iter().any(|word| word == program))
        .map_or(&[][..], |(_, options)| options);
    let flags: &[&str] = match short.first() {
        Some(&"-run") => &["-short"],
        Some(&"-i") => &["-i", "-n", "-t"],
        _ => &[],
    };
    let (mut kept, mut exceptions) = (Vec::new(), Vec::new());
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) if name.starts_with('-') => {
                (name.to_owned(), Some(value.to_owned()))
            }
            _ => (word.clone(), None),
        };
        let mut value = || {
            let next = words.next_if(|next| !next.starts_with('-'));
            value.clone().or(next)
        };
        let is = |list: &[&str]| list.contains(&name.as_str());
        if word.contains('>') {
            // Where the output goes changes no status; `>` alone is followed by the file.
            if word.ends_with('>') {
                value();
            }
        } else if is(&LETS_PASS) || LETS_PASS.contains(&word.as_str()) || is(flags) {
            exceptions.push(word);
        } else if is(&LEAVES_OUT) || is(short) {
            let value = value().map(|value| format!(" {value}")).unwrap_or_default();
            exceptions.push(format!("{name}{value}"));
        } else if is(&APPEARANCE_WITH_VALUE) {
            value();
        } else if !is(&APPEARANCE) && !is_jobs(&word) {
            kept.push(name.clone());
            if let Some((_, value)) = word.split_once('=').filter(|_| name != word) {
                kept.push(format!("{name} {value}"));
            }
        }
    }
    (with_values(kept), exceptions)
}

/// A number after an option belongs to it, so that a lower threshold is seen as such.
fn with_values(words: Vec<String>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for word in words {
        let option = joined
            .last()
            .filter(|last| last.starts_with('-') && !last.contains(' '));
        match option {
            Some(option) if word.parse::<f64>().is_ok() => {
                let word = format!("{option} {word}");
                joined.push(word);
            }
            _ => joined.push(word),
        }
    }
    joined
}

fn is_jobs(word: &str) -> bool {
    let digits = word.strip_prefix("-j").or_else(|| word.strip_prefix("-n"));
    digits.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|it| it.is_ascii_digit()))
}

/// Whether a threshold that is gone was replaced by a stricter one.
pub(super) fn is_stricter(word: &str, others: &[&String]) -> bool {
    let split = |word: &str| -> Option<(String, f64)> {
        let (name, value) = word.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    let Some((name, old)) = split(word) else {
        return false;
    };
    let lower = name.to_lowercase();
    let is_upper_bound = lower.contains("max");
    let is_lower_bound = ["min", "under", "threshold"]
        .iter()
        .any(|it| lower.contains(it));
    let mut others = others.iter().filter_map(|other| split(other));
    others.any(|(other, new)| {
        other == name
            && match (is_lower_bound, is_upper_bound) {
                (true, false) => new >= old,
                (false, true) => new <= old,
                _ => lower.contains("timeout"),
            }
    })
}

/// One word for programs that do the same, without folders, versions and starters.
fn same_spelling(words: Vec<String>) -> Vec<String> {
    let mut same: Vec<String> = Vec::new();
    for word in words {
        let word = without_folder(&word);
        let last = same.last().map(String::as_str);
        let next = match (last, word.as_str()) {
            (_, "npm" | "pnpm" | "yarn" | "bun") => "npm",
            (_, "npx" | "bunx" | "pnpx") => continue,
            (Some("npm"), "run" | "run-script" | "exec" | "dlx" | "x") => continue,
            (_, "python3" | "python" | "py") => "python",
            (Some("python"), "-m") => {
                same.pop();
                continue;
            }
            (Some("run"), "-m") if same.first().is_some_and(|it| it == "coverage") => continue,
            (_, "gradlew" | "gradle") => "gradle",
            (_, "mvnw" | "mvn") => "mvn",
            (Some("cargo"), "nextest") => "test",
            (Some("test"), "run") if same.first().is_some_and(|it| it == "cargo") => continue,
            (_, "{workspace}" | "{packages}" | "--workspace" | "--all") => "--workspace",
            (_, "{filter}" | "{skip}" | "{junit}") => continue,
            (_, other) => other,
        };
        same.push(next.to_owned());
    }
    same
}

fn without_folder(word: &str) -> String {
    let word = match word
        .rsplit_once("/bin/")
        .or_else(|| word.rsplit_once("/.bin/"))
    {
        Some((_, name)) if !name.contains('/') => name,
        _ => word
            .strip_prefix("./")
            .filter(|rest| !rest.is_empty() && !rest.starts_with('.'))
            .unwrap_or(word),
    };
    // `eslint@9.1` is `eslint`.
    match word.split_once('@') {
        Some((name, version))
            if !name.is_empty() && version.starts_with(|it: char| it.is_ascii_digit()) =>
        {
            name.to_owned()
        }
        _ => word.to_owned(),
    }
}

/// The runner of tests that a command starts, if it is one that takes everything by itself.
pub(super) fn runner(words: &[String]) -> Option<&'static str> {
    let found = RUNNERS
        .iter()
        .find(|runner| words.iter().any(|word| word == *runner))?;
    // These two do other things, too.
    let word = match *found {
        "cargo" => "test",
        "node" => "--test",
        _ => *found,
    };
    words.iter().any(|other| other == word).then_some(*found)
}

/// The paths and names that a runner is given.
pub(super) fn operands<'a>(words: &'a [String], runner: &str) -> Vec<&'a str> {
    let after = words.iter().skip_while(|word| *word != runner).skip(1);
    let own = ["test", "run", "discover", "--"];
    let without_value = ["--workspace", "--test", "--"];
    let mut operands = Vec::new();
    let mut is_value = false;
    for word in after {
        let is_option = word.starts_with('-');
        if !is_option && !is_value && !own.contains(&word.as_str()) && !word.contains(['>', '{']) {
            operands.push(word.as_str());
        }
        is_value = is_option && !word.contains(' ') && !without_value.contains(&word.as_str());
    }
    operands
}
