//! Whether agents can run anything.

use hearth_sandbox::{Config, Sandbox, Survey, Unavailable};

use super::Check;
use crate::compose;

/// Returns what a sandbox of this program is made of.
///
/// # Errors
/// The program's own file cannot be found.
pub(crate) fn config() -> Result<Config, Unavailable> {
    match std::env::current_exe() {
        Ok(program) => Ok(compose::sandbox_config(program)),
        Err(error) => Err(Unavailable {
            reason: format!("the program's own file cannot be found: {error}"),
            remedy: "install Hearth again".into(),
        }),
    }
}

/// Runs something in the sandbox that looks at every wall.
///
/// # Errors
/// Nothing can be run in it at all.
pub(crate) async fn survey() -> Result<Survey, Unavailable> {
    Sandbox::survey(&config()?).await
}

/// Returns a remedy as it is said after `mend it`.
pub(crate) fn said(remedy: &str) -> &str {
    remedy.trim_start_matches("run: ")
}

pub(super) async fn check() -> Check {
    const NAME: &str = "sandbox";
    let survey = match survey().await {
        Ok(survey) => survey,
        Err(missing) => {
            let found = format!("{}; agents run nothing", missing.reason);
            return Check::fault(NAME, found, said(&missing.remedy));
        }
    };
    match survey.missing() {
        Some((wall, remedy)) => {
            let found = format!("the {} does not stand; agents run nothing", wall.name());
            Check::fault(NAME, found, said(remedy))
        }
        None => Check::ok(
            NAME,
            format!("works, with Python {}", survey.python_version),
        ),
    }
}
