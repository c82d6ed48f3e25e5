//! Searching: by the server that the owner configured, or on this machine.

use hearth_app::local_search::Found;
use hearth_domain::policy::{Agreed, Reach};
use hearth_domain::run::StepEnd;
use serde_json::{Value, json};

use super::args::WebSearch;
use super::{Call, ToolError, Toolbox};
use crate::search::RESULTS_MAX;

/// How many results there are where nothing is said.
const COUNT: u32 = 5;
/// What a search on this machine is called.
const LOCAL: &str = "local";

impl Toolbox<'_> {
    /// Returns what a call can touch: what it says itself, and of a search the server that the owner
    /// named in the settings. That is the owner's word for searches, and for nothing else.
    pub(crate) fn reach(&self, call: &Call) -> Reach {
        let mut reach = call.reach();
        if let Call::WebSearch(_) = call {
            reach.hosts = self.web.search().host().into_iter().collect();
            reach.agreed = (!reach.hosts.is_empty()).then_some(Agreed::InSettings);
        }
        reach
    }

    pub(super) async fn web_search(&self, search: &WebSearch) -> Result<Value, ToolError> {
        let count = (search.count.unwrap_or(COUNT) as usize).min(RESULTS_MAX);
        let searching = self.web.search();
        let asked = tokio::select! {
            asked = searching.ask(self.web, &search.query, count) => asked,
            () = self.stop.cancelled() => return Err(ToolError::Stopped),
        };
        let why_here = match asked {
            Some((provider, Ok(hits))) => {
                return Ok(json!({ "results": hits, "provider": provider }));
            }
            Some((provider, Err(error))) => Some(format!("{provider} {error}")),
            None => searching.problem().map(str::to_owned),
        };
        let found = self
            .app
            .search_here(self.actor, self.hold(), self.task.id, &search.query, count)
            .await?;
        let results: Vec<Value> = found.iter().map(shown).collect();
        let mut outcome = json!({ "results": results, "provider": LOCAL });
        if let Some(why) = why_here {
            outcome["note"] = format!(
                "{why}. These results are from what this machine knows: pages that were read, memories, tasks"
            )
            .into();
        }
        Ok(outcome)
    }
}

fn shown(found: &Found) -> Value {
    json!({
        "title": found.title,
        "url": found.place,
        "snippet": found.snippet,
        "from": found.provenance,
    })
}

/// Makes the step's result.
pub(super) fn end(outcome: &Value) -> StepEnd {
    let results = outcome.get("results").and_then(Value::as_array);
    let provider = outcome.get("provider").and_then(Value::as_str);
    StepEnd {
        note: format!(
            "{} results, {}",
            results.map_or(0, Vec::len),
            provider.unwrap_or(LOCAL)
        ),
        result: outcome.as_object().cloned(),
        ..StepEnd::default()
    }
}
