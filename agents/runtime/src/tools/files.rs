//! Text files of the run's folder and of granted ones.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use hearth_app::App;
use hearth_domain::ProjectId;
use hearth_domain::field::Word;
use hearth_domain::folder::Access;
use hearth_sandbox::{Limits, Outcome, Program, open_beneath, open_granted};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::args::{FolderName, ListFiles, ReadFile, WriteFile};
use super::outcome::{Ran, object};
use super::program::Granted;
use super::{TEXT_MAX, ToolError, Toolbox, is_short_as_json};

/// The most files that a list names.
const LISTED_MAX: usize = 1000;

impl Toolbox<'_> {
    pub(super) async fn read_file(&self, read: &ReadFile) -> Result<Value, ToolError> {
        let text = match &read.folder {
            None => read_text(&read.path, open_beneath(self.folder, Path::new(&read.path))).await?,
            Some(name) => {
                let root = open_folder(self.app, self.task.project_id, &name.0, Access::Read)?;
                read_text(&read.path, open_granted(&root, Path::new(&read.path))).await?
            }
        };
        Ok(object("content", text.into()).into())
    }

    pub(super) async fn write_file(
        &self,
        write: &WriteFile,
        limits: &Limits,
    ) -> Result<Value, ToolError> {
        let content = write.content.as_bytes().to_vec();
        self.write_bytes(&write.path, write.folder.as_ref(), content, limits)
            .await?;
        Ok(json!({ "bytes": write.content.len() }))
    }

    /// Writes by the sandbox's hand: an earlier call may have left links where the node, with its
    /// greater rights, must not write. Through a file of its own and a rename, so that whoever reads
    /// meanwhile sees the old text or the new.
    pub(super) async fn write_bytes(
        &self,
        path: &str,
        folder: Option<&FolderName>,
        bytes: Vec<u8>,
        limits: &Limits,
    ) -> Result<(), ToolError> {
        let code = format!(
            "import os, sys\npath = {}\nfolder = os.path.dirname(path) or '.'\n\
             os.makedirs(folder, exist_ok=True)\n\
             part = os.path.join(folder, f'.{{os.path.basename(path)}}.part')\n\
             with open(part, 'wb') as file:\n    file.write(sys.stdin.buffer.read())\n    file.flush()\n    os.fsync(file.fileno())\n\
             os.replace(part, path)\n",
            // A JSON string is a Python string.
            Value::from(inside(path, folder))
        );
        let writes: Vec<FolderName> = folder.into_iter().cloned().collect();
        let granted = Granted {
            writes: &writes,
            ..Granted::NOTHING
        };
        self.helper(code, Some(bytes), &granted, limits)
            .await
            .map(drop)
    }

    pub(super) async fn list_files(
        &self,
        list: &ListFiles,
        limits: &Limits,
    ) -> Result<Value, ToolError> {
        let code = format!(
            "import json, os\nroot = {}\nfound = []\n\
             for folder, folders, files in os.walk(root):\n    folders.sort()\n    for name in sorted(files):\n        \
             path = os.path.join(folder, name)\n        \
             found.append({{'path': os.fsencode(os.path.relpath(path, root)).decode('utf-8', 'replace'), 'bytes': os.lstat(path).st_size}})\n    \
             if len(found) > {LISTED_MAX}: break\n\
             print(json.dumps({{'files': found[:{LISTED_MAX}], 'truncated': len(found) > {LISTED_MAX}}}))\n",
            Value::from(inside(
                list.path.as_deref().unwrap_or("."),
                list.folder.as_ref()
            ))
        );
        let reads: Vec<FolderName> = list.folder.iter().cloned().collect();
        let granted = Granted {
            reads: &reads,
            ..Granted::NOTHING
        };
        let outcome = self.helper(code, None, &granted, limits).await?;
        serde_json::from_slice(&outcome.stdout)
            .map_err(|error| ToolError::Failed(format!("the list is not whole: {error}")))
    }

    /// Runs code of the node's own in the sandbox.
    pub(super) async fn helper(
        &self,
        code: String,
        stdin: Option<Vec<u8>>,
        granted: &Granted<'_>,
        limits: &Limits,
    ) -> Result<Outcome, ToolError> {
        let mut job = self.job(Program::Python { code }, granted, limits)?;
        job.stdin = stdin;
        let outcome = self.run(job).await?;
        if outcome.is_success() {
            return Ok(outcome);
        }
        let story = Ran::of(&outcome, limits.time.as_secs()).result();
        Err(ToolError::Failed(story.err().unwrap_or_default()))
    }
}

/// Returns where a granted folder is, if it is open to a task of that project in that way. Asked when
/// it is used, and not only when that was decided: its owner may have closed it in between.
pub(super) fn open_folder(
    app: &App,
    project: Option<ProjectId>,
    name: &Word,
    wanted: Access,
) -> Result<PathBuf, ToolError> {
    let folder = app.get_folder(name)?;
    let is_enough = wanted == Access::Read || folder.access == Access::Write;
    if !folder.is_open_to(project) || !is_enough {
        return Err(ToolError::Failed(format!(
            "folder {name} is not open for that any more"
        )));
    }
    Ok(folder.path.into())
}

/// Reads a short text of a file that was opened.
pub(super) async fn read_text(path: &str, file: io::Result<File>) -> Result<String, ToolError> {
    let failed = |problem: String| ToolError::File {
        path: path.to_owned(),
        problem,
    };
    let file = file.map_err(|error| failed(error.to_string()))?;
    let mut text = String::new();
    let mut bounded = tokio::fs::File::from_std(file).take(TEXT_MAX + 1);
    bounded
        .read_to_string(&mut text)
        .await
        .map_err(|error| failed(error.to_string()))?;
    if text.len() as u64 > TEXT_MAX {
        return Err(failed(format!(
            "it is longer than {TEXT_MAX} bytes; store it as an artifact, or have a program read it"
        )));
    }
    if !is_short_as_json(&text) {
        return Err(failed(
            "it is full of control characters; store it as an artifact".into(),
        ));
    }
    Ok(text)
}

/// Returns where a file is as programs inside see it.
fn inside(path: &str, folder: Option<&FolderName>) -> String {
    match folder {
        None => path.to_owned(),
        Some(name) => format!("/folders/{}/{path}", name.0),
    }
}
