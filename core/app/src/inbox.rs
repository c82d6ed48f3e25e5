//! Operations for files that become tasks: each exactly once, whenever the node is killed.

use hearth_domain::Actor;
use hearth_domain::artifact::NewArtifact;
use hearth_domain::notice::NewNotice;
use hearth_domain::policy::Labels;
use hearth_domain::task::NewTask;
use hearth_store::{WriteTx, idempotency};

use crate::app::App;
use crate::artifacts::StoreArtifact;
use crate::authority::must_be_owner;
use crate::blobs::StoredBlob;
use crate::error::AppError;
use crate::quick_add::QuickAdd;
use crate::tasks::{Along, Created, Once};

/// What a file brings besides the task.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FromFile {
    /// The file itself, its bytes being stored.
    pub artifact: Option<(StoreArtifact, StoredBlob)>,
    /// What the person is told of it.
    pub notice: Option<NewNotice>,
}

impl From<FromFile> for Along {
    fn from(with: FromFile) -> Self {
        let artifact = with.artifact.map(|(artifact, blob)| NewArtifact {
            task_id: None,
            kind: artifact.kind,
            name: artifact.name,
            media_type: artifact.media_type,
            size_bytes: blob.size_bytes,
            hash: blob.hash,
            metadata: artifact.metadata,
            labels: artifact.labels.and(Labels::UNTRUSTED),
        });
        Self {
            artifact,
            notice: with.notice,
            project: None,
        }
    }
}

impl App {
    /// Makes a task from a file, with all that the file brings, in one transaction. A file that
    /// comes again under the same key changes nothing.
    ///
    /// # Errors
    /// As for [`App::create_task`]; the caller is not the owner.
    pub async fn create_task_from_file(
        &self,
        actor: &Actor,
        new: NewTask,
        with: FromFile,
        once: Once,
    ) -> Result<Created, AppError> {
        must_be_owner(actor, "make a task from a file of the owner's")?;
        // Whoever wrote what lies there.
        let new = NewTask {
            trust: new.trust.and(Labels::UNTRUSTED),
            ..new
        };
        let along = Along::from(with);
        let (created, _) = self.create_with(actor, new, along, Some(once)).await?;
        Ok(created)
    }

    /// As [`App::quick_add`], with all that a file brings, in one transaction. A file that comes again
    /// under the same key changes nothing.
    ///
    /// # Errors
    /// As for [`App::quick_add`]; the caller is not the owner.
    pub async fn quick_add_from_file(
        &self,
        actor: &Actor,
        add: QuickAdd,
        with: FromFile,
        once: Once,
    ) -> Result<Created, AppError> {
        must_be_owner(actor, "make a task from a file of the owner's")?;
        let add = QuickAdd {
            trust: add.trust.and(Labels::UNTRUSTED),
            ..add
        };
        let along = Along::from(with);
        let added = self.quick_add_with(actor, add, along, Some(once)).await?;
        Ok(added.created)
    }

    /// Forgets the keys of files that will not come again.
    ///
    /// # Errors
    /// The store failed; the caller is not the owner.
    pub async fn forget_files(&self, actor: &Actor, keys: Vec<String>) -> Result<(), AppError> {
        must_be_owner(actor, "forget files of the owner's")?;
        self.store()
            .write(move |tx| {
                for key in &keys {
                    idempotency::forget(tx, idempotency::INBOX, key)?;
                }
                Ok(())
            })
            .await
    }

    /// Forgets the keys of all files: none of them lies in the inbox any more.
    ///
    /// # Errors
    /// As for [`App::forget_files`].
    pub async fn forget_all_files(&self, actor: &Actor) -> Result<(), AppError> {
        must_be_owner(actor, "forget files of the owner's")?;
        let forget = |tx: &mut WriteTx<'_>| {
            Ok::<_, AppError>(idempotency::forget_all(tx, idempotency::INBOX)?)
        };
        while self.store().write(forget).await? > 0 {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hearth_domain::JsonObject;
    use hearth_domain::artifact::MediaType;
    use hearth_domain::notice::NoticeKind;

    use super::*;
    use crate::tasks::{Among, TaskRef};
    use crate::test_support::{TestApp, titled};

    fn once() -> Once {
        Once {
            key: "1".into(),
            among: Among::Inbox,
            request: [1; 32],
        }
    }

    async fn take(test: &TestApp) -> Created {
        let blob = test.blob(b"bytes").await.unwrap();
        let artifact = StoreArtifact {
            task: None,
            agent: None,
            fence: None,
            kind: "input".parse().unwrap(),
            name: None,
            media_type: MediaType::octet_stream(),
            metadata: JsonObject::new(),
            labels: Labels::default(),
            within: None,
        };
        let with = FromFile {
            artifact: Some((artifact, blob)),
            notice: Some(NewNotice {
                kind: NoticeKind::InboxFile,
                task_id: None,
                about: "inbox:a".into(),
                text: "Look.".into(),
            }),
        };
        let created =
            test.app
                .create_task_from_file(&Actor::Owner, titled("Look at a"), with, once());
        created.await.unwrap()
    }

    #[tokio::test]
    async fn a_file_that_comes_again_makes_nothing_until_it_is_forgotten() {
        let test = TestApp::new();

        let first = take(&test).await;
        let again = take(&test).await;

        assert!(!first.is_repeat && again.is_repeat);
        assert_eq!(first.view.task.id, again.view.task.id);
        let task = TaskRef::Id(first.view.task.id);
        let artifacts = test.app.list_artifacts(task, None, 10).await.unwrap();
        assert_eq!(artifacts.items.len(), 1);
        assert_eq!(artifacts.items[0].labels, Labels::UNTRUSTED);
        assert_eq!(first.view.task.trust, Labels::UNTRUSTED);
        let notices = test.app.list_notices(&Actor::Owner, None, 10);
        let notices = notices.await.unwrap().items;
        assert_eq!(notices.len(), 1);
        assert_eq!(notices[0].task_id, Some(first.view.task.id));

        let keys = vec![once().key];
        test.app.forget_files(&Actor::Owner, keys).await.unwrap();
        assert!(!take(&test).await.is_repeat);

        test.app.forget_all_files(&Actor::Owner).await.unwrap();
        assert!(!take(&test).await.is_repeat);
    }

    #[tokio::test]
    async fn no_request_of_a_caller_is_taken_for_a_file() {
        let test = TestApp::new();
        let asked = Once {
            among: Among::Callers,
            ..once()
        };
        let created = test
            .app
            .create_task(&Actor::Owner, titled("A"), Some(asked));
        created.await.unwrap();

        assert!(!take(&test).await.is_repeat);
        let agent = Actor::Agent("seed".parse().unwrap());
        let denied = test.app.forget_all_files(&agent).await.unwrap_err();
        assert!(matches!(denied, AppError::Denied(_)), "{denied:?}");
    }
}
