//! Orders: what is to be done to a task, and which one is meant.

use std::str::FromStr;

use hearth_domain::Priority;
use hearth_domain::quick_add::Known;
use hearth_domain::recurrence::Rule;
use hearth_domain::when;

use super::super::pattern::parts;
use super::super::words::{Span, unquoted};
use super::numbers::number;
use super::{Due, Intent, Order, Target, bare, known_name};

/// The most tasks that one order is about.
const TARGETS_MAX: usize = 10;

type Make = fn(&[Span<'_>], &Known<'_>) -> Option<Intent>;

/// The shapes of an order to make one task.
const TASK: &[&str] = &[
    "add|create|make|open [a|an|another|the] [new] task|todo|reminder [to|for|called|that] {l}",
    "new task|todo|reminder [to|for|called] {l}",
    "put {l} on my|the list|todo|todos",
    "add {l} to my|the list|todo|todos",
    "add|todo|remember {l}",
    "remind me to|that|about|of {l}",
    "remind me {l}",
    "do not forget to {l}",
    "i need|have to {l}",
    "i must {l}",
    "note [down] {l}",
];

/// Every shape of an order, the more special before the more general.
const SHAPES: &[(&[&str], Make)] = &[
    (
        &[
            "undo [it|that|this] [please]",
            "undo [the] [last] order|change|thing|one|action",
            "take|bring that|it|this back",
            "take back that|it|this",
            "revert [it|that|this] [please]",
            "no undo [it|that]",
        ],
        |_, _| Some(Intent::Undo),
    ),
    (
        &[
            "create|make|start|add|open|begin [a] [new] project [called|named] {p} : {d}",
            "new project [called|named] {p} : {d}",
        ],
        |parts, _| {
            let [name, about] = parts else { return None };
            Some(project(Some(*name), about.written()))
        },
    ),
    (
        &[
            "create|make|start|add|open|begin [a] [new] project [called|named|for] {p}",
            "new project [called|named|for] {p}",
        ],
        |parts, _| Some(project(parts.first().copied(), "")),
    ),
    (
        &[
            "create|make|start|add|open|begin [a] [new] project",
            "new project",
        ],
        |_, _| Some(project(None, "")),
    ),
    (
        &[
            "add|create|make|open [a|an|another|the] [new] task|todo|reminder",
            "new task|todo",
            "add [something|one]",
        ],
        |_, _| Some(Intent::AddWhat),
    ),
    (TASK, |parts, _| {
        Some(Intent::Add(parts.first()?.line().to_owned()))
    }),
    (
        &[
            "{t} is blocked because|by|since {r}",
            "block {t} because|since {r}",
            "block {t} : {r}",
        ],
        |parts, _| {
            with(parts, |reason| Order::Block {
                reason: said(reason),
            })
        },
    ),
    (&["block {t}", "{t} is blocked"], |parts, _| {
        order(Order::Block { reason: None }, parts.first()?)
    }),
    (
        &[
            "answer|reply [to] {t} : {a}",
            "answer|reply [to] {t} with|by {a}",
            "the answer to|for {t} is {a}",
        ],
        |parts, _| with(parts, |text| Order::Answer { text: said(text) }),
    ),
    (&["answer|reply [to] {x}"], |parts, _| {
        let span = number_lead(*parts.first()?);
        let Some((number, took)) = number(span) else {
            return order(Order::Answer { text: None }, &span);
        };
        let text = said(&span.skip(took));
        Some(Intent::Order(
            Order::Answer { text },
            vec![Target::Number(number)],
        ))
    }),
    (
        &[
            "unblock|resume|continue {t}",
            "let {t} go on|ahead|continue",
        ],
        |parts, _| order(Order::Unblock, parts.first()?),
    ),
    (
        &[
            "stop|end repeating {t}",
            "{t} should|shall|does not repeat [any|anymore] [more|longer]",
            "{t} no longer repeats",
            "do not repeat {t} [any|anymore] [more|longer]",
        ],
        |parts, _| order(Order::StopRepeating, parts.first()?),
    ),
    (
        &[
            "remove|clear|drop|delete the due date|deadline of|from|for {t}",
            "remove|clear|drop|delete the deadline of|from|for {t}",
            "{t} has no due date",
            "{t} has no deadline",
            "{t} is not due [any|anymore] [more]",
        ],
        |parts, _| order(Order::Due(Due::Never), parts.first()?),
    ),
    (
        &[
            "remove|take|clear the label {l} from|off {t}",
            "remove|take label {l} from|off {t}",
        ],
        |parts, _| {
            let [label, task] = parts else { return None };
            order(
                Order::Unlabel {
                    labels: labels(*label),
                },
                task,
            )
        },
    ),
    (&["unlabel|untag {t} as|from {l}"], |parts, _| {
        with(parts, |label| Order::Unlabel {
            labels: labels(*label),
        })
    }),
    (
        &[
            "cancel|drop|delete|remove|scrap|abandon {t} because|since {r}",
            "cancel|drop|delete|remove|scrap|abandon {t} : {r}",
        ],
        |parts, _| {
            with(parts, |reason| Order::Cancel {
                reason: said(reason),
            })
        },
    ),
    (
        &[
            "cancel|drop|delete|remove|scrap|abandon {t}",
            "{t} is no longer needed|wanted",
            "forget about {t}",
        ],
        |parts, _| order(Order::Cancel { reason: None }, parts.first()?),
    ),
    (
        &["{t} is not done [yet]", "reopen|restore|revive {t}"],
        |parts, _| order(Order::Reopen, parts.first()?),
    ),
    (
        &[
            "complete|finish|finished|completed|close|done|tick {t} : {n}",
            "{t} is done|finished|complete|completed : {n}",
        ],
        |parts, _| with(parts, |note| Order::Complete { note: said(note) }),
    ),
    (
        &[
            "mark|set|tick|check {t} [as|off|to] done|complete|completed|finished",
            "tick|check off {t}",
            "check {t} off",
            "complete|finish|finished|completed|close {t}",
            "i have [just|already] finished|completed|done {t}",
            "i [just|already] finished|completed|did {t}",
            "[i] [am] done with {t}",
            "{t} is|are [now|all|already] done|finished|complete|completed",
            "{t} has|have been done|finished|completed",
            "done with {t}",
        ],
        |parts, _| order(Order::Complete { note: None }, parts.first()?),
    ),
    (&["done {t}", "{t} done"], |parts, _| {
        let span = parts.first()?;
        let is_number = matches!(targets(*span).as_slice(), [Target::Number(_), ..]);
        is_number.then(|| order(Order::Complete { note: None }, span))?
    }),
    (
        &[
            "release {t}",
            "give|hand {t} back",
            "give|hand back {t}",
            "stop working on {t}",
        ],
        |parts, _| order(Order::Release, parts.first()?),
    ),
    (&["unassign {t}"], |parts, _| {
        order(Order::Assign { to: None }, parts.first()?)
    }),
    (
        &[
            "assign|give|hand|delegate|pass {t} to {w}",
            "{t} is for {w}",
            "keep|reserve {t} for {w}",
        ],
        |parts, known| {
            let [task, who] = parts else { return None };
            order(
                Order::Assign {
                    to: Some(agent(*who, known)?),
                },
                task,
            )
        },
    ),
    (&["let|have {w} do|take|handle {t}"], |parts, known| {
        let [who, task] = parts else { return None };
        order(
            Order::Assign {
                to: Some(agent(*who, known)?),
            },
            task,
        )
    }),
    (
        &[
            "i am working on {t}",
            "i am [on|doing|starting] {t}",
            "i will do|take {t}",
            "start|begin [working] [on|with] {t}",
        ],
        |parts, _| {
            let span = parts.first()?;
            // `i am tired` is no order.
            let is_named = matches!(targets(*span).as_slice(), [Target::Number(_), ..]);
            is_named.then(|| order(Order::Start, span))?
        },
    ),
    (&["repeat {x}", "do {x}", "{x}"], |parts, _| {
        repeated(*parts.first()?)
    }),
    (
        &[
            "move|put {t} to|into|in the project {p}",
            "move|put {t} to|into|in project {p}",
            "move|put {t} to|into|in the {p} project",
        ],
        |parts, _| {
            with(parts, |project| Order::Move {
                project: project.written().to_owned(),
            })
        },
    ),
    (
        &["postpone|push|delay|snooze|move {t} by {d}"],
        |parts, _| {
            with(parts, |length| {
                Order::Due(Due::By(length.written().to_owned()))
            })
        },
    ),
    (
        &[
            "{t} is [now] due {d}",
            "{t} are [now] due {d}",
            "set|change|move|put the due date of|for {t} to {d}",
            "set|change|move|put the deadline of|for {t} to {d}",
            "postpone|push|reschedule|delay|snooze|shift {t} to|until|till {d}",
            "set {t} due [to] {d}",
        ],
        |parts, known| {
            let [task, date] = parts else { return None };
            order(Order::Due(to_date(*date, known)), task)
        },
    ),
    (&["move {t} to|into {x}"], |parts, known| {
        let [task, place] = parts else { return None };
        if let Some(name) = known_name(known.projects, bare(*place, "project").written()) {
            return order(Order::Move { project: name }, task);
        }
        order(Order::Due(to_date(*place, known)), task)
    }),
    (
        &["rename|retitle {t} to|as|into {n}", "call {t} {n}"],
        |parts, _| {
            let [task, title] = parts else { return None };
            // `call 12 "..."` renames, `call mom back` is something to do.
            let is_named = matches!(targets(*task).as_slice(), [Target::Number(_) | Target::It]);
            let title = unquoted(title.line()).to_owned();
            is_named.then(|| order(Order::Rename { title }, task))?
        },
    ),
    (&["rename|retitle {t} to|as|into {n}"], |parts, _| {
        with(parts, |title| Order::Rename {
            title: unquoted(title.line()).to_owned(),
        })
    }),
    (&["label|tag {t} as|with {l}"], |parts, _| {
        with(parts, |label| Order::Label {
            labels: labels(*label),
        })
    }),
    (&["label|tag {x}"], |parts, _| {
        let span = number_lead(*parts.first()?);
        let (number, took) = number(span)?;
        let labels = labels(span.skip(took));
        (!labels.is_empty())
            .then(|| Intent::Order(Order::Label { labels }, vec![Target::Number(number)]))
    }),
    (
        &[
            "[do] {t} after {o}",
            "{t} waits for {o}",
            "{t} depends on {o}",
        ],
        |parts, _| {
            let [task, others] = parts else { return None };
            let (tasks, others) = (targets(*task), targets(*others));
            let is_number = |target: &Target| matches!(target, Target::Number(_));
            let all_named = tasks.iter().chain(&others).all(is_number);
            all_named.then_some(Intent::Order(Order::After { others }, tasks))
        },
    ),
];

/// Reads what is to be done out of an order to make one task.
pub(super) fn task_line(span: Span<'_>) -> Option<&str> {
    let found = TASK.iter().find_map(|pattern| parts(pattern, span));
    Some(found?.first()?.line())
}

/// Reads an order.
pub(super) fn read(span: Span<'_>, known: &Known<'_>) -> Option<Intent> {
    if let Some(intent) = priority(span) {
        return Some(intent);
    }
    SHAPES.iter().find_map(|(patterns, make)| {
        patterns
            .iter()
            .find_map(|pattern| make(&parts(pattern, span)?, known))
    })
}

/// Reads a line that carries marks of the quick-add grammar.
pub(super) fn read_marked(span: Span<'_>) -> Option<Intent> {
    let is_marked = span.line().split_whitespace().any(|word| {
        let mut chars = word.chars();
        let mark = chars.next();
        let next = chars.next();
        let is_word = next.is_some_and(|c| c.is_alphabetic() || c == '"');
        match mark {
            Some('@' | '#') => is_word,
            Some('!') => is_word || next.is_some_and(|c| c.is_ascii_digit()),
            Some('~') => next.is_some_and(|c| c.is_ascii_digit()),
            _ => word.starts_with("project:"),
        }
    });
    let has_clause = (1..span.len()).any(|at| {
        let words: Vec<&str> = span
            .skip(at)
            .words()
            .iter()
            .take(8)
            .map(|word| word.text.as_str())
            .collect();
        match words.first() {
            // A rhythm that cannot be read is asked about, where it ends the line.
            Some(&"every") => Rule::read_prefix(&words).is_some() || words.len() <= 4,
            Some(&"due") => words.len() > 1 && words.get(1) != Some(&"to"),
            _ => false,
        }
    });
    (is_marked || has_clause).then(|| Intent::Add(span.line().to_owned()))
}

/// Reads which tasks are named: `12`, `#3 and #4`, `task number twelve`, `it`, words of a title.
pub(super) fn targets(span: Span<'_>) -> Vec<Target> {
    let mut rest = number_lead(span);
    let mut found = Vec::new();
    while let Some((number, took)) = number(rest) {
        found.push(Target::Number(number));
        rest = rest.skip(took);
        if rest.is_empty() || found.len() == TARGETS_MAX {
            return found;
        }
        let and = usize::from(matches!(rest.at(0), "and" | "&"));
        rest = number_lead(rest.skip(and));
    }
    if matches!(
        span.plain().as_str(),
        "it" | "that" | "this" | "that one" | "this one" | "the task" | "this task" | "that task"
    ) {
        return vec![Target::It];
    }
    let title = bare(span, "task").written();
    vec![Target::Words(title.to_owned())]
}

/// Reads a date that an order names.
fn to_date(span: Span<'_>, known: &Known<'_>) -> Due {
    let text = span.line();
    match when::read(text, known.now, known.zone) {
        Some(when) => Due::At(when.at),
        None => Due::Unclear(text.to_owned()),
    }
}

/// Takes the words before a number off.
fn number_lead(span: Span<'_>) -> Span<'_> {
    let mut span = span;
    while matches!(
        span.at(0),
        "task" | "tasks" | "number" | "no" | "the" | "todo"
    ) && span.len() > 1
    {
        span = span.skip(1);
    }
    span
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "every shape makes an intent or none"
)]
fn order(order: Order, task: &Span<'_>) -> Option<Intent> {
    Some(Intent::Order(order, targets(*task)))
}

/// An order of two parts: which task, and what about it.
fn with(parts: &[Span<'_>], make: impl Fn(&Span<'_>) -> Order) -> Option<Intent> {
    let [task, what] = parts else { return None };
    order(make(what), task)
}

fn project(name: Option<Span<'_>>, about: &str) -> Intent {
    Intent::CreateProject {
        name: name.map(|name| unquoted(name.line()).trim_start_matches('@').to_owned()),
        description: about.to_owned(),
    }
}

fn said(span: &Span<'_>) -> Option<String> {
    let text = unquoted(span.line());
    (!text.is_empty()).then(|| text.to_owned())
}

fn labels(span: Span<'_>) -> Vec<String> {
    span.written()
        .split([' ', ','])
        .map(|label| label.trim_start_matches('#'))
        .filter(|label| !label.is_empty() && *label != "and")
        .map(str::to_owned)
        .collect()
}

/// Reads whom a task is to be kept for; only names that are known are.
fn agent(span: Span<'_>, known: &Known<'_>) -> Option<String> {
    match span.plain().as_str() {
        "me" | "myself" | "owner" => Some(hearth_domain::field::OWNER.to_owned()),
        _ => known_name(known.agents, bare(span, "agent").written()),
    }
}

/// `repeat 12 every monday`, `do 12 every day`, `12 every friday`.
fn repeated(span: Span<'_>) -> Option<Intent> {
    let at = (1..span.len().min(40)).find(|at| {
        matches!(
            span.at(*at),
            "every" | "daily" | "weekly" | "monthly" | "yearly"
        )
    })?;
    let task = targets(span.take(at));
    if !matches!(task.as_slice(), [Target::Number(_) | Target::It, ..]) {
        return None;
    }
    let rule = span.skip(at).line().to_owned();
    Some(Intent::Order(Order::Repeat { rule }, task))
}

/// `make 12 high`, `set the priority of 12 to low`, `12 is high priority`, `raise 12`.
fn priority(span: Span<'_>) -> Option<Intent> {
    for (words, by) in [
        (
            "raise|bump|prioritise|prioritize [the] [priority] [of] {t}",
            1,
        ),
        (
            "lower|deprioritise|deprioritize [the] [priority] [of] {t}",
            -1,
        ),
    ] {
        if let Some(found) = parts(words, span) {
            return order(Order::Shift { by }, found.first()?);
        }
    }
    let found = parts(
        "make|set|mark|change|put|raise|lower [the] [priority] [of|for] {x}",
        span,
    )
    .or_else(|| parts("{t} is|has [now] [a|of] {x}", span).filter(|found| found.len() == 2));
    let found = found?;
    let (task, level) = match found.as_slice() {
        [x] => split_level(*x)?,
        [task, level] => {
            let (none, word) = split_level(*level)?;
            none.is_empty().then_some((*task, word))?
        }
        _ => return None,
    };
    let tasks = targets(trim_end(task));
    let order = match level {
        "urgent" | "important" => Order::Urgent,
        "normal" => Order::Priority(Priority::Medium),
        level => Order::Priority(Priority::from_str(level).ok()?),
    };
    Some(Intent::Order(order, tasks))
}

/// Cuts the word for a priority off the end, with what belongs to it.
fn split_level(span: Span<'_>) -> Option<(Span<'_>, &str)> {
    let mut span = span;
    if span.at(span.len().checked_sub(1)?) == "priority" {
        span = span.take(span.len() - 1);
    }
    let last = span.len().checked_sub(1)?;
    let level = span.at(last);
    let is_level = matches!(
        level,
        "low" | "medium" | "normal" | "high" | "critical" | "urgent" | "important"
    );
    is_level.then(|| (span.take(last), level))
}

fn trim_end(span: Span<'_>) -> Span<'_> {
    let mut span = span;
    while span.len() > 1
        && matches!(
            span.at(span.len() - 1),
            "to" | "as" | "a" | "priority" | "on" | "of"
        )
    {
        span = span.take(span.len() - 1);
    }
    span
}
