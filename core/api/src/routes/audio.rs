//! `/v1/audio`: hearing and speaking in the shapes of OpenAI, for programs that know those.
//!
//! Errors have OpenAI's shape here, too; what they say is the same as elsewhere.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use hearth_app::voice::{Lane, Wanted};
use http::{StatusCode, header};

use super::recording::RecordingForm;
use crate::body::RawJson;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::respond;
use crate::router::Api;
use crate::wire::audio::{
    SpeechRequest, Transcription, TranscriptionForm, TranscriptionFormat, TranscriptionVerbose,
};
use crate::wire::subtitles;

/// The largest request to speak: the longest text, every character of it escaped.
const SPEECH_MAX_BYTES: usize = 256 * 1024;

/// Transcribe a recording
///
/// As OpenAI's, on this device. `model` and `temperature` are taken and not used: the model is that of
/// the settings. Reads WAV, FLAC, MP3, M4A and Ogg/Opus, whatever the file's name. A recording in which
/// nobody speaks has an empty text.
#[utoipa::path(
    post, path = "/v1/audio/transcriptions", tag = "voice",
    request_body(content((TranscriptionForm = "multipart/form-data"))),
    responses((status = 200, description = "What was said, in the format that was asked for.", content(
        (Transcription = "application/json"), (String = "text/plain"),
    ))),
)]
pub(super) async fn transcribe(
    State(api): State<Api>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    // Taken before the bytes are, so that no more are held than can be heard.
    let seat = api.app.take_seat(caller.actor(), Lane::Recording)?;
    let form = RecordingForm::read(request, api.config.max_audio_bytes.get()).await?;
    let asked = TranscriptionForm::read(form.parts)?;
    let wanted = Wanted {
        language: asked.language,
        prompt: asked.prompt,
        wants_times: asked.format.has_times(),
    };
    let transcript = api.app.transcribe(&seat, form.recording, wanted).await?;
    Ok(match asked.format {
        TranscriptionFormat::Json => respond::json(
            StatusCode::OK,
            &Transcription {
                text: transcript.text,
            },
        ),
        TranscriptionFormat::Verbose => {
            respond::json(StatusCode::OK, &TranscriptionVerbose::from(&transcript))
        }
        TranscriptionFormat::Text => plain(transcript.text + "\n"),
        TranscriptionFormat::Srt => plain(subtitles::srt(&transcript.segments)),
        TranscriptionFormat::Vtt => plain(subtitles::vtt(&transcript.segments)),
    })
}

/// Speak a text
///
/// As OpenAI's, on this device. `model` and `instructions` are taken and not used. The names of OpenAI's
/// voices stand for the voice of the settings; others name a voice of this machine, such as `en-gb`.
#[utoipa::path(
    post, path = "/v1/audio/speech", tag = "voice", request_body = SpeechRequest,
    responses((status = 200, description = "The bytes of a file.", content(
        (Vec<u8> = "audio/wav"), (Vec<u8> = "audio/ogg"),
    ))),
)]
pub(super) async fn speak(
    State(api): State<Api>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let raw = RawJson::read(request, SPEECH_MAX_BYTES, "; say it in parts").await?;
    let speech = raw.parse::<SpeechRequest>()?.read()?;
    let kind = speech.format.media_type();
    let bytes = api.app.speak(caller.actor(), speech).await?;
    Ok(([(header::CONTENT_TYPE, kind)], Body::from(bytes)).into_response())
}

fn plain(text: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (kind, Body::from(text)).into_response()
}
