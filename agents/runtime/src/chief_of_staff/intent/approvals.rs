//! What the person says of actions that wait for a yes or no.

use super::super::pattern::{is_any, parts};
use super::super::words::Span;
use super::Intent;
use super::numbers::number;

/// What is said of approvals.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum Consent {
    /// Asks what waits for a yes or no.
    Pending,
    /// Asks what is waited for, whatever it is.
    Waiting,
    /// Asks what exactly one is about.
    Show(i64),
    /// Says yes or no to one; to the one just shown where none is named.
    Decide {
        /// Which.
        number: Option<i64>,
        /// Whether it is a yes.
        is_yes: bool,
        /// What is said with it.
        note: Option<String>,
    },
    /// Says yes or no to several at once, which is not taken.
    Several,
    /// Wants not to be asked again.
    Always(Option<i64>),
}

const PENDING: &[&str] = &[
    "what|which [things|actions] needs|need|requires|require [my|an|our] approval|approving|permission",
    "[is|are] [there] anything|something|nothing [for] [me] to approve",
    "[what] is|are [anything|something|there] waiting|waits for [my] approval|permission",
    "what waits for [my] approval|permission",
    "[are] [there] [any] [open|pending|waiting] approvals [waiting|pending|open]",
    "what|which approvals [are|is] [there] [open|pending|waiting]",
    "[show|list] [me] [the|my|all] [open|pending|waiting] approvals [please]",
    "what [do|can|should|must] i [have|need] [to] approve",
    "do|does you|anyone|anybody|seed need [my] approval|permission [for] [anything|something]",
];
const WAITING: &[&str] = &[
    "what are you waiting for|on [now]",
    "what do you wait for",
    "what is seed waiting for|on",
];
const SHOW: &[&str] = &[
    "show|explain|describe|open|read [me] [the] approval|request {n}",
    "what is|was [the] approval|request {n} [about|for]",
    "[what] about approval {n}",
    "approval {n}",
];
const YES: &[&str] = &[
    "approve|allow|permit|grant {n} because|since {r}",
    "approve|allow|permit|grant {n} : {r}",
    "approve|allow|permit|grant {n}",
    "yes|yeah|yep to {n}",
    "{n} is approved|granted",
    "i approve [of] {n}",
];
const NO: &[&str] = &[
    "deny|refuse|reject|decline|forbid|disapprove {n} because|since {r}",
    "deny|refuse|reject|decline|forbid|disapprove {n} : {r}",
    "deny|refuse|reject|decline|forbid|disapprove {n}",
    "no|nope to {n} because|since {r}",
    "no|nope to {n}",
    "do not approve|allow|permit {n} because|since {r}",
    "do not approve|allow|permit {n}",
    "{n} is denied|refused|rejected",
];
const ALWAYS: &[&str] = &[
    "always approve|allow|permit {n}",
    "approve|allow|permit {n} always|forever",
    "approve|allow|permit {n} from now on",
    "approve|allow|permit {n} every time",
    "approve|allow|permit {n} without asking",
];
const ALWAYS_THIS: &[&str] = &[
    "do not ask [me] [about] [it|that|this] again|anymore",
    "stop|no asking [me] [about] [it|that|this]",
    "yes always",
    "remember that|this|it",
];

/// Reads what is said of approvals. What names no number and is not about the one just shown is
/// something else: `approve the budget` is a thing to do.
pub(super) fn read(span: Span<'_>) -> Option<Intent> {
    let consent = if is_any(PENDING, span) {
        Some(Consent::Pending)
    } else if is_any(WAITING, span) {
        Some(Consent::Waiting)
    } else if is_any(ALWAYS_THIS, span) {
        Some(Consent::Always(None))
    } else {
        named(SHOW, span, |named, _| match named {
            Named::One(number) => Some(Consent::Show(number?)),
            Named::Several => Some(Consent::Pending),
        })
        .or_else(|| {
            named(ALWAYS, span, |named, _| match named {
                Named::One(number) => Some(Consent::Always(number)),
                Named::Several => Some(Consent::Always(None)),
            })
        })
        .or_else(|| named(YES, span, |named, note| Some(decide(named, note, true))))
        .or_else(|| named(NO, span, |named, note| Some(decide(named, note, false))))
    };
    consent.map(Intent::Approval)
}

/// Which approval is meant.
#[derive(Clone, Copy)]
enum Named {
    /// This one, or the one just shown.
    One(Option<i64>),
    Several,
}

fn decide(named: Named, note: Option<String>, is_yes: bool) -> Consent {
    match named {
        Named::One(number) => Consent::Decide {
            number,
            is_yes,
            note,
        },
        Named::Several => Consent::Several,
    }
}

fn named(
    patterns: &[&str],
    span: Span<'_>,
    make: impl Fn(Named, Option<String>) -> Option<Consent>,
) -> Option<Consent> {
    patterns.iter().find_map(|pattern| {
        let parts = parts(pattern, span)?;
        let note = parts.get(1).map(|note| note.written().to_owned());
        make(which(*parts.first()?)?, note)
    })
}

/// Reads `3`, `approval number three`, `it`, `3 and 4`, `all of them`.
fn which(span: Span<'_>) -> Option<Named> {
    let plain = span.plain();
    match plain.as_str() {
        "it" | "that" | "this" | "that one" | "this one" | "the approval" | "this approval"
        | "that approval" => return Some(Named::One(None)),
        "all" | "both" | "everything" | "all of them" | "them" | "them all" | "all approvals"
        | "the approvals" => return Some(Named::Several),
        _ => (),
    }
    let mut rest = lead(span);
    let (first, took) = number(rest)?;
    rest = rest.skip(took);
    if rest.is_empty() {
        return Some(Named::One(Some(first)));
    }
    let and = usize::from(matches!(rest.at(0), "and" | "&"));
    number(lead(rest.skip(and))).map(|_| Named::Several)
}

/// Takes the words before a number off.
fn lead(span: Span<'_>) -> Span<'_> {
    let mut span = span;
    while matches!(
        span.at(0),
        "approval" | "approvals" | "request" | "number" | "no" | "the"
    ) && span.len() > 1
    {
        span = span.skip(1);
    }
    span
}
