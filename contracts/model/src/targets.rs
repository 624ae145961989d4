//! The target that the text of a reference names: a file and a pointer, or a URL and a pointer.

/// Where a reference leads: a file and a JSON Pointer in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// A key of [`Contract::documents`](crate::Contract), or the `$id` of a schema.
    pub file: String,
    /// A JSON Pointer, or the name of an anchor; empty for the whole document.
    pub pointer: String,
}

/// Whether a file name is a URL or URN, which is never searched for in the folder.
pub(crate) fn is_url(file: &str) -> bool {
    scheme_end(file).is_some() || file.starts_with("urn:")
}

/// Where `//` ends in `https://host/path`.
fn scheme_end(file: &str) -> Option<usize> {
    let (scheme, rest) = file.split_once(':')?;
    (rest.starts_with("//") && !scheme.contains('/')).then(|| scheme.len() + 3)
}

/// The target that a reference names, relative to a file: its path is joined and its fragment
/// percent-decoded (RFC 3986, section 5.2; RFC 6901, section 6).
#[must_use]
pub fn target_of(base_file: &str, text: &str) -> Target {
    let (file, fragment) = text.split_once('#').unwrap_or((text, ""));
    let pointer = percent_decode(fragment);
    let file = if file.is_empty() {
        base_file.to_owned()
    } else if is_url(file) {
        file.to_owned()
    } else if let Some(end) = scheme_end(base_file) {
        join_url(base_file, end, file)
    } else {
        let file = percent_decode(file).replace('\\', "/");
        match base_file.rsplit_once('/') {
            Some((folder, _)) if !file.starts_with('/') => {
                normalise_path(&format!("{folder}/{file}"))
            }
            _ => normalise_path(&file),
        }
    };
    Target { file, pointer }
}

/// A relative reference, resolved against a URL; `host_at` is where its host begins.
fn join_url(base: &str, host_at: usize, relative: &str) -> String {
    let host_end = base[host_at..]
        .find('/')
        .map_or(base.len(), |end| host_at + end);
    let (host, path) = base.split_at(host_end);
    let joined = match path.rsplit_once('/') {
        Some((folder, _)) if !relative.starts_with('/') => format!("{folder}/{relative}"),
        _ => relative.to_owned(),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("{host}/{}", parts.join("/"))
}

/// A path without `.`, and without `..` after a name.
#[must_use]
pub fn normalise_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            "" if !parts.is_empty() => {}
            ".." if parts
                .last()
                .is_some_and(|last| *last != ".." && !last.is_empty()) =>
            {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

fn percent_decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes
            .get(at + 1..at + 3)
            .filter(|digits| bytes[at] == b'%' && digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = digits {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
