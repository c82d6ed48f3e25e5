//! The state of the node.

use std::collections::BTreeMap;

use hearth_app::runs::RunCounts;
use hearth_app::{Facilities as Facts, status};
use hearth_domain::Role;
use hearth_domain::money::usd;
use hearth_domain::run::RunStatus;
use hearth_domain::task::TaskStatus;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The state of the node at a glance.
#[derive(Serialize, ToSchema)]
pub(crate) struct Status {
    /// The version of the program.
    version: &'static str,
    /// The schema of its database.
    schema_version: i64,
    /// The position of the last event.
    last_seq: i64,
    /// Writes that wait for the writer.
    writes_waiting: usize,
    /// How many tasks there are of each status.
    #[schema(value_type = BTreeMap<String, u64>)]
    tasks: BTreeMap<String, u64>,
    /// Agents that were heard from lately.
    agents_online: u64,
    /// Agents that hold a task.
    agents_working: u64,
    /// The names of agents that are paused; at most 100 of them.
    agents_paused: Vec<String>,
    /// How many runs that have not ended there are of each status.
    #[schema(value_type = BTreeMap<String, u64>)]
    runs: BTreeMap<&'static str, u64>,
    /// Approvals that wait for the owner's answer.
    approvals_pending: u64,
    /// What is spent on models today.
    spent_today: SpentToday,
    /// What the node can do.
    facilities: Facilities,
    /// Settings that were changed and count when the node is started again.
    restart_for: Vec<WaitingSetting>,
}

/// What is spent on models on a day.
#[derive(Serialize, ToSchema)]
pub(crate) struct SpentToday {
    /// US dollars.
    usd: f64,
    /// US dollars that calls under way may cost at most, beyond that.
    reserved_usd: f64,
    /// US dollars that the day may cost; null where nothing limits it.
    #[schema(required = true)]
    limit_usd: Option<f64>,
    /// Tokens, in and out together.
    tokens: u64,
}

/// A setting that counts when the node is started again.
#[derive(Serialize, ToSchema)]
pub(crate) struct WaitingSetting {
    /// Its name, such as `http.max_connections`.
    setting: String,
    /// The value in force.
    #[schema(value_type = Value)]
    running: Value,
    /// The value from the next start on.
    #[schema(value_type = Value)]
    at_restart: Value,
}

/// What the node can do.
#[derive(Serialize, ToSchema)]
pub(crate) struct Facilities {
    /// Whether the built-in agents run.
    agents: Facility,
    /// Whether generated code and commands can be run.
    sandbox: Facility,
    /// Whether there is a language model.
    model: Facility,
    /// Whether files in the inbox folder become tasks.
    inbox: Facility,
    /// Whether the node hears and speaks.
    voice: Facility,
    /// Whether the settings file is as it should be.
    settings: Facility,
    /// Whether the owner can talk over Telegram; null where no bot token is set.
    #[schema(required = true)]
    telegram: Option<Facility>,
}

/// Something the node may or may not be able to do.
#[derive(Serialize, ToSchema)]
pub(crate) struct Facility {
    /// Whether it works.
    is_available: bool,
    /// Why it does not, or what hampers it; empty where all is well. Only an admin is told of paths.
    reason: String,
    /// What would mend it, told to an admin; empty where nothing is to be mended.
    remedy: String,
}

impl Status {
    pub(crate) fn new(version: &'static str, status: status::Status, role: Role) -> Self {
        let Facts {
            agents,
            sandbox,
            model,
            inbox,
            voice,
            settings,
            telegram,
            restart_for,
        } = &*status.facilities;
        let told = |facility| Facility::told(facility, role);
        let none = TaskStatus::ALL.map(|status| (status.as_str().to_owned(), 0));
        let mut tasks = BTreeMap::from(none);
        tasks.extend(status.tasks);
        let waiting = restart_for.iter().cloned();
        let day = &status.today.day;
        Self {
            version,
            schema_version: status.schema_version,
            last_seq: status.last_seq,
            writes_waiting: status.writes_waiting,
            tasks,
            agents_online: status.agents_online,
            agents_working: status.agents_working,
            agents_paused: status
                .agents_paused
                .iter()
                .map(ToString::to_string)
                .collect(),
            runs: open_runs(&status.runs),
            approvals_pending: status.runs.approvals_pending,
            spent_today: SpentToday {
                usd: usd(day.spent.usd_micros),
                reserved_usd: usd(day.reserved.usd_micros),
                limit_usd: day.limits.usd_micros.map(usd),
                tokens: day.spent.tokens,
            },
            restart_for: waiting.map(WaitingSetting::from).collect(),
            facilities: Facilities {
                agents: told(agents),
                sandbox: told(sandbox),
                model: told(model),
                inbox: told(inbox),
                voice: told(voice),
                settings: told(settings),
                telegram: telegram.as_ref().map(told),
            },
        }
    }
}

/// Returns how many runs there are of each status that can go on, where there are none too.
pub(crate) fn open_runs(counts: &RunCounts) -> BTreeMap<&'static str, u64> {
    let open = RunStatus::ALL.into_iter().filter(|status| status.is_open());
    let mut runs: BTreeMap<_, _> = open.map(|status| (status.as_str(), 0)).collect();
    runs.extend(
        counts
            .open
            .iter()
            .map(|(status, count)| (status.as_str(), *count)),
    );
    runs
}

impl From<hearth_app::WaitingSetting> for WaitingSetting {
    fn from(waiting: hearth_app::WaitingSetting) -> Self {
        Self {
            setting: waiting.setting,
            running: waiting.running,
            at_restart: waiting.at_restart,
        }
    }
}

impl Facility {
    /// All that is known of it, for its owner.
    pub(crate) fn in_full(facility: &hearth_app::Facility) -> Self {
        Self::told(facility, Role::Admin)
    }

    /// What somebody of this role is told.
    fn told(facility: &hearth_app::Facility, role: Role) -> Self {
        let (reason, remedy) = match role {
            Role::Admin => (facility.reason_in_detail(), facility.remedy.clone()),
            Role::Agent | Role::Viewer => (facility.reason.clone(), String::new()),
        };
        Self {
            is_available: facility.is_available,
            reason,
            remedy,
        }
    }
}
