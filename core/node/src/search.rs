//! Whom web searches are put to, by the settings and the secret `search_key`.

use hearth_runtime::Searching;
use hearth_runtime::search::{Brave, Key, Searxng, Tavily};
use tracing::warn;

use crate::secrets::{self, Name, Secret};
use crate::settings::{Environment, SearchProvider, SearchSettings};

/// What the key of a server that searches is called.
const KEY: &str = "search_key";

/// Returns what searches are made with. Where a server is set and cannot be asked, it says why, and
/// this machine alone is searched.
pub(crate) fn searching(settings: &SearchSettings, environment: &Environment) -> Searching {
    searching_with(settings, || key(environment))
}

fn searching_with(
    settings: &SearchSettings,
    key: impl FnOnce() -> anyhow::Result<Option<Secret>>,
) -> Searching {
    let name = settings.provider.as_str();
    match settings.provider {
        SearchProvider::Local => return Searching::default(),
        SearchProvider::Searxng => {
            return match &settings.url {
                Some(url) => Searching::with(Searxng::at(url.clone())),
                None => Searching::broken(
                    "no server is named to search with; to name one: hearth config set search.url \
                     http://localhost:8888, then start the node anew",
                ),
            };
        }
        SearchProvider::Brave | SearchProvider::Tavily => (),
    }
    let key = match key() {
        Ok(Some(key)) => Key::new(key.reveal()),
        Ok(None) => {
            return Searching::broken(format!(
                "there is no key for {name}; to keep one: hearth config set-secret {KEY}, then \
                 start the node anew"
            ));
        }
        Err(problem) => {
            // Agents read the other text, and this one may name paths.
            warn!("the key for web searches cannot be read: {problem:#}");
            return Searching::broken(format!(
                "the key for {name} cannot be read; the node's log says why"
            ));
        }
    };
    let made = if settings.provider == SearchProvider::Brave {
        Brave::new(key).map(Searching::with)
    } else {
        Tavily::new(key).map(Searching::with)
    };
    made.unwrap_or_default()
}

fn key(environment: &Environment) -> anyhow::Result<Option<Secret>> {
    let name: Name = KEY.parse().map_err(anyhow::Error::msg)?;
    Ok(secrets::find(environment, &name)?.map(|(key, _)| key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(provider: SearchProvider, url: Option<&str>, key: Option<&str>) -> String {
        let settings = SearchSettings {
            provider,
            url: url.map(|url| url.parse().unwrap()),
        };
        let key = key.map(|key| Secret::new(key).unwrap());
        format!("{:?}", searching_with(&settings, || Ok(key)))
    }

    #[test]
    fn the_server_of_the_settings_is_asked_with_its_key() {
        let local = told(SearchProvider::Local, None, None);
        assert_eq!(local, format!("{:?}", Searching::default()));
        let own = told(SearchProvider::Searxng, Some("http://localhost:8888"), None);
        assert!(
            own.contains("Searxng") && own.contains("localhost"),
            "{own}"
        );
        for (provider, name) in [
            (SearchProvider::Brave, "Brave"),
            (SearchProvider::Tavily, "Tavily"),
        ] {
            let told = told(provider, None, Some("secret"));
            assert!(told.contains(name) && !told.contains("secret"), "{told}");
        }
    }

    #[test]
    fn what_is_missing_is_told_with_the_command_that_mends_it() {
        let no_url = told(SearchProvider::Searxng, None, None);
        assert!(no_url.contains("hearth config set search.url"), "{no_url}");
        let no_key = told(SearchProvider::Brave, None, None);
        assert!(no_key.contains("set-secret search_key"), "{no_key}");
        let settings = SearchSettings {
            provider: SearchProvider::Tavily,
            url: None,
        };
        let failed = searching_with(&settings, || anyhow::bail!("/home/ada/key is open"));
        assert!(!format!("{failed:?}").contains("/home/ada"));
    }
}
