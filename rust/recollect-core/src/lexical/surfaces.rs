//! What each surface form has been resolved to, so that none is stemmed twice.

use super::vocabulary::Vocabulary;

/// Forms remembered before the table starts anew; identifiers and numbers never come again.
const MOST: usize = 1 << 18;

/// Surface forms and the number of their term, or none for a stop word.
#[derive(Debug, Clone, Default)]
pub(super) struct Surfaces {
    forms: Vocabulary,
    terms: Vec<Option<u32>>,
}

impl Surfaces {
    /// What a form was resolved to, if it was.
    pub(super) fn get(&self, form: &str) -> Option<Option<u32>> {
        self.forms.get(form.as_bytes()).map(|id| self.terms[id as usize])
    }

    /// Remembers a form that is not known yet.
    pub(super) fn remember(&mut self, form: &str, term: Option<u32>) {
        if self.terms.len() >= MOST {
            *self = Self::default();
        }
        self.forms.intern(form.as_bytes());
        self.terms.push(term);
    }

    /// Heap bytes.
    pub(super) fn bytes(&self) -> usize {
        self.forms.bytes() + size_of::<Option<u32>>() * self.terms.capacity()
    }
}
