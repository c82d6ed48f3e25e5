//! What a file becomes: a task, or nothing where nobody speaks in it.

use std::ffi::OsStr;
use std::path::Path;

use hearth_app::AppError;
use hearth_app::artifacts::StoreArtifact;
use hearth_app::blobs::StoredBlob;
use hearth_app::inbox::FromFile;
use hearth_app::quick_add::QuickAdd;
use hearth_app::tasks::{Created, Once};
use hearth_domain::field::{DESCRIPTION_MAX, Word};
use hearth_domain::notice::{NewNotice, NoticeKind};
use hearth_domain::policy::Labels;
use hearth_domain::task::NewTask;
use hearth_domain::{Actor, JsonObject};
use hearth_runtime::chief_of_staff::task_line;
use tracing::info;

use super::Inbox;
use super::reading::{Note, in_short, shown};
use super::taking::Failure;
use crate::media_type::media_type;
use crate::output::text::shortened;

/// The kind of an artifact that somebody handed in.
const KIND: &str = "input";

impl Inbox {
    /// Makes a task as if its owner had typed the first line. What is in doubt there is not guessed:
    /// the line stays as it is, and its writer is told.
    pub(super) async fn take_text(
        &self,
        name: &OsStr,
        note: Note,
        once: &Once,
    ) -> Result<Created, AppError> {
        let add = QuickAdd {
            text: note.line.clone(),
            description: note.rest.clone(),
            // A program may have put it there, from a mail for example.
            trust: Labels::UNTRUSTED,
            ..QuickAdd::default()
        };
        let added = self
            .app
            .quick_add(&Actor::Owner, add, Some(once.clone()))
            .await;
        let doubt = match added {
            Ok(added) => return Ok(added.created),
            Err(doubt @ AppError::InvalidInput { .. }) => doubt,
            Err(error) => return Err(error),
        };
        let title = note.literal_title();
        let doubt = doubt.to_string();
        let text = format!(
            "{} in the inbox became the task {:?}, word for word, because its first line was not \
             understood: {}{}",
            shown(name),
            in_short(&title),
            in_short(&doubt),
            if doubt.ends_with('?') { "" } else { "." },
        );
        let new = NewTask {
            description: note.whole,
            ..NewTask::titled(title.parse()?)
        };
        let with = FromFile {
            artifact: None,
            notice: Some(NewNotice {
                kind: NoticeKind::InboxFile,
                task_id: None,
                about: format!("inbox:{}", once.key),
                text,
            }),
        };
        self.app
            .create_task_from_file(&Actor::Owner, new, with, once.clone())
            .await
    }

    /// Makes a task to look at a file that is no text, or to listen to one that was not heard, with the
    /// reason.
    pub(super) async fn take_other(
        &self,
        name: &OsStr,
        blob: StoredBlob,
        why: &str,
        once: &Once,
    ) -> Result<Created, AppError> {
        let shown = shown(name);
        let verb = if why.is_empty() {
            "Look at"
        } else {
            "Listen to"
        };
        let description = match why {
            "" => String::new(),
            why => format!("The recording was not written down: {why}"),
        };
        let new = NewTask {
            description,
            ..NewTask::titled(format!("{verb} {shown}").parse()?)
        };
        let with = FromFile {
            artifact: Some((file_itself(name)?, blob)),
            notice: None,
        };
        self.app
            .create_task_from_file(&Actor::Owner, new, with, once.clone())
            .await
    }

    /// Makes a task of what was said in a recording, and perhaps breaks off there, as if its owner had typed
    /// it. What is in doubt is not guessed, and a long story is no line: the beginning is the title then.
    pub(super) async fn take_said(
        &self,
        name: &OsStr,
        blob: StoredBlob,
        (text, is_cut): (String, bool),
        once: &Once,
    ) -> Result<Created, AppError> {
        let Some(note) = Note::read(text.into_bytes()) else {
            return self
                .take_other(name, blob, "no word was understood.", once)
                .await;
        };
        let cut = if is_cut {
            ", which breaks off in the middle"
        } else {
            ""
        };
        let said = format!("Said in {}{cut}: {}", shown(name), note.whole);
        let with = FromFile {
            artifact: Some((file_itself(name)?, blob)),
            notice: None,
        };
        let add = QuickAdd {
            text: task_line(&note.line),
            description: shortened(&said, DESCRIPTION_MAX),
            // Whoever speaks in it.
            trust: Labels::UNTRUSTED,
            ..QuickAdd::default()
        };
        let added = self
            .app
            .quick_add_from_file(&Actor::Owner, add, with.clone(), once.clone());
        match added.await {
            Err(AppError::InvalidInput { .. }) => (),
            done => return done,
        }
        let new = NewTask {
            description: shortened(&said, DESCRIPTION_MAX),
            ..NewTask::titled(note.literal_title().parse()?)
        };
        self.app
            .create_task_from_file(&Actor::Owner, new, with, once.clone())
            .await
    }

    /// A recording in which nobody speaks makes no task. Its owner is told, once, and it is kept.
    pub(super) async fn tell_of_silence(&self, name: &OsStr, key: &str) -> Result<(), Failure> {
        let shown = shown(name);
        let notice = NewNotice {
            kind: NoticeKind::InboxFile,
            task_id: None,
            about: format!("inbox:{key}"),
            text: format!(
                "Nobody speaks in {shown}, so that it became no task; the recording is kept in inbox/done."
            ),
        };
        let told = self.app.notify(notice).await;
        told.map_err(|error| Failure::Later(self.trouble(&error)))?;
        info!(file = shown, "nobody speaks in {shown}; it became no task");
        Ok(())
    }
}

/// A file as an artifact of its task.
fn file_itself(name: &OsStr) -> Result<StoreArtifact, AppError> {
    Ok(StoreArtifact {
        task: None,
        agent: None,
        fence: None,
        kind: Word::from_stored(KIND.into()),
        name: Some(shown(name).parse()?),
        media_type: media_type(Path::new(name)).parse()?,
        metadata: JsonObject::new(),
        labels: Labels::UNTRUSTED,
        within: None,
    })
}
