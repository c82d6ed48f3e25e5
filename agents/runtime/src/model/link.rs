//! One model of the chain, with what is known of how it does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hearth_app::language_model::{Origin, ProviderState, Standing};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::breaker::Breaker;
use super::config::Patience;
use super::draft::random;
use super::fault::{Fault, FaultKind};
use super::remote::{Remote, set_secret};
use super::{Answer, AskError, Heard, Provider, Request};

/// One model of the chain.
pub(super) struct Link {
    provider: Arc<dyn Provider>,
    /// The same, where it is asked over HTTP.
    pub(super) remote: Option<Arc<Remote>>,
    pub(super) origin: Origin,
    patience: Patience,
    /// A lock of the standard library: nobody waits while holding it.
    breaker: Mutex<Breaker>,
    gate: Semaphore,
}

/// What became of a call.
pub(super) enum Outcome {
    /// It answered, or refused, or the caller stopped.
    Settled(Result<Answer, AskError>),
    /// It did not. Another may be asked where nothing of an answer had come.
    Failed(Fault),
}

impl Link {
    pub(super) fn new(provider: Arc<dyn Provider>, origin: Origin, patience: Patience) -> Self {
        Self {
            provider,
            remote: None,
            origin,
            patience,
            breaker: Mutex::default(),
            gate: Semaphore::new(patience.at_once.max(1)),
        }
    }

    pub(super) fn remote(remote: Remote, origin: Origin, patience: Patience) -> Self {
        let remote = Arc::new(remote);
        Self {
            remote: Some(Arc::clone(&remote)),
            ..Self::new(remote, origin, patience)
        }
    }

    pub(super) fn provider(&self) -> &dyn Provider {
        &*self.provider
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it would be asked now.
    pub(super) fn is_ready(&self) -> bool {
        self.provider.trouble().is_none() && self.breaker().would_let(Instant::now())
    }

    /// Whether it may be asked, at once or after a rest: a rest may end while others are asked. A server
    /// of one's own may as well be started meanwhile, and then says which model it has.
    pub(super) fn may_be_asked(&self) -> bool {
        let is_own = |remote: &Arc<Remote>| remote.choice().preset.is_own();
        self.provider.trouble().is_none() || self.remote.as_ref().is_some_and(is_own)
    }

    /// Returns when it is tried again, where it is left alone at the moment.
    pub(super) fn rests_until(&self) -> Option<Instant> {
        let breaker = self.breaker();
        let until = breaker.rest()?.until;
        (until > Instant::now()).then_some(until)
    }

    /// Returns why it is not asked, where that is so.
    pub(super) fn fault(&self) -> Option<Fault> {
        let resting = || self.breaker().rest().map(|rest| rest.fault.clone());
        self.provider.trouble().or_else(resting)
    }

    /// Asks it, and again where that may help and nothing of an answer has come. `note` hears when it
    /// begins or ceases to be left alone.
    pub(super) async fn ask(
        &self,
        request: &Request,
        heard: Heard<'_>,
        stop: &CancellationToken,
        note: &(dyn Fn() + Sync),
    ) -> Outcome {
        let begun = Instant::now();
        let mut tries = 1;
        loop {
            let trial = match self.enter(stop).await {
                Ok(trial) => trial,
                Err(outcome) => return outcome,
            };
            let answer = tokio::select! {
                biased;
                () = stop.cancelled() => return Outcome::Settled(Err(AskError::Stopped)),
                answer = self.provider.ask(request, heard) => answer,
            };
            drop(trial);
            let fault = match answer {
                Err(AskError::Faulty(fault)) => fault,
                // It has asked again itself, or knows that it is of no use.
                Err(AskError::None(message)) => {
                    let fault = Fault::passing(message);
                    self.breaker()
                        .failed(&fault, &self.patience, Instant::now());
                    return Outcome::Failed(fault);
                }
                settled => {
                    if self.breaker().succeeded() {
                        note();
                    }
                    return Outcome::Settled(settled);
                }
            };
            let rests = self
                .breaker()
                .failed(&fault, &self.patience, Instant::now());
            if rests {
                note();
            }
            let pause = self.pause(&fault, tries, begun.elapsed());
            let (false, Some(pause)) = (rests, pause) else {
                return Outcome::Failed(fault);
            };
            tracing::info!(
                reason = fault.message,
                "a language model is asked again in {pause:?}"
            );
            tokio::select! {
                () = stop.cancelled() => return Outcome::Settled(Err(AskError::Stopped)),
                () = tokio::time::sleep(pause) => (),
            }
            tries += 1;
        }
    }

    /// Waits for its turn.
    async fn enter(&self, stop: &CancellationToken) -> Result<Trial<'_>, Outcome> {
        let permit = tokio::select! {
            permit = self.gate.acquire() => permit,
            () = stop.cancelled() => return Err(Outcome::Settled(Err(AskError::Stopped))),
        };
        // Looked at after the wait: it may have failed for those before.
        let fault = self.fault();
        let Some(is_after_rest) = self.breaker().let_through(Instant::now()) else {
            let fault = fault.unwrap_or_else(|| Fault::passing("it is being tried"));
            return Err(Outcome::Failed(fault));
        };
        Ok(Trial {
            link: self,
            is_after_rest,
            _permit: permit.ok(),
        })
    }

    /// Returns how long to wait before another try; `None` where there is to be none.
    fn pause(&self, fault: &Fault, tries: u32, elapsed: Duration) -> Option<Duration> {
        let FaultKind::Passing { retry_after } = fault.kind else {
            return None;
        };
        if fault.has_begun || tries >= self.patience.tries {
            return None;
        }
        let longest = self.patience.retry_pause * 2_u32.saturating_pow(tries - 1);
        let pause = retry_after.unwrap_or(Duration::ZERO) + jitter(longest);
        (elapsed + pause < self.patience.retry_window).then_some(pause)
    }

    /// Returns how it does, for people.
    pub(super) fn state(&self, is_current: bool) -> ProviderState {
        let profile = self.provider.profile();
        let fault = self.fault();
        let rests_until = self.rests_until();
        let standing = match (&fault, rests_until) {
            _ if self.provider.trouble().is_some() => Standing::Unusable,
            (_, Some(_)) => Standing::Resting,
            (Some(_), None) => Standing::Trying,
            (None, None) => Standing::Ready,
        };
        let (reason, detail) = match &fault {
            None => (String::new(), String::new()),
            // Found out here, so that nothing of a server's words is in it.
            Some(fault) if standing == Standing::Unusable => (fault.message.clone(), String::new()),
            Some(fault) => (in_general(&profile.provider, fault), fault.message.clone()),
        };
        ProviderState {
            provider: profile.provider,
            model: profile.model,
            origin: self.origin,
            is_current,
            standing,
            reason,
            detail,
            remedy: fault
                .as_ref()
                .map_or_else(String::new, |fault| self.remedy(fault)),
            retry_in: rests_until.map(|until| until.saturating_duration_since(Instant::now())),
            context_tokens: profile.context_tokens,
            has_tools: profile.has_tools,
            input_price: profile.input_price,
            output_price: profile.output_price,
            is_price_assumed: self.provider.is_price_assumed(),
        }
    }

    /// Returns what mends a fault.
    fn remedy(&self, fault: &Fault) -> String {
        match &fault.kind {
            FaultKind::Setting { remedy } => remedy.clone(),
            FaultKind::Key => {
                let choice = self.remote.as_ref().map(|remote| remote.choice());
                let secret = choice.and_then(|choice| choice.preset.secret());
                let secret = secret.unwrap_or("model_key");
                set_secret(secret)
            }
            FaultKind::Passing { .. } => String::new(),
        }
    }
}

/// Says of a fault what everybody may know.
fn in_general(who: &str, fault: &Fault) -> String {
    match fault.kind {
        FaultKind::Key => format!("{who} does not take its key"),
        FaultKind::Setting { .. } => format!("{who} does not have what the settings ask for"),
        FaultKind::Passing { .. } => format!("{who} has failed, and is left alone for a while"),
    }
}

/// One call on its way. Dropped, it lets the next one try where this one came to no end.
struct Trial<'a> {
    link: &'a Link,
    /// Whether it is the one that tries after a rest.
    is_after_rest: bool,
    _permit: Option<tokio::sync::SemaphorePermit<'a>>,
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if self.is_after_rest {
            self.link.breaker().gave_up();
        }
    }
}

/// Returns a random part of a pause, so that those who failed together do not come back together.
fn jitter(longest: Duration) -> Duration {
    let thousandths = u32::try_from(random() % 1000).unwrap_or_default();
    longest * thousandths / 1000
}
