//! The one place that prints: results to standard output, all else to standard error.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use tollgate_report::Finding;
use tollgate_report::program::spell;
use tollgate_report::render::{Paint, render_finding};

use crate::failure::Failure;
use crate::global::{Color, Format, Global};
use crate::program::Program;

/// How much of a result is written at once; standard output alone writes line by line.
const BUFFER_BYTES: usize = 64 << 10;

/// Writes whole lines in large parts, with the program's name in place of its marker.
struct Spelled<W: Write> {
    out: W,
    program: Program,
    waiting: Vec<u8>,
}

impl<W: Write> Spelled<W> {
    fn new(out: W, program: Program) -> Self {
        Self {
            out,
            program,
            waiting: Vec::with_capacity(BUFFER_BYTES),
        }
    }

    /// Writes the first `n` bytes that wait.
    fn pass(&mut self, n: usize) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.waiting[..n]);
        self.out
            .write_all(spell(&text, self.program.name).as_bytes())?;
        self.waiting.drain(..n);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.pass(self.waiting.len())?;
        self.out.flush()
    }
}

impl<W: Write> Write for Spelled<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= BUFFER_BYTES
            && let Some(end) = self.waiting.iter().rposition(|byte| *byte == b'\n')
        {
            self.pass(end + 1)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How this run talks: format, colour, and whether progress is shown.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    program: Program,
    pub format: Format,
    pub is_quiet: bool,
    pub paint: Paint,
    /// Standard error is a terminal, so that progress may redraw a line.
    pub is_live: bool,
}

impl Output {
    pub fn new(program: Program, global: &Global) -> Self {
        let wants_colour = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && io::stdout().is_terminal()
            }
        };
        Self {
            program,
            format: global.format,
            is_quiet: global.quiet,
            paint: if wants_colour {
                Paint::Colour
            } else {
                Paint::Plain
            },
            is_live: io::stderr().is_terminal() && !global.quiet,
        }
    }

    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Writes a result for people; nothing in JSON format. A closed pipe is not an error.
    pub fn text(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.format == Format::Text {
            let mut out = Spelled::new(io::stdout().lock(), self.program);
            // A reader who closes the pipe, such as `head`, has seen enough.
            let _ = write(&mut out).and_then(|()| out.finish());
        }
    }

    /// Writes a line of result for people.
    pub fn line(&self, text: impl AsRef<str>) {
        self.text(|out| writeln!(out, "{}", text.as_ref()));
    }

    /// Writes the result for programs; nothing in text format.
    pub fn json(&self, value: &impl Serialize) {
        if self.is_json() {
            let mut out = Spelled::new(io::stdout().lock(), self.program);
            // As in `text`: a closed pipe is the reader's choice.
            let _ = serde_json::to_writer_pretty(&mut out, value)
                .map_err(io::Error::from)
                .and_then(|()| writeln!(out))
                .and_then(|()| out.finish());
        }
    }

    /// Writes a result that is text already, in a format for programs.
    pub fn raw(&self, text: &str) {
        // As in `text`: a closed pipe is the reader's choice.
        let _ = io::stdout()
            .lock()
            .write_all(spell(text, self.program.name).as_bytes());
    }

    /// Writes a document as it is: what stands for the program's name in it is part of it.
    pub fn verbatim(&self, text: &str) {
        // As in `text`: a closed pipe is the reader's choice.
        let _ = io::stdout().lock().write_all(text.as_bytes());
    }

    /// Writes a line about what is going on, to standard error.
    pub fn progress(&self, text: impl AsRef<str>) {
        if !self.is_quiet {
            // A closed standard error leaves nobody to tell.
            let text = spell(text.as_ref(), self.program.name);
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Writes findings with their source lines, as far as the files can be read.
    pub fn findings(&self, findings: &[Finding], root: &std::path::Path) {
        self.text(|out| {
            for finding in findings {
                let text = finding
                    .place
                    .as_ref()
                    .and_then(|place| std::fs::read_to_string(root.join(&place.file)).ok());
                render_finding(out, finding, text.as_deref(), self.paint)?;
                writeln!(out)?;
            }
            Ok(())
        });
    }

    /// Writes why a command could not do its work, once, at the edge.
    pub fn failure(&self, failure: &Failure) {
        let mut err = Spelled::new(io::stderr().lock(), self.program);
        // Nobody is left to tell when standard error is closed; the exit code still says it.
        let _ = render_failure(&mut err, failure, self.paint).and_then(|()| err.finish());
        if self.is_json() {
            drop(err);
            self.json(&serde_json::json!({
                "version": 1,
                "error": {
                    "exit_code": failure.code.code(),
                    "message": failure.to_string(),
                    "hint": failure.hint,
                    "findings": failure.findings.iter().map(|(finding, _)| finding).collect::<Vec<_>>(),
                }
            }));
        }
    }
}

fn render_failure(out: &mut dyn Write, failure: &Failure, paint: Paint) -> io::Result<()> {
    for (finding, text) in &failure.findings {
        render_finding(out, finding, text.as_deref(), paint)?;
    }
    if failure.findings.is_empty() {
        writeln!(out, "{} {:#}", paint.bold("error:"), failure.error)?;
    }
    if let Some(hint) = &failure.hint {
        writeln!(out, "\nhint: {hint}")?;
    }
    Ok(())
}

/// A line that is redrawn on a terminal; elsewhere only what happens is written, a line each.
#[derive(Debug)]
pub struct Bar {
    output: Output,
    spinner: Option<indicatif::ProgressBar>,
}

impl Output {
    /// A bar with a name in front.
    pub fn bar(self, name: &str) -> Bar {
        let spinner = self.is_live.then(|| {
            let spinner = indicatif::ProgressBar::new_spinner().with_prefix(name.to_owned());
            let style =
                indicatif::ProgressStyle::with_template("{spinner} {prefix} {elapsed}: {msg}");
            spinner
                .set_style(style.unwrap_or_else(|_| indicatif::ProgressStyle::default_spinner()));
            spinner.enable_steady_tick(std::time::Duration::from_millis(120));
            spinner
        });
        Bar {
            output: self,
            spinner,
        }
    }
}

impl Bar {
    /// Replaces the message of the bar.
    pub fn message(&self, text: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(text.to_owned());
        }
    }

    /// Writes a line that stays.
    pub fn line(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| self.output.progress(text)),
            None => self.output.progress(text),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
