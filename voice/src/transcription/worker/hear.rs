//! whisper.cpp, inside the worker.

use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState,
};

use super::message::{Fault, Heard, Report, Task};
use super::process::is_about_memory;
use super::stage::report;
use crate::audio::{RATE, duration_of};

/// What is less likely speech than this is dropped: Whisper's own measure, at its authors' threshold.
const NO_SPEECH: f32 = 0.6;

/// Below this length the encoder works on the clip's length and not on 30 seconds, at half the cost.
const SHORT: Duration = Duration::from_secs(15);

/// Steps of the encoder in a second, and in all.
const STEPS_PER_SECOND: f32 = 50.0;
const STEPS: i32 = 1_500;

/// Steps beyond the clip's end. With none, words at the end are lost or said twice.
const STEPS_BEYOND: i32 = 128;

/// Pieces of words in a second at most: nobody says six words in a second, and few words have more than two.
const TOKENS_PER_SECOND: f32 = 12.0;

/// The clip under way, and the last one to be given up. Numbers rise.
static AT_WORK: AtomicU64 = AtomicU64::new(0);
static GIVEN_UP: AtomicU64 = AtomicU64::new(0);

/// The last complaint of whisper.cpp.
static COMPLAINT: Mutex<String> = Mutex::new(String::new());

/// Gives up a clip, whether it is under way or comes next.
pub(super) fn give_up(id: u64) {
    GIVEN_UP.fetch_max(id, Ordering::AcqRel);
}

fn is_given_up() -> bool {
    GIVEN_UP.load(Ordering::Acquire) >= AT_WORK.load(Ordering::Acquire)
}

type Failure = (Fault, String);

/// A loaded model.
pub(super) struct Listener {
    context: WhisperContext,
    state: WhisperState,
}

impl Listener {
    pub(super) fn load(model: &Path) -> Result<Self, Failure> {
        let mut parameters = WhisperContextParameters::default();
        parameters.use_gpu(false);
        let context = WhisperContext::new_with_params(model, parameters)
            .map_err(|_| failure(Fault::Model, "whisper.cpp does not load it"))?;
        let state = context
            .create_state()
            .map_err(|_| failure(Fault::Memory, "there is no room to compute in"))?;
        Ok(Self { context, state })
    }

    pub(super) fn hear(&mut self, task: &Task, samples: &[f32]) -> Result<Report, Failure> {
        AT_WORK.store(task.id, Ordering::Release);
        let parameters = self.parameters(task, samples)?;
        let done = self.state.full(parameters, samples);
        if is_given_up() {
            return Err((Fault::Cancelled, "it was cancelled".to_owned()));
        }
        done.map_err(|error| failure(Fault::Engine, &error.to_string()))?;
        let segments = (0..self.state.full_n_segments())
            .filter_map(|index| self.segment(index))
            .collect();
        let language = whisper_rs::get_lang_str(self.state.full_lang_id_from_state());
        Ok(Report::Done {
            id: task.id,
            segments,
            language: language.map(str::to_owned),
        })
    }

    fn segment(&self, index: i32) -> Option<Heard> {
        let segment = self.state.get_segment(index)?;
        if segment.no_speech_probability() > NO_SPEECH {
            return None;
        }
        let millis = |hundredths: i64| u64::try_from(hundredths.max(0)).unwrap_or(0) * 10;
        Some(Heard {
            start_ms: millis(segment.start_timestamp()),
            end_ms: millis(segment.end_timestamp()),
            text: segment.to_str_lossy().ok()?.trim().to_owned(),
        })
    }

    fn parameters<'a>(
        &self,
        task: &'a Task,
        samples: &[f32],
    ) -> Result<FullParams<'a, 'a>, Failure> {
        let duration = duration_of(samples.len(), RATE);
        let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        parameters.set_n_threads(i32::try_from(task.threads.max(1)).unwrap_or(1));
        parameters.set_language(self.language(task.language.as_deref())?);
        if let Some(prompt) = &task.prompt {
            parameters.set_initial_prompt(&prompt.replace('\0', " "));
        }
        // Nothing of an earlier clip, no music notes or noises, no end without an end.
        parameters.set_no_context(true);
        parameters.set_suppress_blank(true);
        parameters.set_suppress_nst(true);
        parameters.set_max_tokens(most_tokens(duration));
        parameters.set_no_speech_thold(NO_SPEECH);
        parameters.set_no_timestamps(!task.wants_times);
        parameters.set_single_segment(!task.wants_times);
        if duration < SHORT {
            parameters.set_audio_ctx(steps(duration));
        }
        parameters.set_print_special(false);
        parameters.set_print_progress(false);
        parameters.set_print_realtime(false);
        parameters.set_print_timestamps(false);
        stop_if(&mut parameters, is_given_up);
        parameters.set_progress_callback_safe::<_, fn(i32)>(Some(tell as fn(i32)));
        Ok(parameters)
    }

    /// The language to hear; none to find it out.
    fn language<'a>(&self, asked: Option<&'a str>) -> Result<Option<&'a str>, Failure> {
        if !self.context.is_multilingual() {
            return match asked {
                None | Some("en") => Ok(Some("en")),
                Some(other) => Err((
                    Fault::Language,
                    format!("the model hears English only, and not {other}; use one without .en"),
                )),
            };
        }
        match asked {
            Some(language) if whisper_rs::get_lang_id(language).is_none() => Err((
                Fault::Language,
                format!("Whisper knows no language {language}; use two letters, such as en or de"),
            )),
            asked => Ok(asked),
        }
    }
}

/// Has whisper.cpp ask now and then whether it should stop. What it asks must hold nothing: `whisper-rs` 0.16
/// hands it a pointer to something else, which does not matter where there is nothing to point to.
fn stop_if<F: FnMut() -> bool + 'static>(parameters: &mut FullParams<'_, '_>, ask: F) {
    const { assert!(size_of::<F>() == 0) };
    parameters.set_abort_callback_safe::<Option<F>, F>(Some(ask));
}

fn tell(percent: i32) {
    report(&Report::Progress {
        id: AT_WORK.load(Ordering::Acquire),
        percent: u8::try_from(percent.clamp(0, 100)).unwrap_or(100),
    });
}

#[expect(clippy::cast_possible_truncation, reason = "bounded")]
fn steps(duration: Duration) -> i32 {
    let steps = (duration.as_secs_f32() * STEPS_PER_SECOND).ceil() as i32;
    (steps + STEPS_BEYOND).clamp(256, STEPS)
}

#[expect(clippy::cast_possible_truncation, reason = "bounded")]
fn most_tokens(duration: Duration) -> i32 {
    let tokens = (duration.as_secs_f32().min(30.0) * TOKENS_PER_SECOND).ceil() as i32;
    (tokens + 16).min(224)
}

/// What failed, with what whisper.cpp said of it.
fn failure(fault: Fault, what: &str) -> Failure {
    let complaint = COMPLAINT.lock().unwrap_or_else(PoisonError::into_inner);
    if is_about_memory(&complaint) {
        return (Fault::Memory, complaint.clone());
    }
    if complaint.is_empty() {
        return (fault, what.to_owned());
    }
    (fault, format!("{what} ({complaint})"))
}

/// Has what whisper.cpp says written to standard error, where the node reads it. What it says of each word it
/// hears is left out: nobody is to read that in a log.
pub(super) fn begin_log() {
    if log::set_logger(&Lines).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
    whisper_rs::install_logging_hooks();
}

struct Lines;

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Info
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = record.args().to_string();
        let level = match record.level() {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info | Level::Debug | Level::Trace => "info",
        };
        if record.level() == Level::Error {
            let mut complaint = COMPLAINT.lock().unwrap_or_else(PoisonError::into_inner);
            text.trim().clone_into(&mut complaint);
        }
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            eprintln!("{level}: {line}");
        }
    }

    fn flush(&self) {}
}
