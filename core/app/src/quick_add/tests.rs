use super::*;
use crate::test_support::{TestApp, as_agent, code};

fn line(text: &str) -> QuickAdd {
    QuickAdd {
        text: text.into(),
        ..QuickAdd::default()
    }
}

#[tokio::test]
async fn a_project_is_found_in_whatever_case_made_where_there_is_none_and_asked_about_where_one_is_like_it()
 {
    let test = TestApp::new();
    let web = test.project("Web").await;
    let read = async |text: &str| test.app.understand(text).await.unwrap();

    assert_eq!(
        read("Paint @web").await.project,
        ProjectNamed::Known {
            id: web.id,
            name: "Web".into()
        }
    );
    assert!(matches!(
        read("Paint @garden").await.project,
        ProjectNamed::Fresh(_)
    ));
    let similar = read("Paint @wbe").await;
    assert!(
        matches!(&similar.project, ProjectNamed::Similar { meant, .. } if meant == &["Web"]),
        "{similar:?}"
    );
    assert_eq!(similar.doubts.len(), 1);
    assert_eq!(read("Paint").await.project, ProjectNamed::None);
}

#[tokio::test]
async fn reading_changes_nothing() {
    let test = TestApp::new();

    test.app
        .understand("Paint @garden every day")
        .await
        .unwrap();

    assert!(test.event_types().await.is_empty());
}

#[tokio::test]
async fn a_project_and_its_task_are_made_together_or_not_at_all() {
    let test = TestApp::new();
    let mut add = line("Paint @garden");
    add.artifacts = vec![ArtifactId(uuid::Uuid::nil())];

    assert_eq!(
        code(test.app.quick_add(&Actor::Owner, add, None).await),
        "invalid_input"
    );
    assert!(test.event_types().await.is_empty());
    let added = test
        .app
        .quick_add(&Actor::Owner, line("Paint @garden"), None)
        .await
        .unwrap();
    assert_eq!(
        added.created.view.task.project_id,
        added.made_project.map(|project| project.id)
    );
}

#[tokio::test]
async fn an_agent_makes_tasks_and_no_projects() {
    let test = TestApp::new();
    let seed = as_agent("seed");

    assert!(test.app.quick_add(&seed, line("Paint"), None).await.is_ok());
    assert_eq!(
        code(test.app.quick_add(&seed, line("Paint @garden"), None).await),
        "denied"
    );
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused_before_it_is_read() {
    let test = TestApp::new();
    let long = "x ".repeat(LINE_MAX_BYTES);

    assert_eq!(code(test.app.understand(&long).await), "invalid_input");
    assert_eq!(
        code(test.app.quick_add(&Actor::Owner, line(&long), None).await),
        "invalid_input"
    );
}
