//! Servers of models on this machine: looked for at loopback, in parallel, and not for long.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};

use super::config::Ports;
use super::http::ask_briefly;
use super::preset::Preset;
use super::remote::Learned;

/// Of how many models Ollama is asked what they can.
const MODELS_MAX: usize = 8;

/// A server that answers, and the model to ask there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) preset: Preset,
    pub(super) url: String,
    pub(super) learned: Learned,
}

/// Looks for all three.
pub(super) async fn look(client: &Client, ports: Ports, wait: Duration) -> Vec<Found> {
    let places = [
        (Preset::Ollama, ports.ollama),
        (Preset::LlamaServer, ports.llama_server),
        (Preset::LmStudio, ports.lm_studio),
    ];
    let looks = places.map(|(preset, port)| async move {
        let url = format!("http://127.0.0.1:{port}");
        let learned = learn(client, preset, &url, None, wait).await?;
        Some(Found {
            preset,
            url,
            learned,
        })
    });
    join_all(looks).await.into_iter().flatten().collect()
}

/// Asks a server of one's own what it has, of the model that is `wanted`, or for one to ask; `None`
/// where it does not answer or has none. Each question waits for so long.
pub(super) async fn learn(
    client: &Client,
    preset: Preset,
    url: &str,
    wanted: Option<&str>,
    wait: Duration,
) -> Option<Learned> {
    let url = url.trim_end_matches('/');
    match preset {
        Preset::Ollama => of_ollama(client, url, wanted, wait).await,
        Preset::LlamaServer => of_llama_server(client, url, wait).await,
        Preset::LmStudio => of_lm_studio(client, url, wanted, wait).await,
        _ => None,
    }
}

async fn of_ollama(
    client: &Client,
    url: &str,
    wanted: Option<&str>,
    wait: Duration,
) -> Option<Learned> {
    let version = ask_briefly(client.get(format!("{url}/api/version")), wait).await?;
    version["version"].as_str()?;
    let names: Vec<String> = if let Some(name) = wanted {
        vec![name.to_owned()]
    } else {
        let tags = ask_briefly(client.get(format!("{url}/api/tags")), wait).await?;
        let all = tags["models"].as_array()?.iter();
        all.filter_map(|model| model["name"].as_str().map(str::to_owned))
            .take(MODELS_MAX)
            .collect()
    };
    let shown = names.into_iter().map(|name| async move {
        let body = json!({ "model": name });
        let asked = client.post(format!("{url}/api/show")).json(&body);
        let shown = ask_briefly(asked, wait).await?;
        answers(&shown).then(|| Learned {
            model: Some(name),
            context_tokens: context_of(&shown["model_info"]),
            has_tools: Some(calls_tools(&shown)),
        })
    });
    let known: Vec<Learned> = join_all(shown).await.into_iter().flatten().collect();
    let with_tools = known.iter().find(|model| model.has_tools == Some(true));
    with_tools.or(known.first()).cloned()
}

/// Whether a model of Ollama's says anything: some only turn texts into numbers.
fn answers(shown: &Value) -> bool {
    let can = shown["capabilities"].as_array();
    can.is_none_or(|can| can.contains(&json!("completion")))
}

fn calls_tools(shown: &Value) -> bool {
    match shown["capabilities"].as_array() {
        Some(can) => can.contains(&json!("tools")),
        // Older versions do not say, but their template does.
        None => shown["template"]
            .as_str()
            .is_some_and(|template| template.contains(".Tools")),
    }
}

/// The name of the field begins with the kind of model: `qwen3.context_length`.
fn context_of(info: &Value) -> Option<u64> {
    let fields = info.as_object()?;
    let mut fields = fields.iter();
    let (_, tokens) = fields.find(|(name, _)| name.ends_with(".context_length"))?;
    tokens.as_u64()
}

async fn of_llama_server(client: &Client, url: &str, wait: Duration) -> Option<Learned> {
    ask_briefly(client.get(format!("{url}/health")), wait).await?;
    let props = ask_briefly(client.get(format!("{url}/props")), wait).await?;
    // Other servers stand at this port too; this field is its own.
    let settings = props["default_generation_settings"].as_object()?;
    let file = props["model_path"].as_str().unwrap_or_default();
    let file = file.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = props["model_alias"]
        .as_str()
        .filter(|name| !name.is_empty());
    let name = name.unwrap_or(if file.is_empty() { "default" } else { file });
    let template = props["chat_template"].as_str().unwrap_or_default();
    let said = props["chat_template_caps"]["supports_tools"].as_bool();
    Some(Learned {
        model: Some(name.to_owned()),
        context_tokens: settings.get("n_ctx").and_then(Value::as_u64),
        has_tools: Some(said.unwrap_or(template.contains("tool"))),
    })
}

async fn of_lm_studio(
    client: &Client,
    url: &str,
    wanted: Option<&str>,
    wait: Duration,
) -> Option<Learned> {
    let listed = ask_briefly(client.get(format!("{url}/v1/models")), wait).await?;
    let mut names = listed["data"]
        .as_array()?
        .iter()
        .filter_map(|model| model["id"].as_str());
    let name = match wanted {
        Some(wanted) => names.find(|name| *name == wanted),
        None => names.find(|name| !name.contains("embed")),
    }?;
    Some(Learned {
        model: Some(name.to_owned()),
        context_tokens: None,
        has_tools: None,
    })
}
