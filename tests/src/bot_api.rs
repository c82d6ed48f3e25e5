//! A server at loopback that speaks Telegram's Bot API as far as a bot of ours needs it, with the failures
//! that it is told to have.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

/// The bot's number.
pub const BOT: i64 = 77;
/// The token that it takes at first.
pub const TOKEN: &str = "77:story-token_0123456789";
/// How large a request is read.
const REQUEST_BYTES: usize = 32 * 1024 * 1024;

/// How a call fails.
#[derive(Debug, Clone)]
pub enum Failure {
    /// It is answered with this status, and when to come again.
    Status(u16, Option<u64>),
    /// The connection is cut before anything is done.
    Cut,
    /// It is done, and the connection is cut before that is said.
    DoneThenCut,
    /// It is done, and said after this long.
    Slow(Duration),
}

/// A message that the bot sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// By which method.
    pub method: String,
    /// To which chat.
    pub chat: i64,
    /// The message's number; of an edit, the one that was edited.
    pub message: i64,
    /// Its text; of a voice note, how many bytes it has.
    pub text: String,
    /// What its buttons say, and what they stand for.
    pub buttons: Vec<(String, String)>,
}

impl Sent {
    /// What its buttons say.
    pub fn labels(&self) -> Vec<&str> {
        let buttons = self.buttons.iter();
        buttons.map(|(label, _)| label.as_str()).collect()
    }
}

#[derive(Default)]
struct Shared {
    token: String,
    /// Updates that the bot has not confirmed.
    updates: VecDeque<Value>,
    next_update: i64,
    next_message: i64,
    sent: Vec<Sent>,
    /// How often each method was called.
    calls: HashMap<String, usize>,
    failures: HashMap<String, VecDeque<Failure>>,
    files: HashMap<String, Vec<u8>>,
    /// The voice notes that the bot sent, by the numbers of their messages.
    notes: HashMap<i64, Vec<u8>>,
    /// What buttons were answered with.
    pressed: Vec<String>,
    commands: Vec<String>,
    /// How many calls of `getUpdates` began; the last one alone is served.
    polls: u64,
    /// How many of them were ended by another.
    conflicts: usize,
}

/// The server. It ends with the test.
pub struct BotApi {
    port: u16,
    shared: Arc<Mutex<Shared>>,
    changed: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for BotApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl BotApi {
    /// Starts one.
    ///
    /// # Errors
    /// There is no port to be had.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let shared = Shared {
            token: TOKEN.into(),
            next_update: 1000,
            next_message: 1,
            ..Shared::default()
        };
        let shared = Arc::new(Mutex::new(shared));
        let changed = Arc::new(Notify::new());
        let (state, wake) = (Arc::clone(&shared), Arc::clone(&changed));
        let task = tokio::spawn(async move {
            // Connections end with the server.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (state, wake) = (Arc::clone(&state), Arc::clone(&wake));
                connections.spawn(async move { serve(stream, &state, &wake).await });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self {
            port,
            shared,
            changed,
            task,
        })
    }

    /// Returns its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the variables by which a node is this bot.
    pub fn env(&self) -> Vec<(String, String)> {
        [
            ("HEARTH_SECRET_TELEGRAM_TOKEN", TOKEN.to_owned()),
            ("HEARTH_TELEGRAM_API_URL", self.url()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Takes another token from here on.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut self.lock().token);
    }

    /// Has the next call of a method fail.
    pub fn fail(&self, method: &str, failure: Failure) {
        let mut shared = self.lock();
        let failures = shared.failures.entry(method.to_owned()).or_default();
        failures.push_back(failure);
    }

    /// Puts a file where a voice note can name it.
    pub fn put_file(&self, name: &str, bytes: Vec<u8>) {
        self.lock().files.insert(name.to_owned(), bytes);
    }

    /// Has something written by a person in a private chat of theirs.
    pub fn write(&self, user: i64, text: &str) -> i64 {
        self.message(user, &json!({ "text": text }))
    }

    /// Has a person send a message with these further fields in a private chat of theirs.
    pub fn message(&self, user: i64, more: &Value) -> i64 {
        let chat = json!({"id": user, "type": "private", "first_name": "Ada"});
        self.message_in(&chat, user, more)
    }

    /// Has a person send a message in a chat.
    pub fn message_in(&self, chat: &Value, user: i64, more: &Value) -> i64 {
        let message = {
            let mut shared = self.lock();
            shared.next_message += 1;
            shared.next_message
        };
        let mut body = json!({
            "message_id": message, "date": 1_700_000_000, "chat": chat,
            "from": {"id": user, "is_bot": false, "first_name": "Ada"},
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.update(json!({ "message": body }))
    }

    /// Has a person press a button of a message.
    pub fn press(&self, user: i64, sent: &Sent, data: &str) -> i64 {
        let chat = json!({"id": sent.chat, "type": "private"});
        self.update(json!({"callback_query": {
            "id": format!("query-{}", sent.message), "data": data,
            "from": {"id": user, "is_bot": false, "first_name": "Ada"},
            "message": {"message_id": sent.message, "chat": chat, "text": sent.text},
        }}))
    }

    /// Has an update come in; returns its number.
    pub fn update(&self, mut update: Value) -> i64 {
        let number = {
            let mut shared = self.lock();
            shared.next_update += 1;
            let number = shared.next_update;
            update["update_id"] = json!(number);
            shared.updates.push_back(update);
            number
        };
        self.changed.notify_waiters();
        number
    }

    /// Returns what was sent so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.lock().sent.clone()
    }

    /// Returns the voice note that was sent as this message.
    pub fn voice_note(&self, sent: &Sent) -> Option<Vec<u8>> {
        self.lock().notes.get(&sent.message).cloned()
    }

    /// Returns how many updates the bot has not confirmed.
    pub fn unconfirmed(&self) -> usize {
        self.lock().updates.len()
    }

    /// Returns how often a method was called.
    pub fn calls(&self, method: &str) -> usize {
        self.lock().calls.get(method).copied().unwrap_or(0)
    }

    /// Returns how many calls of `getUpdates` were ended by another.
    pub fn conflicts(&self) -> usize {
        self.lock().conflicts
    }

    /// Returns what presses of buttons were answered with.
    pub fn pressed(&self) -> Vec<String> {
        self.lock().pressed.clone()
    }

    /// Returns the commands that the bot has shown.
    pub fn commands(&self) -> Vec<String> {
        self.lock().commands.clone()
    }

    /// Waits until something sent fits; returns the first that does.
    ///
    /// # Errors
    /// Nothing does in a minute; shows what was sent.
    pub async fn wait_for(&self, what: &str, fits: impl Fn(&Sent) -> bool) -> anyhow::Result<Sent> {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            if let Some(sent) = self.sent().into_iter().find(&fits) {
                return Ok(sent);
            }
            if Instant::now() > deadline {
                bail!("{what} was not sent: {:#?}", self.sent());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until so much was sent.
    ///
    /// # Errors
    /// It was not in a minute.
    pub async fn wait_for_count(&self, count: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_mins(1);
        while self.lock().sent.len() < count {
            if Instant::now() > deadline {
                bail!("{count} messages were not sent: {}", self.lock().sent.len());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Request {
    path: String,
    body: Vec<u8>,
}

/// Serves one request of a connection.
async fn serve(mut stream: TcpStream, shared: &Mutex<Shared>, changed: &Notify) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    let token = lock().token.clone();
    let file = format!("/file/bot{token}/");
    if let Some(name) = request.path.strip_prefix(&file) {
        let bytes = lock().files.get(name.trim_start_matches("voice/")).cloned();
        match bytes {
            Some(bytes) => respond(&mut stream, 200, &bytes).await,
            None => respond(&mut stream, 404, b"{}").await,
        }
        return;
    }
    let Some(method) = request.path.strip_prefix(&format!("/bot{token}/")) else {
        return answer(&mut stream, &refusal(401, "Unauthorized", None)).await;
    };
    let failure = {
        let mut shared = lock();
        *shared.calls.entry(method.to_owned()).or_default() += 1;
        shared
            .failures
            .get_mut(method)
            .and_then(VecDeque::pop_front)
    };
    match failure {
        Some(Failure::Cut) => return,
        Some(Failure::Status(code, after)) => {
            let said = match code {
                409 => "Conflict: terminated by other getUpdates request",
                429 => "Too Many Requests",
                403 => "Forbidden: bot was blocked by the user",
                _ => "Internal Server Error",
            };
            return answer(&mut stream, &refusal(code, said, after)).await;
        }
        Some(Failure::DoneThenCut) => {
            act(method, &request.body, shared);
            return;
        }
        Some(Failure::Slow(time)) => tokio::time::sleep(time).await,
        None => (),
    }
    if method == "getUpdates" {
        return poll(&mut stream, &request.body, shared, changed).await;
    }
    let outcome = act(method, &request.body, shared);
    answer(&mut stream, &outcome).await;
}

/// Hands updates out, and holds the call open while there are none.
async fn poll(stream: &mut TcpStream, body: &[u8], shared: &Mutex<Shared>, changed: &Notify) {
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let mine = {
        let mut shared = lock();
        shared.polls += 1;
        if let Some(offset) = asked["offset"].as_i64() {
            shared
                .updates
                .retain(|update| update["update_id"].as_i64() >= Some(offset));
        }
        shared.polls
    };
    changed.notify_waiters();
    let limit = usize::try_from(asked["limit"].as_u64().unwrap_or(100)).unwrap_or(100);
    let hold = Duration::from_secs(asked["timeout"].as_u64().unwrap_or(0));
    let deadline = tokio::time::Instant::now() + hold;
    loop {
        let woken = changed.notified();
        let (is_last, found) = {
            let shared = lock();
            let found: Vec<Value> = shared.updates.iter().take(limit).cloned().collect();
            (shared.polls == mine, found)
        };
        if !is_last {
            lock().conflicts += 1;
            let said = "Conflict: terminated by other getUpdates request";
            return answer(stream, &refusal(409, said, None)).await;
        }
        if !found.is_empty() || tokio::time::Instant::now() >= deadline {
            return answer(stream, &json!({"ok": true, "result": found})).await;
        }
        let mut nothing = [0; 1];
        tokio::select! {
            () = woken => (),
            () = tokio::time::sleep_until(deadline) => (),
            // Who asked is gone.
            _ = stream.read(&mut nothing) => return,
        }
    }
}

/// Does what a method does.
fn act(method: &str, body: &[u8], shared: &Mutex<Shared>) -> Value {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let done = |result: Value| json!({"ok": true, "result": result});
    match method {
        "getMe" => done(json!({"id": BOT, "is_bot": true, "username": "hearth_story_bot"})),
        "setMyCommands" => {
            let commands = asked["commands"].as_array().into_iter().flatten();
            shared.commands = commands
                .filter_map(|command| command["command"].as_str().map(str::to_owned))
                .collect();
            done(json!(true))
        }
        "sendMessage" | "editMessageText" | "sendVoice" => send(method, &asked, body, &mut shared),
        "answerCallbackQuery" => {
            let said = asked["text"].as_str().unwrap_or_default().to_owned();
            shared.pressed.push(said);
            done(json!(true))
        }
        "getFile" => {
            let id = asked["file_id"].as_str().unwrap_or_default();
            if shared.files.contains_key(id) {
                done(json!({"file_id": id, "file_path": format!("voice/{id}")}))
            } else {
                refusal(400, "Bad Request: wrong file_id", None)
            }
        }
        "sendChatAction" => done(json!(true)),
        _ => refusal(404, "Not Found", None),
    }
}

fn send(method: &str, asked: &Value, body: &[u8], shared: &mut Shared) -> Value {
    let mut note = None;
    let (chat, text) = if method == "sendVoice" {
        let chat =
            part(body, "chat_id").and_then(|chat| std::str::from_utf8(chat).ok()?.parse().ok());
        let sound = part(body, "voice").filter(|sound| !sound.is_empty());
        let (Some(chat), Some(sound)) = (chat, sound) else {
            return refusal(400, "Bad Request: there is no voice in the request", None);
        };
        note = Some(sound.to_vec());
        (chat, format!("{} bytes", sound.len()))
    } else {
        let text = asked["text"].as_str().unwrap_or_default();
        if text.is_empty() || text.encode_utf16().count() > 4096 {
            return refusal(400, "Bad Request: message is too long", None);
        }
        (
            asked["chat_id"].as_i64().unwrap_or_default(),
            text.to_owned(),
        )
    };
    let message = if let Some(message) = asked["message_id"].as_i64() {
        message
    } else {
        shared.next_message += 1;
        shared.next_message
    };
    if let Some(note) = note {
        shared.notes.insert(message, note);
    }
    let is_same = shared
        .sent
        .iter()
        .rev()
        .find(|sent| sent.message == message)
        .is_some_and(|sent| method == "editMessageText" && sent.text == text);
    if is_same {
        return refusal(400, "Bad Request: message is not modified", None);
    }
    let rows = asked["reply_markup"]["inline_keyboard"].as_array();
    let buttons = rows.into_iter().flatten().flat_map(|row| {
        let row = row.as_array().into_iter().flatten();
        row.map(|button| {
            let word = |name: &str| button[name].as_str().unwrap_or_default().to_owned();
            (word("text"), word("callback_data"))
        })
    });
    let buttons: Vec<(String, String)> = buttons.collect();
    if buttons.iter().any(|(_, data)| data.len() > 64) {
        return refusal(400, "Bad Request: BUTTON_DATA_INVALID", None);
    }
    shared.sent.push(Sent {
        method: method.to_owned(),
        chat,
        message,
        text,
        buttons,
    });
    json!({"ok": true, "result": {"message_id": message}})
}

/// Returns the part of this name of a form in parts, as it was sent.
fn part<'a>(body: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let place = |of: &[u8], what: &[u8]| of.windows(what.len()).position(|found| found == what);
    let line = place(body, b"\r\n")?;
    let between = [b"\r\n".as_slice(), &body[..line]].concat();
    let mut rest = &body[line + 2..];
    loop {
        let end = place(rest, &between)?;
        let head = place(&rest[..end], b"\r\n\r\n")?;
        let named = format!("name=\"{name}\"");
        if place(&rest[..head], named.as_bytes()).is_some() {
            return Some(&rest[head + 4..end]);
        }
        rest = rest.get(end + between.len() + 2..)?;
    }
}

fn refusal(code: u16, said: &str, after: Option<u64>) -> Value {
    let mut refusal = json!({"ok": false, "error_code": code, "description": said});
    if let Some(after) = after {
        refusal["parameters"] = json!({ "retry_after": after });
    }
    refusal
}

async fn answer(stream: &mut TcpStream, body: &Value) {
    let status = body["error_code"].as_u64().unwrap_or(200);
    respond(stream, status, body.to_string().as_bytes()).await;
}

async fn respond(stream: &mut TcpStream, status: u64, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    // Where nobody reads it any more, nothing is lost.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if bytes.len() > REQUEST_BYTES || stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let path = head.split_whitespace().nth(1)?.to_owned();
    let length: usize = head
        .to_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length.min(REQUEST_BYTES) {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request { path, body })
}
