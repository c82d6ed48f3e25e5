//! The models there are, in the order in which they are tried: those the owner chose, then servers
//! found on this machine.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use futures_util::future::join_all;
use hearth_app::language_model::{Origin, ProviderState};
use hearth_domain::money::Usage;
use reqwest::Client;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::config::{Choice, Config};
use super::fault::Fault;
use super::link::{Link, Outcome};
use super::local::{self, Found, learn};
use super::remote::Remote;
use super::{Answer, AskError, Heard, Profile, Provider, Request, http};

/// The models there are, in the order in which they are tried. Clones are the same models.
#[derive(Clone, Default)]
pub struct Models {
    inner: Arc<Inner>,
}

struct Inner {
    /// Read with every call, replaced when settings change. Locks of the standard library, held for a
    /// copy of the pointer.
    links: RwLock<Arc<Vec<Arc<Link>>>>,
    config: RwLock<Arc<Config>>,
    /// Made when first needed: it reads the machine's certificates.
    client: OnceLock<Result<Client, String>>,
    /// When servers on this machine were last looked for. Held while looking, so that nobody looks
    /// twice at once.
    looked: Mutex<Option<Instant>>,
    changes: watch::Sender<u64>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            links: RwLock::default(),
            config: RwLock::default(),
            client: OnceLock::new(),
            looked: Mutex::default(),
            changes: watch::Sender::new(0),
        }
    }
}

impl Models {
    /// A chain of models.
    pub fn new(chain: Vec<Arc<dyn Provider>>) -> Self {
        let config = Config::default();
        let links = chain.into_iter().enumerate().map(|(place, provider)| {
            Arc::new(Link::new(
                provider,
                Origin::of_place(place),
                config.patience,
            ))
        });
        let models = Self::default();
        models.set_links(links.collect());
        models
    }

    /// The models that the owner chose. Servers on this machine are looked for by [`Self::look`].
    pub fn configured(config: Config) -> Self {
        let models = Self::default();
        models.reconfigure(config);
        models
    }

    /// Chooses anew. What is known of a model that stays in the chain is kept. Reads the machine's
    /// certificates the first time that there is a model to ask.
    pub fn reconfigure(&self, config: Config) {
        let before = self.config();
        let old = self.links();
        let config = Arc::new(config);
        *write(&self.inner.config) = Arc::clone(&config);
        let is_kept = |link: &Link, origin: Origin, choice: &Choice| {
            let same = link
                .remote
                .as_ref()
                .is_some_and(|remote| remote.choice() == choice);
            same && link.origin == origin && before.patience == config.patience
        };
        let mut links = Vec::new();
        for (place, choice) in config.chain.iter().enumerate() {
            let origin = Origin::of_place(place);
            let kept = old.iter().find(|link| is_kept(link, origin, choice));
            let link = match kept {
                Some(link) => Some(Arc::clone(link)),
                None => self.link(choice.clone(), origin).map(Arc::new),
            };
            links.extend(link);
        }
        if config.find_local {
            let found = old.iter().filter(|link| link.origin == Origin::Found);
            links.extend(found.cloned());
        }
        self.set_links(links);
    }

    fn link(&self, choice: Choice, origin: Origin) -> Option<Link> {
        let patience = self.config().patience;
        match self.client() {
            Ok(client) => {
                let remote = Remote::new(choice, client, patience);
                Some(Link::remote(remote, origin, patience))
            }
            Err(error) => {
                tracing::error!(error, "language models cannot be asked: TLS cannot be had");
                None
            }
        }
    }

    fn client(&self) -> Result<Client, String> {
        self.inner.client.get_or_init(http::client).clone()
    }

    /// Returns the model that would be asked now; `None` where there is none.
    pub fn current(&self) -> Option<Profile> {
        let links = self.links();
        let ready = links.iter().find(|link| link.is_ready());
        ready.map(|link| link.provider().profile())
    }

    /// Returns the most that asking may use up, whichever model answers, those that are left alone for
    /// a while included: their rest may end before they are come to. `None` where there is none.
    pub fn worst_case(&self, request: &Request) -> Option<Usage> {
        let links = self.links();
        let cases = links
            .iter()
            .filter(|link| link.may_be_asked())
            .map(|link| request.worst_case(&link.provider().profile()));
        cases.reduce(|one, other| Usage {
            usd_micros: one.usd_micros.max(other.usd_micros),
            input_tokens: one.input_tokens.max(other.input_tokens),
            output_tokens: one.output_tokens.max(other.output_tokens),
        })
    }

    /// Returns how many tokens an answer may have, unless a request says otherwise.
    pub fn max_output_tokens(&self) -> u32 {
        self.config().max_output_tokens
    }

    /// Returns the news that something changed: which models there are, or whether they answer. Seen
    /// before a look at [`Self::current`], none is missed.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Returns how each does, in the order in which they are tried.
    pub fn state(&self) -> Vec<ProviderState> {
        let links = self.links();
        let current = links.iter().position(|link| link.is_ready());
        let states = links.iter().enumerate();
        states
            .map(|(place, link)| link.state(current == Some(place)))
            .collect()
    }

    /// Returns when the first of those that are left alone is tried again.
    pub fn next_try(&self) -> Option<Instant> {
        self.links()
            .iter()
            .filter_map(|link| link.rests_until())
            .min()
    }

    /// Asks the first model that answers. Each is asked again where that may help, and the next only
    /// while nothing of an answer has come.
    ///
    /// # Errors
    /// None answers; the request is wrong; `stop` was cancelled.
    pub async fn ask(
        &self,
        request: &Request,
        heard: Heard<'_>,
        stop: &CancellationToken,
    ) -> Result<Answer, AskError> {
        let links = self.links();
        let first = self.ask_those(&links, request, heard, stop).await;
        let Err(Unanswered::Free(why)) = first else {
            return first.map_err(Unanswered::into_error);
        };
        // A server may have been started since the last look.
        if !self.look_if_due().await {
            return Err(AskError::None(why));
        }
        let is_new =
            |link: &&Arc<Link>| !links.iter().any(|old| Arc::ptr_eq(old, link)) || link.is_ready();
        let now = self.links();
        let fresh: Vec<_> = now.iter().filter(is_new).cloned().collect();
        if fresh.is_empty() {
            return Err(AskError::None(why));
        }
        let second = self.ask_those(&fresh, request, heard, stop).await;
        second.map_err(Unanswered::into_error)
    }

    async fn ask_those(
        &self,
        links: &[Arc<Link>],
        request: &Request,
        heard: Heard<'_>,
        stop: &CancellationToken,
    ) -> Result<Answer, Unanswered> {
        let mut why = String::new();
        for link in links {
            if stop.is_cancelled() {
                return Err(Unanswered::Settled(AskError::Stopped));
            }
            if !link.is_ready() {
                add(&mut why, link.fault().as_ref());
                continue;
            }
            match link.ask(request, heard, stop, &|| self.tell()).await {
                Outcome::Settled(Ok(answer)) => return Ok(answer),
                Outcome::Settled(Err(error)) => return Err(Unanswered::Settled(error)),
                Outcome::Failed(fault) if fault.has_begun => {
                    return Err(Unanswered::Settled(AskError::BrokenOff(fault.message)));
                }
                Outcome::Failed(fault) => add(&mut why, Some(&fault)),
            }
        }
        if why.is_empty() {
            why.push_str("none is configured");
        }
        Err(Unanswered::Free(why))
    }

    /// Looks for servers on this machine, and asks those that were chosen what they have. Returns
    /// whether that changed anything.
    pub async fn look(&self) -> bool {
        let mut looked = self.inner.looked.lock().await;
        let is_new = self.look_around().await;
        *looked = Some(Instant::now());
        is_new
    }

    /// As [`Self::look`], unless that was just done. For those who need a model and have none: nothing
    /// looks by itself.
    pub async fn look_if_due(&self) -> bool {
        let mut looked = self.inner.looked.lock().await;
        if !self.is_due(*looked) {
            return false;
        }
        let is_new = self.look_around().await;
        *looked = Some(Instant::now());
        is_new
    }

    /// Whether [`Self::look_if_due`] would look now.
    pub(crate) async fn is_look_due(&self) -> bool {
        let looked = *self.inner.looked.lock().await;
        self.is_due(looked)
    }

    fn is_due(&self, looked: Option<Instant>) -> bool {
        let rest = self.config().patience.look_again;
        looked.is_none_or(|at| at.elapsed() >= rest)
    }

    async fn look_around(&self) -> bool {
        let config = self.config();
        let links = self.links();
        let chosen: Vec<_> = links
            .iter()
            .filter(|link| link.origin != Origin::Found)
            .collect();
        let own = chosen.iter().filter_map(|link| link.remote.as_deref());
        let own: Vec<&Remote> = own
            .filter(|remote| remote.choice().preset.is_own())
            .collect();
        if own.is_empty() && !config.find_local {
            return false;
        }
        let Ok(client) = self.client() else {
            return false;
        };
        let wait = config.patience.look;
        let learning = own.iter().map(|remote| async {
            let url = remote.url()?.as_str();
            let wanted = remote.choice().model.as_deref();
            let learned = learn(&client, remote.choice().preset, url, wanted, wait).await?;
            Some(remote.learn(learned))
        });
        let looking = async {
            if config.find_local {
                local::look(&client, config.ports, wait).await
            } else {
                Vec::new()
            }
        };
        let (learned, found) = tokio::join!(join_all(learning), looking);
        let is_new = learned.contains(&Some(true));
        let found = found
            .into_iter()
            .filter(|found| !own.iter().any(|remote| is_at(remote, found)));
        let is_other = self.replace_found(found.collect());
        if is_new && !is_other {
            self.tell();
        }
        is_new || is_other
    }

    /// Puts what was found at the end of the chain; returns whether that is something else than before.
    fn replace_found(&self, found: Vec<Found>) -> bool {
        let links = self.links();
        let (old, mut all): (Vec<_>, Vec<_>) = links
            .iter()
            .cloned()
            .partition(|link| link.origin == Origin::Found);
        let kept = |found: &Found| {
            let mut old = old.iter();
            old.find(|link| {
                link.remote
                    .as_ref()
                    .is_some_and(|remote| is_at(remote, found))
            })
        };
        let mut is_new = old.len() != found.len();
        for found in found {
            if let Some(link) = kept(&found) {
                let learned = link
                    .remote
                    .as_ref()
                    .map(|remote| remote.learn(found.learned));
                is_new |= learned == Some(true);
                all.push(Arc::clone(link));
                continue;
            }
            is_new = true;
            let choice = Choice {
                url: Some(found.url),
                ..Choice::of(found.preset)
            };
            if let Some(link) = self.link(choice, Origin::Found) {
                if let Some(remote) = &link.remote {
                    remote.learn(found.learned);
                }
                all.push(Arc::new(link));
            }
        }
        if is_new {
            self.set_links(all);
        }
        is_new
    }

    fn config(&self) -> Arc<Config> {
        let config = self.inner.config.read();
        config.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn links(&self) -> Arc<Vec<Arc<Link>>> {
        let links = self.inner.links.read();
        links.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_links(&self, links: Vec<Arc<Link>>) {
        *write(&self.inner.links) = Arc::new(links);
        self.tell();
    }

    /// Has everybody who follows the changes look again.
    pub fn announce(&self) {
        self.tell();
    }

    fn tell(&self) {
        self.inner
            .changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Why no answer came.
enum Unanswered {
    /// Nothing of one had come: whoever is left may be asked.
    Free(String),
    Settled(AskError),
}

impl Unanswered {
    fn into_error(self) -> AskError {
        match self {
            Self::Free(why) => AskError::None(why),
            Self::Settled(error) => error,
        }
    }
}

fn add(why: &mut String, fault: Option<&Fault>) {
    let Some(fault) = fault else {
        return;
    };
    if !why.is_empty() {
        why.push_str("; ");
    }
    why.push_str(&fault.message);
}

fn is_at(remote: &Remote, found: &Found) -> bool {
    let found = http::address(&found.url);
    remote.url().is_some() && remote.url() == found.as_ref()
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let links = self.links();
        let chain = links.iter().map(|link| link.provider().profile());
        f.debug_list().entries(chain).finish()
    }
}
