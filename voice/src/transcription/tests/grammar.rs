//! PocketSphinx, which is the real recogniser of these tests.

use std::path::{Path, PathBuf};

use super::super::*;
use crate::audio::Clip;
use crate::speech::{Espeak, Speaker, find_program};
use crate::test_support::{shared, skip};

const GRAMMAR: &str = "#JSGF V1.0;\ngrammar orders;\npublic <order> = go forward ten meters \
                       | what is blocked | add a task to water the plants;\n";

/// Where a program of the system is.
#[expect(
    clippy::disallowed_methods,
    reason = "programs are found where ./test put them"
)]
fn program(test: &str, names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = names.iter().find_map(|name| find_program(name, &path));
    if found.is_none() {
        skip(test, &format!("{} is not installed", names[0]));
    }
    found
}

/// The engine with the grammar in a folder that lives as long as the first of the two.
fn engine(test: &str) -> Option<(tempfile::TempDir, SpeechOnly<PocketSphinx>)> {
    let program = program(test, &PocketSphinx::PROGRAMS)?;
    let folder = tempfile::tempdir().unwrap();
    let grammar = folder.path().join("orders.jsgf");
    std::fs::write(&grammar, GRAMMAR).unwrap();
    let engine = PocketSphinx::speech_only(&program, &grammar).unwrap();
    Some((folder, engine))
}

async fn text(engine: &SpeechOnly<PocketSphinx>, clip: &Clip) -> Result<String, String> {
    let options = Options::default();
    let transcript = engine.transcribe(clip, &options).await;
    transcript
        .map(|transcript| transcript.text)
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_person_is_recognised_in_a_grammar() {
    let test = "a_person_is_recognised_in_a_grammar";
    let (Some((_folder, engine)), Some(raw)) = (engine(test), shared(test, "goforward.raw")) else {
        return;
    };
    let samples = std::fs::read(raw).unwrap();
    let samples = samples.chunks_exact(2);
    let clip = Clip {
        samples: samples
            .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
            .collect(),
    };

    assert_eq!(
        text(&engine, &clip).await.as_deref(),
        Ok("go forward ten meters")
    );
}

#[tokio::test]
async fn sentences_that_the_machine_speaks_are_recognised_in_a_grammar() {
    let test = "sentences_that_the_machine_speaks_are_recognised_in_a_grammar";
    let (Some((_folder, engine)), Some(espeak)) = (engine(test), program(test, &["espeak-ng"]))
    else {
        return;
    };
    let voice = Espeak::new(&espeak, "en-us", 140).unwrap();
    for sentence in ["what is blocked", "add a task to water the plants"] {
        let mut clip = voice.say(sentence).await.unwrap().into_clip().unwrap();
        // Somebody breathes before and after.
        clip.samples.splice(0..0, vec![0.0; 8_000]);
        clip.samples.extend(vec![0.0; 8_000]);

        assert_eq!(text(&engine, &clip).await.as_deref(), Ok(sentence));
    }
}

#[tokio::test]
async fn a_program_or_grammar_that_is_missing_or_wrong_is_named() {
    let test = "a_program_or_grammar_that_is_missing_or_wrong_is_named";
    let folder = tempfile::tempdir().unwrap();
    let grammar = folder.path().join("orders.jsgf");
    let none = PocketSphinx::new(Path::new("/nowhere"), &grammar).unwrap_err();
    assert!(none.to_string().contains("voice.grammar"), "{none}");
    std::fs::write(&grammar, "this is no grammar").unwrap();
    let clip = Clip {
        samples: vec![0.1; 16_000],
    };
    let said = async |program: &Path| {
        let engine = PocketSphinx::new(program, &grammar).unwrap();
        let options = Options::default();
        let result = engine.transcribe(&clip, &options).await;
        result.unwrap_err().to_string()
    };

    assert!(
        said(Path::new("/nowhere"))
            .await
            .contains("apt install pocketsphinx")
    );
    if let Some(program) = program(test, &PocketSphinx::PROGRAMS) {
        let wrong = said(&program).await;
        assert!(wrong.contains("a grammar in JSGF"), "{wrong}");
    }
}
