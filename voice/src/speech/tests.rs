use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::activity::{Earshot, Policy, segments};
use crate::onnx::Runtime;
use crate::test_support::{espeak, graph, onnx_library};

async fn until(is_so: impl Fn() -> bool) {
    let waited = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waited)
        .await
        .unwrap();
}

/// A voice that makes one sample for each byte, and keeps what it was asked.
#[derive(Default)]
struct Counting {
    asked: Mutex<Vec<String>>,
    is_slow: bool,
}

impl Speaker for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn say<'a>(&'a self, sentence: &'a str) -> Saying<'a> {
        self.asked.lock().unwrap().push(sentence.to_owned());
        Box::pin(async move {
            if self.is_slow {
                std::future::pending::<()>().await;
            }
            if sentence == "Fail." {
                return Err(SpeechError::Failed {
                    voice: "counting",
                    reason: "as asked".to_owned(),
                });
            }
            Ok(Sound {
                rate: 8_000,
                samples: vec![0.0; sentence.len()],
            })
        })
    }
}

#[tokio::test]
async fn sentences_come_in_order_and_then_nothing() {
    let mut speech = speak(Arc::new(Counting::default()), "One. Three. Seven?").unwrap();

    let mut lengths = Vec::new();
    while let Some(sound) = speech.next().await {
        lengths.push(sound.unwrap().samples.len());
    }

    assert_eq!(lengths, [4, 6, 6]);
}

#[tokio::test]
async fn only_a_little_is_made_before_it_is_wanted() {
    let voice = Arc::new(Counting::default());
    let text = "Go on. ".repeat(50);

    let mut speech = speak(Arc::clone(&voice) as Arc<dyn Speaker>, &text).unwrap();
    speech.next().await.unwrap().unwrap();

    let made = || voice.asked.lock().unwrap().len();
    until(|| made() == AHEAD + 2).await;
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert_eq!(made(), AHEAD + 2);
}

#[tokio::test]
async fn a_failure_is_handed_on_and_ends_it() {
    let mut speech = speak(Arc::new(Counting::default()), "One. Fail. Two.").unwrap();

    assert!(speech.next().await.unwrap().is_ok());
    let error = speech.next().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the voice counting failed: as asked");
    assert!(speech.next().await.is_none());
}

#[tokio::test]
async fn a_stopped_speech_says_nothing_more_even_in_the_middle_of_a_sentence() {
    let voice = Arc::new(Counting {
        is_slow: true,
        ..Counting::default()
    });
    let mut speech = speak(Arc::clone(&voice) as Arc<dyn Speaker>, "One. Two.").unwrap();
    until(|| voice.asked.lock().unwrap().len() == 1).await;

    speech.stop_handle().cancel();

    assert!(speech.next().await.is_none());
    // Nobody holds the voice once the work has ended.
    until(|| Arc::strong_count(&voice) == 1).await;
}

#[test]
fn a_text_beyond_the_limit_is_refused() {
    let error = speak(Arc::new(Counting::default()), &"word ".repeat(5_000))
        .err()
        .unwrap();

    assert!(error.to_string().contains("25000 bytes"), "{error}");
}

#[tokio::test]
async fn espeak_speaks_and_it_is_heard_as_speech() {
    let Some(program) = espeak("espeak_speaks_and_it_is_heard_as_speech") else {
        return;
    };
    let voice = Espeak::new(&program, "en-us", 170).unwrap();

    let sound = voice
        .say("The landing page is ready for review.")
        .await
        .unwrap();

    assert_eq!(sound.rate, 22_050);
    let clip = sound.into_clip().unwrap();
    assert!((1.0..6.0).contains(&clip.duration().as_secs_f32()));
    let spoken = segments(&clip, Box::new(Earshot::new()), Policy::default()).unwrap();
    assert!(!spoken.is_empty());
}

#[tokio::test]
async fn text_is_never_taken_for_an_option() {
    let Some(program) = espeak("text_is_never_taken_for_an_option") else {
        return;
    };
    let voice = Espeak::new(&program, "en-us", 170).unwrap();

    let sound = voice.say("--version").await.unwrap();

    assert!(sound.duration() > Duration::from_millis(300));
}

#[tokio::test]
async fn an_unknown_voice_is_said_to_be_unknown() {
    let Some(program) = espeak("an_unknown_voice_is_said_to_be_unknown") else {
        return;
    };
    let voice = Espeak::new(&program, "xx-nowhere", 170).unwrap();

    let error = voice.say("Hello.").await.unwrap_err();

    assert!(matches!(error, SpeechError::Setting { .. }), "{error:?}");
    assert!(error.to_string().contains("xx-nowhere"), "{error}");
}

#[test]
fn a_voice_that_is_no_name_is_refused() {
    for voice in ["", "-q", "../secret", "en us", "a;b"] {
        let error = Espeak::new(Path::new("espeak-ng"), voice, 170).unwrap_err();
        assert!(
            error.to_string().starts_with("voice of the voice espeak"),
            "{error}"
        );
    }
    let error = Espeak::new(Path::new("espeak-ng"), "de", 5).unwrap_err();
    assert!(error.to_string().starts_with("words_per_minute"), "{error}");
}

#[tokio::test]
async fn a_missing_program_is_said_with_the_package_that_has_it() {
    let voice = Espeak::new(Path::new("/nowhere/espeak-ng"), "en-us", 170).unwrap();

    let error = voice.say("Hello.").await.unwrap_err();

    assert!(
        error.to_string().contains("apt install espeak-ng"),
        "{error}"
    );
}

/// A program of these lines of shell.
#[cfg(unix)]
fn script(folder: &Path, lines: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("espeak-ng");
    let lines_path = folder.join("lines");
    std::fs::write(&lines_path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    // Written by another process: what this one wrote could be held open by a child that another test just
    // started, and a program that is open for writing does not start.
    #[expect(clippy::disallowed_methods, reason = "a program for a test is written")]
    let copied = std::process::Command::new("cp")
        .args([&lines_path, &path])
        .status()
        .unwrap();
    assert!(copied.success());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_stopped_program_is_killed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let lines = format!(
        "echo $$ > {}.part; mv {0}.part {0}; exec sleep 1000",
        pid_file.display()
    );
    let program = script(folder.path(), &lines);
    let voice = Arc::new(Espeak::new(&program, "en-us", 170).unwrap());
    let speech = speak(voice, "Hello.").unwrap();
    until(|| pid_file.exists()).await;
    let pid = std::fs::read_to_string(&pid_file).unwrap();
    let process = Path::new("/proc").join(pid.trim());
    assert!(process.exists());

    drop(speech);

    until(|| !process.exists()).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_never_ends_its_sound_is_stopped_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let program = script(folder.path(), "exec cat /dev/zero");
    let voice = Espeak::new(&program, "en-us", 170).unwrap();

    let error = voice.say("Hello.").await.unwrap_err();

    assert!(error.to_string().contains("more sound than"), "{error}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_program_sees_nothing_of_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let program = script(folder.path(), &format!("/usr/bin/env > {}", seen.display()));
    let voice = Espeak::new(&program, "en-us", 170).unwrap();

    voice.say("Hello.").await.unwrap_err();

    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(!seen.contains("HOME=") && !seen.contains("CARGO"), "{seen}");
}

/// A thousandth of each number, as the models of these tests give them.
fn thousandths(ids: &[i64]) -> Vec<f32> {
    ids.iter().map(|id| *id as f32 * 0.001).collect()
}

#[tokio::test]
async fn piper_is_given_the_numbers_of_the_phonemes() {
    let test = "piper_is_given_the_numbers_of_the_phonemes";
    let Some(library) = onnx_library(test) else {
        return;
    };
    let Some(program) = espeak(test) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voice.onnx");
    graph::write_piper(&path);
    let settings = r#"{"audio": {"sample_rate": 22050, "quality": "medium"}, "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.5, "length_scale": 1, "noise_w": 0.8},
        "phoneme_id_map": {"_": [0], "^": [1], "$": [2], " ": [3], ".": [4], ",": [5],
                           "h": [10], "ə": [11], "l": [12], "o": [13], "ʊ": [14], "ˈ": [15]}}"#;
    std::fs::write(folder.path().join("voice.onnx.json"), settings).unwrap();
    let runtime = Runtime::load(&library).unwrap();
    let espeak = Espeak::new(&program, "en-us", 170).unwrap();

    let voice = Piper::open(&runtime, &path, espeak).unwrap();
    let sound = voice.say("Hello, hello.").await.unwrap();

    // həlˈoʊ, həlˈoʊ.
    let hello = [10, 0, 11, 0, 12, 0, 15, 0, 13, 0, 14, 0];
    let mut ids = vec![1, 0];
    ids.extend(hello);
    ids.extend([5, 0, 3, 0]);
    ids.extend(hello);
    ids.extend([4, 0, 2]);
    assert_eq!(sound.rate, 22_050);
    assert_eq!(sound.samples, thousandths(&ids));
}

#[tokio::test]
async fn kokoro_is_given_its_characters_and_the_style_for_their_number() {
    let test = "kokoro_is_given_its_characters_and_the_style_for_their_number";
    let Some(library) = onnx_library(test) else {
        return;
    };
    let Some(program) = espeak(test) else {
        return;
    };
    let runtime = Runtime::load(&library).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = KokoroFiles {
        model: folder.path().join("model.onnx"),
        styles: folder.path().join("af.bin"),
        characters: folder.path().join("config.json"),
        language: "en-us".to_owned(),
    };
    let list = r#"{"vocab": {"h": 50, "ə": 83, "l": 54, "o": 57, "ʊ": 135, "ˈ": 156, ".": 4}}"#;
    // Each style says which it is, in hundredths.
    let styles: Vec<u8> = (0..20)
        .flat_map(|row| [row as f32 * 0.01; 256])
        .flat_map(f32::to_le_bytes)
        .collect();
    std::fs::write(&files.styles, styles).unwrap();

    for (input, list) in [
        ("tokens", list.to_owned()),
        ("input_ids", format!("{{\"model\": {list}}}")),
    ] {
        graph::write_kokoro(&files.model, input);
        std::fs::write(&files.characters, list).unwrap();
        let espeak = Espeak::new(&program, "en-us", 170).unwrap();

        let voice = Kokoro::open(&runtime, files.clone(), espeak).unwrap();
        let sound = voice.say("Hello.").await.unwrap();

        let mut expected = thousandths(&[0, 50, 83, 54, 156, 57, 135, 4, 0]);
        expected.extend([0.07; 256]);
        assert_eq!((sound.rate, sound.samples), (24_000, expected));
    }
}

#[test]
fn files_of_a_voice_that_are_not_are_named() {
    let Some(library) = onnx_library("files_of_a_voice_that_are_not_are_named") else {
        return;
    };
    let runtime = Runtime::load(&library).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voice.onnx");
    let espeak = || Espeak::new(Path::new("espeak-ng"), "en-us", 170).unwrap();
    let open = || {
        Piper::open(&runtime, &path, espeak())
            .err()
            .unwrap()
            .to_string()
    };

    assert!(open().contains("voice.onnx.json"), "{}", open());
    std::fs::write(folder.path().join("voice.onnx.json"), "{}").unwrap();
    assert!(open().contains("missing field `audio`"), "{}", open());
    let settings = r#"{"audio": {"sample_rate": 22050}, "espeak": {"voice": "en-us"},
        "phoneme_id_map": {"_": [0], "^": [1], "$": [2]}}"#;
    std::fs::write(folder.path().join("voice.onnx.json"), settings).unwrap();
    assert!(open().contains("there is no such file"), "{}", open());
    graph::write_kokoro(&path, "tokens");
    assert!(open().contains("it has no input input,"), "{}", open());
}

/// A server for one request, which answers with these bytes; and what it was asked.
async fn server(answer: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !request.ends_with(b"}") {
            let count = stream.read(&mut buffer).await.unwrap();
            assert_ne!(count, 0);
            request.extend_from_slice(&buffer[..count]);
        }
        stream.write_all(&answer).await.unwrap();
        String::from_utf8(request).unwrap()
    });
    (address, asked)
}

fn cartesia(address: &str) -> Cartesia {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Cartesia::new(client, "sk_secret", "a-voice", "sonic-2", "en").at(address)
}

#[tokio::test]
async fn cartesia_is_asked_for_a_sentence_and_its_samples_are_read() {
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n".to_vec();
    answer.extend([0x00, 0x40, 0x00, 0xc0]);
    let (address, asked) = server(answer).await;

    let sound = cartesia(&address).say("Hello there.").await.unwrap();

    assert_eq!((sound.rate, sound.samples), (24_000, vec![0.5, -0.5]));
    let request = asked.await.unwrap();
    assert!(
        request.starts_with("POST /tts/bytes HTTP/1.1\r\n"),
        "{request}"
    );
    for part in [
        "authorization: Bearer sk_secret\r\n",
        "cartesia-version: 2025-04-16\r\n",
        r#""transcript":"Hello there.""#,
        r#""voice":{"id":"a-voice","mode":"id"}"#,
        r#""encoding":"pcm_s16le""#,
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
}

#[tokio::test]
async fn what_cartesia_refuses_says_what_to_do_and_gives_nothing_away() {
    for (status, part) in [
        (401, "another"),
        (402, "credit"),
        (404, "check"),
        (429, "minute"),
        (503, "503"),
    ] {
        let body = "sk_secret said Hello";
        let answer = format!(
            "HTTP/1.1 {status} No\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let (address, _asked) = server(answer.into_bytes()).await;

        let error = cartesia(&address)
            .say("Hello")
            .await
            .unwrap_err()
            .to_string();

        assert!(error.contains(part), "{error}");
        assert!(
            !error.contains("secret") && !error.contains("Hello"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn cartesia_out_of_reach_is_said_to_be() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);

    let error = cartesia(&address).say("Hello").await.unwrap_err();

    assert!(error.to_string().contains("check the network"), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_no_sound() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\nab".to_vec();
    let (address, _asked) = server(answer).await;

    let error = cartesia(&address).say("Hello").await.unwrap_err();

    assert!(
        error.to_string().contains("the connection broke"),
        "{error}"
    );
}
