//! Chapter four, on several branches: git's merges keep the floors.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use tollgate_tests::repository::Repository;
use tollgate_tests::tool;

const FLOORS: &str = "quality_ratchet.json";
/// How many random histories are merged; `TOLLGATE_MERGES=100000` merges as many.
const MERGES: usize = 60;
/// Histories that one process of git imports and merges.
const BATCH: usize = 2_000;
/// Metrics in neighbouring lines; every other one is better when it is higher.
const METRICS: [&str; 6] = ["a_max", "b_min", "c_max", "d_min", "e_max", "f_min"];

/// Floors in hundredths by metric.
type Floors = BTreeMap<&'static str, u32>;

fn text(floors: &Floors) -> String {
    let lines: Vec<String> = floors
        .iter()
        .map(|(metric, floor)| {
            let direction = if metric.ends_with("_min") { "up" } else { "down" };
            let floor = f64::from(*floor) / 100.0;
            format!("    \"{metric}\": {{\"unit\": \"%\", \"direction\": \"{direction}\", \"floor\": {floor:?}}}")
        })
        .collect();
    format!(
        "{{\n  \"made_by\": \"tollgate ratchet tighten\",\n  \"version\": 1,\n  \"metrics\": {{\n{}\n  }}\n}}\n",
        lines.join(",\n")
    )
}

fn stricter(metric: &str, one: u32, other: u32) -> u32 {
    if metric.ends_with("_min") {
        one.max(other)
    } else {
        one.min(other)
    }
}

fn joined(left: &Floors, right: &Floors) -> Floors {
    let mut joined = left.clone();
    for (metric, floor) in right {
        joined
            .entry(metric)
            .and_modify(|known| *known = stricter(metric, *known, *floor))
            .or_insert(*floor);
    }
    joined
}

/// A generator of numbers: xorshift, with a fixed seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % n
    }

    fn floor(&mut self) -> u32 {
        u32::try_from(self.below(10_000)).expect("a small number")
    }

    /// Some edits of a branch: floors tightened or added, and seldom one loosened or removed.
    fn edited(&mut self, base: &Floors) -> Floors {
        let mut floors = base.clone();
        for _ in 0..=self.below(4) {
            let metric = METRICS[self.below(METRICS.len())];
            let floor = self.floor();
            match self.below(10) {
                0 => {
                    floors.insert(metric, floor);
                }
                1 => {
                    floors.remove(metric);
                }
                _ => {
                    let known = floors.entry(metric).or_insert(floor);
                    *known = stricter(metric, *known, floor);
                }
            }
        }
        floors
    }
}

struct History {
    base: Floors,
    left: Floors,
    right: Floors,
}

fn histories(random: &mut Random, n: usize) -> Vec<History> {
    (0..n)
        .map(|_| {
            let base: Floors = METRICS
                .iter()
                .filter(|_| random.below(4) > 0)
                .copied()
                .collect::<Vec<_>>()
                .into_iter()
                .map(|metric| (metric, random.floor()))
                .collect();
            let (left, right) = (random.edited(&base), random.edited(&base));
            History { base, left, right }
        })
        .collect()
}

/// A repository with the merge driver that `setup --hook` installs.
fn with_driver(floors: &Floors) -> Repository {
    let repository = Repository::new(&[(FLOORS, &text(floors))]);
    repository
        .run(&["setup", "--hook"])
        .expect_code(0)
        .expect_says(&["set merge.tollgate-ratchet.driver", "info/attributes"]);
    // The merges below commit; tier 0 is not what they are about.
    std::fs::remove_file(repository.path().join(".git/hooks/pre-commit")).expect("the hook");
    repository
}

fn git(repository: &Repository, words: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new("git")
        .current_dir(repository.path())
        .args(["-c", "user.name=test", "-c", "user.email=test@localhost"])
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("git starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("git ends");
    let _ = writer.join();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// Commits three versions of each history and returns the hashes of the two sides.
fn import(repository: &Repository, histories: &[History]) -> Vec<[String; 2]> {
    let mut stream = String::new();
    for (idx, history) in histories.iter().enumerate() {
        let versions = [&history.base, &history.left, &history.right];
        for (part, floors) in versions.into_iter().enumerate() {
            let text = text(floors);
            let mark = idx * 3 + part + 1;
            let from = if part == 0 {
                String::new()
            } else {
                format!("from :{}\n", idx * 3 + 1)
            };
            if part == 0 {
                stream.push_str("reset refs/heads/random\n");
            }
            write!(
                stream,
                "commit refs/heads/random\nmark :{mark}\ncommitter t <t@localhost> {mark} +0000\ndata 1\nx\n{from}M 644 inline {FLOORS}\ndata {}\n{text}\n",
                text.len()
            )
            .expect("a String takes all text");
        }
    }
    let marks = repository.path().join(".git/marks");
    let export = format!("--export-marks={}", marks.display());
    let (is_good, said) = git(
        repository,
        &["fast-import", "--quiet", "--force", &export],
        &stream,
    );
    assert!(is_good, "{said}");
    let marks = std::fs::read_to_string(marks).expect("the marks");
    let hashes: BTreeMap<usize, &str> = marks
        .lines()
        .filter_map(|line| line.strip_prefix(':')?.split_once(' '))
        .map(|(mark, hash)| (mark.parse().expect("a number"), hash))
        .collect();
    let hash = |mark: usize| hashes[&mark].to_owned();
    (0..histories.len())
        .map(|idx| [hash(idx * 3 + 2), hash(idx * 3 + 3)])
        .collect()
}

/// The floors file of each merge, in the order of the pairs.
fn merged(repository: &Repository, sides: &[[String; 2]]) -> Vec<String> {
    let input: String = sides
        .iter()
        .map(|[left, right]| format!("{left} {right}\n"))
        .collect();
    let output = Command::new("git")
        .current_dir(repository.path())
        .args(["merge-tree", "--write-tree", "-z", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .and_then(|mut child| {
            let mut stdin = child.stdin.take().expect("it is piped");
            let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
            let output = child.wait_with_output();
            let _ = writer.join();
            output
        })
        .expect("git merges");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let fields: Vec<&str> = text.split('\0').collect();
    let clean: Vec<&[&str]> = fields[..fields.len() - 1].chunks(3).collect();
    let trees: String = clean
        .iter()
        .map(|fields| {
            assert!(matches!(fields, ["1", _, ""]), "a conflict: {fields:?}");
            format!("{}:{FLOORS}\n", fields[1])
        })
        .collect();
    assert_eq!(clean.len(), sides.len(), "every pair is merged");
    let (is_good, blobs) = git(repository, &["cat-file", "--batch=%(objecttype)"], &trees);
    assert!(is_good, "{blobs}");
    blobs
        .split("blob\n")
        .skip(1)
        .map(|blob| blob.trim_end_matches('\n').to_owned() + "\n")
        .collect()
}

#[test]
fn random_histories_merge_without_a_conflict_and_without_a_loosening() {
    let n = std::env::var("TOLLGATE_MERGES").ok();
    let n: usize = n.map_or(MERGES, |n| n.parse().expect("TOLLGATE_MERGES is a number"));
    let repository = with_driver(&Floors::new());
    let mut random = Random(0x5eed_0011);
    let (mut n_merged, mut n_by_driver) = (0, 0);
    while n_merged < n {
        let histories = histories(&mut random, BATCH.min(n - n_merged));
        let sides = import(&repository, &histories);
        // A merge is a process of git's and one of ours, so two at a time take half as long.
        let (first, second) = sides.split_at(sides.len() / 2);
        let texts = std::thread::scope(|scope| {
            let other = scope.spawn(|| merged(&repository, second));
            let mut texts = merged(&repository, first);
            texts.extend(other.join().expect("the other half is merged"));
            texts
        });
        assert_eq!(texts.len(), histories.len());
        for (history, got) in histories.iter().zip(&texts) {
            let History { base, left, right } = history;
            // Git runs no driver when one side changed nothing; the base then decides in `check`.
            let want = if left == base {
                right.clone()
            } else if right == base || left == right {
                left.clone()
            } else {
                n_by_driver += 1;
                joined(left, right)
            };
            assert_eq!(
                *got,
                text(&want),
                "base:\n{}left:\n{}right:\n{}",
                text(base),
                text(left),
                text(right)
            );
        }
        n_merged += histories.len();
    }
    assert!(n_by_driver * 2 > n_merged, "the driver merged most of them");
    println!("{n_merged} histories merged, {n_by_driver} by the driver: no conflict, no loosening");
}

fn write(repository: &Repository, floors: &[(&'static str, u32)]) {
    repository.write(FLOORS, &text(&floors.iter().copied().collect()));
}

#[test]
fn neighbouring_lines_merge_in_every_command_of_git_that_merges() {
    let start = [("a_max", 500), ("b_min", 5000)];
    let repository = with_driver(&start.into_iter().collect());
    let commit = |branch: &str, floors: &[(&'static str, u32)]| {
        repository.git(&["checkout", "--quiet", "-B", branch, "start"]);
        write(&repository, floors);
        repository.commit(branch);
    };
    repository.git(&["tag", "start"]);
    commit("left", &[("a_max", 400), ("b_min", 5000)]);
    commit("right", &[("a_max", 450), ("b_min", 6000), ("c_max", 100)]);
    let want = text(
        &[("a_max", 400), ("b_min", 6000), ("c_max", 100)]
            .into_iter()
            .collect(),
    );
    let begin = |branch: &str| repository.git(&["checkout", "--quiet", "-B", "work", branch]);
    let expect = |command: &str| assert_eq!(repository.read(FLOORS), want, "{command}");
    begin("left");
    repository.git(&["merge", "--quiet", "--no-edit", "right"]);
    expect("merge");
    begin("left");
    repository.git(&["rebase", "--quiet", "right"]);
    expect("rebase");
    begin("left");
    repository.git(&["cherry-pick", "right"]);
    expect("cherry-pick");
    begin("left");
    write(
        &repository,
        &[("a_max", 400), ("b_min", 6000), ("c_max", 100)],
    );
    repository.git(&["stash", "--quiet"]);
    write(&repository, &[("a_max", 400), ("b_min", 5500)]);
    repository.commit("more");
    repository.git(&["stash", "pop", "--quiet"]);
    expect("stash pop");
}

/// The base of the three tests below, with a branch that tightens one floor and one that tightens
/// the neighbouring one.
fn with_two_branches() -> Repository {
    let start = [("a_max", 500), ("b_min", 5000), ("c_max", 900)];
    let repository = with_driver(&start.into_iter().collect());
    repository.git(&["tag", "start"]);
    for (branch, floors) in [
        ("left", [("a_max", 400), ("b_min", 5000), ("c_max", 900)]),
        ("right", [("a_max", 500), ("b_min", 6000), ("c_max", 900)]),
    ] {
        repository.git(&["checkout", "--quiet", "-B", branch, "start"]);
        write(&repository, &floors);
        repository.commit(branch);
    }
    repository
}

#[test]
fn an_octopus_merge_stops_instead_of_loosening_and_merges_one_by_one() {
    let repository = with_two_branches();
    repository.git(&["checkout", "--quiet", "-B", "work", "start"]);
    write(
        &repository,
        &[("a_max", 500), ("b_min", 5000), ("c_max", 800)],
    );
    repository.commit("own");
    let (is_good, said) = git(&repository, &["merge", "--no-edit", "left", "right"], "");
    assert!(!is_good, "git runs no driver in an octopus merge: {said}");
    let after_octopus = repository.read(FLOORS);
    repository.git(&["reset", "--quiet", "--hard", "work"]);
    repository.git(&["merge", "--quiet", "--no-edit", "left"]);
    repository.git(&["merge", "--quiet", "--no-edit", "right"]);
    let want = [("a_max", 400), ("b_min", 6000), ("c_max", 800)];
    assert_eq!(repository.read(FLOORS), text(&want.into_iter().collect()));
    assert_ne!(after_octopus, repository.read(FLOORS));
}

#[test]
fn floors_that_one_branch_renames_are_joined_under_the_new_name() {
    let repository = with_two_branches();
    repository.git(&["checkout", "--quiet", "-B", "work", "left"]);
    repository.git(&["mv", FLOORS, "floors.json"]);
    repository.write(".gitattributes", "floors.json merge=tollgate-ratchet\n");
    repository.git(&["add", "--all"]);
    repository.commit("rename");
    repository.git(&["merge", "--quiet", "--no-edit", "right"]);
    let want = [("a_max", 400), ("b_min", 6000), ("c_max", 900)];
    assert_eq!(
        repository.read("floors.json"),
        text(&want.into_iter().collect())
    );
}

#[test]
fn floors_under_a_new_name_without_an_attribute_conflict_and_are_not_loosened() {
    let repository = with_two_branches();
    repository.git(&["checkout", "--quiet", "-B", "work", "left"]);
    repository.git(&["mv", FLOORS, "floors.json"]);
    repository.commit("rename");
    let (is_good, said) = git(&repository, &["merge", "--no-edit", "right"], "");
    assert!(!is_good && said.contains("CONFLICT"), "{said}");
    assert!(repository.read("floors.json").contains("<<<<<<<"));
}

#[test]
fn merge_tree_joins_floors_without_a_working_tree() {
    let repository = with_two_branches();
    let (is_good, tree) = git(
        &repository,
        &["merge-tree", "--write-tree", "left", "right"],
        "",
    );
    assert!(is_good, "{tree}");
    let name = format!("{}:{FLOORS}", tree.lines().next().unwrap_or_default());
    let (_, got) = git(&repository, &["cat-file", "blob", &name], "");
    let want = [("a_max", 400), ("b_min", 6000), ("c_max", 900)];
    assert_eq!(got, text(&want.into_iter().collect()));
}

#[test]
fn a_revert_of_a_floor_that_becomes_nothing_is_reported() {
    let repository = with_driver(&[("b_min", 8000)].into_iter().collect());
    write(&repository, &[("b_min", 8500)]);
    repository.commit("raise");
    write(&repository, &[("b_min", 8500), ("c_max", 100)]);
    repository.commit("more");
    let (_, said) = git(&repository, &["revert", "--no-edit", "HEAD~1"], "");
    assert!(
        said.contains("the floor of `b_min` was loosened from 85 to 80 %; the merge keeps 85 %")
            && said.contains("tollgate ratchet waive"),
        "{said}"
    );
    assert!(repository.read(FLOORS).contains("85.0"), "the floor stays");
}

#[test]
fn setup_adds_the_driver_to_the_committed_attributes_once() {
    let repository = Repository::new(&[
        (".gitattributes", "* text=auto"),
        (FLOORS, &text(&Floors::new())),
    ]);
    for _ in 0..2 {
        let _ = tool::run(repository.path(), &["setup"]);
    }
    assert_eq!(
        repository.read(".gitattributes"),
        "* text=auto\nquality_ratchet.json merge=tollgate-ratchet\n"
    );
    let (_, driver) = git(
        &repository,
        &["config", "merge.tollgate-ratchet.driver"],
        "",
    );
    assert!(
        driver
            .trim_end()
            .ends_with("tollgate ratchet merge %O %A %B"),
        "{driver}"
    );
}
