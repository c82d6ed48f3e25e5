//! What is documented of each tool is what is taken, and what each call of it means.

use std::collections::BTreeSet;

use hearth_domain::ToolId;
use hearth_domain::tool::{ToolHead, ToolStatus};
use proptest::prelude::*;
use serde_json::json;

use super::*;

mod meaning;

fn action(tool: &str, args: Value) -> Action {
    Action {
        tool: tool.parse().unwrap(),
        args: serde_json::from_value(args).unwrap(),
    }
}

fn call(tool: &str, args: Value) -> Call {
    Registry::builtin().read(&action(tool, args)).unwrap()
}

fn refusal(tool: &str, args: Value) -> String {
    Registry::builtin().read(&action(tool, args)).unwrap_err()
}

fn properties(tool: &str) -> Vec<String> {
    let properties = schema(tool).unwrap()["properties"].as_object();
    properties
        .into_iter()
        .flat_map(serde_json::Map::keys)
        .cloned()
        .collect()
}

#[test]
fn every_schema_is_valid_and_closed_and_says_what_each_argument_is() {
    for name in names() {
        let schema = schema(name).unwrap();
        assert!(TOOLS[name].validator.is_some(), "{name}");
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}");
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        assert_eq!(schema["additionalProperties"], false, "{name}");
        assert!(schema["description"].is_string(), "{name}");
        assert_eq!(schema.get("$defs"), None, "{name} reads alone");
        for (argument, described) in schema["properties"].as_object().into_iter().flatten() {
            assert!(described["description"].is_string(), "{name}.{argument}");
        }
    }
    assert_eq!(schema("command"), schema("run_command"));
    assert!(!names().any(|name| name == "command"));
}

/// Text that is often right for something.
fn text() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(vec![
            "",
            " ",
            ".",
            "report",
            "two words",
            "ü",
            "a/b",
            "x\0y",
            "line\nline",
            "\u{85}",
            "https://example.org/",
            "example.org",
            "\u{a0}",
        ])
        .prop_map(Value::from),
        "[a-z .]{0,60}".prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let functions = prop::collection::btree_map(
        prop::sample::select(vec![
            "http_get", "fs_read", "fs_write", "kv", "task", "other",
        ]),
        prop_oneof![
            any::<bool>().prop_map(Value::from),
            prop::collection::vec(text(), 0..3).prop_map(Value::from),
        ],
        0..3,
    );
    prop_oneof![
        6 => text(),
        3 => prop::collection::vec(text(), 0..4).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        1 => Just(Value::Null),
        2 => functions.prop_map(|map| json!(map)),
    ]
}

/// Arguments of a tool, with one that it may not have.
fn args() -> impl Strategy<Value = (&'static str, Value)> {
    let tools: Vec<&'static str> = names().collect();
    prop::sample::select(tools).prop_flat_map(|tool| {
        let mut known = properties(tool);
        known.push("other".into());
        let fields = prop::collection::btree_map(prop::sample::select(known), value(), 0..6);
        fields.prop_map(move |fields| (tool, json!(fields)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn what_the_schema_takes_is_read_and_what_it_does_not_take_is_refused((name, args) in args()) {
        let tool = &TOOLS[name];
        let is_valid = tool.validator.as_ref().unwrap().is_valid(&args);
        let was_read = (tool.read)(args.clone());
        if is_valid {
            prop_assert!(was_read.is_ok(), "{name} {args}: {was_read:?}");
        }
        if args.get("other").is_some() {
            prop_assert!(!is_valid && was_read.is_err());
        }
        let problem = Registry::builtin().read(&action(name, args.clone()));
        prop_assert!(is_valid || problem.is_err());
        if let Err(problem) = problem {
            prop_assert!(problem.contains(name) && problem.starts_with("args"), "{problem}");
        }
    }
}

#[test]
fn a_refusal_names_the_argument_and_what_would_be_right() {
    for (tool, args, told) in [
        (
            "python",
            json!({"cod": "x"}),
            "args of python: there is no argument cod; it takes code, ",
        ),
        (
            "python",
            json!({"code": "x", "host": {"kvs": true}}),
            "args.host of python: there is no argument kvs; it takes fs_read, fs_write, http_get, kv, task",
        ),
        (
            "python",
            json!({}),
            "args of python: \"code\" is a required property",
        ),
        (
            "python",
            json!({"code": 1}),
            "args.code of python: 1 is not of type \"string\"",
        ),
        (
            "python",
            json!({"code": "", "network": ["https://example.org"]}),
            "args of python: network: destination \"https://example.org\"",
        ),
        (
            "python",
            json!({"code": "", "host": {"http_get": ["https://example.org"]}}),
            "args of python: host.http_get: destination \"https://example.org\"",
        ),
        (
            "python",
            json!({"code": "", "reads": ["my notes"]}),
            "args.reads.0 of python: \"my notes\" is no word",
        ),
        (
            "run_command",
            json!({"argv": []}),
            "args.argv of run_command: [] has less than 1 item",
        ),
        (
            "run_command",
            json!({"argv": [""]}),
            "args of run_command: argv must name a program",
        ),
        (
            "run_command",
            json!({"argv": ["git"], "outside": true, "network": ["example.org"]}),
            "args of run_command: outside the sandbox nothing is granted: leave out reads",
        ),
        (
            "read_file",
            json!({"path": ""}),
            "args.path of read_file: \"\" is shorter than 1",
        ),
        (
            "write_file",
            json!({"path": "a"}),
            "args of write_file: \"content\" is a required",
        ),
        (
            "store_artifact",
            json!({"type": "note"}),
            "args of store_artifact: takes a path or a content, and not both",
        ),
        (
            "store_artifact",
            json!({"type": "note", "path": "a", "content": "b"}),
            "args of store_artifact: takes a path or a content, and not both",
        ),
        (
            "http_get",
            json!({"url": "example.org"}),
            "args of http_get: url is not understood",
        ),
        (
            "web_scrape",
            json!({"url": "file:///etc/passwd"}),
            "args of web_scrape: url must begin with http:// or https://",
        ),
        (
            "web_search",
            json!({"query": "x", "count": 11}),
            "args.count of web_search: 11 is",
        ),
        (
            "remember",
            json!({"text": ""}),
            "args.text of remember: \"\" is shorter",
        ),
        (
            "ask_owner",
            json!({"question": ""}),
            "args.question of ask_owner: \"\" is shorter",
        ),
        (
            "create_agent",
            json!({"name": "-x", "instructions": "Writes."}),
            "args.name of create_agent: \"-x\" is no word",
        ),
        (
            "create_agent",
            json!({"name": "x", "instructions": "Writes.", "limits": {"turns": 0}}),
            "args.limits.turns of create_agent: 0 is less than",
        ),
        (
            "create_agent",
            json!({"name": "x", "instructions": "Writes.", "limits": {"money": 1}}),
            "args.limits of create_agent: there is no argument money; it takes ",
        ),
        (
            "delegate",
            json!({"agent": "scribe"}),
            "args of delegate: \"title\" is a required property",
        ),
        (
            "delegate",
            json!({"agent": "scribe", "title": "Write", "acceptance": [{"kind": "python"}]}),
            "args of delegate: acceptance: a check of python: missing field `code`",
        ),
        (
            "http_gte",
            json!({}),
            "there is no tool http_gte; the nearest is http_get; all: ",
        ),
    ] {
        let refusal = refusal(tool, args);
        assert!(refusal.starts_with(told), "{refusal}\n  not: {told}");
    }
}

#[test]
fn a_url_leads_to_the_host_that_an_allow_list_takes() {
    for (url, host) in [
        ("https://example.org/a?b#c", "example.org"),
        ("http://EXAMPLE.org:80/", "example.org"),
        ("https://example.org:443/", "example.org"),
        ("http://example.org:443/", "example.org:443"),
        ("https://example.org:8443/", "example.org:8443"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("http://localhost/", "localhost:80"),
        ("https://localhost/", "localhost:443"),
        ("http://localhost.:8080/", "localhost.:8080"),
        ("http://127.0.0.1/", "127.0.0.1:80"),
        ("http://0x7f.1/", "127.0.0.1:80"),
        ("http://2130706433:81/", "127.0.0.1:81"),
        ("http://[::1]/", "[::1]:80"),
        ("http://[::1]:8080/", "[::1]:8080"),
        ("HTTPS:\\\\example.org\\a", "example.org"),
        (" https://exa\tmple.org ", "example.org"),
    ] {
        assert_eq!(host_of(url).as_deref(), Ok(host), "{url}");
        assert!(
            hearth_sandbox::network::AllowList::parse([host]).is_ok(),
            "{host}"
        );
    }
    for (url, told) in [
        ("", "url is not understood"),
        ("/a", "url is not understood"),
        ("https://", "url is not understood"),
        ("https://a b/", "url is not understood"),
        (
            "ftp://example.org/",
            "url must begin with http:// or https://, not ftp:",
        ),
        ("file:///etc/passwd", "url must begin with http"),
        ("javascript:alert(1)", "url must begin with http"),
        (
            "https://ada@example.org/",
            "url must not hold a name or password",
        ),
        (
            "https://:secret@example.org/",
            "url must not hold a name or password",
        ),
    ] {
        let refusal = host_of(url).unwrap_err();
        assert!(refusal.starts_with(told), "{url}: {refusal}");
        assert!(!refusal.contains("secret"));
    }
}

#[test]
fn models_see_every_tool_with_its_description_and_without_noise() {
    let registry = Registry::builtin();

    let all = registry.names().into_iter().collect();
    let specs = registry.specs(None, &all);

    assert_eq!(specs.len(), registry.names().len());
    for spec in &specs {
        assert!(!spec.description.is_empty(), "{}", spec.name);
        let text = spec.schema.to_string();
        // An argument may be called so.
        let text = text.replace("\"title\":{", "").replace("\"title\"]", "");
        for noise in [
            "$schema",
            "\"title\"",
            "\"default\":",
            "\"format\"",
            "\"null\"",
        ] {
            assert!(!text.contains(noise), "{}: {text}", spec.name);
        }
    }
    let only = BTreeSet::from(["python".parse().unwrap()]);
    let allowed = registry.specs(Some(&only), &BTreeSet::new());
    assert_eq!(allowed.len(), 1);
    assert_eq!(allowed[0].name, "python");
}

#[test]
fn what_few_tasks_need_is_shown_when_it_is_asked_for() {
    let registry = Registry::builtin();
    let find = |allowed: Option<&BTreeSet<Word>>, opened: &[&str], name: &str| {
        let opened = opened.iter().map(|name| (*name).to_owned()).collect();
        let specs = registry.specs(allowed, &opened);
        specs.into_iter().find(|spec| spec.name == name)
    };

    assert!(registry.shelved(None).contains(&"create_tool".to_owned()));
    assert_eq!(find(None, &[], "create_tool"), None);
    let whole = find(None, &["create_tool"], "create_tool").unwrap();
    assert!(whole.schema["properties"]["examples"]["items"].is_object());
    // Of a tool that is always wanted, the first call needs no more than this.
    let short = find(None, &[], "python").unwrap();
    assert_eq!(
        short.schema["properties"]["host"],
        json!({"type": "object"})
    );
    assert_eq!(short.schema["required"], json!(["code"]));
    assert!(short.description.ends_with("describe_tools tells more."));
    let whole = find(None, &["python"], "python").unwrap();
    assert!(whole.schema["properties"]["host"]["properties"].is_object());
    // Who has a few tools has them in whole.
    let few = BTreeSet::from(["create_tool".parse().unwrap(), "python".parse().unwrap()]);
    assert_eq!(registry.shelved(Some(&few)), Vec::<String>::new());
    let python = find(Some(&few), &[], "python").unwrap();
    assert_eq!(python, whole);
    assert!(find(Some(&few), &[], "create_tool").is_some());
}

/// A made tool, without rights.
fn head(name: &str, status: ToolStatus) -> ToolHead {
    ToolHead {
        id: ToolId(uuid::Uuid::from_u128(1)),
        name: name.parse().unwrap(),
        version: 1,
        description: format!("Does what {name} says."),
        parameters: serde_json::from_value(json!({
            "type": "object", "title": "T", "additionalProperties": false,
            "properties": {"text": {"type": "string", "default": "x"}},
        }))
        .unwrap(),
        grants: Grants::default(),
        status,
        is_current: true,
    }
}

#[test]
fn models_see_the_made_tools_that_were_used_last_and_others_where_they_are_allowed() {
    let many = (0..30).map(|number| head(&format!("tool_{number}"), ToolStatus::Enabled));
    let off = [
        head("broken", ToolStatus::SetAside),
        // A later release of the node may have a tool of its own under a name that is taken.
        head("python", ToolStatus::Enabled),
    ];
    let registry = Registry::with(off.into_iter().chain(many).collect());
    let builtin = registry.names().len() - 30;
    let shelved = registry.shelved(None).len();

    let specs = registry.specs(None, &BTreeSet::new());

    assert_eq!(
        specs.len(),
        builtin - shelved + 20 - 1,
        "the built-in tool has its name"
    );
    let first = specs.iter().find(|spec| spec.name == "tool_0").unwrap();
    assert_eq!(first.description, "Does what tool_0 says.");
    assert_eq!(
        first.schema,
        json!({
            "type": "object",
            "properties": {"text": {"type": "string"}},
        })
    );
    let wanted = ["tool_29", "broken", "read_file"].map(|name| name.parse().unwrap());
    let allowed = registry.specs(Some(&BTreeSet::from(wanted)), &BTreeSet::new());
    let allowed: Vec<&str> = allowed.iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(allowed, ["read_file", "tool_29"]);
    let call = registry.read(&action("python", json!({"code": "1"})));
    assert!(matches!(call, Ok(Call::Python(_))));
}
