//! Settings: `hearth.toml`, then `HEARTH_*` variables, then flags, each over the one before.
//!
//! [`table::TABLE`] names every setting once; the file, the variables, `hearth config` and the
//! README all follow it. Nothing below this crate reads a file, the environment or a flag.
//!
//! Reading order: [`Settings`], [`table`], [`value`], [`load()`], [`edit`].

pub mod edit;
pub mod environment;
mod file;
mod listening;
pub mod load;
mod model;
pub mod nearest;
pub mod table;
mod telegram;
pub mod value;
mod voice;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use hearth_domain::day_times::{DayTimes, QuietHours};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use url::Url;

pub use environment::Environment;
pub use listening::ListeningSettings;
pub use load::{Layers, Loaded, Override, Source, load};
pub use model::{Fallback, ModelSettings};
pub use telegram::TelegramSettings;
pub use voice::{SpeakerChoice, TranscriberChoice, VoiceSettings};

/// The port of a node, unless told otherwise.
pub const DEFAULT_PORT: u16 = 4747;

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the node listens.
    pub listen: SocketAddr,
    /// The folder that holds everything the node keeps.
    pub data_dir: PathBuf,
    /// The time zone the person is in; the system's where none is named.
    pub time_zone: Option<TimeZone>,
    /// How long before a task is due the person is reminded; zero not at all.
    pub remind_before: Duration,
    /// How the person's day is divided.
    pub day: DaySettings,
    /// Names beyond the loopback ones that a request may come in under.
    pub allowed_hosts: Vec<String>,
    /// The agents.
    pub agents: AgentSettings,
    /// The artifacts.
    pub artifacts: ArtifactSettings,
    /// The HTTP interface.
    pub http: HttpSettings,
    /// The event streams.
    pub events: EventSettings,
    /// The log.
    pub log: LogSettings,
    /// The limits of one run in the sandbox.
    pub sandbox: SandboxSettings,
    /// The language models.
    pub model: ModelSettings,
    /// Talking over Telegram.
    pub telegram: TelegramSettings,
    /// Listening and speaking.
    pub voice: VoiceSettings,
    /// The microphone, the loudspeaker, and recordings that come in.
    pub listening: ListeningSettings,
    /// What may be used up where nothing else was said.
    pub budget: BudgetSettings,
    /// Whom web searches are put to.
    pub search: SearchSettings,
}

/// What may be used up where nothing else was said. Money is in millionths of a US dollar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetSettings {
    /// How much a day may cost; no limit where there is none.
    pub day_usd_micros: Option<u64>,
    /// How much everything together may cost.
    pub total_usd_micros: Option<u64>,
    /// How much a task may cost.
    pub task_usd_micros: Option<u64>,
    /// How many turns of a model a task may take.
    pub task_turns: u64,
    /// How many calls of tools a task may make.
    pub task_tool_calls: u64,
    /// For how long workers may hold a task.
    pub task_wall: Duration,
    /// How many tasks a task may hand to other agents.
    pub task_children: u64,
}

/// Settings of the agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSettings {
    /// Whether the built-in agents run.
    pub has_builtin: bool,
    /// After how long without a sign of life an agent counts as offline.
    pub offline_after: Duration,
    /// How many tasks Seed works on at once.
    pub parallel: u64,
}

/// Settings of the artifacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactSettings {
    /// The largest artifact.
    pub max_bytes: u64,
}

/// Settings of the HTTP interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// The largest JSON body.
    pub max_body_bytes: u64,
    /// The most connections at once.
    pub max_connections: u64,
}

/// Settings of the event streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSettings {
    /// The most event streams at once.
    pub max_subscribers: u64,
}

/// Settings of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// The least severe level that is written.
    pub level: String,
    /// How a line is written.
    pub format: LogFormat,
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one object a line.
    Json,
}

/// Limits of one run in the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxSettings {
    /// How long it may take.
    pub time: Duration,
    /// How much memory it may use.
    pub memory_bytes: u64,
    /// How many processes it may have at once.
    pub processes: u64,
    /// How much it may print.
    pub output_bytes: u64,
    /// How large a file it may write.
    pub file_bytes: u64,
}

/// Whom web searches are put to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchSettings {
    /// Who searches.
    pub provider: SearchProvider,
    /// Where the SearXNG server is.
    pub url: Option<Url>,
}

/// Who searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchProvider {
    /// Nobody but this machine.
    Local,
    /// A SearXNG server, by its address.
    Searxng,
    /// Brave Search, by key.
    Brave,
    /// Tavily, by key.
    Tavily,
}

impl SearchProvider {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Local, Self::Searxng, Self::Brave, Self::Tavily];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Searxng => "searxng",
            Self::Brave => "brave",
            Self::Tavily => "tavily",
        }
    }
}

/// How the person's day is divided; each is a time of day, or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaySettings {
    /// When the morning's summary is told.
    pub morning_at: Option<Time>,
    /// From when on nothing is told that can wait.
    pub quiet_from: Option<Time>,
    /// Until when.
    pub quiet_until: Option<Time>,
}

impl DaySettings {
    /// Returns it as the operations take it. It is never quiet where one of the two is off.
    pub fn times(&self) -> DayTimes {
        let quiet = self.quiet_from.zip(self.quiet_until);
        DayTimes {
            morning: self.morning_at,
            quiet: quiet.and_then(|(from, until)| QuietHours::new(from, until)),
        }
    }
}

impl Settings {
    /// Returns the settings of a node whose owner set nothing.
    pub fn defaults(data_dir: PathBuf) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)),
            data_dir,
            time_zone: None,
            remind_before: Duration::from_hours(1),
            day: DaySettings {
                morning_at: Some(Time::constant(8, 0, 0, 0)),
                quiet_from: Some(Time::constant(22, 0, 0, 0)),
                quiet_until: Some(Time::constant(7, 0, 0, 0)),
            },
            allowed_hosts: Vec::new(),
            agents: AgentSettings {
                has_builtin: true,
                offline_after: Duration::from_mins(1),
                parallel: 2,
            },
            artifacts: ArtifactSettings {
                max_bytes: 100 * 1024 * 1024,
            },
            http: HttpSettings {
                max_body_bytes: 1024 * 1024,
                max_connections: 1024,
            },
            events: EventSettings {
                max_subscribers: 512,
            },
            log: LogSettings {
                level: "info".into(),
                format: LogFormat::Text,
            },
            sandbox: SandboxSettings {
                time: Duration::from_mins(1),
                memory_bytes: 512 * 1024 * 1024,
                processes: 64,
                output_bytes: 1024 * 1024,
                file_bytes: 100 * 1024 * 1024,
            },
            model: ModelSettings::default(),
            telegram: TelegramSettings::default(),
            voice: VoiceSettings::default(),
            listening: ListeningSettings::default(),
            budget: BudgetSettings {
                day_usd_micros: Some(5_000_000),
                total_usd_micros: None,
                task_usd_micros: Some(1_000_000),
                task_turns: 60,
                task_tool_calls: 200,
                task_wall: Duration::from_hours(2),
                task_children: 10,
            },
            search: SearchSettings {
                provider: SearchProvider::Local,
                url: None,
            },
        }
    }
}
