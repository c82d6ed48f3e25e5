//! What went wrong with hearing and speaking, in words for people: what is the matter, what mends it, and no
//! path of this machine. What holds paths goes to the log.

use std::fmt::Display;

use hearth_app::voice::VoiceError;
use hearth_voice::codec::CodecError;
use hearth_voice::device::DeviceError;
use hearth_voice::speech::SpeechError;
use hearth_voice::transcription::TranscriptionError;
use tracing::warn;

pub(super) fn of_codec(error: &CodecError) -> VoiceError {
    let code = match error {
        CodecError::TooLarge { .. } => "too_large",
        CodecError::TooLong { .. } => "too_long",
        CodecError::Encode(_) | CodecError::File(_) => return failed(error),
        CodecError::Empty
        | CodecError::Silent(_)
        | CodecError::Unknown(_)
        | CodecError::Broken(_)
        | CodecError::Rate(_) => "invalid_audio",
    };
    let more = match error {
        CodecError::TooLong { .. } => ", or allow more: hearth config set voice.max_minutes",
        _ => "",
    };
    VoiceError::Refused {
        code,
        field: "file",
        problem: format!("cannot be used: {error}{more}"),
    }
}

pub(super) fn of_transcription(error: &TranscriptionError) -> VoiceError {
    let told = |text: &str| {
        warn!(%error, "a recording was not transcribed");
        text.to_owned()
    };
    match error {
        TranscriptionError::Missing(_) => VoiceError::NotSetUp(told(
            "the program that transcribes is not there any more; install it again, or choose another \
             with voice.transcriber",
        )),
        TranscriptionError::NoModel { .. } => VoiceError::NotSetUp(told(
            "the model that turns speech into text is not there any more; to fetch it: hearth models \
             pull whisper-base.en",
        )),
        TranscriptionError::ModelBroken { .. } => VoiceError::NotSetUp(told(
            "the model that turns speech into text is broken; see: hearth models verify",
        )),
        TranscriptionError::Setting { field, reason } if *field == "language" => {
            VoiceError::Refused {
                code: "invalid_input",
                field: "language",
                problem: format!("is not taken: {reason}"),
            }
        }
        TranscriptionError::Setting { field, .. } => VoiceError::NotSetUp(told(&format!(
            "the setting {field} is wrong; see: hearth config show"
        ))),
        TranscriptionError::OutOfMemory { .. }
        | TranscriptionError::UnsupportedProcessor { .. } => {
            VoiceError::NotSetUp(error.to_string())
        }
        TranscriptionError::TooLong { .. } => VoiceError::Refused {
            code: "too_long",
            field: "file",
            problem: format!("cannot be used: {error}"),
        },
        TranscriptionError::Busy { .. } => VoiceError::Busy(error.to_string()),
        TranscriptionError::WorkerDied { .. }
        | TranscriptionError::TimedOut { .. }
        | TranscriptionError::Cancelled => VoiceError::Failed(error.to_string()),
        // Its words are ours, and name no path.
        TranscriptionError::Failed {
            engine: "groq",
            reason,
            ..
        } => VoiceError::Failed(told(&format!("Groq did not transcribe it: {reason}"))),
        TranscriptionError::Failed { engine, .. } => VoiceError::Failed(told(&format!(
            "{engine} could not transcribe it; the node's log says why"
        ))),
        TranscriptionError::Activity(_) => VoiceError::Failed(told(
            "speech could not be told from noise; the node's log says why",
        )),
    }
}

/// The language of the settings does not fit what transcribes.
pub(super) fn wrong_language(reason: &str) -> VoiceError {
    VoiceError::NotSetUp(format!(
        "voice.language does not fit: {reason}; to have it found out: hearth config set voice.language ''"
    ))
}

pub(super) fn of_speech(error: &SpeechError) -> VoiceError {
    match error {
        SpeechError::Missing(_) => {
            warn!(%error, "nothing was spoken");
            VoiceError::NotSetUp(
                "what speaks is not there any more; on Debian: apt install espeak-ng".into(),
            )
        }
        SpeechError::Setting { reason, .. } => no_such_voice(reason),
        SpeechError::TooLong { .. } => VoiceError::Refused {
            code: "too_long",
            field: "input",
            problem: format!("is too long: {error}"),
        },
        SpeechError::Failed { .. } => VoiceError::Failed(error.to_string()),
        SpeechError::Onnx(_) => {
            warn!(%error, "nothing was spoken");
            VoiceError::NotSetUp(
                "the voice cannot be used; the node's log says why, and hearth models verify whether \
                 its files are whole"
                    .into(),
            )
        }
    }
}

pub(super) fn no_such_voice(reason: &str) -> VoiceError {
    VoiceError::Refused {
        code: "invalid_input",
        field: "voice",
        problem: format!("is none that can be used: {reason}"),
    }
}

pub(super) fn of_device(error: &DeviceError, setting: &str) -> String {
    match error {
        DeviceError::None(_) => error.to_string(),
        _ => format!("{error}: hearth config set {setting} NAME"),
    }
}

pub(super) fn failed(error: &impl Display) -> VoiceError {
    VoiceError::Failed(error.to_string())
}

/// Work on another thread ended by itself, which only a fault of the program makes it do.
pub(super) fn gave_up(error: &tokio::task::JoinError) -> VoiceError {
    warn!(%error, "work with sound ended by itself");
    VoiceError::Failed("the node failed at this; its log says why".into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_path_is_told() {
        let broken = TranscriptionError::ModelBroken {
            path: "/home/ada/ggml.bin".into(),
            reason: "cut".into(),
        };
        let grammar = TranscriptionError::Failed {
            engine: "pocketsphinx",
            reason: "is /home/ada/a.jsgf a grammar?".into(),
            is_transient: false,
        };

        for error in [broken, grammar] {
            let told = of_transcription(&error).to_string();
            assert!(!told.contains("/home"), "{told}");
        }
    }

    #[test]
    fn what_a_company_refuses_is_told_with_what_mends_it() {
        let refused = TranscriptionError::Failed {
            engine: "groq",
            reason: "it does not accept the key; give it another".into(),
            is_transient: false,
        };

        let told = of_transcription(&refused).to_string();

        assert_eq!(
            told,
            "Groq did not transcribe it: it does not accept the key; give it another"
        );
    }

    #[test]
    fn a_recording_that_cannot_be_used_says_why_and_what_to_do() {
        let long = of_codec(&CodecError::TooLong {
            limit: Duration::from_hours(1),
        });

        let told = "file cannot be used: the recording is longer than 60 minutes, which is the limit; \
                    cut it into parts, or allow more: hearth config set voice.max_minutes";
        assert_eq!(long.to_string(), told);
        let empty = of_codec(&CodecError::Empty).to_string();
        assert!(empty.contains("0 bytes"), "{empty}");
    }

    #[test]
    fn a_device_is_chosen_by_its_setting() {
        use hearth_voice::device::Kind;
        let busy = of_device(&DeviceError::Busy(Kind::Microphone), "voice.microphone");

        assert!(
            busy.ends_with("hearth config set voice.microphone NAME"),
            "{busy}"
        );
    }
}
