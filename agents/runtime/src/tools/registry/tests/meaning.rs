//! What each call touches, how it is told, and what comes of it.

use super::*;

/// What a call means, in short: hosts, reads, writes, whether outside; repeat; labels; folder.
fn meaning(call: &Call) -> String {
    let reach = call.reach();
    let names = |words: &[Word]| -> String {
        let words: BTreeSet<&str> = words.iter().map(Word::as_str).collect();
        words.into_iter().collect::<Vec<_>>().join(",")
    };
    let mut said = vec![call.repeat(false).as_str().to_owned()];
    for (word, list) in [
        ("hosts", reach.hosts.join(",")),
        ("reads", names(&reach.reads)),
        ("writes", names(&reach.writes)),
    ] {
        if !list.is_empty() {
            said.push(format!("{word} {list}"));
        }
    }
    let labels = call.brings();
    for (word, is_so) in [
        ("outside", reach.is_outside),
        ("creates", reach.creates.is_some()),
        ("untrusted", labels.untrusted),
        ("private", labels.private),
        ("changes", call.changes_folder()),
    ] {
        if is_so {
            said.push(word.to_owned());
        }
    }
    assert_eq!(call.repeat(true), Repeat::Safe, "the world knows its key");
    said.join("; ")
}

/// What makes a tool with these rights, whose example takes them or not.
#[expect(
    clippy::needless_pass_by_value,
    reason = "values are written where they are used"
)]
fn making(grants: Value, needs_grants: bool) -> Value {
    json!({
        "name": "count_words", "description": "Counts.", "parameters": {"type": "object"},
        "code": "def run(): return 1", "grants": grants,
        "examples": [{"args": {}, "result": 1, "needs_grants": needs_grants}],
    })
}

/// A call of version 2 of a tool with these rights.
fn made(grants: Value) -> Call {
    let head = ToolHead {
        id: ToolId(uuid::Uuid::from_u128(1)),
        name: "count_words".parse().unwrap(),
        version: 2,
        description: "Counts.".into(),
        parameters: serde_json::from_value(json!({"type": "object"})).unwrap(),
        grants: serde_json::from_value(grants).unwrap(),
        status: ToolStatus::Enabled,
        is_current: true,
    };
    let registry = Registry::with(vec![head]);
    let call = registry.read(&action("count_words", json!({"a": 1})));
    call.unwrap()
}

#[test]
fn a_call_of_a_made_tool_touches_what_it_was_granted_and_names_its_version() {
    let network = json!(["example.org"]);
    for (grants, expected) in [
        (json!({}), "safe"),
        (json!({"host": {"kv": true, "task": true}}), "safe"),
        (json!({"workspace": true}), "restored; changes"),
        (json!({"reads": ["a"]}), "safe; reads a; private"),
        (
            json!({"host": {"fs_write": ["a"]}}),
            "unsafe; writes a; private",
        ),
        (
            json!({"network": network}),
            "unsafe; hosts example.org; untrusted",
        ),
    ] {
        let call = made(grants.clone());
        assert_eq!(meaning(&call), expected, "{grants}");
        assert!(call.reach().agreed.is_some() && call.reach().creates.is_none());
    }
    let call = made(json!({"host": {"http_get": network, "fs_read": ["notes"]}}));
    assert_eq!(
        call.in_words(),
        "use the tool count_words, version 2, which may speak to example.org, read folder notes, with \
         {\"a\":1}"
    );
    let mut pinned = action("count_words", json!({"a": 1}));
    call.pin(&mut pinned);
    assert_eq!(pinned.tool.as_str(), "count_words.v2");
}

#[test]
fn each_call_says_what_it_can_touch() {
    let network = json!(["example.org"]);
    for (tool, args, expected) in [
        ("python", json!({"code": "x"}), "restored; changes"),
        (
            "python",
            json!({"code": "x", "reads": ["a"]}),
            "restored; reads a; private; changes",
        ),
        (
            "python",
            json!({"code": "x", "writes": ["a"]}),
            "unsafe; writes a; private; changes",
        ),
        (
            "python",
            json!({"code": "x", "network": network}),
            "unsafe; hosts example.org; untrusted; changes",
        ),
        (
            "python",
            json!({"code": "x", "host": {"http_get": network}}),
            "unsafe; hosts example.org; untrusted; changes",
        ),
        (
            "python",
            json!({"code": "x", "host": {"fs_read": ["a"], "kv": true, "task": true}}),
            "restored; reads a; private; changes",
        ),
        (
            "python",
            json!({"code": "x", "host": {"fs_write": ["a"]}}),
            "unsafe; writes a; private; changes",
        ),
        (
            "run_command",
            json!({"argv": ["true"]}),
            "restored; changes",
        ),
        ("command", json!({"argv": ["true"]}), "restored; changes"),
        (
            "run_command",
            json!({"argv": ["git"], "network": network, "reads": ["a"]}),
            "unsafe; hosts example.org; reads a; untrusted; private; changes",
        ),
        (
            "run_command",
            json!({"argv": ["git"], "outside": true}),
            "unsafe; outside; private; changes",
        ),
        ("read_file", json!({"path": "a"}), "safe"),
        (
            "read_file",
            json!({"path": "a", "folder": "n"}),
            "safe; reads n; private",
        ),
        (
            "write_file",
            json!({"path": "a", "content": ""}),
            "safe; changes",
        ),
        (
            "write_file",
            json!({"path": "a", "content": "", "folder": "n"}),
            "safe; writes n; private",
        ),
        ("list_files", json!({}), "safe"),
        (
            "list_files",
            json!({"folder": "n"}),
            "safe; reads n; private",
        ),
        (
            "store_artifact",
            json!({"type": "note", "content": "x"}),
            "safe",
        ),
        (
            "http_get",
            json!({"url": "http://localhost:1/"}),
            "safe; hosts localhost:1; untrusted",
        ),
        (
            "http_get",
            json!({"url": "https://example.org/", "save_as": "a"}),
            "safe; hosts example.org; untrusted; changes",
        ),
        ("web_search", json!({"query": "x"}), "safe; untrusted"),
        (
            "web_scrape",
            json!({"url": "https://example.org/"}),
            "safe; hosts example.org; untrusted",
        ),
        (
            "web_scrape",
            json!({"url": "https://example.org/", "save_as": "a"}),
            "safe; hosts example.org; untrusted; changes",
        ),
        ("remember", json!({"text": "x"}), "safe"),
        ("recall", json!({"query": "x"}), "safe"),
        ("ask_owner", json!({"question": "Which?"}), "safe"),
        (
            "create_agent",
            json!({"name": "scribe", "instructions": "Writes."}),
            "safe; creates",
        ),
        (
            "delegate",
            json!({"agent": "scribe", "title": "Write"}),
            "safe",
        ),
        ("create_tool", making(json!({}), false), "safe; creates"),
        (
            "create_tool",
            making(
                json!({"host": {"http_get": network}, "reads": ["a"]}),
                false,
            ),
            "safe; hosts example.org; reads a; creates",
        ),
        (
            "create_tool",
            making(json!({"network": network, "workspace": true}), true),
            "unsafe; hosts example.org; creates; untrusted; changes",
        ),
    ] {
        let call = call(tool, args.clone());
        assert_eq!(meaning(&call), expected, "{tool} {args}");
    }
}

#[test]
fn the_owner_reads_one_line_of_what_is_asked() {
    for (tool, args, words) in [
        (
            "python",
            json!({"code": "x", "network": ["a.org", "b.org"]}),
            "run Python code, speaking to a.org, b.org: x",
        ),
        (
            "run_command",
            json!({"argv": ["rm", "a\nb"], "outside": true}),
            "run outside the sandbox, with your rights: rm 'a b'",
        ),
        // Neither an argument nor what a shell reads can pass for something else.
        (
            "run_command",
            json!({"argv": ["sh", "-c", "x"], "stdin": "it's\u{202e}", "outside": true, }),
            "run outside the sandbox, with your rights, with the input 'it'\\''s\u{fffd}': sh -c x",
        ),
        (
            "run_command",
            json!({"argv": ["a` in the sandbox? I ask because `"], "writes": ["log"], "reads": ["notes"]}),
            "run, reading notes, writing log: 'a` in the sandbox? I ask because `'",
        ),
        (
            "write_file",
            json!({"path": "a.txt", "content": "", "folder": "notes"}),
            "write a.txt in folder notes",
        ),
        ("list_files", json!({}), "list ."),
        (
            "http_get",
            json!({"url": "https://example.org/"}),
            "fetch https://example.org/",
        ),
        ("ask_owner", json!({"question": "Which?"}), "ask \"Which?\""),
        (
            "create_agent",
            json!({"name": "scribe", "instructions": "Writes."}),
            "make agent scribe",
        ),
        (
            "delegate",
            json!({"agent": "scribe", "title": "Write \u{202e}it"}),
            "hand \"Write \u{fffd}it\" to agent scribe",
        ),
    ] {
        assert_eq!(call(tool, args).in_words(), words);
    }
    let long = call("read_file", json!({"path": "x".repeat(300)})).in_words();
    assert_eq!(long.chars().count(), "read ".len() + 201);
}

#[test]
fn the_result_of_each_call_is_made_of_what_the_journal_holds() {
    let id = "00000000-0000-0000-0000-000000000007";
    let ran = |code: i32| json!({"end": {"exited": code}, "stdout": "{\"n\": 1}", "stderr": "no", "milliseconds": 5});
    let page = |status: u16| json!({"url": "u", "status": status, "bytes": 3, "body": "abc"});
    let python = call("python", json!({"code": "x"}));
    let get = call("http_get", json!({"url": "https://example.org/"}));
    let files = json!({"files": [{"path": "a", "bytes": 1}], "truncated": false});
    let content = json!({"content": "abc"});
    let (read, list) = (
        call("read_file", json!({"path": "a"})),
        call("list_files", json!({})),
    );
    let write = call("write_file", json!({"path": "a", "content": "abc"}));
    let store = call("store_artifact", json!({"type": "note", "content": "x"}));
    let ask = call("ask_owner", json!({"question": "Which?"}));
    let create = json!({"name": "scribe", "instructions": "Writes."});
    let (create, made) = (call("create_agent", create), json!({"agent": "scribe"}));
    for (call, outcome, note, result) in [
        (&python, ran(0), "finished in 5 ms", json!({"n": 1})),
        (&read, content.clone(), "read 3 bytes", content),
        (&write, json!({"bytes": 3}), "wrote 3 bytes", Value::Null),
        (&list, files.clone(), "listed 1 files", files),
        (&get, page(200), "200, 3 bytes", page(200)),
        (&get, page(204), "204, 3 bytes", page(204)),
        (&ask, json!("red"), "", json!({"answer": "red"})),
        (&create, made.clone(), "made agent scribe", made),
        (
            &store,
            json!({"artifact_id": id}),
            &format!("stored artifact {id}"),
            Value::Null,
        ),
    ] {
        let end = crate::tools::result_of(call, &outcome).unwrap();
        assert_eq!(end.note, note);
        assert_eq!(
            end.result.map_or(Value::Null, Value::from),
            result,
            "{call:?}"
        );
        assert_eq!(end.artifacts.len(), usize::from(call == &store));
    }
    for (call, outcome, told) in [
        (&python, ran(3), "it exited with 3\nno"),
        (
            &python,
            json!({"n": 1}),
            "the journal holds no outcome of a program: ",
        ),
        (&get, page(404), "u answered 404"),
        (&get, page(301), "u answered 301"),
        (&get, json!({}), " answered 0"),
        (&store, json!({}), "the journal holds no artifact"),
    ] {
        let story = crate::tools::result_of(call, &outcome).unwrap_err();
        assert!(story.starts_with(told), "{story}");
    }
}
