//! `hearth sandbox check`: every wall, and how to mend those that do not stand.

use std::process::ExitCode;

use hearth_sandbox::{Stands, Survey, Unavailable, Wall};
use serde_json::{Value, json};

use crate::cli::Global;
use crate::doctor::sandbox::{said, survey};
use crate::output::Output;
use crate::output::text::one_line;

pub(super) async fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let output = if global.json {
        Output::Json
    } else {
        Output::Human
    };
    let survey = survey().await;
    output.object(&object(&survey), || lines(&survey))?;
    let holds = survey.is_ok_and(|survey| survey.missing().is_none());
    Ok(if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn object(survey: &Result<Survey, Unavailable>) -> Value {
    match survey {
        Ok(survey) => {
            let walls: Vec<Value> = survey.walls.iter().map(wall_object).collect();
            json!({
                "holds": survey.missing().is_none(),
                "python_version": survey.python_version,
                "note": survey.note,
                "reason": null,
                "remedy": null,
                "walls": walls,
            })
        }
        Err(missing) => json!({
            "holds": false,
            "python_version": null,
            "note": null,
            "reason": missing.reason,
            "remedy": said(&missing.remedy),
            "walls": [],
        }),
    }
}

fn wall_object((wall, stands): &(Wall, Stands)) -> Value {
    let (state, note, remedy) = parts(stands);
    json!({ "wall": wall, "name": wall.name(), "state": state, "note": note, "remedy": remedy })
}

/// Returns a word for it, what there is to say, and what mends it.
fn parts(stands: &Stands) -> (&'static str, Option<&'static str>, Option<&'static str>) {
    match stands {
        Stands::Seen => ("seen", None, None),
        Stands::Kept(how) => ("kept", Some(*how), None),
        Stands::NotNeeded(why) => ("not_needed", Some(*why), None),
        Stands::Missing(remedy) => ("missing", None, Some(said(remedy))),
    }
}

fn lines(survey: &Result<Survey, Unavailable>) -> String {
    let survey = match survey {
        Ok(survey) => survey,
        Err(missing) => {
            return format!(
                "nothing can be run: {}; mend it: {}",
                one_line(&missing.reason),
                one_line(said(&missing.remedy))
            );
        }
    };
    let names = survey.walls.iter().map(|(wall, _)| wall.name().len());
    let width = names.max().unwrap_or(0);
    let mut lines: Vec<String> = survey
        .walls
        .iter()
        .map(|(wall, stands)| line(*wall, stands, width))
        .collect();
    lines.extend(survey.note.map(str::to_owned));
    lines.push(match survey.missing() {
        None => format!(
            "every wall stands; programs are run with Python {}",
            survey.python_version
        ),
        Some(_) => "nothing is run while a wall is missing".into(),
    });
    lines.join("\n")
}

fn line(wall: Wall, stands: &Stands, width: usize) -> String {
    let (state, note, remedy) = parts(stands);
    let state = state.replace('_', " ");
    let name = wall.name();
    let line = format!("{state:10}  {name:width$}");
    match (note, remedy) {
        (Some(note), _) => format!("{line}  {note}"),
        (None, Some(remedy)) => format!("{line}  mend it: {remedy}"),
        (None, None) => line.trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_that_does_not_stand_comes_with_what_mends_it() {
        let survey = Ok(Survey {
            python_version: "3.11.2".into(),
            note: Some("untested"),
            walls: vec![
                (Wall::Seccomp, Stands::Seen),
                (
                    Wall::SwitchedUser,
                    Stands::NotNeeded("the node is not root"),
                ),
                (Wall::Landlock, Stands::Missing("boot with landlock")),
            ],
        });

        assert_eq!(
            lines(&survey),
            "seen        seccomp\n\
             not needed  unprivileged user  the node is not root\n\
             missing     landlock           mend it: boot with landlock\n\
             untested\n\
             nothing is run while a wall is missing"
        );
        assert_eq!(object(&survey)["holds"], false);
        assert_eq!(object(&survey)["walls"][2]["remedy"], "boot with landlock");
    }

    #[test]
    fn where_nothing_can_be_run_the_reason_stands_alone() {
        let missing = Err(Unavailable {
            reason: "/usr/bin/bwrap is missing".into(),
            remedy: "run: apt-get install bubblewrap".into(),
        });

        assert_eq!(
            lines(&missing),
            "nothing can be run: /usr/bin/bwrap is missing; mend it: apt-get install bubblewrap"
        );
        assert_eq!(object(&missing)["walls"], json!([]));
    }
}
