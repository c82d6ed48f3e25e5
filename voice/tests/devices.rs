//! A microphone and a loudspeaker that are really opened, by a sound server of the test's own: what is played
//! into its sink is heard from the sink's monitor.
//!
//! The sound system reads its files from the environment. So each test starts itself again in one of its own.

#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    reason = "a sound server and the test itself are started, with an environment"
)]
#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "functions of a test fail it, and its numbers are small"
)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hearth_voice::audio::{RATE, Sound};
use hearth_voice::device::{
    Capture, DeviceError, Heard, Kind, Loudspeaker, Microphone, microphones,
};

/// Set in the process that does the work.
const INSIDE: &str = "HEARTH_TEST_SOUND";

fn skip(test: &str, reason: &str) {
    eprintln!("SKIPPED {test}: {reason}");
    if let Some(path) = std::env::var_os("HEARTH_SKIP_LOG") {
        let log = fs::OpenOptions::new().create(true).append(true).open(path);
        writeln!(log.unwrap(), "{test}: {reason}").unwrap();
    }
}

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs `work` in a process of its own that hears a sound server. Called with the test's own name.
fn with_server(test: &str, work: impl FnOnce()) {
    if is_inside() {
        return work();
    }
    if let Some(server) = Server::start(test) {
        again(test, PULSE, &server.environment());
    }
}

/// Runs a test again in a process of its own, and returns what it wrote on the terminal.
fn again(test: &str, config: &str, environment: &[(&str, PathBuf)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("asound.conf");
    fs::write(&file, config).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, test)
        .env("ALSA_CONFIG_PATH", &file)
        .env("HOME", folder.path())
        .envs(environment.iter().cloned())
        .output()
        .unwrap();
    let written = String::from_utf8_lossy(&output.stderr).into_owned();
    eprintln!("{written}");
    assert!(output.status.success(), "{test}, inside");
    written
}

/// PulseAudio with one sink that leads nowhere.
struct Server {
    folder: tempfile::TempDir,
    process: Child,
}

impl Server {
    fn start(test: &str) -> Option<Self> {
        let is_there = |program: &str| Command::new(program).arg("--version").output().is_ok();
        if !is_there("pulseaudio") || !is_there("pactl") {
            skip(test, "pulseaudio and pactl are not installed");
            return None;
        }
        if plugin().is_none() {
            skip(
                test,
                "the plugin of ALSA for PulseAudio (libasound2-plugins) is not installed",
            );
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("native");
        let process = Command::new("pulseaudio")
            .args([
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--use-pid-file=no",
            ])
            .args([
                "--disable-shm=yes",
                "--log-level=error",
                "--realtime=no",
                "--high-priority=no",
            ])
            .arg(format!(
                "--load=module-native-protocol-unix auth-anonymous=1 socket={}",
                socket.display()
            ))
            .arg("--load=module-null-sink sink_name=room rate=48000")
            .env("HOME", folder.path())
            .env("XDG_RUNTIME_DIR", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { folder, process };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !server.control(&["info"]) {
            assert!(Instant::now() < deadline, "the sound server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(server.control(&["set-default-source", "room.monitor"]));
        Some(server)
    }

    fn environment(&self) -> [(&'static str, PathBuf); 2] {
        let socket = self.folder.path().join("native");
        [
            (
                "PULSE_SERVER",
                PathBuf::from(format!("unix:{}", socket.display())),
            ),
            ("XDG_RUNTIME_DIR", self.folder.path().to_owned()),
        ]
    }

    fn control(&self, arguments: &[&str]) -> bool {
        Command::new("pactl")
            .args(arguments)
            .envs(self.environment())
            .output()
            .is_ok_and(|output| output.status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn plugin() -> Option<PathBuf> {
    let libraries = fs::read_dir("/usr/lib").ok()?;
    libraries
        .flatten()
        .map(|entry| entry.path().join("alsa-lib/libasound_module_pcm_pulse.so"))
        .find(|path| path.exists())
}

/// A configuration in which the default is the sound server.
const PULSE: &str = "</usr/share/alsa/alsa.conf>
pcm.!default { type pulse }
ctl.!default { type pulse }
";

/// A configuration in which the default is a card that is not there.
const NO_CARD: &str = "</usr/share/alsa/alsa.conf>
pcm.!default { type hw card 7 }
ctl.!default { type hw card 7 }
";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// A second of a tone.
fn tone() -> Sound {
    let samples = (0..RATE)
        .map(|n| (n as f32 * 600.0 * std::f32::consts::TAU / RATE as f32).sin() * 0.5)
        .collect();
    Sound {
        rate: RATE,
        samples,
    }
}

fn is_loud(samples: &[f32]) -> bool {
    samples.iter().any(|sample| sample.abs() > 0.2)
}

#[test]
fn what_the_loudspeaker_plays_the_microphone_hears() {
    let test = "what_the_loudspeaker_plays_the_microphone_hears";
    with_server(test, || {
        runtime().block_on(async {
            let mut microphone = Microphone::open(None).await.unwrap();
            let mut loudspeaker = Loudspeaker::open(None).await.unwrap();

            let heard = async {
                let mut samples = Vec::new();
                while !is_loud(&samples) {
                    samples = microphone.next().await.unwrap();
                }
            };
            // Again until it is heard: a sound server on a busy machine loses some of the beginning.
            let playing = async {
                loop {
                    loudspeaker.play(tone()).await.unwrap();
                }
            };
            tokio::time::timeout(Duration::from_secs(30), async {
                tokio::select! {
                    () = playing => {}
                    () = heard => {}
                }
            })
            .await
            .unwrap();
        });
    });
}

/// The last tenth of a second is louder than the rest, so that it is known when it is heard: sound servers may
/// lose some of the beginning.
#[test]
fn what_was_played_is_heard_to_its_end_before_the_loudspeaker_is_closed() {
    const END: usize = RATE as usize / 10;
    let test = "what_was_played_is_heard_to_its_end_before_the_loudspeaker_is_closed";
    with_server(test, || {
        runtime().block_on(async {
            let mut microphone = Microphone::open(None).await.unwrap();
            let played = async {
                let mut sound = tone();
                let last = sound.samples.len() - END;
                for sample in &mut sound.samples[last..] {
                    *sample *= 1.8;
                }
                let mut loudspeaker = Loudspeaker::open(None).await.unwrap();
                loudspeaker.play(sound).await.unwrap();
                loudspeaker.finish().await.unwrap();
            };
            let heard = async {
                let is_above = |piece: &[f32], level: f32| piece.iter().any(|s| s.abs() > level);
                let (mut has_begun, mut quiet, mut end) = (false, 0, 0);
                // Half a second of nothing after the tone is its end.
                while !has_begun || quiet < RATE as usize / 2 {
                    let samples = microphone.next().await.unwrap();
                    for piece in samples.chunks(160) {
                        end += if is_above(piece, 0.7) { piece.len() } else { 0 };
                        let is_loud = is_loud(piece);
                        has_begun |= is_loud;
                        quiet = if is_loud { 0 } else { quiet + piece.len() };
                    }
                }
                end
            };

            let both = async { tokio::join!(played, heard) };
            let ((), end) = tokio::time::timeout(Duration::from_secs(30), both)
                .await
                .unwrap();

            assert!(end + 320 >= END, "{end} of the last {END} samples");
        });
    });
}

#[test]
fn a_loudspeaker_is_quiet_at_once() {
    let test = "a_loudspeaker_is_quiet_at_once";
    with_server(test, || {
        runtime().block_on(async {
            let mut loudspeaker = Loudspeaker::open(None).await.unwrap();
            let long = Sound {
                rate: RATE,
                samples: vec![0.1; RATE as usize * 120],
            };

            tokio::select! {
                biased;
                played = loudspeaker.play(long) => panic!("two minutes in no time: {played:?}"),
                () = tokio::task::yield_now() => {}
            }
            loudspeaker.hush();

            // What comes after it does not wait for two minutes.
            let next = tokio::time::timeout(Duration::from_secs(30), loudspeaker.play(tone()));
            next.await.unwrap().unwrap();
        });
    });
}

#[test]
fn a_microphone_that_goes_is_said_to_be_gone() {
    let test = "a_microphone_that_goes_is_said_to_be_gone";
    with_server(test, || {
        runtime().block_on(async {
            let mut capture = Capture::open(None).await.unwrap();
            assert!(matches!(capture.next().await, Heard::Samples(_)));
            let unloaded = Command::new("pactl")
                .args(["unload-module", "module-null-sink"])
                .status()
                .unwrap();
            assert!(unloaded.success());

            let error = tokio::time::timeout(Duration::from_secs(30), async {
                loop {
                    if let Heard::Lost(error) = capture.next().await {
                        return error;
                    }
                }
            });

            assert_eq!(error.await.unwrap(), DeviceError::Lost(Kind::Microphone));
            let loaded = Command::new("pactl")
                .args(["load-module", "module-null-sink", "sink_name=room"])
                .output()
                .unwrap();
            assert!(loaded.status.success());
            let back = tokio::time::timeout(Duration::from_mins(1), capture.next());
            assert_eq!(back.await.unwrap(), Heard::Back);
        });
    });
}

#[test]
fn with_no_card_there_is_a_clear_error_and_nothing_on_the_terminal() {
    let test = "with_no_card_there_is_a_clear_error_and_nothing_on_the_terminal";
    if !Path::new("/usr/share/alsa/alsa.conf").exists() {
        skip(test, "ALSA is not installed");
        return;
    }
    if !is_inside() {
        let written = again(test, NO_CARD, &[]);
        assert!(!written.contains("ALSA lib"), "{written}");
        return;
    }
    runtime().block_on(async {
        let error = Microphone::open(None).await.err().unwrap();
        eprintln!("{error}");
        let loudspeaker = Loudspeaker::open(None).await.err().unwrap();
        eprintln!("{loudspeaker}");
        let named = Microphone::open(Some("phone")).await.err().unwrap();

        assert!(error.to_string().contains("microphone"), "{error}");
        assert!(matches!(named, DeviceError::Unknown { .. }), "{named}");
        microphones().unwrap();
    });
}
