//! The languages there is a stemmer for.
//!
//! Stemmers: the Snowball algorithms (<https://snowballstem.org>) as generated Rust in `frostem`.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

macro_rules! languages {
    ($($name:ident $word:literal),+ $(,)?) => {
        /// Language of the texts of an index; it chooses the stemmer.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Language {
            $(
                #[doc = concat!("The language with the word `", $word, "`.")]
                $name
            ),+
        }

        impl Language {
            /// All of them, in alphabetical order.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word in arguments, files and messages.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// The stemmer of this language.
            pub(super) fn stemmer(self) -> frostem::Stemmer {
                frostem::Stemmer::new(match self { $(Self::$name => frostem::Algorithm::$name),+ })
            }
        }
    };
}

languages! {
    Arabic "arabic", Armenian "armenian", Basque "basque", Catalan "catalan", Czech
    "czech", Danish "danish", Dutch "dutch", English "english", Esperanto "esperanto",
    Estonian "estonian", Finnish "finnish", French "french", German "german", Greek
    "greek", Hindi "hindi", Hungarian "hungarian", Indonesian "indonesian", Irish "irish",
    Italian "italian", Lithuanian "lithuanian", Nepali "nepali", Norwegian "norwegian",
    Persian "persian", Polish "polish", Portuguese "portuguese", Romanian "romanian",
    Russian "russian", Serbian "serbian", Sesotho "sesotho", Spanish "spanish", Swedish
    "swedish", Tamil "tamil", Turkish "turkish", Ukrainian "ukrainian", Yiddish "yiddish",
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Language {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.iter().copied().find(|language| language.word() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|language| language.word()).collect();
            Error::invalid("language", format!("expected one of {}", known.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_round_trip() {
        for &language in Language::ALL {
            assert_eq!(language.word().parse::<Language>().unwrap(), language);
        }
        assert!("klingon".parse::<Language>().is_err());
    }

    proptest! {
        #[test]
        fn no_stemmer_panics(word in "\\PC{0,24}", ascii in "[a-z']{0,16}") {
            for language in Language::ALL {
                language.stemmer().stem(&word);
                language.stemmer().stem(&ascii);
            }
        }
    }
}
