//! What is known of well-known models without asking anybody: context, tools, prices.
//!
//! Prices are dollars for a million tokens, as they were to be read in public lists in the spring of
//! 2026; the context is the whole of it, in and out, and rather too little. Both change:
//! `model.context_tokens`, `model.input_price` and `model.output_price` go over what stands here. Of a
//! server of one's own only the server knows.

use super::preset::Preset;

/// What is counted for a token of a model whose price nobody told: as much as the dearest in use cost,
/// in millionths of a dollar for a million tokens.
pub(super) const ASSUMED_INPUT_PRICE: u64 = 15_000_000;
/// See [`ASSUMED_INPUT_PRICE`].
pub(super) const ASSUMED_OUTPUT_PRICE: u64 = 75_000_000;
/// How much a model is taken to read and write that nobody told of: what small ones can.
pub(super) const ASSUMED_CONTEXT: u64 = 8_192;

/// What is known of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) context_tokens: u64,
    pub(super) has_tools: bool,
    pub(super) has_streamed_tools: bool,
    /// In millionths of a dollar for a million tokens.
    pub(super) input_price: u64,
    pub(super) output_price: u64,
}

struct Row {
    preset: Preset,
    /// The name, or what it begins with: dated versions are priced alike.
    name: &'static str,
    context_tokens: u64,
    /// In thousandths of a dollar for a million tokens.
    input: u64,
    output: u64,
}

const fn row(
    preset: Preset,
    name: &'static str,
    context_tokens: u64,
    input: u64,
    output: u64,
) -> Row {
    Row {
        preset,
        name,
        context_tokens,
        input,
        output,
    }
}

/// All of these call tools. Longer names before those that they begin with.
const TABLE: &[Row] = &[
    row(Preset::Groq, "llama-3.3-70b-versatile", 131_072, 590, 790),
    row(Preset::Groq, "llama-3.1-8b-instant", 131_072, 50, 80),
    row(Preset::Groq, "openai/gpt-oss-120b", 131_072, 150, 600),
    row(Preset::Groq, "openai/gpt-oss-20b", 131_072, 75, 300),
    row(Preset::Groq, "qwen/qwen3-32b", 131_072, 290, 590),
    row(Preset::Groq, "moonshotai/kimi-k2", 262_144, 1_000, 3_000),
    row(Preset::OpenAi, "gpt-5-nano", 400_000, 50, 400),
    row(Preset::OpenAi, "gpt-5-mini", 400_000, 250, 2_000),
    row(Preset::OpenAi, "gpt-4.1-nano", 1_047_576, 100, 400),
    row(Preset::OpenAi, "gpt-4.1-mini", 1_047_576, 400, 1_600),
    row(Preset::OpenAi, "gpt-4.1", 1_047_576, 2_000, 8_000),
    row(Preset::OpenAi, "gpt-4o-mini", 128_000, 150, 600),
    row(Preset::OpenAi, "gpt-4o", 128_000, 2_500, 10_000),
    row(Preset::Anthropic, "claude-haiku-4-5", 200_000, 1_000, 5_000),
    row(
        Preset::Anthropic,
        "claude-sonnet-4-5",
        200_000,
        3_000,
        15_000,
    ),
    row(Preset::Anthropic, "claude-opus-4-5", 200_000, 5_000, 25_000),
    row(
        Preset::Anthropic,
        "claude-sonnet-4-6",
        200_000,
        3_000,
        15_000,
    ),
    row(Preset::Anthropic, "claude-opus-4-7", 200_000, 5_000, 25_000),
    row(Preset::Anthropic, "claude-opus-4-6", 200_000, 5_000, 25_000),
    row(
        Preset::Anthropic,
        "claude-opus-4-1",
        200_000,
        15_000,
        75_000,
    ),
    row(Preset::OpenRouter, "openai/gpt-4o-mini", 128_000, 150, 600),
    row(Preset::OpenRouter, "openai/gpt-5-mini", 400_000, 250, 2_000),
    row(
        Preset::OpenRouter,
        "anthropic/claude-haiku-4.5",
        200_000,
        1_000,
        5_000,
    ),
    row(
        Preset::OpenRouter,
        "anthropic/claude-sonnet-4.5",
        200_000,
        3_000,
        15_000,
    ),
];

/// Returns what is known of a model of this server's.
pub(super) fn find(preset: Preset, model: &str) -> Option<Known> {
    let row = TABLE
        .iter()
        .find(|row| row.preset == preset && is_version_of(model, row.name))?;
    Some(Known {
        context_tokens: row.context_tokens,
        has_tools: true,
        has_streamed_tools: true,
        input_price: row.input * 1_000,
        output_price: row.output * 1_000,
    })
}

/// Whether `model` is `name` or a dated version of it: `gpt-4o-2024-08-06` is one of `gpt-4o`, and
/// `gpt-4o-audio` is not.
fn is_version_of(model: &str, name: &str) -> bool {
    let Some(rest) = model.strip_prefix(name) else {
        return false;
    };
    rest.is_empty()
        || rest
            .strip_prefix('-')
            .is_some_and(|date| date.starts_with(|c: char| c.is_ascii_digit()) || date == "latest")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dated_version_is_known_and_another_model_is_not() {
        let input = |model| find(Preset::OpenAi, model).map(|known| known.input_price);

        assert_eq!(input("gpt-4o"), Some(2_500_000));
        assert_eq!(input("gpt-4o-2024-08-06"), Some(2_500_000));
        assert_eq!(input("gpt-4o-mini"), Some(150_000));
        assert_eq!(input("gpt-4o-audio"), None);
        assert_eq!(find(Preset::Groq, "gpt-4o"), None);
    }

    #[test]
    fn the_model_that_is_asked_unless_told_is_known() {
        for preset in Preset::ALL {
            if let Some(model) = preset.default_model() {
                assert!(find(preset, model).is_some(), "{preset}/{model}");
            }
        }
    }
}
