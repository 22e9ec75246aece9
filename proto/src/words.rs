//! Sentences for people, looked up by key in Fluent resources: Vietnamese first, English beside.
//!
//! The one mechanism for user text on both sides. Errors carry keys and ids, never sentences, and
//! arguments are ids, counts, field and file names: never a member's data in an error.
//! Which language is in force is read from the command line by each `cli`, not here.

use std::fmt;
use std::str::FromStr;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::{LanguageIdentifier, langid};

/// A language that the product speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Lang {
    /// Vietnamese.
    #[default]
    Vi,
    /// English.
    En,
}

impl Lang {
    fn id(self) -> LanguageIdentifier {
        match self {
            Lang::Vi => langid!("vi"),
            Lang::En => langid!("en"),
        }
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Lang::Vi => "vi",
            Lang::En => "en",
        })
    }
}

/// A language that the product does not speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("languages are vi and en")]
pub struct UnknownLang;

impl FromStr for Lang {
    type Err = UnknownLang;
    fn from_str(s: &str) -> Result<Self, UnknownLang> {
        match s {
            "vi" => Ok(Lang::Vi),
            "en" => Ok(Lang::En),
            _ => Err(UnknownLang),
        }
    }
}

/// Sentences that both sides share (reasons, stops, limits), Vietnamese.
pub const SHARED_VI: &str = include_str!("../words/shared.vi.ftl");
/// Sentences that both sides share, English.
pub const SHARED_EN: &str = include_str!("../words/shared.en.ftl");
/// Sentences of the states and their ways out, Vietnamese.
pub const STATES_VI: &str = include_str!("../words/states.vi.ftl");
/// Sentences of the states and their ways out, English.
pub const STATES_EN: &str = include_str!("../words/states.en.ftl");

/// A loaded language.
pub struct Words {
    lang: Lang,
    bundle: FluentBundle<FluentResource>,
}

impl Words {
    /// Loads the shared sentences and those of one side. A resource with a faulty line keeps its
    /// good ones; a test of each side holds that there is none and that both languages have all keys.
    pub fn new(lang: Lang, vi: &str, en: &str) -> Self {
        let mut bundle = FluentBundle::new_concurrent(vec![lang.id()]);
        // Isolation marks around arguments are invisible in a terminal and break scripts that grep.
        bundle.set_use_isolating(false);
        let sources = match lang {
            Lang::Vi => [SHARED_VI, STATES_VI, vi],
            Lang::En => [SHARED_EN, STATES_EN, en],
        };
        for source in sources {
            let resource =
                FluentResource::try_new(source.to_owned()).unwrap_or_else(|(kept, _)| kept);
            bundle.add_resource_overriding(resource);
        }
        Words { lang, bundle }
    }

    /// The language.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// A sentence without arguments.
    pub fn get(&self, key: &str) -> String {
        self.with(key, &[])
    }

    /// A sentence with arguments. An unknown key is shown as itself, so that nothing is ever silent.
    pub fn with(&self, key: &str, args: &[(&str, &dyn fmt::Display)]) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|m| m.value()) else {
            return key.to_owned();
        };
        let mut values = FluentArgs::new();
        for (name, value) in args {
            let text = value.to_string();
            // Numbers select plural forms, so they must arrive as numbers; but printed as they are.
            // A code with a leading zero is no number.
            let value = match text.parse::<u32>() {
                Ok(n) if n.to_string() == text => FluentValue::from(n),
                _ => FluentValue::from(text),
            };
            values.set(name.to_string(), value);
        }
        let mut faults = Vec::new();
        self.bundle.format_pattern(pattern, Some(&values), &mut faults).into_owned()
    }

    /// The keys of a resource, for the tests that compare languages.
    pub fn keys(source: &str) -> Vec<String> {
        let key = |line: &str| {
            let (key, _) = line.split_once(" =")?;
            let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            (plain && !key.is_empty()).then(|| key.to_owned())
        };
        source.lines().filter_map(key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_keys() {
        assert_eq!(Words::keys(SHARED_VI), Words::keys(SHARED_EN));
    }

    #[test]
    fn an_unknown_key_is_shown_as_itself() {
        assert_eq!(Words::new(Lang::Vi, "", "").get("no-such-key"), "no-such-key");
    }
}
