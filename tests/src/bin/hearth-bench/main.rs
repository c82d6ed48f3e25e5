//! Measures the limits that Hearth means to hold, and prints them as a table.
//!
//! `cargo run --release -p hearth-tests --bin hearth-bench` measures the program beside it, so
//! build that first: `cargo build --release -p hearth-node`.
//!
//! Rates are per second of the program's own processor time, which other load on the machine moves
//! less than time by the clock. The ceiling is the same work done by the operations in this
//! process, with no HTTP: what is between the two is what serving costs.

mod ceiling;
mod lists;
mod measure;
mod readers;
mod requests;
mod runs;
mod turns;

use anyhow::Context;
use hearth_tests::node::{Options, TestNode};

use crate::measure::{Row, fdatasync_p50_ms, print_table};

/// How many tasks the big database has.
const TASKS: usize = 100_000;

fn main() -> anyhow::Result<()> {
    let only: Vec<String> = std::env::args().skip(1).collect();
    let wants = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    let mut rows: Vec<Row> = Vec::new();
    if wants("requests") {
        let ceiling = ceiling::measure()?;
        println!(
            "ceiling: create {:.0}, get {:.0} per CPU-second",
            ceiling.create, ceiling.get
        );
        let node = TestNode::start(&Options::default())?;
        let fdatasync = fdatasync_p50_ms(node.data_dir())?;
        rows.extend(requests::measure(&node, &ceiling, fdatasync)?);
    }
    if wants("readers") {
        let node = TestNode::start(&Options::default())?;
        rows.extend(readers::measure(&node)?);
    }
    if wants("runs") {
        runs::measure()?;
    }
    if wants("turns") {
        turns::measure()?;
    }
    if wants("lists") {
        let folder = tempfile::tempdir()?;
        lists::fill(folder.path(), TASKS).context("fill the big database")?;
        rows.extend(lists::measure(folder.path())?);
    }
    print_table(&rows);
    Ok(())
}
