//! Which folders may be opened, and what becomes of their names.

use std::fs;
use std::os::unix::fs::symlink;

use hearth_domain::ProjectId;
use hearth_domain::folder::Access;
use uuid::Uuid;

use super::*;
use crate::test_support::{TestApp, as_agent, code};

fn new(name: &str, path: &Path) -> NewGrantedFolder {
    NewGrantedFolder {
        name: name.parse().unwrap(),
        path: path.to_str().unwrap().into(),
        access: Access::Read,
        project_id: None,
    }
}

async fn grant(test: &TestApp, name: &str, path: &Path) -> Result<GrantedFolder, AppError> {
    test.app.grant_folder(&Actor::Owner, new(name, path)).await
}

#[tokio::test]
async fn what_is_no_folder_of_the_owners_is_refused_with_the_reason() {
    let test = TestApp::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("file");
    fs::write(&file, "").unwrap();
    let (data, holds) = (test.dir.path(), test.dir.path().parent().unwrap());
    let within = data.join("artifacts");
    let links = ["to-etc", "to-data"].map(|name| elsewhere.path().join(name));
    symlink("/etc", &links[0]).unwrap();
    symlink(data, &links[1]).unwrap();
    for (path, told) in [
        (Path::new("notes"), "path must be an absolute path"),
        (Path::new("~/notes"), "path must be an absolute path"),
        (&file, "path must be a folder"),
        (&elsewhere.path().join("missing"), "path cannot be found"),
        (Path::new("/"), "path is a folder of the system"),
        (Path::new("/etc"), "path is a folder of the system"),
        (Path::new("/usr/../etc/."), "path is a folder of the system"),
        (&links[0], "path is a folder of the system"),
        (
            data,
            "path is, holds or lies in the folder of the node's own data",
        ),
        (&within, "path is, holds or lies in the folder"),
        (holds, "path is, holds or lies in the folder"),
        (&links[1], "path is, holds or lies in the folder"),
    ] {
        let refused = grant(&test, "notes", path).await.unwrap_err().to_string();
        assert!(refused.starts_with(told), "{path:?}: {refused}");
    }
    let listed = test.app.list_folders(&Actor::Owner, true).await;
    assert_eq!(listed.unwrap(), []);
}

#[tokio::test]
async fn a_folder_is_kept_by_where_it_really_is() {
    let test = TestApp::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let (real, link) = (elsewhere.path().join("real"), elsewhere.path().join("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();

    let granted = grant(&test, "notes", &link).await.unwrap();

    assert_eq!(Path::new(&granted.path), real.canonicalize().unwrap());
    assert_eq!(test.app.get_folder(&granted.name).unwrap(), granted);
}

#[tokio::test]
async fn a_name_means_one_folder_until_that_is_closed() {
    let test = TestApp::new();
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let first = grant(&test, "notes", folders[0].path()).await.unwrap();
    let taken = grant(&test, "notes", folders[1].path()).await;
    assert_eq!(code(taken), "name_taken");

    let (app, owner, name) = (&test.app, &Actor::Owner, first.name.clone());
    let closed = app.revoke_folder(owner, name.clone()).await.unwrap();

    assert!(closed.revoked_at.is_some());
    assert_eq!(code(app.get_folder(&name)), "not_found");
    assert_eq!(
        code(app.revoke_folder(owner, name.clone()).await),
        "not_found"
    );
    let second = grant(&test, "notes", folders[1].path()).await.unwrap();
    assert_eq!(app.get_folder(&name).unwrap().id, second.id);
    let open = app.list_folders(owner, false).await.unwrap();
    let all = app.list_folders(owner, true).await.unwrap();
    assert_eq!(open, all[1..]);
    assert_eq!(all, [closed, second]);
}

#[tokio::test]
async fn only_the_owner_opens_closes_and_sees_folders() {
    let test = TestApp::new();
    let folder = tempfile::tempdir().unwrap();
    grant(&test, "notes", folder.path()).await.unwrap();
    let app = &test.app;
    for actor in [as_agent("seed"), Actor::Viewer] {
        let outcomes = [
            code(app.grant_folder(&actor, new("mine", folder.path())).await),
            code(app.revoke_folder(&actor, "notes".parse().unwrap()).await),
            code(app.list_folders(&actor, false).await),
        ];
        assert_eq!(outcomes, ["denied"; 3], "{actor:?}");
    }
}

#[tokio::test]
async fn a_folder_is_opened_to_a_project_that_there_is() {
    let test = TestApp::new();
    let folder = tempfile::tempdir().unwrap();
    let mut new = new("notes", folder.path());
    new.project_id = Some(ProjectId(Uuid::from_u128(99)));

    let refused = test.app.grant_folder(&Actor::Owner, new).await;

    assert_eq!(code(refused), "invalid_input");
}
