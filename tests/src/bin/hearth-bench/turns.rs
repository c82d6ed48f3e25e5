//! What a turn of a run that a model leads costs beyond the model: the model here answers at once, so
//! that what is left is asking, reserving and settling, the journal, and the call.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use hearth_tests::node::{Options, TestNode};
use serde_json::{Value, json};

use crate::measure::{cpu_time, rate};

/// Fewer than a task may take unless told otherwise.
const TURNS: usize = 50;
const LIMIT: Duration = Duration::from_mins(5);

/// Measures and prints; the design names no limit for it.
pub(crate) fn measure() -> anyhow::Result<()> {
    let model = Model::start()?;
    let settings = [
        ("PROVIDER", "openai-compatible".to_owned()),
        ("NAME", "script".to_owned()),
        ("URL", model.url.clone()),
        ("FIND_LOCAL", "false".to_owned()),
        ("INPUT_PRICE", "0.01".to_owned()),
        ("OUTPUT_PRICE", "0.01".to_owned()),
    ];
    let env = settings.map(|(name, value)| (format!("HEARTH_MODEL_{name}"), value));
    let node = TestNode::start(&Options {
        agents: true,
        env: env.into(),
        ..Options::default()
    })?;
    let run = async {
        let api = node.api()?;
        let (cpu, begun) = (cpu_time(node.pid())?, Instant::now());
        api.post("/tasks", json!({"title": "Write it down"}))
            .await?;
        let has_ended = |task: &Value| task["status"] == "completed";
        api.wait_for("/tasks/1", LIMIT, has_ended).await?;
        anyhow::Ok((begun.elapsed(), cpu_time(node.pid())?.saturating_sub(cpu)))
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (wall, cpu) = runtime.block_on(run)?;
    let served = Duration::from_micros(model.served.load(Ordering::Relaxed));
    let own = wall.saturating_sub(served);
    let turns = model.asked.load(Ordering::Relaxed);
    println!(
        "a turn with one call beyond the model: {:.1} ms, {:.0} turns per CPU-second ({turns} turns; \
         the model's own part was {:.1} ms each)",
        own.as_secs_f64() * 1000.0 / f64::from(u32::try_from(turns)?),
        rate(turns, cpu),
        served.as_secs_f64() * 1000.0 / f64::from(u32::try_from(turns)?),
    );
    Ok(())
}

/// A model on loopback that writes a file in each turn, and then says that it is done.
struct Model {
    url: String,
    asked: Arc<AtomicUsize>,
    /// How long it took itself, in microseconds.
    served: Arc<AtomicU64>,
}

impl Model {
    fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/v1", listener.local_addr()?);
        let (asked, served) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let counts = (Arc::clone(&asked), Arc::clone(&served));
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                // A client that goes away is answered no more.
                let _ = serve(connection, &counts.0, &counts.1);
            }
        });
        Ok(Self { url, asked, served })
    }
}

/// Answers one request: with the models there are, or with the next turn.
fn serve(mut stream: TcpStream, asked: &AtomicUsize, served: &AtomicU64) -> anyhow::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(Ok(0), str::parse)?];
    stream.read_exact(&mut body)?;
    let begun = Instant::now();
    let (kind, answer) = if head.starts_with("get ") {
        (
            "application/json",
            json!({"data": [{"id": "script"}]}).to_string(),
        )
    } else {
        let turn = asked.fetch_add(1, Ordering::Relaxed);
        ("text/event-stream", turn_of(turn))
    };
    let length = answer.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}"
    )?;
    stream.flush().context("the client is gone")?;
    served.fetch_add(
        u64::try_from(begun.elapsed().as_micros())?,
        Ordering::Relaxed,
    );
    Ok(())
}

fn turn_of(turn: usize) -> String {
    let (tool, args) = if turn + 1 < TURNS {
        (
            "write_file",
            json!({"path": format!("note-{turn}"), "content": "a line\n"}),
        )
    } else {
        ("complete_task", json!({"summary": "Written."}))
    };
    let call = json!({
        "index": 0, "id": format!("call-{turn}"), "type": "function",
        "function": {"name": tool, "arguments": args.to_string()},
    });
    let events = [
        json!({"choices": [{"index": 0, "delta": {"role": "assistant", "tool_calls": [call]}, "finish_reason": null}]}),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}],
            "usage": {"prompt_tokens": 300, "completion_tokens": 20}}),
    ];
    format!(
        "data: {}

data: {}

data: [DONE]

",
        events[0], events[1]
    )
}
