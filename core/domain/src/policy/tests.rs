mod labels;

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::approval::NewApproval;
use crate::field::JsonObject;
use crate::folder::NewGrantedFolder;
use crate::id::{ApprovalId, FolderId, PermissionId, RunId, TaskId};
use crate::permission::{NewPermission, Shape};

const BOUNDS: Bounds = Bounds {
    calls_max: 200,
    time_max: Duration::from_mins(1),
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn action(url: &str) -> Action {
    Action {
        tool: "http_get".parse().unwrap(),
        args: serde_json::from_value(json!({"url": url})).unwrap(),
    }
}

fn speaks() -> Reach {
    Reach {
        hosts: vec!["example.org".into()],
        ..Reach::default()
    }
}

fn outside() -> Reach {
    Reach {
        is_outside: true,
        ..Reach::default()
    }
}

fn call<'a>(action: &'a Action, reach: &'a Reach) -> Call<'a> {
    Call {
        action,
        reach,
        project: None,
        labels: Labels::default(),
        told_by_strangers: false,
        speaks_meanwhile: false,
        alike: 1,
        calls: 0,
        grants: None,
        approval: None,
        permissions: &[],
        folders: &[],
    }
}

fn verdict(call: &Call<'_>) -> Verdict {
    decide(call, &BOUNDS, at(10)).verdict
}

fn permission(project_id: Option<ProjectId>) -> Permission {
    let new = NewPermission {
        tool: "http_get".parse().unwrap(),
        shape: Shape::of(&action("https://example.org/")),
        project_id,
    };
    Permission::grant(PermissionId(Uuid::from_u128(1)), 4, new, "owner", at(0)).after
}

fn approval(action: Action) -> Approval {
    let new = NewApproval {
        run_id: RunId(Uuid::from_u128(1)),
        task_id: TaskId(Uuid::from_u128(2)),
        task_number: 12,
        place: 1,
        action,
        what: String::new(),
        why: String::new(),
        is_once: true,
    };
    Approval::request(ApprovalId(Uuid::from_u128(3)), 9, new, at(0)).after
}

fn folder(access: Access) -> GrantedFolder {
    let new = NewGrantedFolder {
        name: "notes".parse().unwrap(),
        path: "/home/ada/notes".into(),
        access,
        project_id: None,
    };
    GrantedFolder::grant(FolderId(Uuid::from_u128(1)), new, "owner", at(0)).after
}

#[test]
fn what_stays_in_its_folder_is_made() {
    let (action, reach) = (action("x"), Reach::default());

    assert_eq!(verdict(&call(&action, &reach)), Verdict::Allow);
}

fn grants(tools: &[&str], asks_before: &[&str]) -> Grants {
    let words = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
    Grants {
        asks_before: words(asks_before),
        ..Grants::all(words(tools))
    }
}

#[test]
fn an_agent_calls_the_tools_it_was_granted_and_its_model_and_nothing_else() {
    let (http_get, reach) = (action("x"), Reach::default());
    let own = grants(&["http_get"], &[]);
    let mut call = call(&http_get, &reach);
    call.grants = Some(&own);
    assert_eq!(verdict(&call), Verdict::Allow);

    let other = grants(&["python"], &[]);
    call.grants = Some(&other);
    let decision = decide(&call, &BOUNDS, at(10));
    assert_eq!(decision.verdict, Verdict::Deny);
    assert!(
        decision
            .reason
            .contains("may not call http_get; it may call python")
    );

    let model = Action {
        tool: TURN.parse().unwrap(),
        args: JsonObject::new(),
    };
    call.action = &model;
    assert_eq!(verdict(&call), Verdict::Allow);
}

#[test]
fn no_yes_lets_an_agent_call_a_tool_that_it_was_not_granted() {
    let (http_get, reach) = (action("x"), Reach::default());
    let approval = Approval {
        status: ApprovalStatus::Approved,
        ..approval(http_get.clone())
    };
    let (own, permissions) = (grants(&["python"], &[]), [permission(None)]);
    let call = Call {
        approval: Some(&approval),
        permissions: &permissions,
        grants: Some(&own),
        ..call(&http_get, &reach)
    };

    assert_eq!(verdict(&call), Verdict::Deny);
}

#[test]
fn what_an_agent_asks_before_no_standing_permission_allows() {
    let (http_get, reach) = (action("https://example.org/"), speaks());
    let permissions = [permission(None)];
    let own = grants(&["http_get"], &["http_get"]);
    let call = Call {
        permissions: &permissions,
        grants: Some(&own),
        ..call(&http_get, &reach)
    };

    let decision = decide(&call, &BOUNDS, at(10));

    assert_eq!((decision.verdict, decision.is_once), (Verdict::Ask, true));
}

#[test]
fn a_version_of_a_made_tool_is_granted_and_asked_about_by_its_name() {
    let action = Action {
        tool: "count_words.v2".parse().unwrap(),
        ..action("x")
    };
    let reach = Reach::default();
    for (tools, asks_before, expected) in [
        (&["count_words"][..], &[][..], Verdict::Allow),
        (&["count_words.v2"], &[], Verdict::Allow),
        (&["count_words.v1"], &[], Verdict::Deny),
        (&["count_words"], &["count_words"], Verdict::Ask),
    ] {
        let own = grants(tools, asks_before);
        let mut call = call(&action, &reach);
        call.grants = Some(&own);
        assert_eq!(verdict(&call), expected, "{tools:?}");
    }
}

#[test]
fn what_is_made_after_private_files_were_read_is_shown_to_the_owner_first() {
    let action = action("x");
    let reach = Reach {
        creates: Some(Creates::Agent),
        ..Reach::default()
    };
    let mut call = call(&action, &reach);
    assert_eq!(verdict(&call), Verdict::Allow);

    call.labels = Labels::PRIVATE;

    assert_eq!(verdict(&call), Verdict::Ask);
}

#[test]
fn what_speaks_to_a_host_is_put_to_the_owner_unless_permitted() {
    let (action, reach) = (action("https://example.org/"), speaks());
    let mut call = call(&action, &reach);
    assert_eq!(verdict(&call), Verdict::Ask);

    let permissions = [permission(None)];
    call.permissions = &permissions;
    let decision = decide(&call, &BOUNDS, at(10));
    assert_eq!(
        (decision.verdict, decision.permission),
        (Verdict::Allow, Some(4))
    );

    call.project = Some(ProjectId(Uuid::from_u128(7)));
    assert_eq!(verdict(&call), Verdict::Ask);
}

#[test]
fn a_host_that_the_owner_configured_needs_no_word_until_the_run_knows_something_private() {
    let (action, mut reach) = (action("https://example.org/"), speaks());
    reach.agreed = Some(Agreed::InSettings);
    let mut call = call(&action, &reach);
    call.labels.untrusted = true;
    assert_eq!(verdict(&call), Verdict::Allow);

    call.labels.private = true;
    assert_eq!(verdict(&call), Verdict::Ask);
    call.labels.untrusted = false;
    assert_eq!(verdict(&call), Verdict::Ask);

    let permissions = [permission(None)];
    call.permissions = &permissions;
    assert_eq!(verdict(&call), Verdict::Allow);
    call.labels.untrusted = true;
    assert_eq!(
        verdict(&call),
        Verdict::Ask,
        "one could be carried to the other"
    );
}

#[test]
fn outside_the_sandbox_no_permission_helps() {
    let (action, reach) = (action("https://example.org/"), outside());
    let permissions = [permission(None)];
    let call = Call {
        permissions: &permissions,
        ..call(&action, &reach)
    };

    assert_eq!(verdict(&call), Verdict::Ask);
}

#[test]
fn who_has_read_strangers_and_private_files_is_put_to_the_owner_whatever_is_permitted() {
    let (action, reach) = (action("https://example.org/"), speaks());
    let permissions = [permission(None)];
    let mut call = Call {
        permissions: &permissions,
        ..call(&action, &reach)
    };
    call.labels = Labels {
        untrusted: true,
        private: false,
    };
    assert_eq!(verdict(&call), Verdict::Allow);

    call.labels.private = true;
    assert_eq!(verdict(&call), Verdict::Ask);
}

#[test]
fn an_approval_counts_for_its_action_while_it_lasts() {
    let (this, reach) = (action("https://example.org/"), outside());
    let approved = approval(this.clone())
        .approve("owner", None, at(1))
        .unwrap()
        .after;
    let allowed = Call {
        approval: Some(&approved),
        ..call(&this, &reach)
    };
    let decision = decide(&allowed, &BOUNDS, at(10));
    assert_eq!(
        (decision.verdict, decision.approval),
        (Verdict::Allow, Some(9))
    );

    let late = at(1).after(crate::approval::USE_WITHIN);
    assert_eq!(decide(&allowed, &BOUNDS, late).verdict, Verdict::Ask);
    let that = action("https://example.org/other");
    let changed = Call {
        action: &that,
        ..allowed
    };
    assert_eq!(verdict(&changed), Verdict::Ask);
    let used = approved.clone().use_for(this.hash(), at(2)).unwrap().after;
    let again = Call {
        approval: Some(&used),
        ..allowed
    };
    assert_eq!(verdict(&again), Verdict::Ask);
}

#[test]
fn a_no_is_a_no_and_silence_is_one_too() {
    let (this, reach) = (action("https://example.org/"), outside());
    let denied = approval(this.clone())
        .deny("owner", Some("not now".into()), at(1))
        .unwrap()
        .after;
    let refused = Call {
        approval: Some(&denied),
        ..call(&this, &reach)
    };
    let decision = decide(&refused, &BOUNDS, at(10));
    assert_eq!(decision.verdict, Verdict::Deny);
    assert!(
        decision.reason.ends_with("approval 9: not now"),
        "{}",
        decision.reason
    );

    let late = at(0).after(crate::approval::ANSWER_WITHIN);
    let expired = approval(this.clone()).expire(late).unwrap().after;
    let unanswered = Call {
        approval: Some(&expired),
        ..refused
    };
    assert_eq!(decide(&unanswered, &BOUNDS, late).verdict, Verdict::Deny);
}

#[test]
fn a_folder_is_used_as_far_as_it_is_open() {
    let action = action("x");
    let reach = Reach {
        reads: vec!["notes".parse().unwrap()],
        ..Reach::default()
    };
    let closed = decide(&call(&action, &reach), &BOUNDS, at(10));
    assert_eq!(closed.verdict, Verdict::Deny);
    assert!(
        closed
            .reason
            .contains("hearth folder grant PATH --name notes")
    );

    let open = [folder(Access::Read)];
    let reading = Call {
        folders: &open,
        ..call(&action, &reach)
    };
    assert_eq!(verdict(&reading), Verdict::Allow);
    let writes = Reach {
        writes: vec!["notes".parse().unwrap()],
        ..Reach::default()
    };
    let writing = Call {
        reach: &writes,
        ..reading
    };
    assert_eq!(verdict(&writing), Verdict::Deny);
    let open = [folder(Access::Write)];
    let writing = Call {
        folders: &open,
        ..writing
    };
    assert_eq!(verdict(&writing), Verdict::Allow);
}

#[test]
fn the_same_call_over_and_over_is_noted_then_put_to_the_owner() {
    let (action, reach) = (action("x"), Reach::default());
    let times = |alike| {
        let call = Call {
            alike,
            ..call(&action, &reach)
        };
        decide(&call, &BOUNDS, at(10))
    };

    assert!(!times(2).reason.contains("in a row"));
    assert_eq!(times(3).verdict, Verdict::Allow);
    assert!(times(3).reason.contains("3 times in a row"));
    assert_eq!(times(4).verdict, Verdict::Ask);
}

#[test]
fn a_call_that_wants_too_long_gets_less_and_too_many_calls_are_refused() {
    let (action, mut reach) = (action("x"), Reach::default());
    reach.limit = Some(Duration::from_mins(10));
    let decision = decide(&call(&action, &reach), &BOUNDS, at(10));
    assert_eq!(decision.verdict, Verdict::Change);
    assert!(
        decision.reason.contains("60 s, not 600"),
        "{}",
        decision.reason
    );

    let many = Call {
        calls: 200,
        ..call(&action, &reach)
    };
    assert_eq!(verdict(&many), Verdict::Deny);
}

#[test]
fn a_tool_with_rights_is_put_to_the_owner_each_time_and_one_without_is_made() {
    let action = action("x");
    let makes = |has_grants| Reach {
        creates: Some(Creates::Tool { has_grants }),
        ..Reach::default()
    };
    let permissions = [permission(None)];

    let plain = makes(false);
    assert_eq!(verdict(&call(&action, &plain)), Verdict::Allow);

    let with_rights = makes(true);
    let asked = Call {
        permissions: &permissions,
        ..call(&action, &with_rights)
    };
    let decision = decide(&asked, &BOUNDS, at(10));
    assert_eq!((decision.verdict, decision.is_once), (Verdict::Ask, true));
}

#[test]
fn hosts_that_came_with_a_tool_are_not_asked_for_again_but_where_they_could_carry_secrets_away() {
    let action = action("x");
    let granted = Reach {
        agreed: Some(Agreed::WithTool),
        ..speaks()
    };
    let calm = call(&action, &granted);
    assert_eq!(verdict(&calm), Verdict::Allow);

    let wary = Call {
        labels: Labels {
            untrusted: true,
            private: true,
        },
        ..calm
    };
    assert_eq!(verdict(&wary), Verdict::Ask);
}
