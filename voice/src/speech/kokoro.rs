//! A Kokoro voice: one model for all voices, a file of styles for each, and a list of its characters.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::espeak::Espeak;
use super::phonemes::spell;
use super::voice_model::{VoiceModel, read_file};
use super::{Saying, Speaker, SpeechError};
use crate::audio::Sound;
use crate::onnx::{Input, Runtime};

const NAME: &str = "kokoro";

/// Samples in a second of every Kokoro model.
const RATE: u32 = 24_000;

/// Characters in the longest text that it was made for.
const LONGEST: usize = 510;

/// Numbers in a style.
const STYLE: usize = 256;

/// The largest file of styles; those there are have 522,240 bytes.
const STYLES_LIMIT: u64 = 8_000_000;

/// The largest list of characters; those there are have 4 KB.
const CHARACTERS_LIMIT: u64 = 1_000_000;

/// Where the files of a voice are.
#[derive(Clone, Debug)]
pub struct KokoroFiles {
    /// The model, such as `model.onnx`.
    pub model: PathBuf,
    /// The styles of one voice, such as `af_heart.bin`: numbers of 32 bits, 256 for each length of text.
    pub styles: PathBuf,
    /// The list of characters: the `config.json` or `tokenizer.json` that the model came with.
    pub characters: PathBuf,
    /// The language that `espeak-ng` spells in, such as `en-us`.
    pub language: String,
}

/// Speaks by a Kokoro voice in the ONNX Runtime.
pub struct Kokoro {
    model: VoiceModel,
    /// The name of its input of characters: exporters do not agree on it.
    input: &'static str,
    styles: Vec<f32>,
    characters: HashMap<char, i64>,
    language: String,
    espeak: Espeak,
}

/// `config.json` has the list at the top, `tokenizer.json` inside.
#[derive(Deserialize)]
struct Characters {
    vocab: Option<HashMap<String, i64>>,
    model: Option<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    vocab: HashMap<String, i64>,
}

impl Kokoro {
    /// Opens a voice. `espeak` spells for it.
    ///
    /// # Errors
    /// A file is not there or is not that of a voice.
    pub fn open(
        runtime: &Runtime,
        files: KokoroFiles,
        espeak: Espeak,
    ) -> Result<Self, SpeechError> {
        let styles = read_styles(&files)?;
        let characters = read_characters(&files)?;
        let model = VoiceModel::open(NAME, runtime, &files.model, RATE)?;
        let input = if model.has_input("input_ids") {
            "input_ids"
        } else {
            "tokens"
        };
        model.expect_inputs(&[input, "style", "speed"])?;
        Ok(Self {
            model,
            input,
            styles,
            characters,
            language: files.language,
            espeak,
        })
    }

    async fn speak(&self, sentence: &str) -> Result<Sound, SpeechError> {
        let phonemes = spell(&self.espeak, sentence, &self.language).await?;
        let known = phonemes.chars().filter_map(|c| self.characters.get(&c));
        let mut ids: Vec<i64> = known.copied().take(LONGEST).collect();
        // There is a style for each length of text; the last is for all that is longer.
        let row = ids.len().min(self.styles.len() / STYLE - 1) * STYLE;
        let style = self.styles[row..row + STYLE].to_vec();
        // It was made with silence around every text.
        ids.insert(0, 0);
        ids.push(0);
        let count = ids.len();
        let inputs = vec![
            Input::integers(self.input, &[1, count], ids),
            Input::floats("style", &[1, STYLE], style),
            Input::floats("speed", &[1], vec![1.0]),
        ];
        self.model.run(inputs).await
    }
}

fn read_styles(files: &KokoroFiles) -> Result<Vec<f32>, SpeechError> {
    let bytes = read_file(NAME, "styles", &files.styles, STYLES_LIMIT)?;
    if bytes.is_empty() || bytes.len() % (STYLE * 4) != 0 {
        return Err(SpeechError::Setting {
            voice: NAME,
            field: "styles",
            reason: format!(
                "{}: it has no whole number of styles",
                files.styles.display()
            ),
        });
    }
    let styles = bytes
        .chunks_exact(4)
        .map(|number| f32::from_le_bytes([number[0], number[1], number[2], number[3]]));
    Ok(styles.collect())
}

fn read_characters(files: &KokoroFiles) -> Result<HashMap<char, i64>, SpeechError> {
    let json = read_file(NAME, "characters", &files.characters, CHARACTERS_LIMIT)?;
    let refused = |reason: String| SpeechError::Setting {
        voice: NAME,
        field: "characters",
        reason: format!("{}: {reason}", files.characters.display()),
    };
    let read: Characters =
        serde_json::from_slice(&json).map_err(|error| refused(error.to_string()))?;
    let vocab = read.vocab.or(read.model.map(|inner| inner.vocab));
    let vocab = vocab.ok_or_else(|| refused("it has no `vocab`".to_owned()))?;
    let single = |key: &str| {
        let mut characters = key.chars();
        characters.next().filter(|_| characters.next().is_none())
    };
    let characters = vocab
        .into_iter()
        .filter_map(|(key, id)| Some((single(&key)?, id)));
    Ok(characters.collect())
}

impl Speaker for Kokoro {
    fn name(&self) -> &str {
        NAME
    }

    fn say<'a>(&'a self, sentence: &'a str) -> Saying<'a> {
        Box::pin(self.speak(sentence))
    }
}
