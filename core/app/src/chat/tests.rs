use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::test_support::{TestApp, as_agent, code};

/// Answers with how many it answered before in this conversation, after letting others run.
#[derive(Default)]
struct Counting {
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl ChiefOfStaff for Counting {
    fn reply<'a>(&'a self, turn: &'a mut Turn) -> ReplyFuture<'a> {
        Box::pin(async move {
            if turn.text() == "fail" {
                return Err(AppError::invalid("message", "is not liked"));
            }
            let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            turn.tell("so far");
            let before = turn
                .conversation()
                .memory
                .get("count")
                .and_then(serde_json::Value::as_u64);
            let count = before.unwrap_or(0) + 1;
            Ok(Reply {
                text: count.to_string(),
                memory: JsonObject::from_iter([("count".to_owned(), count.into())]),
                labels: Labels {
                    untrusted: turn.text() == "what does the page say?",
                    private: false,
                },
                ..Reply::default()
            })
        })
    }
}

fn talking() -> (TestApp, Arc<Counting>) {
    let test = TestApp::new();
    let chief_of_staff = Arc::new(Counting::default());
    test.app
        .set_chief_of_staff(Arc::clone(&chief_of_staff) as Arc<dyn ChiefOfStaff>);
    (test, chief_of_staff)
}

#[tokio::test]
async fn what_is_kept_in_mind_is_there_at_the_next_message() {
    let (test, _) = talking();
    let first = test.app.chat(&Actor::Owner, None, "a").await.unwrap();
    let id = first.conversation_id;
    let second = test.app.chat(&Actor::Owner, Some(id), "b").await.unwrap();
    let other = test.app.chat(&Actor::Owner, None, "c").await.unwrap();

    assert_eq!((first.text.as_str(), second.text.as_str()), ("1", "2"));
    assert_eq!(other.text, "1");
    let page = test
        .app
        .list_messages(&Actor::Owner, id, None, 3)
        .await
        .unwrap();
    assert_eq!(page.items.len(), 3);
    let rest = test
        .app
        .list_messages(&Actor::Owner, id, page.next, 3)
        .await
        .unwrap();
    assert_eq!((rest.items[0].text.as_str(), rest.next), ("2", None));
}

#[tokio::test]
async fn messages_of_one_conversation_are_answered_one_after_the_other() {
    let (test, chief_of_staff) = talking();
    let id = test
        .app
        .chat(&Actor::Owner, None, "a")
        .await
        .unwrap()
        .conversation_id;

    let (a, b) = tokio::join!(
        test.app.chat(&Actor::Owner, Some(id), "b"),
        test.app.chat(&Actor::Owner, Some(id), "c"),
    );

    let mut texts = [a.unwrap().text, b.unwrap().text];
    texts.sort();
    assert_eq!(texts, ["2", "3"]);
    assert_eq!(chief_of_staff.most_at_once.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_was_said_is_kept_even_where_it_cannot_be_answered() {
    let (test, _) = talking();
    let id = test
        .app
        .chat(&Actor::Owner, None, "a")
        .await
        .unwrap()
        .conversation_id;

    let failed = test.app.chat(&Actor::Owner, Some(id), "fail").await;

    assert_eq!(code(failed), "invalid_input");
    let page = test
        .app
        .list_messages(&Actor::Owner, id, None, 10)
        .await
        .unwrap();
    assert_eq!(page.items.last().unwrap().text, "fail");
    let next = test.app.chat(&Actor::Owner, Some(id), "b").await.unwrap();
    assert_eq!(next.text, "2");
}

#[tokio::test]
async fn a_conversation_is_its_starters_and_the_owners() {
    let (test, _) = talking();
    let seed = as_agent("seed");
    let id = test
        .app
        .chat(&seed, None, "a")
        .await
        .unwrap()
        .conversation_id;

    let scout = test.app.chat(&as_agent("scout"), Some(id), "b").await;
    assert_eq!(code(scout), "invalid_input");
    assert!(test.app.chat(&Actor::Owner, Some(id), "b").await.is_ok());
    let of = async |actor: &Actor| {
        let page = test.app.list_conversations(actor, None, 10).await.unwrap();
        page.items.len()
    };
    assert_eq!(of(&as_agent("scout")).await, 0);
    assert_eq!(of(&seed).await, 1);
    assert_eq!(of(&Actor::Owner).await, 1);
}

#[tokio::test]
async fn without_a_chief_of_staff_nothing_is_taken_in() {
    let test = TestApp::new();

    let refused = test.app.chat(&Actor::Owner, None, "hello").await;

    assert_eq!(code(refused), "unavailable");
    assert!(test.event_types().await.is_empty());
}

#[tokio::test]
async fn a_message_is_made_of_the_words_of_whoever_said_it_and_of_what_it_quotes() {
    let (test, _) = talking();
    let labels = async |actor: &Actor, message: &str| {
        let said = test.app.chat(actor, None, message).await.unwrap();
        let id = said.conversation_id;
        let page = test.app.list_messages(actor, id, None, 10).await.unwrap();
        let all = test.app.labels_of_conversation(id).await.unwrap();
        assert_eq!(
            page.items
                .iter()
                .fold(Labels::default(), |l, m| l.and(m.labels)),
            all
        );
        (page.items[0].labels, said.labels)
    };
    let none = Labels::default();

    assert_eq!(labels(&Actor::Owner, "hello").await, (none, none));
    assert_eq!(
        labels(&Actor::Owner, "what does the page say?").await,
        (none, Labels::UNTRUSTED)
    );
    assert_eq!(
        labels(&as_agent("scout"), "hello").await,
        (Labels::UNTRUSTED, Labels::UNTRUSTED)
    );
}

fn saying(conversation: Option<ConversationId>, text: &str, key: &str) -> Saying {
    Saying {
        conversation,
        text: text.into(),
        once: Some(Once {
            key: key.into(),
            among: crate::tasks::Among::Callers,
            request: [u8::try_from(text.len()).unwrap(); 32],
        }),
        listener: None,
    }
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_answer_and_is_said_once() {
    let (test, _) = talking();
    let first = test
        .app
        .say(&Actor::Owner, saying(None, "a", "k1"))
        .await
        .unwrap();

    let again = test.app.say(&Actor::Owner, saying(None, "a", "k1")).await;
    let again = again.unwrap();

    assert!(!first.is_repeat && again.is_repeat);
    assert_eq!(again.message, first.message);
    let id = first.message.conversation_id;
    let page = test.app.list_messages(&Actor::Owner, id, None, 10).await;
    assert_eq!(page.unwrap().items.len(), 2);
    let other = test.app.say(&Actor::Owner, saying(None, "bb", "k1")).await;
    assert_eq!(code(other), "idempotency_key_reused");
    // Another's key of the same name is another key.
    let seed = as_agent("seed");
    let theirs = test.app.say(&seed, saying(None, "a", "k1")).await.unwrap();
    assert!(!theirs.is_repeat);
}

#[tokio::test]
async fn requests_of_one_key_at_once_are_answered_once() {
    let (test, _) = talking();

    let (a, b) = tokio::join!(
        test.app.say(&Actor::Owner, saying(None, "a", "k1")),
        test.app.say(&Actor::Owner, saying(None, "a", "k1")),
    );

    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!(a.message, b.message);
    assert_ne!(a.is_repeat, b.is_repeat);
    let all = test.app.list_conversations(&Actor::Owner, None, 10).await;
    assert_eq!(all.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_request_that_was_not_answered_is_gone_on_with() {
    let (test, _) = talking();
    let failed = test
        .app
        .say(&Actor::Owner, saying(None, "fail", "k1"))
        .await;
    assert_eq!(code(failed), "invalid_input");

    let again = test
        .app
        .say(&Actor::Owner, saying(None, "fail", "k1"))
        .await;

    assert_eq!(code(again), "invalid_input");
    let all = test.app.list_conversations(&Actor::Owner, None, 10).await;
    let all = all.unwrap().items;
    assert_eq!(all.len(), 1);
    let page = test
        .app
        .list_messages(&Actor::Owner, all[0].id, None, 10)
        .await;
    // Said once, and not answered.
    assert_eq!(page.unwrap().items.len(), 1);
}

#[tokio::test]
async fn an_answer_is_made_though_nobody_waits_for_it() {
    let (test, _) = talking();
    let id = test
        .app
        .chat(&Actor::Owner, None, "a")
        .await
        .unwrap()
        .conversation_id;

    {
        let mut asking = Box::pin(test.app.chat(&Actor::Owner, Some(id), "b"));
        // It is sent off, and then given up.
        assert!(futures_now(asking.as_mut()).await.is_none());
    }
    let next = test.app.chat(&Actor::Owner, Some(id), "c").await.unwrap();

    assert_eq!(next.text, "3");
}

/// Looks once whether a future is ready.
async fn futures_now<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        let polled = Pin::new(&mut future).poll(context);
        std::task::Poll::Ready(match polled {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn whoever_listens_hears_the_answer_before_it_is_there() {
    let (test, _) = talking();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    let said = Saying {
        text: "a".into(),
        listener: Some(Arc::new(move |so_far: &str| {
            hearing.lock().unwrap().push(so_far.to_owned());
        })),
        ..Saying::default()
    };

    test.app.say(&Actor::Owner, said).await.unwrap();

    assert_eq!(*heard.lock().unwrap(), ["so far"]);
}

#[tokio::test]
async fn what_is_noted_is_fenced_by_the_conversation_as_it_was_read() {
    let (test, _) = talking();
    test.app.chat(&Actor::Owner, None, "a").await.unwrap();
    let page = test.app.list_conversations(&Actor::Owner, None, 1).await;
    let read = page.unwrap().items.remove(0);
    let memory = JsonObject::from_iter([("count".to_owned(), 41.into())]);

    let noted = test.app.note_chat(read.clone(), memory.clone()).await;
    let stale = test.app.note_chat(read.clone(), memory).await;

    assert_eq!(noted.unwrap().version, read.version + 1);
    assert_eq!(code(stale), "stale_version");
    assert_eq!(
        test.event_types().await.last().unwrap(),
        "conversation.noted"
    );
    let next = test.app.chat(&Actor::Owner, Some(read.id), "b").await;
    assert_eq!(next.unwrap().text, "42");
}
