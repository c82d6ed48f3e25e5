//! The state of reading one line.

use std::collections::HashMap;

use super::tokens::{Token, tokens};
use super::{Doubt, Known, Line, Parsed, clauses, markers, trailing};
use crate::field::{LIST_MAX, Label, Name, Title};
use crate::priority::Priority;
use crate::recurrence::Rule;
use crate::when::{Reader, WINDOW, When, Word, plain_word};

/// The most doubts about one line: more than anyone mends at once.
const DOUBTS_MAX: usize = 20;

/// How much of the line a doubt repeats, in characters.
const SAID_MAX: usize = 60;

/// One line as it is read.
pub(super) struct Reading<'a> {
    pub(super) known: &'a Known<'a>,
    pub(super) dates: Reader<'a>,
    pub(super) tokens: Vec<Token<'a>>,
    /// The words for the grammar, one for each token; empty for quotations.
    pub(super) words: Vec<Word>,
    /// Whether a token has become part of a field.
    pub(super) is_taken: Vec<bool>,
    pub(super) line: Line,
    /// The words the due date was given in.
    due_said: String,
    doubts: Vec<Doubt>,
    /// The known projects under their names as written, in lower case and as spoken.
    projects: HashMap<String, &'a str>,
    agents: HashMap<String, &'a str>,
}

impl<'a> Reading<'a> {
    /// Cuts `text` and makes ready to read it.
    pub(super) fn new(text: &'a str, known: &'a Known<'a>) -> Self {
        let tokens = tokens(text);
        let words = tokens.iter().map(|token| match token {
            Token::Word(word) => plain_word(word),
            Token::Quoted(_) | Token::Project(_) | Token::Label(_) => Word::new(),
        });
        Self {
            known,
            dates: Reader::new(known.now, known.zone),
            words: words.collect(),
            is_taken: vec![false; tokens.len()],
            tokens,
            line: Line::default(),
            due_said: String::new(),
            doubts: Vec::new(),
            projects: by_name(known.projects),
            agents: by_name(known.agents),
        }
    }

    /// Reads the line from start to end, then what its end says without a marker.
    pub(super) fn read(mut self) -> Parsed {
        let mut index = 0;
        while index < self.tokens.len() {
            let took = markers::read(&mut self, index)
                .or_else(|| clauses::read(&mut self, index))
                .unwrap_or(0);
            self.take(index, took);
            index += took.max(1);
        }
        trailing::read(&mut self);
        self.check_due();
        self.line.title = self.title();
        if let Err(error) = Title::parse("title", &self.line.title) {
            let problem = if self.line.title.is_empty() {
                "must not be empty; say what is to be done".into()
            } else {
                error.problem
            };
            self.doubt("title", self.line.title.clone(), problem);
        }
        Parsed {
            line: self.line,
            doubts: self.doubts,
        }
    }

    /// The words from `index` on, as far as a rule of the grammar can reach.
    pub(super) fn window(&self, index: usize) -> &[Word] {
        let rest = self.words.get(index..).unwrap_or_default();
        rest.get(..WINDOW).unwrap_or(rest)
    }

    /// The word at `index` as the grammar reads it; empty past the end.
    pub(super) fn word(&self, index: usize) -> &str {
        self.words.get(index).map_or("", String::as_str)
    }

    /// The word at `index` as it was written; `None` for a quotation.
    pub(super) fn written(&self, index: usize) -> Option<&'a str> {
        match self.tokens.get(index) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    pub(super) fn take(&mut self, index: usize, count: usize) {
        for taken in self.is_taken.iter_mut().skip(index).take(count) {
            *taken = true;
        }
    }

    /// What `count` tokens from `index` on say.
    pub(super) fn said(&self, index: usize, count: usize) -> String {
        let tokens = self.tokens.iter().skip(index).take(count);
        tokens.map(Token::text).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn doubt(&mut self, field: &'static str, said: String, problem: impl Into<String>) {
        if self.doubts.len() == DOUBTS_MAX {
            return;
        }
        let said = match said.char_indices().nth(SAID_MAX) {
            Some((end, _)) => format!("{}…", said.get(..end).unwrap_or_default()),
            None => said,
        };
        self.doubts.push(Doubt {
            field,
            said,
            problem: problem.into(),
        });
    }

    /// Whether another doubt would be kept; what only makes doubts can then be left out.
    pub(super) fn may_doubt(&self) -> bool {
        self.doubts.len() < DOUBTS_MAX
    }

    /// Sets the project; says whether `name` can be one.
    pub(super) fn set_project(&mut self, name: &str, said: String) -> bool {
        let name = match Name::parse("project", name) {
            Ok(name) => self
                .project(name.as_str())
                .map_or(String::from(name), str::to_owned),
            Err(error) => {
                self.doubt("project", said, error.problem);
                return false;
            }
        };
        match &self.line.project {
            Some(first) if *first != name => {
                let problem = format!("was given as {first} and as {name}; keep one");
                self.doubt("project", said, problem);
            }
            _ => self.line.project = Some(name),
        }
        true
    }

    /// The known project with this name, whatever its case.
    pub(super) fn project(&self, name: &str) -> Option<&'a str> {
        find(&self.projects, name)
    }

    /// The known agent with this name, whatever its case.
    pub(super) fn agent(&self, name: &str) -> Option<&'a str> {
        find(&self.agents, name)
    }

    pub(super) fn set_priority(&mut self, priority: Priority, said: String) {
        match self.line.priority {
            Some(first) if first != priority => {
                let problem = format!("was given as {first} and as {priority}; keep one");
                self.doubt("priority", said, problem);
            }
            _ => self.line.priority = Some(priority),
        }
    }

    /// Sets the due date; says whether it agrees with one that was given before.
    pub(super) fn set_due(&mut self, due: When, said: String) -> bool {
        match self.line.due {
            Some(first) if first != due => {
                let zone = self.known.zone;
                let problem = format!(
                    "was given as {} and as {}; keep one",
                    first.show(zone),
                    due.show(zone)
                );
                self.doubt("due", said, problem);
                false
            }
            _ => {
                self.line.due = Some(due);
                self.due_said = said;
                true
            }
        }
    }

    /// Sets the rule; says whether it agrees with one that was given before.
    pub(super) fn set_recurrence(&mut self, rule: Rule, said: String) -> bool {
        match &self.line.recurrence {
            Some(first) if *first != rule => {
                let problem = format!("was given as {first} and as {rule}; keep one");
                self.doubt("recurrence", said, problem);
                false
            }
            _ => {
                self.line.recurrence = Some(rule);
                true
            }
        }
    }

    pub(super) fn add_label(&mut self, label: Label, said: String) {
        if self.line.labels.contains(&label) {
            return;
        }
        if self.line.labels.len() == LIST_MAX {
            self.doubt(
                "labels",
                said,
                format!("must have at most {LIST_MAX} entries"),
            );
        } else {
            self.line.labels.push(label);
        }
    }

    fn check_due(&mut self) {
        if let Some(due) = self.line.due.filter(|due| due.at < self.known.now) {
            let shown = due.show(self.known.zone);
            let said = self.due_said.clone();
            let problem =
                format!("lies in the past, on {shown}; give a later date if that is not meant");
            self.doubt("due", said, problem);
        }
    }

    fn title(&self) -> String {
        let left = self
            .tokens
            .iter()
            .zip(&self.is_taken)
            .filter(|(_, is_taken)| !**is_taken);
        let left: Vec<_> = left.map(|(token, _)| token).collect();
        let is_whole = left.len() == self.tokens.len();
        let is_quoted = matches!(left.last(), Some(Token::Quoted(_)));
        let texts: Vec<_> = left.into_iter().map(Token::text).collect();
        let title = texts.join(" ");
        let title = title.trim();
        // `Buy milk, due friday` leaves a comma.
        let title = if is_whole || is_quoted {
            title
        } else {
            title.trim_end_matches([',', ';', ' '])
        };
        title.to_owned()
    }
}

fn by_name(names: &[String]) -> HashMap<String, &str> {
    let mut map = HashMap::with_capacity(names.len() * 2);
    for name in names {
        map.insert(name.clone(), name.as_str());
    }
    for name in names {
        map.entry(name.to_lowercase()).or_insert(name);
        if let Some(spoken) = spoken(name) {
            map.entry(spoken).or_insert(name);
        }
    }
    map
}

/// A name as the words of the grammar write it; `None` if one of them is none.
fn spoken(name: &str) -> Option<String> {
    let words: Vec<Word> = name.split_whitespace().map(plain_word).collect();
    let is_sayable = !words.is_empty() && words.iter().all(|word| !word.is_empty());
    is_sayable.then(|| words.join(" "))
}

fn find<'a>(names: &HashMap<String, &'a str>, name: &str) -> Option<&'a str> {
    names
        .get(name)
        .or_else(|| names.get(&name.to_lowercase()))
        .copied()
}
