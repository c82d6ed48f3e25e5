//! `/api/v1/budgets` and `/api/v1/spending`: what may be used up, and what was.

use axum::extract::State;
use axum::response::Response;
use hearth_app::App;
use http::StatusCode;

use crate::body::Json;
use crate::caller::Caller;
use crate::path::BudgetPath;
use crate::problem::Problem;
use crate::query::Query;
use crate::respond;
use crate::wire::money::{Account, AccountPage, ListSpending, SetBudget, Spending, SpendingPage};

/// List budgets
///
/// That of everything, of each day and of today, those that were set for projects and agents, and
/// those of what something was used up for today.
#[utoipa::path(
    get, path = "/api/v1/budgets", tag = "budgets",
    responses((status = 200, description = "The budgets.", body = AccountPage)),
)]
pub(super) async fn list_budgets(
    State(app): State<App>,
    _caller: Caller,
) -> Result<Response, Problem> {
    let views = app.list_budgets().await?;
    let body = AccountPage {
        items: views.into_iter().map(Account::from).collect(),
        next_cursor: None,
    };
    Ok(respond::json(StatusCode::OK, &body))
}

/// Set a budget
///
/// Tasks that waited for more go on, as many as fit together.
#[utoipa::path(
    put, path = "/api/v1/budgets/{scope}/{key}", tag = "budgets",
    params(BudgetPath), request_body = SetBudget,
    responses((status = 200, description = "The budget as it is now.", body = Account)),
)]
pub(super) async fn set_budget(
    State(app): State<App>,
    caller: Caller,
    BudgetPath(scope): BudgetPath,
    Json(body): Json<SetBudget>,
) -> Result<Response, Problem> {
    let view = app.set_budget(caller.actor(), scope, body.read()?).await?;
    Ok(respond::json(StatusCode::OK, &Account::from(view)))
}

/// What was spent on models
///
/// Summed, the most money first. A call that is under way, or was cut off, counts at its worst case.
#[utoipa::path(
    get, path = "/api/v1/spending", tag = "budgets", params(ListSpending),
    responses((status = 200, description = "A page of sums.", body = SpendingPage)),
)]
pub(super) async fn list_spending(
    State(app): State<App>,
    _caller: Caller,
    Query(query): Query<ListSpending>,
) -> Result<Response, Problem> {
    let page = app
        .list_spending(query.by, query.since, query.cursor, query.limit)
        .await?;
    let body = SpendingPage {
        items: page.items.into_iter().map(Spending::from).collect(),
        next_cursor: page.next.map(ListSpending::next_cursor),
    };
    Ok(respond::json(StatusCode::OK, &body))
}
