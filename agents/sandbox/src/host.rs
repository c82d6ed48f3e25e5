//! Functions of the host that Python code inside may call, each granted by its name.
//!
//! Inside there is a module `host`: `host.call("http_get", url=...)`, or `host.http_get(url=...)`.
//! A call is a line of JSON over the run's channel, and so is its answer. Who is granted what, and
//! whether the arguments are good, the host decides; the module inside is a convenience.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::timeout;

/// How long a call may be, and an answer. The module inside knows it too.
pub(crate) const MESSAGE_BYTES: usize = 1024 * 1024;

/// What is granted to one run.
pub trait HostFunctions: Send + Sync {
    /// Returns the names that may be called.
    fn names(&self) -> Vec<String>;

    /// Calls one of them. The arguments come from the program and are to be checked; an error's
    /// text is shown to it.
    fn call(&self, name: &str, args: Value) -> Returned;
}

/// What [`HostFunctions::call`] returns. It is dropped where the run ends first.
pub type Returned = Pin<Box<dyn Future<Output = Result<Value, String>> + Send>>;

/// The functions of one run, and how much they may be used.
#[derive(Clone)]
pub struct HostGrant {
    /// What may be called.
    pub functions: Arc<dyn HostFunctions>,
    /// How often.
    pub calls: u32,
    /// How long one call may take.
    pub call_time: Duration,
}

impl HostGrant {
    /// Returns a grant with the default limits: 100 calls, 30 seconds each.
    pub fn new(functions: Arc<dyn HostFunctions>) -> Self {
        Self {
            functions,
            calls: 100,
            call_time: Duration::from_secs(30),
        }
    }
}

impl fmt::Debug for HostGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostGrant")
            .field("names", &self.functions.names())
            .field("calls", &self.calls)
            .field("call_time", &self.call_time)
            .finish_non_exhaustive()
    }
}

/// A call as it comes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    name: String,
    args: Map<String, Value>,
}

/// An answer as it goes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Value(Value),
    /// The name is not granted.
    Denied(String),
    /// Anything else that went wrong.
    Failed(String),
}

/// The calls of one run; clones count together.
#[derive(Debug, Clone)]
pub(crate) struct HostCalls {
    grant: HostGrant,
    made: Arc<AtomicU32>,
}

impl HostCalls {
    pub(crate) fn new(grant: HostGrant) -> Self {
        Self {
            grant,
            made: Arc::default(),
        }
    }

    /// Returns how many calls were let through so far.
    pub(crate) fn made(&self) -> u32 {
        self.made.load(Ordering::Relaxed)
    }

    /// Answers calls one by one, until the other side hangs up or writes what is no call.
    pub(crate) async fn serve(&self, stream: impl AsyncRead + AsyncWrite) {
        let (reader, mut writer) = tokio::io::split(stream);
        let mut reader = BufReader::new(reader);
        while let Some(call) = read_call(&mut reader).await {
            let is_call = call.is_ok();
            let reply = match call {
                Ok(call) => self.answer(call).await,
                Err(problem) => Reply::Failed(problem),
            };
            if writer.write_all(&line_of(&reply)).await.is_err() || !is_call {
                return;
            }
        }
    }

    async fn answer(&self, call: Call) -> Reply {
        let Call { name, args } = call;
        let names = self.grant.functions.names();
        if !names.contains(&name) {
            return Reply::Denied(format!(
                "{name} is not granted to this run; granted: {}",
                names.join(", ")
            ));
        }
        if self.made() >= self.grant.calls {
            let most = self.grant.calls;
            return Reply::Failed(format!("this run has made its {most} calls of the host"));
        }
        self.made.fetch_add(1, Ordering::Relaxed);
        let call = self.grant.functions.call(&name, Value::Object(args));
        match timeout(self.grant.call_time, call).await {
            Ok(Ok(value)) => Reply::Value(value),
            Ok(Err(problem)) => Reply::Failed(problem),
            Err(_) => {
                let seconds = self.grant.call_time.as_secs_f32();
                Reply::Failed(format!("{name} took longer than {seconds} s"))
            }
        }
    }
}

/// Reads a call; none where the other side has hung up.
async fn read_call(reader: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Result<Call, String>> {
    let mut line = vec![];
    let most = MESSAGE_BYTES as u64 + 1;
    let length = reader.take(most).read_until(b'\n', &mut line).await.ok()?;
    if length == 0 {
        return None;
    }
    if line.len() > MESSAGE_BYTES {
        return Some(Err(format!("a call is at most {MESSAGE_BYTES} bytes long")));
    }
    let call = serde_json::from_slice(&line);
    Some(call.map_err(|error| format!("not a call to the host: {error}")))
}

fn line_of(reply: &Reply) -> Vec<u8> {
    let encode = |reply: &Reply| serde_json::to_vec(reply).unwrap_or_default();
    let mut line = encode(reply);
    if line.len() >= MESSAGE_BYTES {
        let problem = format!(
            "the answer is {} bytes long, and {MESSAGE_BYTES} is the most",
            line.len()
        );
        line = encode(&Reply::Failed(problem));
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    struct Functions;

    impl HostFunctions for Functions {
        fn names(&self) -> Vec<String> {
            vec!["echo".into(), "fail".into(), "large".into(), "hang".into()]
        }

        fn call(&self, name: &str, args: Value) -> Returned {
            let name = name.to_owned();
            Box::pin(async move {
                match name.as_str() {
                    "echo" => Ok(args),
                    "large" => Ok("x".repeat(MESSAGE_BYTES).into()),
                    "hang" => std::future::pending().await,
                    _ => Err("it did not work".into()),
                }
            })
        }
    }

    /// Sends lines and returns those that come back, until the host hangs up.
    async fn talk(lines: &str, calls: u32) -> (Vec<String>, u32) {
        let (near, far) = duplex(4 * MESSAGE_BYTES);
        let host = HostCalls::new(HostGrant {
            functions: Arc::new(Functions),
            calls,
            call_time: Duration::from_millis(50),
        });
        let (mut reader, mut writer) = tokio::io::split(far);
        writer.write_all(lines.as_bytes()).await.unwrap();
        writer.shutdown().await.unwrap();
        host.serve(near).await;
        drop(writer);
        let mut said = String::new();
        let _ = timeout(Duration::from_millis(50), reader.read_to_string(&mut said)).await;
        (said.lines().map(str::to_owned).collect(), host.made())
    }

    #[tokio::test]
    async fn calls_are_answered_in_turn_and_only_granted_ones_are_made() {
        let (said, made) = talk(
            "{\"name\":\"echo\",\"args\":{\"a\":[1,\"b\"]}}\n\
             {\"name\":\"fail\",\"args\":{}}\n\
             {\"name\":\"shell\",\"args\":{}}\n\
             {\"name\":\"hang\",\"args\":{}}\n\
             {\"name\":\"large\",\"args\":{}}\n",
            100,
        )
        .await;

        assert_eq!(
            said,
            [
                r#"{"value":{"a":[1,"b"]}}"#,
                r#"{"failed":"it did not work"}"#,
                r#"{"denied":"shell is not granted to this run; granted: echo, fail, large, hang"}"#,
                r#"{"failed":"hang took longer than 0.05 s"}"#,
                r#"{"failed":"the answer is 1048588 bytes long, and 1048576 is the most"}"#,
            ]
        );
        assert_eq!(made, 4);
    }

    #[tokio::test]
    async fn calls_over_the_limit_are_not_made() {
        let call = "{\"name\":\"echo\",\"args\":{}}\n";

        let (said, made) = talk(&call.repeat(4), 2).await;

        assert_eq!(made, 2);
        assert_eq!(said.len(), 4);
        assert_eq!(
            said[3],
            r#"{"failed":"this run has made its 2 calls of the host"}"#
        );
    }

    #[tokio::test]
    async fn what_is_no_call_ends_the_conversation() {
        let long = format!(
            "{{\"name\":\"{}\",\"args\":{{}}}}\n",
            "x".repeat(MESSAGE_BYTES)
        );
        for rubbish in [
            "rubbish\n",
            "\n",
            "[]\n",
            "{\"name\":\"echo\"}\n",
            "{\"name\":\"echo\",\"args\":[]}\n",
            "{\"name\":\"echo\",\"args\":{},\"more\":1}\n",
            "\u{0}\u{1}",
            &long,
        ] {
            let (said, made) = talk(
                &format!("{rubbish}{{\"name\":\"echo\",\"args\":{{}}}}\n"),
                9,
            )
            .await;

            assert_eq!((said.len(), made), (1, 0), "{said:?}");
            assert!(said[0].starts_with("{\"failed\":\""), "{said:?}");
        }
    }
}
