//! Functions of the node that Python code in the sandbox may call, each as far as it was granted.
//! The program is not trusted: every argument is checked here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hearth_app::App;
use hearth_domain::ProjectId;
use hearth_domain::field::Word;
use hearth_domain::folder::Access;
use hearth_domain::task::Task;
use hearth_sandbox::network::AllowList;
use hearth_sandbox::{HostFunctions, HostGrant, Limits, open_granted};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::args::{self, FolderName};
use super::files::{open_folder, read_text};
use super::{TEXT_MAX, Toolbox};
use crate::web::{Fetch, Web};

/// The most values that are kept for a run, and how large all of them may be together.
const VALUES_MAX: usize = 1000;
const VALUES_BYTES: usize = 1024 * 1024;

/// What one program may call.
struct Functions {
    app: App,
    web: Web,
    granted: args::HostFunctions,
    hosts: AllowList,
    task: Value,
    project: Option<ProjectId>,
    values: Arc<Values>,
    limits: Limits,
}

/// Values that are kept for a run, in a file outside its folder.
struct Values {
    path: PathBuf,
    /// Held while the file is read and written.
    turn: Mutex<()>,
}

impl Toolbox<'_> {
    /// Returns the functions that a program was granted, if any.
    pub(super) fn host_functions(
        &self,
        granted: &args::HostFunctions,
        limits: &Limits,
    ) -> Option<HostGrant> {
        if *granted == args::HostFunctions::default() {
            return None;
        }
        let functions = Functions {
            app: self.app.clone(),
            web: self.web.clone(),
            granted: granted.clone(),
            hosts: AllowList::parse(&granted.http_get).unwrap_or_default(),
            task: seen(self.task),
            project: self.task.project_id,
            values: Arc::new(Values {
                path: self.values.to_owned(),
                turn: Mutex::default(),
            }),
            limits: limits.clone(),
        };
        Some(HostGrant::new(Arc::new(functions)))
    }
}

/// What a program sees of its task.
fn seen(task: &Task) -> Value {
    json!({
        "number": task.number,
        "title": task.title.as_str(),
        "description": task.description,
        "priority": task.priority.as_str(),
        "due_at": task.due_at.map(|at| at.to_string()),
        "labels": task.labels.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

impl HostFunctions for Functions {
    fn names(&self) -> Vec<String> {
        let granted = &self.granted;
        [
            ("http_get", !granted.http_get.is_empty()),
            ("fs_read", !granted.fs_read.is_empty()),
            ("fs_write", !granted.fs_write.is_empty()),
            ("kv_get", granted.kv),
            ("kv_set", granted.kv),
            ("task", granted.task),
        ]
        .into_iter()
        .filter(|(_, is_granted)| *is_granted)
        .map(|(name, _)| name.to_owned())
        .collect()
    }

    fn call(&self, name: &str, args: Value) -> hearth_sandbox::host::Returned {
        match name {
            "http_get" => {
                let (web, hosts, limits) =
                    (self.web.clone(), self.hosts.clone(), self.limits.clone());
                Box::pin(async move { http_get(&web, hosts, &limits, args).await })
            }
            "fs_read" => {
                let project = self.project;
                let (app, open) = (self.app.clone(), self.granted.fs_read.clone());
                Box::pin(async move { fs_read(&app, project, &open, args).await })
            }
            "fs_write" => {
                let project = self.project;
                let (app, open) = (self.app.clone(), self.granted.fs_write.clone());
                Box::pin(async move { fs_write(&app, project, &open, args).await })
            }
            "kv_get" => {
                let values = Arc::clone(&self.values);
                Box::pin(async move { values.get(args).await })
            }
            "kv_set" => {
                let values = Arc::clone(&self.values);
                Box::pin(async move { values.set(args).await })
            }
            "task" => {
                let task = self.task.clone();
                Box::pin(async move { Ok(task) })
            }
            other => {
                let problem = format!("there is no function {other}");
                Box::pin(async move { Err(problem) })
            }
        }
    }
}

fn read<T: for<'de> Deserialize<'de>>(args: Value) -> Result<T, String> {
    T::deserialize(args).map_err(|error| error.to_string())
}

async fn http_get(
    web: &Web,
    hosts: AllowList,
    limits: &Limits,
    args: Value,
) -> Result<Value, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Args {
        url: String,
    }
    let Args { url } = read(args)?;
    let mut fetch = Fetch::new(url, hosts);
    fetch.byte_limit = usize::try_from(TEXT_MAX).unwrap_or(usize::MAX);
    fetch.time_limit = limits.time;
    let fetched = web.fetch(fetch).await.map_err(|error| error.to_string())?;
    Ok(json!({
        "url": fetched.final_url,
        "status": fetched.status,
        "body": String::from_utf8_lossy(&fetched.body),
        "truncated": fetched.truncated,
    }))
}

async fn fs_read(
    app: &App,
    project: Option<ProjectId>,
    open: &[FolderName],
    args: Value,
) -> Result<Value, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Args {
        folder: Word,
        path: String,
    }
    let Args { folder, path } = read(args)?;
    let root = granted_root(app, project, open, &folder, Access::Read)?;
    let text = read_text(&path, open_granted(&root, Path::new(&path)))
        .await
        .map_err(|error| error.to_string())?;
    Ok(text.into())
}

async fn fs_write(
    app: &App,
    project: Option<ProjectId>,
    open: &[FolderName],
    args: Value,
) -> Result<Value, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Args {
        folder: Word,
        path: String,
        content: String,
    }
    let Args {
        folder,
        path,
        content,
    } = read(args)?;
    let root = granted_root(app, project, open, &folder, Access::Write)?;
    let bytes = content.len();
    tokio::task::spawn_blocking(move || {
        hearth_sandbox::write_beneath(&root, Path::new(&path), content.as_bytes())
    })
    .await
    .map_err(|error| error.to_string())?
    .map_err(|error| format!("cannot write: {error}"))?;
    Ok(json!({ "bytes": bytes }))
}

fn granted_root(
    app: &App,
    project: Option<ProjectId>,
    open: &[FolderName],
    name: &Word,
    wanted: Access,
) -> Result<PathBuf, String> {
    if !open.iter().any(|folder| folder.0 == *name) {
        return Err(format!("folder {name} was not granted to this program"));
    }
    open_folder(app, project, name, wanted).map_err(|error| error.to_string())
}

impl Values {
    async fn get(&self, args: Value) -> Result<Value, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Args {
            key: String,
        }
        let Args { key } = read(args)?;
        let _turn = self.turn.lock().await;
        Ok(self.load().await?.remove(&key).unwrap_or_default())
    }

    async fn set(&self, args: Value) -> Result<Value, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Args {
            key: String,
            value: Value,
        }
        let Args { key, value } = read(args)?;
        let _turn = self.turn.lock().await;
        let mut values = self.load().await?;
        values.insert(key, value);
        let text = serde_json::to_vec(&values).map_err(|error| error.to_string())?;
        if values.len() > VALUES_MAX || text.len() > VALUES_BYTES {
            return Err(format!(
                "a run keeps at most {VALUES_MAX} values, of {VALUES_BYTES} bytes in all"
            ));
        }
        // The old values or the new, whatever happens.
        let part = self.path.with_extension("part");
        let stored = async {
            tokio::fs::write(&part, text).await?;
            tokio::fs::rename(&part, &self.path).await
        };
        stored
            .await
            .map_err(|error| format!("the values cannot be kept: {error}"))?;
        Ok(Value::Null)
    }

    async fn load(&self) -> Result<BTreeMap<String, Value>, String> {
        match tokio::fs::read(&self.path).await {
            Ok(text) => serde_json::from_slice::<BTreeMap<String, Value>>(&text)
                .map_err(|error| format!("the values cannot be read: {error}")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(format!("the values cannot be read: {error}")),
        }
    }
}
