//! What a host asks of programs that read it (RFC 9309).

use url::Url;

/// By which name hosts know this program.
const OWN_NAME: &str = "hearth";
/// The most rules that are kept of a host, and the longest, in bytes. A host with more of them is read
/// nowhere: what is left out might forbid it.
const RULES_MAX: usize = 5000;
const RULE_MAX: usize = 2048;

/// The rules that are meant for this program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Robots {
    rules: Vec<Rule>,
    /// Whether there were more than are kept.
    is_too_long: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    allows: bool,
    /// The pieces of a path between its stars, in the form that addresses have.
    pieces: Vec<String>,
    /// Whether the path must end with the last piece.
    is_whole: bool,
    /// How long the rule was as it was written: the longest that fits counts.
    length: usize,
}

impl Robots {
    /// Reads a file: the groups for this program, or if there is none, those for all.
    pub(super) fn parse(text: &str) -> Self {
        let mut own = Self::default();
        let mut of_all = Self::default();
        let mut has_own = false;
        // Whom the group that is being read is for, and whether its rules have begun.
        let (mut is_own, mut is_for_all, mut has_rules) = (false, false, false);
        for line in text.trim_start_matches('\u{feff}').lines() {
            let line = line.split('#').next().unwrap_or_default();
            let Some((field, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            match field.trim().to_ascii_lowercase().as_str() {
                "user-agent" => {
                    if has_rules {
                        (is_own, is_for_all, has_rules) = (false, false, false);
                    }
                    is_own |= is_own_name(value);
                    is_for_all |= value == "*";
                    has_own |= is_own;
                }
                field @ ("allow" | "disallow") => {
                    has_rules = true;
                    let rule = Rule::parse(field == "allow", value);
                    if is_own {
                        own.add(rule.clone());
                    }
                    if is_for_all {
                        of_all.add(rule);
                    }
                }
                _ => (),
            }
        }
        if has_own { own } else { of_all }
    }

    /// Whether a page may be read: by the longest rule that fits, and in doubt it may.
    pub(super) fn allow(&self, url: &Url) -> bool {
        if url.path() == "/robots.txt" {
            return true;
        }
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let path = in_form(&path);
        let fitting = self.rules.iter().filter(|rule| rule.fits(&path));
        let strongest = fitting.max_by_key(|rule| (rule.length, rule.allows));
        strongest.map_or(!self.is_too_long, |rule| rule.allows && !self.is_too_long)
    }

    /// Returns how much memory it takes, about.
    pub(super) fn size(&self) -> usize {
        let rules = self.rules.iter();
        rules.map(|rule| size_of::<Rule>() + rule.length).sum()
    }

    fn add(&mut self, rule: Option<Rule>) {
        let Some(rule) = rule else {
            return;
        };
        if self.rules.len() == RULES_MAX || rule.length > RULE_MAX {
            self.is_too_long = true;
        } else {
            self.rules.push(rule);
        }
    }
}

/// Whether a name in the file is this program's: up to the first character that names do not have.
fn is_own_name(name: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphabetic() || c == '-' || c == '_';
    let end = name.find(|c| !is_of_name(c)).unwrap_or(name.len());
    name.get(..end)
        .is_some_and(|name| name.eq_ignore_ascii_case(OWN_NAME))
}

impl Rule {
    /// Reads a rule; an empty one says nothing.
    fn parse(allows: bool, value: &str) -> Option<Self> {
        if value.is_empty() {
            return None;
        }
        let (path, is_whole) = match value.strip_suffix('$') {
            Some(path) => (path, true),
            None => (value, false),
        };
        Some(Self {
            allows,
            pieces: path.split('*').map(in_form).collect(),
            is_whole,
            length: value.len(),
        })
    }

    /// Whether a path is like the rule. Each piece is looked for once, from where the last one ended, so
    /// that no rule takes longer than the path is long.
    fn fits(&self, path: &str) -> bool {
        let Some((first, others)) = self.pieces.split_first() else {
            return false;
        };
        let Some(mut rest) = path.strip_prefix(first.as_str()) else {
            return false;
        };
        let Some((last, between)) = others.split_last() else {
            return !self.is_whole || rest.is_empty();
        };
        for piece in between {
            let Some((_, after)) = rest.split_once(piece.as_str()) else {
                return false;
            };
            rest = after;
        }
        if self.is_whole {
            rest.ends_with(last.as_str())
        } else {
            rest.contains(last.as_str())
        }
    }
}

/// Writes a path as addresses have it: what is no ASCII as its bytes, and escapes in capitals.
fn in_form(path: &str) -> String {
    let mut form = String::with_capacity(path.len());
    let mut escaped = 0;
    for byte in path.bytes() {
        match byte {
            b'%' => {
                escaped = 2;
                form.push('%');
            }
            byte if byte.is_ascii() && escaped > 0 => {
                escaped -= 1;
                form.push(char::from(byte.to_ascii_uppercase()));
            }
            byte if byte.is_ascii() => form.push(char::from(byte)),
            byte => form.push_str(&format!("%{byte:02X}")),
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(file: &str, path: &str) -> bool {
        let url = Url::parse(&format!("https://example.org{path}")).unwrap();
        Robots::parse(file).allow(&url)
    }

    #[test]
    fn the_longest_rule_that_fits_counts() {
        let file = "User-agent: *\nDisallow: /a\nAllow: /a/open\nDisallow: /a/open/not$ # no\n\
                    Disallow: /*.pdf$\nDisallow: /x*y*z\nAllow: /same\nDisallow: /same\n\
                    Disallow: /größe\nDisallow: /q?secret\nDisallow:\n";
        for (path, expected) in [
            ("/", true),
            ("/a", false),
            ("/about", false),
            ("/A", true),
            ("/a/open", true),
            ("/a/open/not", false),
            ("/a/open/not/", true),
            ("/file.pdf", false),
            ("/file.pdf?x", true),
            ("/x-y-z-more", false),
            ("/x-z-y", true),
            ("/same", true),
            ("/gr%c3%b6%C3%9fe/1", false),
            ("/größe", false),
            ("/q?secret=1", false),
            ("/q", true),
            ("/robots.txt", true),
        ] {
            assert_eq!(allows(file, path), expected, "{path}");
        }
    }

    #[test]
    fn the_group_for_this_program_counts_alone() {
        let both = "\u{feff}user-agent: *\r\ndisallow: /\r\n\r\nUser-Agent: other\nUser-agent: HEARTH/2\n\
                    Sitemap: x\nDisallow: /private\nuser-agent: third\ndisallow: /third";
        assert!(allows(both, "/public") && allows(both, "/third"));
        assert!(!allows(both, "/private/x"));

        let other = "User-agent: hearthstone\nDisallow: /\nUser-agent: *\nDisallow: /private";
        assert!(allows(other, "/") && !allows(other, "/private"));
        let nobody = "User-agent: other\nDisallow: /";
        assert!(allows(nobody, "/") && allows("", "/") && allows("<html>no: rules", "/"));
        let free = "User-agent: hearth\nAllow: /\nUser-agent: *\nDisallow: /";
        assert!(allows(free, "/x"));
        let empty = "User-agent: hearth\nDisallow:\nUser-agent: *\nDisallow: /";
        assert!(allows(empty, "/x"));
    }

    #[test]
    fn a_file_without_end_is_read_as_far_as_it_goes_and_forbids_the_rest() {
        let many = format!("User-agent: *\n{}", "Disallow: /a\n".repeat(RULES_MAX + 1));
        assert!(!allows(&many, "/b"));
        let long = format!("User-agent: *\nDisallow: /{}", "a*".repeat(RULE_MAX));
        assert!(!allows(&long, "/b"));

        let stars = format!("User-agent: *\nDisallow: /{}x", "*a".repeat(1000));
        assert!(allows(&stars, &format!("/{}", "a".repeat(8000))));
        assert!(Robots::parse(&many).size() < 1024 * 1024);
    }
}
