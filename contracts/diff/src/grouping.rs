//! Groups changes: an edit that many operations share is reported once, and findings of oasdiff's
//! rules alone are joined to our own changes.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::{Contract, Node};
use tollgate_report::Place;

use crate::change::{Change, Level, Witness};
use crate::oasdiff::{PeerFinding, Rule, rule};
use crate::settings::{DiffSettings, Stability};
use crate::walk::{Direction, Found};
use crate::witness;

/// Ids of changes that no client can notice, or that repeat the suggested version bump.
const UNSEEN: &[&str] = &[
    "api-schema-removed",
    "api-version-not-bumped",
    "api-version-decreased",
    "api-major-version-not-bumped",
];

/// Kinds of rules about schemas that a mere change of form can set off.
const FORMS: &[&str] = &[
    "structure",
    "type",
    "existence",
    "requiredness",
    "values",
    "constraints",
];

/// Gives our changes oasdiff's ids, and adds the findings that only oasdiff's rules report.
pub(crate) fn add_peer<'a>(
    found: &mut Vec<Found<'a>>,
    peer: &[PeerFinding],
    (old, new): (&'a Contract, &'a Contract),
    settings: &DiffSettings,
) {
    if new.kind.is_async() {
        return;
    }
    replace_removals(found, peer);
    let mut known: BTreeSet<(String, String)> = BTreeSet::new();
    let mut by_operation: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (idx, found) in found.iter().enumerate() {
        let operation = found.change.operation.clone().unwrap_or_default();
        if let Some(alias) = &found.change.alias_oasdiff {
            known.insert((operation.clone(), alias.clone()));
        }
        by_operation.entry(operation).or_default().push(idx);
    }
    let reported: BTreeSet<(String, &str)> = peer
        .iter()
        .map(|finding| (operation_of(finding), finding.id))
        .collect();
    let mut neighbours = Neighbours::new();
    for finding in peer {
        let key = (finding.operation.as_str(), finding.scope.as_str());
        neighbours.entry(key).or_default().push(finding);
    }
    let mut added = Vec::new();
    for finding in peer {
        let operation = operation_of(finding);
        let key = (operation.clone(), finding.id.to_owned());
        if UNSEEN.contains(&finding.id) || known.contains(&key) {
            continue;
        }
        let Some(rule) = rule(finding.id) else {
            continue;
        };
        // Of a webhook oasdiff takes for a request what the client reads: we know better.
        let is_webhook = finding.path.starts_with("webhook:");
        if is_webhook && rule.direction != "none" && rule.kind != "lifecycle" {
            continue;
        }
        let near = by_operation.get(&operation).map(Vec::as_slice);
        let near = near.unwrap_or_default();
        let twin = near.iter().copied().find(|idx| {
            let change = &found[*idx].change;
            let alias = change.alias_oasdiff.as_deref();
            let is_free = alias.is_none_or(|alias| !reported.contains(&(operation.clone(), alias)));
            is_free && change.path == finding.pointer && is_same_kind(&change.code, rule)
        });
        if let Some(twin) = twin {
            let change = &mut found[twin].change;
            change.alias_oasdiff = Some(finding.id.to_owned());
            if knows_better(rule) {
                change.level = finding.level;
                if change.level == Level::Info {
                    change.breaks = None;
                }
            }
            known.insert(key);
            continue;
        }
        let is_confirmed = near.iter().any(|idx| {
            let path = &found[*idx].change.path;
            let is_in_scope = !finding.scope.is_empty() && path.starts_with(&finding.scope);
            // What concerns the form must be known at the same place, below it, or at the schema
            // that holds the property.
            let is_form = ["structure", "type", "existence"].contains(&rule.kind);
            let holder = finding.pointer.rsplit_once("/properties/");
            let is_holder = holder.is_some_and(|(holder, _)| holder == path);
            let is_related = if rule.kind == "structure" {
                *path == finding.pointer
            } else {
                path.starts_with(&finding.pointer) || is_holder
            };
            is_in_scope && (is_related || !is_form)
        });
        if !is_confirmed && may_be_form(finding, rule, &neighbours) {
            continue;
        }
        let mut one = from_peer(finding, rule, operation);
        if one.change.level == Level::Breaking && FORMS.contains(&rule.kind) {
            one.schemas = witness::schemas_at(old, new, &finding.pointer);
            if one.schemas.is_none() && is_in_schema(&finding.pointer) {
                one.change.witness = Witness::NotFound;
            }
        }
        added.push(one);
    }
    found.extend(added);
    below_stability(found, new, settings);
}

/// Whether a pointer leads to the schema of a body, or into it.
fn is_in_schema(pointer: &str) -> bool {
    pointer.contains("/content/") && (pointer.contains("/schema/") || pointer.ends_with("/schema"))
}

/// Findings by operation and scope.
type Neighbours<'p> = BTreeMap<(&'p str, &'p str), Vec<&'p PeerFinding>>;

/// Rules that take deprecation into account, or that treat every value as text.
fn knows_better(rule: &Rule) -> bool {
    let is_text = rule.id.ends_with("type-generalized") || rule.id.ends_with("type-compatible");
    rule.id.starts_with("request-parameter-removed-") || (is_text && rule.level == Level::Info)
}

/// Whether a finding that our own comparison does not have may come from another form of the same
/// schema: members of `allOf` or of unions that are written elsewhere or have another name.
fn may_be_form(finding: &PeerFinding, rule: &Rule, neighbours: &Neighbours<'_>) -> bool {
    const NEVER: &[&str] = &["discriminator", "content-", "x-extensible-enum"];
    const STRUCTURE: &[&str] = &["structure", "type", "existence"];
    let is_schema =
        rule.area == "schema" || (rule.area == "parameters" && rule.kind != "existence");
    if !is_schema || !FORMS.contains(&rule.kind) || NEVER.iter().any(|word| rule.id.contains(word))
    {
        return false;
    }
    let key = (finding.operation.as_str(), finding.scope.as_str());
    let near = || neighbours.get(&key).into_iter().flatten();
    if rule.id.contains("-all-of-") {
        return near()
            .filter(|other| other.pointer == finding.pointer)
            .count()
            > 1;
    }
    let is_structure = |other: &PeerFinding| {
        crate::oasdiff::rule(other.id).is_some_and(|rule| STRUCTURE.contains(&rule.kind))
    };
    let is_hidden =
        rule.id.contains("read-only-property") || rule.id.contains("write-only-property");
    if is_hidden {
        return near().any(|other| is_structure(other) && other.id != finding.id);
    }
    is_structure(finding) || near().any(|other| is_structure(other))
}

fn operation_of(finding: &PeerFinding) -> String {
    finding.operation.clone()
}

fn is_same_kind(code: &str, wanted: &Rule) -> bool {
    let is_union = ["one-of-", "any-of-", "-type-", "-nullable"]
        .iter()
        .any(|word| code.contains(word));
    if wanted.id.contains("-list-of-types-") && is_union {
        return true;
    }
    if wanted.kind == "type" && code.contains("-format-") {
        return true;
    }
    rule(code).is_some_and(|rule| rule.kind == wanted.kind && rule.area == wanted.area)
}

fn from_peer<'a>(finding: &PeerFinding, rule: &Rule, operation: String) -> Found<'a> {
    let is_response = rule.direction == "response";
    let words = finding.id.replace('-', " ");
    let args: Vec<String> = finding.args.iter().map(|arg| format!("`{arg}`")).collect();
    let message = if args.is_empty() {
        words
    } else {
        format!("{words}: {}", args.join(", "))
    };
    let victim = if is_response {
        "a client that relies on what the old contract promises"
    } else {
        "a client that sends what the old contract allows"
    };
    let operation = (!operation.is_empty()).then_some(operation);
    Found {
        change: Change {
            level: finding.level,
            code: finding.id.to_owned(),
            operations: operation.iter().cloned().collect(),
            operation,
            path: finding.pointer.clone(),
            alias_oasdiff: Some(finding.id.to_owned()),
            place_old: finding.place_old.clone(),
            place_new: finding.place_new.clone(),
            message,
            breaks: (finding.level != Level::Info).then(|| victim.to_owned()),
            witness: Witness::NotAsked,
        },
        direction: if is_response {
            Direction::Response
        } else {
            Direction::Request
        },
        schemas: None,
    }
}

/// oasdiff's rules take sunsets and stability into account, so they decide about removed
/// operations.
fn replace_removals(found: &mut Vec<Found<'_>>, peer: &[PeerFinding]) {
    let is_removal = |code: &str| {
        (code.starts_with("api-removed-") || code.starts_with("api-path-removed-"))
            || code == "api-path-sunset-parse"
    };
    let judged: BTreeSet<String> = peer
        .iter()
        .filter(|finding| is_removal(finding.id))
        .map(operation_of)
        .collect();
    found.retain_mut(|found| {
        if !is_removal(&found.change.code) {
            return true;
        }
        let operation = found.change.operation.clone().unwrap_or_default();
        if judged.contains(&operation) {
            return false;
        }
        // Removed after its sunset, or never stable.
        found.change.code = "api-removed-when-allowed".to_owned();
        found.change.alias_oasdiff = None;
        found.change.level = Level::Info;
        found.change.breaks = None;
        "the operation is gone, after its sunset or below the stability level"
            .clone_into(&mut found.change.message);
        true
    });
}

/// Operations below the stability level may change freely.
fn below_stability(found: &mut [Found<'_>], new: &Contract, settings: &DiffSettings) {
    let operations = new.operations();
    let unstable: BTreeSet<String> = operations
        .iter()
        .filter(|operation| {
            let word = operation
                .node
                .get("x-stability-level")
                .and_then(Node::as_str);
            let level = word.map_or(Some(Stability::Stable), Stability::of);
            level.is_some_and(|level| level < settings.stability_level)
        })
        .map(|operation| format!("{} {}", operation.method.to_uppercase(), operation.path))
        .collect();
    for found in found {
        let operation = found.change.operation.as_ref();
        let is_unstable = operation.is_some_and(|operation| unstable.contains(operation));
        let is_lifecycle = rule(&found.change.code).is_some_and(|rule| rule.kind == "lifecycle");
        if is_unstable && !is_lifecycle {
            found.change.level = Level::Info;
            found.change.breaks = None;
        }
    }
}

/// Findings with the same value of this type are one edit.
type Edit = (
    String,
    Level,
    bool,
    String,
    Option<Place>,
    Option<Place>,
    Option<String>,
);

/// Joins the findings of one edit, worst first, then by operation and path.
pub(crate) fn group(mut found: Vec<Found<'_>>) -> Vec<Found<'_>> {
    found.sort_by(|left, right| order(&left.change, &right.change));
    let mut by_edit: BTreeMap<Edit, usize> = BTreeMap::new();
    let mut groups: Vec<Found<'_>> = Vec::new();
    for one in found {
        let change = &one.change;
        // Without a place on both sides nothing says that two findings are one edit.
        let is_shared = change.place_old.is_some() && change.place_new.is_some();
        let apart = (!is_shared).then(|| {
            let operation = change.operation.clone().unwrap_or_default();
            format!("{operation}\n{}", change.path)
        });
        let edit = (
            change.code.clone(),
            change.level,
            one.direction == Direction::Request,
            change.message.clone(),
            change.place_old.clone(),
            change.place_new.clone(),
            apart,
        );
        match by_edit.get(&edit) {
            Some(idx) => {
                let group = &mut groups[*idx].change;
                for operation in one.change.operations {
                    if !group.operations.contains(&operation) {
                        group.operations.push(operation);
                    }
                }
            }
            None => {
                by_edit.insert(edit, groups.len());
                groups.push(one);
            }
        }
    }
    for group in &mut groups {
        group.change.operations.sort();
    }
    groups
}

fn order(left: &Change, right: &Change) -> std::cmp::Ordering {
    right
        .level
        .cmp(&left.level)
        .then_with(|| left.operation.cmp(&right.operation))
        .then_with(|| left.path.cmp(&right.path))
        .then_with(|| left.cmp(right))
}
