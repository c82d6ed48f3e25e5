//! A Piper voice: a model file and the settings beside it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::espeak::Espeak;
use super::phonemes::{apart, spell};
use super::voice_model::{VoiceModel, read_file};
use super::{Saying, Speaker, SpeechError};
use crate::audio::Sound;
use crate::onnx::{Input, Runtime};
use crate::resample::RATES;

const NAME: &str = "piper";

/// The largest settings file; those there are have 10 KB.
const SETTINGS_LIMIT: u64 = 1_000_000;

/// Speaks by a Piper voice in the ONNX Runtime.
pub struct Piper {
    model: VoiceModel,
    settings: Settings,
    espeak: Espeak,
}

#[derive(Deserialize)]
struct Settings {
    audio: Audio,
    espeak: Language,
    #[serde(default)]
    inference: Inference,
    phoneme_id_map: HashMap<String, Vec<i64>>,
}

#[derive(Deserialize)]
struct Audio {
    sample_rate: u32,
}

#[derive(Deserialize)]
struct Language {
    voice: String,
}

#[derive(Deserialize)]
#[serde(default)]
struct Inference {
    noise_scale: f32,
    length_scale: f32,
    noise_w: f32,
}

impl Default for Inference {
    /// What voices are made with unless they say otherwise.
    fn default() -> Self {
        Self {
            noise_scale: 0.667,
            length_scale: 1.0,
            noise_w: 0.8,
        }
    }
}

impl Piper {
    /// Opens a voice such as `en_US-amy-medium.onnx`, whose settings lie beside it with `.json` added to the
    /// name. `espeak` spells for it.
    ///
    /// # Errors
    /// A file is not there or is not that of a voice.
    pub fn open(runtime: &Runtime, path: &Path, espeak: Espeak) -> Result<Self, SpeechError> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".json");
        let beside = PathBuf::from(beside);
        let json = read_file(NAME, "settings", &beside, SETTINGS_LIMIT)?;
        let refused = |reason: String| SpeechError::Setting {
            voice: NAME,
            field: "settings",
            reason: format!("{}: {reason}", beside.display()),
        };
        let settings: Settings =
            serde_json::from_slice(&json).map_err(|error| refused(error.to_string()))?;
        if !RATES.contains(&settings.audio.sample_rate) {
            return Err(refused("audio.sample_rate is no rate of sound".to_owned()));
        }
        for mark in ["_", "^", "$"] {
            if !settings.phoneme_id_map.contains_key(mark) {
                return Err(refused(format!("phoneme_id_map lacks {mark}")));
            }
        }
        let model = VoiceModel::open(NAME, runtime, path, settings.audio.sample_rate)?;
        model.expect_inputs(&["input", "input_lengths", "scales"])?;
        Ok(Self {
            model,
            settings,
            espeak,
        })
    }

    async fn speak(&self, sentence: &str) -> Result<Sound, SpeechError> {
        let phonemes = spell(&self.espeak, sentence, &self.settings.espeak.voice).await?;
        let ids = self.settings.ids(&phonemes);
        let scales = &self.settings.inference;
        let count = ids.len();
        let mut inputs = vec![
            Input::integers("input", &[1, count], ids),
            Input::integers(
                "input_lengths",
                &[1],
                vec![i64::try_from(count).unwrap_or(i64::MAX)],
            ),
            Input::floats(
                "scales",
                &[3],
                vec![scales.noise_scale, scales.length_scale, scales.noise_w],
            ),
        ];
        if self.model.has_input("sid") {
            // A file with several speakers: its first.
            inputs.push(Input::integers("sid", &[1], vec![0]));
        }
        self.model.run(inputs).await
    }
}

impl Settings {
    /// The numbers of phonemes: a beginning, each with a gap behind it, and an end. Those that the voice never
    /// learned are left out.
    fn ids(&self, phonemes: &str) -> Vec<i64> {
        let of = |key: &str| self.phoneme_id_map.get(key).map_or(&[][..], Vec::as_slice);
        let mut ids = of("^").to_vec();
        ids.extend(of("_"));
        for phoneme in phonemes.chars().flat_map(apart) {
            let known = of(phoneme.encode_utf8(&mut [0; 4]));
            if !known.is_empty() {
                ids.extend(known);
                ids.extend(of("_"));
            }
        }
        ids.extend(of("$"));
        ids
    }
}

impl Speaker for Piper {
    fn name(&self) -> &str {
        NAME
    }

    fn say<'a>(&'a self, sentence: &'a str) -> Saying<'a> {
        Box::pin(self.speak(sentence))
    }
}
