//! A conversation in which a scripted model answers.

use std::sync::{Arc, Mutex};

use hearth_domain::conversation::Message as Spoken;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::ChiefOfStaff;
use crate::chief_of_staff::tests::talk::Talk;
use crate::model::{
    Answer, AnswerFuture, AskError, Heard, Message, Models, Profile, Provider, Request, ToolCall,
};
use crate::test_support::{Scripted, says};

pub(super) type Outcome = Result<Answer, AskError>;

type Follows = dyn Fn(&Request) -> Option<Outcome> + Send + Sync;

/// A model whose answer follows from what it is asked.
pub(super) struct Following {
    answer: Box<Follows>,
    asked: Mutex<Vec<Request>>,
    has_tools: bool,
}

impl Following {
    /// Where there is no answer, none ever comes.
    pub(super) fn new(
        answer: impl Fn(&Request) -> Option<Outcome> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            answer: Box::new(answer),
            asked: Mutex::default(),
            has_tools: true,
        })
    }

    /// As [`Self::new`], of a model that cannot call tools.
    pub(super) fn without_tools(
        answer: impl Fn(&Request) -> Option<Outcome> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            answer: Box::new(answer),
            asked: Mutex::default(),
            has_tools: false,
        })
    }

    pub(super) fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn chief(self: &Arc<Self>) -> ChiefOfStaff {
        let this: Arc<Self> = Arc::clone(self);
        ChiefOfStaff::new(Models::new(vec![this]), CancellationToken::new())
    }
}

impl Provider for Following {
    fn profile(&self) -> Profile {
        Profile {
            has_tools: self.has_tools,
            ..Scripted::new([]).profile()
        }
    }

    fn ask<'a>(&'a self, request: &'a Request, heard: Heard<'a>) -> AnswerFuture<'a> {
        self.asked.lock().unwrap().push(request.clone());
        let answer = (self.answer)(request);
        Box::pin(async move {
            let Some(answer) = answer else {
                return std::future::pending().await;
            };
            let answer = answer?;
            if let Some(heard) = heard {
                answer.text.split_inclusive(' ').for_each(heard);
            }
            Ok(answer)
        })
    }
}

/// A node with nothing in it, and a model that answers so.
pub(super) fn talk(answers: impl IntoIterator<Item = Outcome>) -> (Talk, Arc<Scripted>) {
    let script = Scripted::new(answers);
    (Talk::with(chief(&script)), script)
}

/// As [`talk`], in the middle of things: see [`Talk::busy`].
pub(super) async fn busy(answers: impl IntoIterator<Item = Outcome>) -> (Talk, Arc<Scripted>) {
    let script = Scripted::new(answers);
    (Talk::busy().await.restart(chief(&script)), script)
}

pub(super) fn chief(script: &Arc<Scripted>) -> ChiefOfStaff {
    let script: Arc<Scripted> = Arc::clone(script);
    ChiefOfStaff::new(Models::new(vec![script]), CancellationToken::new())
}

/// The answer of a model that makes several calls at once.
pub(super) fn calls(calls: impl IntoIterator<Item = (&'static str, Value)>) -> Outcome {
    let calls = calls
        .into_iter()
        .enumerate()
        .map(|(place, (name, args))| ToolCall {
            id: format!("call-{place}"),
            name: name.into(),
            args,
        });
    says("").map(|answer| Answer {
        calls: calls.collect(),
        ..answer
    })
}

/// The events that an answer names, as `task.created #1`.
pub(super) fn done(answer: &Spoken) -> Vec<String> {
    let acts = answer.actions.iter().map(|action| match action.number {
        Some(number) => format!("{} #{number}", action.event),
        None => format!("{} {}", action.event, action.name),
    });
    acts.collect()
}

/// What tools told the model in a request, in order.
pub(super) fn results(request: &Request) -> Vec<String> {
    let contents = request.messages.iter().filter_map(|message| match message {
        Message::Tool { content, .. } => Some(content.clone()),
        Message::User(_) | Message::Model { .. } => None,
    });
    contents.collect()
}

/// The last thing the person said in a request.
pub(super) fn last_said(request: &Request) -> String {
    let said = request
        .messages
        .iter()
        .rev()
        .find_map(|message| match message {
            Message::User(text) => Some(text.clone()),
            Message::Model { .. } | Message::Tool { .. } => None,
        });
    said.unwrap_or_default()
}
