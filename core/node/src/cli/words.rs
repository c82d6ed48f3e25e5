//! Reads the words of the command line: which task, when, which priority.

use clap::builder::PossibleValuesParser;
use hearth_domain::project::ProjectStatus;
use hearth_domain::task::TaskStatus;
use hearth_domain::{Priority, Role, Timestamp};

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

/// Reads an identifier.
pub(crate) fn id(text: &str) -> Result<uuid::Uuid, String> {
    uuid::Uuid::try_parse(text)
        .map_err(|_| "write the whole id, a UUID, as the list shows it".into())
}

/// Reads by when something is due: a moment, or a day, of which the last second in UTC counts.
pub(crate) fn due(text: &str) -> Result<String, String> {
    moment(text, "T23:59:59Z")
}

/// Reads from when on something holds: a moment, or a day, of which the first second in UTC counts.
pub(crate) fn from_when(text: &str) -> Result<String, String> {
    moment(text, "T00:00:00Z")
}

fn moment(text: &str, time_of_day: &str) -> Result<String, String> {
    let text = text.trim();
    Timestamp::parse("it", &format!("{text}{time_of_day}"))
        .or_else(|_| Timestamp::parse("it", text))
        .map(|moment| moment.to_string())
        .map_err(|_| "write it as 2026-11-23 or 2026-11-23T09:00:00Z".into())
}

/// Takes a priority.
pub(crate) fn priorities() -> PossibleValuesParser {
    PossibleValuesParser::new(Priority::ALL.map(Priority::as_str))
}

/// Takes a task's status.
pub(crate) fn task_statuses() -> PossibleValuesParser {
    PossibleValuesParser::new(TaskStatus::ALL.map(TaskStatus::as_str))
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
    fn a_day_is_due_at_its_end_and_begins_at_its_beginning() {
        assert_eq!(due("2026-11-23").as_deref(), Ok("2026-11-23T23:59:59.000Z"));
        assert_eq!(
            from_when("2026-11-23").as_deref(),
            Ok("2026-11-23T00:00:00.000Z")
        );
        assert_eq!(
            due("2026-11-23T09:00:00+02:00").as_deref(),
            Ok("2026-11-23T07:00:00.000Z")
        );
        assert!(due("friday").is_err());
        assert!(due("2026-02-30").is_err());
    }
}
