//! The language models, for people.

use crate::client::wire::{ModelList, ModelRecord, ModelTest};
use crate::output::table::{fields, table};
use crate::output::text::one_line;

/// What to do where there is none.
const NONE: &str = "there is no language model; to use one: hearth model use groq (hearth model use \
                    --help lists the others), or start Ollama on this machine";

/// Returns a line for each model, and below them what is to be mended.
pub(super) fn lines(list: &ModelList) -> String {
    if list.providers.is_empty() {
        return NONE.into();
    }
    let rows: Vec<_> = list.providers.iter().map(row).collect();
    let heading = ["", "model", "from", "state", "context", "tools", "in / out"];
    let mut lines = vec![table(heading, &rows)];
    for model in &list.providers {
        lines.extend(remarks(model));
    }
    lines.join("\n")
}

fn row(model: &ModelRecord) -> [String; 7] {
    let mark = if model.is_current { "*" } else { "" };
    let tools = if model.has_tools { "yes" } else { "no" };
    let state = match model.retry_in_seconds {
        Some(seconds) => format!("{}, {seconds} s", model.standing),
        None => model.standing.clone(),
    };
    let price = if model.input_price == 0.0 && model.output_price == 0.0 {
        "free".into()
    } else {
        let assumed = if model.is_price_assumed { " ?" } else { "" };
        format!("${} / ${}{assumed}", model.input_price, model.output_price)
    };
    [
        mark.into(),
        name(model),
        model.origin.clone(),
        state,
        model.context_tokens.to_string(),
        tools.into(),
        price,
    ]
}

fn name(model: &ModelRecord) -> String {
    if model.model.is_empty() {
        return model.provider.clone();
    }
    format!("{}/{}", model.provider, model.model)
}

fn remarks(model: &ModelRecord) -> Vec<String> {
    let mut remarks = Vec::new();
    if !model.reason.is_empty() {
        let mut line = format!("{}: {}", name(model), one_line(&model.reason));
        if !model.detail.is_empty() {
            line.push_str(&format!(" ({})", one_line(&model.detail)));
        }
        if !model.remedy.is_empty() {
            line.push_str("; do this: ");
            line.push_str(&one_line(&model.remedy));
        }
        remarks.push(line);
    }
    if model.is_price_assumed {
        remarks.push(format!(
            "{}: its price is not known and counted as ${}/${} per million tokens; hearth config set \
             model.input_price DOLLARS, and model.output_price",
            name(model),
            model.input_price,
            model.output_price
        ));
    }
    remarks
}

/// Returns what a model answered, and what that took.
pub(super) fn tested(test: &ModelTest) -> String {
    let said = if test.answer.trim().is_empty() {
        "(nothing in words)".to_owned()
    } else {
        one_line(&test.answer)
    };
    let about = if test.is_estimated { "about " } else { "" };
    let (read, wrote) = (test.input_tokens, test.output_tokens);
    fields(&[
        ("answer", said),
        ("from", format!("{}/{}", test.provider, test.model)),
        ("took", format!("{:.1} s", seconds(test.elapsed_ms))),
        ("tokens", format!("{about}{read} in, {wrote} out")),
        ("cost", format!("{about}${:.6}", test.cost)),
    ])
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a few minutes are not many milliseconds"
)]
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_that_answers_is_marked_and_what_is_wrong_stands_below() {
        let list = ModelList {
            providers: vec![
                ModelRecord {
                    provider: "groq".into(),
                    model: "llama".into(),
                    origin: "chosen".into(),
                    standing: "resting".into(),
                    reason: "groq does not take its key".into(),
                    detail: "groq answered 401".into(),
                    remedy: "hearth config set-secret groq_key".into(),
                    retry_in_seconds: Some(30),
                    context_tokens: 131_072,
                    has_tools: true,
                    input_price: 0.59,
                    output_price: 0.79,
                    ..ModelRecord::default()
                },
                ModelRecord {
                    provider: "ollama".into(),
                    model: "qwen3:8b".into(),
                    origin: "found".into(),
                    standing: "ready".into(),
                    is_current: true,
                    context_tokens: 16_384,
                    ..ModelRecord::default()
                },
            ],
            ..ModelList::default()
        };

        assert_eq!(
            lines(&list),
            [
                "   MODEL            FROM    STATE          CONTEXT  TOOLS  IN / OUT",
                "   groq/llama       chosen  resting, 30 s  131072   yes    $0.59 / $0.79",
                "*  ollama/qwen3:8b  found   ready          16384    no     free",
                "groq/llama: groq does not take its key (groq answered 401); do this: hearth config set-secret groq_key",
            ]
            .join("\n")
        );
        assert!(lines(&ModelList::default()).contains("hearth model use"));
    }
}
