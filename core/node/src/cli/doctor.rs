//! `hearth doctor`: looks for what is wrong. Works with a node running and without.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::cli::{Global, Invocation};
use crate::data_dir::DataDir;
use crate::doctor::{Check, Depth, Patient, State, examine};
use crate::output::Output;
use crate::output::text::one_line;
use crate::settings::Environment;
use crate::settings::load::data_dir_without_file;

/// Looks for what is wrong.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Read every artifact, and hold it against its hash
    #[arg(long)]
    deep: bool,
}

pub(super) fn run(global: &Global, doctor: &Doctor) -> anyhow::Result<ExitCode> {
    let output = Output::of(global.json);
    let patient = patient(global, doctor);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let checks = runtime.block_on(examine(&patient));
    runtime.shutdown_background();
    output.object(&json!({ "checks": checks }), || lines(&checks))?;
    let has_fault = checks.iter().any(|check| check.state == State::Fault);
    Ok(if has_fault {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Settings that cannot be used are a finding, and no reason to look at nothing else.
fn patient(global: &Global, doctor: &Doctor) -> Patient {
    let depth = if doctor.deep {
        Depth::Hashes
    } else {
        Depth::Sizes
    };
    match Invocation::new(global.clone(), &[]) {
        Ok(invocation) => Patient {
            data: invocation.data_dir(),
            settings: Ok(invocation.loaded),
            depth,
        },
        Err(error) => {
            let environment = Environment::read_what_is_right();
            let root = data_dir_without_file(&environment, global.data_dir.as_deref());
            Patient {
                settings: Err(format!("{error:#}")),
                data: DataDir::at(root),
                depth,
            }
        }
    }
}

fn lines(checks: &[Check]) -> String {
    let name_width = checks.iter().map(|check| check.name.len()).max();
    let lines = checks.iter().map(|check| {
        let Check {
            name,
            state,
            found,
            remedy,
        } = check;
        let width = name_width.unwrap_or(0);
        let mut line = format!("{:7} {name:width$}  {}", state.as_str(), one_line(found));
        if let Some(remedy) = remedy {
            line.push_str("; mend it: ");
            line.push_str(&one_line(remedy));
        }
        line
    });
    lines.collect::<Vec<_>>().join("\n")
}
