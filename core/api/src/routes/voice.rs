//! `/api/v1/voice`: what is said to the chief of staff as sound, and the key that one talks while holding.

use axum::extract::{Request, State};
use axum::response::Response;
use hearth_app::App;
use hearth_app::voice::{Lane, Utterance};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

use super::recording::RecordingForm;
use super::tasks::{IDEMPOTENT_REPLAYED, once_of};
use crate::body::Json;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::respond;
use crate::router::Api;
use crate::wire::voice::{ChoosePushToTalk, PushToTalk, Utterance as Uttered, UtteranceForm};

/// Speak to the chief of staff
///
/// A recording in; what was heard and what the chief of staff answers out. A recording in which nobody
/// speaks is no message: `transcript.is_silence` is true then, and there is no response. One that cannot
/// be heard for want of a model is kept as an artifact, which the error names. With an `Idempotency-Key`,
/// the same recording sent again within a week gets the same answer.
#[utoipa::path(
    post, path = "/api/v1/voice/utterance", tag = "voice",
    request_body(content((UtteranceForm = "multipart/form-data"))),
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200,
        pattern = "^[\\x21-\\x7e]+$", description = "A name for this request, such as a UUID.")),
    responses((status = 200, description = "What was heard, and the answer.", body = Uttered<'_>,
        headers(("Idempotent-Replayed" = String, description = "true, where an earlier request with this key had it")))),
)]
pub(super) async fn utter(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    // Taken before the bytes are, so that no more are held than can be heard.
    let seat = api.app.take_seat(caller.actor(), Lane::Utterance)?;
    let form = RecordingForm::read(request, api.config.max_audio_bytes.get()).await?;
    let asked = UtteranceForm::read(form.parts)?;
    // The form itself is another each time: its boundary is made anew.
    let same: [u8; 32] = Sha256::new()
        .chain_update(format!("{:?} {:?} ", asked.conversation, asked.language))
        .chain_update(&form.recording)
        .finalize()
        .into();
    let utterance = Utterance {
        recording: form.recording,
        media_type: form.media_type,
        language: asked.language,
        conversation: asked.conversation,
        once: once_of(&headers, same)?,
    };
    let uttered = api.app.utter(&seat, utterance).await?;
    let mut response = respond::json(StatusCode::OK, &Uttered::from(&uttered));
    if uttered.answer.is_some_and(|answer| answer.is_repeat) {
        let headers = response.headers_mut();
        headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The state of push-to-talk
///
/// What the node does with its microphone, and what was said last.
#[utoipa::path(
    get, path = "/api/v1/voice/ptt", tag = "voice",
    responses((status = 200, description = "How things are.", body = PushToTalk<'_>)),
)]
pub(super) async fn get_push_to_talk(
    State(app): State<App>,
    caller: Caller,
) -> Result<Response, Problem> {
    let state = app.push_to_talk_state(caller.actor())?;
    Ok(respond::json(StatusCode::OK, &PushToTalk::from(&state)))
}

/// Press or release the key
///
/// Answers once it is done: after `down` the microphone is open. What was said is transcribed and
/// answered in the background; it is once `turns` is as many as the `recorded` that the release answered.
#[utoipa::path(
    post, path = "/api/v1/voice/ptt", tag = "voice", request_body = ChoosePushToTalk,
    responses((status = 200, description = "How things are then.", body = PushToTalk<'_>)),
)]
pub(super) async fn push_to_talk(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ChoosePushToTalk>,
) -> Result<Response, Problem> {
    let state = app.push_to_talk(caller.actor(), body.read()?).await?;
    Ok(respond::json(StatusCode::OK, &PushToTalk::from(&state)))
}
