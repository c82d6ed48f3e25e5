//! What there is to show: budgets with what is left of them, and what was spent on what.

use std::collections::HashSet;

use hearth_domain::money::{Account, Limits, Scope, ScopeKind};
use hearth_domain::task::Task;
use hearth_domain::{ProjectId, TaskId, Timestamp};
use hearth_store::money::{self, By, SpendingCursor};
use hearth_store::{Page, Tx, projects, tasks};
use uuid::Uuid;

use super::Purse;
use crate::app::App;
use crate::error::AppError;

/// The most scopes of one kind that a list of budgets shows.
const SHOWN: usize = 200;

/// A budget as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetView {
    /// What people call it, such as `task #12`.
    pub name: String,
    /// What may be used up, and what was: on a day that day, else since the beginning.
    pub account: Account,
    /// What of the limits the owner set in particular.
    pub set: Limits,
}

/// What was spent on one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendingView {
    /// What on: `provider/model`, an agent's name, a date, a project's or task's UUID; empty where it
    /// was for none, or no model answered.
    pub key: String,
    /// What people call that.
    pub name: String,
    /// How many calls of models.
    pub calls: u64,
    /// Money, in millionths of a US dollar.
    pub usd_micros: u64,
    /// Tokens that models read.
    pub input_tokens: u64,
    /// Tokens that models wrote.
    pub output_tokens: u64,
}

/// What is spent today, and what everything cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Today {
    /// The day's account.
    pub day: Account,
    /// Money since the beginning, in millionths of a US dollar.
    pub ever_usd_micros: u64,
}

impl BudgetView {
    pub(super) fn of(
        tx: &impl Tx,
        purse: &Purse,
        scope: Scope,
        task: Option<&Task>,
    ) -> Result<Self, AppError> {
        Ok(Self {
            name: purse.name(tx, &scope, task)?,
            set: money::limits(tx, &scope)?.unwrap_or_default(),
            account: purse.account(tx, scope, task)?,
        })
    }
}

impl App {
    /// Returns the budgets of everything and of today, those that the owner set for projects and
    /// agents, and those of what something was used up for today; from the widest to the narrowest.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list_budgets(&self) -> Result<Vec<BudgetView>, AppError> {
        let purse = self.purse();
        let midnight = start_of(purse.today, &self.zone());
        self.store()
            .read(move |tx| {
                let mut scopes = vec![Scope::Everything, Scope::EachDay, Scope::Day(purse.today)];
                let set = money::list_limits(tx, 2 * SHOWN)?;
                scopes.extend(set.into_iter().map(|(scope, _)| scope));
                for kind in [ScopeKind::Project, ScopeKind::Agent, ScopeKind::Task] {
                    scopes.extend(money::spent_since(tx, kind, midnight, SHOWN)?);
                }
                let mut seen = HashSet::new();
                scopes.retain(|scope| seen.insert(scope.clone()));
                scopes.sort_by_key(Scope::kind);
                scopes
                    .into_iter()
                    .map(|scope| {
                        let task = match &scope {
                            Scope::Task(id) => tasks::get(tx, *id)?,
                            _ => None,
                        };
                        BudgetView::of(tx, &purse, scope, task.as_ref())
                    })
                    .collect()
            })
            .await
    }

    /// Returns a page of what was spent on models since a moment, the most money first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list_spending(
        &self,
        by: By,
        since: Option<Timestamp>,
        cursor: Option<SpendingCursor>,
        limit: usize,
    ) -> Result<Page<SpendingView, SpendingCursor>, AppError> {
        self.store()
            .read(move |tx| {
                let page = money::spending(tx, by, since, cursor.as_ref(), limit)?;
                let mut items = Vec::with_capacity(page.items.len());
                for row in page.items {
                    let (key, name) = named(tx, by, row.key)?;
                    items.push(SpendingView {
                        key,
                        name,
                        calls: row.calls,
                        usd_micros: row.usd_micros,
                        input_tokens: row.input_tokens,
                        output_tokens: row.output_tokens,
                    });
                }
                Ok(Page {
                    items,
                    next: page.next,
                })
            })
            .await
    }

    /// Returns what is spent today and what may be, and what everything cost.
    ///
    /// # Errors
    /// The store failed.
    pub fn spent_today(&self) -> Result<Today, AppError> {
        let purse = self.purse();
        self.store().read_now(|tx| {
            Ok(Today {
                day: purse.account(tx, Scope::Day(purse.today), None)?,
                ever_usd_micros: money::spent(tx, &Scope::Everything)?.spent.usd_micros,
            })
        })
    }
}

/// Returns a day's first moment.
fn start_of(day: jiff::civil::Date, zone: &jiff::tz::TimeZone) -> Timestamp {
    let start = day.to_zoned(zone.clone());
    Timestamp::from_millis(start.map_or(0, |start| start.timestamp().as_millisecond()))
}

/// Returns a row's key as the interface writes it, and what people call it.
fn named(tx: &impl Tx, by: By, key: String) -> Result<(String, String), AppError> {
    let id = Uuid::try_parse(&key).ok();
    Ok(match (by, id) {
        (By::Project, Some(id)) => {
            let project = projects::get(tx, ProjectId(id))?;
            let name = project.map_or_else(|| "deleted".into(), |it| it.name.to_string());
            (id.to_string(), name)
        }
        (By::Task, Some(id)) => {
            let task = tasks::get(tx, TaskId(id))?;
            let name = task.map_or_else(
                || "deleted".into(),
                |task| format!("#{} {}", task.number, task.title),
            );
            (id.to_string(), name)
        }
        (By::Project, None) => (key, "no project".into()),
        (By::Task, None) => (key, "no task".into()),
        (By::Model, _) if key.is_empty() => (key, "no answer".into()),
        (By::Model | By::Agent | By::Day, _) => (key.clone(), key),
    })
}
