//! Text files of the run's folder and of granted ones.

use std::path::{Path, PathBuf};

use hearth_sandbox::{Limits, Outcome, Program, open_beneath};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::args::{FolderName, ListFiles, ReadFile, WriteFile};
use super::outcome::{Ran, object};
use super::program::Granted;
use super::{TEXT_MAX, ToolError, Toolbox};

/// The most files that a list names.
const LISTED_MAX: usize = 1000;

impl Toolbox<'_> {
    pub(super) async fn read_file(&self, read: &ReadFile) -> Result<Value, ToolError> {
        let root = match &read.folder {
            None => self.folder.to_owned(),
            Some(name) => PathBuf::from(self.app.get_folder(&name.0)?.path),
        };
        let text = read_text(&root, &read.path).await?;
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
             found.append({{'path': os.path.relpath(path, root), 'bytes': os.lstat(path).st_size}})\n    \
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

/// Reads a short text below a folder, following no link.
pub(super) async fn read_text(root: &Path, path: &str) -> Result<String, ToolError> {
    let failed = |problem: String| ToolError::File {
        path: path.to_owned(),
        problem,
    };
    let file = open_beneath(root, Path::new(path)).map_err(|error| failed(error.to_string()))?;
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
    Ok(text)
}

/// Returns where a file is as programs inside see it.
fn inside(path: &str, folder: Option<&FolderName>) -> String {
    match folder {
        None => path.to_owned(),
        Some(name) => format!("/folders/{}/{path}", name.0),
    }
}
