//! What was done, in few words.

use hearth_domain::conversation::Action;

use crate::chief_of_staff::phrase::{count, shortened};

/// Whether a text names what was acted on.
pub(super) fn names(text: &str, act: &Action) -> bool {
    match act.number {
        Some(number) => {
            let mark = format!("#{number}");
            text.match_indices(&mark).any(|(at, _)| {
                let next = text
                    .get(at + mark.len()..)
                    .and_then(|rest| rest.chars().next());
                next.is_none_or(|next| !next.is_ascii_digit())
            })
        }
        None => text.to_lowercase().contains(&act.name.to_lowercase()),
    }
}

/// Says what was done, in few words: `I've made the project Web with #3, #4 and #5.`; nothing where
/// nothing was.
pub(super) fn clause(acts: &[Action], subject: &str) -> String {
    const SHOWN: usize = 8;
    let numbers = |events: &[&str]| {
        let mut numbers: Vec<i64> = acts
            .iter()
            .filter(|act| events.contains(&act.event.as_str()))
            .filter_map(|act| act.number)
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        let shown: Vec<String> = numbers
            .iter()
            .take(SHOWN)
            .map(|number| format!("#{number}"))
            .collect();
        match (numbers.len(), shown.split_last()) {
            (0, _) | (_, None) => None,
            (1, _) => Some(shown.concat()),
            (all, _) if all > SHOWN => {
                Some(format!("{} and {} more", shown.join(", "), all - SHOWN))
            }
            (_, Some((last, first))) => Some(format!("{} and {last}", first.join(", "))),
        }
    };
    let projects: Vec<String> = acts
        .iter()
        .filter(|act| act.event == "project.created")
        .map(|act| shortened(&act.name, 6))
        .collect();
    let kept = acts
        .iter()
        .filter(|act| act.event == "artifact.created")
        .count();
    let mut parts = Vec::new();
    match (projects.as_slice(), numbers(&["task.created"])) {
        ([], None) => (),
        ([], Some(tasks)) => parts.push(format!("made {tasks}")),
        ([one], tasks) => {
            let with = tasks
                .map(|tasks| format!(" with {tasks}"))
                .unwrap_or_default();
            parts.push(format!("made the project {one}{with}"));
        }
        (several, tasks) => {
            let with = tasks
                .map(|tasks| format!(" with {tasks}"))
                .unwrap_or_default();
            parts.push(format!("made {}{with}", count(several.len(), "project")));
        }
    }
    for (verb, events) in [
        ("changed", ["task.updated"]),
        ("completed", ["task.completed"]),
        ("cancelled", ["task.cancelled"]),
    ] {
        if let Some(tasks) = numbers(&events) {
            parts.push(format!("{verb} {tasks}"));
        }
    }
    if kept > 0 {
        parts.push(format!("kept {}", count(kept, "text")));
    }
    match parts.split_last() {
        None => String::new(),
        Some((only, [])) => format!("{subject} {only}."),
        Some((last, first)) => format!("{subject} {} and {last}.", first.join(", ")),
    }
}
