//! Who may talk, what is kept of it, and that each thing is dealt with once.

use std::time::Duration;

use hearth_domain::notice::{NewNotice, NoticeKind};
use hearth_domain::telegram::{Arrival, Outgoing, Peer};

use super::*;
use crate::notices::Presence;
use crate::test_support::{TestApp, as_agent, code};

const BOT: i64 = 77;

fn ada() -> Peer {
    Peer {
        chat: 5,
        user: 5,
        is_private: true,
        name: "Ada".into(),
    }
}

fn said(update_id: i64, peer: Peer, text: &str) -> Incoming {
    let arrival = Arrival::Text {
        message: update_id,
        text: text.into(),
    };
    Incoming {
        update_id,
        content: Content::From(peer, arrival),
    }
}

async fn started() -> TestApp {
    let test = TestApp::new();
    let bot = Bot {
        id: BOT,
        name: "hearth_bot".into(),
    };
    test.app.note_telegram_bot(Some(bot)).await.unwrap();
    test
}

async fn paired() -> TestApp {
    let test = started().await;
    let pairing = test.app.pair_telegram(&Actor::Owner).await.unwrap();
    let taken = take(
        &test,
        vec![said(1, ada(), &format!("/start {}", pairing.code))],
    )
    .await;
    assert_eq!((taken.paired, taken.kept), (1, 0));
    test
}

async fn take(test: &TestApp, updates: Vec<Incoming>) -> TakenIn {
    let taken = test.app.take_telegram_updates(BOT, updates);
    taken.await.unwrap()
}

async fn let_in(test: &TestApp, groups: bool, users: &[i64]) {
    let users = users.to_vec();
    let set = test.app.set_telegram_rules(Rules { groups, users });
    set.await.unwrap();
}

/// Those who may talk, by the numbers of their chats.
async fn chats(test: &TestApp) -> Vec<TelegramChat> {
    let state = test.app.telegram_state(&Actor::Owner).await.unwrap();
    state.chats
}

async fn outgoing(test: &TestApp) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        let next = test.app.next_telegram_messages().await.unwrap();
        let Some(first) = next.first() else {
            return texts;
        };
        let Outgoing::Text { text, .. } = &first.content else {
            panic!("{first:?}")
        };
        texts.push(text.clone());
        let settled = test
            .app
            .settle_telegram_message(first.number, Settled::Sent);
        settled.await.unwrap();
    }
}

#[tokio::test]
async fn a_stranger_is_told_so_once_and_nothing_of_theirs_is_kept() {
    let test = started().await;
    let eve = || Peer {
        chat: 6,
        user: 6,
        ..ada()
    };

    let taken = take(
        &test,
        vec![said(1, eve(), "add steal"), said(2, eve(), "please")],
    )
    .await;

    assert_eq!((taken.refused, taken.kept), (2, 0));
    let waiting = test.app.next_telegram_updates(10).await.unwrap();
    assert!(waiting.is_empty());
    assert_eq!(outgoing(&test).await, ["Sorry, I only talk with my owner."]);
    let again = take(&test, vec![said(3, eve(), "please!")]).await;
    assert_eq!(again.refused, 1);
    assert!(outgoing(&test).await.is_empty());
}

#[tokio::test]
async fn a_code_pairs_one_chat_once_and_runs_out() {
    let test = started().await;
    let pairing = test.app.pair_telegram(&Actor::Owner).await.unwrap();
    let shown = format!("{pairing:?}");
    assert!(!shown.contains(&pairing.code), "{shown}");

    test.clock.advance(Duration::from_mins(11));
    let late = take(&test, vec![said(1, ada(), &pairing.code)]).await;
    assert_eq!(late.paired, 0);

    let pairing = test.app.pair_telegram(&Actor::Owner).await.unwrap();
    let code = pairing.code.to_lowercase();
    let eve = Peer {
        chat: 6,
        user: 6,
        ..ada()
    };
    let both = vec![said(2, ada(), &code), said(3, eve, &code)];
    let taken = take(&test, both).await;
    assert_eq!((taken.paired, taken.refused), (1, 1));

    let events = test.event_types().await;
    assert!(events.contains(&"telegram_chat.paired".to_owned()));
    let hello = outgoing(&test).await;
    assert!(
        hello.iter().any(|text| text.starts_with("Hello Ada!")),
        "{hello:?}"
    );
}

#[tokio::test]
async fn neither_guesses_nor_other_chats_spoil_the_code() {
    let test = started().await;
    let_in(&test, false, &[8]).await;
    let pairing = test.app.pair_telegram(&Actor::Owner).await.unwrap();
    let guesses = (1..=50).map(|id| said(id, ada(), "AAAAAAAAAA")).collect();
    take(&test, guesses).await;
    let other = Peer {
        chat: 8,
        user: 8,
        ..ada()
    };
    assert_eq!(take(&test, vec![said(60, other, "hello")]).await.kept, 1);

    let taken = take(&test, vec![said(61, ada(), &pairing.code)]).await;

    assert!(taken.is_code_used && taken.paired == 1, "{taken:?}");
}

#[tokio::test]
async fn an_update_that_comes_again_is_kept_once() {
    let test = paired().await;

    let first = take(&test, vec![said(2, ada(), "a"), said(3, ada(), "b")]).await;
    let again = take(
        &test,
        vec![
            said(2, ada(), "a"),
            said(3, ada(), "b"),
            said(4, ada(), "c"),
        ],
    );
    let again = again.await;

    assert_eq!((first.kept, again.kept, again.repeated), (2, 1, 2));
    assert_eq!(test.app.telegram_position(BOT).unwrap(), Some(5));
    assert_eq!(test.app.count_telegram_updates().unwrap(), 3);
    // After a week without any, Telegram begins to count somewhere else.
    test.clock.advance(Duration::from_hours(24 * 7));
    assert_eq!(test.app.telegram_position(BOT).unwrap(), None);
    assert_eq!(take(&test, vec![said(1, ada(), "d")]).await.kept, 1);
}

#[tokio::test]
async fn what_is_answered_is_answered_once() {
    let test = paired().await;
    outgoing(&test).await;
    take(&test, vec![said(2, ada(), "a")]).await;
    let update = test.app.next_telegram_updates(1).await.unwrap().remove(0);
    let answer = || {
        vec![Outgoing::Text {
            text: "yes".into(),
            buttons: Vec::new(),
        }]
    };

    for _ in 0..2 {
        let finished = test.app.finish_telegram_update(&update, None, answer());
        finished.await.unwrap();
    }

    assert_eq!(outgoing(&test).await, ["yes"]);
    assert_eq!(test.app.count_telegram_updates().unwrap(), 0);
}

#[tokio::test]
async fn groups_are_passed_over_unless_the_settings_let_them_in() {
    let test = paired().await;
    outgoing(&test).await;
    let group = |user| Peer {
        chat: -9,
        user,
        is_private: false,
        name: "Home".into(),
    };

    let passed_over = take(&test, vec![said(2, group(5), "a")]).await;
    let_in(&test, true, &[]).await;
    let updates = vec![said(3, group(5), "b"), said(4, group(6), "c")];
    let taken = take(&test, updates).await;

    assert_eq!((passed_over.kept, passed_over.refused), (0, 1));
    assert_eq!((taken.kept, taken.refused), (1, 1));
    assert!(
        outgoing(&test).await.is_empty(),
        "nobody in a group is told anything"
    );
    let state = test.app.telegram_state(&Actor::Owner).await.unwrap();
    let hers = state.chats.iter().find(|chat| chat.chat == 5).unwrap().id;
    let removed = test.app.remove_telegram_chat(&Actor::Owner, hers);
    removed.await.unwrap();
    let after = take(&test, vec![said(5, group(5), "d")]).await;
    assert_eq!(after.refused, 1, "who may not talk may not in a group");

    let_in(&test, false, &[]).await;
    assert!(chats(&test).await.is_empty(), "the group is gone, too");
}

#[tokio::test]
async fn a_person_of_the_settings_need_not_pair() {
    let test = started().await;
    let_in(&test, false, &[5]).await;

    let taken = take(&test, vec![said(1, ada(), "hello")]).await;

    assert_eq!(taken.kept, 1);
    let hers = chats(&test).await[0].id;
    let kept = test.app.remove_telegram_chat(&Actor::Owner, hers).await;
    assert_eq!(code(kept), "let_in_by_settings");

    let_in(&test, false, &[]).await;
    assert!(chats(&test).await.is_empty());
    assert_eq!(test.app.count_telegram_updates().unwrap(), 0);
    assert_eq!(take(&test, vec![said(2, ada(), "hello?")]).await.refused, 1);
    let events = test.event_types().await;
    assert!(events.contains(&"telegram_chat.removed".to_owned()));
}

#[tokio::test]
async fn who_paired_by_a_code_may_talk_without_the_settings() {
    let test = started().await;
    let_in(&test, false, &[5]).await;
    take(&test, vec![said(1, ada(), "hello")]).await;
    let pairing = test.app.pair_telegram(&Actor::Owner).await.unwrap();
    take(&test, vec![said(2, ada(), &pairing.code)]).await;

    let_in(&test, false, &[]).await;

    assert_eq!(chats(&test).await.len(), 1);
    assert_eq!(take(&test, vec![said(3, ada(), "hello")]).await.kept, 1);
}

#[tokio::test]
async fn a_notice_is_told_in_the_private_chat_once() {
    let test = paired().await;
    outgoing(&test).await;
    let notice = overdue(&test).await;

    for _ in 0..2 {
        let told = test.app.tell_by_telegram(&notice, late());
        told.await.unwrap();
    }

    assert_eq!(outgoing(&test).await, ["Late."]);
}

/// What waits to be told, once it has been handed to Telegram.
async fn overdue(test: &TestApp) -> hearth_domain::notice::Notice {
    let new = NewNotice {
        kind: NoticeKind::Overdue,
        task_id: None,
        about: "overdue:1".into(),
        text: "Late.".into(),
    };
    test.app.notify(new).await.unwrap();
    waiting(test).await.remove(0)
}

/// What it is told with.
fn late() -> Vec<Outgoing> {
    vec![Outgoing::Text {
        text: "Late.".into(),
        buttons: Vec::new(),
    }]
}

/// The next message cannot be delivered, because its chat is closed to the bot.
async fn refuse_next(test: &TestApp) {
    let next = test.app.next_telegram_messages().await.unwrap();
    let refused = Settled::Dead {
        error: "blocked".into(),
        is_closed: true,
    };
    let settled = test.app.settle_telegram_message(next[0].number, refused);
    settled.await.unwrap();
}

async fn waiting(test: &TestApp) -> Vec<hearth_domain::notice::Notice> {
    let taken = test
        .app
        .take_notices(&Actor::Owner, channel(), Presence::Unknown);
    taken.await.unwrap().notices
}

#[tokio::test]
async fn a_notice_that_no_chat_takes_waits_for_another_way() {
    let test = paired().await;
    outgoing(&test).await;
    let notice = overdue(&test).await;
    let told = test.app.tell_by_telegram(&notice, late());
    told.await.unwrap();
    assert!(waiting(&test).await.is_empty());
    assert!(test.app.can_tell_by_telegram().unwrap());

    refuse_next(&test).await;

    assert!(!test.app.can_tell_by_telegram().unwrap());
    assert_eq!(chats(&test).await[0].closed_at, Some(test.app.now()));
    assert_eq!(waiting(&test).await.len(), 1);
    let events = test.event_types().await;
    assert!(events.contains(&"notice.returned".to_owned()));

    // She writes again, and is told then.
    take(&test, vec![said(2, ada(), "hello")]).await;
    assert!(test.app.can_tell_by_telegram().unwrap());
    let told = test.app.tell_by_telegram(&notice, late());
    told.await.unwrap();
    assert_eq!(outgoing(&test).await, ["Late."]);
}

#[tokio::test]
async fn a_notice_that_one_of_two_chats_takes_is_told() {
    let test = paired().await;
    let_in(&test, false, &[8]).await;
    let other = Peer {
        chat: 8,
        user: 8,
        ..ada()
    };
    take(&test, vec![said(2, other, "hello")]).await;
    outgoing(&test).await;
    let notice = overdue(&test).await;
    let told = test.app.tell_by_telegram(&notice, late());
    told.await.unwrap();

    refuse_next(&test).await;

    assert!(waiting(&test).await.is_empty());
    assert_eq!(outgoing(&test).await, ["Late."]);
}

#[tokio::test]
async fn presses_do_not_wait_behind_what_is_said() {
    let test = paired().await;
    let texts = (2..=150).map(|id| said(id, ada(), "hello")).collect();
    take(&test, texts).await;
    let press = Incoming {
        update_id: 200,
        content: Content::From(
            ada(),
            Arrival::Press {
                query: "q".into(),
                message: None,
                said: String::new(),
                data: "d".into(),
            },
        ),
    };
    take(&test, vec![press]).await;

    let next = test.app.next_telegram_updates(10).await.unwrap();

    let numbers: Vec<i64> = next.iter().map(|update| update.update_id).collect();
    assert_eq!(numbers, [2, 200]);
}

#[tokio::test]
async fn without_a_bot_pairing_says_how_to_get_one() {
    let test = TestApp::new();
    let app = test.app.clone();
    let bridge = tokio::spawn(async move {
        app.telegram_token_wanted().await;
        app.note_telegram_bot(None).await.unwrap();
    });

    let refused = test.app.pair_telegram(&Actor::Owner).await;

    bridge.await.unwrap();
    assert_eq!(code(refused), "no_telegram_bot");
    let denied = test.app.pair_telegram(&as_agent("seed")).await;
    assert_eq!(code(denied), "denied");
}

#[tokio::test]
async fn a_chat_that_is_removed_is_a_stranger() {
    let test = paired().await;
    outgoing(&test).await;

    let state = test.app.telegram_state(&Actor::Owner).await.unwrap();
    let id = state.chats[0].id;
    let remove = || test.app.remove_telegram_chat(&Actor::Owner, id);
    remove().await.unwrap();
    let missing = remove().await;

    assert_eq!(code(missing), "not_found");
    assert_eq!(take(&test, vec![said(2, ada(), "hello")]).await.refused, 1);
    let state = test.app.telegram_state(&Actor::Owner).await.unwrap();
    assert!(state.chats.is_empty());
    test.clock.advance(Duration::from_hours(24 * 9));
    test.app.forget_old_telegram().await.unwrap();
}

#[tokio::test]
async fn more_chats_than_can_be_paired_hold_nothing_up() {
    let test = started().await;
    let most = i64::try_from(CHATS_MAX).unwrap();
    let users: Vec<i64> = (1..=most + 1).collect();
    let_in(&test, false, &users).await;
    let person = |user| Peer {
        chat: user,
        user,
        ..ada()
    };
    let updates = (1..=most + 1)
        .map(|user| said(user, person(user), "hello"))
        .collect();

    let taken = take(&test, updates).await;

    assert_eq!((taken.kept, taken.refused), (CHATS_MAX, 1));
    let told = outgoing(&test).await;
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("hearth telegram remove"), "{told:?}");
}
