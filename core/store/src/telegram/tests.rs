//! What comes in is kept once, and what goes out keeps its order.

use hearth_domain::telegram::{PairedBy, Peer};
use uuid::Uuid;

use super::*;
use crate::test_support::{TestStore, at};

fn text(words: &str) -> Outgoing {
    Outgoing::Text {
        text: words.into(),
        buttons: Vec::new(),
    }
}

fn said(words: &str) -> Arrival {
    Arrival::Text {
        message: 1,
        text: words.into(),
    }
}

#[tokio::test]
async fn an_update_is_kept_once_and_its_words_go_when_it_is_dealt_with() {
    let test = TestStore::new();
    let written = test.store.write(|tx| {
        save_bot(tx, 7, "hearth_bot")?;
        let stored = insert_update(tx, 7, 1, (5, 5), &said("hello"), at(1))?;
        let again = insert_update(tx, 7, 1, (5, 5), &said("hello"), at(2))?;
        let other_bot = insert_update(tx, 8, 1, (6, 6), &said("hello"), at(2))?;
        save_position(tx, 7, 1, 2, at(2))?;
        Ok::<_, StoreError>((stored, again, other_bot))
    });
    assert_eq!(written.await.unwrap(), (true, false, true));
    let waiting = test.store.read_now(|tx| next_updates(tx, 10)).unwrap();
    assert_eq!(waiting.len(), 2);
    assert_eq!(waiting[0].arrival, said("hello"));

    let number = waiting[0].number;
    let done = test.store.write(move |tx| finish_update(tx, number, at(3)));
    assert!(done.await.unwrap());
    let again = test.store.write(move |tx| finish_update(tx, number, at(3)));
    assert!(!again.await.unwrap());

    let kept: Option<String> = test
        .outside()
        .query_row(
            "SELECT arrival FROM telegram_updates WHERE bot = 7",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(kept, None);
    let known = test.store.read_now(|tx| bot(tx, 7)).unwrap().unwrap();
    assert_eq!((known.last, known.unread_kinds), (Some((1, at(2))), 2));
    let forgotten = test.store.write(|tx| forget_updates(tx, at(4))).await;
    assert_eq!(forgotten.unwrap(), 1);
}

#[tokio::test]
async fn nothing_overtakes_what_waits_in_its_chat() {
    let test = TestStore::new();
    let written = test.store.write(|tx| {
        queue(tx, "a", 1, &text("first"), at(1))?;
        queue(tx, "b", 1, &text("second"), at(1))?;
        queue(tx, "c", 2, &text("elsewhere"), at(2))?;
        queue(tx, "a", 1, &text("first again"), at(3))
    });
    assert!(!written.await.unwrap());
    let next = || test.store.read_now(|tx| next_of_each_chat(tx, 10)).unwrap();
    let words = || -> Vec<Outgoing> { next().into_iter().map(|one| one.content).collect() };
    assert_eq!(words(), [text("first"), text("elsewhere")]);

    let number = next()[0].number;
    let tried = test.store.write(move |tx| {
        begin(tx, number)?;
        put_off(tx, number, at(900), false, "429")
    });
    tried.await.unwrap();
    assert_eq!(words(), [text("elsewhere"), text("first")]);

    let ended = test.store.write(move |tx| sent(tx, number, at(901)));
    ended.await.unwrap();
    assert_eq!(words(), [text("second"), text("elsewhere")]);

    let number = next()[0].number;
    let dead_now = test
        .store
        .write(move |tx| give_up(tx, number, "blocked", at(902)));
    dead_now.await.unwrap();
    let counted = test.store.read_now(|tx| count(tx)).unwrap();
    assert_eq!(
        counted,
        Counted {
            waiting: 1,
            dead: 1
        }
    );
    let letters = test.store.read_now(|tx| dead(tx, 10)).unwrap();
    assert_eq!(letters[0].content, text("second"));
    let forget = |taken, dead| {
        test.store
            .write(move |tx| forget_messages(tx, at(taken), at(dead)))
    };
    assert_eq!(forget(902, 0).await.unwrap(), 1);
    assert_eq!(forget(902, 903).await.unwrap(), 1);
}

#[tokio::test]
async fn a_stranger_is_refused_once_and_only_so_many_are() {
    let test = TestStore::new();
    let refused = test.store.write(|tx| {
        Ok::<_, StoreError>([
            refuse(tx, 1, 2, at(1))?,
            refuse(tx, 1, 2, at(2))?,
            refuse(tx, 2, 2, at(2))?,
            refuse(tx, 3, 2, at(2))?,
        ])
    });
    assert_eq!(refused.await.unwrap(), [true, false, true, false]);
}

#[tokio::test]
async fn a_chat_that_is_removed_leaves_nothing_to_do() {
    let test = TestStore::new();
    let peer = Peer {
        chat: 5,
        user: 5,
        is_private: true,
        name: "Ada".into(),
    };
    let removed = test.store.write(move |tx| {
        let id = TelegramChatId(Uuid::from_u128(1));
        let paired = insert_chat(
            tx,
            TelegramChat::pair(id, &peer, PairedBy::Settings, at(1)),
            "owner",
        )?;
        insert_update(tx, 7, 1, (5, 5), &said("hello"), at(1))?;
        queue(tx, "a", 5, &text("first"), at(1))?;
        let was_paired = is_paired(tx, 5)?;
        delete_chat(tx, &paired, &paired.removed(), "owner", at(2))?;
        Ok::<_, StoreError>(was_paired)
    });
    assert!(removed.await.unwrap());
    let left = test.store.read_now(|tx| {
        let (updates, messages) = (next_updates(tx, 1)?, next_of_each_chat(tx, 1)?);
        Ok::<_, StoreError>((updates.len(), messages.len(), chats(tx, 1)?.len()))
    });
    assert_eq!(left.unwrap(), (0, 0, 0));
}
