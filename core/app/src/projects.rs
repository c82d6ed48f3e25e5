//! Operations on projects.

use hearth_domain::field::{DESCRIPTION_MAX, json_within, prose};
use hearth_domain::project::{NewProject, Project, ProjectPatch};
use hearth_domain::{Actor, ProjectId};
use hearth_store::{Page, projects};

pub use hearth_store::projects::ProjectFilter;

use crate::app::App;
use crate::authority::must_be_owner;
use crate::error::AppError;

impl App {
    /// Makes a project.
    ///
    /// # Errors
    /// Its name is taken; a field is too large; the caller is not the owner.
    pub async fn create_project(
        &self,
        actor: &Actor,
        new: NewProject,
    ) -> Result<Project, AppError> {
        let id = ProjectId(self.ids().next_uuid());
        self.create_project_once(actor, id, new).await
    }

    /// As [`App::create_project`], under an identifier that the caller made; where a project has it
    /// already, it was made by an earlier call and is returned as it is.
    ///
    /// # Errors
    /// See [`App::create_project`].
    pub async fn create_project_once(
        &self,
        actor: &Actor,
        id: ProjectId,
        new: NewProject,
    ) -> Result<Project, AppError> {
        must_be_owner(actor, "create a project")?;
        prose("description", &new.description, DESCRIPTION_MAX)?;
        json_within("metadata", &new.metadata)?;
        let change = Project::create(id, new, self.now());
        let actor = actor.clone();
        self.store()
            .write(move |tx| match projects::get(tx, id)? {
                Some(made) => Ok(made),
                None => Ok(projects::insert(tx, change, &actor)?),
            })
            .await
    }

    /// Returns a project.
    ///
    /// # Errors
    /// There is none.
    pub fn get_project(&self, id: ProjectId) -> Result<Project, AppError> {
        self.store()
            .read_now(|tx| projects::get(tx, id)?.ok_or_else(|| AppError::not_found("project", id)))
    }

    /// Returns a page of projects, oldest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list_projects(
        &self,
        filter: ProjectFilter,
        cursor: Option<ProjectId>,
        limit: usize,
    ) -> Result<Page<Project, ProjectId>, AppError> {
        self.store()
            .read(move |tx| Ok(projects::list(tx, &filter, cursor, limit)?))
            .await
    }

    /// Changes a project's fields.
    ///
    /// # Errors
    /// There is none; it has another version than `expected`; its new name is taken; the caller is
    /// not the owner.
    pub async fn update_project(
        &self,
        actor: &Actor,
        id: ProjectId,
        patch: ProjectPatch,
        expected: Option<u64>,
    ) -> Result<Project, AppError> {
        must_be_owner(actor, "change a project")?;
        if let Some(description) = &patch.description {
            prose("description", description, DESCRIPTION_MAX)?;
        }
        let (actor, now) = (actor.clone(), self.now());
        self.store()
            .write(move |tx| {
                let project =
                    projects::get(tx, id)?.ok_or_else(|| AppError::not_found("project", id))?;
                expect_version("project", project.version, expected)?;
                let change = project.update(patch, now);
                json_within("metadata", &change.after.metadata)?;
                Ok(projects::save(tx, change, &actor)?)
            })
            .await
    }

    /// Deletes a project, its tasks and the rows of their artifacts.
    ///
    /// # Errors
    /// There is none; one of its tasks is being worked on; the caller is not the owner.
    pub async fn delete_project(
        &self,
        actor: &Actor,
        id: ProjectId,
        expected: Option<u64>,
    ) -> Result<(), AppError> {
        must_be_owner(actor, "delete a project")?;
        let (actor, now) = (actor.clone(), self.now());
        self.store()
            .write(move |tx| {
                let project =
                    projects::get(tx, id)?.ok_or_else(|| AppError::not_found("project", id))?;
                expect_version("project", project.version, expected)?;
                let (tasks, in_progress) = projects::count_tasks(tx, id)?;
                if in_progress > 0 {
                    return Err(AppError::conflict(
                        "project_in_use",
                        format!("{in_progress} of its tasks are in progress; cancel them first"),
                    ));
                }
                Ok(projects::delete(tx, project.delete(tasks), &actor, now)?)
            })
            .await
    }
}

/// Refuses a change of something that is not as the caller last saw it.
pub(crate) fn expect_version(
    entity: &'static str,
    present: u64,
    expected: Option<u64>,
) -> Result<(), AppError> {
    match expected {
        Some(version) if version != present => Err(AppError::conflict(
            "stale_version",
            format!("the {entity} has version {present}, not {version}; read it again"),
        )),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use hearth_domain::TaskId;
    use hearth_domain::task::TaskStatus;

    use super::*;
    use crate::tasks::TaskRef;
    use crate::test_support::{TestApp, by_id, code, titled};

    #[tokio::test]
    async fn a_project_is_not_deleted_while_one_of_its_tasks_is_worked_on() {
        let test = TestApp::new();
        let project = test.project("notes").await;
        let mut new = titled("inside");
        new.project_id = Some(project.id);
        let inside = test.create(new).await;
        let outside = test.task("outside").await;
        test.claim(&inside, "seed").await;
        let delete = |expected| test.app.delete_project(&Actor::Owner, project.id, expected);

        assert_eq!(code(delete(None).await), "project_in_use");
        assert_eq!(test.get(&inside).status(), TaskStatus::InProgress);
        test.app
            .cancel_task(&Actor::Owner, by_id(&inside), None, None)
            .await
            .unwrap();
        assert_eq!(code(delete(Some(7)).await), "stale_version");
        delete(Some(1)).await.unwrap();

        assert_eq!(code(test.app.get_project(project.id)), "not_found");
        assert_eq!(
            code(test.app.get_task(TaskRef::Id(TaskId(inside.id.0)))),
            "not_found"
        );
        assert_eq!(test.get(&outside).title.as_str(), "outside");
        assert_eq!(code(delete(None).await), "not_found");
    }

    #[tokio::test]
    async fn a_projects_name_is_its_own() {
        let test = TestApp::new();
        let first = test.project("notes").await;
        let second = test.project("web").await;
        let rename = |expected| {
            let patch = ProjectPatch {
                name: Some(first.name.clone()),
                ..ProjectPatch::default()
            };
            test.app
                .update_project(&Actor::Owner, second.id, patch, expected)
        };

        assert_eq!(code(rename(Some(9)).await), "stale_version");
        assert_eq!(code(rename(Some(1)).await), "name_taken");
        let page = test
            .app
            .list_projects(ProjectFilter::default(), None, 1)
            .await
            .unwrap();
        assert_eq!(page.items, [first]);
        assert!(page.next.is_some());
    }
}
