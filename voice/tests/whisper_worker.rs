//! Whisper's worker process: loaded, cancelled, killed, starved of memory, given broken files. The model is
//! one without weights, which does everything a real one does and hears nothing.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a test stops where it cannot go on, and its sound is short"
)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hearth_voice::audio::Clip;
use hearth_voice::codec::{Limits, decode};
use hearth_voice::transcription::worker::Config;
use hearth_voice::transcription::{Options, Transcriber, TranscriptionError, Whisper};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio_util::sync::CancellationToken;

/// A busy machine is slow.
const PATIENCE: Duration = Duration::from_mins(1);

#[expect(
    clippy::disallowed_methods,
    reason = "the file to count skipped tests in is told by ./test"
)]
fn skip(test: &str, reason: &str) {
    use std::io::Write;
    eprintln!("SKIPPED {test}: {reason}");
    if let Some(path) = std::env::var_os("HEARTH_SKIP_LOG") {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path);
        writeln!(log.unwrap(), "{test}: {reason}").unwrap();
    }
}

fn shared(test: &str, name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/voice")
        .join(name);
    if path.is_file() {
        return Some(path);
    }
    skip(test, &format!("../shared/data/voice/{name} is absent"));
    None
}

fn weightless(test: &str) -> Option<PathBuf> {
    shared(test, "for-tests-ggml-tiny.en.bin")
}

fn config(model: &Path) -> Config {
    let worker = PathBuf::from(env!("CARGO_BIN_EXE_hearth-voice-worker"));
    Config {
        accepts_no_weights: true,
        ..Config::new(worker, Vec::new(), model.to_owned())
    }
}

/// Not silent, so that nothing is passed over.
fn clip(seconds: usize) -> Clip {
    let samples = (0..seconds * 16_000).map(|n| (n as f32 * 0.05).sin() * 0.3);
    Clip {
        samples: samples.collect(),
    }
}

async fn transcribe(whisper: &Whisper, clip: &Clip) -> Result<String, TranscriptionError> {
    let transcript = whisper.transcribe(clip, &Options::default()).await?;
    Ok(transcript.text)
}

fn is_alive(id: u32) -> bool {
    kill(Pid::from_raw(id.cast_signed()), None).is_ok()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it was never so: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_worker_is_started_when_needed_and_serves_more_than_once() {
    let Some(model) = weightless("a_worker_is_started_when_needed_and_serves_more_than_once")
    else {
        return;
    };
    let whisper = Whisper::new(config(&model)).unwrap();
    assert_eq!(whisper.worker_id(), None);

    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let options = Options {
        progress: Some(Arc::new(move |done| heard.lock().unwrap().push(done))),
        wants_times: true,
        prompt: Some("Hearth, the garden \0 project".to_owned()),
        ..Options::default()
    };
    let first = whisper.transcribe(&clip(3), &options).await.unwrap();
    let worker = whisper.worker_id();
    let second = whisper.transcribe(&clip(20), &options).await.unwrap();

    assert!(first.is_silence && second.is_silence);
    assert_eq!(second.duration, Duration::from_secs(20));
    assert!(worker.is_some());
    assert_eq!(whisper.worker_id(), worker, "the same worker did both");
    assert!(told.lock().unwrap().contains(&1.0), "{told:?}");
}

#[tokio::test]
async fn an_idle_worker_is_stopped_and_another_started_when_needed() {
    let Some(model) = weightless("an_idle_worker_is_stopped_and_another_started_when_needed")
    else {
        return;
    };
    let idle = Duration::from_millis(50);
    let whisper = Whisper::new(Config {
        idle,
        ..config(&model)
    })
    .unwrap();

    transcribe(&whisper, &clip(1)).await.unwrap();
    until("the worker is stopped", || whisper.worker_id().is_none()).await;

    transcribe(&whisper, &clip(1)).await.unwrap();
}

#[tokio::test]
async fn a_worker_that_is_killed_in_the_middle_fails_one_transcript_only() {
    let Some(model) = weightless("a_worker_that_is_killed_in_the_middle_fails_one_transcript_only")
    else {
        return;
    };
    let whisper = Arc::new(Whisper::new(config(&model)).unwrap());
    let at_work = tokio::spawn({
        let whisper = Arc::clone(&whisper);
        async move { transcribe(&whisper, &clip(120)).await }
    });
    until("a worker runs", || whisper.worker_id().is_some()).await;
    let worker = whisper.worker_id().unwrap();

    kill(Pid::from_raw(worker.cast_signed()), Signal::SIGKILL).unwrap();

    let error = at_work.await.unwrap().unwrap_err();
    assert!(
        matches!(error, TranscriptionError::WorkerDied { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("signal 9"), "{error}");
    assert!(error.is_transient());
    transcribe(&whisper, &clip(1)).await.unwrap();
    assert_ne!(whisper.worker_id(), Some(worker));
}

#[tokio::test]
async fn a_cancelled_transcript_ends_at_once_and_leaves_the_worker_fit_for_the_next() {
    let test = "a_cancelled_transcript_ends_at_once_and_leaves_the_worker_fit_for_the_next";
    let Some(model) = weightless(test) else {
        return;
    };
    let whisper = Whisper::new(config(&model)).unwrap();
    transcribe(&whisper, &clip(1)).await.unwrap();
    let worker = whisper.worker_id();
    let cancel = CancellationToken::new();
    let options = Options {
        cancel: cancel.clone(),
        ..Options::default()
    };
    // Each step of it is short, so that there is no reason to kill the worker, whatever else runs here.
    let short = clip(2);

    let (result, ()) = tokio::join!(whisper.transcribe(&short, &options), async {
        tokio::task::yield_now().await;
        cancel.cancel();
    });

    assert!(
        matches!(result, Err(TranscriptionError::Cancelled)),
        "{result:?}"
    );
    transcribe(&whisper, &clip(1)).await.unwrap();
    assert_eq!(
        whisper.worker_id(),
        worker,
        "the worker was not killed for it"
    );
}

#[tokio::test]
async fn a_transcript_that_nobody_waits_for_is_given_up() {
    let Some(model) = weightless("a_transcript_that_nobody_waits_for_is_given_up") else {
        return;
    };
    let whisper = Whisper::new(config(&model)).unwrap();
    let long = clip(120);
    let options = Options::default();
    drop(tokio::time::timeout(Duration::ZERO, whisper.transcribe(&long, &options)).await);

    let began = Instant::now();
    transcribe(&whisper, &clip(1)).await.unwrap();

    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test]
async fn a_worker_has_no_more_memory_than_it_may() {
    let Some(model) = weightless("a_worker_has_no_more_memory_than_it_may") else {
        return;
    };
    let memory_bytes = 64 * 1024 * 1024;
    let whisper = Whisper::new(Config {
        memory_bytes,
        ..config(&model)
    })
    .unwrap();

    let error = transcribe(&whisper, &clip(1)).await.unwrap_err();

    assert!(
        matches!(error, TranscriptionError::OutOfMemory { limit_bytes } if limit_bytes == memory_bytes),
        "{error}"
    );
    assert!(error.to_string().contains("64 MiB"), "{error}");
}

#[tokio::test]
async fn a_part_that_takes_too_long_is_given_up_with_its_worker() {
    let Some(model) = weightless("a_part_that_takes_too_long_is_given_up_with_its_worker") else {
        return;
    };
    let whisper = Whisper::new(Config {
        part_limit: Duration::ZERO,
        ..config(&model)
    })
    .unwrap();

    let error = transcribe(&whisper, &clip(60)).await.unwrap_err();

    assert!(
        matches!(error, TranscriptionError::TimedOut { .. }),
        "{error}"
    );
    assert_eq!(whisper.worker_id(), None);
}

#[tokio::test]
async fn more_than_may_wait_are_turned_away() {
    let Some(model) = weightless("more_than_may_wait_are_turned_away") else {
        return;
    };
    let whisper = Whisper::new(Config {
        queue: 1,
        ..config(&model)
    })
    .unwrap();
    let (clip, options) = (clip(28), Options::default());

    let asked: Vec<_> = (0..4)
        .map(|_| whisper.transcribe(&clip, &options))
        .collect();
    let results = futures(asked).await;

    let busy = |result: &Result<_, _>| matches!(result, Err(TranscriptionError::Busy { .. }));
    assert!(results.iter().any(busy), "{results:?}");
    assert!(results.iter().any(Result::is_ok), "{results:?}");
}

/// Waits for all at once.
async fn futures<F: Future + Unpin>(mut all: Vec<F>) -> Vec<F::Output> {
    let mut done: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (one, done) in all.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(output) = std::pin::Pin::new(one).poll(context)
            {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_missing_cut_or_foreign_model_is_told_apart() {
    let Some(model) = weightless("a_missing_cut_or_foreign_model_is_told_apart") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bin");
    let whisper = Whisper::new(config(&path)).unwrap();
    let said = async || transcribe(&whisper, &clip(1)).await.unwrap_err();

    let missing = said().await;
    assert!(
        matches!(missing, TranscriptionError::NoModel { .. }),
        "{missing}"
    );
    assert!(missing.to_string().contains("hearth models pull"));

    let whole = std::fs::read(&model).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let cut = said().await;
    assert!(
        matches!(cut, TranscriptionError::ModelBroken { .. }),
        "{cut}"
    );
    assert!(cut.to_string().contains("breaks off"), "{cut}");

    std::fs::write(&path, "<html>not found</html>").unwrap();
    let foreign = said().await;
    assert!(
        foreign.to_string().contains("no model of whisper.cpp"),
        "{foreign}"
    );
    assert_eq!(
        whisper.worker_id(),
        None,
        "nothing is started for such a file"
    );
}

#[tokio::test]
async fn a_model_without_weights_is_refused_unless_it_is_meant() {
    let Some(model) = weightless("a_model_without_weights_is_refused_unless_it_is_meant") else {
        return;
    };
    let whisper = Whisper::new(Config {
        accepts_no_weights: false,
        ..config(&model)
    })
    .unwrap();

    let error = transcribe(&whisper, &clip(1)).await.unwrap_err();

    assert!(error.to_string().contains("holds no weights"), "{error}");
}

#[tokio::test]
async fn a_model_that_is_replaced_is_loaded_anew() {
    let Some(model) = weightless("a_model_that_is_replaced_is_loaded_anew") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bin");
    std::fs::copy(&model, &path).unwrap();
    let whisper = Whisper::new(config(&path)).unwrap();
    transcribe(&whisper, &clip(1)).await.unwrap();
    let before = whisper.worker_id();

    std::fs::copy(&model, folder.path().join("new.bin")).unwrap();
    std::fs::rename(folder.path().join("new.bin"), &path).unwrap();
    transcribe(&whisper, &clip(1)).await.unwrap();

    assert_ne!(whisper.worker_id(), before);
}

#[tokio::test]
async fn a_language_that_the_model_does_not_hear_is_refused_by_name() {
    let Some(model) = weightless("a_language_that_the_model_does_not_hear_is_refused_by_name")
    else {
        return;
    };
    let whisper = Whisper::new(config(&model)).unwrap();
    let said = async |language: &str| {
        let options = Options {
            language: Some(language.to_owned()),
            ..Options::default()
        };
        let result = whisper.transcribe(&clip(1), &options).await;
        result.map(|_| ()).map_err(|error| error.to_string())
    };

    assert_eq!(said("en").await, Ok(()));
    let german = said("de").await.unwrap_err();
    assert!(
        german.contains("language") && german.contains("English only"),
        "{german}"
    );
    let wrong = said("Deutsch").await.unwrap_err();
    assert!(wrong.contains("two letters"), "{wrong}");
}

#[tokio::test]
async fn nobody_is_left_behind_when_the_transcriber_goes() {
    let Some(model) = weightless("nobody_is_left_behind_when_the_transcriber_goes") else {
        return;
    };
    let whisper = Whisper::new(config(&model)).unwrap();
    transcribe(&whisper, &clip(1)).await.unwrap();
    let worker = whisper.worker_id().unwrap();

    drop(whisper);

    until("the worker is gone", || !is_alive(worker)).await;
}

/// A message as the node sends it.
fn message(json: &str) -> Vec<u8> {
    let mut message = u32::try_from(json.len()).unwrap().to_le_bytes().to_vec();
    message.extend(json.as_bytes());
    message
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a worker without its supervisor")]
fn a_worker_in_the_middle_of_its_work_ends_when_the_node_is_gone() {
    use std::io::{Read, Write};
    let Some(model) = weightless("a_worker_in_the_middle_of_its_work_ends_when_the_node_is_gone")
    else {
        return;
    };
    let mut worker = std::process::Command::new(env!("CARGO_BIN_EXE_hearth-voice-worker"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = worker.stdin.take().unwrap();
    let path = model.to_str().unwrap();
    let load = format!(r#"{{"load":{{"model":"{path}","memory_bytes":3000000000}}}}"#);
    stdin.write_all(&message(&load)).unwrap();
    let mut ready = [0; 11];
    worker
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut ready)
        .unwrap();
    assert_eq!(&ready[4..], br#""ready""#);
    let samples = clip(300).samples;
    let task = format!(
        r#"{{"transcribe":{{"id":1,"language":null,"prompt":null,"wants_times":false,"threads":1,"samples":{}}}}}"#,
        samples.len()
    );
    stdin.write_all(&message(&task)).unwrap();
    let samples: Vec<u8> = samples.iter().flat_map(|one| one.to_le_bytes()).collect();
    stdin.write_all(&samples).unwrap();

    // What the kernel does where the node is killed.
    drop(stdin);

    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = worker.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "the worker goes on for nobody");
        std::thread::park_timeout(Duration::from_millis(5));
    };
    let mut rest = Vec::new();
    worker
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut rest)
        .unwrap();
    assert_eq!(status.code(), Some(0));
    let rest = String::from_utf8_lossy(&rest);
    assert!(!rest.contains("done"), "it had not ended its work: {rest}");
}

/// With real weights only: they are nowhere here unless somebody names them.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the model is told by the caller")]
async fn real_speech_is_written_down_and_silence_is_not() {
    let test = "real_speech_is_written_down_and_silence_is_not";
    let Some(model) = std::env::var_os("HEARTH_TEST_WHISPER_MODEL") else {
        skip(test, "HEARTH_TEST_WHISPER_MODEL names no Whisper model");
        return;
    };
    let Some(recording) = shared(test, "jfk.wav") else {
        return;
    };
    let clip = decode(recording, &Limits::default()).unwrap();
    let whisper = Whisper::speech_only(Config {
        accepts_no_weights: false,
        ..config(Path::new(&model))
    })
    .unwrap();
    let options = Options {
        language: Some("en".to_owned()),
        wants_times: true,
        ..Options::default()
    };

    let spoken = whisper.transcribe(&clip, &options).await.unwrap();
    let silence = Clip {
        samples: vec![0.0; 16_000 * 20],
    };
    let silent = whisper.transcribe(&silence, &options).await.unwrap();

    let text = spoken.text.to_lowercase();
    for word in ["fellow", "americans", "ask", "country"] {
        assert!(text.contains(word), "no {word} in {text}");
    }
    let last = spoken.segments.last().unwrap();
    assert!(
        last.end <= spoken.duration && last.end.as_secs() >= 9,
        "{last:?}"
    );
    assert!(silent.is_silence && silent.text.is_empty());
}
