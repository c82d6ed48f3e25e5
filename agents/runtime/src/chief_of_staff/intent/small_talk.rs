//! Greetings, thanks, yes and no, and what takes a language model.

use super::super::pattern::is_any;
use super::super::words::Span;
use super::{Courtesy, Intent};

pub(super) fn read(all: Span<'_>, point: Span<'_>) -> Option<Intent> {
    const HELLO: [&str; 6] = [
        "hi|hello|hey|hiya|greetings|moin|servus [there|again|chief|hearth|everyone]",
        "good morning|afternoon|evening [chief|hearth]",
        "morning|evening",
        "hi|hello|hey [chief|hearth] good morning|afternoon|evening",
        "hi|hello|hey how are you [today|doing]",
        "how are you [today|doing]",
    ];
    const THANKS: [&str; 6] = [
        "thanks|thx|cheers|ta [a] [lot] [again]",
        "thank you [so|very] [much]",
        "okay|ok|great|perfect|cool|nice|good|super thanks",
        "okay|ok|great|perfect|cool|nice|good thank you",
        "great|perfect|cool|nice|awesome|super|wonderful|excellent|brilliant",
        "well|good done|job|work",
    ];
    const GOODBYE: [&str; 4] = [
        "bye|goodbye|ciao [bye|then]",
        "good night",
        "see you [later|tomorrow|soon]",
        "that is all [for] [now|today]",
    ];
    if is_any(&HELLO, all) {
        return Some(Intent::Courtesy(Courtesy::Hello));
    }
    if is_any(&THANKS, all) {
        return Some(Intent::Courtesy(Courtesy::Thanks));
    }
    if is_any(&GOODBYE, all) {
        return Some(Intent::Courtesy(Courtesy::Goodbye));
    }
    if is_yes(all) {
        return Some(Intent::Yes);
    }
    if is_no(all) {
        return Some(Intent::No);
    }
    is_never_mind(point).then_some(Intent::NeverMind)
}

/// Whether the words agree and say nothing else.
fn is_yes(span: Span<'_>) -> bool {
    const YES: [&str; 12] = [
        "yes|yeah|yep|yup|y|aye|jawohl|ja [please|thanks|sure]",
        "yes|yeah|yep|okay|ok|sure [please] do|add|take|make|set|change [it|that|so|this] [please]",
        "yes|yeah|yep|okay|ok that one|is [right|correct]",
        "yes|yeah go [ahead]",
        "sure|ok|okay|k|fine|absolutely|definitely|certainly [thing|please]",
        "right|correct|exactly|indeed|affirmative",
        "of course",
        "do it|that|so [please]",
        "go ahead|on|for [it]",
        "please do [it|so|that]",
        "that is right|correct|it|fine [yes]",
        "sounds good|great",
    ];
    is_any(&YES, span)
}

/// Whether the words disagree and say nothing else.
fn is_no(span: Span<'_>) -> bool {
    const NO: [&str; 6] = [
        "no|nope|nah|n|nein [thanks|thank] [you]",
        "no|nope do not [do] [it|that]",
        "do not [do] [it|that]",
        "not [that|this] one|it|now",
        "no not [that|this] [one|now]",
        "rather|better not",
    ];
    is_any(&NO, span)
}

/// Whether the words let go of whatever was asked.
fn is_never_mind(span: Span<'_>) -> bool {
    const NEVER_MIND: [&str; 7] = [
        "[no] cancel|stop|abort|nevermind|nothing|skip|neither|none",
        "[no] never mind",
        "[no] forget it|that|about [it|that]",
        "[no] leave it|that|them [as] [it|they] [is|are]",
        "[no] cancel|stop|skip that|this",
        "none|neither of them|these|those",
        "it does not matter",
    ];
    is_any(&NEVER_MIND, span)
}

/// Whether the words ask for what only a language model can do.
pub(super) fn needs_model(span: Span<'_>) -> bool {
    const VERBS: [&str; 31] = [
        "write",
        "draft",
        "compose",
        "plan",
        "summarise",
        "summarize",
        "explain",
        "translate",
        "research",
        "brainstorm",
        "think",
        "generate",
        "analyse",
        "analyze",
        "suggest",
        "recommend",
        "compare",
        "design",
        "rewrite",
        "proofread",
        "invent",
        "imagine",
        "calculate",
        "predict",
        "decide",
        "break",
        "outline",
        "google",
        "advise",
        "joke",
        "sing",
    ];
    const ASKS: [&str; 12] = [
        "why", "who", "where", "what", "how", "when", "which", "should", "tell", "is", "are", "do",
    ];
    let mut span = span;
    for lead in [
        "hey", "hi", "okay", "ok", "please", "can", "could", "would", "you", "please", "help",
        "me", "us", "to",
    ] {
        if span.len() > 1 && span.at(0) == lead {
            span = span.skip(1);
        }
    }
    VERBS.contains(&span.at(0)) || (ASKS.contains(&span.at(0)) && span.len() > 1)
}
