//! Calls of models outside the steps of runs: reserved before, settled after, by whoever makes them.

use hearth_domain::field::AgentName;
use hearth_domain::money::{
    CallEnd, Charge, ModelCall, NewCall, Over, Purpose, Resource, ScopeKind, Usage, usd,
};
use hearth_domain::task::Task;
use hearth_domain::{Actor, CallId, ConversationId, Timestamp};
use hearth_store::{Tx, WriteTx, money};

use super::Purse;
use super::ask::in_words;
use super::steps::settle;
use crate::app::App;
use crate::authority::{must_act_as, must_work};
use crate::chat::CHIEF_OF_STAFF;
use crate::error::AppError;
use crate::tasks::{TaskRef, find};

/// Whom a call outside runs is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForWhom {
    /// Who calls, and in whose budget it counts.
    pub agent: AgentName,
    /// The task it is for, in whose budget and whose project's it counts.
    pub task: Option<TaskRef>,
    /// The conversation it is for.
    pub conversation: Option<ConversationId>,
}

impl App {
    /// Sets the worst case of one of the chief of staff's calls aside, in its own budget, the day's and
    /// that of everything. Who makes the call settles it ([`App::settle_call`]), however it ends.
    ///
    /// # Errors
    /// It does not fit: a conflict with the code `over_budget` that says what was spent and how to
    /// raise the limit. The call must not be made then. Or the actor may only read.
    pub async fn reserve_for_chat(
        &self,
        actor: &Actor,
        conversation: ConversationId,
        purpose: Purpose,
        worst_case: Usage,
    ) -> Result<CallId, AppError> {
        must_work(actor, "have a model asked")?;
        let whom = ForWhom {
            agent: AgentName::from_stored(CHIEF_OF_STAFF.into()),
            task: None,
            conversation: Some(conversation),
        };
        self.reserve_call(&Actor::System, whom, purpose, worst_case)
            .await
    }

    /// Sets the worst case of a call aside that is no step of a run, such as one that a tool makes.
    ///
    /// # Errors
    /// See [`App::reserve_for_chat`]; the actor may not act as that agent.
    pub async fn reserve_call(
        &self,
        actor: &Actor,
        whom: ForWhom,
        purpose: Purpose,
        worst_case: Usage,
    ) -> Result<CallId, AppError> {
        must_act_as(actor, &whom.agent)?;
        let (purse, now) = (self.purse(), self.now());
        self.store()
            .write(move |tx| {
                let task = whom.task.map(|task| find(tx, task)).transpose()?;
                let agent = &whom.agent;
                let asked = Charge::turn(worst_case);
                let over = purse.overs(tx, agent, task.as_ref(), &asked)?;
                if let Some(first) = over.first() {
                    Purse::note_reached(tx, &over, task.as_ref(), agent.as_str(), now)?;
                    let detail = refusal(tx, &purse, first, task.as_ref())?;
                    return Ok(Err(AppError::conflict("over_budget", detail)));
                }
                let call = NewCall {
                    purpose,
                    step: None,
                    conversation: whom.conversation,
                    task: task.as_ref().map(|task| task.id),
                    project: task.as_ref().and_then(|task| task.project_id),
                    agent: agent.clone(),
                    worst_case,
                    day: purse.today,
                };
                let id = CallId(tx.fresh_uuid());
                money::reserve(tx, &ModelCall::reserve(id, call, now))?;
                Ok::<_, AppError>(Ok(id))
            })
            .await?
    }

    /// Settles a call that was reserved outside a run. Once; a later call changes nothing, so that it
    /// may be repeated where nobody knows whether it was heard.
    ///
    /// # Errors
    /// There is no such call.
    pub async fn settle_call(&self, id: CallId, end: CallEnd) -> Result<(), AppError> {
        let (purse, now) = (self.purse(), self.now());
        self.store()
            .write(move |tx| {
                let call = money::get(tx, id)?.ok_or_else(|| AppError::not_found("call", id))?;
                let (agent, task) = (call.call.agent.clone(), call.call.task);
                if settle(tx, call, end, now)? {
                    let task: Option<Task> = match task {
                        Some(id) => hearth_store::tasks::get(tx, id)?,
                        None => None,
                    };
                    purse.note_low(tx, &agent, task.as_ref(), now)?;
                }
                Ok::<_, AppError>(())
            })
            .await?;
        self.look_who_can_go_on()
    }

    /// Settles, at their worst case, the calls outside runs that an earlier life of the node left
    /// open: nobody knows what they used. Those of runs are settled when their tasks are taken back.
    /// Called once, before anything calls a model. Returns how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn settle_cut_off_calls(&self) -> Result<usize, AppError> {
        // The clock may have been set back since; at the start nothing of this life is open.
        let before = Timestamp::from_millis(i64::MAX);
        let now = self.now();
        let mut settled = 0;
        loop {
            let count = self
                .store()
                .write(move |tx| settle_all(tx, before, now))
                .await?;
            settled += count;
            if count == 0 {
                return Ok(settled);
            }
        }
    }

    /// Has the sweep look which tasks can go on, if any waits for a budget: what was set aside and not
    /// used is there again.
    pub(crate) fn look_who_can_go_on(&self) -> Result<(), AppError> {
        if self.is_budget_waited_for()? {
            self.alarm().set_no_later_than(self.now());
        }
        Ok(())
    }
}

/// Settles calls that nobody will settle; at most 100.
fn settle_all(tx: &WriteTx<'_>, before: Timestamp, now: Timestamp) -> Result<usize, AppError> {
    let open = money::cut_off(tx, before)?;
    let count = open.len();
    for call in open {
        settle(tx, call, CallEnd::Unknown, now)?;
    }
    Ok(count)
}

/// Says why a call is not made, and what helps.
fn refusal(
    tx: &impl Tx,
    purse: &Purse,
    over: &Over,
    task: Option<&Task>,
) -> Result<String, AppError> {
    let name = purse.name(tx, &over.scope, task)?;
    let words = in_words(&name, over);
    let (kind, key) = (over.scope.kind(), over.scope.key());
    let which = match over.scope.kind() {
        ScopeKind::Everything | ScopeKind::Day => kind.to_string(),
        ScopeKind::Project | ScopeKind::Agent | ScopeKind::Task => format!("{kind} {key}"),
    };
    let flag = flag(over);
    Ok(format!(
        "{words} To allow more: hearth budget set {which} {flag}"
    ))
}

/// Returns the flag of `hearth budget set` that would allow enough.
fn flag(over: &Over) -> String {
    let to = over.suggested();
    match over.what {
        Resource::Usd => format!("--usd {}", usd(to)),
        Resource::Tokens => format!("--tokens {to}"),
        Resource::Turns => format!("--turns {to}"),
        Resource::ToolCalls => format!("--tool-calls {to}"),
        Resource::WallTime => format!("--minutes {}", to.div_ceil(60_000)),
        Resource::Children => format!("--children {to}"),
    }
}
