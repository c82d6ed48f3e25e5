//! Python code that calls functions of the host.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hearth_sandbox::host::Returned;
use hearth_sandbox::network::{AllowList, ProxyRules};
use hearth_sandbox::{End, HostFunctions, HostGrant, Job, Network, Program, SandboxError};
use serde_json::{Value, json};

use crate::ground::{Ground, text};

/// Two functions, and what was asked of them.
#[derive(Default)]
struct Functions {
    heard: Mutex<Vec<Value>>,
}

impl HostFunctions for Functions {
    fn names(&self) -> Vec<String> {
        vec!["add".into(), "hang".into()]
    }

    fn call(&self, name: &str, args: Value) -> Returned {
        self.heard.lock().unwrap().push(args.clone());
        let name = name.to_owned();
        Box::pin(async move {
            if name == "hang" {
                std::future::pending::<()>().await;
            }
            let sum = |key: &str| args[key].as_i64().ok_or(format!("{key} is no number"));
            Ok(json!({ "sum": sum("a")? + sum("b")? }))
        })
    }
}

fn with_functions(mut job: Job) -> (Job, Arc<Functions>) {
    let functions = Arc::new(Functions::default());
    job.host = Some(HostGrant::new(
        Arc::clone(&functions) as Arc<dyn HostFunctions>
    ));
    (job, functions)
}

#[tokio::test]
async fn granted_functions_are_called_and_others_are_not() {
    let ground = Ground::new().await;
    let (job, functions) = with_functions(ground.python_job(
        "import host, os, sys\n\
         print(host.add(a=1, b=2), host.call('add', a=4, b=5))\n\
         for act in lambda: host.call('shell', x=1), lambda: host.shell, lambda: host.add(a=1):\n\
         \ttry: act()\n\
         \texcept Exception as error: print(type(error).__name__, error)\n\
         print(sys.argv, dir(host), len(os.listdir('/proc/self/fd')))\n",
    ));

    let outcome = ground.run(job).await;

    let stdout = text(&outcome.stdout);
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "{'sum': 3} {'sum': 9}",
            "PermissionError shell is not granted to this run; granted: add, hang",
            "AttributeError host.shell is not granted to this run; granted: add, hang",
            "HostError b is no number",
            "['/tmp/main'] ['HostError', 'add', 'call', 'hang'] 5",
        ],
        "{}",
        text(&outcome.stderr)
    );
    assert_eq!(functions.heard.lock().unwrap().len(), 3);
    assert_eq!(outcome.host_calls, 3);
}

#[tokio::test]
async fn rubbish_on_the_channel_ends_the_calls_and_harms_nobody() {
    let ground = Ground::new().await;
    for rubbish in ["b'rubbish\\n'", "b'x' * (4 << 20)", "b'\\0' * 100 + b'\\n'"] {
        let (job, functions) = with_functions(ground.python_job(&format!(
            "import host\n\
             print(host.add(a=1, b=1))\n\
             try: host._channel.sendall({rubbish})\n\
             except OSError: pass\n\
             for _ in range(2):\n\
             \ttry: host.add(a=1, b=2)\n\
             \texcept host.HostError as error: print(error)\n"
        )));

        let outcome = ground.run(job).await;

        let stdout = text(&outcome.stdout);
        let last = stdout.lines().last();
        assert_eq!(
            last,
            Some("the host takes no more calls from this run"),
            "{rubbish}: {stdout}"
        );
        assert_eq!(functions.heard.lock().unwrap().len(), 1);
    }
}

/// As many descriptors as fit, sent where calls are expected.
#[tokio::test]
async fn descriptors_sent_to_the_host_are_not_kept() {
    let ground = Ground::new().await;
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let (job, _) = with_functions(ground.python_job(
        "import array, host, socket\n\
         held = [open('/tmp/main/host.py') for _ in range(100)]\n\
         files = array.array('i', [file.fileno() for file in held])\n\
         line = b'{\"name\": \"add\", \"args\": {\"a\": 1, \"b\": 2}}\\n'\n\
         host._channel.sendmsg([line], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])\n\
         print(host._answers.readline())\n\
         host.hang()\n",
    ));
    let before = open();
    let run = ground
        .sandbox
        .run(job, tokio::time::sleep(Duration::from_secs(1)));
    let mut run = std::pin::pin!(run);

    let mut most = 0;
    let outcome = loop {
        tokio::select! {
            outcome = &mut run => break outcome.unwrap(),
            () = tokio::time::sleep(Duration::from_millis(20)) => most = most.max(open()),
        }
    };

    assert_eq!(text(&outcome.stdout), "b'{\"value\":{\"sum\":3}}\\n'");
    // Other tests of this program open some too, though not a hundred.
    assert!(most < before + 90, "{before} {most}");
}

#[tokio::test]
async fn a_call_ends_with_its_run() {
    let ground = Ground::new().await;
    let (mut job, functions) = with_functions(ground.python_job("import host\nhost.hang()"));
    job.limits.time = Duration::from_secs(1);

    let outcome = ground.run(job).await;

    assert_eq!(outcome.end, End::TimedOut);
    assert_eq!(
        Arc::strong_count(&functions),
        1,
        "somebody still waits for the answer"
    );
}

#[tokio::test]
async fn functions_and_a_proxy_go_together() {
    let ground = Ground::new().await;
    let (mut job, _) = with_functions(ground.python_job(
        "import host, urllib.error, urllib.request\n\
         try: urllib.request.urlopen('http://127.0.0.1:1/')\n\
         except urllib.error.HTTPError as error: print(error.code)\n\
         print(host.add(a=1, b=2))\n",
    ));
    job.network = Network::Proxy(ProxyRules::new(AllowList::parse(["127.0.0.1:2"]).unwrap()));

    let outcome = ground.run(job).await;

    assert_eq!(
        text(&outcome.stdout),
        "403\n{'sum': 3}",
        "{}",
        text(&outcome.stderr)
    );
}

#[tokio::test]
async fn only_python_calls_the_host() {
    let ground = Ground::new().await;
    let (job, _) = with_functions(ground.job(Program::Command {
        argv: vec!["true".into()],
    }));

    let error = ground
        .sandbox
        .run(job, std::future::pending())
        .await
        .unwrap_err();

    assert!(matches!(error, SandboxError::Invalid { .. }), "{error}");
}
