//! The bodies of requests and answers. Each is a type of its own, so that what clients see changes
//! only where that is meant.

pub(crate) mod agent;
pub(crate) mod approval;
pub(crate) mod artifact;
pub(crate) mod audio;
pub(crate) mod chat;
pub(crate) mod event;
pub(crate) mod event_payload;
pub(crate) mod field;
pub(crate) mod folder;
pub(crate) mod holding;
pub(crate) mod key;
pub(crate) mod language_model;
pub(crate) mod memory;
pub(crate) mod money;
pub(crate) mod new_task;
pub(crate) mod notice;
pub(crate) mod permission;
pub(crate) mod project;
pub(crate) mod quick_add;
pub(crate) mod revoked;
pub(crate) mod run;
pub(crate) mod scalar;
pub(crate) mod shape;
pub(crate) mod specialist;
pub(crate) mod status;
pub(crate) mod step;
pub(crate) mod subtitles;
pub(crate) mod task;
pub(crate) mod task_list;
pub(crate) mod telegram;
pub(crate) mod time;
pub(crate) mod tool;
pub(crate) mod trust;
pub(crate) mod voice;
