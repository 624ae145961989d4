//! The base that the environment of each CI system names.

use super::*;

const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

#[track_caller]
fn check(env: &[(&str, &str)], event: &Value, want: &[(&str, bool)]) -> Wanted {
    let env = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let given = Given {
        env: &env,
        event: Some(event),
        against: None,
        is_ci: true,
    };
    let wanted = wanted(&given);
    let got: Vec<(&str, bool)> = wanted
        .candidates
        .iter()
        .map(|candidate| (candidate.revision.as_str(), candidate.is_base))
        .take(want.len().max(1))
        .collect();
    assert_eq!(got, want);
    wanted
}

#[test]
fn a_pull_request_of_github_is_meant_for_its_base_branch() {
    let env = [
        ("GITHUB_EVENT_NAME", "pull_request"),
        ("GITHUB_BASE_REF", "release/2"),
        ("GITHUB_REF", "refs/pull/7/merge"),
        ("GITHUB_SHA", HASH),
    ];
    let branch = [
        ("refs/remotes/origin/release/2", false),
        ("refs/heads/release/2", false),
    ];
    let wanted = check(&env, &Value::Null, &branch);
    assert_eq!(wanted.named_by.as_deref(), Some("GITHUB_BASE_REF"));
    assert_eq!(wanted.merge_result.as_deref(), Some(HASH));
    // A workflow may check out the head of the pull request instead of its merge.
    let env = [
        ("GITHUB_BASE_REF", "main"),
        ("GITHUB_REF", "refs/heads/x"),
        ("GITHUB_SHA", HASH),
    ];
    let wanted = check(&env, &Value::Null, &[("refs/remotes/origin/main", false)]);
    assert_eq!(wanted.merge_result, None);
}

#[test]
fn a_merge_group_of_github_names_its_base_in_the_event_or_in_its_branch() {
    let event =
        serde_json::json!({"merge_group": {"base_sha": HASH, "base_ref": "refs/heads/main"}});
    let env = [("GITHUB_EVENT_NAME", "merge_group")];
    let want = [(HASH, true), ("refs/remotes/origin/main", false)];
    check(&env, &event, &want);
    let queue = format!("refs/heads/gh-readonly-queue/main/pr-7-{HASH}");
    let env = [
        ("GITHUB_EVENT_NAME", "merge_group"),
        ("GITHUB_REF", queue.as_str()),
    ];
    check(&env, &Value::Null, &[("refs/remotes/origin/main", false)]);
}

#[test]
fn a_merge_request_of_gitlab_names_the_base_and_a_merged_result_its_target() {
    let other = HASH.replace('0', "f");
    let request = ("CI_MERGE_REQUEST_DIFF_BASE_SHA", HASH);
    let target = ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main");
    let main = ("refs/remotes/origin/main", false);
    check(&[request, target], &Value::Null, &[(HASH, true), main]);
    let merged = ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", other.as_str());
    check(
        &[request, target, merged],
        &Value::Null,
        &[(&other, true), main],
    );
    check(&[target], &Value::Null, &[main]);
}

#[test]
fn buildkite_and_jenkins_name_the_target_branch() {
    for name in ["BUILDKITE_PULL_REQUEST_BASE_BRANCH", "CHANGE_TARGET"] {
        let want = [
            ("refs/remotes/origin/main", false),
            ("refs/heads/main", false),
        ];
        let wanted = check(&[(name, "main")], &Value::Null, &want);
        assert_eq!(wanted.named_by.as_deref(), Some(name));
    }
    // Buildkite sets the variable to nothing in other builds.
    let env = [("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "")];
    let wanted = check(&env, &Value::Null, &[("refs/remotes/origin/HEAD", false)]);
    assert_eq!(wanted.named_by, None);
    let env = [("BUILDKITE_MERGE_QUEUE_BASE_COMMIT", HASH)];
    check(&env, &Value::Null, &[(HASH, true)]);
}

#[test]
fn a_push_names_the_default_branch_and_the_commit_before_it() {
    let event = serde_json::json!({"before": HASH, "repository": {"default_branch": "trunk"}});
    let wanted = check(&[], &event, &[("refs/remotes/origin/trunk", false)]);
    assert_eq!(wanted.before.as_deref(), Some(HASH));
    // A branch that is new has nothing before it.
    let zeros = "0".repeat(40);
    let event = serde_json::json!({"before": zeros});
    assert_eq!(
        check(&[], &event, &[("refs/remotes/origin/HEAD", false)]).before,
        None
    );
}

#[test]
fn the_flag_is_stronger_than_the_tier_and_the_tier_than_the_ci() {
    let env: BTreeMap<String, String> = [(BASE_ENV, HASH), ("GITHUB_BASE_REF", "main")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let mut given = Given {
        env: &env,
        event: None,
        against: Some("v1"),
        is_ci: true,
    };
    assert_eq!(wanted(&given).named_by.as_deref(), Some("--against"));
    assert!(!wanted(&given).candidates[0].is_base);
    given.against = Some("HEAD");
    assert!(wanted(&given).candidates[0].is_base, "not a branch");
    given.against = None;
    let from_tier = wanted(&given);
    assert_eq!(from_tier.named_by.as_deref(), Some(BASE_ENV));
    assert!(from_tier.candidates[0].is_base);
}
