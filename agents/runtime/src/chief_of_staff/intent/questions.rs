//! Questions: what the person wants to know.

use std::str::FromStr;

use hearth_domain::Priority;
use hearth_domain::quick_add::Known;
use hearth_domain::task::TaskStatus;

use super::super::pattern::{is_any, parts};
use super::super::words::Span;
use super::dates::{Period, ahead, behind};
use super::orders::targets;
use super::{Filter, Intent, Question, bare, known_name};

const BLOCKED: &[&str] = &[
    "what|which [tasks|task|things] is|are [currently] blocked|stuck",
    "is|are [there] anything|something|any [tasks] blocked|stuck",
    "[what|which] [tasks] is|are|wait|waits waiting [for|on] me|us",
    "what is|are waiting [for|on] [me]",
    "what|who is waiting",
    "is anything|something|anyone waiting [for|on] [me]",
    "do|does you|anyone|anybody|seed need anything|something [from] [me]",
    "what do you need [from] [me]",
    "anything|something blocked|stuck",
    "[show|list] [me] [the|all|my] blocked|stuck [tasks|ones|things]",
    "where am i needed",
    "who needs me",
];
const RUNNING: &[&str] = &[
    "what|which [tasks] is|are running|happening|active [now|right] [now]",
    "what is going on [now|right] [now]",
    "what|which [tasks] is|are in progress",
    "what are you working|doing [on] [now|right] [now]",
    "what are you up to",
    "what is everyone|everybody|anybody|anyone working|doing [on]",
    "who is working|doing [on] [what|something|anything]",
    "what is being worked on|done [now|right] [now]",
    "[show|list] [me] [the|all|my] running|active [tasks|ones]",
    "[tasks] in progress",
];
const NEXT: &[&str] = &[
    "what is next [up|for] [me]",
    "what should|shall|do|can|must i do|tackle|start [next|now|first] [with]",
    "what should|shall i do",
    "what next|now|first",
    "[show|give] [me] [the] next [task|one|thing]",
    "what is [the] most important|urgent [task|thing]",
    "where should|shall|do i start|begin",
];
const OVERVIEW: &[&str] = &[
    "[show|give] [me] [a|an|the|my] [short|quick|daily|morning] status|overview|summary|report|update|rundown|briefing",
    "how are things [going|today|looking]",
    "how is everything|it [going|today]",
    "what is up|new",
    "where do we|i stand",
    "brief me",
    "what is the status|state [of] [things|everything]",
    "status report|update",
    "how is my day [looking]",
    "what does my day look like",
];
const PROJECTS: &[&str] = &[
    "what|which projects [are|do|exist] [there|i|we] [have]",
    "[show|list] [me] [my|the|all|our] projects",
    "what are [my|the|our] projects",
    "what projects do i have",
];
const AGENTS: &[&str] = &[
    "what|which agents [are|do|exist] [there|i|we|online|working] [have]",
    "who is there|around|online|here|available",
    "[show|list] [me] [my|the|all] agents",
    "how are [the|my] agents [doing]",
    "agent status",
];
const REPEATING: &[&str] = &[
    "what|which [tasks] repeats|repeat|recurs|recur|recurring|repeating",
    "what is|are repeating|recurring",
    "[show|list] [me] [my|the|all] repeating|recurring|regular [tasks|ones]",
    "what comes again",
];
const HELP: &[&str] = &[
    "help [me] [please]",
    "what can|could you|i do|say|ask [for] [me]",
    "how do|does you|this|it work",
    "what do you understand|know|do",
    "what are you able to do",
    "who are you",
    "commands",
];
const ON_LIST: &[&str] = &[
    "what is [still|left] on [my|the] list|plate",
    "what is open|left|pending [to] [do]",
    "what do i have [left] to do",
];
const OVERDUE: &[&str] = &[
    "what|which [tasks] is|are [over|already] overdue|late|missed",
    "is|are [there] anything|something|any [tasks] overdue|late",
    "anything|something overdue|late",
    "[show|list] [me] [the|all|my] overdue|late [tasks|ones]",
    "did i|we miss anything|something",
    "am i late [with] [anything|something]",
];
const DUE: &[&str] = &[
    "what|which [tasks|else] is|are due {d}",
    "what|which [tasks|else] is|are due",
    "is|are [there] anything|something|any [tasks] due {d}",
    "is anything|something due",
    "anything|something due {d}",
    "[show|list] [me] [the|all|my] [tasks] due {d}",
    "what do|must i have|get to do {d}",
    "what do i have {d}",
    "what do i need to do {d}",
    "what is on [my|the] list|plate|agenda|schedule for {d}",
    "what is on for {d}",
    "what is happening|up {d}",
    "what is due next",
    "[what] [are] [my|the] deadlines",
];
const DONE: &[&str] = &[
    "what [have|has|did|was|is|got|were] [i|we|you|been|seed] [get|got|been] done|finished|completed {d}",
    "what [have|has|did|was|is|got|were] [i|we|you|been|seed] [get|got|been] done|finished|completed",
    "what did i|we|you|seed do|finish|complete|achieve {d}",
    "what did i|we|you|seed do|finish|complete|achieve",
    "[show|list] [me] [what] [got|was] [everything|tasks|all] done|completed|finished {d}",
    "done|completed|finished {d}",
];

/// Reads the questions that an order could be taken for.
pub(super) fn read_first(span: Span<'_>, known: &Known<'_>) -> Option<Intent> {
    let fixed = [
        (BLOCKED, Question::Blocked),
        (RUNNING, Question::Running),
        (OVERDUE, Question::Due(Period::past(known, "overdue"))),
        (NEXT, Question::Next),
        (OVERVIEW, Question::Overview),
        (PROJECTS, Question::Projects),
        (AGENTS, Question::Agents),
        (REPEATING, Question::Repeating),
        (HELP, Question::Help),
        (ON_LIST, Question::List(Filter::default())),
    ];
    for (patterns, question) in fixed {
        if is_any(patterns, span) {
            return Some(Intent::Question(question));
        }
    }
    period(DONE, span, |span| behind(span, known))
        .map(Question::Done)
        .or_else(|| period(DUE, span, |span| ahead(span, known)).map(Question::Due))
        .or_else(|| tasks(span, known))
        .map(Intent::Question)
}

/// Reads the questions about one thing, and searches.
pub(super) fn read(span: Span<'_>, known: &Known<'_>) -> Option<Intent> {
    const SEARCH: &[&str] = &[
        "find|search [me] [for] [all|any|the|my] tasks about|with|for|on|containing|mentioning {q}",
        "find|search [for] {q}",
        "look for {q}",
        "is there a|any task about|for|on {q}",
        "do i have a|any task about|for|on {q}",
    ];
    const AGENT: &[&str] = &[
        "what is {x} doing [now]",
        "what is {x} working on [now]",
        "what is {x} up to",
        "is {x} there|online|working|busy|idle|running|alive|okay|ok",
        "how is {x}",
    ];
    const ABOUT: &[&str] = &[
        "[what|show|give] [is] [me] [the] status|state|progress of|on|for {x}",
        "what|how about {x}",
        "how is {x} going|doing|coming|progressing|looking [along]",
        "how far is|are [along] {x}",
        "how far along is {x}",
        "what is happening with {x}",
        "what is up with {x}",
        "where is|are {x}",
        "tell me about {x}",
        "show|describe|details|view [me] {x}",
        "what is {x}",
        "how is {x}",
        "is {x} done|finished|completed|complete [yet|already]",
    ];
    if let Some(words) = first(SEARCH, span) {
        return Some(Intent::Question(Question::Search(
            words.written().to_owned(),
        )));
    }
    if let Some(name) = AGENT
        .iter()
        .filter_map(|pattern| parts(pattern, span)?.first().copied())
        .find_map(|name| known_name(known.agents, bare(name, "agent").written()))
    {
        return Some(Intent::Question(Question::Agent(name)));
    }
    let thing = first(ABOUT, span)?;
    let question = if let Some(name) = known_name(known.projects, bare(thing, "project").written())
    {
        Question::Project(name)
    } else if let Some(name) = known_name(known.agents, bare(thing, "agent").written()) {
        Question::Agent(name)
    } else {
        Question::About(targets(thing).into_iter().next()?)
    };
    Some(Intent::Question(question))
}

/// The first part of the first pattern that fits.
fn first<'a>(patterns: &[&str], span: Span<'a>) -> Option<Span<'a>> {
    patterns
        .iter()
        .find_map(|pattern| parts(pattern, span)?.first().copied())
}

/// Reads a question about a stretch of time; what is said after it must be one.
fn period(
    patterns: &[&str],
    span: Span<'_>,
    read: impl Fn(Span<'_>) -> Option<Period>,
) -> Option<Period> {
    patterns.iter().find_map(|pattern| {
        let found = parts(pattern, span)?;
        read(
            found
                .first()
                .copied()
                .unwrap_or_else(|| span.skip(span.len())),
        )
    })
}

/// `open tasks in web`, `how many tasks are there`, `list high priority tasks for seed`.
fn tasks(span: Span<'_>, known: &Known<'_>) -> Option<Question> {
    let is_count = span.begins("how many").is_some();
    let mut rest = if is_count { span.skip(2) } else { span };
    let mut filter = Filter::default();
    let mut has_noun = false;
    while !rest.is_empty() {
        let (one, two) = (rest.at(0), rest.at(1));
        let took = match one {
            "what" | "which" | "list" | "show" | "give" | "me" | "my" | "the" | "all" | "of"
            | "are" | "is" | "there" | "do" | "i" | "we" | "have" | "on" | "our" | "please"
            | "left" | "to" | "now" | "currently" | "open" | "priority" => 1,
            "tasks" | "todos" | "things" => {
                has_noun = true;
                1
            }
            "task" if two == "list" => {
                has_noun = true;
                2
            }
            "pending" | "waiting" => {
                filter.status = Some(TaskStatus::Pending);
                1
            }
            "blocked" => {
                filter.status = Some(TaskStatus::Blocked);
                1
            }
            "done" | "completed" | "finished" => {
                filter.status = Some(TaskStatus::Completed);
                1
            }
            "cancelled" | "canceled" => {
                filter.status = Some(TaskStatus::Cancelled);
                1
            }
            "running" | "active" => {
                filter.status = Some(TaskStatus::InProgress);
                1
            }
            "urgent" | "important" => {
                filter.priorities = vec![Priority::Critical, Priority::High];
                1
            }
            "with" if two == "label" => {
                filter.label = Some(rest.at(2).trim_start_matches('#').to_owned());
                3
            }
            "labelled" | "labeled" | "tagged" => {
                filter.label = Some(two.trim_start_matches('#').to_owned());
                2
            }
            "in" | "for" | "with" => {
                let name = bare(rest.skip(1), "project").written();
                if let Some(project) = known_name(known.projects, name) {
                    filter.project = Some(project);
                } else if let Some(agent) = known_name(known.agents, name) {
                    filter.agent = Some(agent);
                } else if matches!(rest.skip(1).plain().as_str(), "me" | "myself") {
                    filter.agent = Some(hearth_domain::field::OWNER.into());
                } else {
                    filter.unknown = Some(name.trim_end_matches('?').to_owned());
                }
                rest.len()
            }
            _ => {
                let label = one.strip_prefix('#').filter(|label| !label.is_empty());
                if let Some(label) = label {
                    filter.label = Some(label.to_owned());
                } else {
                    filter.priorities.push(Priority::from_str(one).ok()?);
                }
                1
            }
        };
        rest = rest.skip(took);
    }
    if !has_noun {
        return None;
    }
    Some(if is_count {
        Question::Count(filter)
    } else {
        Question::List(filter)
    })
}
