//! Measures what listening and speaking cost, and prints it as a table.
//!
//! `cargo bench -p hearth-voice`. Silero is measured where HEARTH_ONNXRUNTIME names the library and its file
//! lies in ../shared; the first sound of speech where espeak-ng is installed. Times are the best of some
//! rounds, because other load on the machine only ever adds to them.

#![expect(
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a program to measure with: it is told by the environment, and counts little"
)]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hearth_voice::activity::{Activity, ActivityError, Earshot, Silero};
use hearth_voice::audio::{RATE, Sound};
use hearth_voice::codec::{self, CodecError, Limits};
use hearth_voice::onnx::Runtime;
use hearth_voice::resample::{RateError, convert};
use hearth_voice::speech::{Espeak, Speaker, SpeechError, find_program, speak};

/// Seconds of sound that are worked on.
const SECONDS: u32 = 30;

/// Rounds, of which the best counts.
const ROUNDS: usize = 5;

/// What an assistant says, with a first sentence that is cut at its comma.
const TEXT: &str = "I looked through all the tasks of the week, and the one that worries me most is the landing \
                    page, because nobody has it. Shall I give it to the seed? It would be done by Friday.";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sound = voice_like();
    println!("| what | time | part of real time |\n|---|---|---|");
    resampling(&sound)?;
    opus(&sound)?;
    activity("earshot, a frame of 16 ms", &mut Earshot::new(), &sound)?;
    match silero()? {
        Some(mut silero) => activity("Silero, a frame of 32 ms", &mut silero, &sound)?,
        None => println!("| Silero | not measured: no library or no model | |"),
    }
    first_sound()?;
    Ok(())
}

/// A buzz with syllables and a little noise: work for a codec, without a file.
fn voice_like() -> Sound {
    let mut noise: u32 = 1;
    let samples = (0..SECONDS * RATE)
        .map(|n| {
            let time = n as f32 / RATE as f32;
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = (noise >> 8) as f32 / (1 << 24) as f32 - 0.5;
            let pitch = 120.0 + 20.0 * (time * 2.0).sin();
            let buzz: f32 = (1..12)
                .map(|k| (time * pitch * k as f32 * std::f32::consts::TAU).sin() / k as f32)
                .sum();
            let syllable = (time * 4.0 * std::f32::consts::TAU).sin().max(0.0);
            (buzz * 0.2 * syllable + hiss * 0.02).clamp(-1.0, 1.0)
        })
        .collect();
    Sound {
        rate: RATE,
        samples,
    }
}

fn best<E>(mut work: impl FnMut() -> Result<(), E>) -> Result<Duration, E> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        work()?;
        best = best.min(begun.elapsed());
    }
    Ok(best)
}

fn per_second(what: &str, time: Duration) {
    let share = time.as_secs_f64() / f64::from(SECONDS);
    println!(
        "| {what}, a second of sound | {:.2} ms | {share:.5} |",
        share * 1_000.0
    );
}

fn resampling(sound: &Sound) -> Result<(), RateError> {
    let fast = sound.clone().at_rate(48_000)?.samples;
    let time = best(|| convert(fast.clone(), 48_000, RATE).map(drop))?;
    per_second("48 kHz to 16 kHz", time);
    Ok(())
}

fn opus(sound: &Sound) -> Result<(), CodecError> {
    let mut note = Vec::new();
    let time = best(|| {
        note = codec::encode_opus(sound)?;
        Ok::<(), CodecError>(())
    })?;
    per_second("Opus, encode with resampling", time);
    let time = best(|| {
        let hear = &mut |_: &[f32]| ControlFlow::Continue(());
        codec::decode_into(note.clone(), &Limits::default(), hear).map(drop)
    })?;
    per_second("Opus, decode with resampling", time);
    println!(
        "| Opus, a second of sound | {} bytes | |",
        note.len() / SECONDS as usize
    );
    Ok(())
}

fn activity(what: &str, activity: &mut dyn Activity, sound: &Sound) -> Result<(), ActivityError> {
    let frame = activity.frame();
    let count = sound.samples.len() / frame;
    let time = best(|| {
        for samples in sound.samples.chunks_exact(frame) {
            activity.probability(samples)?;
        }
        Ok(())
    })?;
    let each = time.as_secs_f64() / count as f64;
    let share = each * f64::from(RATE) / frame as f64;
    println!("| {what} | {:.1} µs | {share:.5} |", each * 1e6);
    Ok(())
}

fn silero() -> Result<Option<Silero>, Box<dyn std::error::Error>> {
    let model =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/voice/silero_vad.onnx");
    let library = std::env::var_os("HEARTH_ONNXRUNTIME").map(PathBuf::from);
    let Some(library) = library.filter(|_| model.exists()) else {
        return Ok(None);
    };
    Ok(Some(Silero::open(&Runtime::load(&library)?, &model)?))
}

fn first_sound() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(program) = find_program("espeak-ng", &path) else {
        println!("| espeak-ng, first sound | not measured: not installed | |");
        return Ok(());
    };
    let voice: Arc<dyn Speaker> = Arc::new(Espeak::new(&program, "en-us", 170)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let first = best(|| {
        runtime.block_on(async {
            let mut speech = speak(Arc::clone(&voice), TEXT)?;
            speech.next().await.transpose().map(drop)
        })
    })?;
    let all = best(|| {
        runtime.block_on(async {
            let mut speech = speak(Arc::clone(&voice), TEXT)?;
            while speech.next().await.transpose()?.is_some() {}
            Ok::<(), SpeechError>(())
        })
    })?;
    println!(
        "| espeak-ng, first sound of four | {:.1} ms | |",
        first.as_secs_f64() * 1e3
    );
    println!(
        "| espeak-ng, all four | {:.1} ms | |",
        all.as_secs_f64() * 1e3
    );
    Ok(())
}
