//! The program `espeak-ng`. It is only ever run, never linked: its licence is not ours.

use std::path::{Path, PathBuf};

use super::program::run;
use super::{LONGEST_SENTENCE, Saying, Speaker, SpeechError};
use crate::audio::Sound;

const NAME: &str = "espeak";

/// The most that one sentence sounds, in bytes of 16 bits at 22 kHz: three minutes.
const SOUND_LIMIT: u64 = 3 * 60 * 22_050 * 2;

/// The most phonemes that one sentence has, in bytes.
const PHONEME_LIMIT: u64 = 20_000;

/// Words in a minute that can be asked for.
const SPEEDS: std::ops::RangeInclusive<u32> = 80..=450;

/// Speaks by the program `espeak-ng`, and spells text in phonemes for others.
#[derive(Clone, Debug)]
pub struct Espeak {
    program: PathBuf,
    voice: String,
    words_per_minute: String,
}

impl Espeak {
    /// The program at a path (see [`super::find_program`]), with one of its voices such as `en-us` or `de`, at
    /// so many words in a minute; 170 is a calm reader.
    ///
    /// # Errors
    /// A voice that is no name of one, or a speed nobody understands.
    pub fn new(program: &Path, voice: &str, words_per_minute: u32) -> Result<Self, SpeechError> {
        check_voice(voice)?;
        if !SPEEDS.contains(&words_per_minute) {
            return Err(SpeechError::Setting {
                voice: NAME,
                field: "words_per_minute",
                reason: format!(
                    "{words_per_minute} is not between {} and {}",
                    SPEEDS.start(),
                    SPEEDS.end()
                ),
            });
        }
        Ok(Self {
            program: program.to_owned(),
            voice: voice.to_owned(),
            words_per_minute: words_per_minute.to_string(),
        })
    }

    /// How a piece of text without punctuation is pronounced, in the International Phonetic Alphabet.
    pub(super) async fn phonemes(&self, text: &str, voice: &str) -> Result<String, SpeechError> {
        check_voice(voice)?;
        let arguments = ["-q", "--ipa", "-v", voice, "--stdin"];
        let output = run(NAME, &self.program, &arguments, text, PHONEME_LIMIT).await?;
        let output = String::from_utf8_lossy(&output);
        let lines: Vec<&str> = output.lines().map(str::trim).collect();
        Ok(without_switches(lines.join(" ").trim()))
    }

    async fn speak(&self, sentence: &str) -> Result<Sound, SpeechError> {
        let speed = self.words_per_minute.as_str();
        let arguments = ["--stdout", "-v", &self.voice, "-s", speed, "--stdin"];
        let text = shortened(sentence);
        let wav = run(NAME, &self.program, &arguments, text, SOUND_LIMIT)
            .await
            .map_err(|error| self.explained(error))?;
        read_wav(&wav).ok_or_else(|| SpeechError::Failed {
            voice: NAME,
            reason: "what it wrote is no sound".to_owned(),
        })
    }
}

impl Espeak {
    /// That there is no such voice is known only when it is to speak.
    fn explained(&self, error: SpeechError) -> SpeechError {
        match error {
            SpeechError::Failed { reason, .. } if reason.contains("voice does not exist") => {
                let voice = &self.voice;
                SpeechError::Setting {
                    voice: NAME,
                    field: "voice",
                    reason: format!(
                        "there is no voice {voice}; `espeak-ng --voices` lists them, such as en-us"
                    ),
                }
            }
            other => other,
        }
    }
}

impl Speaker for Espeak {
    fn name(&self) -> &str {
        NAME
    }

    fn say<'a>(&'a self, sentence: &'a str) -> Saying<'a> {
        Box::pin(self.speak(sentence))
    }
}

/// At most [`LONGEST_SENTENCE`] bytes of a sentence.
pub(super) fn shortened(sentence: &str) -> &str {
    let end = (0..=LONGEST_SENTENCE.min(sentence.len()))
        .rev()
        .find(|at| sentence.is_char_boundary(*at))
        .unwrap_or(0);
    &sentence[..end]
}

/// A voice is the name of one: the program takes paths and more for it.
fn check_voice(voice: &str) -> Result<(), SpeechError> {
    let is_name = !voice.is_empty()
        && voice.len() <= 40
        && !voice.starts_with('-')
        && voice
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+'));
    if is_name {
        return Ok(());
    }
    Err(SpeechError::Setting {
        voice: NAME,
        field: "voice",
        reason: "it is not the name of one; `espeak-ng --voices` lists them, such as en-us"
            .to_owned(),
    })
}

/// Without what the program says of a change of language: `(fr)`.
fn without_switches(phonemes: &str) -> String {
    let mut plain = String::with_capacity(phonemes.len());
    let mut is_inside = false;
    for c in phonemes.chars() {
        match c {
            '(' => is_inside = true,
            ')' => is_inside = false,
            _ if !is_inside => plain.push(c),
            _ => {}
        }
    }
    plain
}

/// The sound in a WAV file of 16 bits and one channel. Its lengths are not believed: the program writes them
/// before it knows.
fn read_wav(wav: &[u8]) -> Option<Sound> {
    let fields = wav.strip_prefix(b"RIFF")?.get(4..)?;
    fields.strip_prefix(b"WAVEfmt ")?;
    let number = |at: usize| wav.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes);
    let (format, channels, bits) = (number(20)?, number(22)?, number(34)?);
    let rate = u32::from_le_bytes(wav.get(24..28)?.try_into().ok()?);
    if (format, channels, bits) != (1, 1, 16) || wav.get(36..40)? != b"data" {
        return None;
    }
    let samples = wav.get(44..)?;
    let samples = samples
        .chunks_exact(2)
        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
        .collect();
    Some(Sound { rate, samples })
}
