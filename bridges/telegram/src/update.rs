//! Reads updates of the Bot API: what is needed of them, whatever else they hold.

use hearth_app::telegram::{Content, Incoming};
use hearth_domain::conversation::MESSAGE_MAX;
use hearth_domain::telegram::{Arrival, Peer};
use serde_json::Value;

/// The kinds that are asked for; others may come all the same, from before that was said.
pub(crate) const KINDS: [&str; 2] = ["message", "callback_query"];
/// How much of a name is kept.
const NAME_CHARS: usize = 64;
/// How long what a button stands for may be, in bytes: Telegram's own limit.
const DATA_BYTES: usize = 64;

/// Reads an update; `None` where it has no number, so that nothing can be done about it.
pub(crate) fn read(update: &Value) -> Option<Incoming> {
    let update_id = update["update_id"].as_i64()?;
    let from = match (update.get("message"), update.get("callback_query")) {
        (Some(message), _) => read_message(message),
        (None, Some(query)) => read_press(query),
        (None, None) => None,
    };
    Some(Incoming {
        update_id,
        content: from.map_or(Content::Unread, |(peer, arrival)| {
            Content::From(peer, arrival)
        }),
    })
}

fn read_message(message: &Value) -> Option<(Peer, Arrival)> {
    let peer = peer(&message["chat"], &message["from"])?;
    let number = message["message_id"].as_i64()?;
    let arrival = if let Some(text) = message["text"].as_str() {
        Arrival::Text {
            message: number,
            text: cut(text, MESSAGE_MAX),
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
    Some((peer, arrival))
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

    fn content(update: &Value) -> Content {
        read(update).unwrap().content
    }

    #[test]
    fn a_text_is_read_with_who_said_it() {
        let update = json!({"update_id": 9, "message": {
            "message_id": 3, "from": from(), "chat": {"id": 5, "type": "private"}, "text": "hi\u{0}",
            "entities": [{"type": "bold"}], "some_new_field": {},
        }});

        let read = read(&update).unwrap();

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
            let mut message = json!({"message_id": 3, "from": from(), "chat": chat});
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
            Content::Unread => panic!("it was not read"),
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
        assert_eq!(read(&json!({"message": {}})), None);
        assert_eq!(read(&json!(4)), None);
    }
}
