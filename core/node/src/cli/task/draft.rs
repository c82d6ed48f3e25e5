//! A task that is being put together: what its line says, as the node understands it, and the
//! flags, which go over it.

use serde_json::{Map, Value, json};

use crate::client::wire::Understood;

/// A task that is being put together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Draft {
    pub(super) title: String,
    pub(super) project: Option<String>,
    pub(super) priority: Option<String>,
    pub(super) labels: Vec<String>,
    pub(super) due_at: Option<String>,
    pub(super) assigned_to: Option<String>,
    pub(super) description: Option<String>,
    pub(super) recurrence: Option<String>,
    pub(super) estimate_minutes: Option<u32>,
    /// Every task that must be completed first, by UUID.
    pub(super) depends_on: Vec<String>,
    pub(super) context: Map<String, Value>,
    /// What must hold before it counts as done.
    pub(super) acceptance: Vec<Value>,
    /// What it may use up.
    pub(super) budget: Option<Value>,
    /// Artifacts to take over.
    pub(super) artifacts: Vec<String>,
}

impl Draft {
    /// Takes what the node understood of a line.
    pub(super) fn from_line(line: Understood) -> Self {
        Self {
            title: line.title,
            project: line.project,
            priority: line.priority,
            labels: line.labels,
            due_at: line.due_at,
            assigned_to: line.assigned_to,
            recurrence: line.recurrence,
            estimate_minutes: line.estimate_minutes,
            ..Self::default()
        }
    }

    /// Returns the body that makes the task. What was not said is left to the node.
    pub(super) fn body(&self, project_id: Option<&str>) -> Value {
        let mut body = Map::new();
        body.insert("title".into(), json!(self.title));
        let texts = [
            ("project_id", project_id),
            ("priority", self.priority.as_deref()),
            ("description", self.description.as_deref()),
            ("due_at", self.due_at.as_deref()),
            ("assigned_to", self.assigned_to.as_deref()),
            ("recurrence", self.recurrence.as_deref()),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                body.insert(name.into(), json!(text));
            }
        }
        if let Some(minutes) = self.estimate_minutes {
            body.insert("estimate_minutes".into(), json!(minutes));
        }
        let lists = [
            ("labels", &self.labels),
            ("depends_on", &self.depends_on),
            ("artifacts", &self.artifacts),
        ];
        for (name, list) in lists {
            if !list.is_empty() {
                body.insert(name.into(), json!(list));
            }
        }
        if !self.acceptance.is_empty() {
            body.insert("acceptance".into(), json!(self.acceptance));
        }
        if let Some(budget) = &self.budget {
            body.insert("budget".into(), budget.clone());
        }
        if !self.context.is_empty() {
            body.insert("context".into(), json!(self.context));
        }
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(title: &str) -> Understood {
        Understood {
            title: title.into(),
            ..Understood::default()
        }
    }

    #[test]
    fn what_was_not_said_is_left_to_the_node() {
        let draft = Draft::from_line(line("Count the words"));

        assert_eq!(draft.body(None), json!({ "title": "Count the words" }));
    }

    #[test]
    fn what_was_said_is_in_the_body() {
        let draft = Draft {
            priority: Some("high".into()),
            labels: vec!["a".into()],
            budget: Some(json!({ "turns": 3 })),
            ..Draft::from_line(line("x"))
        };

        assert_eq!(
            draft.body(Some("p")),
            json!({ "title": "x", "project_id": "p", "priority": "high", "labels": ["a"],
                "budget": { "turns": 3 } })
        );
    }
}
