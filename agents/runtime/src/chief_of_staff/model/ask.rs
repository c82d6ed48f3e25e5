//! The call of a model: the one place where the chief of staff's answers cost something.

use hearth_app::{App, AppError};
use hearth_domain::money::Purpose;
use hearth_domain::{Actor, ConversationId};
use tokio_util::sync::CancellationToken;

use crate::chief_of_staff::phrase::{capitalised, shortened};
use crate::model::{Answer, AskError, Fault, Heard, Models, Request, end_of};

/// For whom a model is asked, and who may stop it.
#[derive(Clone)]
pub(crate) struct Asking<'a> {
    /// The operations.
    pub(crate) app: App,
    /// Who talks.
    pub(crate) actor: Actor,
    /// In which conversation.
    pub(crate) conversation: ConversationId,
    /// Which models there are.
    pub(crate) models: &'a Models,
    /// Ends when the node stops.
    pub(crate) stop: &'a CancellationToken,
}

/// Why there is no answer of a model.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// It was asked in vain.
    Asked(AskError),
    /// It was not asked: there is no money for it, or that could not be found out.
    Unpaid(AppError),
    /// It said nothing.
    Empty,
}

impl From<AskError> for NoAnswer {
    fn from(error: AskError) -> Self {
        Self::Asked(error)
    }
}

impl From<AppError> for NoAnswer {
    fn from(error: AppError) -> Self {
        Self::Unpaid(error)
    }
}

/// Asks the first model that answers, the money for it being reserved before and settled after.
///
/// # Errors
/// No model answers, or there is no money for it.
pub(crate) async fn paid_ask(
    asking: &Asking<'_>,
    purpose: Purpose,
    request: &Request,
    heard: Heard<'_>,
) -> Result<Answer, NoAnswer> {
    let app = &asking.app;
    let worst_case = asking.models.worst_case(request).unwrap_or_default();
    let call = app
        .reserve_for_chat(&asking.actor, asking.conversation, purpose, worst_case)
        .await?;
    let answer = asking.models.ask(request, heard, asking.stop).await;
    app.settle_call(call, end_of(&answer)).await?;
    Ok(answer?)
}

impl NoAnswer {
    /// Says in a clause why there is no answer; whoever hears it knows what would help.
    ///
    /// # Errors
    /// The node stops, or its store failed: then there is nothing to go on with.
    pub(crate) fn clause(self) -> Result<String, AppError> {
        match self {
            Self::Asked(AskError::Stopped) => Err(AppError::Unavailable {
                cause: hearth_app::UnavailableCause::Stopping,
                detail: "the node is stopping; say it again when it is back".into(),
            }),
            Self::Asked(AskError::BrokenOff(why)) => Ok(format!(
                "The model broke off ({})",
                shortened(why.trim_end_matches('.'), 14)
            )),
            Self::Asked(AskError::None(why) | AskError::Faulty(Fault { message: why, .. })) => {
                Ok(format!(
                    "The model doesn't answer ({})",
                    shortened(why.trim_end_matches('.'), 14)
                ))
            }
            Self::Asked(AskError::Refused(why) | AskError::Spoiled { why, .. }) => Ok(format!(
                "The model refused ({})",
                shortened(why.trim_end_matches('.'), 14)
            )),
            Self::Empty => Ok("The model's answer was empty".into()),
            Self::Unpaid(error @ (AppError::Store(_) | AppError::Unavailable { .. })) => Err(error),
            Self::Unpaid(refused) => {
                let detail = shortened(&refused.to_string(), 24);
                Ok(capitalised(detail.trim_end_matches('.')))
            }
        }
    }
}
