//! Reads updates of the Bot API: what is needed of them, whatever else they hold.

use hearth_app::telegram::{Bot, Content, Incoming};
use hearth_domain::conversation::MESSAGE_MAX;
use hearth_domain::telegram::{Arrival, Peer};
use serde_json::Value;

/// The kinds that are asked for; others may come all the same, from before that was said.
pub(crate) const KINDS: [&str; 2] = ["message", "callback_query"];
/// How much of a name is kept.
const NAME_CHARS: usize = 64;
/// How long what a button stands for may be, in bytes: Telegram's own limit.
const DATA_BYTES: usize = 64;

/// Reads an update that came to `bot`; `None` where it has no number, so that nothing can be done about it.
pub(crate) fn read(update: &Value, bot: &Bot) -> Option<Incoming> {
    let update_id = update["update_id"].as_i64()?;
    let content = match (update.get("message"), update.get("callback_query")) {
        (Some(message), _) => read_message(message, bot),
        (None, Some(query)) => {
            read_press(query).map(|(peer, arrival)| Content::From(peer, arrival))
        }
        (None, None) => None,
    };
    Some(Incoming {
        update_id,
        content: content.unwrap_or(Content::Unread),
    })
}

/// Reads a message. In a group, only what is said to the bot is: a command, what names it, and an answer to what
/// it said.
fn read_message(message: &Value, bot: &Bot) -> Option<Content> {
    let peer = peer(&message["chat"], &message["from"])?;
    let number = message["message_id"].as_i64()?;
    let mut is_to_bot = peer.is_private || message["reply_to_message"]["from"]["id"] == bot.id;
    let arrival = if let Some(text) = message["text"].as_str() {
        let (rest, is_named) = without_name(text, &bot.name);
        is_to_bot |= is_named || text.starts_with('/');
        Arrival::Text {
            message: number,
            text: cut(&rest, MESSAGE_MAX),
        }
    } else if let Some(voice) = message.get("voice") {
        Arrival::Voice {
            message: number,
            file: voice["file_id"].as_str()?.to_owned(),
            seconds: voice["duration"]
                .as_u64()
                .and_then(|seconds| u32::try_from(seconds).ok())
                .unwrap_or(u32::MAX),
            bytes: voice["file_size"].as_u64(),
        }
    } else if is_content(message) {
        Arrival::Other { message: number }
    } else {
        // Somebody joined, a title changed, and the like.
        return None;
    };
    Some(if is_to_bot {
        Content::From(peer, arrival)
    } else {
        Content::Overheard
    })
}

/// Takes the bot's name out of a text, where it is called by it; returns whether it is.
fn without_name(text: &str, name: &str) -> (String, bool) {
    let is_name = |word: &str| {
        let word = word.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_');
        word.strip_prefix('@')
            .is_some_and(|word| !name.is_empty() && word.eq_ignore_ascii_case(name))
    };
    let mut is_named = false;
    let rest = text.split_inclusive(char::is_whitespace).filter(|word| {
        let is = is_name(word);
        is_named |= is;
        !is
    });
    let rest = rest.collect();
    (rest, is_named)
}

/// Whether a message holds something that a person sent to be looked at.
fn is_content(message: &Value) -> bool {
    const SORTS: [&str; 12] = [
        "audio",
        "document",
        "photo",
        "sticker",
        "video",
        "video_note",
        "animation",
        "contact",
        "location",
        "venue",
        "poll",
        "story",
    ];
    SORTS.iter().any(|sort| message.get(sort).is_some())
}

fn read_press(query: &Value) -> Option<(Peer, Arrival)> {
    let message = query.get("message");
    let from = &query["from"];
    let peer = match message {
        Some(message) => peer(&message["chat"], from)?,
        None => return None,
    };
    let data = query["data"].as_str()?;
    let arrival = Arrival::Press {
        query: query["id"].as_str()?.to_owned(),
        message: message.and_then(|message| message["message_id"].as_i64()),
        said: message
            .and_then(|message| message["text"].as_str())
            .map(|text| cut(text, 4096))
            .unwrap_or_default(),
        data: (data.len() <= DATA_BYTES).then(|| data.to_owned())?,
    };
    Some((peer, arrival))
}

/// Reads who a message is from. Bots are nobody.
fn peer(chat: &Value, from: &Value) -> Option<Peer> {
    if from["is_bot"] == true {
        return None;
    }
    let is_private = chat["type"] == "private";
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = if is_private {
        format!("{} {}", word(&from["first_name"]), word(&from["last_name"]))
    } else {
        word(&chat["title"])
    };
    let name: String = name
        .chars()
        .filter(|c| !c.is_control())
        .take(NAME_CHARS)
        .collect();
    let name = name.trim();
    Some(Peer {
        chat: chat["id"].as_i64()?,
        user: from["id"].as_i64()?,
        is_private,
        name: if name.is_empty() { "you" } else { name }.to_owned(),
    })
}

fn cut(text: &str, most: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(most).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn from() -> Value {
        json!({"id": 5, "is_bot": false, "first_name": "Ada", "last_name": "L\u{7}"})
    }

    fn bot() -> Bot {
        Bot {
            id: 77,
            name: "hearth_bot".into(),
        }
    }

    fn content(update: &Value) -> Content {
        read(update, &bot()).unwrap().content
    }

    #[test]
    fn a_text_is_read_with_who_said_it() {
        let update = json!({"update_id": 9, "message": {
            "message_id": 3, "from": from(), "chat": {"id": 5, "type": "private"}, "text": "hi\u{0}",
            "entities": [{"type": "bold"}], "some_new_field": {},
        }});

        let read = read(&update, &bot()).unwrap();

        let peer = Peer {
            chat: 5,
            user: 5,
            is_private: true,
            name: "Ada L".into(),
        };
        let arrival = Arrival::Text {
            message: 3,
            text: "hi".into(),
        };
        assert_eq!(read.update_id, 9);
        assert_eq!(read.content, Content::From(peer, arrival));
    }

    #[test]
    fn voice_notes_presses_and_pictures_are_told_apart() {
        let chat = json!({"id": -5, "type": "supergroup", "title": "Home"});
        let message = |more: Value| {
            let mut message = json!({"message_id": 3, "from": from(), "chat": chat,
                "reply_to_message": {"from": {"id": 77}}});
            for (name, value) in more.as_object().unwrap() {
                message[name] = value.clone();
            }
            json!({"update_id": 9, "message": message})
        };
        let arrival = |update: &Value| match content(update) {
            Content::From(peer, arrival) => {
                assert_eq!((peer.is_private, peer.name.as_str()), (false, "Home"));
                arrival
            }
            other => panic!("it was not read: {other:?}"),
        };
        let voice = message(json!({"voice": {"file_id": "f", "duration": 2, "file_size": 10}}));
        assert_eq!(
            arrival(&voice),
            Arrival::Voice {
                message: 3,
                file: "f".into(),
                seconds: 2,
                bytes: Some(10)
            }
        );
        let picture = message(json!({"photo": [], "caption": "look"}));
        assert_eq!(arrival(&picture), Arrival::Other { message: 3 });
        let press = json!({"update_id": 9, "callback_query": {
            "id": "q", "from": from(), "data": "a:1:y",
            "message": {"message_id": 4, "chat": chat, "text": "Well?"},
        }});
        assert_eq!(
            arrival(&press),
            Arrival::Press {
                query: "q".into(),
                message: Some(4),
                said: "Well?".into(),
                data: "a:1:y".into()
            }
        );
    }

    #[test]
    fn what_is_not_understood_is_unread_and_keeps_its_number() {
        for update in [
            json!({"update_id": 1, "edited_message": {"text": "x"}}),
            json!({"update_id": 1, "message_reaction": {}}),
            json!({"update_id": 1, "message": {"message_id": 1, "chat": {"id": 1}, "text": "x"}}),
            json!({"update_id": 1, "message": "no object"}),
            json!({"update_id": 1, "message": {"message_id": 1, "from": from(),
                "chat": {"id": 1, "type": "private"}, "new_chat_title": "x"}}),
            json!({"update_id": 1, "message": {"message_id": 1, "text": "I am a bot",
                "from": {"id": 2, "is_bot": true}, "chat": {"id": 1, "type": "private"}}}),
            json!({"update_id": 1, "callback_query": {"id": "q", "from": from(), "data": "old"}}),
        ] {
            assert_eq!(content(&update), Content::Unread, "{update}");
        }
        assert_eq!(read(&json!({"message": {}}), &bot()), None);
        assert_eq!(read(&json!(4), &bot()), None);
    }

    #[test]
    fn in_a_group_only_what_is_said_to_the_bot_is_read() {
        let said = |more: Value| {
            let mut message = json!({"message_id": 3, "from": from(),
                "chat": {"id": -5, "type": "group", "title": "Home"}});
            for (name, value) in more.as_object().unwrap() {
                message[name] = value.clone();
            }
            match content(&json!({"update_id": 9, "message": message})) {
                Content::From(_, Arrival::Text { text, .. }) => Some(text),
                Content::From(..) => Some("no text".into()),
                Content::Overheard => None,
                Content::Unread => panic!("it was not read"),
            }
        };
        let answer = json!({"from": {"id": 77, "is_bot": true}});
        for (more, heard) in [
            (json!({"text": "who brings cake?"}), None),
            (json!({"text": "ask @hearth_bots about it"}), None),
            (json!({"text": "/status"}), Some("/status")),
            (
                json!({"text": "/done@hearth_bot 3"}),
                Some("/done@hearth_bot 3"),
            ),
            (
                json!({"text": "@Hearth_Bot, add buy milk"}),
                Some("add buy milk"),
            ),
            (
                json!({"text": "add buy milk @shop @hearth_bot"}),
                Some("add buy milk @shop "),
            ),
            (
                json!({"text": "yes", "reply_to_message": answer}),
                Some("yes"),
            ),
            (
                json!({"text": "yes", "reply_to_message": {"from": {"id": 5}}}),
                None,
            ),
            (json!({"voice": {"file_id": "f"}}), None),
            (
                json!({"voice": {"file_id": "f"}, "reply_to_message": answer}),
                Some("no text"),
            ),
            (json!({"photo": []}), None),
        ] {
            assert_eq!(said(more.clone()).as_deref(), heard, "{more}");
        }
    }
}
