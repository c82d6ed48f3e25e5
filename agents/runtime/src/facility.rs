//! The sandbox as the agents see it: there, or not there with a reason and a remedy.

use std::sync::Arc;

use hearth_app::{App, Facility};
use hearth_sandbox::{Config, Sandbox, Stage, Unavailable};
use tokio::sync::Mutex;

/// The sandbox, looked for again each time it is needed and was not there: whoever mends it need
/// not restart the node.
#[derive(Clone)]
pub struct SandboxFacility {
    config: Config,
    app: App,
    /// Held while looking, so that two runs do not look at once.
    found: Arc<Mutex<Option<Sandbox>>>,
}

impl SandboxFacility {
    /// A sandbox that is to be looked for.
    pub fn new(config: Config, app: App) -> Self {
        Self {
            config,
            app,
            found: Arc::default(),
        }
    }

    /// Returns how the node's own program is started as a part of the sandbox.
    pub(crate) fn stage(&self) -> &Stage {
        &self.config.stage
    }

    /// Returns the sandbox, and tells the node whether there is one.
    ///
    /// # Errors
    /// Says what is missing and what mends it.
    pub async fn get(&self) -> Result<Sandbox, Unavailable> {
        let mut found = self.found.lock().await;
        if let Some(sandbox) = found.as_ref() {
            return Ok(sandbox.clone());
        }
        let probed = Sandbox::probe(self.config.clone()).await;
        let facility = match &probed {
            Ok(_) => Facility::works(),
            Err(missing) => Facility::missing(&missing.reason, &missing.remedy),
        };
        self.app
            .change_facilities(|facilities| facilities.sandbox = facility);
        *found = probed.as_ref().ok().cloned();
        probed
    }
}
