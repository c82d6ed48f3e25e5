//! Operations on agents; pausing them is in [`pause`].

pub mod pause;

use std::time::Duration;

use hearth_domain::agent::{Agent, AgentStatus, Presence, Registration};
use hearth_domain::field::{AgentName, LABEL_MAX, json_within, line, list_within};
use hearth_domain::{Actor, AgentId, Change};
use hearth_store::{Page, WriteTx, agents, specialists};

use crate::app::App;
use crate::authority::{must_act_as, must_work};
use crate::error::AppError;

/// Work seen so soon after the last sign of life is not written down again.
const SEEN_RESOLUTION: Duration = Duration::from_secs(5);

impl App {
    /// Makes an agent known, or takes what a known one now says of itself.
    ///
    /// # Errors
    /// A field is too large; the name is kept for the owner; the key is another agent's.
    pub async fn register_agent(
        &self,
        actor: &Actor,
        mut new: Registration,
    ) -> Result<Agent, AppError> {
        must_work(actor, "register an agent")?;
        must_act_as(actor, &new.name)?;
        json_within("metadata", &new.metadata)?;
        list_within("capabilities", &new.capabilities)?;
        for capability in &mut new.capabilities {
            *capability = line("capabilities", capability, LABEL_MAX)?;
        }
        let (id, now) = (AgentId(self.ids().next_uuid()), self.now());
        let agent = self
            .store()
            .write(move |tx| match agents::get(tx, &new.name)? {
                Some(known) => {
                    if specialists::is_present(tx, &new.name)? {
                        return Err(AppError::conflict(
                            "name_taken",
                            format!(
                                "{} is a specialist of this node's; register under another name",
                                new.name
                            ),
                        ));
                    }
                    let Change { after, event } = known.register_again(new, now);
                    Ok(agents::save(tx, after, Some(&event), now)?)
                }
                None => Ok::<_, AppError>(agents::insert(tx, Agent::register(id, new, now)?)?),
            })
            .await?;
        self.alarm()
            .set_no_later_than(agent.last_seen_at.after(self.config().offline_after));
        Ok(agent)
    }

    /// Notes a sign of life.
    ///
    /// # Errors
    /// No such agent is registered; the key is another agent's.
    pub async fn heartbeat_agent(
        &self,
        actor: &Actor,
        name: AgentName,
        status: Option<Presence>,
    ) -> Result<Agent, AppError> {
        must_work(actor, "send a heartbeat")?;
        must_act_as(actor, &name)?;
        let now = self.now();
        let agent = self
            .store()
            .write(move |tx| {
                let agent =
                    agents::get(tx, &name)?.ok_or_else(|| AppError::not_found("agent", &name))?;
                let (after, event) = agent.heartbeat(status, now);
                Ok::<_, AppError>(agents::save(tx, after, event.as_ref(), now)?)
            })
            .await?;
        self.alarm()
            .set_no_later_than(agent.last_seen_at.after(self.config().offline_after));
        Ok(agent)
    }

    /// Returns an agent.
    ///
    /// # Errors
    /// There is none.
    pub fn get_agent(&self, name: &AgentName) -> Result<Agent, AppError> {
        self.store()
            .read_now(|tx| agents::get(tx, name)?.ok_or_else(|| AppError::not_found("agent", name)))
    }

    /// Returns a page of agents, by name.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list_agents(
        &self,
        statuses: Vec<AgentStatus>,
        cursor: Option<AgentName>,
        limit: usize,
    ) -> Result<Page<Agent, AgentName>, AppError> {
        self.store()
            .read(move |tx| Ok(agents::list(tx, &statuses, cursor.as_ref(), limit)?))
            .await
    }
}

/// Notes a sign of life that came with work on a task; an agent need not be registered to work.
pub(crate) fn seen_working(
    tx: &mut WriteTx<'_>,
    name: &AgentName,
    now: hearth_domain::Timestamp,
) -> Result<(), AppError> {
    if let Some(agent) = agents::get(tx, name)? {
        let is_known =
            agent.status == AgentStatus::Busy && now.since(agent.last_seen_at) < SEEN_RESOLUTION;
        if is_known {
            return Ok(());
        }
        let (after, event) = agent.heartbeat(Some(Presence::Busy), now);
        agents::save(tx, after, event.as_ref(), now)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hearth_domain::JsonObject;

    use super::*;
    use crate::test_support::{TestApp, agent, as_agent, code};

    fn registration(name: &str, capability: &str) -> Registration {
        Registration {
            name: agent(name),
            kind: "worker".parse().unwrap(),
            capabilities: vec![capability.into()],
            metadata: JsonObject::new(),
        }
    }

    #[tokio::test]
    async fn an_agent_that_registers_again_stays_the_same_agent() {
        let test = TestApp::new();
        let seed = as_agent("seed");
        let first = test
            .app
            .register_agent(&seed, registration("seed", " python "))
            .await
            .unwrap();
        let second = test
            .app
            .register_agent(&seed, registration("seed", "rust"))
            .await
            .unwrap();

        assert_eq!(first.capabilities, ["python"]);
        assert_eq!(
            (second.id, second.capabilities.join(" ")),
            (first.id, "rust".into())
        );
        let page = test.app.list_agents(vec![], None, 5).await.unwrap();
        assert_eq!(page.items, [second]);
    }

    #[tokio::test]
    async fn what_is_no_agent_is_refused() {
        let test = TestApp::new();
        let owner = &Actor::Owner;
        let reserved = test
            .app
            .register_agent(owner, registration("owner", "x"))
            .await;
        let two_lines = test
            .app
            .register_agent(owner, registration("seed", "a\nb"))
            .await;
        let unknown = test.app.heartbeat_agent(owner, agent("nobody"), None).await;

        assert_eq!(code(reserved), "invalid_input");
        assert_eq!(code(two_lines), "invalid_input");
        assert_eq!(code(unknown), "not_found");
        assert_eq!(code(test.app.get_agent(&agent("nobody"))), "not_found");
        assert!(test.event_types().await.is_empty());
    }
}
