//! What one sees while one speaks: how loud it is, what was heard, what was answered.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use tokio::time::Instant;

use super::Said;
use crate::client::wire::Uttered;
use crate::output::text::{one_line, paragraphs};
use crate::output::{Output, print_line};

/// How often the meter is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(80);
/// How wide it is.
const WIDTH: usize = 30;

pub(super) struct Screen {
    /// Nobody looks at a meter where there is no terminal.
    is_shown: bool,
    can_hold: bool,
    waiting: usize,
    drawn_at: Option<Instant>,
    recording_since: Option<Instant>,
}

impl Screen {
    pub(super) fn new(output: Output, can_hold: bool) -> Self {
        Self {
            is_shown: matches!(output, Output::Human) && stderr().is_terminal(),
            can_hold,
            waiting: 0,
            drawn_at: None,
            recording_since: None,
        }
    }

    pub(super) fn begin(&self) {
        let how = if self.can_hold {
            "Hold the space bar while you speak"
        } else {
            "Press the space bar to speak, and again when you have spoken"
        };
        self.note(&format!("{how}; Esc throws it away, q ends."));
    }

    /// Draws how loud it is, now and then.
    pub(super) fn meter(&mut self, is_recording: bool, level: f32) {
        let now = Instant::now();
        self.recording_since = match (is_recording, self.recording_since) {
            (true, since) => Some(since.unwrap_or(now)),
            (false, _) => None,
        };
        let is_early = self.drawn_at.is_some_and(|at| now - at < DRAW_EVERY);
        if !self.is_shown || is_early {
            return;
        }
        self.drawn_at = Some(now);
        let since = self
            .recording_since
            .map(|since| (now - since).as_secs_f32());
        let line = line(level, since, self.waiting);
        let mut err = stderr().lock();
        let _ = write!(err, "\r{line}\x1b[K").and_then(|()| err.flush());
    }

    /// A recording waits for its answer.
    pub(super) fn thinks(&mut self) {
        self.waiting += 1;
    }

    /// Prints an answer; returns its text.
    pub(super) fn answer(&mut self, said: Said, output: Output) -> anyhow::Result<Option<String>> {
        self.waiting = self.waiting.saturating_sub(1);
        self.clear();
        let answer = match said {
            Ok(answer) => answer,
            Err(error) => {
                self.note(&format!("{error:#}"));
                return Ok(None);
            }
        };
        let uttered: Uttered = answer.read()?;
        if matches!(output, Output::Json) {
            print_line(&answer.text)?;
        } else if let Some(response) = &uttered.response {
            print_line(&format!("You said: {}", one_line(&uttered.transcript.text)))?;
            print_line(&paragraphs(response))?;
        } else {
            self.note("nothing was said");
        }
        Ok(uttered.response)
    }

    pub(super) fn note(&self, text: &str) {
        self.clear();
        crate::output::note(text);
    }

    fn clear(&self) {
        if self.is_shown {
            let _ = write!(stderr().lock(), "\r\x1b[K");
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a level is between 0 and 1"
)]
fn line(level: f32, recording: Option<f32>, waiting: usize) -> String {
    let full = (level.clamp(0.0, 1.0) * WIDTH as f32).round() as usize;
    let bar = format!("[{}{}]", "#".repeat(full), " ".repeat(WIDTH - full));
    let state = match (recording, waiting) {
        (Some(seconds), _) => format!("listening {seconds:.1} s"),
        (None, 0) => "ready".into(),
        (None, _) => "thinking".into(),
    };
    format!("{bar} {state}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meter_says_how_loud_it_is_and_what_is_done() {
        assert_eq!(line(0.0, None, 0), format!("[{}] ready", " ".repeat(30)));
        assert_eq!(
            line(0.5, Some(2.34), 1),
            format!("[{}{}] listening 2.3 s", "#".repeat(15), " ".repeat(15))
        );
        assert_eq!(line(7.0, None, 2), format!("[{}] thinking", "#".repeat(30)));
    }
}
