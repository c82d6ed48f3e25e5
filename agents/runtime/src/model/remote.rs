//! A model behind an address: asked over HTTP, in the server's own way of speaking.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, Url};
use serde_json::Value;
use tokio::time::timeout;

use super::catalogue::{self, ASSUMED_CONTEXT, ASSUMED_INPUT_PRICE, ASSUMED_OUTPUT_PRICE};
use super::config::{Choice, Patience};
use super::draft::{Draft, Stop};
use super::fault::{Fault, FaultKind};
use super::http::{Reader, Waits, address, is_loopback};
use super::preset::{KeyNeed, Preset, Speech};
use super::wire::{Asked, anthropic, ollama, one_line, openai};
use super::{Answer, AnswerFuture, AskError, Heard, Profile, Provider, Request};

/// How many tokens Ollama is told to hold unless its owner says otherwise: the memory for them grows
/// with the number, and this many take some 2 GiB with a model of 8 billion parameters.
const OLLAMA_CONTEXT: u64 = 16_384;

/// What a server of one's own said of what it has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Learned {
    pub(super) model: Option<String>,
    pub(super) context_tokens: Option<u64>,
    pub(super) has_tools: Option<bool>,
}

/// One model at one address.
pub(super) struct Remote {
    choice: Choice,
    url: Option<Url>,
    client: Client,
    patience: Patience,
    /// Read with every call, written after a look. A lock of the standard library, held for a copy.
    learned: RwLock<Learned>,
}

impl Remote {
    pub(super) fn new(choice: Choice, client: Client, patience: Patience) -> Self {
        let named = choice.url.as_deref().or(choice.preset.url());
        let mut url = named.and_then(address);
        if let Some(url) = url.as_mut().filter(|_| choice.preset.is_own()) {
            // These have other paths beside that of OpenAI.
            let path = url.path().trim_end_matches('/');
            let root = path.strip_suffix("/v1").unwrap_or(path).to_owned();
            url.set_path(&root);
        }
        Self {
            choice,
            url,
            client,
            patience,
            learned: RwLock::default(),
        }
    }

    pub(super) fn choice(&self) -> &Choice {
        &self.choice
    }

    pub(super) fn url(&self) -> Option<&Url> {
        self.url.as_ref()
    }

    pub(super) fn learned(&self) -> Learned {
        let learned = self.learned.read();
        learned.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what the server has; returns whether that is new.
    pub(super) fn learn(&self, learned: Learned) -> bool {
        let known = self.learned.write();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        let is_new = *known != learned;
        *known = learned;
        is_new
    }

    fn who(&self) -> &'static str {
        self.choice.preset.as_str()
    }

    fn model(&self) -> Option<String> {
        let named = self.choice.model.clone();
        named
            .or_else(|| self.choice.preset.default_model().map(str::to_owned))
            .or_else(|| self.learned().model)
    }

    /// Whether it costs nothing: it is a server of one's own, or a nameless one on this machine. What
    /// passes calls on to a provider that is paid costs what that does.
    fn is_free(&self) -> bool {
        let preset = self.choice.preset;
        let is_nameless = preset == Preset::Compatible;
        preset.is_own() || (is_nameless && self.url.as_ref().is_some_and(is_loopback))
    }

    /// Whether a call of it costs something.
    fn costs(&self) -> bool {
        let profile = self.profile();
        profile.input_price > 0 || profile.output_price > 0
    }

    /// What a failure means once the server may have made an answer: it may have to be paid for, so
    /// that nobody is asked again for it on the same money.
    fn made(&self, error: AskError) -> AskError {
        match error {
            error if !self.costs() => error,
            AskError::Faulty(fault) => AskError::Faulty(fault.after(true)),
            AskError::Refused(why) => AskError::Spoiled { why, usage: None },
            other => other,
        }
    }

    fn known(&self) -> Option<catalogue::Known> {
        catalogue::find(self.choice.preset, &self.model()?)
    }

    fn context_tokens(&self) -> u64 {
        if let Some(tokens) = self.choice.context_tokens {
            return tokens;
        }
        let learned = self.learned().context_tokens;
        if self.choice.preset == Preset::Ollama {
            return learned.map_or(ASSUMED_CONTEXT, |tokens| tokens.min(OLLAMA_CONTEXT));
        }
        let known = self.known().map(|known| known.context_tokens);
        learned.or(known).unwrap_or(ASSUMED_CONTEXT)
    }

    async fn answer(&self, request: &Request, heard: Heard<'_>) -> Result<Answer, AskError> {
        if let Some(fault) = self.trouble() {
            return Err(AskError::Faulty(fault));
        }
        let profile = self.profile();
        check_length(request, &profile)?;
        let is_streamed = request.tools.is_empty() || profile.has_streamed_tools;
        let sent = self.request(request, &profile, is_streamed)?;
        let who = self.who();
        let reader = Reader::send(who, sent, self.waits(is_streamed), self.costs()).await?;
        if !reader.response().status().is_success() {
            return Err(self.refused(reader).await);
        }
        let kind = reader.response().headers().get("content-type");
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("text/html") {
            let message = format!("{who} answered with a page for browsers");
            let remedy = self.remedy_where_nothing_is_found();
            return Err(self.made(AskError::Faulty(Fault::setting(message, remedy))));
        }
        // Some send the whole whatever they are asked for.
        let is_whole = kind.starts_with("application/json");
        let is_streamed = is_streamed && !(is_whole && self.choice.preset != Preset::Ollama);
        let mut draft = Draft::default();
        let read = if is_streamed {
            self.read_stream(reader, &mut draft, heard).await
        } else {
            self.read_whole(reader, &mut draft, heard).await
        };
        read.map_err(|error| self.made(error))?;
        if draft.stop == Some(Stop::Filtered) {
            let why = format!("{who} stopped the answer, whose content it does not allow");
            return Err(match self.made(AskError::Refused(why)) {
                AskError::Spoiled { why, .. } => AskError::Spoiled {
                    why,
                    usage: draft.reported(request, &profile),
                },
                other => other,
            });
        }
        Ok(draft.finish(request, &profile))
    }

    fn waits(&self, is_streamed: bool) -> Waits {
        let first = if self.choice.preset.is_own() {
            self.patience.first_byte_own
        } else {
            self.patience.first_byte
        };
        Waits {
            // One that comes as a whole begins when it is finished.
            first: if is_streamed {
                first
            } else {
                self.patience.whole
            },
            next: self.patience.between_bytes,
        }
    }

    fn request(
        &self,
        request: &Request,
        profile: &Profile,
        is_streamed: bool,
    ) -> Result<RequestBuilder, AskError> {
        let asked = Asked {
            model: &profile.model,
            request,
            is_streamed,
            context_tokens: profile.context_tokens,
            has_new_limit: matches!(self.choice.preset, Preset::OpenAi | Preset::Groq),
        };
        let base = self.url.as_ref().map(Url::as_str).unwrap_or_default();
        let base = base.trim_end_matches('/');
        let (path, body) = match self.choice.preset.speech() {
            Speech::OpenAi if self.choice.preset.is_own() => {
                ("v1/chat/completions", openai::body(&asked))
            }
            Speech::OpenAi => ("chat/completions", openai::body(&asked)),
            Speech::Anthropic => ("messages", anthropic::body(&asked)),
            Speech::Ollama => ("api/chat", ollama::body(&asked)),
        };
        let sent = self.client.post(format!("{base}/{path}")).json(&body);
        self.with_key(sent)
    }

    fn with_key(&self, sent: RequestBuilder) -> Result<RequestBuilder, AskError> {
        let speech = self.choice.preset.speech();
        let sent = match speech {
            Speech::Anthropic => sent.header("anthropic-version", "2023-06-01"),
            Speech::OpenAi | Speech::Ollama => sent,
        };
        let Some(key) = &self.choice.key else {
            return Ok(sent);
        };
        let (name, value) = match speech {
            Speech::Anthropic => ("x-api-key", key.reveal().to_owned()),
            Speech::OpenAi | Speech::Ollama => {
                ("authorization", format!("Bearer {}", key.reveal()))
            }
        };
        let mut value = reqwest::header::HeaderValue::from_str(&value).map_err(|_| {
            let remedy = set_secret(self.choice.preset.secret().unwrap_or_default());
            let message = format!("the key for {} holds characters that none has", self.who());
            AskError::Faulty(Fault::setting(message, remedy))
        })?;
        value.set_sensitive(true);
        Ok(sent.header(name, value))
    }

    async fn read_stream(
        &self,
        mut reader: Reader<'_>,
        draft: &mut Draft,
        heard: Heard<'_>,
    ) -> Result<(), AskError> {
        let who = self.who();
        while !draft.is_over {
            let Some(line) = reader.line(draft.has_begun).await? else {
                break;
            };
            let said = match self.choice.preset.speech() {
                Speech::Ollama if line.trim().is_empty() => continue,
                Speech::Ollama => ollama::take_line(who, draft, &line),
                // Every event of these is one line of data; what else an event has says nothing more.
                Speech::OpenAi | Speech::Anthropic => match line.strip_prefix("data:") {
                    None => continue,
                    Some(data) if self.choice.preset.speech() == Speech::Anthropic => {
                        anthropic::take_event(who, draft, data.trim())
                    }
                    Some(data) => openai::take_event(who, draft, data.trim()),
                },
            };
            let said = said.map_err(|error| after(error, draft.has_begun))?;
            draft.check_size()?;
            if let (Some(said), Some(heard)) = (said, heard) {
                draft.has_begun = true;
                heard(&said);
            }
        }
        if draft.is_over || draft.stop.is_some() {
            return Ok(());
        }
        let cut = Fault::passing(format!("{who} broke off before the end of its answer"));
        Err(AskError::Faulty(cut.after(draft.has_begun)))
    }

    async fn read_whole(
        &self,
        reader: Reader<'_>,
        draft: &mut Draft,
        heard: Heard<'_>,
    ) -> Result<(), AskError> {
        let who = self.who();
        let bytes = reader.whole().await?;
        let no_answer = || {
            let message = format!("{who} answered with something that is no answer of a model");
            AskError::Faulty(Fault::passing(message))
        };
        let answer: Value = serde_json::from_slice(&bytes).map_err(|_| no_answer())?;
        let said = match self.choice.preset.speech() {
            Speech::OpenAi => openai::take_whole(who, draft, &answer),
            Speech::Anthropic => anthropic::take_whole(who, draft, &answer),
            Speech::Ollama => ollama::take_whole(who, draft, &answer),
        }?;
        if !draft.is_over {
            return Err(no_answer());
        }
        draft.check_size()?;
        if let (Some(said), Some(heard)) = (said, heard) {
            heard(&said);
        }
        Ok(())
    }

    /// Says what a status of an error means.
    async fn refused(&self, reader: Reader<'_>) -> AskError {
        let status = reader.response().status().as_u16();
        let retry_after = retry_after(reader.response().headers());
        let body: Value = serde_json::from_slice(&reader.refusal().await).unwrap_or_default();
        let error = &body["error"];
        let said = error.as_str().or(error["message"].as_str());
        let mut said = one_line(said.or(body["message"].as_str()).unwrap_or_default());
        if let Some(key) = &self.choice.key {
            said = said.replace(key.reveal(), "[redacted]");
        }
        let who = self.who();
        let mut message = format!("{who} answered {status}");
        // What is said of a wrong key repeats parts of it.
        if !said.is_empty() && !matches!(status, 401 | 403) {
            message.push_str(": ");
            message.push_str(&said);
        }
        let fault = |kind| {
            AskError::Faulty(Fault {
                kind,
                message: message.clone(),
                has_begun: false,
            })
        };
        match status {
            401 | 403 => fault(FaultKind::Key),
            402 => fault(FaultKind::Setting {
                remedy: format!("see to your account with {who}"),
            }),
            300..=399 | 404 | 405 => fault(FaultKind::Setting {
                remedy: self.remedy_where_nothing_is_found(),
            }),
            408 | 409 | 425 | 429 | 500.. => fault(FaultKind::Passing { retry_after }),
            // The model wrote a call that its own server could not read: another try helps.
            400 if error["code"] == "tool_use_failed" => fault(FaultKind::Passing { retry_after }),
            _ => AskError::Refused(message),
        }
    }

    fn remedy_where_nothing_is_found(&self) -> String {
        let model = self.model().unwrap_or_default();
        match self.choice.preset {
            Preset::Ollama => format!("ollama pull {model}"),
            Preset::Compatible => {
                "see whether model.url is right, which mostly ends in /v1, and model.name".into()
            }
            preset => format!(
                "see whether {preset} has a model {model}, and name another with: \
                               hearth model use {preset} NAME"
            ),
        }
    }
}

impl Provider for Remote {
    fn profile(&self) -> Profile {
        let known = self.known();
        let (mut input_price, mut output_price) = match known {
            _ if self.is_free() => (0, 0),
            Some(known) => (known.input_price, known.output_price),
            None => (ASSUMED_INPUT_PRICE, ASSUMED_OUTPUT_PRICE),
        };
        input_price = self.choice.input_price.unwrap_or(input_price);
        output_price = self.choice.output_price.unwrap_or(output_price);
        let learned = self.learned();
        Profile {
            provider: self.who().to_owned(),
            model: self.model().unwrap_or_default(),
            context_tokens: self.context_tokens(),
            has_tools: learned
                .has_tools
                .or(known.map(|known| known.has_tools))
                .unwrap_or(true),
            has_streamed_tools: self
                .choice
                .has_streamed_tools
                .or(known.map(|known| known.has_streamed_tools))
                .unwrap_or(true),
            input_price,
            output_price,
        }
    }

    fn is_price_assumed(&self) -> bool {
        let is_said = self.choice.input_price.is_some() && self.choice.output_price.is_some();
        !is_said && !self.is_free() && self.known().is_none()
    }

    fn trouble(&self) -> Option<Fault> {
        let preset = self.choice.preset;
        let secret = preset.secret().unwrap_or_default();
        let set_secret = set_secret(secret);
        if let Some(trouble) = &self.choice.key_trouble {
            let message = format!("the key for {preset} cannot be read: {trouble}");
            return Some(Fault::setting(message, set_secret));
        }
        let Some(url) = &self.url else {
            let example = "hearth config set model.url https://models.example.org/v1";
            return Some(Fault::setting(format!("{preset} has no address"), example));
        };
        if preset.key() == KeyNeed::Needed && self.choice.key.is_none() {
            return Some(Fault::setting(format!("{preset} needs a key"), set_secret));
        }
        if self.choice.key.is_some() && url.scheme() == "http" && !is_loopback(url) {
            let message = format!("the key for {preset} is not sent without encryption");
            let remedy = "name an address that begins with https: hearth config set model.url URL";
            return Some(Fault::setting(message, remedy));
        }
        if self.model().is_some() {
            return None;
        }
        Some(if preset.is_own() {
            let message = format!("{preset} does not answer, or has no model");
            Fault::setting(
                message,
                format!("start {preset} with a model, then: hearth model show"),
            )
        } else {
            let message = format!("no model of {preset} is named");
            Fault::setting(message, "hearth config set model.name NAME")
        })
    }

    fn ask<'a>(&'a self, request: &'a Request, heard: Heard<'a>) -> AnswerFuture<'a> {
        Box::pin(async move {
            let whole = self.patience.whole;
            let begun = std::sync::atomic::AtomicBool::new(false);
            let noted = |text: &str| {
                begun.store(true, std::sync::atomic::Ordering::Relaxed);
                if let Some(heard) = heard {
                    heard(text);
                }
            };
            let answered = timeout(whole, self.answer(request, Some(&noted))).await;
            answered.unwrap_or_else(|_| {
                let message = format!("{} took longer than {} s", self.who(), whole.as_secs_f32());
                let has_begun = begun.load(std::sync::atomic::Ordering::Relaxed);
                let fault = Fault::passing(message).after(has_begun || self.costs());
                Err(AskError::Faulty(fault))
            })
        })
    }
}

/// Refuses what cannot fit, so that no server cuts it without a word.
fn check_length(request: &Request, profile: &Profile) -> Result<(), AskError> {
    let least = request.input_tokens_at_least();
    if least <= profile.context_tokens {
        return Ok(());
    }
    Err(AskError::Refused(format!(
        "it would have to read more than {least} tokens, and {} holds {}; raise it, where the server \
         can: hearth config set model.context_tokens N",
        profile.model, profile.context_tokens
    )))
}

/// Says how a key is handed to the node.
pub(super) fn set_secret(secret: &str) -> String {
    format!(
        "hearth config set-secret {secret} (or start the node with HEARTH_SECRET_{}), then: hearth model \
         test",
        secret.to_uppercase()
    )
}

fn after(error: AskError, has_begun: bool) -> AskError {
    match error {
        AskError::Faulty(fault) => AskError::Faulty(fault.after(has_begun)),
        other => other,
    }
}

/// Returns when a server says to come again: in seconds, or at a time of its own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    let value = text("retry-after")?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = jiff::fmt::rfc2822::parse(value).ok()?;
    let now = jiff::fmt::rfc2822::parse(text("date")?).ok()?;
    at.timestamp()
        .duration_since(now.timestamp())
        .try_into()
        .ok()
}
