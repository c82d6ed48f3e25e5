//! Commands: what begins with a slash, and what of it is said to the chief of staff.

use serde_json::{Value, json};

/// The commands, with what Telegram shows beside each.
const COMMANDS: [(&str, &str); 8] = [
    ("task", "add a task: /task Build landing page @web !high"),
    ("status", "what is being worked on, and by whom"),
    ("blocked", "what waits for you"),
    ("answer", "answer a task: /answer 7 blue"),
    ("done", "a task is done: /done 12"),
    ("projects", "the projects"),
    ("help", "what can be said here"),
    ("start", "begin"),
];

/// What a text asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// Something for the chief of staff.
    Say(String),
    /// An answer that needs nobody.
    Reply(String),
    /// The tasks under way.
    Status,
    /// What waits for the owner.
    Blocked,
    /// The projects.
    Projects,
    /// Nothing: it is for another bot.
    Nothing,
}

/// Reads what is said to the bot called `bot`.
pub(crate) fn read(text: &str, bot: &str) -> Request {
    let text = text.trim();
    if text.is_empty() {
        // Only the bot's name was said.
        return Request::Say("hello".into());
    }
    let Some(command) = text.strip_prefix('/') else {
        return Request::Say(text.to_owned());
    };
    let (name, rest) = command
        .split_once(char::is_whitespace)
        .unwrap_or((command, ""));
    let (name, addressed) = name.split_once('@').unwrap_or((name, bot));
    if !addressed.eq_ignore_ascii_case(bot) {
        return Request::Nothing;
    }
    let rest = rest.trim();
    let reply = |text: &str| Request::Reply(text.to_owned());
    match (name.to_lowercase().as_str(), rest) {
        ("start", _) => Request::Say("hello".into()),
        ("help", _) => Request::Reply(help()),
        ("status", _) => Request::Status,
        ("blocked", _) => Request::Blocked,
        ("projects", _) => Request::Projects,
        ("task", "") => {
            reply("Say what is to be done, such as: /task Build landing page @web !high")
        }
        ("task", line) => Request::Say(format!("add {line}")),
        ("answer", "") => reply("Say which task, and the answer, such as: /answer 7 blue"),
        ("answer", rest) => Request::Say(format!("answer {rest}")),
        ("done", "") => reply("Say which task is done, such as: /done 12"),
        ("done", rest) => Request::Say(format!("complete {rest}")),
        (other, _) => Request::Reply(format!(
            "I don't know /{}; /help shows what I know.",
            other.chars().take(32).collect::<String>()
        )),
    }
}

fn help() -> String {
    let lines = COMMANDS.map(|(name, what)| format!("/{name}: {what}"));
    format!(
        "Write or speak to me as you like: \"what's next?\", \"remind me to call Ada friday\". And:\n{}",
        lines.join("\n")
    )
}

/// Returns the list of commands for Telegram's menu.
pub(crate) fn menu() -> Value {
    let commands = COMMANDS.map(|(name, what)| json!({"command": name, "description": what}));
    json!({ "commands": commands })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &Request) {
        assert_eq!(read(text, "hearth_bot"), *expected, "{text}");
    }

    #[test]
    fn commands_become_what_the_chief_of_staff_understands() {
        let say = |text: &str| Request::Say(text.into());
        check(" what's next? ", &say("what's next?"));
        check(" ", &say("hello"));
        check(
            "/task Paint it @home !high",
            &say("add Paint it @home !high"),
        );
        check("/task@Hearth_Bot\nPaint it", &say("add Paint it"));
        check("/answer 7 blue", &say("answer 7 blue"));
        check("/done 12", &say("complete 12"));
        check("/start", &say("hello"));
        check("/STATUS", &Request::Status);
        check("/blocked now", &Request::Blocked);
        check("/projects", &Request::Projects);
    }

    #[test]
    fn what_lacks_words_or_is_unknown_is_told_what_is_right() {
        for (text, has) in [
            ("/task", "/task Build"),
            ("/answer ", "/answer 7"),
            ("/done", "/done 12"),
            ("/dance", "I don't know /dance"),
            ("/", "/help"),
            ("/help", "/blocked"),
        ] {
            let Request::Reply(reply) = read(text, "hearth_bot") else {
                panic!("{text}")
            };
            assert!(reply.contains(has), "{text}: {reply}");
        }
        check("/task@other_bot paint", &Request::Nothing);
    }

    #[test]
    fn the_menu_is_what_telegram_takes() {
        for command in menu()["commands"].as_array().unwrap() {
            let name = command["command"].as_str().unwrap();
            let what = command["description"].as_str().unwrap();
            assert!((1..=32).contains(&name.len()) && (1..=256).contains(&what.len()));
            assert!(name.chars().all(|c| c.is_ascii_lowercase()));
        }
    }
}
