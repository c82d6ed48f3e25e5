//! Fetching, against a server on this machine that is slow, cuts, lies and forgets.

use std::sync::{Arc, Mutex};

use hearth_voice::catalogue::Archive;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::super::unpack::archive_of;
use super::*;

/// How the server answers one request.
#[derive(Clone)]
enum Answer {
    /// All of it, or the part that was asked for.
    Whole,
    /// As [`Answer::Whole`], and breaks off after so many bytes.
    Cut(usize),
    /// All of it, whatever part was asked for.
    Everything,
    /// Only these words.
    Status(&'static str),
    /// Something else of the same length.
    Other,
}

struct Server {
    address: Url,
    /// The heads of the requests.
    asked: Arc<Mutex<Vec<String>>>,
}

/// Answers one request after another as told; the last answer is that to all further ones.
async fn server(content: &[u8], answers: Vec<Answer>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/models", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (content, heads) = (content.to_vec(), Arc::clone(&asked));
    tokio::spawn(async move {
        let mut answers = answers.into_iter();
        let mut answer = Answer::Whole;
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            answer = answers.next().unwrap_or(answer);
            let head = serve(stream, &content, &answer).await;
            heads.lock().unwrap().push(head);
        }
    });
    Server {
        address: address.parse().unwrap(),
        asked,
    }
}

async fn serve(mut stream: TcpStream, content: &[u8], answer: &Answer) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let from = head.split_once("range: bytes=").and_then(|(_, after)| {
        let number = after.split('-').next()?;
        number.parse::<usize>().ok()
    });
    let from = match answer {
        Answer::Everything => 0,
        _ => from.unwrap_or(0).min(content.len()),
    };
    let rest = match answer {
        Answer::Other => vec![7; content.len() - from],
        _ => content[from..].to_vec(),
    };
    let (status, range) = match (answer, from) {
        (Answer::Status(status), _) => (*status, String::new()),
        (_, 0) => ("200 OK", String::new()),
        (_, from) => (
            "206 Partial Content",
            format!(
                "Content-Range: bytes {from}-{}/{}\r\n",
                content.len() - 1,
                content.len()
            ),
        ),
    };
    let (length, sent) = match answer {
        Answer::Status(_) => (0, 0),
        Answer::Cut(after) => (rest.len(), rest.len().min(*after)),
        _ => (rest.len(), rest.len()),
    };
    let begin = format!(
        "HTTP/1.1 {status}\r\n{range}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    // Who asks may have heard enough.
    let _ = stream.write_all(begin.as_bytes()).await;
    for piece in rest[..sent].chunks(1000) {
        let _ = stream.write_all(piece).await;
        tokio::task::yield_now().await;
    }
    let _ = stream.shutdown().await;
    head
}

fn content() -> Vec<u8> {
    (0..5000u32).flat_map(u32::to_le_bytes).collect()
}

fn digest(bytes: &[u8]) -> Hash {
    Hash::Known(format!("{:x}", Sha256::digest(bytes)))
}

fn item(content: &[u8]) -> Item {
    Item {
        name: "ggml-tiny.bin".into(),
        address: "https://models.invalid/deep/model.bin".into(),
        bytes: Some(content.len() as u64),
        sha256: digest(content),
        archive: None,
    }
}

struct Here {
    folder: tempfile::TempDir,
    server: Server,
}

impl Here {
    async fn with(content: &[u8], answers: Vec<Answer>) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            server: server(content, answers).await,
        }
    }

    fn models(&self) -> PathBuf {
        self.folder.path().join("models")
    }

    async fn pull(&self, item: &Item) -> Result<Pulled, String> {
        self.pull_accepting(item, false).await
    }

    async fn pull_accepting(&self, item: &Item, accepts: bool) -> Result<Pulled, String> {
        let client = super::super::client().unwrap();
        let from = Some(self.server.address.clone());
        let mut puller = Puller::new(client, self.models(), from);
        puller.pause = Duration::from_millis(1);
        let pulled = puller.pull(item, accepts, &mut |_, _| {}).await;
        pulled.map_err(|error| format!("{error:#}"))
    }

    fn asked(&self) -> Vec<String> {
        self.server.asked.lock().unwrap().clone()
    }

    /// The files in the folder, hidden ones too.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.models()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn a_file_is_fetched_verified_and_put_in_its_place_once() {
    let content = content();
    let here = Here::with(&content, vec![Answer::Whole]).await;

    let pulled = here.pull(&item(&content)).await.unwrap();
    let again = here.pull(&item(&content)).await.unwrap();

    assert!(pulled.is_verified && !pulled.was_here && again.was_here);
    assert_eq!(
        fs::read(here.models().join("ggml-tiny.bin")).unwrap(),
        content
    );
    assert_eq!(here.files(), ["ggml-tiny.bin"]);
    assert_eq!(here.asked().len(), 1);
    assert!(here.asked()[0].starts_with("get /models/model.bin "));
}

#[tokio::test]
async fn a_connection_that_breaks_is_gone_on_with_where_it_broke() {
    let content = content();
    let answers = vec![Answer::Cut(3000), Answer::Status("503 Busy"), Answer::Whole];
    let here = Here::with(&content, answers).await;

    here.pull(&item(&content)).await.unwrap();

    assert_eq!(
        fs::read(here.models().join("ggml-tiny.bin")).unwrap(),
        content
    );
    assert!(!here.asked()[0].contains("range:"));
    assert!(
        here.asked()[2].contains("range: bytes=3000-"),
        "{:?}",
        here.asked()
    );
}

#[tokio::test]
async fn a_server_that_always_breaks_off_is_given_up_and_what_came_is_kept() {
    let content = content();
    let here = Here::with(&content, vec![Answer::Cut(1000)]).await;

    let error = here.pull(&item(&content)).await.unwrap_err();

    assert!(
        error.contains("5 tries") && error.contains("goes on from there"),
        "{error}"
    );
    assert_eq!(here.files(), [".ggml-tiny.bin.part"]);
    assert_eq!(here.asked().len(), 5);
}

#[tokio::test]
async fn a_server_that_ignores_ranges_is_taken_from_the_beginning() {
    let content = content();
    let here = Here::with(&content, vec![Answer::Cut(4000), Answer::Everything]).await;

    here.pull(&item(&content)).await.unwrap();

    assert_eq!(
        fs::read(here.models().join("ggml-tiny.bin")).unwrap(),
        content
    );
}

#[tokio::test]
async fn what_has_the_wrong_hash_is_thrown_away() {
    let content = content();
    let here = Here::with(&content, vec![Answer::Other]).await;

    let error = here.pull(&item(&content)).await.unwrap_err();

    assert!(error.contains("not the one in the catalogue"), "{error}");
    assert_eq!(here.files(), Vec::<String>::new());
}

#[tokio::test]
async fn a_beginning_of_another_file_costs_one_more_try_and_not_the_file() {
    let content = content();
    let here = Here::with(&content, vec![Answer::Whole]).await;
    make_private_folder(&here.models()).unwrap();
    fs::write(here.models().join(".ggml-tiny.bin.part"), [9; 500]).unwrap();

    here.pull(&item(&content)).await.unwrap();

    assert_eq!(
        fs::read(here.models().join("ggml-tiny.bin")).unwrap(),
        content
    );
    assert_eq!(here.asked().len(), 2);
}

#[tokio::test]
async fn a_file_of_another_size_is_not_even_fetched() {
    let content = content();
    let here = Here::with(&content[..100], vec![Answer::Whole]).await;

    let error = here.pull(&item(&content)).await.unwrap_err();

    assert!(
        error.contains("has 100 bytes") && error.contains("20000"),
        "{error}"
    );
}

#[tokio::test]
async fn a_place_without_the_file_is_named() {
    let content = content();
    let here = Here::with(&content, vec![Answer::Status("404 Not Found")]).await;

    let error = here.pull(&item(&content)).await.unwrap_err();

    assert!(
        error.contains("there is nothing at http://127.0.0.1"),
        "{error}"
    );
    assert_eq!(here.asked().len(), 1, "it is not asked again");
    assert_eq!(here.files(), Vec::<String>::new());
}

#[tokio::test]
async fn nobody_at_the_other_end_is_told_after_some_tries() {
    let content = content();
    let mut here = Here::with(&content, vec![Answer::Whole]).await;
    here.server.address = "http://127.0.0.1:1/models".parse().unwrap();

    let error = here.pull(&item(&content)).await.unwrap_err();

    assert!(error.contains("check the network"), "{error}");
}

#[tokio::test]
async fn a_disk_without_room_is_noticed_before_anything_comes() {
    let content = content();
    let here = Here::with(&content, vec![Answer::Whole]).await;
    let huge = Item {
        bytes: None,
        archive: Some(Archive {
            bytes: content.len() as u64,
            sha256: digest(&content),
            member: "a".into(),
        }),
        ..item(&content)
    };
    let huge = Item {
        bytes: Some(u64::MAX / 4),
        ..huge
    };

    let error = here.pull(&huge).await.unwrap_err();

    assert!(
        error.contains("there is no room for ggml-tiny.bin"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_nobody_has_seen_is_taken_only_when_told_and_known_afterwards() {
    let content = content();
    let here = Here::with(&content, vec![Answer::Whole]).await;
    let unknown = Item {
        bytes: None,
        sha256: Hash::Unknown,
        ..item(&content)
    };

    let error = here.pull(&unknown).await.unwrap_err();
    assert!(error.contains("--accept-unverified"), "{error}");
    assert_eq!(here.asked().len(), 0);

    let pulled = here.pull_accepting(&unknown, true).await.unwrap();

    assert!(!pulled.is_verified);
    assert_eq!(Some(pulled.sha256.as_str()), digest(&content).known());
    let kept = accepted_hash(&here.models(), "ggml-tiny.bin").unwrap();
    assert_eq!(kept, Some(pulled.sha256));
    assert!(here.pull_accepting(&unknown, true).await.unwrap().was_here);
}

#[tokio::test]
async fn a_file_inside_an_archive_is_taken_out_and_verified() {
    let library = content();
    let archive = archive_of("lib/libonnxruntime.so", &library);
    let here = Here::with(&archive, vec![Answer::Cut(100), Answer::Whole]).await;
    let inside = Item {
        archive: Some(Archive {
            bytes: archive.len() as u64,
            sha256: digest(&archive),
            member: "lib/libonnxruntime.so".into(),
        }),
        ..item(&library)
    };

    let pulled = here.pull(&inside).await.unwrap();

    assert_eq!(Some(pulled.sha256.as_str()), digest(&library).known());
    assert_eq!(
        fs::read(here.models().join("ggml-tiny.bin")).unwrap(),
        library
    );
    assert_eq!(here.files(), ["ggml-tiny.bin"]);
}

#[tokio::test]
async fn two_commands_do_not_fetch_the_same_at_once() {
    let content = content();
    let here = Here::with(&content, vec![Answer::Whole]).await;
    make_private_folder(&here.models()).unwrap();
    let _held = Part::open(&here.models(), "ggml-tiny.bin").unwrap();

    let error = here.pull(&item(&content)).await.unwrap_err();

    assert!(error.contains("by another command"), "{error}");
}
