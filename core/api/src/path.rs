//! Names in paths.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use hearth_app::approvals::ApprovalRef;
use hearth_app::money::BudgetRef;
use hearth_app::runs::RunRef;
use hearth_app::tasks::TaskRef;
use hearth_domain::field::{AgentName, Word};
use hearth_domain::{
    ArtifactId, ConversationId, InvalidField, KeyId, NoticeId, ProjectId, TelegramChatId,
};
use http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{KnownFormat, ObjectBuilder, Required, Schema, SchemaFormat, Type};

use crate::problem::Problem;
use crate::wire::scalar::{self, schema_of, task_key};

/// What stands for one path parameter.
pub(crate) trait Segment: FromStr<Err = InvalidField> {
    /// Its name in the path.
    const NAME: &'static str;
    /// What it names.
    const ABOUT: &'static str;

    fn schema() -> Schema {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .into()
    }
}

impl Segment for ProjectId {
    const NAME: &'static str = "id";
    const ABOUT: &'static str = "The project.";
}

impl Segment for ArtifactId {
    const NAME: &'static str = "id";
    const ABOUT: &'static str = "The artifact.";
}

impl Segment for KeyId {
    const NAME: &'static str = "id";
    const ABOUT: &'static str = "The key; not the key itself.";
}

impl Segment for ConversationId {
    const NAME: &'static str = "id";
    const ABOUT: &'static str = "The conversation.";
}

impl Segment for NoticeId {
    const NAME: &'static str = "id";
    const ABOUT: &'static str = "The notice.";
}

impl Segment for TelegramChatId {
    const NAME: &'static str = "id";
    const ABOUT: &'static str = "The chat; not its number at Telegram.";
}

impl Segment for TaskRef {
    const NAME: &'static str = "id";
    const ABOUT: &'static str = "The task: its UUID, or its number.";

    fn schema() -> Schema {
        id_or_number()
    }
}

impl Segment for RunRef {
    const NAME: &'static str = "id";
    const ABOUT: &'static str = "The run: its UUID, or its number.";

    fn schema() -> Schema {
        id_or_number()
    }
}

impl Segment for ApprovalRef {
    const NAME: &'static str = "id";
    const ABOUT: &'static str = "The approval: its UUID, or its number.";

    fn schema() -> Schema {
        id_or_number()
    }
}

/// The number of a standing permission.
pub(crate) struct PermissionNumber(pub(crate) i64);

impl FromStr for PermissionNumber {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        text.parse()
            .map(Self)
            .map_err(|_| InvalidField::new("number", "must be a permission's number"))
    }
}

impl Segment for PermissionNumber {
    const NAME: &'static str = "number";
    const ABOUT: &'static str = "The permission.";

    fn schema() -> Schema {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .into()
    }
}

/// The number of a memory.
pub(crate) struct MemoryNumber(pub(crate) i64);

impl FromStr for MemoryNumber {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        text.parse()
            .map(Self)
            .map_err(|_| InvalidField::new("number", "must be a memory's number"))
    }
}

impl Segment for MemoryNumber {
    const NAME: &'static str = "number";
    const ABOUT: &'static str = "The memory.";

    fn schema() -> Schema {
        PermissionNumber::schema()
    }
}

impl Segment for Word {
    const NAME: &'static str = "name";
    const ABOUT: &'static str = "The folder, by the name that agents call it.";

    fn schema() -> Schema {
        schema_of::<scalar::Word>()
    }
}

/// The name of a tool that an agent made.
pub(crate) struct ToolName(pub(crate) Word);

impl FromStr for ToolName {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Word::parse("name", text).map(Self)
    }
}

impl Segment for ToolName {
    const NAME: &'static str = "name";
    const ABOUT: &'static str = "The tool.";

    fn schema() -> Schema {
        schema_of::<scalar::Word>()
    }
}

impl Segment for AgentName {
    const NAME: &'static str = "name";
    const ABOUT: &'static str = "The agent.";

    fn schema() -> Schema {
        schema_of::<scalar::AgentName>()
    }
}

/// The budget that a path names by its scope and its key.
pub(crate) struct BudgetPath(pub(crate) BudgetRef);

impl<S: Send + Sync> FromRequestParts<S> for BudgetPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path((scope, key)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::invalid("key", "is not UTF-8"))?;
        let refused = |error: InvalidField| Problem::invalid(error.field, &error.problem);
        let kind = scope.parse().map_err(refused)?;
        BudgetRef::parse(kind, &key).map(Self).map_err(refused)
    }
}

impl IntoParams for BudgetPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let parameter = |name: &str, about: &str, schema: Schema| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .description(Some(about))
                .schema(Some(schema))
                .build()
        };
        let key = "Which one: `all` for everything, `each` or a date for a day, a project's UUID, an \
                   agent's name, a task's UUID or number.";
        vec![
            parameter(
                "scope",
                "What sort of thing it is for.",
                schema_of::<scalar::ScopeKind>(),
            ),
            parameter(
                "key",
                key,
                ObjectBuilder::new().schema_type(Type::String).into(),
            ),
        ]
    }
}

fn id_or_number() -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(task_key()))
        .into()
}

/// The one parameter of a path.
pub(crate) struct Named<T>(pub(crate) T);

impl<T: Segment, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::invalid(T::NAME, "is not UTF-8"))?;
        text.parse()
            .map(Self)
            .map_err(|error: InvalidField| Problem::invalid(T::NAME, &error.problem))
    }
}

impl<T: Segment> IntoParams for Named<T> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let parameter = ParameterBuilder::new()
            .name(T::NAME)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(T::ABOUT))
            .schema(Some(T::schema()))
            .build();
        vec![parameter]
    }
}
