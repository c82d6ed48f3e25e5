//! Presses of buttons: the owner's yes, no, or choice, for exactly what the button was shown with.

use hearth_app::approvals::{Answer, ApprovalRef};
use hearth_app::tasks::TaskRef;
use hearth_app::{App, AppError};
use hearth_domain::approval::{Approval, ApprovalStatus};
use hearth_domain::task::Task;
use hearth_domain::{Actor, ApprovalId, TaskId};

use crate::prompt::{Press, block, find};

/// How much of a question is looked for in what a message shows of it.
const ALIKE: usize = 100;

/// Does what a button stands for, below a message that says `said`; returns what came of it, in a line. Pressed
/// again, it tells how it stands.
///
/// # Errors
/// The store failed, or the node is too busy: nothing was done.
pub(crate) async fn press(app: &App, data: &str, said: &str) -> Result<String, AppError> {
    match Press::read(data) {
        None => Ok("This button is from another time; it does nothing any more.".into()),
        Some(Press::Approval { id, is_yes }) => answer_approval(app, id, is_yes).await,
        Some(Press::Option {
            task,
            version,
            place,
        }) => choose(app, (task, version), place, said).await,
    }
}

async fn answer_approval(app: &App, id: ApprovalId, is_yes: bool) -> Result<String, AppError> {
    let answer = if is_yes {
        Answer::Approve {
            note: None,
            remember: None,
        }
    } else {
        Answer::Deny { note: None }
    };
    let approval = ApprovalRef::Id(id);
    match app.answer_approval(&Actor::Owner, approval, answer).await {
        Ok(answered) => Ok(stands(&answered.approval)),
        Err(AppError::Conflict { .. }) => Ok(stands(&app.get_approval(approval)?)),
        Err(AppError::NotFound { .. }) => Ok("This approval is not there any more.".into()),
        Err(error) => refused(error),
    }
}

/// Says how an approval stands.
fn stands(approval: &Approval) -> String {
    let number = approval.number;
    match approval.status {
        ApprovalStatus::Pending => format!("Approval {number} waits still."),
        ApprovalStatus::Approved | ApprovalStatus::Used => format!("✓ Approved ({number})."),
        ApprovalStatus::Denied => format!("✗ Denied ({number})."),
        ApprovalStatus::Expired => format!("Approval {number} has run out."),
        ApprovalStatus::Withdrawn => format!("Approval {number} is not wanted any more."),
    }
}

async fn choose(
    app: &App,
    (task, version): (TaskId, u64),
    place: usize,
    said: &str,
) -> Result<String, AppError> {
    let Some(view) = find(app, task)? else {
        return Ok("This task is not there any more.".into());
    };
    let number = view.task.number;
    let asked = block(&view).filter(|_| view.task.version == version);
    let Some(option) = asked.and_then(|block| block.options.get(place).cloned()) else {
        // Also told to a press that took effect just before the node was killed.
        if let Some(answer) = answer_to(&view.task, said) {
            return Ok(format!("✓ #{number} was answered: {answer}"));
        }
        return Ok(format!(
            "#{number} changed since this was asked, and this button does nothing any more; /blocked \
             shows what waits."
        ));
    };
    let answered = app.answer_task(
        &Actor::Owner,
        TaskRef::Id(task),
        Some(option.clone()),
        Some(version),
    );
    match answered.await {
        Ok(_) => Ok(format!("✓ {option} (#{number}).")),
        Err(error) => refused(error),
    }
}

/// Returns how the question that a message shows was answered, if it is the last that was.
fn answer_to<'a>(task: &'a Task, said: &str) -> Option<&'a str> {
    let last = task.context.get("answers")?.as_array()?.last()?;
    let question: String = last["question"].as_str()?.chars().take(ALIKE).collect();
    let is_it = !question.is_empty() && said.contains(question.trim());
    last["answer"].as_str().filter(|_| is_it)
}

/// Tells what the operation does not do; passes on what can be tried again.
fn refused(error: AppError) -> Result<String, AppError> {
    match error {
        AppError::Store(_) | AppError::Unavailable { .. } => Err(error),
        other => Ok(format!("That was not done: {other}.")),
    }
}
