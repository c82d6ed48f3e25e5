//! Every setting, once: its name, what it is for, how it is read and shown.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use hearth_domain::money::{micros, usd};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use url::Url;

use crate::settings::value::{Given, Value};
use crate::settings::{LogFormat, SearchProvider, Settings, listening, model, telegram, voice};

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;
/// Stands for no limit.
const NO_LIMIT: &str = "none";
/// Stands for the zone that the machine is set to.
const SYSTEM_ZONE: &str = "system";
/// Stands for a time of day that never comes.
const OFF: &str = "off";

/// When a change of a setting in the file counts for a node that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// As soon as it is written.
    AtOnce,
    /// When the node is started again.
    AtRestart,
}

impl Applies {
    /// Returns its words for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtOnce => "at once",
            Self::AtRestart => "at restart",
        }
    }
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Its name in the file, with the section before a dot.
    pub key: &'static str,
    /// What it is for, in one line.
    pub doc: &'static str,
    /// When a change of it counts.
    pub applies: Applies,
    /// Reads a value into the settings; the error reads on from the name.
    pub set: fn(&mut Settings, Given<'_>) -> Result<(), String>,
    /// Returns what it is.
    pub get: fn(&Settings) -> Value,
}

impl Setting {
    /// Returns the name of its variable, such as `HEARTH_AGENTS_BUILTIN`.
    pub fn variable(&self) -> String {
        format!("HEARTH_{}", self.key.replace('.', "_").to_uppercase())
    }
}

/// Returns the setting with a name.
pub fn find(key: &str) -> Option<&'static Setting> {
    TABLE.iter().find(|setting| setting.key == key)
}

/// Every setting, in the order in which they are shown.
pub const TABLE: &[Setting] = &[
    Setting {
        key: "listen",
        doc: "the address and port the node listens on; port 0 picks a free one",
        applies: Applies::AtRestart,
        set: |settings, given| address(given).map(|value| settings.listen = value),
        get: |settings| Value::Text(settings.listen.to_string()),
    },
    Setting {
        key: "data_dir",
        doc: "the folder that holds everything the node keeps",
        applies: Applies::AtRestart,
        set: |settings, given| folder(given).map(|value| settings.data_dir = value),
        get: |settings| Value::Text(settings.data_dir.display().to_string()),
    },
    Setting {
        key: "allowed_hosts",
        doc: "names beyond localhost that a browser may reach the node under",
        applies: Applies::AtRestart,
        set: |settings, given| hosts(given).map(|value| settings.allowed_hosts = value),
        get: |settings| Value::List(settings.allowed_hosts.clone()),
    },
    Setting {
        key: "time_zone",
        doc: "the time zone whose days and hours are meant, such as Europe/Berlin; system for the machine's own",
        applies: Applies::AtOnce,
        set: |settings, given| zone(given).map(|value| settings.time_zone = value),
        get: |settings| {
            let named = settings.time_zone.as_ref().and_then(TimeZone::iana_name);
            Value::Text(named.unwrap_or(SYSTEM_ZONE).into())
        },
    },
    Setting {
        key: "reminders.before_minutes",
        doc: "how long before a task is due you are reminded; 0 for not before",
        applies: Applies::AtOnce,
        set: |settings, given| {
            given
                .number(0, 10_080)
                .map(|minutes| settings.remind_before = Duration::from_secs(minutes * 60))
        },
        get: |settings| Value::Number(settings.remind_before.as_secs() / 60),
    },
    Setting {
        key: "morning.at",
        doc: "when you are told what the day brings, such as 08:00; off for never",
        applies: Applies::AtOnce,
        set: |settings, given| time_of_day(given).map(|value| settings.day.morning_at = value),
        get: |settings| shown_time(settings.day.morning_at),
    },
    Setting {
        key: "quiet.from",
        doc: "from when on you are told only what cannot wait, such as 22:00; off for never",
        applies: Applies::AtOnce,
        set: |settings, given| time_of_day(given).map(|value| settings.day.quiet_from = value),
        get: |settings| shown_time(settings.day.quiet_from),
    },
    Setting {
        key: "quiet.until",
        doc: "until when that is, such as 07:00; across midnight where it is earlier than quiet.from",
        applies: Applies::AtOnce,
        set: |settings, given| time_of_day(given).map(|value| settings.day.quiet_until = value),
        get: |settings| shown_time(settings.day.quiet_until),
    },
    Setting {
        key: "agents.builtin",
        doc: "whether the built-in agents run",
        applies: Applies::AtRestart,
        set: |settings, given| {
            given
                .flag()
                .map(|value| settings.agents.has_builtin = value)
        },
        get: |settings| Value::Flag(settings.agents.has_builtin),
    },
    Setting {
        key: "agents.parallel",
        doc: "how many tasks Seed works on at once; those that wait for you do not count",
        applies: Applies::AtRestart,
        set: |settings, given| {
            given
                .number(1, 64)
                .map(|count| settings.agents.parallel = count)
        },
        get: |settings| Value::Number(settings.agents.parallel),
    },
    Setting {
        key: "agents.offline_after_seconds",
        doc: "after how long without a sign of life an agent counts as offline",
        applies: Applies::AtOnce,
        set: |settings, given| {
            seconds(given, 86_400).map(|value| settings.agents.offline_after = value)
        },
        get: |settings| Value::Number(settings.agents.offline_after.as_secs()),
    },
    Setting {
        key: "artifacts.max_bytes",
        doc: "the largest artifact that is taken",
        applies: Applies::AtOnce,
        set: |settings, given| {
            given
                .number(1, 1024 * GIB)
                .map(|value| settings.artifacts.max_bytes = value)
        },
        get: |settings| Value::Number(settings.artifacts.max_bytes),
    },
    Setting {
        key: "http.max_body_bytes",
        doc: "the largest JSON body that is taken",
        applies: Applies::AtOnce,
        set: |settings, given| {
            given
                .number(1024, GIB)
                .map(|value| settings.http.max_body_bytes = value)
        },
        get: |settings| Value::Number(settings.http.max_body_bytes),
    },
    Setting {
        key: "http.max_connections",
        doc: "the most connections at once",
        applies: Applies::AtRestart,
        set: |settings, given| {
            given
                .number(1, 65_536)
                .map(|value| settings.http.max_connections = value)
        },
        get: |settings| Value::Number(settings.http.max_connections),
    },
    Setting {
        key: "events.max_subscribers",
        doc: "the most event streams at once",
        applies: Applies::AtRestart,
        set: |settings, given| {
            given
                .number(1, 65_536)
                .map(|value| settings.events.max_subscribers = value)
        },
        get: |settings| Value::Number(settings.events.max_subscribers),
    },
    Setting {
        key: "log.level",
        doc: "the least severe level that is logged: error, warn, info, debug or trace",
        applies: Applies::AtOnce,
        set: |settings, given| {
            let levels = ["error", "warn", "info", "debug", "trace"];
            given
                .one_of(&levels)
                .map(|value| settings.log.level = value)
        },
        get: |settings| Value::Text(settings.log.level.clone()),
    },
    Setting {
        key: "log.format",
        doc: "how the log is written: text, or json with one object a line",
        applies: Applies::AtRestart,
        set: |settings, given| log_format(given).map(|value| settings.log.format = value),
        get: |settings| {
            let word = match settings.log.format {
                LogFormat::Text => "text",
                LogFormat::Json => "json",
            };
            Value::Text(word.into())
        },
    },
    Setting {
        key: "budget.day_dollars",
        doc: "how many US dollars a day may cost; 0 for models that cost nothing, none for no limit",
        applies: Applies::AtOnce,
        set: |settings, given| dollars(given).map(|value| settings.budget.day_usd_micros = value),
        get: |settings| shown_dollars(settings.budget.day_usd_micros),
    },
    Setting {
        key: "budget.total_dollars",
        doc: "how many US dollars everything together may ever cost; none for no limit",
        applies: Applies::AtOnce,
        set: |settings, given| dollars(given).map(|value| settings.budget.total_usd_micros = value),
        get: |settings| shown_dollars(settings.budget.total_usd_micros),
    },
    Setting {
        key: "budget.task_dollars",
        doc: "how many US dollars a task may cost that says nothing itself; none for no limit",
        applies: Applies::AtOnce,
        set: |settings, given| dollars(given).map(|value| settings.budget.task_usd_micros = value),
        get: |settings| shown_dollars(settings.budget.task_usd_micros),
    },
    Setting {
        key: "budget.task_turns",
        doc: "how many turns of a model a task may take that says nothing itself",
        applies: Applies::AtOnce,
        set: |settings, given| {
            given
                .number(0, 1_000_000)
                .map(|count| settings.budget.task_turns = count)
        },
        get: |settings| Value::Number(settings.budget.task_turns),
    },
    Setting {
        key: "budget.task_tool_calls",
        doc: "how many calls of tools a task may make that says nothing itself",
        applies: Applies::AtOnce,
        set: |settings, given| {
            given
                .number(0, 1_000_000)
                .map(|count| settings.budget.task_tool_calls = count)
        },
        get: |settings| Value::Number(settings.budget.task_tool_calls),
    },
    Setting {
        key: "budget.task_wall_minutes",
        doc: "for how many minutes workers may hold a task that says nothing itself; waiting for you does not count",
        applies: Applies::AtOnce,
        set: |settings, given| {
            given
                .number(1, 525_600)
                .map(|minutes| settings.budget.task_wall = Duration::from_secs(minutes * 60))
        },
        get: |settings| Value::Number(settings.budget.task_wall.as_secs() / 60),
    },
    Setting {
        key: "budget.task_children",
        doc: "how many tasks a task may hand to other agents that says nothing itself",
        applies: Applies::AtOnce,
        set: |settings, given| {
            given
                .number(0, 10_000)
                .map(|count| settings.budget.task_children = count)
        },
        get: |settings| Value::Number(settings.budget.task_children),
    },
    Setting {
        key: "sandbox.time_seconds",
        doc: "how long one run in the sandbox may take",
        applies: Applies::AtOnce,
        set: |settings, given| seconds(given, 86_400).map(|value| settings.sandbox.time = value),
        get: |settings| Value::Number(settings.sandbox.time.as_secs()),
    },
    Setting {
        key: "sandbox.memory_bytes",
        doc: "how much memory one run in the sandbox may use",
        applies: Applies::AtOnce,
        set: |settings, given| {
            given
                .number(16 * MIB, 1024 * GIB)
                .map(|value| settings.sandbox.memory_bytes = value)
        },
        get: |settings| Value::Number(settings.sandbox.memory_bytes),
    },
    Setting {
        key: "sandbox.processes",
        doc: "how many processes one run in the sandbox may have at once",
        applies: Applies::AtOnce,
        set: |settings, given| {
            given
                .number(1, 4096)
                .map(|value| settings.sandbox.processes = value)
        },
        get: |settings| Value::Number(settings.sandbox.processes),
    },
    Setting {
        key: "sandbox.output_bytes",
        doc: "how much one run in the sandbox may print",
        applies: Applies::AtOnce,
        set: |settings, given| {
            given
                .number(1024, GIB)
                .map(|value| settings.sandbox.output_bytes = value)
        },
        get: |settings| Value::Number(settings.sandbox.output_bytes),
    },
    Setting {
        key: "sandbox.file_bytes",
        doc: "how large a file one run in the sandbox may write",
        applies: Applies::AtOnce,
        set: |settings, given| {
            given
                .number(1024, 1024 * GIB)
                .map(|value| settings.sandbox.file_bytes = value)
        },
        get: |settings| Value::Number(settings.sandbox.file_bytes),
    },
    Setting {
        key: "model.provider",
        doc: "who serves the language model: groq, openai, anthropic, openrouter, ollama, llama-server, lmstudio or openai-compatible; empty for none but those on this machine",
        applies: Applies::AtOnce,
        set: |settings, given| model::provider(given).map(|value| settings.model.provider = value),
        get: |settings| {
            let provider = settings.model.provider;
            Value::Text(
                provider
                    .map_or("", hearth_runtime::model::Preset::as_str)
                    .into(),
            )
        },
    },
    Setting {
        key: "model.name",
        doc: "the name of the language model; empty for the usual one of its server",
        applies: Applies::AtOnce,
        set: |settings, given| model::name(given).map(|value| settings.model.name = value),
        get: |settings| Value::Text(settings.model.name.clone()),
    },
    Setting {
        key: "model.url",
        doc: "where the server of the language model answers; empty for the usual place",
        applies: Applies::AtOnce,
        set: |settings, given| model::url(given).map(|value| settings.model.url = value),
        get: |settings| Value::Text(settings.model.url.clone()),
    },
    Setting {
        key: "model.fallback",
        doc: "language models that are asked where the first does not answer, such as groq/llama-3.3-70b-versatile",
        applies: Applies::AtOnce,
        set: |settings, given| model::fallback(given).map(|value| settings.model.fallback = value),
        get: |settings| {
            let all = settings.model.fallback.iter();
            Value::List(all.map(ToString::to_string).collect())
        },
    },
    Setting {
        key: "model.find_local",
        doc: "whether language models are looked for on this machine, to be asked where no other answers",
        applies: Applies::AtOnce,
        set: |settings, given| given.flag().map(|value| settings.model.find_local = value),
        get: |settings| Value::Flag(settings.model.find_local),
    },
    Setting {
        key: "model.context_tokens",
        doc: "how many tokens the language model holds; 0 for what is known of it",
        applies: Applies::AtOnce,
        set: |settings, given| {
            given
                .number(0, 10_000_000)
                .map(|value| settings.model.context_tokens = value)
        },
        get: |settings| Value::Number(settings.model.context_tokens),
    },
    Setting {
        key: "model.max_output_tokens",
        doc: "how many tokens an answer of a language model may have",
        applies: Applies::AtOnce,
        set: |settings, given| {
            given
                .number(16, 65_536)
                .map(|value| settings.model.max_output_tokens = value)
        },
        get: |settings| Value::Number(settings.model.max_output_tokens),
    },
    Setting {
        key: "model.input_price",
        doc: "dollars for a million tokens that the language model reads, such as 0.59; empty for what is known",
        applies: Applies::AtOnce,
        set: |settings, given| model::price(given).map(|value| settings.model.input_price = value),
        get: |settings| Value::Text(model::price_text(settings.model.input_price)),
    },
    Setting {
        key: "model.output_price",
        doc: "dollars for a million tokens that the language model writes; empty for what is known",
        applies: Applies::AtOnce,
        set: |settings, given| model::price(given).map(|value| settings.model.output_price = value),
        get: |settings| Value::Text(model::price_text(settings.model.output_price)),
    },
    Setting {
        key: "search.provider",
        doc: "who searches the web: searxng, at search.url; brave or tavily, by the secret search_key; local for this machine alone",
        applies: Applies::AtRestart,
        set: |settings, given| provider(given).map(|value| settings.search.provider = value),
        get: |settings| Value::Text(settings.search.provider.as_str().into()),
    },
    Setting {
        key: "search.url",
        doc: "where the SearXNG server is, such as http://localhost:8888; empty for none",
        applies: Applies::AtRestart,
        set: |settings, given| server(given).map(|value| settings.search.url = value),
        get: |settings| {
            let url = settings.search.url.as_ref();
            Value::Text(url.map_or_else(String::new, Url::to_string))
        },
    },
    Setting {
        key: "telegram.api_url",
        doc: "where Telegram's Bot API answers; another address for a server of your own",
        applies: Applies::AtOnce,
        set: |settings, given| telegram::url(given).map(|value| settings.telegram.api_url = value),
        get: |settings| Value::Text(settings.telegram.api_url.to_string()),
    },
    Setting {
        key: "telegram.users",
        doc: "people, by their numbers at Telegram, who may talk without pairing; the best is to pair",
        applies: Applies::AtOnce,
        set: |settings, given| telegram::users(given).map(|value| settings.telegram.users = value),
        get: |settings| {
            let users = settings.telegram.users.iter();
            Value::List(users.map(ToString::to_string).collect())
        },
    },
    Setting {
        key: "telegram.groups",
        doc: "whether those who paired may talk to the bot in groups, where others read the answers",
        applies: Applies::AtOnce,
        set: |settings, given| given.flag().map(|value| settings.telegram.groups = value),
        get: |settings| Value::Flag(settings.telegram.groups),
    },
    Setting {
        key: "telegram.notices",
        doc: "whether you are told in Telegram what waits for you, is done or is due",
        applies: Applies::AtOnce,
        set: |settings, given| given.flag().map(|value| settings.telegram.notices = value),
        get: |settings| Value::Flag(settings.telegram.notices),
    },
    Setting {
        key: "telegram.answer_by_voice",
        doc: "whether a voice note is answered by one as well",
        applies: Applies::AtOnce,
        set: |settings, given| {
            given
                .flag()
                .map(|value| settings.telegram.answer_by_voice = value)
        },
        get: |settings| Value::Flag(settings.telegram.answer_by_voice),
    },
    Setting {
        key: "telegram.max_voice_bytes",
        doc: "the largest voice note that is taken; Telegram hands out no more than 20 MB",
        applies: Applies::AtOnce,
        set: |settings, given| {
            given
                .number(1024, 20 * MIB)
                .map(|value| settings.telegram.max_voice_bytes = value)
        },
        get: |settings| Value::Number(settings.telegram.max_voice_bytes),
    },
    Setting {
        key: "voice.transcriber",
        doc: "what turns speech into text: auto (whisper where a model is there), whisper, pocketsphinx (the sentences of voice.grammar), groq (the sound leaves this machine) or off",
        applies: Applies::AtRestart,
        set: |settings, given| {
            voice::transcriber(given).map(|value| settings.voice.transcriber = value)
        },
        get: |settings| Value::Text(settings.voice.transcriber.as_str().into()),
    },
    Setting {
        key: "voice.model",
        doc: "the model that whisper uses, by its name in `hearth models list` or by its path; empty for the best there is",
        applies: Applies::AtRestart,
        set: |settings, given| voice::model(given).map(|value| settings.voice.model = value),
        get: |settings| Value::Text(settings.voice.model.clone()),
    },
    Setting {
        key: "voice.language",
        doc: "the language you speak, such as en or de; empty to have it found out",
        applies: Applies::AtRestart,
        set: |settings, given| voice::language(given).map(|value| settings.voice.language = value),
        get: |settings| Value::Text(settings.voice.language.clone()),
    },
    Setting {
        key: "voice.grammar",
        doc: "the path of the grammar, in JSGF, whose sentences pocketsphinx hears",
        applies: Applies::AtRestart,
        set: |settings, given| voice::file(given).map(|value| settings.voice.grammar = value),
        get: |settings| Value::Text(settings.voice.grammar.clone()),
    },
    Setting {
        key: "voice.idle_minutes",
        doc: "after how many minutes with nothing to do the transcribing process gives its memory back",
        applies: Applies::AtRestart,
        set: |settings, given| {
            given
                .number(1, 1_440)
                .map(|minutes| settings.voice.idle = Duration::from_secs(minutes * 60))
        },
        get: |settings| Value::Number(settings.voice.idle.as_secs() / 60),
    },
    Setting {
        key: "voice.memory_mb",
        doc: "how much memory the transcribing process may have, in MiB",
        applies: Applies::AtRestart,
        set: |settings, given| {
            given
                .number(768, 1_048_576)
                .map(|value| settings.voice.memory_bytes = value * MIB)
        },
        get: |settings| Value::Number(settings.voice.memory_bytes / MIB),
    },
    Setting {
        key: "voice.groq_url",
        doc: "where the server of voice.transcriber groq answers, up to /v1; empty for the usual place",
        applies: Applies::AtRestart,
        set: |settings, given| model::url(given).map(|value| settings.voice.groq_url = value),
        get: |settings| Value::Text(settings.voice.groq_url.clone()),
    },
    Setting {
        key: "voice.speaker",
        doc: "what turns text into speech: auto (the best on this machine), espeak, piper, kokoro, cartesia (the text leaves this machine) or off",
        applies: Applies::AtRestart,
        set: |settings, given| voice::speaker(given).map(|value| settings.voice.speaker = value),
        get: |settings| Value::Text(settings.voice.speaker.as_str().into()),
    },
    Setting {
        key: "voice.voice",
        doc: "the voice: a name in `hearth models list`, one of espeak-ng such as en-gb, or the identifier of one at cartesia; empty for the usual one",
        applies: Applies::AtRestart,
        set: |settings, given| voice::voice(given).map(|value| settings.voice.voice = value),
        get: |settings| Value::Text(settings.voice.voice.clone()),
    },
    Setting {
        key: "voice.onnxruntime",
        doc: "the path of the ONNX Runtime library; empty for the one that `hearth models pull onnxruntime` fetched",
        applies: Applies::AtRestart,
        set: |settings, given| voice::file(given).map(|value| settings.voice.onnxruntime = value),
        get: |settings| Value::Text(settings.voice.onnxruntime.clone()),
    },
    Setting {
        key: "voice.microphone",
        doc: "the microphone that hearth listen and hearth ptt hear, by its name or a part of it; empty for the default one",
        applies: Applies::AtRestart,
        set: |settings, given| {
            listening::device(given).map(|value| settings.listening.microphone = value)
        },
        get: |settings| Value::Text(settings.listening.microphone.clone().unwrap_or_default()),
    },
    Setting {
        key: "voice.loudspeaker",
        doc: "the loudspeaker that answers are spoken by, by its name or a part of it; empty for the default one",
        applies: Applies::AtRestart,
        set: |settings, given| {
            listening::device(given).map(|value| settings.listening.loudspeaker = value)
        },
        get: |settings| Value::Text(settings.listening.loudspeaker.clone().unwrap_or_default()),
    },
    Setting {
        key: "voice.keep_microphone_open",
        doc: "whether the node always holds the microphone open for hearth ptt, so that the first word is never lost; nothing is kept beyond half a second",
        applies: Applies::AtRestart,
        set: |settings, given| {
            given
                .flag()
                .map(|value| settings.listening.keeps_microphone_open = value)
        },
        get: |settings| Value::Flag(settings.listening.keeps_microphone_open),
    },
    Setting {
        key: "voice.speak_answers",
        doc: "whether the node speaks what the chief of staff answers to hearth ptt",
        applies: Applies::AtRestart,
        set: |settings, given| {
            given
                .flag()
                .map(|value| settings.listening.speaks_answers = value)
        },
        get: |settings| Value::Flag(settings.listening.speaks_answers),
    },
    Setting {
        key: "voice.max_upload_mb",
        doc: "the largest recording that is taken to be heard, in MiB",
        applies: Applies::AtRestart,
        set: |settings, given| {
            given
                .number(1, 1024)
                .map(|value| settings.listening.max_upload_bytes = value * MIB)
        },
        get: |settings| Value::Number(settings.listening.max_upload_bytes / MIB),
    },
    Setting {
        key: "voice.max_minutes",
        doc: "how long a recording may sound that is heard",
        applies: Applies::AtRestart,
        set: |settings, given| {
            given
                .number(1, 120)
                .map(|minutes| settings.listening.longest = Duration::from_secs(minutes * 60))
        },
        get: |settings| Value::Number(settings.listening.longest.as_secs() / 60),
    },
];

fn address(given: Given<'_>) -> Result<SocketAddr, String> {
    let problem = "must be an address and a port, such as 127.0.0.1:4747";
    let text = given.text().map_err(|_| problem)?;
    if let Some(port) = text.strip_prefix("localhost:") {
        let port: u16 = port.parse().map_err(|_| problem)?;
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    text.parse().map_err(|_| problem.into())
}

fn folder(given: Given<'_>) -> Result<PathBuf, String> {
    let path = PathBuf::from(given.text()?);
    // A relative one would mean another folder with every folder a command is given in.
    if path.is_absolute() {
        Ok(path)
    } else {
        Err("must be an absolute path, written out without ~".into())
    }
}

/// Reads a time of day; nothing at all stands for off, as the word does.
fn time_of_day(given: Given<'_>) -> Result<Option<Time>, String> {
    let problem = "must be a time of day such as 08:00 or 22:30, or off";
    let text = match given {
        Given::Word(word) => word.trim(),
        Given::Toml(value) => value.as_str().ok_or(problem)?,
    };
    if matches!(text, "" | OFF) {
        return Ok(None);
    }
    let two_digits = |part: &str| {
        let is_number = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse::<i8>().ok()).flatten()
    };
    let time = text
        .split_once(':')
        .and_then(|(hour, minute)| Time::new(two_digits(hour)?, two_digits(minute)?, 0, 0).ok());
    time.map(Some).ok_or_else(|| problem.into())
}

fn shown_time(time: Option<Time>) -> Value {
    Value::Text(time.map_or_else(
        || OFF.to_owned(),
        |time| format!("{:02}:{:02}", time.hour(), time.minute()),
    ))
}

fn zone(given: Given<'_>) -> Result<Option<TimeZone>, String> {
    let name = given.text()?;
    if name == SYSTEM_ZONE {
        return Ok(None);
    }
    TimeZone::get(&name)
        .map(Some)
        .map_err(|_| "must be a time zone such as Europe/Berlin, or system".into())
}

fn hosts(given: Given<'_>) -> Result<Vec<String>, String> {
    let hosts = given.list()?;
    let is_host = |host: &String| {
        let is_name_char = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
        !host.is_empty() && host.len() <= 255 && host.chars().all(is_name_char)
    };
    match hosts.iter().find(|host| !is_host(host)) {
        Some(host) => Err(format!(
            "must hold names such as hearth.lan, without http:// or a path, and {host:?} is none"
        )),
        None => Ok(hosts),
    }
}

fn seconds(given: Given<'_>, most: u64) -> Result<Duration, String> {
    given.number(1, most).map(Duration::from_secs)
}

/// Reads an amount of US dollars in millionths; nothing for `none`. In the file it may stand as a
/// number, too.
fn dollars(given: Given<'_>) -> Result<Option<u64>, String> {
    let problem = || format!("must be an amount such as 5 or 0.50, at most 1000000, or {NO_LIMIT}");
    let amount = match given {
        Given::Toml(value) if value.as_str().is_none() => value
            .as_float()
            .or_else(|| value.to_string().trim().parse().ok())
            .ok_or_else(problem)?,
        given => match given.text().map_err(|_| problem())?.as_str() {
            NO_LIMIT => return Ok(None),
            text => text
                .strip_prefix('$')
                .unwrap_or(text)
                .parse()
                .map_err(|_| problem())?,
        },
    };
    if !(0.0..=1_000_000.0).contains(&amount) {
        return Err(problem());
    }
    Ok(Some(micros(amount)))
}

fn shown_dollars(amount: Option<u64>) -> Value {
    Value::Text(amount.map_or_else(|| NO_LIMIT.into(), |amount| usd(amount).to_string()))
}

/// Whether nothing was given, which [`Given::text`] takes for a mistake.
fn is_empty(given: Given<'_>) -> bool {
    match given {
        Given::Word(word) => word.trim().is_empty(),
        Given::Toml(value) => value.as_str().is_some_and(str::is_empty),
    }
}

fn provider(given: Given<'_>) -> Result<SearchProvider, String> {
    if is_empty(given) {
        return Ok(SearchProvider::Local);
    }
    let word = given.one_of(&SearchProvider::ALL.map(SearchProvider::as_str))?;
    let mut all = SearchProvider::ALL.into_iter();
    let found = all.find(|provider| provider.as_str() == word);
    Ok(found.unwrap_or(SearchProvider::Local))
}

fn server(given: Given<'_>) -> Result<Option<Url>, String> {
    if is_empty(given) {
        return Ok(None);
    }
    let problem = "must be the address of a server, such as http://localhost:8888, without a name, a \
                   password or a query";
    let url: Url = given.text()?.parse().map_err(|_| problem)?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if is_plain && url.has_host() && matches!(url.scheme(), "http" | "https") {
        Ok(Some(url))
    } else {
        Err(problem.into())
    }
}

fn log_format(given: Given<'_>) -> Result<LogFormat, String> {
    match given.one_of(&["text", "json"])?.as_str() {
        "json" => Ok(LogFormat::Json),
        _ => Ok(LogFormat::Text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_named_after_its_setting() {
        let variable = |key| find(key).map(Setting::variable);

        assert_eq!(variable("listen").as_deref(), Some("HEARTH_LISTEN"));
        assert_eq!(
            variable("agents.builtin").as_deref(),
            Some("HEARTH_AGENTS_BUILTIN")
        );
    }

    #[test]
    fn every_default_is_a_value_that_could_have_been_set() {
        let defaults = Settings::defaults("/data".into());
        for setting in TABLE {
            let mut settings = defaults.clone();
            let shown = (setting.get)(&defaults).to_toml();

            assert_eq!(
                (setting.set)(&mut settings, Given::Toml(&shown)),
                Ok(()),
                "{}",
                setting.key
            );
            assert_eq!(settings, defaults, "{}", setting.key);
        }
    }

    #[test]
    fn an_amount_of_money_is_a_text_or_a_number() {
        let mut settings = Settings::defaults("/data".into());
        let setting = find("budget.day_dollars").unwrap();
        let mut read = |given: Given<'_>| {
            (setting.set)(&mut settings, given).unwrap();
            (settings.budget.day_usd_micros, (setting.get)(&settings))
        };
        let text = |text: &str| Value::Text(text.into());

        assert_eq!(read(Given::Word("2.50")), (Some(2_500_000), text("2.5")));
        assert_eq!(read(Given::Word("$3")), (Some(3_000_000), text("3")));
        assert_eq!(read(Given::Word("none")), (None, text("none")));
        assert_eq!(read(Given::Toml(&7.into())), (Some(7_000_000), text("7")));
        assert_eq!(
            read(Given::Toml(&0.05.into())),
            (Some(50_000), text("0.05"))
        );
        assert_eq!(read(Given::Toml(&"0".into())), (Some(0), text("0")));
    }

    #[test]
    fn a_time_of_day_is_taken_and_may_be_off() {
        let mut settings = Settings::defaults("/data".into());
        let mut put = |key: &str, word| {
            let setting = find(key).unwrap();
            (setting.set)(&mut settings, Given::Word(word)).unwrap();
            (setting.get)(&settings).to_string()
        };

        assert_eq!(put("morning.at", "06:45"), "06:45");
        assert_eq!(put("quiet.from", "off"), "off");
        assert_eq!(put("quiet.until", ""), "off");
        assert_eq!(settings.day.times().quiet, None);
    }

    #[test]
    fn a_bad_value_is_told_what_it_must_be() {
        let mut settings = Settings::defaults("/data".into());
        let mut set = |key: &str, word| {
            find(key)
                .map(|setting| (setting.set)(&mut settings, Given::Word(word)))
                .unwrap()
                .unwrap_err()
        };

        assert_eq!(
            set("listen", "4747"),
            "must be an address and a port, such as 127.0.0.1:4747"
        );
        assert_eq!(
            set("sandbox.processes", "-1"),
            "must be a whole number from 1 to 4096"
        );
        assert_eq!(set("log.format", "xml"), "must be one of text, json");
        for time in ["8", "8:00", "24:00", "12:60", "08:00:00", "+8:00", "noon"] {
            assert_eq!(
                set("morning.at", time),
                "must be a time of day such as 08:00 or 22:30, or off"
            );
        }
        assert_eq!(set("agents.builtin", "maybe"), "must be true or false");
        for bad in ["-1", "five", "NaN", "inf", "2000000", ""] {
            assert_eq!(
                set("budget.day_dollars", bad),
                "must be an amount such as 5 or 0.50, at most 1000000, or none"
            );
        }
        assert_eq!(
            set("search.provider", "google"),
            "must be one of local, searxng, brave, tavily"
        );
        for url in [
            "localhost:8888",
            "ftp://x.org",
            "http://me:secret@x.org",
            "http://x.org/?a=b",
        ] {
            let problem = set("search.url", url);
            assert!(
                problem.starts_with("must be the address of a server"),
                "{problem}"
            );
            assert!(!problem.contains("secret"));
        }
    }
}
