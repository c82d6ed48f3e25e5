//! The source tree keeps its own rules: which crate may use which, migrations that
//! stay as they were applied, names that say something, nothing left unfinished.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What a crate may use of ours.
enum Arrows {
    /// These crates and no other.
    To(&'static [&'static str]),
    /// Every crate except the tests.
    ToAll,
}

/// The arrows of the architecture. A crate without a row here does not belong to it yet.
fn arrows_of(folder: &str) -> Option<Arrows> {
    Some(match folder {
        "core/domain" | "agents/sandbox" | "voice" => Arrows::To(&[]),
        "core/store" => Arrows::To(&["hearth-domain"]),
        "core/app" => Arrows::To(&["hearth-domain", "hearth-store"]),
        "core/api" => Arrows::To(&["hearth-domain", "hearth-app"]),
        "agents/runtime" => Arrows::To(&["hearth-domain", "hearth-app", "hearth-sandbox"]),
        "ui/desktop" => Arrows::To(&["hearth-node"]),
        "core/node" | "tests" => Arrows::ToAll,
        bridge if bridge.starts_with("bridges/") => Arrows::To(&["hearth-domain", "hearth-app"]),
        _ => return None,
    })
}

#[test]
fn each_crate_uses_only_the_crates_the_architecture_allows() -> Result<()> {
    let mut wrong = Vec::new();

    for member in workspace_members()? {
        let Some(arrows) = arrows_of(&member.folder) else {
            wrong.push(format!("{} has no row in arrows_of", member.folder));
            continue;
        };
        for used in &member.uses {
            let allowed = match arrows {
                Arrows::To(names) => names.contains(&used.as_str()),
                Arrows::ToAll => used != "hearth-tests",
            };
            if !allowed {
                wrong.push(format!("{} uses {used}", member.name));
            }
        }
    }

    ensure!(
        wrong.is_empty(),
        "against the arrows:\n  {}",
        wrong.join("\n  ")
    );
    Ok(())
}

#[test]
fn each_crate_is_named_after_its_folder() -> Result<()> {
    let mut wrong = Vec::new();

    for member in workspace_members()? {
        let last = member.folder.rsplit('/').next().unwrap_or_default();
        if member.name != format!("hearth-{last}") {
            wrong.push(format!("{} is named {}", member.folder, member.name));
        }
    }

    ensure!(
        wrong.is_empty(),
        "a crate is hearth- and its folder:\n  {}",
        wrong.join("\n  ")
    );
    Ok(())
}

#[test]
fn a_migration_is_listed_with_its_checksum_and_never_edited() -> Result<()> {
    const LIST: &str = "tests/migrations.sha256";
    let mut listed = listed_checksums(&fs::read_to_string(repository().join(LIST))?)?;
    let mut wrong = Vec::new();

    for file in files_below(&repository().join("migrations"), "sql")? {
        let name = relative(&file);
        let actual = format!("{:x}", Sha256::digest(fs::read(&file)?));
        match listed.remove(&name) {
            Some(expected) if expected == actual => (),
            Some(_) => wrong.push(format!(
                "{name} was edited. If it has been released, put it back and write the change as \
                 the next migration; if it has not, make its line in {LIST} read\n    {actual}  {name}"
            )),
            None => wrong.push(format!(
                "{name} is not listed. Add it: sha256sum {name} >> {LIST}"
            )),
        }
    }
    wrong.extend(
        listed
            .into_keys()
            .map(|name| format!("{name} is listed and does not exist")),
    );

    ensure!(wrong.is_empty(), "migrations:\n  {}", wrong.join("\n  "));
    Ok(())
}

#[test]
fn no_source_file_has_a_name_that_says_nothing() -> Result<()> {
    const EMPTY_NAMES: [&str; 8] = [
        "utils", "util", "helpers", "common", "misc", "types", "models", "manager",
    ];

    let wrong: Vec<String> = source_files()?
        .iter()
        .map(|file| relative(file))
        .filter(|name| {
            name.trim_end_matches(".rs")
                .split('/')
                .any(|part| EMPTY_NAMES.contains(&part))
        })
        .collect();

    ensure!(
        wrong.is_empty(),
        "name these after what they hold:\n  {}",
        wrong.join("\n  ")
    );
    Ok(())
}

#[test]
fn nothing_but_tests_of_the_sandbox_leaves_a_wall_of_it_off() -> Result<()> {
    let mut wrong = Vec::new();

    for file in source_files()? {
        let path = relative(&file);
        if path.starts_with("agents/sandbox/") || path.starts_with("tests/") {
            continue;
        }
        let text = fs::read_to_string(&file)?;
        if text.contains("left_off(") || text.contains("Walls") {
            wrong.push(path);
        }
    }

    ensure!(
        wrong.is_empty(),
        "walls are left off only where it is tested what each stops:\n  {}",
        wrong.join("\n  ")
    );
    Ok(())
}

#[test]
fn nothing_unfinished_is_left_in_the_sources() -> Result<()> {
    // Each in two pieces, so that this file does not find itself.
    const MARKERS: [&str; 5] = [
        concat!("db", "g!"),
        concat!("to", "do!"),
        concat!("unimpl", "emented!"),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
    ];
    let mut wrong = Vec::new();

    for file in source_files()? {
        let text = fs::read_to_string(&file)?;
        for (index, line) in text.lines().enumerate() {
            for marker in MARKERS.iter().filter(|marker| line.contains(**marker)) {
                wrong.push(format!("{}:{}: {marker}", relative(&file), index + 1));
            }
        }
    }

    ensure!(
        wrong.is_empty(),
        "finish these, or open an issue:\n  {}",
        wrong.join("\n  ")
    );
    Ok(())
}

/// `./test` runs no examples of the documentation.
#[test]
fn no_example_in_the_documentation_is_left_unrun() -> Result<()> {
    let mut wrong = Vec::new();
    for file in source_files()? {
        let text = fs::read_to_string(&file)?;
        let mut is_inside = false;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_start();
            let doc = line.strip_prefix("///").or(line.strip_prefix("//!"));
            let Some(fence) = doc.and_then(|doc| doc.trim().strip_prefix("```")) else {
                continue;
            };
            if !is_inside && fence != "text" {
                wrong.push(format!("{}:{}", relative(&file), index + 1));
            }
            is_inside = !is_inside;
        }
    }

    ensure!(
        wrong.is_empty(),
        "make tests of these examples, or have ./test run them:\n  {}",
        wrong.join("\n  ")
    );
    Ok(())
}

struct Member {
    name: String,
    /// Relative to the repository, with `/`.
    folder: String,
    /// Our own crates among its dependencies. What only its tests use is left out.
    uses: Vec<String>,
}

fn workspace_members() -> Result<Vec<Member>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo alone knows what a manifest comes to"
    )]
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(repository())
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout)?;

    let members = list(&metadata["packages"])?
        .iter()
        .map(|package| {
            let manifest = Path::new(text(&package["manifest_path"])?);
            let mut uses = Vec::new();
            for dependency in list(&package["dependencies"])? {
                let name = text(&dependency["name"])?;
                if name.starts_with("hearth-") && dependency["kind"] != "dev" {
                    uses.push(name.to_owned());
                }
            }
            Ok(Member {
                name: text(&package["name"])?.to_owned(),
                folder: relative(manifest.parent().context("a manifest lies in a folder")?),
                uses,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    ensure!(!members.is_empty(), "cargo metadata names no member");
    Ok(members)
}

fn list(value: &Value) -> Result<&Vec<Value>> {
    value
        .as_array()
        .context("cargo metadata: a list was expected")
}

fn text(value: &Value) -> Result<&str> {
    value
        .as_str()
        .context("cargo metadata: a text was expected")
}

/// Reads the lines of sha256sum: path to checksum.
fn listed_checksums(lines: &str) -> Result<BTreeMap<String, String>> {
    let mut listed = BTreeMap::new();
    for line in lines
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (checksum, path) = line
            .split_once("  ")
            .with_context(|| format!("not `sha256  path`: {line}"))?;
        let before = listed.insert(path.to_owned(), checksum.to_owned());
        ensure!(before.is_none(), "{path} is listed twice");
    }
    Ok(listed)
}

fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// The path inside the repository, with `/`.
fn relative(path: &Path) -> String {
    let inside = path.strip_prefix(repository()).unwrap_or(path);
    inside.to_string_lossy().replace('\\', "/")
}

/// Every Rust file of ours, tests included.
fn source_files() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for part in [
        "core",
        "agents",
        "voice",
        "bridges",
        "ui",
        "packaging",
        "tests",
    ] {
        files.extend(files_below(&repository().join(part), "rs")?);
    }
    ensure!(!files.is_empty(), "no source file was found");
    Ok(files)
}

/// The files with this extension, in order; none where the folder does not exist.
/// Build outputs and hidden folders are not looked into.
fn files_below(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop().filter(|folder| folder.is_dir()) {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                let skipped = name == "target" || name == "node_modules";
                if !skipped && !name.to_string_lossy().starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
