//! `hearth transcribe`: what is said in recordings. Works with no node running.

use std::io::{IsTerminal, Write, stderr};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use hearth_voice::audio::Clip;
use hearth_voice::codec::{self, CodecError, Ending, Limits};
use hearth_voice::transcription::{Options, Progress, Transcriber, Transcript};
use serde_json::{Value, json};

use crate::cli::Invocation;
use crate::output::text::{one_line, paragraphs};
use crate::output::{Output, note, print_line};
use crate::voice::transcriber;

/// Writes down what is said in recordings.
#[derive(Debug, Args)]
pub struct Transcribe {
    /// The recordings: WAV, FLAC, MP3, M4A or Ogg/Opus
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The language spoken, as two letters such as en; found out unless told here or by voice.language
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// Words that are likely, such as names
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
}

/// How a transcript is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// What was said, and nothing else
    Text,
    /// An object for each recording, one a line
    Json,
    /// Subtitles
    Srt,
    /// Subtitles for the web
    Vtt,
}

pub(super) async fn run(invocation: &Invocation, given: Transcribe) -> anyhow::Result<()> {
    let data_dir = invocation.data_dir();
    let settings = &invocation.loaded.settings.voice;
    let transcriber = transcriber(settings, &data_dir, &invocation.layers.environment)?;
    if !transcriber.is_local() {
        note(&format!(
            "the recordings are sent to {}, away from this machine",
            transcriber.name()
        ));
    }
    let format = match invocation.output {
        Output::Json => Format::Json,
        Output::Human => given.format,
    };
    let language = given.language.or_else(|| Some(settings.language.clone()));
    let options = Options {
        language: language.filter(|language| !language.is_empty()),
        prompt: given.prompt,
        wants_times: format != Format::Text,
        ..Options::default()
    };
    let is_one = given.files.len() == 1;
    let mut failed = 0;
    for file in &given.files {
        match transcribe(&*transcriber, file, &options).await {
            Ok(transcript) => print(file, &transcript, format, is_one)?,
            Err(error) if is_one => return Err(error),
            Err(error) => {
                failed += 1;
                note(&format!("hearth: {error:#}"));
            }
        }
    }
    match failed {
        0 => Ok(()),
        failed => bail!(
            "{failed} of {} recordings were not transcribed",
            given.files.len()
        ),
    }
}

async fn transcribe(
    transcriber: &dyn Transcriber,
    file: &Path,
    options: &Options,
) -> anyhow::Result<Transcript> {
    let shown = file.display().to_string();
    let source = file.to_owned();
    let clip = tokio::task::spawn_blocking(move || read(source)).await?;
    let (clip, ending) = clip.with_context(|| shown.clone())?;
    if ending == Ending::Cut {
        note(&format!(
            "{shown}: it breaks off in the middle; what there is of it is written down"
        ));
    }
    let line = ProgressLine::of(&shown);
    let options = Options {
        progress: line.as_ref().map(ProgressLine::progress),
        ..options.clone()
    };
    let transcript = transcriber.transcribe(&clip, &options).await;
    drop(line);
    let transcript = transcript.with_context(|| shown.clone())?;
    if transcript.is_silence {
        note(&format!("{shown}: nothing was said"));
    }
    Ok(transcript)
}

fn read(file: PathBuf) -> Result<(Clip, Ending), CodecError> {
    let mut samples = Vec::new();
    let ending = codec::decode_into(file, &Limits::default(), &mut |piece| {
        samples.extend_from_slice(piece);
        ControlFlow::Continue(())
    })?;
    Ok((Clip { samples }, ending))
}

fn print(file: &Path, transcript: &Transcript, format: Format, is_one: bool) -> anyhow::Result<()> {
    match format {
        Format::Json => return print_line(&object(file, transcript).to_string()),
        _ if !is_one => print_line(&format!("== {}", one_line(&file.display().to_string())))?,
        _ => {}
    }
    match format {
        Format::Text => print_line(&one_line(&transcript.text)),
        Format::Srt => print_line(&paragraphs(&transcript.to_srt())),
        Format::Vtt => print_line(&paragraphs(&transcript.to_vtt())),
        Format::Json => Ok(()),
    }
}

fn object(file: &Path, transcript: &Transcript) -> Value {
    let segments = transcript.segments.iter().map(|segment| {
        json!({
            "start": segment.start.as_secs_f64(),
            "end": segment.end.as_secs_f64(),
            "text": segment.text,
        })
    });
    json!({
        "file": file.display().to_string(),
        "text": transcript.text,
        "language": transcript.language,
        "duration": transcript.duration.as_secs_f64(),
        "is_silence": transcript.is_silence,
        "segments": segments.collect::<Vec<_>>(),
    })
}

/// How far it is, on a line of the terminal that is taken away again.
struct ProgressLine {
    name: Arc<str>,
    shown: Arc<AtomicU8>,
}

impl ProgressLine {
    /// None where nobody looks.
    fn of(file: &str) -> Option<Self> {
        stderr().is_terminal().then(|| Self {
            name: one_line(file).into(),
            shown: Arc::new(AtomicU8::new(u8::MAX)),
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a hundred"
    )]
    fn progress(&self) -> Progress {
        let (name, shown) = (Arc::clone(&self.name), Arc::clone(&self.shown));
        Arc::new(move |done| {
            let percent = (done * 100.0) as u8;
            if shown.swap(percent, Ordering::Relaxed) != percent {
                let _ = write!(stderr().lock(), "\r{name}: {percent} %\x1b[K");
                let _ = stderr().lock().flush();
            }
        })
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        let _ = write!(stderr().lock(), "\r\x1b[K");
    }
}
