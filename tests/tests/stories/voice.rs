//! Listening and speaking from the command line, with no node running.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, Result, ensure};
use hearth_tests::node::command;
use hearth_tests::skip::skip;
use serde_json::Value;
use tempfile::TempDir;

const GRAMMAR: &str = "#JSGF V1.0;\ngrammar orders;\n\
                       public <order> = go forward ten meters | what is blocked;\n";

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hearth-test-").tempdir()?;
        Ok(Self { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn hearth<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Output> {
        Ok(command(self.folder.path())?
            .args(args)
            .stdin(Stdio::null())
            .output()?)
    }

    /// Runs a command that should do what it is for; returns what it printed.
    fn done<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<String> {
        let output = self.hearth(args)?;
        ensure!(output.status.code() == Some(0), "{}", said(&output));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs a command that should be refused; returns why.
    fn refused<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<String> {
        let output = self.hearth(args)?;
        ensure!(output.status.code() == Some(1), "{output:?}");
        Ok(said(&output))
    }

    fn json<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Value> {
        Ok(serde_json::from_str(&self.done(args)?)?)
    }

    /// Has PocketSphinx listen with a grammar; no where it is not installed.
    fn listens(&self, test: &str) -> Result<bool> {
        let grammar = self.path("orders.jsgf");
        fs::write(&grammar, GRAMMAR)?;
        let grammar = grammar.to_str().context("a plain path")?;
        self.done(&["config", "set", "voice.transcriber", "pocketsphinx"])?;
        self.done(&["config", "set", "voice.grammar", grammar])?;
        fs::write(self.path("probe.wav"), wav(&[0; 1600]))?;
        let probe = self.hearth(&[OsStr::new("transcribe"), self.path("probe.wav").as_os_str()])?;
        if said(&probe).contains("not installed") {
            skip(test, "pocketsphinx is not installed");
            return Ok(false);
        }
        Ok(true)
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn wav(samples: &[i16]) -> Vec<u8> {
    let length = u32::try_from(samples.len() * 2).unwrap_or_default();
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + length).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(16_000u32.to_le_bytes());
    wav.extend(32_000u32.to_le_bytes());
    wav.extend(b"\x02\0\x10\0data");
    wav.extend(length.to_le_bytes());
    wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    wav
}

/// Somebody who says "go forward ten meters"; none, said loudly, where that is absent.
fn person(test: &str, place: &Place) -> Result<Option<PathBuf>> {
    let raw = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/voice/goforward.raw");
    if !raw.is_file() {
        skip(test, "../shared/data/voice/goforward.raw is absent");
        return Ok(None);
    }
    let bytes = fs::read(raw)?;
    let samples = bytes.chunks_exact(2);
    let samples: Vec<i16> = samples
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let path = place.path("person.wav");
    fs::write(&path, wav(&samples))?;
    Ok(Some(path))
}

#[test]
fn with_nothing_set_up_it_says_what_to_fetch_and_touches_no_recording() -> Result<()> {
    let place = Place::new()?;
    let recording = place.path("note.wav");
    fs::write(&recording, wav(&vec![100; 16_000]))?;

    let why = place.refused(&[OsStr::new("transcribe"), recording.as_os_str()])?;

    ensure!(why.contains("hearth models pull whisper-base.en"), "{why}");
    ensure!(why.trim_end().lines().count() == 1, "{why}");
    ensure!(recording.is_file());
    Ok(())
}

#[test]
fn a_recording_is_written_down_in_every_form() -> Result<()> {
    let test = "a_recording_is_written_down_in_every_form";
    let place = Place::new()?;
    let Some(recording) = person(test, &place)?.filter(|_| place.listens(test).unwrap_or(false))
    else {
        return Ok(());
    };
    let recording = recording.to_str().context("a plain path")?;

    let text = place.done(&["transcribe", recording])?;
    let srt = place.done(&["transcribe", recording, "--format", "srt"])?;
    let vtt = place.done(&["transcribe", recording, "--format", "vtt"])?;
    let json = place.json(&["--json", "transcribe", recording])?;

    ensure!(text == "go forward ten meters\n", "{text}");
    ensure!(
        srt.starts_with("1\n00:00:0") && srt.contains("go forward"),
        "{srt}"
    );
    ensure!(vtt.starts_with("WEBVTT\n\n00:00:0"), "{vtt}");
    ensure!(json["text"] == "go forward ten meters", "{json}");
    ensure!(json["is_silence"] == false && json["segments"][0]["end"].as_f64() > Some(1.0));
    Ok(())
}

#[test]
fn what_is_said_by_the_machine_is_understood_by_it() -> Result<()> {
    let test = "what_is_said_by_the_machine_is_understood_by_it";
    let place = Place::new()?;
    if !place.listens(test)? {
        return Ok(());
    }
    for ending in ["wav", "ogg"] {
        let file = place.path(&format!("said.{ending}"));
        let file = file.to_str().context("a plain path")?;
        let spoken = place.hearth(&["say", "what is blocked", "--out", file])?;
        if said(&spoken).contains("not installed") {
            skip(test, "espeak-ng is not installed");
            return Ok(());
        }
        ensure!(spoken.status.success(), "{}", said(&spoken));

        let heard = place.done(&["transcribe", file])?;

        ensure!(heard == "what is blocked\n", "{ending}: {heard}");
    }
    let wrong = place.refused(&["say", "hello", "--out", "hello.mp3"])?;
    ensure!(wrong.contains(".wav, .ogg or .opus"), "{wrong}");
    Ok(())
}

#[test]
fn silence_gives_no_words_and_broken_recordings_are_named() -> Result<()> {
    let test = "silence_gives_no_words_and_broken_recordings_are_named";
    let place = Place::new()?;
    if !place.listens(test)? {
        return Ok(());
    }
    let put = |name: &str, bytes: &[u8]| -> Result<String> {
        fs::write(place.path(name), bytes)?;
        Ok(place
            .path(name)
            .to_str()
            .context("a plain path")?
            .to_owned())
    };
    let silence = put("silence.wav", &wav(&vec![0; 48_000]))?;
    let empty = put("empty.wav", b"")?;
    let letter = put(
        "letter.mp3",
        b"dear Ada, this is no recording at all, but a letter",
    )?;

    let silent = place.hearth(&["transcribe", &silence])?;
    ensure!(
        silent.status.success() && silent.stdout.is_empty(),
        "{silent:?}"
    );
    ensure!(said(&silent).contains("nothing was said"), "{silent:?}");
    let object = place.json(&["--json", "transcribe", &silence])?;
    ensure!(
        object["is_silence"] == true && object["text"] == "",
        "{object}"
    );

    ensure!(place.refused(&["transcribe", &empty])?.contains("empty"));
    ensure!(
        place
            .refused(&["transcribe", &letter])?
            .contains("not a recording")
    );
    let missing = place.refused(&["transcribe", "nowhere.wav"])?;
    ensure!(missing.contains("nowhere.wav"), "{missing}");
    // One that is broken does not keep the others from being written down.
    let several = place.hearth(&["transcribe", &empty, &silence])?;
    ensure!(several.status.code() == Some(1), "{several:?}");
    ensure!(said(&several).contains("1 of 2 recordings"), "{several:?}");
    ensure!(
        String::from_utf8_lossy(&several.stdout).contains("== "),
        "{several:?}"
    );
    Ok(())
}

#[test]
fn models_are_listed_chosen_verified_and_removed() -> Result<()> {
    let place = Place::new()?;
    let entry = |list: &Value, name: &str| -> Result<Value> {
        let items = list["items"].as_array().context("a list")?;
        let found = items.iter().find(|item| item["name"] == name);
        found.cloned().context("an entry")
    };
    let list = place.json(&["--json", "models", "list"])?;
    let tiny = entry(&list, "whisper-tiny")?;
    ensure!(
        tiny["is_here"] == false && tiny["is_verifiable"] == true,
        "{tiny}"
    );
    let missing = place.refused(&["models", "use", "whisper-tiny"])?;
    ensure!(
        missing.contains("hearth models pull whisper-tiny"),
        "{missing}"
    );

    // The right name and size, and nothing in it.
    let file = tiny["files"][0]["name"].as_str().context("a name")?;
    let bytes = tiny["files"][0]["bytes"].as_u64().context("a size")?;
    let models = place.path("models");
    fs::create_dir(&models)?;
    fs::File::create(models.join(file))?.set_len(bytes)?;
    place.done(&["models", "use", "whisper-tiny"])?;
    let list = place.json(&["--json", "models", "list"])?;
    ensure!(entry(&list, "whisper-tiny")?["is_used"] == true);
    place.done(&["config", "set", "voice.transcriber", "off"])?;
    let list = place.json(&["--json", "models", "list"])?;
    ensure!(entry(&list, "whisper-tiny")?["is_used"] == false);
    // What is chosen is switched on as well.
    place.done(&["models", "use", "whisper-tiny"])?;
    let list = place.json(&["--json", "models", "list"])?;
    ensure!(entry(&list, "whisper-tiny")?["is_used"] == true);

    let wrong = place.refused(&["models", "verify"])?;
    ensure!(
        wrong.contains("1 of 1 files are not what they should be"),
        "{wrong}"
    );

    let removed = place.done(&["models", "remove", "whisper-tiny"])?;
    ensure!(removed.contains("free again"), "{removed}");
    ensure!(!models.join(file).exists());
    let unknown = place.refused(&["models", "pull", "whisper-tinny"])?;
    ensure!(unknown.contains("did you mean whisper-tiny?"), "{unknown}");
    Ok(())
}

#[test]
fn a_broken_model_is_told_before_anything_is_started_for_it() -> Result<()> {
    let test = "a_broken_model_is_told_before_anything_is_started_for_it";
    let place = Place::new()?;
    let Some(recording) = person(test, &place)? else {
        return Ok(());
    };
    let model = place.path("broken.bin");
    fs::write(&model, "<html>not found</html>")?;
    let model = model.to_str().context("a plain path")?;
    place.done(&["config", "set", "voice.model", model])?;

    let why = place.refused(&[OsStr::new("transcribe"), recording.as_os_str()])?;

    ensure!(
        why.contains("broken.bin") && why.contains("no model of whisper.cpp"),
        "{why}"
    );
    Ok(())
}

#[test]
fn the_worker_of_the_program_ends_when_nobody_holds_its_input() -> Result<()> {
    let place = Place::new()?;

    // End of file at once: there is nobody.
    let output = place.hearth(&["voice-worker"])?;

    ensure!(output.status.code() == Some(0), "{output:?}");
    ensure!(output.stdout.is_empty(), "{output:?}");
    Ok(())
}
