//! How far it is, on one line of the terminal that is written over and over. Elsewhere nothing is shown.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use crate::output::text::size;

/// How often it is drawn at most.
const EVERY: Duration = Duration::from_millis(100);
/// How many characters wide the bar is.
const WIDTH: u64 = 24;

pub(super) struct Bar {
    name: String,
    began: Instant,
    /// None where nobody looks.
    drawn: Option<Instant>,
    /// What was there before it began.
    first: Option<u64>,
    is_begun: bool,
}

impl Bar {
    pub(super) fn new(name: &str) -> Self {
        let now = Instant::now();
        Self {
            name: name.to_owned(),
            began: now,
            drawn: stderr().is_terminal().then_some(now),
            first: None,
            is_begun: false,
        }
    }

    pub(super) fn show(&mut self, bytes: u64, total: Option<u64>) {
        let first = *self.first.get_or_insert(bytes);
        let Some(drawn) = &mut self.drawn else {
            return;
        };
        if self.is_begun && drawn.elapsed() < EVERY && total != Some(bytes) {
            return;
        }
        *drawn = Instant::now();
        self.is_begun = true;
        let speed = per_second(bytes.saturating_sub(first), self.began.elapsed());
        let line = line(&self.name, bytes, total, speed);
        // Where the terminal is gone, there is nobody to show it to.
        let _ = write!(stderr().lock(), "\r{line}\x1b[K");
        let _ = stderr().lock().flush();
    }

    pub(super) fn end(&self) {
        if self.is_begun {
            let _ = writeln!(stderr().lock());
        }
    }
}

fn per_second(bytes: u64, elapsed: Duration) -> u64 {
    let millis = elapsed.as_millis().max(1);
    u64::try_from(u128::from(bytes) * 1000 / millis).unwrap_or(u64::MAX)
}

fn line(name: &str, bytes: u64, total: Option<u64>, speed: u64) -> String {
    let speed = size(speed);
    let Some(total) = total.filter(|total| *total > 0) else {
        return format!("{name}  {}  {speed}/s", size(bytes));
    };
    let share = |of: u64| u64::try_from(u128::from(bytes) * u128::from(of) / u128::from(total));
    let full = share(WIDTH).unwrap_or(WIDTH).min(WIDTH);
    let bar: String = (0..WIDTH)
        .map(|at| if at < full { '#' } else { '.' })
        .collect();
    let percent = share(100).unwrap_or(100);
    format!(
        "{name}  [{bar}] {percent:3} %  {} of {}  {speed}/s",
        size(bytes),
        size(total)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_what_is_there() {
        assert_eq!(
            line("a.bin", 1 << 20, Some(4 << 20), 512),
            "a.bin  [######..................]  25 %  1.0 MiB of 4.0 MiB  512 B/s"
        );
        assert_eq!(line("a.bin", 10, None, 5), "a.bin  10 B  5 B/s");
        assert_eq!(per_second(1000, Duration::from_millis(500)), 2000);
    }
}
