//! Lists of tasks: any mix of filters, in any order, a page at a time.
//!
//! A page costs what it shows, not what the table holds. One filter *drives*: its index, which
//! ends with the task's number, is walked in the list's order, and the other filters are asked of
//! each row on the way. The one that fits the fewest tasks drives; how many fit is counted up to a
//! bound. A filter with several values becomes one walk per value, since an index is in order
//! within one value only. An order other than by age walks its own index, unless few tasks fit a
//! filter: then those are sorted.

use hearth_domain::field::{AgentName, Label};
use hearth_domain::task::{Task, TaskStatus};
use hearth_domain::{Priority, ProjectId, TaskId, Timestamp};
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::{ENTITY, rows};
use crate::columns::read_all;
use crate::error::StoreError;
use crate::page::Page;
use crate::read_tx::Tx;

/// How far fitting tasks are counted; more is "many". Counting so many entries of an index takes
/// some ten microseconds.
const MANY: i64 = 400;

/// In which order a list runs. Ties are broken by number, in the same direction except for
/// priority, where the older comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Created,
    /// Newest first.
    CreatedDescending,
    /// Longest unchanged first.
    Updated,
    /// Last changed first.
    UpdatedDescending,
    /// Most urgent first, then oldest: the order in which tasks are claimed.
    PriorityDescending,
    /// Due soonest first; those never due at the end.
    Due,
}

impl Order {
    fn is_descending(self) -> bool {
        matches!(self, Self::CreatedDescending | Self::UpdatedDescending)
    }

    /// The value that is sorted by before the number. Ascending, so priority is negated.
    fn key(self) -> &'static str {
        match self {
            Self::Created | Self::CreatedDescending => "tasks.number",
            Self::Updated | Self::UpdatedDescending => "tasks.updated_at",
            Self::PriorityDescending => "-tasks.priority",
            Self::Due => "coalesce(tasks.due_at, 9223372036854775807)",
        }
    }

    fn key_of(self, task: &Task) -> i64 {
        match self {
            Self::Created | Self::CreatedDescending => task.number,
            Self::Updated | Self::UpdatedDescending => task.updated_at.as_millis(),
            Self::PriorityDescending => -i64::from(task.priority.rank()),
            Self::Due => task.due_at.map_or(i64::MAX, Timestamp::as_millis),
        }
    }

    /// The conditions of the walks that together make this order, each being in order by itself.
    fn walks(self) -> &'static [&'static str] {
        match self {
            Self::Created | Self::CreatedDescending | Self::Updated | Self::UpdatedDescending => {
                &["1"]
            }
            Self::PriorityDescending => &[
                "tasks.priority = 3",
                "tasks.priority = 2",
                "tasks.priority = 1",
                "tasks.priority = 0",
            ],
            Self::Due => &["tasks.due_at IS NOT NULL", "tasks.due_at IS NULL"],
        }
    }
}

/// Where a page ended: the last task's sort value and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The value that the list is sorted by.
    pub key: i64,
    /// The task's number.
    pub number: i64,
}

/// Which tasks a list shows. An empty list means any; several values mean any of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskFilter {
    /// Where they stand.
    pub statuses: Vec<TaskStatus>,
    /// How urgent they are.
    pub priorities: Vec<Priority>,
    /// Whom they are with.
    pub assigned_to: Vec<AgentName>,
    /// Which project they are part of.
    pub project_ids: Vec<ProjectId>,
    /// Who made them.
    pub created_by: Vec<String>,
    /// What labels they carry.
    pub labels: Vec<Label>,
    /// Which task they are part of.
    pub parent_ids: Vec<TaskId>,
    /// Words that the title or description must all have; with a `*` at its end, the last may be
    /// the start of one.
    pub text: Option<String>,
    /// Changed at or after this moment.
    pub updated_since: Option<Timestamp>,
}

impl TaskFilter {
    /// Returns the order that suits the filter where none was asked for.
    pub fn natural_order(&self) -> Order {
        if self.updated_since.is_some() {
            Order::Updated
        } else {
            Order::CreatedDescending
        }
    }
}

/// Returns up to `limit` tasks beyond `cursor`.
pub fn list(
    tx: &impl Tx,
    filter: &TaskFilter,
    order: Order,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Page<Task, Cursor>, StoreError> {
    let conditions = conditions(tx, filter)?;
    let driver = driver(tx, &conditions, filter, order)?;
    let mut query = Query::new(order, cursor, limit);
    match driver {
        Driver::Filter(index) => {
            for value in &conditions[index].values {
                query.walk(
                    &conditions,
                    Some((index, value)),
                    filter.updated_since,
                    &["1"],
                );
            }
        }
        Driver::Order => query.walk(&conditions, None, filter.updated_since, order.walks()),
    }
    query.run(tx)
}

/// What decides which rows are looked at.
enum Driver {
    /// A filter's own index; its place in the list of conditions.
    Filter(usize),
    /// The order's index.
    Order,
}

/// One filter: any of the values of one column.
struct Condition {
    column: Column,
    values: Vec<Value>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Text,
    Parent,
    Label,
    Assigned,
    Project,
    Status,
    CreatedBy,
    Priority,
}

impl Column {
    /// The column of `tasks` it compares; none where another table is asked.
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Text | Self::Label => None,
            Self::Parent => Some("parent_id"),
            Self::Assigned => Some("assigned_to"),
            Self::Project => Some("project_id"),
            Self::Status => Some("status"),
            Self::CreatedBy => Some("created_by"),
            Self::Priority => Some("priority"),
        }
    }
}

/// The filter's conditions, those that usually fit the fewest tasks first.
fn conditions(tx: &impl Tx, filter: &TaskFilter) -> Result<Vec<Condition>, StoreError> {
    fn values<T>(list: &[T], value: impl Fn(&T) -> Value) -> Vec<Value> {
        let mut values: Vec<Value> = Vec::new();
        for item in list.iter().map(value) {
            if !values.contains(&item) {
                values.push(item);
            }
        }
        values
    }
    let blob = |id: &uuid::Uuid| Value::Blob(id.as_bytes().to_vec());
    let text = |text: &str| Value::Text(text.to_owned());
    let words = filter
        .text
        .as_deref()
        .map(|text| match_expression(tx, text))
        .transpose()?;
    let all = [
        (Column::Text, values(words.as_slice(), |words| text(words))),
        (Column::Parent, values(&filter.parent_ids, |id| blob(&id.0))),
        (
            Column::Label,
            values(&filter.labels, |label| text(label.as_str())),
        ),
        (
            Column::Assigned,
            values(&filter.assigned_to, |name| text(name.as_str())),
        ),
        (
            Column::Project,
            values(&filter.project_ids, |id| blob(&id.0)),
        ),
        (
            Column::Status,
            values(&filter.statuses, |status| text(status.as_str())),
        ),
        (
            Column::CreatedBy,
            values(&filter.created_by, |name| text(name)),
        ),
        (
            Column::Priority,
            values(&filter.priorities, |priority| {
                i64::from(priority.rank()).into()
            }),
        ),
    ];
    Ok(all
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(column, values)| Condition { column, values })
        .collect())
}

/// Writes a full-text expression that asks for every word, and takes the last as a beginning where
/// a `*` follows it. Not always: all words with a beginning are put together before the first task
/// is found, which takes milliseconds where many tasks have them.
///
/// Quoted words of token characters only, so that no text can be read as syntax. Text without any
/// word asks for one that is nowhere.
fn match_expression(tx: &impl Tx, text: &str) -> Result<String, StoreError> {
    let mut words = vec![String::new()];
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if is_token_char(tx, c)? => word.push(c),
            Some(word) if word.is_empty() => (),
            Some(_) | None => words.push(String::new()),
        }
    }
    let quoted: Vec<String> = words
        .iter()
        .filter(|word| !word.is_empty())
        .map(|word| format!("\"{word}\""))
        .collect();
    Ok(if quoted.is_empty() {
        "\"\u{fffd}\"".into()
    } else {
        let star = if text.trim_end().ends_with('*') {
            "*"
        } else {
            ""
        };
        format!("{}{star}", quoted.join(" "))
    })
}

/// Whether the index takes `c` as part of a word. SQLite is asked where it is not plain: its
/// tables of letters and marks are not Rust's, and a word that it takes for two is an error,
/// because the index keeps no positions.
fn is_token_char(tx: &impl Tx, c: char) -> Result<bool, StoreError> {
    if c.is_ascii() {
        return Ok(c.is_ascii_alphanumeric());
    }
    let asked = tx
        .conn()
        .prepare_cached("SELECT 1 FROM task_text WHERE task_text MATCH ?1 LIMIT 1")?
        .exists([format!("\"a{c}a\"")]);
    match asked {
        Ok(_) => Ok(true),
        Err(rusqlite::Error::SqliteFailure(code, _))
            if code.extended_code == rusqlite::ffi::SQLITE_ERROR =>
        {
            Ok(false)
        }
        Err(problem) => Err(problem.into()),
    }
}

fn driver(
    tx: &impl Tx,
    conditions: &[Condition],
    filter: &TaskFilter,
    order: Order,
) -> Result<Driver, StoreError> {
    let is_by_age = matches!(order, Order::Created | Order::CreatedDescending);
    if let ([_], true, None) = (conditions, is_by_age, filter.updated_since) {
        return Ok(Driver::Filter(0));
    }
    let mut best: Option<(i64, usize)> = None;
    for (place, condition) in conditions.iter().enumerate() {
        let count = count_up_to_many(tx, condition)?;
        if best.is_none_or(|(least, _)| count < least) {
            best = Some((count, place));
        }
    }
    Ok(match best {
        // Its rows come in order of age, or are few enough to be sorted.
        Some((count, place)) if is_by_age || count < MANY => Driver::Filter(place),
        // Full text can be asked for its rows, but asking it of each row is slow.
        Some(_)
            if conditions
                .first()
                .is_some_and(|first| first.column == Column::Text) =>
        {
            Driver::Filter(0)
        }
        Some(_) | None => Driver::Order,
    })
}

fn count_up_to_many(tx: &impl Tx, condition: &Condition) -> Result<i64, StoreError> {
    let mut total = 0;
    for value in &condition.values {
        let (from, holds) = drive(condition.column);
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {from} WHERE {holds} LIMIT {MANY})");
        let count: i64 = tx
            .conn()
            .prepare_cached(&sql)?
            .query_row([value], |row| row.get(0))?;
        total += count;
        if total >= MANY {
            return Ok(MANY);
        }
    }
    Ok(total)
}

/// The table and the condition by which a filter finds its rows by itself.
fn drive(column: Column) -> (&'static str, &'static str) {
    match column {
        Column::Text => ("task_text", "task_text MATCH ?"),
        Column::Label => ("task_labels", "task_labels.label = ?"),
        Column::Parent => ("tasks", "tasks.parent_id = ?"),
        Column::Assigned => ("tasks", "tasks.assigned_to = ?"),
        Column::Project => ("tasks", "tasks.project_id = ?"),
        Column::Status => ("tasks", "tasks.status = ?"),
        Column::CreatedBy => ("tasks", "tasks.created_by = ?"),
        Column::Priority => ("tasks", "tasks.priority = ?"),
    }
}

/// The query under construction: walks that each bring at most a page of numbers, put together.
struct Query {
    order: Order,
    cursor: Option<Cursor>,
    limit: usize,
    walks: Vec<String>,
    values: Vec<Value>,
}

impl Query {
    fn new(order: Order, cursor: Option<Cursor>, limit: usize) -> Self {
        Self {
            order,
            cursor,
            limit,
            walks: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Adds one walk per entry of `parts`, driven by one value of a filter, or else by the order.
    fn walk(
        &mut self,
        conditions: &[Condition],
        driver: Option<(usize, &Value)>,
        updated_since: Option<Timestamp>,
        parts: &[&str],
    ) {
        for part in parts {
            let mut wheres = vec![(*part).to_owned()];
            let mut from = "tasks".to_owned();
            // The number as the driving table knows it, in whose order the rows come.
            let mut number = "tasks.number";
            if let Some((place, value)) = driver {
                let column = conditions[place].column;
                let (table, holds) = drive(column);
                wheres.push(holds.to_owned());
                self.values.push(value.clone());
                if column.name().is_none() {
                    number = if column == Column::Text {
                        "task_text.rowid"
                    } else {
                        "task_labels.number"
                    };
                    from = format!("{table} CROSS JOIN tasks ON tasks.number = {number}");
                }
            }
            for (place, condition) in conditions.iter().enumerate() {
                if driver.is_none_or(|(driving, _)| driving != place) {
                    wheres.push(self.residual(condition));
                }
            }
            if let Some(moment) = updated_since {
                // The plus keeps the index from being used where something else drives.
                let plus = if driver.is_some() { "+" } else { "" };
                wheres.push(format!("{plus}tasks.updated_at >= ?"));
                self.values.push(moment.as_millis().into());
            }
            if let Some(cursor) = self.cursor {
                wheres.push(self.beyond(cursor, number));
            }
            let order_by = self.order_by(number, driver.is_some());
            self.values.push(self.limit_value());
            self.walks.push(format!(
                "SELECT * FROM (SELECT tasks.number AS number, {key} AS key FROM {from}
                     WHERE {wheres} ORDER BY {order_by} LIMIT ?)",
                key = self.order.key(),
                wheres = wheres.join(" AND "),
            ));
        }
    }

    /// The condition asked of each row on the way; the plus keeps its index out of the plan.
    fn residual(&mut self, condition: &Condition) -> String {
        let marks = vec!["?"; condition.values.len()].join(", ");
        self.values.extend(condition.values.iter().cloned());
        match condition.column {
            Column::Text => {
                "EXISTS (SELECT 1 FROM task_text WHERE task_text MATCH ? AND task_text.rowid = tasks.number)".into()
            }
            Column::Label => format!(
                "EXISTS (SELECT 1 FROM task_labels AS l WHERE l.label IN ({marks}) AND l.number = tasks.number)"
            ),
            other => format!("+tasks.{} IN ({marks})", other.name().unwrap_or("number")),
        }
    }

    /// The condition that a row comes after the cursor.
    fn beyond(&mut self, cursor: Cursor, number: &str) -> String {
        let sign = if self.order.is_descending() { "<" } else { ">" };
        match self.order {
            Order::Created | Order::CreatedDescending => {
                self.values.push(cursor.number.into());
                format!("{number} {sign} ?")
            }
            Order::Updated | Order::UpdatedDescending | Order::PriorityDescending | Order::Due => {
                let key = self.order.key();
                self.values
                    .extend([cursor.key.into(), cursor.key.into(), cursor.number.into()]);
                format!("({key} {sign} ? OR ({key} = ? AND tasks.number {sign} ?))")
            }
        }
    }

    fn order_by(&self, number: &str, is_driven: bool) -> String {
        let direction = if self.order.is_descending() {
            "DESC"
        } else {
            "ASC"
        };
        match self.order {
            Order::Created | Order::CreatedDescending => format!("{number} {direction}"),
            _ if is_driven => format!("{} {direction}, tasks.number {direction}", self.order.key()),
            Order::Updated | Order::UpdatedDescending => {
                format!("tasks.updated_at {direction}, tasks.number {direction}")
            }
            // Each walk is within one priority.
            Order::PriorityDescending => "tasks.number".into(),
            Order::Due => "tasks.due_at, tasks.number".into(),
        }
    }

    fn limit_value(&self) -> Value {
        crate::page::rows_for(self.limit).into()
    }

    fn run(mut self, tx: &impl Tx) -> Result<Page<Task, Cursor>, StoreError> {
        let direction = if self.order.is_descending() {
            "DESC"
        } else {
            "ASC"
        };
        self.values.push(self.limit_value());
        let sql = format!(
            "SELECT {columns} FROM ({picked}) AS picked CROSS JOIN tasks USING (number)
             ORDER BY picked.key {direction}, picked.number {direction} LIMIT ?",
            columns = rows::COLUMNS,
            picked = self.walks.join(" UNION "),
        );
        let mut statement = tx.conn().prepare_cached(&sql)?;
        let found = statement.query(params_from_iter(self.values))?;
        let tasks = read_all(ENTITY, found, rows::read)?;
        let order = self.order;
        Ok(Page::cut(tasks, self.limit, |task| Cursor {
            key: order.key_of(task),
            number: task.number,
        }))
    }
}
