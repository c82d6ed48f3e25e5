//! `hearth run show`: a run with its steps.

use clap::Args;
use serde_json::Value;

use crate::cli::Invocation;
use crate::cli::words::number_or_id;
use crate::client::wire::{Page, RunRecord, Step};
use crate::output::table::{fields, table};
use crate::output::text::{gist, moment, one_line, paragraphs, shortened};

/// So that a row fits 100 columns beside the usual names.
const WORDS_WIDTH: usize = 36;

/// Shows one run with its steps.
#[derive(Debug, Args)]
pub struct Show {
    /// The run's number or UUID
    #[arg(value_name = "N", value_parser = number_or_id)]
    run: String,
    /// Every attempt, with arguments and results; with --json, the steps and not the run
    #[arg(long, short = 'v', visible_alias = "verbose")]
    steps: bool,
}

pub(super) async fn run(invocation: &Invocation, show: Show) -> anyhow::Result<()> {
    let client = invocation.client()?;
    let answer = client.get(&["runs", &show.run], &[]).await?;
    let run: RunRecord = answer.read()?;
    let journal = client.get(&["runs", &run.id, "steps"], &[]).await?;
    let steps: Page<Step> = journal.read()?;
    if show.steps {
        let output = invocation.output;
        return output.answer(&journal.text, || in_full(&run, &steps.items));
    }
    invocation
        .output
        .answer(&answer.text, || page(&run, &steps.items))
}

fn head(run: &RunRecord, steps: &[Step]) -> String {
    let reason = run.reason.as_deref().map(paragraphs).unwrap_or_default();
    let why = match run.status.as_str() {
        "waiting" => "waits for",
        _ => "why",
    };
    let pairs = [
        ("status", one_line(&run.status)),
        (why, reason),
        ("do this", next_command(run, steps)),
        ("with", one_line(&run.agent)),
        ("trust", run.trust.words()),
        ("began", moment(&run.started_at)),
        ("changed", moment(&run.updated_at)),
        (
            "ended",
            run.ended_at.as_deref().map(moment).unwrap_or_default(),
        ),
        ("id", one_line(&run.id)),
    ];
    let head = format!("run {} of task #{}", run.number, run.task_number);
    format!("{head}\n\n{}", fields(&pairs))
}

/// Returns what the owner can do about a run that does not go on by itself.
fn next_command(run: &RunRecord, steps: &[Step]) -> String {
    let waiting: Vec<&Step> = steps.iter().filter(|step| step.is_live()).collect();
    let approvals = waiting.iter().filter_map(|step| step.approval());
    let mut commands: Vec<String> = approvals
        .map(|number| format!("hearth approvals show {number}"))
        .collect();
    if waiting.iter().any(|step| step.is_question()) {
        commands.push(format!("hearth task answer {}", run.task_number));
    }
    if run.status == "failed" {
        commands.push(format!("hearth run retry {}", run.number));
    }
    commands.join("\n")
}

fn page(run: &RunRecord, steps: &[Step]) -> String {
    let live: Vec<&Step> = steps.iter().filter(|step| step.is_live()).collect();
    let rows: Vec<[String; 7]> = live.iter().map(|step| row(step)).collect();
    let heading = ["step", "name", "tool", "status", "try", "decision", "note"];
    let table = table(heading, &rows);
    let head = head(run, steps);
    let hidden = steps.len() - live.len();
    let more = match hidden {
        0 => String::new(),
        some => format!(
            "\n\nand {some} that count no more: hearth run show {} --steps",
            run.number
        ),
    };
    format!("{head}\n\n{table}{more}").trim_end().to_owned()
}

fn row(step: &Step) -> [String; 7] {
    let said = step.error.as_deref().or(step.note.as_deref());
    [
        step.place.to_string(),
        step.name.clone(),
        step.tool.clone(),
        step.status.clone(),
        step.attempt.to_string(),
        decision(step),
        said.map(|text| shortened(&gist(text), WORDS_WIDTH))
            .unwrap_or_default(),
    ]
}

/// Returns what the policy said, in few words.
fn decision(step: &Step) -> String {
    let decision = &step.decision;
    match (step.approval(), decision.approval, decision.permission) {
        (Some(number), _, _) => format!("waits for approval {number}"),
        (None, Some(number), _) if decision.verdict == "deny" => {
            format!("denied, approval {number}")
        }
        (None, Some(number), _) => format!("approval {number}"),
        (None, None, Some(number)) => format!("permission {number}"),
        (None, None, None) if step.is_question() => "asks you".into(),
        (None, None, None) if step.is_handed_on() => "waits for another agent".into(),
        (None, None, None) => one_line(&decision.verdict),
    }
}

fn in_full(run: &RunRecord, steps: &[Step]) -> String {
    let mut parts = vec![head(run, steps)];
    parts.extend(steps.iter().map(step_in_full));
    parts.join("\n\n")
}

fn step_in_full(step: &Step) -> String {
    let time = |text: &Option<String>| text.as_deref().map(moment).unwrap_or_default();
    let text = |text: &Option<String>| text.as_deref().map(paragraphs).unwrap_or_default();
    let pairs = [
        ("  tool", one_line(&step.tool)),
        ("  args", pretty(&Value::Object(step.args.clone()))),
        ("  decision", decision(step)),
        ("  because", one_line(&step.decision.reason)),
        ("  if cut off", one_line(&step.repeat)),
        (
            "  result",
            step.result.as_ref().map(pretty).unwrap_or_default(),
        ),
        ("  artifacts", one_line(&step.artifacts.join(", "))),
        ("  note", text(&step.note)),
        ("  error", text(&step.error)),
        ("  begun", moment(&step.created_at)),
        ("  acted", time(&step.acted_at)),
        ("  ended", time(&step.ended_at)),
        ("  discarded", time(&step.discarded_at)),
    ];
    format!(
        "step {} {}, attempt {}: {}\n{}",
        step.place,
        one_line(&step.name),
        step.attempt,
        one_line(&step.status),
        fields(&pairs)
    )
}

fn pretty(value: &Value) -> String {
    paragraphs(&serde_json::to_string_pretty(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> RunRecord {
        RunRecord {
            id: "u1".into(),
            number: 3,
            task_number: 12,
            status: "waiting".into(),
            reason: Some("approval 4".into()),
            agent: "seed".into(),
            started_at: "2026-11-23T09:00:00.000Z".into(),
            updated_at: "2026-11-23T09:00:01.000Z".into(),
            ..RunRecord::default()
        }
    }

    fn steps() -> Vec<Step> {
        serde_json::from_str(
            r#"[{"place":1,"attempt":1,"name":"count","tool":"python","status":"failed","error":"no\u001b[2J file",
                 "decision":{"verdict":"allow","reason":"r"},"discarded_at":"2026-11-23T09:00:00.000Z"},
                {"place":1,"attempt":2,"name":"count","tool":"python","status":"done","note":"3 lines",
                 "args":{"code":"1"},"result":{"lines":3},"decision":{"verdict":"allow","reason":"r"},
                 "something_newer":1},
                {"place":2,"attempt":1,"name":"page","tool":"http_get","status":"waiting",
                 "waiting_for":{"kind":"approval","approval":4},"decision":{"verdict":"ask","reason":"r"}}]"#,
        )
        .unwrap()
    }

    #[test]
    fn a_run_is_shown_with_the_steps_that_count_and_what_to_do() {
        assert_eq!(
            page(&run(), &steps()),
            "run 3 of task #12\n\n\
             status     waiting\n\
             waits for  approval 4\n\
             do this    hearth approvals show 4\n\
             with       seed\n\
             began      2026-11-23T09:00:00Z\n\
             changed    2026-11-23T09:00:01Z\n\
             id         u1\n\n\
             STEP  NAME   TOOL      STATUS   TRY  DECISION              NOTE\n\
             1     count  python    done     2    allow                 3 lines\n\
             2     page   http_get  waiting  1    waits for approval 4\n\n\
             and 1 that count no more: hearth run show 3 --steps"
        );
    }

    #[test]
    fn every_attempt_is_shown_in_full_where_asked() {
        let text = in_full(&run(), &steps());

        assert!(text.contains("step 1 count, attempt 1: failed\n"), "{text}");
        assert!(text.contains("error      no[2J file"), "{text}");
        assert!(text.contains("\"lines\": 3"), "{text}");
        assert!(text.contains("\"code\": \"1\""), "{text}");
    }

    #[test]
    fn what_a_run_has_read_is_said_in_a_word() {
        let mut run = run();
        run.trust.untrusted = true;
        assert!(
            head(&run, &[]).contains("\ntrust      untrusted\n"),
            "{}",
            head(&run, &[])
        );

        run.trust.private = true;
        assert!(head(&run, &[]).contains("untrusted, private"));
    }

    #[test]
    fn a_failed_run_says_how_it_is_tried_again() {
        let failed = RunRecord {
            status: "failed".into(),
            ..run()
        };

        assert_eq!(next_command(&failed, &[]), "hearth run retry 3");
    }
}
