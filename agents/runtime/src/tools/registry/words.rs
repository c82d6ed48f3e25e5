//! Calls about tools that agents make, in words that go on from "May I".

use serde_json::Value;

use super::super::args::CreateTool;
use super::super::made::MadeCall;
use super::{cut, quoted, shortened};
use hearth_domain::field::Word;
use hearth_domain::tool::Grants;

/// What a tool is, what it may do, and how its code begins; the whole is in the approval.
pub(super) fn create_tool(create: &CreateTool) -> String {
    let rights = rights(&create.grants.as_kept());
    let rights = if rights.is_empty() {
        String::new()
    } else {
        format!(" that may {}", rights.join(", "))
    };
    let untried = if create.is_untried() {
        "; none of its examples can be tried before you say yes"
    } else {
        ""
    };
    format!(
        "make a tool {}{rights}: {}{untried}; its code begins {}",
        create.name,
        shortened(&create.description),
        quoted(&create.code)
    )
}

/// Which version is called, what it may do, and with what.
pub(super) fn made(call: &MadeCall) -> String {
    let head = &call.spec.head;
    let rights = rights(&head.grants);
    let rights = if rights.is_empty() {
        String::new()
    } else {
        format!(", which may {},", rights.join(", "))
    };
    let args = Value::from(call.args.clone()).to_string();
    format!(
        "use the tool {}, version {}{rights} with {}",
        head.name,
        head.version,
        shortened(&args)
    )
}

fn rights(grants: &Grants) -> Vec<String> {
    let names = |words: &[Word]| {
        let names: Vec<&str> = words.iter().map(Word::as_str).collect();
        names.join(", ")
    };
    let mut rights = Vec::new();
    let hosts = grants.hosts();
    if !hosts.is_empty() {
        rights.push(format!("speak to {}", cut(&shortened(&hosts.join(", ")))));
    }
    for (act, folders) in [("read", grants.all_reads()), ("write", grants.all_writes())] {
        if !folders.is_empty() {
            rights.push(format!("{act} folder {}", names(&folders)));
        }
    }
    for (right, is_granted) in [
        ("work in the folder of its run", grants.workspace),
        ("keep values for its run", grants.host.kv),
        ("see its task", grants.host.task),
    ] {
        if is_granted {
            rights.push(right.to_owned());
        }
    }
    rights
}
