//! The modules of a crate, and which file's items each file uses. A name that is re-exported counts
//! for the file that defines it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::code::{self, Module, SubModule};

/// Uses between the files of one crate: file → file it uses → one path that does.
pub type Uses = BTreeMap<String, BTreeMap<String, String>>;

/// The modules of one crate; the first is its root.
pub struct Modules {
    nodes: Vec<Node>,
}

struct Node {
    /// Path from the root of the repository.
    file: String,
    module: Module,
    children: BTreeMap<String, usize>,
    parent: Option<usize>,
}

/// Where a path leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Module(usize),
    /// An item defined in this module.
    Item(usize),
}

/// A re-export of a re-export of a re-export; more are a mistake of ours.
const DEPTH_MAX: usize = 16;

impl Modules {
    /// Reads a crate from its root file (a path from the root of the repository).
    ///
    /// # Errors
    /// When a file can't be read.
    pub fn load(root: &Path, root_file: &str) -> Result<Modules, String> {
        let mut modules = Modules { nodes: Vec::new() };
        modules.add_file(root, root_file, None, true)?;
        Ok(modules)
    }

    fn add_file(
        &mut self,
        root: &Path,
        file: &str,
        parent: Option<usize>,
        owns_folder: bool,
    ) -> Result<usize, String> {
        let text = std::fs::read_to_string(root.join(file))
            .map_err(|error| format!("cannot read `{file}`: {error}"))?;
        let module = code::parse(&text).map_err(|error| format!("{file}: {error}"))?;
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        let folder = if owns_folder || name == "mod.rs" {
            folder.to_owned()
        } else {
            file.trim_end_matches(".rs").to_owned()
        };
        self.add(root, file, &folder, module, parent)
    }

    fn add(
        &mut self,
        root: &Path,
        file: &str,
        folder: &str,
        mut module: Module,
        parent: Option<usize>,
    ) -> Result<usize, String> {
        let submodules = std::mem::take(&mut module.modules);
        let own = self.nodes.len();
        self.nodes.push(Node {
            file: file.to_owned(),
            module,
            children: BTreeMap::new(),
            parent,
        });
        for SubModule { name, inline } in submodules {
            let child = match inline {
                Some(module) => {
                    self.add(root, file, &format!("{folder}/{name}"), module, Some(own))?
                }
                None => {
                    let flat = format!("{folder}/{name}.rs");
                    let nested = format!("{folder}/{name}/mod.rs");
                    let file = [flat, nested]
                        .into_iter()
                        .find(|file| root.join(file).is_file());
                    // A module with `#[path]` or of generated code is not followed.
                    let Some(file) = file else { continue };
                    self.add_file(root, &file, Some(own), false)?
                }
            };
            self.nodes[own].children.insert(name, child);
        }
        Ok(own)
    }

    /// Which files use which.
    #[must_use]
    pub fn uses(&self) -> Uses {
        let mut uses = Uses::new();
        for own in 0..self.nodes.len() {
            if self.nodes[own].file.contains("/generated/") {
                continue;
            }
            let module = &self.nodes[own].module;
            let imports = module
                .uses
                .iter()
                .filter(|one| !one.is_public)
                .map(|one| &one.path);
            for path in imports.chain(&module.paths) {
                let target = match self.resolve(own, path, 0) {
                    // To name a module is not to use it; what is used of it is seen in paths.
                    None | Some(Place::Module(_)) => continue,
                    Some(Place::Item(target)) => &self.nodes[target].file,
                };
                let file = &self.nodes[own].file;
                if target != file && !self.is_error_of_ancestor(own, target, path) {
                    uses.entry(file.clone())
                        .or_default()
                        .entry(target.clone())
                        .or_insert_with(|| path.join("::"));
                }
            }
        }
        uses
    }

    /// The error type of a module lives next to the function that returns it, and files of its
    /// folder return it too.
    fn is_error_of_ancestor(&self, own: usize, target: &str, path: &[String]) -> bool {
        let mut ancestors =
            std::iter::successors(self.nodes[own].parent, |node| self.nodes[*node].parent);
        path.iter().any(|name| name.ends_with("Error"))
            && ancestors.any(|node| self.nodes[node].file == target)
    }

    fn resolve(&self, from: usize, path: &[String], depth: usize) -> Option<Place> {
        let (first, mut rest) = path.split_first()?;
        let mut place = match first.as_str() {
            "crate" => Place::Module(0),
            "self" => Place::Module(from),
            "super" => Place::Module(self.nodes[from].parent?),
            name => self.lookup(from, name, depth)?,
        };
        while let (Place::Module(module), Some((name, after))) = (place, rest.split_first()) {
            rest = after;
            place = match name.as_str() {
                "super" => Place::Module(self.nodes[module].parent?),
                // What a macro defines is not seen: it counts for the module that holds it.
                name => self
                    .lookup(module, name, depth)
                    .unwrap_or(Place::Item(module)),
            };
        }
        Some(place)
    }

    fn lookup(&self, module: usize, name: &str, depth: usize) -> Option<Place> {
        if depth > DEPTH_MAX {
            return None;
        }
        let node = &self.nodes[module];
        if let Some(child) = node.children.get(name) {
            return Some(Place::Module(*child));
        }
        if node.module.items.contains(name) {
            return Some(Place::Item(module));
        }
        let named = node.module.uses.iter().filter(|one| {
            // `use serde;` names a crate, not itself.
            one.name.as_deref() == Some(name) && (one.path.len() > 1 || one.path[0] != name)
        });
        for one in named {
            if let Some(place) = self.resolve(module, &one.path, depth + 1) {
                return Some(place);
            }
        }
        for glob in node.module.uses.iter().filter(|one| one.name.is_none()) {
            let place = self.resolve(module, &glob.path, depth + 1);
            if let Some(Place::Module(target)) = place
                && target != module
                && let Some(place) = self.lookup(target, name, depth + 1)
            {
                return Some(place);
            }
        }
        None
    }
}
