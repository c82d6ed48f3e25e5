//! Settings of the language models, and how they are read.

use std::fmt;

use hearth_runtime::model::Preset;

use crate::settings::value::Given;

/// Settings of the language models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSettings {
    /// Who serves the one that is asked first.
    pub provider: Option<Preset>,
    /// Its name there; empty for the usual one.
    pub name: String,
    /// Where the server answers; empty for the usual place.
    pub url: String,
    /// Who is asked where that one does not answer.
    pub fallback: Vec<Fallback>,
    /// Whether servers on this machine are looked for.
    pub find_local: bool,
    /// How many tokens the first one reads and writes in one call; zero for what is known of it.
    pub context_tokens: u64,
    /// How many tokens an answer may have.
    pub max_output_tokens: u64,
    /// What a million tokens read cost with the first one, in millionths of a dollar.
    pub input_price: Option<u64>,
    /// What a million tokens written cost.
    pub output_price: Option<u64>,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            provider: None,
            name: String::new(),
            url: String::new(),
            fallback: Vec::new(),
            find_local: true,
            context_tokens: 0,
            max_output_tokens: 2048,
            input_price: None,
            output_price: None,
        }
    }
}

/// A model that is asked where those before it do not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// Who serves it.
    pub provider: Preset,
    /// Its name there; none for the usual one.
    pub name: Option<String>,
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}/{name}", self.provider),
            None => write!(f, "{}", self.provider),
        }
    }
}

/// The longest name of a model.
const NAME_MAX: usize = 200;

pub(super) fn provider(given: Given<'_>) -> Result<Option<Preset>, String> {
    let word = given.text_or_none()?;
    if word.is_empty() {
        return Ok(None);
    }
    word.parse().map(Some)
}

pub(super) fn name(given: Given<'_>) -> Result<String, String> {
    let name = given.text_or_none()?;
    if name.is_empty() || is_name(&name) {
        return Ok(name);
    }
    Err(
        "must be the name that the server has for the model, such as llama-3.3-70b-versatile"
            .into(),
    )
}

fn is_name(name: &str) -> bool {
    let is_char = |c: char| c.is_ascii_graphic() && !"\"'\\<>".contains(c);
    !name.is_empty() && name.len() <= NAME_MAX && name.chars().all(is_char)
}

/// An address is shown to those who see settings, so that nothing secret may be in it.
pub(super) fn url(given: Given<'_>) -> Result<String, String> {
    let text = given.text_or_none()?;
    if text.is_empty() {
        return Ok(text);
    }
    let problem =
        "must be an address such as https://models.example.org/v1, with no name, key, ? or # in it";
    let url: reqwest::Url = text.parse().map_err(|_| problem)?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if is_plain {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(problem.into())
    }
}

pub(super) fn fallback(given: Given<'_>) -> Result<Vec<Fallback>, String> {
    const MOST: usize = 8;
    let words = given.list()?;
    if words.len() > MOST {
        return Err(format!("must hold at most {MOST} models"));
    }
    words.iter().map(|word| one_fallback(word)).collect()
}

fn one_fallback(word: &str) -> Result<Fallback, String> {
    let (provider, name) = match word.split_once('/') {
        Some((provider, name)) => (provider, Some(name)),
        None => (word, None),
    };
    let problem = |why: &str| {
        format!(
            "must hold models such as groq/llama-3.3-70b-versatile, and {word:?} is none: {why}"
        )
    };
    let provider: Preset = provider
        .parse()
        .map_err(|words: String| problem(&format!("what is before the first / {words}")))?;
    if provider.url().is_none() {
        return Err(problem("only model.provider takes an address"));
    }
    if !name.is_none_or(is_name) {
        return Err(problem("what is after the first / is no name of a model"));
    }
    if name.is_none() && provider.default_model().is_none() && !provider.is_own() {
        return Err(problem("it names no model"));
    }
    Ok(Fallback {
        provider,
        name: name.map(str::to_owned),
    })
}

/// Reads dollars for a million tokens, such as `0.59`, as millionths of a dollar.
pub(super) fn price(given: Given<'_>) -> Result<Option<u64>, String> {
    let problem = "must be dollars for a million tokens, such as 0.59, or empty for what is known";
    let text = given.text_or_none()?;
    if text.is_empty() {
        return Ok(None);
    }
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let is_number = |digits: &str| digits.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty()
        || whole.len() > 4
        || part.len() > 6
        || !is_number(whole)
        || !is_number(part)
    {
        return Err(problem.into());
    }
    let digits = format!("{whole}{part:0<6}");
    digits.parse().map(Some).map_err(|_| problem.into())
}

/// Writes a price as it is read.
pub(super) fn price_text(price: Option<u64>) -> String {
    let Some(price) = price else {
        return String::new();
    };
    let text = format!("{}.{:06}", price / 1_000_000, price % 1_000_000);
    let text = text.trim_end_matches('0');
    text.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_reads_back_as_it_was_written() {
        for (text, micros) in [
            ("0.59", 590_000),
            ("15", 15_000_000),
            ("0", 0),
            ("0.000001", 1),
        ] {
            assert_eq!(price(Given::Word(text)), Ok(Some(micros)));
            assert_eq!(price_text(Some(micros)), text);
        }
        assert_eq!(price(Given::Word("")), Ok(None));
        for wrong in ["$1", "1,5", "-1", ".5", "0.0000001", "99999"] {
            assert!(price(Given::Word(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_fallback_is_a_server_and_a_model() {
        let read = |word| {
            fallback(Given::Word(word)).map(|all| all.iter().map(Fallback::to_string).collect())
        };
        let both: Vec<String> = vec![
            "groq/llama-3.3-70b-versatile".into(),
            "ollama/qwen3:8b".into(),
        ];

        assert_eq!(
            read("groq/llama-3.3-70b-versatile, ollama/qwen3:8b"),
            Ok(both)
        );
        assert_eq!(
            read("ollama,anthropic"),
            Ok(vec!["ollama".into(), "anthropic".into()])
        );
        for wrong in [
            "gorq/x",
            "openrouter",
            "openai-compatible/x",
            "groq/",
            "groq/a b",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_holds_no_secret() {
        assert_eq!(
            url(Given::Word("http://localhost:9/v1/")),
            Ok("http://localhost:9/v1".into())
        );
        for wrong in [
            "localhost:9",
            "ftp://a",
            "https://me:s3cret@a/v1",
            "https://a/v1?key=s3cret",
        ] {
            let problem = url(Given::Word(wrong)).unwrap_err();
            assert!(!problem.contains("s3cret"), "{problem}");
        }
    }
}
