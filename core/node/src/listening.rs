//! Hearing and speaking as the node does it: recordings from anywhere to text, text to sound, and the
//! microphone of this machine while a key is held.
//!
//! Reading order: [`NodeVoice`], `words` (what went wrong, in words for people), `facility`, [`ptt`], `notes` (those of Telegram).

mod facility;
pub(crate) mod notes;
pub(crate) mod ptt;
#[cfg(test)]
mod tests;
mod words;

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use hearth_app::voice::{
    Segment, Speech, SpeechFormat, Transcript, Voice, VoiceError, VoiceFuture, Wanted,
};
use hearth_voice::aloud::{self, AloudError};
use hearth_voice::audio::{Clip, Sound};
use hearth_voice::codec::{self, Limits};
use hearth_voice::speech::{Espeak, Speaker, find_program, speak};
use hearth_voice::transcription::{Options, Transcriber, TranscriptionError};
use hearth_voice::transport::Transport;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::data_dir::DataDir;
use crate::settings::environment::search_path;
use crate::settings::{Environment, ListeningSettings, VoiceSettings};
use crate::voice::{Found, find_speaker, transcriber};

/// How fast espeak-ng speaks where a speed of 1 is asked for.
const WORDS_PER_MINUTE: f32 = 170.0;

/// Hears and speaks by the settings. Cheap to clone.
#[derive(Clone)]
pub(crate) struct NodeVoice {
    inner: Arc<Inner>,
}

struct Inner {
    settings: VoiceSettings,
    listening: ListeningSettings,
    data: DataDir,
    environment: Environment,
    /// Made with the first recording and kept: behind it is a process that holds a model. None where it
    /// could not be made yet, so that a model that is fetched later is found. Held while it is made, which
    /// may ask the keyring; so it is tokio's.
    transcriber: Mutex<Option<Arc<dyn Transcriber>>>,
    /// The voice of the settings, once it was found; tokio's for the same reason.
    usual: OnceCell<Arc<Found>>,
    /// The voice that spoke last: some take seconds to load, and memory while they are.
    speaker: Mutex<Option<Loaded>>,
    /// Why the voice of the settings could not be loaded when that was tried last. A lock of the standard library:
    /// it is held for a copy.
    trouble: std::sync::Mutex<Option<VoiceError>>,
}

/// A voice that is ready to speak.
struct Loaded {
    name: String,
    speaker: Arc<dyn Speaker>,
    used_at: Instant,
}

impl NodeVoice {
    pub(crate) fn new(
        settings: &VoiceSettings,
        listening: &ListeningSettings,
        data: DataDir,
        environment: Environment,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                settings: settings.clone(),
                listening: listening.clone(),
                data,
                environment,
                transcriber: Mutex::default(),
                usual: OnceCell::new(),
                speaker: Mutex::default(),
                trouble: std::sync::Mutex::default(),
            }),
        }
    }

    /// Returns what turns speech into text.
    async fn transcriber(&self) -> Result<Arc<dyn Transcriber>, VoiceError> {
        let mut kept = self.inner.transcriber.lock().await;
        if let Some(transcriber) = &*kept {
            return Ok(Arc::clone(transcriber));
        }
        let inner = Arc::clone(&self.inner);
        let made = tokio::task::spawn_blocking(move || {
            transcriber(&inner.settings, &inner.data, &inner.environment)
        });
        let made = made.await.map_err(|error| words::gave_up(&error))?;
        let made = made.map_err(|error| self.not_set_up(&error))?;
        *kept = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Returns what turns text into speech, by the voice of this name or that of the settings.
    async fn speaker(&self, voice: Option<&str>) -> Result<Arc<dyn Speaker>, VoiceError> {
        let name = voice.unwrap_or(&self.inner.settings.voice).to_owned();
        let mut loaded = self.inner.speaker.lock().await;
        if let Some(loaded) = loaded.as_mut().filter(|loaded| loaded.name == name) {
            loaded.used_at = Instant::now();
            return Ok(Arc::clone(&loaded.speaker));
        }
        let of = |error: anyhow::Error| match voice {
            Some(_) => words::no_such_voice(&self.without_paths(&format!("{error:#}"))),
            None => self.not_set_up(&error),
        };
        let found = match voice {
            Some(name) => Arc::new(self.find(name).await?.map_err(of)?),
            None => self.usual().await?,
        };
        let opened = tokio::task::spawn_blocking(move || found.open());
        let opened = opened.await.map_err(|error| words::gave_up(&error))?;
        let opened = opened.map_err(of);
        if voice.is_none() {
            *self.trouble() = opened.as_ref().err().cloned();
        }
        let speaker = opened?;
        *loaded = Some(Loaded {
            name,
            speaker: Arc::clone(&speaker),
            used_at: Instant::now(),
        });
        Ok(speaker)
    }

    /// Finds the voice of the settings, once.
    async fn usual(&self) -> Result<Arc<Found>, VoiceError> {
        let found = self.inner.usual.get_or_try_init(|| async {
            let found = self.find(&self.inner.settings.voice).await?;
            Ok(Arc::new(found.map_err(|error| self.not_set_up(&error))?))
        });
        found.await.cloned()
    }

    /// Finds the voice of this name. May ask the keyring.
    async fn find(&self, name: &str) -> Result<anyhow::Result<Found>, VoiceError> {
        let inner = Arc::clone(&self.inner);
        let settings = VoiceSettings {
            voice: name.to_owned(),
            ..inner.settings.clone()
        };
        let found = tokio::task::spawn_blocking(move || {
            find_speaker(&settings, &inner.data, &inner.environment)
        });
        found.await.map_err(|error| words::gave_up(&error))
    }

    /// Lets go of a voice that has not spoken for a while, and of the memory that it takes.
    async fn rest(&self) {
        let mut loaded = self.inner.speaker.lock().await;
        let is_idle = |loaded: &Loaded| loaded.used_at.elapsed() > self.inner.settings.idle;
        if loaded.as_ref().is_some_and(is_idle) {
            *loaded = None;
        }
    }

    fn trouble(&self) -> std::sync::MutexGuard<'_, Option<VoiceError>> {
        let trouble = self.inner.trouble.lock();
        trouble.unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// As [`Self::speaker`], at another speed, which only espeak-ng knows.
    async fn speaker_at(
        &self,
        voice: Option<&str>,
        speed: f32,
    ) -> Result<Arc<dyn Speaker>, VoiceError> {
        let usual = self.speaker(voice).await?;
        if (speed - 1.0).abs() < 0.01 {
            return Ok(usual);
        }
        let program =
            find_program("espeak-ng", &search_path()).filter(|_| usual.name() == "espeak");
        let Some(program) = program else {
            return Err(VoiceError::Refused {
                code: "invalid_input",
                field: "speed",
                problem: format!("must be 1 with the voice {}", usual.name()),
            });
        };
        let settings = &self.inner.settings;
        let names = [
            voice.unwrap_or_default(),
            &settings.voice,
            &settings.language,
            "en-us",
        ];
        let name = names
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or("en-us");
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded before"
        )]
        let words_per_minute = (WORDS_PER_MINUTE * speed).clamp(80.0, 450.0) as u32;
        let speaker = Espeak::new(&program, name, words_per_minute);
        Ok(Arc::new(speaker.map_err(|error| words::of_speech(&error))?))
    }

    fn not_set_up(&self, error: &anyhow::Error) -> VoiceError {
        VoiceError::NotSetUp(self.without_paths(&format!("{error:#}")))
    }

    /// Whoever asks is told no path of this machine.
    fn without_paths(&self, text: &str) -> String {
        let settings = &self.inner.settings;
        let data = self.inner.data.root().display().to_string();
        let paths = [
            (settings.model.as_str(), "the file that voice.model names"),
            (
                settings.grammar.as_str(),
                "the file that voice.grammar names",
            ),
            (
                settings.onnxruntime.as_str(),
                "the file that voice.onnxruntime names",
            ),
            (data.as_str(), "the data folder"),
        ];
        let mut text = text.to_owned();
        for (path, word) in paths.into_iter().filter(|(path, _)| path.starts_with('/')) {
            text = text.replace(path, word);
        }
        text
    }

    async fn hear(&self, recording: Bytes, wanted: Wanted) -> Result<Transcript, VoiceError> {
        let limits = Limits {
            duration: self.inner.listening.longest,
            ..Limits::default()
        };
        let (clip, is_cut) = decode(recording, limits).await?;
        let transcriber = self.transcriber().await?;
        let is_asked = wanted.language.is_some();
        let language = wanted
            .language
            .or_else(|| Some(self.inner.settings.language.clone()));
        let options = Options {
            language: language.filter(|language| !language.is_empty()),
            prompt: wanted.prompt,
            wants_times: wanted.wants_times,
            ..Options::default()
        };
        let heard = transcriber.transcribe(&clip, &options).await;
        let heard = heard.map_err(|error| match &error {
            TranscriptionError::Setting { field, reason } if *field == "language" && !is_asked => {
                words::wrong_language(reason)
            }
            _ => words::of_transcription(&error),
        })?;
        let segments = heard.segments.into_iter().map(|segment| Segment {
            start: segment.start,
            end: segment.end,
            text: segment.text,
        });
        Ok(Transcript {
            segments: segments.collect(),
            text: heard.text,
            language: heard.language,
            duration: heard.duration,
            is_silence: heard.is_silence,
            is_cut,
        })
    }

    async fn say(&self, speech: Speech) -> Result<Bytes, VoiceError> {
        let speaker = self
            .speaker_at(speech.voice.as_deref(), speech.speed)
            .await?;
        let mut saying = speak(speaker, &speech.text).map_err(|error| words::of_speech(&error))?;
        let mut whole: Option<Sound> = None;
        while let Some(sound) = saying.next().await {
            let sound = sound.map_err(|error| words::of_speech(&error))?;
            match &mut whole {
                None => whole = Some(sound),
                Some(whole) => {
                    let sound = sound.at_rate(whole.rate).map_err(|e| words::failed(&e))?;
                    whole.samples.extend(sound.samples);
                }
            }
        }
        let whole = whole.ok_or_else(|| VoiceError::Refused {
            code: "invalid_input",
            field: "input",
            problem: "holds nothing that can be said".into(),
        })?;
        let encode = move || match speech.format {
            SpeechFormat::Wav => codec::encode_wav(&whole),
            SpeechFormat::Opus => codec::encode_opus(&whole),
        };
        let encoded = tokio::task::spawn_blocking(encode).await;
        let encoded = encoded.map_err(|error| words::gave_up(&error))?;
        Ok(encoded.map_err(|error| words::failed(&error))?.into())
    }

    /// Plays a text on the loudspeaker, each sentence as soon as it is made, until all of it was said or
    /// `stop` is cancelled. The error is for people.
    async fn play(&self, text: &str, stop: &CancellationToken) -> Result<(), String> {
        let speaker = self
            .speaker(None)
            .await
            .map_err(|error| error.to_string())?;
        let local = self.inner.listening.local();
        let of_device = |error| words::of_device(&error, "voice.loudspeaker");
        let mut loudspeaker = local.open_output().await.map_err(of_device)?;
        let mut speech = speak(speaker, text).map_err(|error| error.to_string())?;
        match aloud::play(&mut speech, &mut loudspeaker, stop).await {
            Ok(_) => Ok(()),
            Err(AloudError::Speech(error)) => Err(words::of_speech(&error).to_string()),
            Err(AloudError::Device(error)) => Err(of_device(error)),
        }
    }
}

impl Voice for NodeVoice {
    fn transcribe(&self, recording: Bytes, wanted: Wanted) -> VoiceFuture<'_, Transcript> {
        Box::pin(self.hear(recording, wanted))
    }

    fn speak(&self, speech: Speech) -> VoiceFuture<'_, Bytes> {
        Box::pin(self.say(speech))
    }
}

/// Reads a recording beside those who must not wait; stops when nobody waits for it any more. Says as well whether
/// it breaks off in the middle.
async fn decode(recording: Bytes, limits: Limits) -> Result<(Clip, bool), VoiceError> {
    let stop = CancellationToken::new();
    let _guard = stop.clone().drop_guard();
    let read = move || {
        let mut samples = Vec::new();
        let read = codec::decode_into(Vec::from(recording), &limits, &mut |piece| {
            samples.extend_from_slice(piece);
            if stop.is_cancelled() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        read.map(|ending| (Clip { samples }, ending))
    };
    let read = tokio::task::spawn_blocking(read).await;
    let read = read.map_err(|error| words::gave_up(&error))?;
    let (clip, ending) = read.map_err(|error| words::of_codec(&error))?;
    Ok((clip, ending == codec::Ending::Cut))
}
