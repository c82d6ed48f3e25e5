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
        must_be_owner(actor, "create a project")?;
        prose("description", &new.description, DESCRIPTION_MAX)?;
        json_within("metadata", &new.metadata)?;
        let change = Project::create(ProjectId(self.ids().next_uuid()), new, self.now());
        let actor = actor.clone();
        self.store()
            .write(move |tx| Ok(projects::insert(tx, change, &actor)?))
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
