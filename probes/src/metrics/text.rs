//! The Prometheus text format, version 0.0.4: read and written.

use std::collections::BTreeMap;
use std::fmt::Write;

use tollgate_report::quantity::{Percent, Size, Span};

/// All samples of one scrape, in the order of the text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exposition {
    /// The samples.
    pub samples: Vec<Sample>,
    /// Type of a metric family: `counter`, `gauge`, `histogram`, `summary` or `untyped`.
    pub types: BTreeMap<String, String>,
    /// Help text of a metric family, unescaped.
    pub help: BTreeMap<String, String>,
}

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Name of the metric.
    pub name: String,
    /// Labels, unescaped.
    pub labels: BTreeMap<String, String>,
    /// The value; may be NaN or infinite.
    pub value: f64,
    /// Milliseconds since 1970, if the line has a timestamp.
    pub timestamp_ms: Option<i64>,
}

impl Sample {
    /// Name and labels as the format writes them.
    #[must_use]
    pub fn key(&self) -> String {
        let mut key = self.name.clone();
        write_labels(&mut key, &self.labels);
        key
    }
}

impl Exposition {
    /// The samples of a metric that carry at least these labels.
    pub fn matching<'a>(
        &'a self,
        name: &'a str,
        labels: &'a BTreeMap<String, String>,
    ) -> impl Iterator<Item = &'a Sample> {
        self.samples.iter().filter(move |sample| {
            sample.name == name
                && labels
                    .iter()
                    .all(|(label, value)| sample.labels.get(label) == Some(value))
        })
    }
}

/// A line that is not of the format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read line {line} of the metrics: {message}")]
pub struct ParseError {
    /// Line from 1.
    pub line: usize,
    /// What is wrong.
    pub message: &'static str,
}

/// Reads the text format. Never panics; the first bad line ends it.
pub fn parse(text: &str) -> Result<Exposition, ParseError> {
    let mut exposition = Exposition::default();
    for (idx, line) in text.split('\n').enumerate() {
        let fail = |message| ParseError {
            line: idx + 1,
            message,
        };
        let line = line.trim_matches([' ', '\t', '\r']);
        if let Some(comment) = line.strip_prefix('#') {
            parse_comment(comment, &mut exposition).map_err(fail)?;
        } else if !line.is_empty() {
            exposition.samples.push(parse_sample(line).map_err(fail)?);
        }
    }
    Ok(exposition)
}

fn is_blank(character: char) -> bool {
    character == ' ' || character == '\t'
}

fn parse_comment(comment: &str, exposition: &mut Exposition) -> Result<(), &'static str> {
    let comment = comment.trim_start_matches(is_blank);
    let (word, rest) = comment.split_once(is_blank).unwrap_or((comment, ""));
    if word != "HELP" && word != "TYPE" {
        return Ok(());
    }
    let rest = rest.trim_start_matches(is_blank);
    let (name, rest) = rest.split_once(is_blank).unwrap_or((rest, ""));
    if !is_name(name) {
        return Err("HELP or TYPE without the name of a metric");
    }
    let rest = rest.trim_start_matches(is_blank);
    if word == "HELP" {
        exposition
            .help
            .insert(name.to_owned(), unescape(rest, false));
        return Ok(());
    }
    if !["counter", "gauge", "histogram", "summary", "untyped"].contains(&rest) {
        return Err("TYPE is not counter, gauge, histogram, summary or untyped");
    }
    match exposition.types.insert(name.to_owned(), rest.to_owned()) {
        Some(_) => Err("second TYPE for one metric"),
        None => Ok(()),
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b':')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
}

fn parse_sample(line: &str) -> Result<Sample, &'static str> {
    let name_end = line
        .find(|c: char| c == '{' || is_blank(c))
        .ok_or("sample without a value")?;
    let name = &line[..name_end];
    if !is_name(name) {
        return Err("not the name of a metric");
    }
    let rest = line[name_end..].trim_start_matches(is_blank);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => parse_labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let mut words = rest.split(is_blank).filter(|word| !word.is_empty());
    let value = parse_number(words.next().ok_or("sample without a value")?)?;
    let timestamp_ms = match words.next() {
        Some(word) => Some(
            word.parse()
                .map_err(|_| "timestamp is not a whole number")?,
        ),
        None => None,
    };
    if words.next().is_some() {
        return Err("text after the timestamp");
    }
    Ok(Sample {
        name: name.to_owned(),
        labels,
        value,
        timestamp_ms,
    })
}

fn parse_number(word: &str) -> Result<f64, &'static str> {
    // Rust reads `inf`, `+Inf`, `NaN` and exponents as Go does; hexadecimal forms are not written
    // by any client library that we know.
    word.parse().map_err(|_| "value is not a number")
}

type Labels = BTreeMap<String, String>;

/// Reads labels after their opening brace; returns them and what follows the closing one.
fn parse_labels(mut rest: &str) -> Result<(Labels, &str), &'static str> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches(is_blank);
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok((labels, rest));
        }
        let (name, after) = rest.split_once('=').ok_or("label without `=`")?;
        let name = name.trim_matches(is_blank);
        if !is_name(name) || name.contains(':') {
            return Err("not the name of a label");
        }
        let after = after.trim_start_matches(is_blank);
        let quoted = after
            .strip_prefix('"')
            .ok_or("label value without quotes")?;
        let end = closing_quote(quoted).ok_or("label value without its closing quote")?;
        if labels
            .insert(name.to_owned(), unescape(&quoted[..end], true))
            .is_some()
        {
            return Err("label given twice");
        }
        rest = quoted[end + 1..].trim_start_matches(is_blank);
        rest = match rest.strip_prefix(',') {
            Some(rest) => rest,
            None if rest.starts_with('}') => rest,
            None => return Err("label without `,` or `}` after it"),
        };
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (idx, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some(idx),
            _ => {}
        }
    }
    None
}

/// `\\` and `\n`, in labels also `\"`; any other escape stays as it is.
fn unescape(text: &str, is_label: bool) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('\\') => plain.push('\\'),
            Some('n') => plain.push('\n'),
            Some('"') if is_label => plain.push('"'),
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    plain
}

fn write_labels(out: &mut String, labels: &Labels) {
    if labels.is_empty() {
        return;
    }
    for (idx, (label, value)) in labels.iter().enumerate() {
        let value = value
            .replace('\\', "\\\\")
            .replace('\n', "\\n")
            .replace('"', "\\\"");
        let before = if idx == 0 { '{' } else { ',' };
        let _ = write!(out, "{before}{label}=\"{value}\"");
    }
    out.push('}');
}

fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 {
            "+Inf".to_owned()
        } else {
            "-Inf".to_owned()
        }
    } else {
        value.to_string()
    }
}

/// Writes the text format: help and type before the first sample of a family, samples in order.
#[must_use]
pub fn render(exposition: &Exposition) -> String {
    let mut out = String::new();
    let mut last = None;
    for sample in &exposition.samples {
        let family = sample.name.as_str();
        if last != Some(family) {
            if let Some(help) = exposition.help.get(family) {
                let help = help.replace('\\', "\\\\").replace('\n', "\\n");
                let _ = writeln!(out, "# HELP {family} {help}");
            }
            if let Some(kind) = exposition.types.get(family) {
                let _ = writeln!(out, "# TYPE {family} {kind}");
            }
            last = Some(family);
        }
        let _ = write!(out, "{} {}", sample.key(), number(sample.value));
        if let Some(timestamp_ms) = sample.timestamp_ms {
            let _ = write!(out, " {timestamp_ms}");
        }
        out.push('\n');
    }
    out
}

/// A limit as settings write it: a number, a size in bytes, a duration in seconds, a share from 0
/// to 1.
#[must_use]
pub fn parse_quantity(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.parse::<f64>().ok().filter(|value| value.is_finite());
    plain
        .or_else(|| text.parse::<Size>().ok().map(|size| size.0 as f64))
        .or_else(|| text.parse::<Span>().ok().map(|span| span.0.as_secs_f64()))
        .or_else(|| text.parse::<Percent>().ok().map(|percent| percent.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "# HELP http_requests_total The \\\\ total\\nnumber.\n\
        # TYPE http_requests_total counter\n\
        http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n\
        # a comment\n\
        path_info { path = \"C:\\\\DIR\\\\\", error=\"Cannot find \\\"FILE\\\"\\n}\", } 1.458255915e9\n\
        \n\
        up NaN\n\
        bucket{le=\"+Inf\"} +Inf\n";

    #[test]
    fn labels_escapes_and_timestamps_are_read() {
        let exposition = parse(TEXT).unwrap();
        assert_eq!(exposition.samples.len(), 4);
        assert_eq!(exposition.samples[0].timestamp_ms, Some(1_395_066_363_000));
        let labels = &exposition.samples[1].labels;
        assert_eq!(labels["path"], "C:\\DIR\\");
        assert_eq!(labels["error"], "Cannot find \"FILE\"\n}");
        assert_eq!(
            exposition.help["http_requests_total"],
            "The \\ total\nnumber."
        );
        assert!(exposition.samples[2].value.is_nan());
        let code = BTreeMap::from([("code".to_owned(), "200".to_owned())]);
        assert_eq!(exposition.matching("http_requests_total", &code).count(), 1);
    }

    #[test]
    fn a_bad_line_is_named() {
        let cases = [
            ("a 1\nb", "sample without a value"),
            ("a 1\nb{x=1} 2", "label value without quotes"),
            ("a 1\nb{x=\"1} 2", "label value without its closing quote"),
            (
                "a 1\nb{x=\"1\" y=\"2\"} 2",
                "label without `,` or `}` after it",
            ),
            ("a 1\n1b 2", "not the name of a metric"),
            ("a 1\nb two", "value is not a number"),
            ("a 1\nb 2 3 4", "text after the timestamp"),
            (
                "a 1\n# TYPE b thing",
                "TYPE is not counter, gauge, histogram, summary or untyped",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(
                parse(text).unwrap_err(),
                ParseError { line: 2, message },
                "{text}"
            );
        }
    }

    #[test]
    fn limits_carry_units() {
        assert_eq!(parse_quantity("500MiB"), Some(524_288_000.0));
        assert_eq!(parse_quantity("250ms"), Some(0.25));
        assert_eq!(parse_quantity("5%"), Some(0.05));
        assert_eq!(parse_quantity("1e3"), Some(1000.0));
        assert_eq!(parse_quantity("inf"), None);
    }

    fn sample() -> impl Strategy<Value = Sample> {
        let labels = prop::collection::btree_map("[a-z_][a-z0-9_]{0,5}", any::<String>(), 0..4);
        let timestamp = prop::option::of(any::<i64>());
        (
            "[a-zA-Z_:][a-zA-Z0-9_:]{0,9}",
            labels,
            any::<f64>(),
            timestamp,
        )
            .prop_map(|(name, labels, value, timestamp_ms)| Sample {
                name,
                labels,
                value: if value.is_nan() { 0.0 } else { value },
                timestamp_ms,
            })
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in any::<String>(), line in "[a-c{}=\",\\\\ 0-9#\t\n-]{0,40}") {
            let _ = parse(&text);
            let _ = parse(&line);
        }

        #[test]
        fn parse_after_render_is_identity(samples in prop::collection::vec(sample(), 0..6)) {
            let exposition = Exposition { samples, ..Exposition::default() };
            prop_assert_eq!(parse(&render(&exposition)).unwrap(), exposition);
        }
    }
}
