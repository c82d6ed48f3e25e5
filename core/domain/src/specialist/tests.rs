use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::money::Resource;

const TOOLS: [&str; 5] = [
    "python",
    "http_get",
    "write_file",
    "delegate",
    "create_agent",
];

fn words(names: &[&str]) -> BTreeSet<Word> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn seed() -> Grants {
    Grants::all(words(&TOOLS))
}

fn maker() -> Maker {
    Maker {
        name: "seed".parse().unwrap(),
        is_specialist: false,
        task: TaskId(Uuid::from_u128(7)),
    }
}

fn new(name: &str, instructions: &str) -> NewSpecialist {
    NewSpecialist {
        name: name.parse().unwrap(),
        instructions: instructions.into(),
        grants: WantedGrants::default(),
    }
}

fn create(new: NewSpecialist) -> Result<Specialist, InvalidField> {
    let grants = seed().narrow(new.grants.clone())?;
    let at = Timestamp::from_millis(1);
    Specialist::create(AgentId(Uuid::from_u128(1)), new, grants, &maker(), at)
        .map(|change| change.after)
}

fn any_words() -> impl Strategy<Value = BTreeSet<Word>> {
    prop::sample::subsequence(TOOLS.to_vec(), 0..=TOOLS.len()).prop_map(|names| words(&names))
}

fn any_limit() -> impl Strategy<Value = Option<u64>> {
    prop::option::of(0_u64..6)
}

fn any_limits() -> impl Strategy<Value = Limits> {
    (
        any_limit(),
        any_limit(),
        any_limit(),
        any_limit(),
        any_limit(),
    )
        .prop_map(|(usd_micros, tokens, turns, tool_calls, wall_ms)| Limits {
            usd_micros,
            tokens,
            turns,
            tool_calls,
            wall_ms,
            children: None,
        })
}

fn any_wanted() -> impl Strategy<Value = WantedGrants> {
    (prop::option::of(any_words()), any_words(), any_limits()).prop_map(
        |(tools, asks_before, limits)| WantedGrants {
            tools,
            asks_before,
            limits,
        },
    )
}

proptest! {
    #[test]
    fn however_specialists_make_each_other_grants_only_narrow_and_caution_only_grows(
        chain in prop::collection::vec(any_wanted(), 1..8),
    ) {
        let mut line = vec![seed()];
        for wanted in chain {
            // What is refused changes nothing: the next one asks the same maker.
            if let Ok(made) = line.last().unwrap().narrow(wanted) {
                line.push(made);
            }
        }
        prop_assert!(line.len() <= DEPTH_MAX as usize + 1);
        for (place, maker) in line.iter().enumerate() {
            for made in &line[place..] {
                prop_assert!(made.tools.is_subset(&maker.tools));
                prop_assert!(made.asks_before.is_superset(&maker.asks_before));
                for what in Resource::ALL {
                    let (made, maker) = (made.limits.get(what), maker.limits.get(what));
                    prop_assert!(maker.is_none_or(|most| made.is_some_and(|limit| limit <= most)));
                }
                prop_assert!(maker.cover(made));
            }
        }
    }

    #[test]
    fn who_covers_another_and_is_covered_by_it_may_do_the_same(
        one in any_wanted(),
        other in any_wanted(),
    ) {
        let (Ok(one), Ok(other)) = (seed().narrow(one), seed().narrow(other)) else {
            return Ok(());
        };
        if one.cover(&other) && other.cover(&one) {
            prop_assert_eq!(one, other);
        }
    }
}

#[test]
fn what_is_beyond_its_maker_is_refused_by_name() {
    let limited = seed()
        .narrow(WantedGrants {
            tools: Some(words(&["python"])),
            limits: Limits {
                usd_micros: Some(500_000),
                turns: Some(5),
                ..Limits::default()
            },
            ..WantedGrants::default()
        })
        .unwrap();
    let refused = |wanted: WantedGrants| {
        let refusal = limited.narrow(wanted).unwrap_err();
        (refusal.field, refusal.problem)
    };
    let limits = |limits: Limits| WantedGrants {
        limits,
        ..WantedGrants::default()
    };

    let (field, problem) = refused(WantedGrants {
        tools: Some(words(&["python", "http_get"])),
        ..WantedGrants::default()
    });
    assert_eq!(field, "tools");
    assert!(problem.contains("has no http_get"), "{problem}");
    assert!(problem.contains("it has python"), "{problem}");
    let (field, problem) = refused(limits(Limits {
        usd_micros: Some(500_001),
        ..Limits::default()
    }));
    assert_eq!(field, "limits.usd");
    assert!(problem.contains("at most $0.50"), "{problem}");
    let (field, _) = refused(limits(Limits {
        turns: Some(6),
        ..Limits::default()
    }));
    assert_eq!(field, "limits.turns");
    let (field, _) = refused(limits(Limits {
        tool_calls: Some(0),
        ..Limits::default()
    }));
    assert_eq!(field, "limits.tool_calls");
}

#[test]
fn specialists_make_specialists_three_deep_and_no_deeper() {
    let mut grants = seed();
    for depth in 1..=DEPTH_MAX {
        grants = grants.narrow(WantedGrants::default()).unwrap();
        assert_eq!(grants.depth, depth);
    }
    let refusal = grants.narrow(WantedGrants::default()).unwrap_err();
    assert!(refusal.problem.contains("3 deep"), "{refusal}");
}

#[test]
fn a_specialist_needs_a_name_of_its_own_and_something_to_go_by() {
    for name in KEPT_NAMES {
        assert_eq!(create(new(name, "Counts.")).unwrap_err().field, "name");
    }
    let field = |instructions: &str| create(new("scribe", instructions)).unwrap_err().field;
    assert_eq!(field("  \n"), "instructions");
    assert_eq!(field("a\0b"), "instructions");
    assert_eq!(
        field(&"é".repeat(INSTRUCTIONS_MAX_BYTES / 2 + 1)),
        "instructions"
    );
    assert!(create(new("scribe", &"é".repeat(INSTRUCTIONS_MAX_BYTES / 2))).is_ok());
}

#[test]
fn a_specialist_is_switched_off_and_on_once_each() {
    let specialist = create(new("scribe", "Writes.")).unwrap();
    assert!(specialist.is_enabled);
    assert_eq!(specialist.clone().enable(Timestamp::from_millis(2)), None);

    let off = specialist.disable(Timestamp::from_millis(2)).unwrap();
    assert_eq!(off.event.type_name(), "specialist.disabled");
    assert_eq!((off.after.is_enabled, off.after.version), (false, 2));
    assert_eq!(off.after.clone().disable(Timestamp::from_millis(3)), None);

    let on = off.after.enable(Timestamp::from_millis(3)).unwrap();
    assert_eq!(on.event.type_name(), "specialist.enabled");
    assert_eq!((on.after.is_enabled, on.after.version), (true, 3));
    assert_eq!(on.after.remove().type_name(), "specialist.removed");
}
