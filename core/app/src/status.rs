//! The state of the node at a glance.

use std::sync::Arc;

use hearth_domain::field::AgentName;
use hearth_store::{agents, migrate, tasks};

use crate::app::{App, Facilities};
use crate::error::AppError;
use crate::money::Today;
use crate::runs::RunCounts;

/// The most paused agents that are named.
const PAUSED_SHOWN: usize = 100;

/// The state of the node.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The schema of its database.
    pub schema_version: i64,
    /// The last event.
    pub last_seq: i64,
    /// Writes that wait.
    pub writes_waiting: usize,
    /// Tasks by status, as `(status, count)`.
    pub tasks: Vec<(String, u64)>,
    /// Agents that are not offline.
    pub agents_online: u64,
    /// Agents that hold a task.
    pub agents_working: u64,
    /// Agents that are paused.
    pub agents_paused: Vec<AgentName>,
    /// The runs that can go on, and the approvals that wait.
    pub runs: RunCounts,
    /// What is spent today, and what may be.
    pub today: Today,
    /// What the node can do.
    pub facilities: Arc<Facilities>,
}

/// What is measured when somebody asks, rather than when it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauges {
    /// Writes that wait.
    pub writes_waiting: usize,
    /// The last event.
    pub last_seq: i64,
    /// Agents that are not offline.
    pub agents_online: u64,
    /// Agents that hold a task.
    pub agents_working: u64,
}

impl App {
    /// Returns the state of the node.
    ///
    /// # Errors
    /// The store failed.
    pub async fn status(&self) -> Result<Status, AppError> {
        let gauges = self.gauges()?;
        let (tasks, agents_paused) = self
            .store()
            .read(|tx| {
                let paused = agents::paused(tx, PAUSED_SHOWN)?;
                Ok::<_, AppError>((tasks::count_by_status(tx)?, paused))
            })
            .await?;
        let runs = self.count_runs().await?;
        Ok(Status {
            schema_version: migrate::schema_version(),
            last_seq: gauges.last_seq,
            writes_waiting: gauges.writes_waiting,
            tasks,
            agents_online: gauges.agents_online,
            agents_working: gauges.agents_working,
            agents_paused,
            runs,
            today: self.spent_today()?,
            facilities: self.facilities(),
        })
    }

    /// Returns what is measured on demand.
    ///
    /// # Errors
    /// The store failed.
    pub fn gauges(&self) -> Result<Gauges, AppError> {
        let store = self.store().gauges()?;
        let (agents_online, agents_working) = self
            .store()
            .read_now(|tx| Ok::<_, AppError>(agents::utilisation(tx)?))?;
        Ok(Gauges {
            writes_waiting: store.writes_waiting,
            last_seq: store.last_seq,
            agents_online,
            agents_working,
        })
    }
}
