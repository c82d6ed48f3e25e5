//! What lets speech through, and what engines make of it.

mod company;
mod grammar;

use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::audio::RATE;
use crate::codec::{Limits, decode};
use crate::test_support::{Noise, shared, tone};

/// Writes a word for whatever reaches it, as a careless engine would.
#[derive(Default)]
struct Careless(Mutex<Vec<Duration>>);

impl Transcriber for Careless {
    fn name(&self) -> &'static str {
        "careless"
    }

    fn transcribe<'a>(&'a self, clip: &'a Clip, options: &'a Options) -> Transcribing<'a> {
        self.0.lock().unwrap().push(clip.duration());
        options.tell(0.5);
        let segment = Segment {
            start: Duration::ZERO,
            end: clip.duration(),
            text: " word ".to_owned(),
        };
        let transcript = Transcript::of(vec![segment], Some("en".to_owned()), clip.duration());
        Box::pin(async { Ok(transcript) })
    }
}

fn careless() -> SpeechOnly<Careless> {
    SpeechOnly::new(Careless::default(), Duration::from_secs(28))
}

async fn heard(samples: Vec<f32>) -> Transcript {
    let clip = Clip { samples };
    let options = Options::default();
    careless().transcribe(&clip, &options).await.unwrap()
}

/// Whether the long variants of tests are asked for.
#[expect(clippy::disallowed_methods, reason = "the flag is told by ./test")]
fn is_long() -> bool {
    std::env::var_os("HEARTH_LONG").is_some()
}

fn noise(seconds: f32, loudness: f32) -> Vec<f32> {
    let count = (seconds * RATE as f32) as usize;
    Noise::new(7)
        .take(count)
        .map(|one| one * loudness)
        .collect()
}

/// Mains hum with its overtones.
fn hum(seconds: f32) -> Vec<f32> {
    let mut hum = tone(50.0, seconds, RATE);
    for (overtone, loudness) in [(100.0, 0.5), (150.0, 0.3), (250.0, 0.2)] {
        for (sample, more) in hum.iter_mut().zip(tone(overtone, seconds, RATE)) {
            *sample += more * loudness;
        }
    }
    hum.iter().map(|sample| sample * 0.2).collect()
}

/// A click of 8 ms some six times in a second, never quite in time.
fn typing(seconds: f32) -> Vec<f32> {
    let mut typing = noise(seconds, 0.002);
    let mut times = Noise::new(3);
    let mut at = 0;
    while at + 128 < typing.len() {
        for (age, sample) in typing[at..at + 128].iter_mut().enumerate() {
            let noise = times.next().unwrap_or_default();
            *sample += noise * 0.4 * (-(age as f32) / 30.0).exp();
        }
        at += 2_000 + (times.next().unwrap_or_default().abs() * 1_500.0) as usize;
    }
    typing
}

/// Chords of three tones that fade, half a second each.
fn chords(seconds: f32) -> Vec<f32> {
    let chords = [
        [262.0, 330.0, 392.0],
        [220.0, 262.0, 330.0],
        [175.0, 220.0, 262.0],
    ];
    let count = (seconds * 2.0) as usize;
    let mut music = Vec::new();
    for chord in chords.iter().cycle().take(count) {
        let mut half = vec![0.0; RATE as usize / 2];
        for hertz in chord {
            for (sample, more) in half.iter_mut().zip(tone(*hertz, 0.5, RATE)) {
                *sample += more * 0.25;
            }
        }
        let faded = half.iter().enumerate();
        music.extend(faded.map(|(age, sample)| sample * (-(age as f32) / 3_000.0).exp()));
    }
    music
}

#[tokio::test]
async fn silence_and_noise_of_many_kinds_are_never_written_down() {
    // In the long form 30 minutes in all.
    let seconds = if is_long() { 225.0 } else { 12.0 };
    let kinds = [
        (
            "digital silence",
            vec![0.0; (seconds * RATE as f32) as usize],
        ),
        ("a faint hiss", noise(seconds, 0.003)),
        ("a hiss", noise(seconds, 0.05)),
        ("a loud hiss", noise(seconds, 0.5)),
        ("hum", hum(seconds)),
        ("typing", typing(seconds)),
        ("chords", chords(seconds)),
        ("a tone", tone(440.0, seconds, RATE)),
    ];

    for (kind, samples) in kinds {
        let transcript = heard(samples).await;

        assert!(transcript.is_silence, "{kind}: {:?}", transcript.segments);
        assert_eq!(transcript.text, "", "{kind}");
    }
}

#[tokio::test]
async fn a_clip_of_nothing_is_silence() {
    let transcript = heard(Vec::new()).await;

    assert_eq!(transcript, Transcript::silence(Duration::ZERO));
}

#[tokio::test]
async fn an_engine_hears_the_speech_of_a_clip_and_times_are_those_of_the_clip() {
    let test = "an_engine_hears_the_speech_of_a_clip_and_times_are_those_of_the_clip";
    let Some(recording) = shared(test, "jfk.wav") else {
        return;
    };
    let speech = decode(recording, &Limits::default()).unwrap();
    let before = 20 * RATE as usize;
    let mut clip = Clip {
        samples: vec![0.0; before],
    };
    clip.samples.extend(&speech.samples);
    clip.samples.extend(vec![0.0; before]);
    let told = std::sync::Arc::new(Mutex::new(Vec::new()));
    let listener = std::sync::Arc::clone(&told);
    let options = Options {
        progress: Some(Arc::new(move |done| listener.lock().unwrap().push(done))),
        ..Options::default()
    };
    let engine = careless();

    let transcript = engine.transcribe(&clip, &options).await.unwrap();

    let lengths = engine.engine().0.lock().unwrap().clone();
    assert_eq!(lengths.len(), 1, "{lengths:?}");
    assert!(lengths[0] < Duration::from_secs(12), "{lengths:?}");
    assert_eq!(transcript.text, "word");
    let segment = &transcript.segments[0];
    assert!(
        (19_900..20_600).contains(&segment.start.as_millis()),
        "{segment:?}"
    );
    assert!(
        (30_000..31_100).contains(&segment.end.as_millis()),
        "{segment:?}"
    );
    let told = told.lock().unwrap();
    assert!(told.is_sorted() && told.last() == Some(&1.0), "{told:?}");
}

#[tokio::test]
async fn a_clip_is_not_listened_to_for_somebody_who_gave_up() {
    let clip = Clip {
        samples: vec![0.0; RATE as usize],
    };
    let options = Options::default();
    options.cancel.cancel();

    let error = careless().transcribe(&clip, &options).await.unwrap_err();

    assert!(matches!(error, TranscriptionError::Cancelled), "{error}");
}

#[tokio::test]
async fn a_clip_of_more_than_two_hours_is_refused() {
    let clip = Clip {
        samples: vec![0.0; 2 * 60 * 60 * RATE as usize + 1],
    };
    let options = Options::default();

    let error = careless().transcribe(&clip, &options).await.unwrap_err();

    assert!(error.to_string().contains("120 minutes"), "{error}");
}

#[test]
fn a_prompt_is_cut_at_its_beginning_and_never_inside_a_letter() {
    let prompt = |text: &str| Options {
        prompt: Some(text.to_owned()),
        ..Options::default()
    };
    let long = prompt(&format!("{}end", "ä".repeat(400)));

    assert_eq!(prompt(" \0 ").prompt(), None);
    assert_eq!(prompt("a\0b").prompt().as_deref(), Some("a b"));
    let cut = long.prompt().unwrap();
    assert!(
        cut.ends_with("äend") && cut.len() <= Options::PROMPT_BYTES,
        "{cut}"
    );
}
