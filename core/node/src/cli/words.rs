//! Reads the words of the command line: which task, when, which priority.

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use hearth_domain::approval::ApprovalStatus;
use hearth_domain::project::ProjectStatus;
use hearth_domain::run::RunStatus;
use hearth_domain::task::TaskStatus;
use hearth_domain::when::{self, When};
use hearth_domain::{Clock, Priority, Role, Timestamp};
use jiff::tz::TimeZone;

use crate::client::wire::WaitingSetting;
use crate::output::text::one_line;
use crate::settings::value::shown;
use crate::system::SystemClock;

/// Reads how a task is named: `12`, `#12` or its UUID. Returns it as it stands in a path.
pub(crate) fn task_ref(text: &str) -> Result<String, String> {
    let number = text.strip_prefix('#').unwrap_or(text);
    if number.parse::<u32>().is_ok() {
        return Ok(number.to_owned());
    }
    uuid::Uuid::try_parse(text)
        .map(|id| id.to_string())
        .map_err(|_| "a task is named by its number, such as 12, or its UUID".into())
}

/// Says for which settings the node is to be started again, with both values, and how to do it.
pub(crate) fn restart_for(waiting: &[WaitingSetting]) -> String {
    let said: Vec<String> = waiting
        .iter()
        .map(|waiting| {
            let (running, next) = (shown(&waiting.running), shown(&waiting.at_restart));
            format!("{} ({next} in place of {running})", waiting.setting)
        })
        .collect();
    format!(
        "{}; do this: stop the node and start it again: hearth up",
        one_line(&said.join(", "))
    )
}

/// Reads how a run or an approval is named: `3` or its UUID. Returns it as it stands in a path.
pub(crate) fn number_or_id(text: &str) -> Result<String, String> {
    task_ref(text).map_err(|_| "it is named by its number, such as 3, or its UUID".into())
}

/// Reads an identifier.
pub(crate) fn id(text: &str) -> Result<uuid::Uuid, String> {
    uuid::Uuid::try_parse(text)
        .map_err(|_| "write the whole id, a UUID, as the list shows it".into())
}

/// Reads by when something is due: a moment, or a day, of which the last second counts.
///
/// # Errors
/// The text is no date.
pub(crate) fn due(text: &str, zone: &TimeZone) -> anyhow::Result<String> {
    Ok(read_when(text, zone)?.at.to_string())
}

/// Reads from when on something holds: a moment, or a day, of which the first second counts.
///
/// # Errors
/// The text is no date.
pub(crate) fn from_when(text: &str, zone: &TimeZone) -> anyhow::Result<String> {
    let when = read_when(text, zone)?;
    Ok(hearth_app::calendar::begins(when, zone).to_string())
}

/// Shows a moment as its day, with the time unless the whole day is meant.
pub(crate) fn day_or_moment(rfc3339: &str, zone: &TimeZone) -> String {
    Timestamp::parse("it", rfc3339).map_or_else(
        |_| rfc3339.to_owned(),
        |at| When::of_due(at, zone).show(zone),
    )
}

fn read_when(text: &str, zone: &TimeZone) -> anyhow::Result<When> {
    when::read(text, SystemClock::default().now(), zone).with_context(|| {
        format!("{text:?} is no date; write it as friday, tomorrow 15:00 or 2026-11-23")
    })
}

/// Takes a priority.
pub(crate) fn priorities() -> PossibleValuesParser {
    PossibleValuesParser::new(Priority::ALL.map(Priority::as_str))
}

/// Takes a task's status.
pub(crate) fn task_statuses() -> PossibleValuesParser {
    PossibleValuesParser::new(TaskStatus::ALL.map(TaskStatus::as_str))
}

/// Takes a run's status.
pub(crate) fn run_statuses() -> PossibleValuesParser {
    PossibleValuesParser::new(RunStatus::ALL.map(RunStatus::as_str))
}

/// Takes an approval's status.
pub(crate) fn approval_statuses() -> PossibleValuesParser {
    PossibleValuesParser::new(ApprovalStatus::ALL.map(ApprovalStatus::as_str))
}

/// Takes a project's status.
pub(crate) fn project_statuses() -> PossibleValuesParser {
    PossibleValuesParser::new(ProjectStatus::ALL.map(ProjectStatus::as_str))
}

/// Takes the role of a key.
pub(crate) fn roles() -> PossibleValuesParser {
    PossibleValuesParser::new([Role::Admin, Role::Agent, Role::Viewer].map(Role::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_named_by_number_or_uuid() {
        let id = "019ac0de-0000-7000-8000-000000000001";

        assert_eq!(task_ref("#12").as_deref(), Ok("12"));
        assert_eq!(task_ref("12").as_deref(), Ok("12"));
        assert_eq!(task_ref(id).as_deref(), Ok(id));
        assert!(task_ref("-1").is_err());
        assert!(task_ref("claim").is_err());
    }

    #[test]
    fn a_day_is_due_at_its_end_and_begins_at_its_beginning_where_the_person_is() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let due = |text| super::due(text, &zone).ok();

        assert_eq!(
            due("2026-11-23").as_deref(),
            Some("2026-11-23T22:59:59.000Z")
        );
        assert_eq!(
            from_when("2026-11-23", &zone).unwrap(),
            "2026-11-22T23:00:00.000Z"
        );
        assert_eq!(
            due("2026-11-23T09:00:00+02:00").as_deref(),
            Some("2026-11-23T07:00:00.000Z")
        );
        assert_eq!(due("blursday"), None);
        assert_eq!(due("2026-02-30"), None);
        assert_eq!(
            day_or_moment("2026-11-23T22:59:59.000Z", &zone),
            "Mon 23 Nov 2026"
        );
    }
}
