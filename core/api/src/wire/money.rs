//! Budgets, and what was spent.

use hearth_app::money::{BudgetView, SpendingBy, SpendingCursor, SpendingView};
use hearth_domain::money::{Charge, Resource, micros, usd};
use hearth_domain::{InvalidField, Timestamp, task};
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::{IntoParams, ToSchema};

use super::field::or_null;
use super::scalar;
use super::task::Budget;
use crate::cursor;
use crate::problem::Problem;
use crate::query::{FromQuery, Pairs, one_parameter, page_parameters};

/// The most of whatever is counted that a budget may allow.
const COUNT_MAX: u64 = 1_000_000_000;
/// The most tokens.
const TOKENS_MAX: u64 = 1_000_000_000_000;
/// The most dollars.
const USD_MAX: f64 = 1e6;

/// So much of each resource.
#[derive(Serialize, ToSchema)]
pub(crate) struct Amounts {
    /// US dollars.
    usd: f64,
    /// Tokens, in and out together.
    tokens: u64,
    /// Turns of a model.
    turns: u64,
    /// Calls of tools.
    tool_calls: u64,
    /// Seconds for which workers held tasks.
    wall_seconds: u64,
    /// Tasks that were handed to other agents.
    children: u64,
}

impl From<Charge> for Amounts {
    fn from(charge: Charge) -> Self {
        Self {
            usd: usd(charge.usd_micros),
            tokens: charge.tokens,
            turns: charge.turns,
            tool_calls: charge.tool_calls,
            wall_seconds: charge.wall_ms / 1000,
            children: charge.children,
        }
    }
}

/// What may be used up in one scope, and what was.
#[derive(Serialize, ToSchema)]
pub(crate) struct Account {
    /// What sort of thing it is for.
    #[schema(value_type = scalar::ScopeKind)]
    scope: &'static str,
    /// Which one: a UUID, an agent's name, a date; `each` for any day, `all` for everything.
    key: String,
    /// What people call it.
    name: String,
    /// What may be used up; null where nothing limits it.
    limits: Budget,
    /// What of that was set for it in particular; the rest is the settings' or the task's own.
    set: Budget,
    /// What was used up: on a day that day, else since the beginning.
    spent: Amounts,
    /// What calls under way may use at most, beyond that.
    reserved: Amounts,
    /// What is left, neither spent nor reserved; null where nothing limits it.
    left: Budget,
}

impl From<BudgetView> for Account {
    fn from(view: BudgetView) -> Self {
        let account = view.account;
        let mut left = hearth_domain::money::Limits::default();
        for what in Resource::ALL {
            left.set(what, account.left(what));
        }
        Self {
            scope: account.scope.kind().as_str(),
            key: account.scope.key(),
            name: view.name,
            limits: task::Budget::from(account.limits).into(),
            set: task::Budget::from(view.set).into(),
            spent: account.spent.into(),
            reserved: account.reserved.into(),
            left: task::Budget::from(left).into(),
        }
    }
}

/// The budgets.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountPage {
    /// From the widest to the narrowest.
    pub(crate) items: Vec<Account>,
    /// Always null: they are one page.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

/// What may be used up. What is left out stays as it is; null has the settings count again, or what
/// the task says itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"usd": 5, "tokens": null}))]
#[expect(
    clippy::option_option,
    reason = "left out, emptied and set are three things"
)]
pub(crate) struct SetBudget {
    /// In US dollars; with 0 only models that cost nothing are asked.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1_000_000)]
    usd: Option<Option<f64>>,
    /// In tokens, in and out together.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<scalar::BudgetTokens>)]
    tokens: Option<Option<u64>>,
    /// In turns of a model.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<scalar::BudgetCount>)]
    turns: Option<Option<u64>>,
    /// In calls of tools.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<scalar::BudgetCount>)]
    tool_calls: Option<Option<u64>>,
    /// In seconds for which workers hold tasks.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<scalar::BudgetCount>)]
    wall_seconds: Option<Option<u64>>,
    /// In tasks that are handed to other agents.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<scalar::BudgetCount>)]
    children: Option<Option<u64>>,
}

impl SetBudget {
    pub(crate) fn read(self) -> Result<Vec<(Resource, Option<u64>)>, InvalidField> {
        let mut changes = Vec::new();
        if let Some(limit) = self.usd {
            if limit.is_some_and(|usd| !(0.0..=USD_MAX).contains(&usd)) {
                return Err(InvalidField::new("usd", "must be 0 to 1000000"));
            }
            changes.push((Resource::Usd, limit.map(micros)));
        }
        if let Some(limit) = self.tokens {
            if limit.is_some_and(|tokens| tokens > TOKENS_MAX) {
                let problem = format!("must be 0 to {TOKENS_MAX}");
                return Err(InvalidField::new("tokens", problem));
            }
            changes.push((Resource::Tokens, limit));
        }
        for (field, what, limit, unit) in [
            ("turns", Resource::Turns, self.turns, 1),
            ("tool_calls", Resource::ToolCalls, self.tool_calls, 1),
            ("wall_seconds", Resource::WallTime, self.wall_seconds, 1000),
            ("children", Resource::Children, self.children, 1),
        ] {
            let Some(limit) = limit else { continue };
            if limit.is_some_and(|count| count > COUNT_MAX) {
                let problem = format!("must be 0 to {COUNT_MAX}");
                return Err(InvalidField::new(field, problem));
            }
            changes.push((what, limit.map(|count| count.saturating_mul(unit))));
        }
        if changes.is_empty() {
            return Err(InvalidField::new(
                "body",
                "names no limit; those are usd, tokens, turns, tool_calls, wall_seconds and children",
            ));
        }
        Ok(changes)
    }
}

/// What was spent on one thing.
#[derive(Serialize, ToSchema)]
pub(crate) struct Spending {
    /// What on: `provider/model`, an agent's name, a date, a project's or a task's UUID; empty where
    /// it was for none, or no model answered.
    key: String,
    /// What people call that.
    name: String,
    /// How many calls of models.
    calls: u64,
    /// US dollars; the worst case of calls that are under way or were cut off.
    usd: f64,
    /// Tokens that models read.
    input_tokens: u64,
    /// Tokens that models wrote.
    output_tokens: u64,
}

impl From<SpendingView> for Spending {
    fn from(view: SpendingView) -> Self {
        Self {
            key: view.key,
            name: view.name,
            calls: view.calls,
            usd: usd(view.usd_micros),
            input_tokens: view.input_tokens,
            output_tokens: view.output_tokens,
        }
    }
}

/// A page of what was spent.
#[derive(Serialize, ToSchema)]
pub(crate) struct SpendingPage {
    /// The most money first.
    pub(crate) items: Vec<Spending>,
    /// Where the next page begins; null at the end.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

/// What spending is asked for.
pub(crate) struct ListSpending {
    pub(crate) by: SpendingBy,
    pub(crate) since: Option<Timestamp>,
    pub(crate) cursor: Option<SpendingCursor>,
    pub(crate) limit: usize,
}

/// The list's name in its cursors.
const LIST: &str = "spending";
/// What spending is summed by.
const BY: [(&str, SpendingBy); 5] = [
    ("model", SpendingBy::Model),
    ("agent", SpendingBy::Agent),
    ("project", SpendingBy::Project),
    ("day", SpendingBy::Day),
    ("task", SpendingBy::Task),
];

impl FromQuery for ListSpending {
    const PARAMETERS: &'static [&'static str] = &["by", "since", "cursor", "limit"];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        let by = match query.one("by")? {
            None => SpendingBy::Model,
            Some(word) => BY
                .iter()
                .find_map(|(known, by)| (*known == word).then_some(*by))
                .ok_or_else(|| {
                    Problem::invalid("by", "must be model, agent, project, day or task")
                })?,
        };
        let since = query.one("since")?;
        let since = since.map(|text| {
            Timestamp::parse("since", text)
                .map_err(|error| Problem::invalid("since", &error.problem))
        });
        let position = |text: &str| {
            let (usd_micros, key) = text.split_once(' ')?;
            Some(SpendingCursor {
                usd_micros: usd_micros.parse().ok()?,
                key: key.to_owned(),
            })
        };
        Ok(Self {
            by,
            since: since.transpose()?,
            cursor: query
                .one("cursor")?
                .map(|cursor| cursor::read(LIST, cursor, position))
                .transpose()?,
            limit: query.limit()?,
        })
    }
}

impl ListSpending {
    #[expect(clippy::needless_pass_by_value, reason = "as for every list")]
    pub(crate) fn next_cursor(cursor: SpendingCursor) -> String {
        cursor::write(LIST, format_args!("{} {}", cursor.usd_micros, cursor.key))
    }
}

impl IntoParams for ListSpending {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let by = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(BY.map(|(word, _)| word)))
            .default(Some("model".into()));
        let since = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        let mut parameters = vec![
            one_parameter("by", "What it is summed by.", by),
            one_parameter("since", "Only what was asked from this moment on.", since),
        ];
        parameters.extend(page_parameters());
        parameters
    }
}
