//! What every command works with: settings, where results go, how to reach the node.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use hearth_domain::Clock;
use jiff::tz::TimeZone;
use reqwest::Url;

use crate::cli::Global;
use crate::client::Client;
use crate::client::locate::{self, locate, not_running};
use crate::data_dir::DataDir;
use crate::output::Output;
use crate::settings::load::data_dir_without_file;
use crate::settings::{Environment, Layers, Loaded, Override};
use crate::system::SystemClock;

/// One call of the program.
#[derive(Debug)]
pub struct Invocation {
    /// The settings.
    pub loaded: Loaded,
    /// How results are printed.
    pub output: Output,
    /// Where the settings came from.
    pub layers: Layers,
    url: Option<String>,
    key_file: Option<PathBuf>,
}

impl Invocation {
    /// Reads the settings; `overrides` are those that the command's own flags stand for.
    ///
    /// # Errors
    /// See [`Layers::load`].
    pub fn new(global: Global, overrides: &[Override]) -> anyhow::Result<Self> {
        Self::with(global, overrides, Layers::load)
    }

    /// As [`Self::new`], and where the settings file is wrong, as if there were none: a command that
    /// only asks a node needs nothing from it, and the node has its own opinion of the file.
    ///
    /// # Errors
    /// An unknown variable, or one that is no text.
    pub fn whatever_the_settings(global: Global) -> anyhow::Result<Self> {
        Self::with(global, &[], |layers| {
            let flag = layers
                .overrides
                .iter()
                .find(|given| given.key == "data_dir");
            let flag = flag.map(|given| Path::new(&given.value));
            let folder = || data_dir_without_file(&layers.environment, flag);
            Ok(layers
                .load()
                .unwrap_or_else(|_| Loaded::without_file(folder())))
        })
    }

    fn with(
        global: Global,
        overrides: &[Override],
        load: impl FnOnce(&Layers) -> anyhow::Result<Loaded>,
    ) -> anyhow::Result<Self> {
        let environment = Environment::read()?;
        let mut overrides = overrides.to_vec();
        if let Some(dir) = global.data_dir {
            let value = dir
                .into_os_string()
                .into_string()
                .map_err(|_| anyhow!("--data-dir must be UTF-8 text"))?;
            overrides.push(Override {
                key: "data_dir",
                flag: "--data-dir",
                value,
            });
        }
        let layers = Layers {
            environment,
            config: global.config,
            overrides,
        };
        Ok(Self {
            loaded: load(&layers)?,
            output: Output::of(global.json),
            layers,
            url: global.url,
            key_file: global.key_file,
        })
    }

    /// Returns the data folder.
    pub fn data_dir(&self) -> DataDir {
        DataDir::at(&self.loaded.settings.data_dir)
    }

    /// Returns the time zone whose days and hours are meant.
    pub fn zone(&self) -> TimeZone {
        self.clock().zone()
    }

    /// Returns the clock, as it goes where the person is.
    pub fn clock(&self) -> SystemClock {
        SystemClock::in_zone(self.loaded.settings.time_zone.clone())
    }

    /// Returns a client of the node.
    ///
    /// # Errors
    /// No node runs on the data folder; see [`locate()`].
    pub fn client(&self) -> anyhow::Result<Client> {
        self.find_client()?
            .with_context(|| not_running(&self.data_dir()).to_string())
    }

    /// Returns a client of the node; none where no node runs on the data folder.
    ///
    /// # Errors
    /// See [`locate()`].
    pub fn find_client(&self) -> anyhow::Result<Option<Client>> {
        locate(
            &self.layers.environment,
            &self.data_dir(),
            self.url.as_deref(),
            self.key_file.as_deref(),
        )?
        .map(Client::new)
        .transpose()
    }

    /// Returns a client of the node on the data folder, whatever other node flags and variables name;
    /// none where none runs on it.
    ///
    /// # Errors
    /// See [`locate::own`].
    pub fn own_client(&self) -> anyhow::Result<Option<Client>> {
        locate::own(&self.data_dir())?.map(Client::new).transpose()
    }

    /// Returns the address that `--url` or `HEARTH_URL` names.
    ///
    /// # Errors
    /// It is none.
    pub fn named_url(&self) -> anyhow::Result<Option<Url>> {
        locate::named_url(&self.layers.environment, self.url.as_deref())
    }
}
