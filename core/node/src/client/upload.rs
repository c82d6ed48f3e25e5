//! Hands files to the node, read as they are sent.

use std::path::Path;

use anyhow::{Context, bail};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use tokio_util::io::ReaderStream;

use crate::client::{Answer, Client};
use crate::media_type::media_type;

/// What is said of a file that is handed to the node.
#[derive(Debug, Clone)]
pub struct Upload<'a> {
    /// The file.
    pub path: &'a Path,
    /// What sort of artifact it becomes.
    pub kind: &'a str,
    /// What it is called, where that is not the file's name.
    pub name: Option<&'a str>,
    /// The task it belongs to.
    pub task_id: Option<&'a str>,
    /// The agent that holds that task, and the fence it holds it with.
    pub held_by: Option<(&'a str, u64)>,
}

impl Client {
    /// Stores a file as an artifact.
    ///
    /// # Errors
    /// The file cannot be read; what the node said.
    pub async fn upload(&self, upload: &Upload<'_>) -> anyhow::Result<Answer> {
        let shown = upload.path.display();
        let file = tokio::fs::File::open(upload.path)
            .await
            .with_context(|| format!("cannot read {shown}"))?;
        let metadata = file.metadata().await?;
        if !metadata.is_file() {
            bail!("{shown} is not a file");
        }
        let name = match upload.name {
            Some(name) => name.to_owned(),
            None => base_name(upload.path)?,
        };
        let bytes = reqwest::Body::wrap_stream(ReaderStream::with_capacity(file, 64 * 1024));
        let part = Part::stream_with_length(bytes, metadata.len())
            .file_name(name.clone())
            .mime_str(media_type(upload.path))?;

        // The words stand before the bytes, so that the node can refuse before it took them.
        let mut form = Form::new()
            .text("type", upload.kind.to_owned())
            .text("name", name);
        if let Some(id) = upload.task_id {
            form = form.text("task_id", id.to_owned());
        }
        if let Some((agent, fence)) = upload.held_by {
            form = form
                .text("agent", agent.to_owned())
                .text("fence", fence.to_string());
        }
        let request = self.request(Method::POST, &["artifacts"]);
        self.answer(request.multipart(form.part("file", part)))
            .await
    }
}

/// Returns a file's name without its folder.
///
/// # Errors
/// It has none, or none that is text.
pub fn base_name(path: &Path) -> anyhow::Result<String> {
    path.file_name()
        .and_then(|name| name.to_str())
        .map(str::to_owned)
        .with_context(|| format!("{} has no name that can be written as text", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_is_called_like_its_file() {
        assert_eq!(base_name(Path::new("a/notes.md")).unwrap(), "notes.md");
        assert!(base_name(Path::new("..")).is_err());
    }
}
