//! The table in the module's words, cell by cell; and that more labels never make a verdict weaker.

use proptest::prelude::*;

use super::*;

const NOTHING: Labels = Labels {
    untrusted: false,
    private: false,
};
const BOTH: Labels = Labels {
    untrusted: true,
    private: true,
};

fn creates() -> Reach {
    Reach {
        creates: Some(Creates::Agent),
        ..Reach::default()
    }
}

fn reads() -> Reach {
    Reach {
        reads: vec!["notes".parse().unwrap()],
        ..Reach::default()
    }
}

fn writes() -> Reach {
    Reach {
        writes: vec!["notes".parse().unwrap()],
        ..Reach::default()
    }
}

/// What is said of a call with labels, with nothing permitted and with a permission that fits.
fn said(reach: &Reach, labels: Labels, told_by_strangers: bool) -> (Verdict, Verdict) {
    let action = action("https://example.org/");
    let folders = [folder(Access::Write)];
    let permissions = [permission(None)];
    let asked = Call {
        labels,
        told_by_strangers,
        folders: &folders,
        ..call(&action, reach)
    };
    let permitted = Call {
        permissions: &permissions,
        ..asked
    };
    (verdict(&asked), verdict(&permitted))
}

#[test]
fn each_cell_of_the_table_is_as_it_says() {
    use Verdict::{Allow, Ask, Deny};
    let made = (Allow, Allow);
    let permitted = (Ask, Allow);
    let each_time = (Ask, Ask);
    let refused = (Deny, Deny);
    let stays = Reach::default();
    for (reach, expected) in [
        (&stays, [made, made, made, made]),
        (&reads(), [made, made, made, made]),
        (&creates(), [made, each_time, refused, refused]),
        (&speaks(), [permitted, permitted, permitted, each_time]),
        (&outside(), [each_time; 4]),
        // What opens a folder is private, so that the last column is what holds.
        (&writes(), [made, made, made, each_time]),
    ] {
        let labels = [NOTHING, Labels::PRIVATE, Labels::UNTRUSTED, BOTH];
        for (labels, expected) in labels.into_iter().zip(expected) {
            assert_eq!(said(reach, labels, false), expected, "{reach:?} {labels:?}");
        }
    }
    assert_eq!(said(&speaks(), Labels::UNTRUSTED, true), each_time);
    assert_eq!(said(&speaks(), BOTH, true), each_time);
    assert_eq!(said(&stays, Labels::UNTRUSTED, true), made);
}

#[test]
fn who_may_make_nothing_is_told_what_to_do() {
    let (action, reach) = (action("x"), creates());
    let call = Call {
        labels: Labels::UNTRUSTED,
        ..call(&action, &reach)
    };

    let said = decide(&call, &BOUNDS, at(10));

    assert_eq!(said.verdict, Verdict::Deny);
    assert!(
        said.reason.contains("a task of your own words"),
        "{}",
        said.reason
    );
}

#[test]
fn no_yes_makes_a_tool_of_a_strangers_text() {
    let (action, reach) = (action("x"), creates());
    let yes = approval(action.clone()).approve("owner", None, at(1));
    let yes = yes.unwrap().after;
    let call = Call {
        labels: Labels::UNTRUSTED,
        approval: Some(&yes),
        ..call(&action, &reach)
    };

    assert_eq!(verdict(&call), Verdict::Deny);
}

#[test]
fn outside_the_sandbox_the_owner_is_warned_of_what_was_read() {
    let (action, reach) = (action("x"), outside());
    let with = |labels| {
        let call = Call {
            labels,
            ..call(&action, &reach)
        };
        decide(&call, &BOUNDS, at(10)).reason
    };

    assert!(!with(Labels::PRIVATE).contains("strangers"));
    assert!(with(Labels::UNTRUSTED).contains("text of strangers"));
}

#[test]
fn a_yes_with_less_in_view_is_none_to_what_is_asked_each_time() {
    let (action, reach) = (action("https://example.org/"), speaks());
    let weaker = Approval {
        is_once: false,
        ..approval(action.clone())
    };
    let yes = weaker.approve("owner", None, at(1)).unwrap().after;
    let call = Call {
        approval: Some(&yes),
        ..call(&action, &reach)
    };
    assert_eq!(verdict(&call), Verdict::Allow);

    let more = Call {
        labels: BOTH,
        ..call
    };
    let said = decide(&more, &BOUNDS, at(10));
    assert!(said.verdict == Verdict::Ask && said.is_once, "{said:?}");
}

/// How much a decision holds back: made, made within less, asked, asked each time, refused.
fn strength(decision: &Decision) -> u8 {
    match decision.verdict {
        Verdict::Allow | Verdict::Change => 0,
        Verdict::Ask if decision.is_once => 2,
        Verdict::Ask => 1,
        Verdict::Deny => 3,
    }
}

fn any_agreed() -> impl Strategy<Value = Option<Agreed>> {
    let agreed = prop_oneof![Just(Agreed::WithTool), Just(Agreed::InSettings)];
    proptest::option::of(agreed)
}

fn any_reach() -> impl Strategy<Value = Reach> {
    (
        any::<[bool; 5]>(),
        any_agreed(),
        proptest::option::of(1_u64..100),
    )
        .prop_map(
            |([hosts, reads, writes, is_outside, creates], agreed, limit)| {
                let named = |is_so: bool| -> Vec<Word> {
                    is_so
                        .then(|| "notes".parse().unwrap())
                        .into_iter()
                        .collect()
                };
                Reach {
                    hosts: hosts
                        .then(|| "example.org".to_owned())
                        .into_iter()
                        .collect(),
                    reads: named(reads),
                    writes: named(writes),
                    is_outside,
                    creates: creates.then_some(Creates::Agent),

                    agreed,
                    reads_memories: false,
                    limit: limit.map(Duration::from_secs),
                }
            },
        )
}

fn any_labels() -> impl Strategy<Value = Labels> {
    any::<(bool, bool)>().prop_map(|(untrusted, private)| Labels { untrusted, private })
}

proptest! {
    #[test]
    fn more_labels_never_make_a_verdict_weaker(
        reach in any_reach(),
        labels in any_labels(),
        more in any_labels(),
        (told, told_too) in any::<(bool, bool)>(),
        (is_permitted, is_open, speaks_meanwhile) in any::<(bool, bool, bool)>(),
        alike in 1_u32..6,
        yes in proptest::option::of(any::<bool>()),
    ) {
        let action = action("https://example.org/");
        let permissions = [permission(None)];
        let folders = [folder(if is_open { Access::Write } else { Access::Read })];
        let yes = yes.map(|is_once| {
            let asked = Approval { is_once, ..approval(action.clone()) };
            asked.approve("owner", None, at(1)).unwrap().after
        });
        let fewer = Call {
            labels,
            told_by_strangers: told,
            speaks_meanwhile,
            alike,
            approval: yes.as_ref(),
            permissions: if is_permitted { &permissions } else { &[] },
            folders: &folders,
            ..call(&action, &reach)
        };
        let many = Call {
            labels: labels.and(more),
            told_by_strangers: told || told_too,
            ..fewer
        };

        let before = strength(&decide(&fewer, &BOUNDS, at(10)));
        let after = strength(&decide(&many, &BOUNDS, at(10)));

        prop_assert!(after >= before, "{before} became {after}");
    }

    #[test]
    fn labels_join_whichever_comes_first(a in any_labels(), b in any_labels()) {
        prop_assert_eq!(a.and(b), b.and(a));
        prop_assert_eq!(a.and(b).and(a), a.and(b));
        prop_assert_eq!(a.and(Labels::default()), a);
    }
}
