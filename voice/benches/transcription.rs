//! What transcribing costs: the whole way through the worker, against whisper.cpp called as its own program
//! calls it (five beams, all 30 seconds encoded, nothing cut away), on the same recording and threads.
//!
//! `cargo bench -p hearth-voice --bench transcription`; HEARTH_TEST_WHISPER_MODEL names a model with weights.
//! Without it the one without weights is used, which is encoded at full cost and decoded not at all.
#![expect(clippy::unwrap_used, reason = "it stops where it cannot measure")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hearth_voice::audio::Clip;
use hearth_voice::codec::{Limits, decode};
use hearth_voice::transcription::worker::Config;
use hearth_voice::transcription::{Options, Transcriber, Whisper};
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters};

const ROUNDS: usize = 5;

#[expect(clippy::disallowed_methods, reason = "the model is told by the caller")]
fn main() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/voice");
    let recording = shared.join("jfk.wav");
    if !recording.is_file() {
        println!("{} is absent: nothing to measure with", recording.display());
        return;
    }
    let given = std::env::var_os("HEARTH_TEST_WHISPER_MODEL").map(PathBuf::from);
    let has_weights = given.is_some();
    let model = given.unwrap_or_else(|| shared.join("for-tests-ggml-tiny.en.bin"));
    let clip = decode(recording, &Limits::default()).unwrap();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!(
        "{} on {threads} threads, with weights: {has_weights}",
        model.display()
    );

    let ours = ours(&model, &clip, threads);
    let theirs = theirs(&model, &clip, threads);
    let factor = |time: Duration| time.as_secs_f64() / clip.duration().as_secs_f64();
    println!(
        "ours                    {ours:?}, real-time factor {:.3}",
        factor(ours)
    );
    println!(
        "whisper.cpp as it comes {theirs:?}, real-time factor {:.3}",
        factor(theirs)
    );
    println!(
        "ratio                   {:.2}",
        factor(ours) / factor(theirs)
    );
}

fn ours(model: &Path, clip: &Clip, threads: usize) -> Duration {
    let worker = PathBuf::from(env!("CARGO_BIN_EXE_hearth-voice-worker"));
    let whisper = Whisper::speech_only(Config {
        threads,
        accepts_no_weights: true,
        ..Config::new(worker, Vec::new(), model.to_owned())
    });
    let whisper = whisper.unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.unwrap();
    let options = Options {
        language: Some("en".to_owned()),
        wants_times: true,
        ..Options::default()
    };
    let transcribe = || {
        let began = Instant::now();
        runtime
            .block_on(whisper.transcribe(clip, &options))
            .unwrap();
        began.elapsed()
    };
    let first = transcribe();
    let typical = median((0..ROUNDS).map(|_| transcribe()).collect());
    println!("start and first clip    {first:?}");
    let id = whisper.engine().worker_id().unwrap_or_default();
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    for name in ["VmPeak", "VmHWM", "VmRSS"] {
        let line = status.lines().find(|line| line.starts_with(name));
        println!("worker                  {}", line.unwrap_or("unknown"));
    }
    typical
}

fn theirs(model: &Path, clip: &Clip, threads: usize) -> Duration {
    whisper_rs::install_logging_hooks();
    let mut parameters = WhisperContextParameters::default();
    parameters.use_gpu(false);
    let context = WhisperContext::new_with_params(model, parameters).unwrap();
    let mut state = context.create_state().unwrap();
    let mut transcribe = || {
        let began = Instant::now();
        let mut parameters = FullParams::new(SamplingStrategy::BeamSearch {
            beam_size: 5,
            patience: -1.0,
        });
        parameters.set_n_threads(i32::try_from(threads).unwrap());
        parameters.set_language(Some("en"));
        parameters.set_print_progress(false);
        parameters.set_print_realtime(false);
        state.full(parameters, &clip.samples).unwrap();
        began.elapsed()
    };
    transcribe();
    median((0..ROUNDS).map(|_| transcribe()).collect())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
