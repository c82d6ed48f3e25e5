//! Notices: what there is to tell the person.

use hearth_app::notices::Presence;
use hearth_domain::InvalidField;
use hearth_domain::field::Word;
use hearth_domain::notice::{self, Delivery};
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::scalar;
use super::time::Time;
use crate::cursor;
use crate::problem::Problem;
use crate::query::{FromQuery, Pairs, page_parameters};

/// Something to tell the person, once.
#[derive(Serialize, ToSchema)]
pub(crate) struct Notice<'a> {
    /// Identifies it.
    id: Uuid,
    /// What sort it is.
    #[schema(value_type = scalar::NoticeKind)]
    kind: &'static str,
    /// The task it is about.
    #[schema(required = true)]
    task_id: Option<Uuid>,
    /// What to tell, in a sentence or two.
    text: &'a str,
    /// When it was made.
    created_at: Time,
    /// The channel that has told it, or is about to.
    #[schema(required = true)]
    channel: Option<&'a str>,
    /// When it was told.
    #[schema(required = true)]
    delivered_at: Option<Time>,
    /// When it was not worth telling any more: answered, or done.
    #[schema(required = true)]
    withdrawn_at: Option<Time>,
}

impl<'a> From<&'a notice::Notice> for Notice<'a> {
    fn from(notice: &'a notice::Notice) -> Self {
        let (channel, delivered_at, withdrawn_at) = match &notice.delivery {
            Delivery::Waiting => (None, None, None),
            Delivery::Taken { channel, .. } => (Some(channel.as_str()), None, None),
            Delivery::Delivered { channel, at } => (Some(channel.as_str()), Some(Time(*at)), None),
            Delivery::Withdrawn { at } => (None, None, Some(Time(*at))),
        };
        Self {
            id: notice.id.0,
            kind: notice.kind.as_str(),
            task_id: notice.task_id.map(|id| id.0),
            text: &notice.text,
            created_at: Time(notice.created_at),
            channel,
            delivered_at,
            withdrawn_at,
        }
    }
}

/// A page of notices.
#[derive(Serialize, ToSchema)]
pub(crate) struct NoticePage<'a> {
    /// The notices, newest first.
    pub(crate) items: Vec<Notice<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

/// Notices handed to a channel.
#[derive(Serialize, ToSchema)]
pub(crate) struct NoticesTaken<'a> {
    /// The notices, oldest first.
    pub(crate) items: Vec<Notice<'a>>,
    /// While it is quiet: until when what can wait is held back. Null where nothing is.
    #[schema(required = true)]
    pub(crate) quiet_until: Option<Time>,
}

/// Who is about to tell notices.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakeNotices {
    /// The channel, such as `chat` or `telegram`.
    #[schema(value_type = scalar::Word)]
    channel: String,
    /// Whether the person is there, having opened the channel to talk: then nothing is held back in
    /// the quiet hours. Without it the channel speaks up by itself.
    #[serde(default)]
    #[schema(required = false)]
    person_is_there: bool,
}

impl TakeNotices {
    pub(crate) fn read(&self) -> Result<(Word, Presence), InvalidField> {
        let presence = if self.person_is_there {
            Presence::There
        } else {
            Presence::Unknown
        };
        Ok((Word::parse("channel", &self.channel)?, presence))
    }
}

/// Who has told a notice.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerNotices {
    /// The channel, such as `chat` or `telegram`.
    #[schema(value_type = scalar::Word)]
    channel: String,
}

impl AnswerNotices {
    pub(crate) fn channel(&self) -> Result<Word, InvalidField> {
        Word::parse("channel", &self.channel)
    }
}

/// What a list of notices is asked for.
pub(crate) struct ListNotices {
    pub(crate) cursor: Option<i64>,
    pub(crate) limit: usize,
}

/// The list's name in its cursors.
const LIST: &str = "notices";

impl FromQuery for ListNotices {
    const PARAMETERS: &'static [&'static str] = &["cursor", "limit"];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        Ok(Self {
            cursor: query
                .one("cursor")?
                .map(|cursor| cursor::read(LIST, cursor, |number| number.parse().ok()))
                .transpose()?,
            limit: query.limit()?,
        })
    }
}

impl ListNotices {
    pub(crate) fn next_cursor(next: i64) -> String {
        cursor::write(LIST, next)
    }
}

impl IntoParams for ListNotices {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        page_parameters()
    }
}
