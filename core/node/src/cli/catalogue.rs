//! `hearth models`: what can be had to listen and speak with, and what is here. Works with no node running.

mod bar;
mod choose;

use std::fs;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use hearth_voice::catalogue::{self, Entry, Hash, Purpose, sha256_of};
use reqwest::Url;
use serde_json::{Value, json};

use crate::cli::Invocation;
use crate::output::note;
use crate::output::table::table;
use crate::output::text::size;
use crate::voice::files::find;
use crate::voice::pull::{Puller, accepted_hash, forget_accepted};
use crate::voice::used::is_used;

use bar::Bar;

/// What can be done with models.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what there is, what it is for, how large it is, and what is here
    List,
    /// Fetch some; what was begun is gone on with
    Pull(Pull),
    /// Read the files that are here and compare them with the catalogue
    Verify(Names),
    /// Remove the files of some
    Remove(Names),
    /// Use one from here on
    Use(Named),
}

/// One of the catalogue.
#[derive(Debug, Args)]
pub struct Named {
    /// Its name, such as whisper-base.en
    name: String,
}

/// Some of the catalogue.
#[derive(Debug, Args)]
pub struct Names {
    /// Their names; with verify, all that are here unless some are named
    names: Vec<String>,
}

/// Fetches some.
#[derive(Debug, Args)]
pub struct Pull {
    /// Their names, such as whisper-base.en
    #[arg(required = true)]
    names: Vec<String>,
    /// A place that has the same files, each under the last part of its address
    #[arg(long, value_name = "URL")]
    from: Option<Url>,
    /// Fetch also what cannot be verified because nobody here has seen it
    #[arg(long)]
    accept_unverified: bool,
}

pub(super) async fn run(invocation: &Invocation, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List => list(invocation),
        Command::Pull(pull) => fetch(invocation, pull).await,
        Command::Verify(names) => verify(invocation, &names.names),
        Command::Remove(names) => remove(invocation, &names.names),
        Command::Use(named) => choose::run(invocation, &named.name),
    }
}

fn list(invocation: &Invocation) -> anyhow::Result<()> {
    let items: Vec<Value> = catalogue::entries()
        .iter()
        .map(|entry| shown(invocation, entry))
        .collect();
    let rows: Vec<[String; 6]> = catalogue::entries()
        .iter()
        .map(|entry| {
            [
                entry.name.clone(),
                entry.purpose.as_str().to_owned(),
                entry.bytes().map_or_else(|| "?".to_owned(), size),
                state(invocation, entry).to_owned(),
                hashes(entry).to_owned(),
                entry.about.clone(),
            ]
        })
        .collect();
    let heading = ["name", "for", "size", "here", "hash", "about"];
    let object = json!({ "items": items, "next_cursor": null });
    invocation.output.object(&object, || {
        let folder = invocation.data_dir().models();
        format!("{}\n\nfolder: {}", table(heading, &rows), folder.display())
    })
}

fn shown(invocation: &Invocation, entry: &Entry) -> Value {
    let files = entry.files.iter().map(|file| {
        json!({
            "name": file.name,
            "address": file.address,
            "bytes": file.bytes,
            "sha256": file.sha256.known().unwrap_or("unknown"),
        })
    });
    let folder = invocation.data_dir().models();
    json!({
        "name": entry.name,
        "purpose": entry.purpose.as_str(),
        "about": entry.about,
        "licence": entry.licence,
        "bytes": entry.bytes(),
        "is_here": entry.is_in(&folder),
        "is_used": is_used(entry, &invocation.loaded.settings.voice, &invocation.data_dir()),
        "is_verifiable": entry.is_verifiable(),
        "files": files.collect::<Vec<_>>(),
    })
}

fn state(invocation: &Invocation, entry: &Entry) -> &'static str {
    let data_dir = invocation.data_dir();
    let folder = data_dir.models();
    if is_used(entry, &invocation.loaded.settings.voice, &data_dir) {
        "used"
    } else if entry.is_in(&folder) {
        "yes"
    } else if entry
        .files
        .iter()
        .any(|file| folder.join(&file.name).exists())
    {
        "in part"
    } else {
        "-"
    }
}

fn hashes(entry: &Entry) -> &'static str {
    if entry.is_verifiable() {
        "known"
    } else {
        "unknown"
    }
}

async fn fetch(invocation: &Invocation, pull: Pull) -> anyhow::Result<()> {
    let entries: Vec<&Entry> = found(&pull.names)?;
    let folder = invocation.data_dir().models();
    let puller = Puller::new(crate::voice::client()?, folder, pull.from);
    let mut done = Vec::new();
    for entry in entries {
        let mut files = Vec::new();
        for item in &entry.files {
            let mut bar = Bar::new(&item.name);
            let pulled = puller
                .pull(item, pull.accept_unverified, &mut |bytes, total| {
                    bar.show(bytes, total);
                })
                .await;
            bar.end();
            let pulled = pulled.with_context(|| format!("{} was not fetched", entry.name))?;
            if !pulled.is_verified && !pulled.was_here {
                note(&format!(
                    "{} could not be verified; its SHA-256 is {}, and is kept to compare with later",
                    item.name, pulled.sha256
                ));
            }
            files.push(json!({
                "name": item.name,
                "sha256": pulled.sha256,
                "is_verified": pulled.is_verified,
                "was_here": pulled.was_here,
            }));
        }
        let was_here = files.iter().all(|file| file["was_here"] == true);
        let word = if was_here {
            "was here already"
        } else {
            "is here"
        };
        invocation
            .output
            .line(&format!("{} {word} ({})", entry.name, entry.licence))?;
        done.push(json!({ "name": entry.name, "files": files }));
    }
    invocation
        .output
        .object(&json!({ "items": done }), String::new)
}

fn found(names: &[String]) -> anyhow::Result<Vec<&'static Entry>> {
    names.iter().map(|name| find(name)).collect()
}

fn verify(invocation: &Invocation, names: &[String]) -> anyhow::Result<()> {
    let folder = invocation.data_dir().models();
    let is_here = |entry: &&Entry| {
        let mut files = entry.files.iter();
        files.any(|file| folder.join(&file.name).exists())
    };
    let entries: Vec<&Entry> = if names.is_empty() {
        catalogue::entries().iter().filter(is_here).collect()
    } else {
        found(names)?
    };
    let mut items = Vec::new();
    let mut rows = Vec::new();
    let mut wrong = 0;
    for file in entries.iter().flat_map(|entry| &entry.files) {
        let path = folder.join(&file.name);
        let known = file.sha256.known().map(str::to_owned);
        let accepted = accepted_hash(&folder, &file.name)?;
        let (verdict, hash) = match sha256_of(&path, |_| true) {
            Err(_) => ("missing", None),
            Ok(hash) if known.as_deref() == Some(&hash) => ("right", Some(hash)),
            Ok(hash) if known.is_none() && accepted.as_deref() == Some(&hash) => {
                ("as it was accepted", Some(hash))
            }
            Ok(hash) if known.is_none() && accepted.is_none() => ("cannot be verified", Some(hash)),
            Ok(hash) => ("wrong", Some(hash)),
        };
        wrong += usize::from(matches!(
            verdict,
            "missing" | "wrong" | "cannot be verified"
        ));
        rows.push([file.name.clone(), verdict.to_owned()]);
        items.push(json!({ "name": file.name, "verdict": verdict, "sha256": hash }));
    }
    invocation.output.object(&json!({ "items": items }), || {
        if rows.is_empty() {
            return "nothing is here to verify; `hearth models list` shows what can be fetched"
                .into();
        }
        table(["file", "verdict"], &rows)
    })?;
    match wrong {
        0 => Ok(()),
        count => bail!(
            "{count} of {} files are not what they should be; pulling them again mends it",
            rows.len()
        ),
    }
}

fn remove(invocation: &Invocation, names: &[String]) -> anyhow::Result<()> {
    if names.is_empty() {
        bail!("name what is to be removed, such as whisper-base.en");
    }
    let folder = invocation.data_dir().models();
    let mut items = Vec::new();
    for entry in found(names)? {
        let mut freed = 0;
        for file in &entry.files {
            for name in [file.name.clone(), format!(".{}.part", file.name)] {
                let path = folder.join(name);
                let bytes = path.metadata().map_or(0, |metadata| metadata.len());
                match fs::remove_file(&path) {
                    Ok(()) => freed += bytes,
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => {
                        return Err(error)
                            .with_context(|| format!("cannot remove {}", path.display()));
                    }
                }
            }
            if file.sha256 == Hash::Unknown {
                forget_accepted(&folder, &file.name)?;
            }
        }
        let line = match freed {
            0 => format!("{} was not here", entry.name),
            freed => format!("{} is removed; {} are free again", entry.name, size(freed)),
        };
        invocation.output.line(&line)?;
        items.push(json!({ "name": entry.name, "freed_bytes": freed }));
    }
    invocation
        .output
        .object(&json!({ "items": items }), String::new)
}

/// Whether an entry is one of those that settings name.
fn is_chosen_by_name(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Transcription | Purpose::Speech)
}
