//! Findings and tables as text. Rendering takes a writer and does not print.

use std::io::{self, Write};

use crate::{Finding, Outcome, Severity};

/// Whether text may carry colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// ANSI colours.
    Colour,
    /// Plain text.
    Plain,
}

impl Paint {
    fn wrap(self, code: &str, text: &str) -> String {
        match self {
            Self::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Plain => text.to_owned(),
        }
    }

    /// An outcome as its word, coloured.
    #[must_use]
    pub fn outcome(self, outcome: Outcome) -> String {
        let code = match outcome {
            Outcome::Pass => "32",
            Outcome::Warn | Outcome::NotChecked | Outcome::Inconclusive => "33",
            Outcome::Fail => "1;31",
        };
        self.wrap(code, outcome.word())
    }

    fn severity(self, severity: Severity) -> String {
        let code = match severity {
            Severity::Info => "36",
            Severity::Warning => "33",
            Severity::Error => "1;31",
        };
        self.wrap(code, severity.word())
    }

    /// Bold text.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// Text that may be passed over.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }
}

/// Text from documents and programs made safe to show: control characters become `\u{..}`,
/// so that nobody's contract moves the cursor of a terminal.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' && character != '\t' {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Writes one finding: severity, code and message; place; the source line with a caret when the
/// text of the file is given; why; and the hint.
pub fn render_finding(
    out: &mut dyn Write,
    finding: &Finding,
    source: Option<&str>,
    paint: Paint,
) -> io::Result<()> {
    let line = finding.place.as_ref().and_then(|place| {
        source.and_then(|source| source.lines().nth((place.line as usize).checked_sub(1)?))
    });
    render_finding_line(out, finding, line.map(SourceLine::new).as_ref(), paint)
}

/// As [`render_finding`], with the source line alone, for a caller who has it.
pub fn render_finding_line(
    out: &mut dyn Write,
    finding: &Finding,
    line: Option<&SourceLine<'_>>,
    paint: Paint,
) -> io::Result<()> {
    writeln!(
        out,
        "{}[{}]: {}",
        paint.severity(finding.severity),
        finding.code,
        paint.bold(&printable(&finding.message))
    )?;
    if let Some(place) = &finding.place {
        writeln!(out, "  --> {place}")?;
        if let Some(line) = line {
            render_caret(out, line, place.line, place.column)?;
        }
    }
    if let Some(why) = &finding.why {
        writeln!(out, "  why: {}", printable(why))?;
    }
    if let Some(fix) = &finding.fix {
        writeln!(out, "  hint: {}", printable(&fix.description))?;
        if let Some(command) = &fix.command {
            writeln!(out, "        {command}")?;
        }
    }
    Ok(())
}

/// How much of a long line is shown on each side of the caret.
const CARET_CONTEXT: usize = 60;

/// A line of a text in which any column is found at once: some documents are one line of
/// megabytes.
#[derive(Debug, Clone)]
pub struct SourceLine<'t> {
    text: &'t str,
    /// Where each [`Self::STEP`]th character begins.
    marks: Vec<usize>,
}

impl<'t> SourceLine<'t> {
    const STEP: usize = 1024;

    /// A line without its end.
    #[must_use]
    pub fn new(text: &'t str) -> Self {
        let marks = if text.len() > Self::STEP {
            marks(text, Self::STEP)
        } else {
            Vec::new()
        };
        Self { text, marks }
    }

    /// The text after this many characters.
    fn after(&self, n_letters: usize) -> &'t str {
        let known = match (
            self.marks.get(n_letters / Self::STEP),
            self.marks.is_empty(),
        ) {
            (Some(at), _) => &self.text[*at..],
            (None, true) => self.text,
            (None, false) => return "",
        };
        let n_left = match self.marks.is_empty() {
            true => n_letters,
            false => n_letters % Self::STEP,
        };
        let start = known.char_indices().nth(n_left);
        start.map_or("", |(at, _)| &known[at..])
    }
}

/// Where every `step`th character begins, the first one too. Blocks of bytes are counted at
/// once, as a document may be one line of many megabytes.
fn marks(text: &str, step: usize) -> Vec<usize> {
    const BLOCK_BYTES: usize = 64;
    // A character is its first byte; those that continue it start with the bits 10.
    let is_start = |byte: &u8| byte & 0xC0 != 0x80;
    let mut marks = Vec::with_capacity(text.len() / step + 1);
    let (mut n_before, mut wanted) = (0, 0);
    for (idx, block) in text.as_bytes().chunks(BLOCK_BYTES).enumerate() {
        let n_here = block.iter().filter(|byte| is_start(byte)).count();
        while wanted < n_before + n_here {
            let mut starts = (0..block.len()).filter(|at| is_start(&block[*at]));
            let at = starts.nth(wanted - n_before);
            marks.extend(at.map(|at| idx * BLOCK_BYTES + at));
            wanted += step;
        }
        n_before += n_here;
    }
    marks
}

fn render_caret(
    out: &mut dyn Write,
    line: &SourceLine<'_>,
    line_number: u32,
    column: u32,
) -> io::Result<()> {
    let column_idx = (column.max(1) - 1) as usize;
    let n_skipped = column_idx.saturating_sub(CARET_CONTEXT);
    let shown: String = line
        .after(n_skipped)
        .chars()
        .take(CARET_CONTEXT * 2)
        .map(|c| if c == '\t' { ' ' } else { c })
        .collect();
    let gutter = line_number.to_string();
    writeln!(out, "{gutter} | {}", printable(&shown))?;
    if column > 0 {
        writeln!(
            out,
            "{:>width$} | {:>caret$}",
            "",
            "^",
            width = gutter.len(),
            caret = column_idx - n_skipped + 1
        )?;
    }
    Ok(())
}

/// Writes a table: columns as wide as their widest cell, two spaces between them, no trailing spaces.
/// Cells may carry ANSI colours; they count as their visible width.
pub fn render_table(out: &mut dyn Write, header: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let mut widths: Vec<usize> = header.iter().map(|cell| visible_width(cell)).collect();
    for row in rows {
        for (idx, cell) in row.iter().enumerate() {
            if idx >= widths.len() {
                widths.push(0);
            }
            widths[idx] = widths[idx].max(visible_width(cell));
        }
    }
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    for row in std::iter::once(&header).chain(rows) {
        let mut line = String::new();
        for (idx, cell) in row.iter().enumerate() {
            line.push_str(cell);
            line.push_str(&" ".repeat(widths[idx] - visible_width(cell) + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn visible_width(text: &str) -> usize {
    let mut width = 0;
    let mut is_escape = false;
    for character in text.chars() {
        match (is_escape, character) {
            (false, '\x1b') => is_escape = true,
            (true, 'm') => is_escape = false,
            (true, _) => {}
            (false, _) => width += 1,
        }
    }
    width
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;

    fn render(finding: &Finding, source: Option<&str>) -> String {
        let mut out = Vec::new();
        render_finding(&mut out, finding, source, Paint::Plain).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn marks_stand_where_characters_begin() {
        for text in ["", "a", "aé日😀b", &"日b😀é-".repeat(300), &"a".repeat(129)] {
            for step in [1, 2, 7, 64, 65] {
                let want = text.char_indices().step_by(step).map(|(at, _)| at);
                assert_eq!(marks(text, step), want.collect::<Vec<_>>(), "{text} {step}");
            }
        }
    }

    #[test]
    fn any_column_of_a_long_line_is_found() {
        let text: String = ('a'..='z').chain(['ü', '日']).cycle().take(5_000).collect();
        let line = SourceLine::new(&text);
        for n_letters in [0, 1, 27, 1023, 1024, 1025, 4_095, 4_999] {
            let want: String = text.chars().skip(n_letters).collect();
            assert_eq!(line.after(n_letters), want, "{n_letters}");
        }
        assert_eq!(line.after(5_000), "");
        assert_eq!(line.after(100_000), "");
        assert_eq!(SourceLine::new("short").after(2), "ort");
        assert_eq!(SourceLine::new("short").after(9), "");
    }

    #[test]
    fn a_finding_shows_its_line_a_caret_and_the_next_command() {
        let finding = Finding::error("ref-missing", "`#/components/schemas/Rnu` does not exist")
            .at(Place::at("contracts/openapi.yaml", 2, 9))
            .fix_command("did you mean `Run`?", "cargo xtask contract lint");
        let text = render(
            &finding,
            Some("schema:\n  $ref: '#/components/schemas/Rnu'\n"),
        );
        assert_eq!(
            text,
            "error[ref-missing]: `#/components/schemas/Rnu` does not exist\n  \
             --> contracts/openapi.yaml:2:9\n\
             2 |   $ref: '#/components/schemas/Rnu'\n  \
             |         ^\n  \
             hint: did you mean `Run`?\n        cargo xtask contract lint\n"
        );
    }

    #[test]
    fn a_document_cannot_move_the_cursor() {
        let finding = Finding::error("x", "title is `\x1b[2J`");
        assert!(!render(&finding, None).contains('\x1b'));
    }

    #[test]
    fn colour_does_not_shift_a_column() {
        let mut out = Vec::new();
        let rows = vec![
            vec![Paint::Colour.outcome(Outcome::Pass), "x".into()],
            vec!["inconclusive".into(), "y".into()],
        ];
        render_table(&mut out, &["verdict", "id"], &rows).unwrap();
        let text = String::from_utf8(out)
            .unwrap()
            .replace("\x1b[32m", "")
            .replace("\x1b[0m", "");
        assert_eq!(text, "verdict       id\npass          x\ninconclusive  y\n");
    }
}
