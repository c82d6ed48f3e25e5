//! Where the files of the catalogue are.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use hearth_voice::catalogue::{self, Entry, Purpose};

use crate::data_dir::DataDir;
use crate::settings::{VoiceSettings, nearest::nearest};

/// Returns the entry of a name.
///
/// # Errors
/// There is none; names the nearest.
pub fn find(name: &str) -> anyhow::Result<&'static Entry> {
    catalogue::find(name).ok_or_else(|| {
        let names = catalogue::entries().iter().map(|entry| entry.name.as_str());
        let meant = nearest(name, names)
            .map_or_else(String::new, |nearest| format!("; did you mean {nearest}?"));
        anyhow!(
            "there is no {name} in the catalogue{meant} `hearth models list` shows what there is"
        )
    })
}

/// Returns the path of the file that is opened for an entry, where all of its files are there.
pub fn path_of(entry: &Entry, data_dir: &DataDir) -> Option<PathBuf> {
    let folder = data_dir.models();
    let first = entry.files.first().filter(|_| entry.is_in(&folder))?;
    Some(folder.join(&first.name))
}

/// Returns the path of the model that Whisper uses; none where nothing is set and nothing is there.
///
/// # Errors
/// What is set is not there.
pub fn whisper_model(
    settings: &VoiceSettings,
    data_dir: &DataDir,
) -> anyhow::Result<Option<PathBuf>> {
    let set = settings.model.as_str();
    if Path::new(set).is_absolute() {
        if Path::new(set).is_file() {
            return Ok(Some(set.into()));
        }
        bail!("voice.model names {set}, and there is no such file");
    }
    if !set.is_empty() {
        let entry = find(set)?;
        if entry.purpose != Purpose::Transcription {
            bail!(
                "voice.model names {set}, which is for {}",
                entry.purpose.as_str()
            );
        }
        return match path_of(entry, data_dir) {
            Some(path) => Ok(Some(path)),
            None => bail!(
                "voice.model names {set}, which is not here; to fetch it: hearth models pull {set}"
            ),
        };
    }
    let models = catalogue::entries().iter();
    let mut models = models.filter(|entry| entry.purpose == Purpose::Transcription);
    Ok(models.find_map(|entry| path_of(entry, data_dir)))
}

/// Returns the path of the ONNX Runtime; none where nothing is set and nothing is there.
pub fn onnxruntime(settings: &VoiceSettings, data_dir: &DataDir) -> Option<PathBuf> {
    if !settings.onnxruntime.is_empty() {
        return Some(settings.onnxruntime.clone().into());
    }
    let entry = catalogue::find("onnxruntime")?;
    path_of(entry, data_dir)
}
