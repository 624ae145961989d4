//! The order of steps: cycles are rejected, and the longest path starts first. Pure.

use std::collections::BTreeMap;

/// Assumed duration in ms of a step that was never measured; longer measured steps start before it.
const UNKNOWN_MS: u64 = 1_000;

/// The names of one cycle, first and last the same; none when the graph has none.
#[must_use]
pub fn find_cycle(needs: &BTreeMap<String, Vec<String>>) -> Option<Vec<String>> {
    let mut done: BTreeMap<&str, ()> = BTreeMap::new();
    let mut path: Vec<&str> = Vec::new();
    needs
        .keys()
        .find_map(|name| visit(name, needs, &mut done, &mut path))
}

fn visit<'a>(
    name: &'a str,
    needs: &'a BTreeMap<String, Vec<String>>,
    done: &mut BTreeMap<&'a str, ()>,
    path: &mut Vec<&'a str>,
) -> Option<Vec<String>> {
    if done.contains_key(name) {
        return None;
    }
    if let Some(start) = path.iter().position(|on_path| *on_path == name) {
        let mut cycle: Vec<String> = path[start..].iter().map(|n| (*n).to_owned()).collect();
        cycle.push(name.to_owned());
        return Some(cycle);
    }
    path.push(name);
    for need in needs.get(name).into_iter().flatten() {
        if let Some(cycle) = visit(need, needs, done, path) {
            return Some(cycle);
        }
    }
    path.pop();
    done.insert(name, ());
    None
}

/// For each step the length in ms of the longest path from its start to the end of the graph.
/// The graph must have no cycle. Steps without a known duration count 1 s.
#[must_use]
pub fn priorities(
    needs: &BTreeMap<String, Vec<String>>,
    durations_ms: &BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    let mut dependents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, step_needs) in needs {
        for need in step_needs {
            dependents.entry(need).or_default().push(name);
        }
    }
    let mut priorities = BTreeMap::new();
    for name in needs.keys() {
        path_ms(name, &dependents, durations_ms, &mut priorities);
    }
    priorities
}

fn path_ms(
    name: &str,
    dependents: &BTreeMap<&str, Vec<&str>>,
    durations_ms: &BTreeMap<String, u64>,
    priorities: &mut BTreeMap<String, u64>,
) -> u64 {
    if let Some(known) = priorities.get(name) {
        return *known;
    }
    let own_ms = durations_ms.get(name).copied().unwrap_or(UNKNOWN_MS);
    let rest_ms = dependents
        .get(name)
        .into_iter()
        .flatten()
        .map(|dependent| path_ms(dependent, dependents, durations_ms, priorities))
        .max()
        .unwrap_or(0);
    priorities.insert(name.to_owned(), own_ms + rest_ms);
    own_ms + rest_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        edges
            .iter()
            .map(|(name, needs)| {
                let needs = needs.iter().map(|need| (*need).to_owned()).collect();
                ((*name).to_owned(), needs)
            })
            .collect()
    }

    #[test]
    fn a_cycle_is_named_from_its_first_step_back_to_it() {
        let needs = graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"]), ("d", &[])]);
        assert_eq!(find_cycle(&needs).unwrap(), ["b", "c", "b"]);
        assert_eq!(find_cycle(&graph(&[("a", &["b"]), ("b", &[])])), None);
    }

    #[test]
    fn the_longest_known_path_goes_first() {
        let needs = graph(&[("build", &[]), ("test", &["build"]), ("fmt", &[])]);
        let durations = BTreeMap::from([
            ("build".to_owned(), 10),
            ("test".to_owned(), 5_000),
            ("fmt".to_owned(), 2_000),
        ]);
        let priorities = priorities(&needs, &durations);
        assert_eq!(priorities["build"], 5_010);
        assert_eq!(priorities["fmt"], 2_000);
    }
}
