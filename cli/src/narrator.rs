//! Shows what happens during a release, and while the steps of a tier run.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tollgate_alerts::channel::Console;
use tollgate_gates::Decision;
use tollgate_gates::tier::News;
use tollgate_release::Narrator;
use tollgate_release::summary::{ShipSummary, duration_words, render_text};
use tollgate_report::Finding;
use tollgate_tiers::Event;

use crate::context::Context;
use crate::output::Bar;

/// Writes to the output of a command.
#[derive(Debug)]
pub struct Voice<'a> {
    context: &'a Context,
    /// Whether to write why each step of a tier runs.
    explain: bool,
    bar: Mutex<Option<Bar>>,
}

impl<'a> Voice<'a> {
    pub fn new(context: &'a Context) -> Self {
        Self {
            context,
            explain: false,
            bar: Mutex::new(None),
        }
    }

    /// The same, writing why each step of a tier runs.
    #[must_use]
    pub fn explaining(self, explain: bool) -> Self {
        Self { explain, ..self }
    }

    fn with_bar(&self, act: impl FnOnce(Option<&Bar>)) {
        act(self
            .bar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref());
    }
}

impl Narrator for Voice<'_> {
    fn progress(&self, text: &str) {
        self.with_bar(|bar| match bar {
            Some(bar) => bar.line(text),
            None => self.context.output.progress(text),
        });
    }

    fn line(&self, text: &str) {
        self.context.output.line(text);
    }

    fn findings(&self, findings: &[Finding]) {
        self.context.output.findings(findings, &self.context.root);
    }

    fn decided(&self, decision: &Decision) {
        let output = &self.context.output;
        self.progress(&format!(
            "{} {}: {} ({})",
            output.paint.outcome(decision.outcome()),
            output.paint.bold(&decision.gate),
            decision.verdict.reason,
            duration_words(decision.duration_ms)
        ));
    }

    fn begin(&self, name: &str) {
        let bar = self.context.output.bar(name);
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    fn status(&self, text: &str) {
        self.with_bar(|bar| {
            if let Some(bar) = bar {
                bar.message(text);
            }
        });
    }

    fn end(&self) {
        let bar = self
            .bar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(bar) = bar {
            bar.finish();
        }
    }

    fn tier(&self, news: News<'_>) {
        match news {
            News::Step(tier, Event::Planned { n_steps }) => {
                self.progress(&format!("{}: {n_steps} steps", tier.word()));
            }
            News::Step(_, Event::Started { step, explanation }) => {
                self.status(&format!("{step} runs: {explanation}"));
                if self.explain {
                    self.progress(&format!("  {step}: {explanation}"));
                }
            }
            News::Step(_, Event::Finished(step)) => {
                let seconds = Duration::from_millis(step.duration_ms).as_secs_f64();
                let outcome = self.context.output.paint.outcome(step.outcome);
                self.progress(&format!(
                    "  {outcome} {} ({}, {seconds:.1} s)",
                    step.name,
                    step.how.word()
                ));
            }
            News::NotKept { step, error } => {
                self.progress(&format!(
                    "  what `{step}` measured could not be kept: {error}"
                ));
            }
        }
    }

    fn shipped(&self, summary: &ShipSummary) {
        let output = &self.context.output;
        output.text(|out| render_text(out, summary, output.paint));
        output.json(summary);
    }

    fn console(&self) -> Console {
        let output = self.context.output;
        let writer = Messages {
            is_data: output.is_json(),
        };
        Console::new(Box::new(writer), output.paint)
    }
}

/// Messages of the receiver `console`: on standard output, or on standard error for a run whose
/// standard output is data. Each write takes the lock for itself.
struct Messages {
    is_data: bool,
}

impl Write for Messages {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_data {
            io::stderr().lock().write(bytes)
        } else {
            io::stdout().lock().write(bytes)
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_data {
            io::stderr().lock().flush()
        } else {
            io::stdout().lock().flush()
        }
    }
}
