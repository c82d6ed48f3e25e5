use std::path::Path;
use std::time::Duration;

use super::*;
use crate::audio::{Clip, RATE, Segment};
use crate::codec::{Limits, decode};
use crate::onnx::Runtime;
use crate::test_support::{Noise, onnx_library, shared, tone};

/// Says what a test tells it to, frame by frame of 10 ms.
struct Told {
    probabilities: std::vec::IntoIter<f32>,
}

impl Activity for Told {
    fn frame(&self) -> usize {
        160
    }

    fn thresholds(&self) -> Thresholds {
        Thresholds {
            begins_above: 0.5,
            ends_below: 0.3,
        }
    }

    fn probability(&mut self, frame: &[f32]) -> Result<f32, ActivityError> {
        assert_eq!(frame.len(), 160);
        Ok(self.probabilities.next().unwrap_or(0.0))
    }

    fn reset(&mut self) {}
}

fn policy() -> Policy {
    Policy {
        onset: Duration::from_millis(100),
        hangover: Duration::from_millis(300),
        minimum: Duration::from_millis(250),
        padding: Duration::from_millis(100),
    }
}

/// The stretches in so many frames of speech and silence in turn, beginning with silence, each with how likely
/// speech is in it; in milliseconds.
fn check(stretches: &[(usize, f32)], expected: &[(u64, u64)]) {
    let probabilities: Vec<f32> = stretches
        .iter()
        .flat_map(|(frames, probability)| vec![*probability; *frames])
        .collect();
    let clip = Clip {
        samples: vec![0.0; probabilities.len() * 160],
    };
    let told = Told {
        probabilities: probabilities.into_iter(),
    };

    let found = segments(&clip, Box::new(told), policy()).unwrap();

    let found: Vec<(u64, u64)> = found
        .iter()
        .map(|segment| (millis(segment.start), millis(segment.end)))
        .collect();
    assert_eq!(found, expected);
}

fn millis(time: Duration) -> u64 {
    time.as_millis() as u64
}

#[test]
fn speech_is_found_with_a_little_around_it() {
    check(&[(50, 0.0), (40, 0.9), (60, 0.0)], &[(400, 1_000)]);
}

#[test]
fn a_pause_inside_a_sentence_does_not_cut_it() {
    check(
        &[(50, 0.0), (30, 0.9), (20, 0.0), (30, 0.9), (60, 0.0)],
        &[(400, 1_400)],
    );
}

#[test]
fn a_longer_pause_makes_two_of_it_that_do_not_overlap() {
    check(
        &[(50, 0.0), (30, 0.9), (35, 0.0), (30, 0.9), (60, 0.0)],
        &[(400, 900), (1_050, 1_550)],
    );
}

#[test]
fn a_click_never_begins_and_a_cough_is_dropped() {
    check(&[(50, 0.0), (5, 0.9), (60, 0.0)], &[]);
    check(&[(50, 0.0), (20, 0.9), (60, 0.0)], &[]);
}

#[test]
fn speech_that_is_less_sure_goes_on_but_does_not_begin() {
    check(&[(100, 0.4)], &[]);
    check(
        &[(50, 0.0), (20, 0.9), (20, 0.4), (60, 0.0)],
        &[(400, 1_000)],
    );
}

#[test]
fn noise_in_a_pause_does_not_make_speech_longer() {
    let click = [(50, 0.0), (40, 0.9), (5, 0.0), (5, 0.9), (60, 0.0)];
    check(&click, &[(400, 1_000)]);
}

#[test]
fn speech_up_to_the_end_ends_with_the_clip() {
    check(&[(5, 0.0), (40, 0.9)], &[(0, 450)]);
}

#[test]
fn a_stream_says_when_it_begins_and_how_long_it_is_silent() {
    let mut probabilities = vec![0.0; 20];
    probabilities.extend(vec![0.9; 30]);
    probabilities.extend(vec![0.0; 20]);
    let told = Told {
        probabilities: probabilities.into_iter(),
    };
    let mut detector = Detector::new(Box::new(told), policy());

    // Pieces that fit no frame: 29 frames, and half of one more.
    let began = detector.push(&vec![0.0; 29 * 160 + 80]).unwrap();
    assert_eq!(began, []);
    let began = detector.push(&[0.0; 80]).unwrap();
    assert_eq!(began, [Change::Began(Duration::from_millis(200))]);
    assert!(detector.is_speaking());
    assert_eq!(detector.silent_since(), None);

    detector.push(&vec![0.0; 30 * 160]).unwrap();
    assert_eq!(detector.silent_since(), Some(Duration::from_millis(500)));
    let ended = detector.finish().unwrap();
    let segment = Segment {
        start: Duration::from_millis(100),
        end: Duration::from_millis(600),
    };
    assert_eq!(ended, [Change::Ended(segment)]);
    assert!(!detector.is_speaking());
}

/// Where people speak in the clip, without what is added around.
fn bare(clip: &Clip, activity: Box<dyn Activity>) -> Vec<Segment> {
    let policy = Policy {
        padding: Duration::ZERO,
        ..Policy::default()
    };
    segments(clip, activity, policy).unwrap()
}

#[test]
fn earshot_finds_what_is_known_of_a_speech() {
    let test = "earshot_finds_what_is_known_of_a_speech";
    let Some(path) = shared(test, "jfk.wav") else {
        return;
    };
    let clip = decode(path, &Limits::default()).unwrap();

    let found = bare(&clip, Box::new(Earshot::new()));

    let known = [
        (300, 2_300),
        (3_300, 4_400),
        (5_400, 7_700),
        (8_200, 10_600),
    ];
    assert_eq!(found.len(), known.len(), "{found:?}");
    for (segment, (start, end)) in found.iter().zip(known) {
        assert!(millis(segment.start).abs_diff(start) <= 200, "{found:?}");
        assert!(millis(segment.end).abs_diff(end) <= 200, "{found:?}");
    }
}

#[test]
fn earshot_and_both_files_of_silero_find_the_same_within_150_ms() {
    let test = "earshot_and_both_files_of_silero_find_the_same_within_150_ms";
    let Some(speech) = shared(test, "jfk.wav") else {
        return;
    };
    let Some(library) = onnx_library(test) else {
        return;
    };
    let clip = decode(speech, &Limits::default()).unwrap();
    let runtime = Runtime::load(&library).unwrap();
    let ours = bare(&clip, Box::new(Earshot::new()));

    for name in ["silero_vad.onnx", "silero_vad_16k_op15.onnx"] {
        let Some(model) = shared(test, name) else {
            return;
        };
        let theirs = bare(&clip, Box::new(Silero::open(&runtime, &model).unwrap()));

        eprintln!("{name}\n  earshot {ours:?}\n  silero  {theirs:?}");
        assert_eq!(ours.len(), theirs.len());
        for (one, other) in ours.iter().zip(&theirs) {
            assert!(one.start.abs_diff(other.start) <= Duration::from_millis(150));
            assert!(one.end.abs_diff(other.end) <= Duration::from_millis(150));
        }
    }
}

#[test]
fn silero_hears_the_same_again_after_it_forgot() {
    let test = "silero_hears_the_same_again_after_it_forgot";
    let Some(speech) = shared(test, "jfk.wav") else {
        return;
    };
    let Some(library) = onnx_library(test) else {
        return;
    };
    let Some(model) = shared(test, "silero_vad.onnx") else {
        return;
    };
    let clip = decode(speech, &Limits::default()).unwrap();
    let runtime = Runtime::load(&library).unwrap();
    let mut silero = Silero::open(&runtime, &model).unwrap();
    let hear = |silero: &mut Silero| -> Vec<f32> {
        clip.samples
            .chunks_exact(512)
            .map(|frame| silero.probability(frame).unwrap())
            .collect()
    };

    let first = hear(&mut silero);
    silero.reset();
    let second = hear(&mut silero);

    assert_eq!(first, second);
    assert!(first.iter().any(|p| *p > 0.9) && first.iter().any(|p| *p < 0.1));
}

/// What the Silero inside whisper.cpp makes of a clip, frame by frame of 512 samples.
struct InWhisper {
    probabilities: std::vec::IntoIter<f32>,
}

impl InWhisper {
    fn listen(clip: &Clip, model: &Path) -> Self {
        use whisper_rs::{WhisperVadContext, WhisperVadContextParams};

        whisper_rs::install_logging_hooks();
        let mut parameters = WhisperVadContextParams::default();
        // More threads than there are cores wait for each other, and not for the work.
        parameters.set_n_threads(1);
        let mut context = WhisperVadContext::new(model.to_str().unwrap(), parameters).unwrap();
        context.detect_speech(&clip.samples).unwrap();
        Self {
            probabilities: context.probabilities().to_vec().into_iter(),
        }
    }
}

impl Activity for InWhisper {
    fn frame(&self) -> usize {
        512
    }

    /// Those that whisper.cpp has by default.
    fn thresholds(&self) -> Thresholds {
        Thresholds {
            begins_above: 0.5,
            ends_below: 0.35,
        }
    }

    fn probability(&mut self, _: &[f32]) -> Result<f32, ActivityError> {
        Ok(self.probabilities.next().unwrap())
    }

    fn reset(&mut self) {}
}

#[test]
fn earshot_and_the_silero_inside_whisper_cpp_find_the_same_within_150_ms() {
    let test = "earshot_and_the_silero_inside_whisper_cpp_find_the_same_within_150_ms";
    let Some(speech) = shared(test, "jfk.wav") else {
        return;
    };
    let Some(model) = shared(test, "ggml-silero-v6.2.0.bin") else {
        return;
    };
    let clip = decode(speech, &Limits::default()).unwrap();
    let ours = bare(&clip, Box::new(Earshot::new()));

    let theirs = bare(&clip, Box::new(InWhisper::listen(&clip, &model)));

    eprintln!("earshot {ours:?}\nwhisper {theirs:?}");
    assert_eq!(ours.len(), theirs.len());
    for (one, other) in ours.iter().zip(&theirs) {
        assert!(one.start.abs_diff(other.start) <= Duration::from_millis(150));
        assert!(one.end.abs_diff(other.end) <= Duration::from_millis(150));
    }
}

/// What machines and rooms sound like when nobody speaks, half an hour in all.
fn noises() -> Vec<(&'static str, Vec<f32>)> {
    const SECONDS: f32 = 225.0;
    let count = (SECONDS * RATE as f32) as usize;
    let silence = vec![0.0; count];
    let hiss = |loudness: f32| {
        Noise::new(7)
            .take(count)
            .map(|n| n * loudness)
            .collect::<Vec<f32>>()
    };
    let mut rumble = 0.0;
    let fan = Noise::new(3)
        .take(count)
        .map(|n| {
            rumble += (n - rumble) * 0.05;
            rumble * 0.8
        })
        .collect();
    let hum = [50.0, 100.0, 150.0]
        .into_iter()
        .map(|hertz| tone(hertz, SECONDS, RATE))
        .reduce(|sum, next| sum.iter().zip(next).map(|(a, b)| (a + b) * 0.5).collect())
        .unwrap_or_default();
    // Keys: short clicks at uneven times, each of a rattle that dies out within 20 ms.
    let mut typing = hiss(0.003);
    let mut at = 0;
    for gap in Noise::new(11) {
        at += (1_900.0 + gap * 900.0) as usize;
        if at + 400 > count {
            break;
        }
        for (n, rattle) in Noise::new(at as u32).take(400).enumerate() {
            typing[at + n] += rattle * 0.4 * (-(n as f32) / 80.0).exp();
        }
    }
    let chord = [261.6, 329.6, 392.0]
        .into_iter()
        .map(|hertz| tone(hertz, SECONDS, RATE))
        .reduce(|sum, next| sum.iter().zip(next).map(|(a, b)| (a + b) * 0.5).collect())
        .unwrap_or_default();
    let scale = (0..450)
        .flat_map(|step| {
            let hertz = 220.0 * 2.0f32.powf((step % 12) as f32 / 12.0);
            let note = tone(hertz, 0.5, RATE);
            let length = note.len() as f32;
            note.into_iter()
                .enumerate()
                .map(move |(n, s)| s * (1.0 - n as f32 / length))
        })
        .collect();
    vec![
        ("silence", silence),
        ("hiss", hiss(0.02)),
        ("loud hiss", hiss(0.3)),
        ("a fan", fan),
        ("hum", hum),
        ("typing", typing),
        ("a chord", chord),
        ("a scale", scale),
    ]
}

#[test]
fn earshot_hears_nobody_in_silence_and_noise() {
    // Music passes for speech here; Silero is not taken in by it, and whoever transcribes asks its own model
    // whether that was speech.
    let is_music = |name: &str| matches!(name, "a chord" | "a scale");

    for (name, samples) in noises().into_iter().filter(|(name, _)| !is_music(name)) {
        let found = segments(
            &Clip { samples },
            Box::new(Earshot::new()),
            Policy::default(),
        )
        .unwrap();

        assert_eq!(found, [], "{name}");
    }
}

#[test]
fn silero_hears_nobody_in_silence_and_noise() {
    let test = "silero_hears_nobody_in_silence_and_noise";
    let Some(library) = onnx_library(test) else {
        return;
    };
    let Some(model) = shared(test, "silero_vad.onnx") else {
        return;
    };
    let runtime = Runtime::load(&library).unwrap();

    for (name, samples) in noises() {
        let silero = Silero::open(&runtime, &model).unwrap();
        let found = segments(&Clip { samples }, Box::new(silero), Policy::default()).unwrap();

        assert_eq!(found, [], "{name}");
    }
}
