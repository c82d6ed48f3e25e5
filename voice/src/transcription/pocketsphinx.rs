//! The program PocketSphinx with a grammar: exact for the sentences of the grammar, and deaf to all others.
//!
//! It takes anything said for the nearest sentence of the grammar, so it is for fixed commands and for tests,
//! and never chosen without being asked for.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::{
    Options, Segment, SpeechOnly, Transcriber, Transcribing, Transcript, TranscriptionError,
};
use crate::audio::Clip;

const NAME: &str = "pocketsphinx";

/// What it is given at once: some sentences.
const LONGEST_PART: Duration = Duration::from_mins(1);

/// How long it may take for that. It takes about as long as it sounds on a slow machine.
const TIME_LIMIT: Duration = Duration::from_mins(3);

/// How much it may say.
const OUTPUT_LIMIT: u64 = 64 * 1024;

/// How unlikely a sentence may be on the way to its end. Those of the program are for a whole language, and lose
/// sentences of a small grammar that are spoken by a machine or with an accent.
const BEAMS: [&str; 6] = ["-beam", "1e-80", "-pbeam", "1e-80", "-wbeam", "1e-60"];

/// What version 5 of the program is called.
const NEW_PROGRAM: &str = "pocketsphinx";

/// Recognises the sentences of a grammar.
#[derive(Clone, Debug)]
pub struct PocketSphinx {
    program: PathBuf,
    grammar: PathBuf,
}

impl PocketSphinx {
    /// Names of the program: that of version 5, and that of Debian 12.
    pub const PROGRAMS: [&str; 2] = [NEW_PROGRAM, "pocketsphinx_continuous"];

    /// The program at a path (one of [`PocketSphinx::PROGRAMS`], see [`crate::speech::find_program`]) with a grammar in JSGF,
    /// in English.
    ///
    /// # Errors
    /// There is no such grammar.
    pub fn new(program: &Path, grammar: &Path) -> Result<Self, TranscriptionError> {
        if !grammar.is_file() {
            return Err(TranscriptionError::Setting {
                field: "voice.grammar",
                reason: format!("there is no grammar at {}", grammar.display()),
            });
        }
        Ok(Self {
            program: program.to_owned(),
            grammar: grammar.to_owned(),
        })
    }

    /// The same behind an ear that lets nothing but speech through.
    ///
    /// # Errors
    /// As [`PocketSphinx::new`].
    pub fn speech_only(
        program: &Path,
        grammar: &Path,
    ) -> Result<SpeechOnly<Self>, TranscriptionError> {
        Ok(SpeechOnly::new(Self::new(program, grammar)?, LONGEST_PART))
    }

    async fn recognise(
        &self,
        clip: &Clip,
        options: &Options,
    ) -> Result<Transcript, TranscriptionError> {
        if !matches!(options.language()?.as_deref(), None | Some("en")) {
            return Err(TranscriptionError::Setting {
                field: "language",
                reason: "pocketsphinx hears English only here".to_owned(),
            });
        }
        let output = tokio::time::timeout(TIME_LIMIT, self.run(clip)).await;
        let output = output.map_err(|_| TranscriptionError::TimedOut { limit: TIME_LIMIT })??;
        let sentences = if self.is_new() {
            sentences_of_json(&output)
        } else {
            output.lines().map(str::to_owned).collect()
        };
        let duration = clip.duration();
        let segments = sentences.into_iter().map(|text| Segment {
            start: Duration::ZERO,
            end: duration,
            text,
        });
        Ok(Transcript::of(
            segments.collect(),
            Some("en".to_owned()),
            duration,
        ))
    }

    /// Version 5 takes other arguments and answers in JSON.
    fn is_new(&self) -> bool {
        self.program
            .file_name()
            .is_some_and(|name| name == NEW_PROGRAM)
    }

    fn arguments(&self) -> Vec<&std::ffi::OsStr> {
        let grammar = self.grammar.as_os_str();
        let words: &[&str] = if self.is_new() {
            &["-loglevel", "FATAL"]
        } else {
            &["-infile", "/dev/stdin", "-logfn", "/dev/null"]
        };
        let words = words.iter().chain(&BEAMS).chain(&["-jsgf"]);
        let mut arguments: Vec<_> = words.map(std::ffi::OsStr::new).collect();
        arguments.push(grammar);
        if self.is_new() {
            arguments.extend(["single", "-"].map(std::ffi::OsStr::new));
        }
        arguments
    }

    /// What the program says of a clip. Dropped, it kills the program.
    async fn run(&self, clip: &Clip) -> Result<String, TranscriptionError> {
        #[expect(clippy::disallowed_methods, reason = "a program that transcribes")]
        let mut child = Command::new(&self.program)
            .args(self.arguments())
            .env_clear()
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| self.does_not_start(&error))?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("it has no pipes"));
        };
        let samples = sixteen_bits(clip);
        let write = async {
            // A program that does not read to the end says why by how it exits.
            let _ = stdin.write_all(&samples).await;
            drop(stdin);
        };
        let ((), output) = tokio::join!(write, read(stdout));
        let output = output.map_err(|error| failed(&error.to_string()))?;
        let status = child.wait().await;
        match status {
            Ok(status) if status.success() => Ok(output),
            Ok(status) => Err(failed(&format!(
                "{status}; is {} a grammar in JSGF, and pocketsphinx-en-us installed?",
                self.grammar.display()
            ))),
            Err(error) => Err(failed(&error.to_string())),
        }
    }

    fn does_not_start(&self, error: &std::io::Error) -> TranscriptionError {
        if error.kind() == ErrorKind::NotFound {
            return TranscriptionError::Missing(format!(
                "{} is not installed; on Debian: apt install pocketsphinx pocketsphinx-en-us",
                self.program.display()
            ));
        }
        failed(&format!("it does not start: {error}"))
    }
}

impl Transcriber for PocketSphinx {
    fn name(&self) -> &'static str {
        NAME
    }

    fn transcribe<'a>(&'a self, clip: &'a Clip, options: &'a Options) -> Transcribing<'a> {
        Box::pin(self.recognise(clip, options))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "bounded before")]
fn sixteen_bits(clip: &Clip) -> Vec<u8> {
    let samples = clip.samples.iter();
    samples
        .map(|sample| (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16)
        .flat_map(i16::to_le_bytes)
        .collect()
}

async fn read(from: impl AsyncRead + Unpin) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    from.take(OUTPUT_LIMIT).read_to_end(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The text in each line of version 5's answer.
fn sentences_of_json(output: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Line {
        t: String,
    }
    let lines = output.lines();
    lines
        .filter_map(|line| serde_json::from_str::<Line>(line).ok())
        .map(|line| line.t)
        .collect()
}

fn failed(reason: &str) -> TranscriptionError {
    TranscriptionError::Failed {
        engine: NAME,
        reason: reason.to_owned(),
        is_transient: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_version_five_is_understood() {
        let output = "{\"b\":0.1,\"d\":1.2,\"p\":0.9,\"t\":\"go forward\",\"w\":[]}\nnoise\n";

        assert_eq!(sentences_of_json(output), ["go forward"]);
    }
}
