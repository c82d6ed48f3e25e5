//! The handlers: each reads its request, calls one operation, writes what comes back.

mod agents;
mod approvals;
mod artifacts;
mod audio;
mod chat;
mod download;
mod events;
mod folders;
mod health;
mod holding;
mod keys;
mod language_model;
mod me;
mod memories;
mod money;
mod notices;
mod owner;
mod permissions;
mod projects;
mod quick_add;
mod recording;
mod runs;
mod specialists;
mod status;
pub(crate) mod stream;
mod tasks;
mod telegram;
mod tools;
mod upload;
mod voice;

use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::openapi;
use crate::problem::Problem;
use crate::router::Api;

/// Returns every route with its documentation.
pub(crate) fn all() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(projects::create_project, projects::list_projects))
        .routes(routes!(
            projects::get_project,
            projects::update_project,
            projects::delete_project
        ))
        .routes(routes!(tasks::create_task, tasks::list_tasks))
        .routes(routes!(quick_add::create_from_line))
        .routes(routes!(holding::claim_next_task))
        .routes(routes!(tasks::get_task, tasks::update_task))
        .routes(routes!(holding::claim_task))
        .routes(routes!(holding::heartbeat_task))
        .routes(routes!(holding::complete_task))
        .routes(routes!(holding::block_task))
        .routes(routes!(holding::release_task))
        .routes(routes!(owner::answer_task))
        .routes(routes!(owner::cancel_task))
        .routes(routes!(owner::reopen_task))
        .routes(routes!(artifacts::list_task_artifacts))
        .routes(routes!(runs::list_runs))
        .routes(routes!(runs::get_run))
        .routes(routes!(runs::list_steps))
        .routes(routes!(runs::retry_run))
        .routes(routes!(approvals::list_approvals))
        .routes(routes!(approvals::get_approval, approvals::answer_approval))
        .routes(routes!(
            permissions::list_permissions,
            permissions::create_permission
        ))
        .routes(routes!(permissions::revoke_permission))
        .routes(routes!(folders::list_folders, folders::create_folder))
        .routes(routes!(folders::revoke_folder))
        .routes(routes!(money::list_budgets))
        .routes(routes!(money::set_budget))
        .routes(routes!(money::list_spending))
        .routes(routes!(tools::list_tools))
        .routes(routes!(tools::get_tool))
        .routes(routes!(tools::enable_tool))
        .routes(routes!(tools::disable_tool))
        .routes(routes!(tools::roll_back_tool))
        .routes(routes!(tools::test_tool))
        .routes(routes!(memories::list_memories, memories::create_memory))
        .routes(routes!(memories::get_memory, memories::forget_memory))
        .routes(routes!(events::list_events))
        .routes(routes!(stream::stream_events))
        .routes(routes!(agents::register_agent))
        .routes(routes!(agents::heartbeat_agent))
        .routes(routes!(agents::list_agents))
        .routes(routes!(agents::get_agent))
        .routes(routes!(agents::pause_agent))
        .routes(routes!(agents::resume_agent))
        .routes(routes!(specialists::list_specialists))
        .routes(routes!(
            specialists::get_specialist,
            specialists::remove_specialist
        ))
        .routes(routes!(specialists::enable_specialist))
        .routes(routes!(specialists::disable_specialist))
        .routes(routes!(upload::create_artifact))
        .routes(routes!(artifacts::get_artifact))
        .routes(routes!(download::get_artifact_content))
        .routes(routes!(chat::chat))
        .routes(routes!(chat::chat_at_root))
        .routes(routes!(chat::list_conversations))
        .routes(routes!(chat::list_messages))
        .routes(routes!(audio::transcribe))
        .routes(routes!(audio::speak))
        .routes(routes!(voice::utter))
        .routes(routes!(voice::get_push_to_talk, voice::push_to_talk))
        .routes(routes!(notices::list_notices))
        .routes(routes!(notices::take_notices))
        .routes(routes!(notices::deliver_notice))
        .routes(routes!(keys::create_key, keys::list_keys))
        .routes(routes!(keys::revoke_key))
        .routes(routes!(language_model::get_model))
        .routes(routes!(language_model::test_model))
        .routes(routes!(telegram::get_telegram))
        .routes(routes!(telegram::connect_telegram))
        .routes(routes!(telegram::pair_telegram))
        .routes(routes!(telegram::remove_telegram_chat))
        .routes(routes!(me::get_me))
        .routes(routes!(status::get_status))
        .routes(routes!(status::get_openapi))
        .routes(routes!(status::get_metrics))
        .routes(routes!(health::get_health))
        .routes(routes!(health::get_readiness))
}

/// Answers what is no path.
pub(crate) async fn no_such_path() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no_such_path",
        "there is nothing at this path; /api/v1/openapi.json lists what there is",
    )
}

/// Answers a method that a path does not take; the Allow header lists those it does.
pub(crate) async fn no_such_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path does not take that method; see the Allow header",
    )
}
