//! A microphone and a loudspeaker that are really opened: what is played into the sink of the sound server is
//! heard from that sink's monitor.
//!
//! The sound system reads its files from the environment. So each test starts itself again in one of its own.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use hearth_tests::sound::{SoundServer, no_card};
use hearth_voice::audio::{RATE, Sound};
use hearth_voice::device::{
    Capture, DeviceError, Heard, Kind, Loudspeaker, Microphone, microphones,
};
use tokio::time::timeout;

use crate::{Garbled, until_heard};

/// Set in the process that does the work.
const INSIDE: &str = "HEARTH_TEST_SOUND";
/// How long a busy machine may take.
const LIMIT: Duration = Duration::from_secs(30);

#[expect(clippy::disallowed_methods, reason = "set by the test itself")]
fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs `work` in a process of its own that hears a sound server. Called with the test's own name.
fn with_server<F>(test: &str, work: impl FnOnce() -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    if is_inside() {
        return runtime()?.block_on(work());
    }
    if let Some(server) = SoundServer::start(test)? {
        again(test, &server.environment())?;
    }
    Ok(())
}

/// Runs a test again in a process of its own, and returns what it wrote on the terminal.
#[expect(clippy::disallowed_methods, reason = "starts the test itself")]
fn again(test: &str, environment: &[(String, String)]) -> anyhow::Result<String> {
    let home = tempfile::tempdir()?;
    let output = Command::new(std::env::current_exe()?)
        .args(["--exact", &format!("devices::{test}"), "--nocapture"])
        .env(INSIDE, test)
        .env("HOME", home.path())
        .envs(environment.iter().cloned())
        .output()?;
    let written = String::from_utf8_lossy(&output.stderr).into_owned();
    let counted = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success() && counted.contains("1 passed"),
        "{test}, inside: {counted}\n{written}"
    );
    Ok(written)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.worker_threads(2).enable_all().build()?)
}

/// A second of a tone.
#[expect(clippy::cast_precision_loss, reason = "a second has few samples")]
fn tone() -> Sound {
    let samples = (0..RATE)
        .map(|n| (n as f32 * 600.0 * std::f32::consts::TAU / RATE as f32).sin() * 0.5)
        .collect();
    Sound {
        rate: RATE,
        samples,
    }
}

fn is_above(samples: &[f32], level: f32) -> bool {
    samples.iter().any(|sample| sample.abs() > level)
}

fn is_loud(samples: &[f32]) -> bool {
    is_above(samples, 0.2)
}

#[test]
fn what_the_loudspeaker_plays_the_microphone_hears() -> anyhow::Result<()> {
    let test = "what_the_loudspeaker_plays_the_microphone_hears";
    with_server(test, || async {
        let mut microphone = Microphone::open(None).await?;
        let mut loudspeaker = Loudspeaker::open(None).await?;

        let heard = async {
            while !is_loud(&microphone.next().await?) {}
            anyhow::Ok(())
        };
        let both = async { tokio::try_join!(async { Ok(loudspeaker.play(tone()).await?) }, heard) };
        timeout(LIMIT, both).await??;
        Ok(())
    })
}

/// The last tenth of a second is louder than the rest, so that it is known when it is heard: sound servers may
/// lose some of the beginning.
#[test]
fn what_was_played_is_heard_to_its_end_before_the_loudspeaker_is_closed() -> anyhow::Result<()> {
    const END: usize = RATE as usize / 10;
    let test = "what_was_played_is_heard_to_its_end_before_the_loudspeaker_is_closed";
    let once = || async {
        let mut microphone = Microphone::open(None).await?;
        let played = async {
            let mut sound = tone();
            let last = sound.samples.len() - END;
            for sample in &mut sound.samples[last..] {
                *sample *= 1.8;
            }
            let mut loudspeaker = Loudspeaker::open(None).await?;
            loudspeaker.play(sound).await?;
            Ok(loudspeaker.finish().await?)
        };
        let heard = async {
            let (mut has_begun, mut quiet, mut end) = (false, 0, 0);
            // Half a second of nothing after the tone is its end.
            while !has_begun || quiet < RATE as usize / 2 {
                for piece in microphone.next().await?.chunks(160) {
                    end += if is_above(piece, 0.7) { piece.len() } else { 0 };
                    let is_loud = is_loud(piece);
                    has_begun |= is_loud;
                    quiet = if is_loud { 0 } else { quiet + piece.len() };
                }
            }
            anyhow::Ok(end)
        };

        let both = async { tokio::try_join!(played, heard) };
        let ((), end) = timeout(LIMIT, both).await??;

        ensure!(
            end + 320 >= END,
            Garbled(format!("{end} of the last {END} samples"))
        );
        Ok(())
    };
    with_server(test, || until_heard(test, once))
}

#[test]
fn a_loudspeaker_is_quiet_at_once() -> anyhow::Result<()> {
    let test = "a_loudspeaker_is_quiet_at_once";
    with_server(test, || async {
        let mut loudspeaker = Loudspeaker::open(None).await?;
        let long = Sound {
            rate: RATE,
            samples: vec![0.1; RATE as usize * 120],
        };

        tokio::select! {
            biased;
            played = loudspeaker.play(long) => anyhow::bail!("two minutes in no time: {played:?}"),
            () = tokio::task::yield_now() => {}
        }
        loudspeaker.hush();

        // What comes after it does not wait for two minutes.
        timeout(LIMIT, loudspeaker.play(tone())).await??;
        Ok(())
    })
}

#[test]
fn a_microphone_that_goes_is_said_to_be_gone() -> anyhow::Result<()> {
    let test = "a_microphone_that_goes_is_said_to_be_gone";
    with_server(test, || async {
        let mut capture = Capture::open(None).await?;
        ensure!(matches!(capture.next().await, Heard::Samples(_)));
        pactl(&["unload-module", "module-null-sink"])?;

        let lost = async {
            loop {
                if let Heard::Lost(error) = capture.next().await {
                    return error;
                }
            }
        };
        let error = timeout(LIMIT, lost).await?;

        ensure!(error == DeviceError::Lost(Kind::Microphone), "{error}");
        pactl(&["load-module", "module-null-sink", "sink_name=room"])?;
        let back = timeout(LIMIT * 2, capture.next()).await?;
        ensure!(back == Heard::Back, "{back:?}");
        Ok(())
    })
}

/// Tells the sound server of this process to do something.
#[expect(clippy::disallowed_methods, reason = "the sound server of a test")]
fn pactl(arguments: &[&str]) -> anyhow::Result<()> {
    let done = Command::new("pactl").args(arguments).output()?;
    ensure!(done.status.success(), "{done:?}");
    Ok(())
}

#[test]
fn with_no_card_there_is_a_clear_error_and_nothing_on_the_terminal() -> anyhow::Result<()> {
    let test = "with_no_card_there_is_a_clear_error_and_nothing_on_the_terminal";
    if !is_inside() {
        let folder = tempfile::tempdir()?;
        if let Some(no_card) = no_card(test, folder.path())? {
            let written = again(test, &[no_card])?;
            ensure!(!written.contains("ALSA lib"), "{written}");
        }
        return Ok(());
    }
    runtime()?.block_on(async {
        let error = Microphone::open(None).await.err().context("a microphone")?;
        eprintln!("{error}");
        let loudspeaker = Loudspeaker::open(None).await.err();
        eprintln!("{}", loudspeaker.context("a loudspeaker")?);
        let named = Microphone::open(Some("phone")).await.err();

        ensure!(error.to_string().contains("microphone"), "{error}");
        ensure!(
            matches!(named, Some(DeviceError::Unknown { .. })),
            "{named:?}"
        );
        microphones()?;
        Ok(())
    })
}
