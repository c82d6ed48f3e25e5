//! A sound server whose one loudspeaker is what its one microphone hears, and what is said into it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::skip::skip;

/// How long the server may take to start on a busy machine.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// A configuration of ALSA in which the default is a card that is not there.
const NO_CARD: &str = "</usr/share/alsa/alsa.conf>\npcm.!default { type hw card 7 }\nctl.!default { type hw card 7 }\n";

/// Where ALSA finds the server as its default device.
const PULSE: &str =
    "</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n";

/// A sound server. Ended when dropped.
#[derive(Debug)]
pub struct SoundServer {
    folder: TempDir,
    process: Child,
}

#[expect(clippy::disallowed_methods, reason = "the sound server of a test")]
fn program(name: &str) -> Command {
    Command::new(name)
}

/// Whether a program can be run; says loudly that the test was skipped where not.
pub fn is_there(test: &str, name: &str, package: &str) -> bool {
    let tried = program(name).arg("--version").output();
    if tried.is_err() {
        skip(
            test,
            &format!("{name} is not installed (apt install {package})"),
        );
    }
    tried.is_ok()
}

impl SoundServer {
    /// Starts one; none, said loudly, where it is not installed.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(test: &str) -> anyhow::Result<Option<Self>> {
        let programs = [("pulseaudio", "pulseaudio"), ("pactl", "pulseaudio-utils")];
        for (name, package) in programs {
            if !is_there(test, name, package) {
                return Ok(None);
            }
        }
        if plugin().is_none() {
            skip(test, "libasound2-plugins is not installed");
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("asound.conf"), PULSE)?;
        let socket = folder.path().join("native");
        let process = program("pulseaudio")
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
            .spawn()?;
        let server = Self { folder, process };
        let deadline = Instant::now() + STARTS_WITHIN;
        while !server.control(&["info"])? {
            ensure!(Instant::now() < deadline, "the sound server does not start");
            std::thread::park_timeout(Duration::from_millis(20));
        }
        ensure!(server.control(&["set-default-source", "room.monitor"])?);
        Ok(Some(server))
    }

    /// What a program needs in its environment to hear it.
    pub fn environment(&self) -> Vec<(String, String)> {
        let folder = self.folder.path().display().to_string();
        vec![
            ("PULSE_SERVER".into(), format!("unix:{folder}/native")),
            ("XDG_RUNTIME_DIR".into(), folder.clone()),
            ("ALSA_CONFIG_PATH".into(), format!("{folder}/asound.conf")),
        ]
    }

    /// Tells it to do something; returns whether it did.
    ///
    /// # Errors
    /// The program that tells it cannot be run.
    pub fn control(&self, arguments: &[&str]) -> anyhow::Result<bool> {
        let mut pactl = program("pactl");
        let output = pactl.args(arguments).envs(self.environment()).output()?;
        Ok(output.status.success())
    }

    /// Plays a recording into the room, and returns when it has sounded.
    ///
    /// # Errors
    /// It cannot be played.
    pub fn play(&self, recording: &Path) -> anyhow::Result<()> {
        let mut paplay = program("paplay");
        let output = paplay.arg(recording).envs(self.environment()).output()?;
        ensure!(output.status.success(), "{output:?}");
        Ok(())
    }
}

/// What is heard in the room is being written to a file. Ended when dropped.
#[derive(Debug)]
pub struct Listener {
    recorder: Child,
}

impl Listener {
    /// Ends it; the file is whole then.
    ///
    /// # Errors
    /// It cannot be ended.
    pub fn finish(mut self) -> anyhow::Result<()> {
        #[expect(
            clippy::disallowed_methods,
            reason = "asks the recorder to end, and not to be cut off"
        )]
        let asked = Command::new("kill")
            .arg(self.recorder.id().to_string())
            .status()?;
        ensure!(asked.success(), "{asked}");
        self.recorder.wait()?;
        Ok(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.recorder.kill();
        let _ = self.recorder.wait();
    }
}

impl SoundServer {
    /// Writes what sounds in the room to a WAV file, from here on.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn record(&self, recording: &Path) -> anyhow::Result<Listener> {
        let mut parecord = program("parecord");
        let recorder = parecord
            .args([
                "--device=room.monitor",
                "--file-format=wav",
                "--latency-msec=20",
                "--channels=1",
                "--rate=16000",
            ])
            .arg(recording)
            .envs(self.environment())
            .stderr(Stdio::null())
            .spawn()?;
        let listener = Listener { recorder };
        let deadline = Instant::now() + STARTS_WITHIN;
        // The head of the file is there before a sound is.
        while std::fs::metadata(recording).map_or(0, |file| file.len()) <= 44 {
            ensure!(Instant::now() < deadline, "nobody listens to the room");
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(listener)
    }
}

/// What a program needs in its environment to be without a sound card, by a file that is written to a folder;
/// none, said loudly, where there is no sound system at all.
///
/// # Errors
/// The file cannot be written.
pub fn no_card(test: &str, folder: &Path) -> anyhow::Result<Option<(String, String)>> {
    if !Path::new("/usr/share/alsa/alsa.conf").exists() {
        skip(test, "ALSA is not installed");
        return Ok(None);
    }
    let config = folder.join("asound.conf");
    std::fs::write(&config, NO_CARD)?;
    Ok(Some((
        "ALSA_CONFIG_PATH".into(),
        config.display().to_string(),
    )))
}

impl Drop for SoundServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn plugin() -> Option<PathBuf> {
    let libraries = std::fs::read_dir("/usr/lib").ok()?;
    libraries
        .flatten()
        .map(|entry| entry.path().join("alsa-lib/libasound_module_pcm_pulse.so"))
        .find(|path| path.exists())
}

/// Has a machine say a sentence into a WAV file of this folder, and returns that.
///
/// # Errors
/// It cannot.
pub fn spoken(folder: &Path, sentence: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(format!("{}.wav", sentence.replace(' ', "-")));
    say(sentence, &path)?;
    Ok(path)
}

/// Has a machine say a sentence into a WAV file.
///
/// # Errors
/// It cannot.
pub fn say(sentence: &str, recording: &Path) -> anyhow::Result<()> {
    let mut espeak = program("espeak-ng");
    // Slowly, and with room around: what is recognised is a matter of the recogniser and not of this test.
    let output = espeak
        .args(["-v", "en-us", "-s", "140", "-w"])
        .arg(recording)
        .arg(sentence)
        .output()
        .context("espeak-ng cannot be run")?;
    ensure!(output.status.success(), "{output:?}");
    Ok(())
}
