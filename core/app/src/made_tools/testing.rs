//! Trying a tool's examples once more, by the owner's order.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use hearth_domain::Actor;
use hearth_domain::field::Word;
use hearth_domain::tool::{self, MadeTool};
use tokio::sync::{Semaphore, TryAcquireError};

use crate::app::App;
use crate::authority::must_be_owner;
use crate::error::{AppError, UnavailableCause};

/// How many tools are tested at once: each test runs up to ten programs.
const TESTED_AT_ONCE: usize = 2;

/// What came of trying one example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// It returned what it should.
    Passed,
    /// It did not: what happened.
    Failed(String),
    /// It takes the tool's rights, which a test does not have.
    NotTried,
}

/// What came of trying a version's examples.
#[derive(Debug, Clone, PartialEq)]
pub struct Tested {
    /// The version.
    pub tool: MadeTool,
    /// What came of each example, in their order.
    pub examples: Vec<Tried>,
}

/// A test under way.
pub type TestFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<Tried>, AppError>> + Send + 'a>>;

/// Runs the examples of tools.
pub trait ToolTester: Send + Sync + 'static {
    /// Runs those examples of a version that need none of its rights, with none at all.
    ///
    /// A tool that fails, hangs or asks for too much has failed its example. An error is the node's
    /// fault, as where it has no sandbox.
    fn test<'a>(&'a self, tool: &'a MadeTool) -> TestFuture<'a>;
}

/// Who tests tools, and how many at once.
pub(crate) struct Testers {
    tester: OnceLock<Arc<dyn ToolTester>>,
    /// One permit for each test that may run; who finds none is told to come back.
    running: Semaphore,
}

impl Default for Testers {
    fn default() -> Self {
        Self {
            tester: OnceLock::new(),
            running: Semaphore::new(TESTED_AT_ONCE),
        }
    }
}

impl App {
    /// Says who tests tools. Once; a later call changes nothing.
    pub fn set_tool_tester(&self, tester: Arc<dyn ToolTester>) {
        // Set already: the first one stays.
        let _ = self.testers().tester.set(tester);
    }

    /// Tries the examples of a version, or where none is named of the current one. Nothing is counted.
    ///
    /// # Errors
    /// There is none; the node cannot run programs, or tests as many as it may; the caller is not the
    /// owner.
    pub async fn test_made_tool(
        &self,
        actor: &Actor,
        name: Word,
        version: Option<u32>,
    ) -> Result<Tested, AppError> {
        must_be_owner(actor, "test a tool")?;
        let versions = self.get_made_tool(name.clone()).await?;
        let wanted = version.or_else(|| tool::current(&versions).map(|tool| tool.version));
        let tool = versions
            .into_iter()
            .find(|tool| Some(tool.version) == wanted)
            .ok_or_else(|| {
                AppError::invalid("version", format!("is none of those that tool {name} has"))
            })?;
        let _place = self
            .testers()
            .running
            .try_acquire()
            .map_err(|full| match full {
                TryAcquireError::NoPermits | TryAcquireError::Closed => AppError::Unavailable {
                    cause: UnavailableCause::Busy,
                    detail: "as many tools are being tested as may be; try again in a moment"
                        .into(),
                },
            })?;
        let tester = self
            .testers()
            .tester
            .get()
            .ok_or_else(|| AppError::Unavailable {
                cause: UnavailableCause::NoSandbox,
                detail: "tools are tested in the sandbox, which this node does not have".into(),
            })?;
        let examples = tester.test(&tool).await?;
        Ok(Tested { tool, examples })
    }
}
