//! Clocks, percentiles and the table.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;

/// One line of the table.
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// What it must be.
    pub(crate) must: String,
    /// What it was.
    pub(crate) measured: String,
    /// Whether that is met.
    pub(crate) is_met: bool,
    /// Its part of the ceiling, where there is one, or another word on it.
    pub(crate) note: String,
}

/// Prints the table as Markdown.
pub(crate) fn print_table(rows: &[Row]) {
    println!("\n| what | must | measured | met | note |\n|---|---|---|---|---|");
    for row in rows {
        let met = if row.is_met { "yes" } else { "no" };
        println!(
            "| {} | {} | {} | {met} | {} |",
            row.what, row.must, row.measured, row.note
        );
    }
}

/// Returns the processor time that a process has used, user and system together.
pub(crate) fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name may contain blanks; it ends with the last parenthesis.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .context("no process name")?
        .1
        .split_whitespace()
        .collect();
    let ticks: u64 = fields.get(11).context("no utime")?.parse::<u64>()?
        + fields.get(12).context("no stime")?.parse::<u64>()?;
    // Linux reports in hundredths of a second on every architecture.
    Ok(Duration::from_millis(ticks * 10))
}

/// Returns a process's resident memory in MiB, in all and without what is shared with files.
pub(crate) fn memory_mib(pid: u32) -> anyhow::Result<(f64, f64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| -> anyhow::Result<f64> {
        let line = status
            .lines()
            .find(|line| line.starts_with(name))
            .context("no such field")?;
        Ok(line
            .split_whitespace()
            .nth(1)
            .context("no value")?
            .parse::<f64>()?
            / 1024.0)
    };
    Ok((field("VmRSS:")?, field("RssAnon:")?))
}

/// Returns the value below which `share` of the values lie, in milliseconds.
pub(crate) fn percentile_ms(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a list of measurements"
    )]
    let place = ((times.len() as f64 - 1.0) * share).round() as usize;
    times
        .get(place)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}

/// Returns how many of `count` things were done per second of `cpu`.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub(crate) fn rate(count: usize, cpu: Duration) -> f64 {
    count as f64 / cpu.as_secs_f64()
}

/// Returns the median time of appending a page to a file and flushing it, in milliseconds.
pub(crate) fn fdatasync_p50_ms(folder: &Path) -> anyhow::Result<f64> {
    let path = folder.join("fdatasync");
    let mut file = std::fs::File::create(&path)?;
    let page = [0x5a; 4096];
    let mut times = Vec::new();
    for _ in 0..500 {
        let start = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(percentile_ms(&mut times, 0.5))
}
