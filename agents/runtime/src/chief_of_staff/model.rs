//! The chief of staff with a language model: what is said freely is answered by a model that works
//! with six tools, under the rights of whoever talks. What set phrases say, the grammar answers.
//!
//! The model has no tool that gives consent, answers for the person or spends. How far an answer is
//! stands in the conversation's memory before each next step, so that a node that was stopped in the
//! middle goes on from there: a turn of the model that is kept is not asked for again, and nothing is
//! made twice.
//!
//! Reading order: `route` (who answers), `converse` (one message), `tools` and `acts` (what the model
//! can do), `prompt` and `history` (what it is told), `speech` and `clause` (what is said of its answer, and of what was done), `thought`
//! (what is kept in mind), `ask` (the call itself).

pub(crate) mod acts;
mod ask;
mod clause;
mod converse;
mod history;
mod prompt;
mod route;
mod speech;
pub(crate) mod thought;
mod tools;

pub(super) use converse::converse;
pub(super) use thought::Thought;

#[cfg(test)]
mod tests;
