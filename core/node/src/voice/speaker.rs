//! What turns text into speech, by the settings.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use hearth_voice::catalogue::{self, Entry};
use hearth_voice::onnx::Runtime;
use hearth_voice::speech::{Cartesia, Espeak, Kokoro, KokoroFiles, Piper, Speaker, find_program};

use super::{client, files};
use crate::data_dir::DataDir;
use crate::secrets::{self, Name};
use crate::settings::environment::search_path;
use crate::settings::{Environment, SpeakerChoice, VoiceSettings};

/// What the key of Cartesia is called.
const CARTESIA_KEY: &str = "cartesia_key";
/// The model of Cartesia's that speaks.
const CARTESIA_MODEL: &str = "sonic-2";
/// How fast espeak-ng speaks: a calm reader.
const WORDS_PER_MINUTE: u32 = 170;
/// The voice of espeak-ng, and the language that other voices are spelled in, unless told otherwise.
const ENGLISH: &str = "en-us";

/// What turns text into speech: found, and not loaded, which may take seconds and a lot of memory.
pub enum Found {
    /// A program.
    Espeak(Espeak),
    /// A voice of Piper's.
    Piper {
        /// The ONNX Runtime.
        library: PathBuf,
        /// The voice's model.
        model: PathBuf,
        /// Who spells for it.
        spelling: Espeak,
    },
    /// Kokoro.
    Kokoro {
        /// The ONNX Runtime.
        library: PathBuf,
        /// Its files.
        files: KokoroFiles,
        /// Who spells for it.
        spelling: Espeak,
    },
    /// A company.
    Cartesia(Arc<Cartesia>),
}

/// Finds what turns text into speech by the settings. Nothing is loaded, said or sent.
///
/// # Errors
/// Nothing is set up for it; says what to do.
pub fn find_speaker(
    settings: &VoiceSettings,
    data_dir: &DataDir,
    environment: &Environment,
) -> anyhow::Result<Found> {
    let with = Voices { settings, data_dir };
    match settings.speaker {
        SpeakerChoice::Off => bail!(
            "nothing speaks, because voice.speaker is off; to change it: hearth config set voice.speaker auto"
        ),
        SpeakerChoice::Espeak => Ok(Found::Espeak(with.espeak(&settings.voice)?)),
        SpeakerChoice::Piper => with.piper(with.entry("piper-")?),
        SpeakerChoice::Kokoro => with.kokoro(with.entry("kokoro")?),
        SpeakerChoice::Cartesia => with.cartesia(environment),
        SpeakerChoice::Auto => with.best(),
    }
}

impl Found {
    /// Loads it.
    ///
    /// # Errors
    /// Its files, or the ONNX Runtime, are not what they should be.
    pub fn open(&self) -> anyhow::Result<Arc<dyn Speaker>> {
        Ok(match self {
            Self::Espeak(espeak) => Arc::new(espeak.clone()),
            Self::Piper {
                library,
                model,
                spelling,
            } => {
                let runtime = Runtime::load(library)?;
                Arc::new(Piper::open(&runtime, model, spelling.clone())?)
            }
            Self::Kokoro {
                library,
                files,
                spelling,
            } => {
                let runtime = Runtime::load(library)?;
                Arc::new(Kokoro::open(&runtime, files.clone(), spelling.clone())?)
            }
            Self::Cartesia(cartesia) => Arc::<Cartesia>::clone(cartesia),
        })
    }

    /// The company that texts are sent to; none where they stay on this machine.
    pub fn sends_to(&self) -> Option<&'static str> {
        match self {
            Self::Cartesia(_) => Some("Cartesia"),
            Self::Espeak(_) | Self::Piper { .. } | Self::Kokoro { .. } => None,
        }
    }
}

struct Voices<'a> {
    settings: &'a VoiceSettings,
    data_dir: &'a DataDir,
}

impl Voices<'_> {
    /// A voice that was asked for by name, else the best whose files are there, else espeak-ng.
    fn best(&self) -> anyhow::Result<Found> {
        let named = self.settings.voice.as_str();
        match catalogue::find(named) {
            Some(entry) if entry.name.starts_with("kokoro") => return self.kokoro(entry),
            Some(entry) if entry.name.starts_with("piper-") => return self.piper(entry),
            _ if !named.is_empty() => return Ok(Found::Espeak(self.espeak(named)?)),
            _ => {}
        }
        if files::onnxruntime(self.settings, self.data_dir).is_some() {
            if let Some(entry) = self.present("kokoro") {
                return self.kokoro(entry);
            }
            if let Some(entry) = self.present("piper-") {
                return self.piper(entry);
            }
        }
        Ok(Found::Espeak(self.espeak("")?))
    }

    fn present(&self, beginning: &str) -> Option<&'static Entry> {
        let mut entries = catalogue::entries().iter();
        entries.find(|entry| {
            entry.name.starts_with(beginning) && files::path_of(entry, self.data_dir).is_some()
        })
    }

    /// The voice of this kind that is set, else one that is there.
    fn entry(&self, beginning: &str) -> anyhow::Result<&'static Entry> {
        let named = self.settings.voice.as_str();
        if named.is_empty() {
            let kind = beginning.trim_end_matches('-');
            return self.present(beginning).with_context(|| {
                format!("no {kind} voice is here; `hearth models list` shows what can be fetched")
            });
        }
        let entry = files::find(named)?;
        if !entry.name.starts_with(beginning) {
            bail!("voice.voice names {named}, which is no voice of {beginning}");
        }
        Ok(entry)
    }

    fn espeak(&self, voice: &str) -> anyhow::Result<Espeak> {
        let program = find_program("espeak-ng", &search_path()).context(
            "espeak-ng is not installed, and without it nothing is spoken; on Debian: apt install espeak-ng",
        )?;
        let language = self.settings.language.as_str();
        let voice = match (voice, language) {
            ("", "" | "en") => ENGLISH,
            ("", language) => language,
            (voice, _) => voice,
        };
        Ok(Espeak::new(&program, voice, WORDS_PER_MINUTE)?)
    }

    fn library(&self) -> anyhow::Result<PathBuf> {
        files::onnxruntime(self.settings, self.data_dir).context(
            "this voice needs the ONNX Runtime; to fetch it: hearth models pull onnxruntime",
        )
    }

    fn path(&self, entry: &Entry) -> anyhow::Result<PathBuf> {
        let name = &entry.name;
        files::path_of(entry, self.data_dir).with_context(|| {
            format!("the voice {name} is not here; to fetch it: hearth models pull {name}")
        })
    }

    fn piper(&self, entry: &Entry) -> anyhow::Result<Found> {
        Ok(Found::Piper {
            model: self.path(entry)?,
            library: self.library()?,
            spelling: self.espeak(ENGLISH)?,
        })
    }

    fn kokoro(&self, entry: &Entry) -> anyhow::Result<Found> {
        let model = self.path(entry)?;
        let folder = self.data_dir.models();
        let beside = |ending: &str| {
            let mut files = entry.files.iter();
            let file = files.find(|file| file.name.ends_with(ending));
            file.map(|file| folder.join(&file.name))
                .with_context(|| format!("the catalogue names no {ending} for {}", entry.name))
        };
        let files = KokoroFiles {
            model,
            styles: beside(".bin")?,
            characters: beside(".json")?,
            language: ENGLISH.to_owned(),
        };
        Ok(Found::Kokoro {
            files,
            library: self.library()?,
            spelling: self.espeak(ENGLISH)?,
        })
    }

    fn cartesia(&self, environment: &Environment) -> anyhow::Result<Found> {
        if self.settings.voice.is_empty() {
            bail!(
                "cartesia needs the identifier of a voice: hearth config set voice.voice IDENTIFIER"
            );
        }
        let name: Name = CARTESIA_KEY.parse().map_err(anyhow::Error::msg)?;
        let (key, _) = secrets::find(environment, &name)?.with_context(|| {
            format!("cartesia needs a key: hearth config set-secret {CARTESIA_KEY}")
        })?;
        let language = match self.settings.language.as_str() {
            "" => "en",
            language => language,
        };
        Ok(Found::Cartesia(Arc::new(Cartesia::new(
            client()?,
            key.reveal(),
            &self.settings.voice,
            CARTESIA_MODEL,
            language,
        ))))
    }
}
