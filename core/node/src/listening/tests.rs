//! Recordings and texts through the node's own voice, with the programs that are on this machine.

use std::io::Write;
use std::path::Path;

use hearth_voice::audio::Clip;

use super::*;
use crate::settings::{SpeakerChoice, TranscriberChoice};

fn voice(folder: &Path, settings: &VoiceSettings) -> NodeVoice {
    let listening = ListeningSettings {
        longest: std::time::Duration::from_secs(10),
        ..ListeningSettings::default()
    };
    let environment = Environment::default();
    NodeVoice::new(settings, &listening, DataDir::at(folder), environment)
}

/// Says loudly that a test was skipped; `./test` counts it.
#[expect(
    clippy::disallowed_methods,
    reason = "the file to count in is told by ./test"
)]
fn skip(test: &str, reason: &str) {
    eprintln!("SKIPPED {test}: {reason}");
    if let Some(path) = std::env::var_os("HEARTH_SKIP_LOG") {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path);
        writeln!(log.unwrap(), "{test}: {reason}").unwrap();
    }
}

fn wav(seconds: usize) -> Bytes {
    let samples = vec![0.0; seconds * 16_000];
    codec::encode_wav(&Clip { samples }.into()).unwrap().into()
}

async fn told(voice: &NodeVoice, recording: Bytes) -> VoiceError {
    voice
        .transcribe(recording, Wanted::default())
        .await
        .unwrap_err()
}

#[tokio::test]
async fn without_a_model_it_says_what_to_fetch_and_finds_what_is_set_up_later() {
    let folder = tempfile::tempdir().unwrap();
    let voice = voice(folder.path(), &VoiceSettings::default());

    let error = told(&voice, wav(1)).await;

    let VoiceError::NotSetUp(text) = &error else {
        panic!("{error:?}")
    };
    assert!(
        text.contains("hearth models pull whisper-base.en"),
        "{text}"
    );
    let facility = voice.facility().await;
    assert!(!facility.is_available);
    assert_eq!(facility.remedy, "hearth models pull whisper-base.en");
}

#[tokio::test]
async fn what_is_no_recording_is_refused_by_name_before_a_model_is_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let voice = voice(folder.path(), &VoiceSettings::default());
    let mut cut = Vec::from(wav(1));
    cut.truncate(30);
    let cases: [(Bytes, &str, &str); 4] = [
        (Bytes::new(), "invalid_audio", "0 bytes"),
        (
            Bytes::from_static(b"<html>no sound</html>"),
            "invalid_audio",
            "use WAV",
        ),
        (cut.into(), "invalid_audio", "recording"),
        (wav(11), "too_long", "voice.max_minutes"),
    ];

    for (recording, expected, part) in cases {
        let error = told(&voice, recording).await;
        let VoiceError::Refused {
            code,
            field,
            problem,
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!((code, field), (expected, "file"), "{problem}");
        assert!(problem.contains(part), "{problem}");
    }
}

#[tokio::test]
async fn no_path_of_the_machine_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("ggml.bin").display().to_string();
    let settings = VoiceSettings {
        model: model.clone(),
        ..VoiceSettings::default()
    };

    let error = told(&voice(folder.path(), &settings), wav(1))
        .await
        .to_string();

    assert!(
        error.contains("voice.model") && !error.contains(&model),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_switched_off_says_how_to_switch_it_on() {
    let folder = tempfile::tempdir().unwrap();
    let settings = VoiceSettings {
        transcriber: TranscriberChoice::Off,
        ..VoiceSettings::default()
    };

    let facility = voice(folder.path(), &settings).facility().await;

    assert_eq!(facility.remedy, "hearth config set voice.transcriber auto");
}

#[tokio::test]
async fn what_leaves_the_machine_is_told_whatever_else_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let with = async |settings: VoiceSettings| {
        let keys = [
            ("HEARTH_SECRET_GROQ_KEY".into(), "gsk_x".into()),
            ("HEARTH_SECRET_CARTESIA_KEY".into(), "sk_x".into()),
        ];
        let environment = Environment::from_variables(keys).unwrap();
        let listening = ListeningSettings::default();
        let data = DataDir::at(folder.path());
        let voice = NodeVoice::new(&settings, &listening, data, environment);
        voice.facility().await
    };
    let groq = VoiceSettings {
        transcriber: TranscriberChoice::Groq,
        speaker: SpeakerChoice::Off,
        ..VoiceSettings::default()
    };
    let cartesia = VoiceSettings {
        speaker: SpeakerChoice::Cartesia,
        voice: "a0e9".into(),
        ..VoiceSettings::default()
    };

    let heard_away = with(groq).await;
    let spoken_away = with(cartesia).await;

    assert!(heard_away.is_available);
    for (facility, parts) in [
        (
            &heard_away,
            [
                "names of your projects, are sent to groq",
                "voice.speaker is off",
            ],
        ),
        (
            &spoken_away,
            ["what is spoken is sent to Cartesia", "there is no model"],
        ),
    ] {
        for part in parts {
            assert!(
                facility.reason.contains(part),
                "{part}: {}",
                facility.reason
            );
        }
    }
    assert_eq!(spoken_away.remedy, "hearth models pull whisper-base.en");
}

#[tokio::test(start_paused = true)]
async fn a_voice_that_was_not_used_for_a_while_is_let_go_of() {
    let folder = tempfile::tempdir().unwrap();
    let voice = voice(folder.path(), &VoiceSettings::default());
    let speaker: Arc<dyn Speaker> = Arc::new(Silent);
    *voice.inner.speaker.lock().await = Some(Loaded {
        name: String::new(),
        speaker,
        used_at: Instant::now(),
    });

    voice.rest().await;
    let kept = voice.inner.speaker.lock().await.is_some();
    tokio::time::advance(voice.inner.settings.idle + std::time::Duration::from_secs(1)).await;
    voice.rest().await;

    assert!(kept);
    assert!(voice.inner.speaker.lock().await.is_none());
}

/// A voice that is never asked.
struct Silent;

impl Speaker for Silent {
    fn name(&self) -> &'static str {
        "silent"
    }

    fn say<'a>(&'a self, _sentence: &'a str) -> hearth_voice::speech::Saying<'a> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_text_becomes_a_file_that_sounds() {
    if find_program("espeak-ng", &search_path()).is_none() {
        skip(
            "a_text_becomes_a_file_that_sounds",
            "espeak-ng is not installed",
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let voice = voice(folder.path(), &VoiceSettings::default());
    let say = async |format, voice_name: Option<&str>, speed| {
        let speech = Speech {
            text: "Good morning. Three tasks are due.".into(),
            format,
            voice: voice_name.map(str::to_owned),
            speed,
        };
        voice.speak(speech).await
    };
    let limits = Limits::default();
    let length = |bytes: Bytes| codec::decode(Vec::from(bytes), &limits).unwrap().duration();

    let wav = say(SpeechFormat::Wav, None, 1.0).await.unwrap();
    assert!(wav.starts_with(b"RIFF"));
    let opus = say(SpeechFormat::Opus, Some("en-gb"), 1.0).await.unwrap();
    assert!(opus.starts_with(b"OggS"));
    let fast = say(SpeechFormat::Wav, None, 2.0).await.unwrap();
    assert!(length(fast) < length(wav.clone()) * 3 / 4);
    assert!(length(opus) > length(wav) / 2);
    let nobody = say(SpeechFormat::Wav, Some("--help"), 1.0)
        .await
        .unwrap_err();
    assert!(nobody.to_string().starts_with("voice is none"), "{nobody}");
}
