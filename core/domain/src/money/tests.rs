//! What fits, and how amounts are written and read.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::clock::Timestamp;
use crate::id::{CallId, ProjectId, TaskId};

fn account(scope: Scope, limits: Limits) -> Account {
    Account {
        scope,
        limits,
        spent: Charge::default(),
        reserved: Charge::default(),
    }
}

fn dollars_limit(usd_micros: u64) -> Limits {
    Limits {
        usd_micros: Some(usd_micros),
        ..Limits::default()
    }
}

fn usage(usd_micros: u64) -> Usage {
    Usage {
        usd_micros,
        input_tokens: 10,
        output_tokens: 5,
    }
}

fn task() -> Scope {
    Scope::Task(TaskId(Uuid::from_u128(1)))
}

#[test]
fn a_call_fits_up_to_the_limit_and_not_beyond() {
    let accounts = [account(task(), dollars_limit(100))];

    assert_eq!(overs(&accounts, &Charge::turn(usage(100))), []);
    let over = overs(&accounts, &Charge::turn(usage(101)));

    assert_eq!(over.len(), 1);
    assert_eq!(over[0].what, Resource::Usd);
    assert_eq!((over[0].limit, over[0].spent, over[0].asked), (100, 0, 101));
}

#[test]
fn what_is_reserved_counts_as_spent() {
    let mut account = account(task(), dollars_limit(100));
    account.spent.usd_micros = 30;
    account.reserved.usd_micros = 40;

    let over = overs(std::slice::from_ref(&account), &Charge::turn(usage(31)));

    assert_eq!((over[0].spent, over[0].reserved), (70, 40));
    assert_eq!(account.left(Resource::Usd), Some(30));
    assert_eq!(account.left(Resource::Turns), None);
}

#[test]
fn what_costs_nothing_fits_at_a_limit_of_zero_and_beyond_any() {
    let mut account = account(Scope::Everything, dollars_limit(0));
    account.spent.usd_micros = 7;
    let accounts = [account];

    assert_eq!(overs(&accounts, &Charge::turn(usage(0))), []);
    assert_eq!(overs(&accounts, &Charge::turn(usage(1))).len(), 1);
}

#[test]
fn every_limit_in_the_way_is_named() {
    let turns = Limits {
        turns: Some(0),
        ..dollars_limit(5)
    };
    let accounts = [
        account(Scope::Everything, Limits::default()),
        account(task(), turns),
        account(Scope::EachDay, dollars_limit(6)),
    ];

    let over = overs(&accounts, &Charge::turn(usage(7)));

    let named: Vec<_> = over
        .iter()
        .map(|over| (over.scope.kind(), over.what))
        .collect();
    assert_eq!(
        named,
        [
            (ScopeKind::Task, Resource::Usd),
            (ScopeKind::Task, Resource::Turns),
            (ScopeKind::Day, Resource::Usd)
        ]
    );
}

#[test]
fn four_fifths_are_low_and_a_reservation_is_not() {
    let mut account = account(task(), dollars_limit(10));
    account.reserved.usd_micros = 10;
    account.spent.usd_micros = 7;
    assert_eq!(account.low(), []);

    account.spent.usd_micros = 8;
    assert_eq!(account.low(), [(Resource::Usd, 10)]);
    account.limits = dollars_limit(0);
    assert_eq!(
        account.low(),
        [],
        "a limit of nothing is never nearly reached"
    );
}

#[test]
fn a_proposal_is_round_and_enough() {
    let over = |what, limit, spent, asked| Over {
        scope: task(),
        what,
        limit,
        spent,
        reserved: 0,
        asked,
    };
    for (over, expected) in [
        (over(Resource::Usd, 1_000_000, 980_000, 50_000), 2_000_000),
        (over(Resource::Usd, 0, 0, 1), 50_000),
        (over(Resource::Usd, 20_000_000, 70_000_001, 1), 71_000_000),
        (over(Resource::Turns, 60, 60, 1), 120),
        (over(Resource::Tokens, 0, 0, 2001), 3000),
        (over(Resource::WallTime, 90_000, 90_000, 1), 180_000),
    ] {
        assert_eq!(over.suggested(), expected, "{over:?}");
        assert!(over.suggested() >= over.needed());
    }
}

#[test]
fn an_amount_reads_as_people_write_it() {
    for (micros, text) in [
        (0, "$0.00"),
        (980_000, "$0.98"),
        (2_000_000, "$2.00"),
        (12_345_678, "$12.35"),
        (9_900, "$0.0099"),
        (7, "$0.000007"),
        (u64::MAX, "$18446744073709.55"),
    ] {
        assert_eq!(dollars(micros), text);
    }
    for (what, value, text) in [
        (Resource::Tokens, 1_234_567, "1,234,567 tokens"),
        (Resource::Tokens, 20_000, "20,000 tokens"),
        (Resource::Turns, 1, "1 turn"),
        (Resource::WallTime, 7_200_000, "120 minutes"),
        (Resource::WallTime, 1_500, "2 seconds"),
        (Resource::Children, 100, "100 child tasks"),
    ] {
        assert_eq!(amount(what, value), text);
    }
    assert_eq!(micros(1.0), 1_000_000);
    assert_eq!((micros(f64::NAN), micros(-3.0)), (0, 0));
    assert_eq!(micros(f64::INFINITY), Usage::MOST);
    assert!((usd(micros(0.1)) - 0.1).abs() < f64::EPSILON);
}

#[test]
fn an_answer_raises_only_in_plain_words() {
    let to = |what, limit| Answer::To { what, limit };
    for (text, expected) in [
        ("raise", Answer::Raise),
        (" Yes. ", Answer::Raise),
        ("raise all", Answer::Raise),
        ("raise to $2.00", to(Resource::Usd, 2_000_000)),
        ("$5", to(Resource::Usd, 5_000_000)),
        ("$ 5.5", to(Resource::Usd, 5_500_000)),
        ("5 dollars", to(Resource::Usd, 5_000_000)),
        ("raise it to 50 cents", to(Resource::Usd, 500_000)),
        ("20000 tokens", to(Resource::Tokens, 20_000)),
        ("20,000 tokens!", to(Resource::Tokens, 20_000)),
        ("to 3 hours", to(Resource::WallTime, 10_800_000)),
        ("1.5 hours", to(Resource::WallTime, 5_400_000)),
        ("300 tool calls", to(Resource::ToolCalls, 300)),
        ("stop", Answer::Stop),
        ("no", Answer::Stop),
        ("", Answer::Stop),
        ("raise the roof", Answer::Stop),
        ("1.5 tokens", Answer::Stop),
        ("-3 dollars", Answer::Stop),
        ("$1e9", Answer::Stop),
        ("99999999999999999999 tokens", Answer::Stop),
        ("$.", Answer::Stop),
        ("7", Answer::Stop),
    ] {
        assert_eq!(Answer::read(text, None), expected, "{text}");
    }
    assert_eq!(
        Answer::read("7", Some(Resource::Usd)),
        to(Resource::Usd, 7_000_000)
    );
    assert_eq!(
        Answer::read("raise to 7", Some(Resource::Turns)),
        to(Resource::Turns, 7)
    );
}

#[test]
fn every_proposal_that_is_offered_reads_back_as_itself() {
    for (what, value) in [
        (Resource::Usd, 2_000_000),
        (Resource::Usd, 50_000),
        (Resource::Tokens, 1_234_000),
        (Resource::Turns, 120),
        (Resource::ToolCalls, 400),
        (Resource::WallTime, 14_400_000),
        (Resource::Children, 20),
    ] {
        let offered = format!("raise to {}", amount(what, value));

        let limit = value;
        assert_eq!(
            Answer::read(&offered, None),
            Answer::To { what, limit },
            "{offered}"
        );
    }
}

#[test]
fn scopes_read_back_and_are_told_apart() {
    let scopes = [
        Scope::Everything,
        Scope::EachDay,
        Scope::Day("2026-11-25".parse().unwrap()),
        Scope::Agent("seed".parse().unwrap()),
        Scope::Project(ProjectId(Uuid::from_u128(7))),
        task(),
    ];
    let mut ids = std::collections::HashSet::new();
    for scope in scopes {
        assert_eq!(Scope::parse(scope.kind(), &scope.key()).unwrap(), scope);
        assert!(ids.insert(scope.id()));
    }
    for (kind, key) in [
        (ScopeKind::Everything, ""),
        (ScopeKind::Day, "monday"),
        (ScopeKind::Task, "12"),
        (ScopeKind::Agent, "no name"),
    ] {
        assert_eq!(Scope::parse(kind, key).unwrap_err().field, "key");
    }
    for kind in ScopeKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
    for what in Resource::ALL {
        assert_eq!(what.as_str().parse(), Ok(what));
    }
}

#[test]
fn a_call_is_settled_once() {
    let call = NewCall {
        purpose: Purpose::Chat,
        step: None,
        conversation: None,
        task: None,
        project: None,
        agent: "cos-agent".parse().unwrap(),
        worst_case: Usage {
            usd_micros: u64::MAX,
            ..usage(0)
        },
        day: "2026-11-25".parse().unwrap(),
    };
    let now = Timestamp::from_millis(5);
    let reserved = ModelCall::reserve(CallId(Uuid::from_u128(1)), call, now);
    assert_eq!(reserved.call.worst_case.usd_micros, Usage::MOST);

    let unknown = reserved.clone().end(CallEnd::Unknown, now).unwrap();
    assert_eq!(unknown.used, Some(reserved.call.worst_case));
    assert_eq!(unknown.end(CallEnd::NotSent, now), None);
    let not_sent = reserved.end(CallEnd::NotSent, now).unwrap();
    assert_eq!(not_sent.status, CallStatus::Settled);
    assert_eq!(not_sent.used, Some(Usage::default()));
}

/// What a step of the property below does.
#[derive(Debug, Clone)]
enum Move {
    /// Reserves so much, if it fits.
    Reserve(u64, u64),
    /// Settles the oldest reservation at so many hundredths of it.
    Settle(u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        (0..400_u64, 0..400_u64).prop_map(|(usd, tokens)| Move::Reserve(usd, tokens)),
        (0..=100_u64).prop_map(Move::Settle),
    ];
    prop::collection::vec(one, 0..60)
}

proptest! {
    #[test]
    fn whatever_is_reserved_and_settled_no_limit_is_passed(
        moves in moves(), usd in 0..1000_u64, tokens in 0..1000_u64, turns in 0..20_u64,
    ) {
        let limits = Limits {
            usd_micros: Some(usd),
            tokens: Some(tokens),
            turns: Some(turns),
            ..Limits::default()
        };
        let mut account = account(task(), limits);
        let mut open: Vec<Charge> = Vec::new();
        for step in moves {
            match step {
                Move::Reserve(usd_micros, input_tokens) => {
                    let usage = Usage { usd_micros, input_tokens, output_tokens: 0 };
                    let asked = Charge::turn(usage);
                    if overs(std::slice::from_ref(&account), &asked).is_empty() {
                        account.spent.turns += 1;
                        account.reserved = account.reserved.plus(Charge::of_usage(usage));
                        open.push(Charge::of_usage(usage));
                    }
                }
                Move::Settle(percent) if !open.is_empty() => {
                    let reserved = open.remove(0);
                    account.reserved.usd_micros -= reserved.usd_micros;
                    account.reserved.tokens -= reserved.tokens;
                    account.spent.usd_micros += reserved.usd_micros * percent / 100;
                    account.spent.tokens += reserved.tokens * percent / 100;
                }
                Move::Settle(_) => (),
            }
            for what in Resource::ALL {
                if let Some(limit) = limits.get(what) {
                    prop_assert!(account.held(what) <= limit, "{what} {account:?}");
                }
            }
        }
    }

    #[test]
    fn what_fits_with_others_fits_alone(
        spent in 0..100_u64, one in 0..100_u64, other in 0..100_u64, limit in 0..200_u64,
    ) {
        let mut account = account(task(), dollars_limit(limit));
        account.spent.usd_micros = spent;
        let accounts = [account];
        let (one, other) = (Charge::turn(usage(one)), Charge::turn(usage(other)));
        if overs(&accounts, &one.plus(other)).is_empty() {
            prop_assert!(overs(&accounts, &one).is_empty());
            prop_assert!(overs(&accounts, &other).is_empty());
        }
    }

    #[test]
    fn no_answer_makes_reading_fail(text in ".{0,40}") {
        let _ = Answer::read(&text, Some(Resource::Usd));
    }
}
