//! Which forms a vendor really sends: counted, so that a guess can become knowledge, and something
//! new is noticed before it does harm. Never a reason to stop.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::words;

words! {
    /// Where a form is known from.
    Standing {
        /// The vendor documents it.
        Documented = "documented",
        /// Read by a working client, or in a report of an incident; not documented.
        Observed = "observed",
        /// Nobody told of it.
        Undocumented = "undocumented",
    }
}

/// One form that was seen. Its name holds nothing of an answer but names of fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    /// Such as `create results: an object`.
    pub name: String,
    /// Where it is known from.
    pub standing: Standing,
}

/// A form, and how often it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShapeCount {
    /// Such as `create results: an object`.
    pub shape: String,
    /// Where it is known from.
    pub standing: Standing,
    /// How often it was seen.
    pub count: u64,
}

/// Forms kept at most. A vendor that sends ever new ones does not fill the journal.
const MOST: usize = 200;

/// Counts of forms, by name. A process may have ten thousand projects with a handful each.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Drift(Vec<(Box<str>, Standing, u64)>);

/// As they are written down.
type Kept = BTreeMap<String, (Standing, u64)>;

impl From<Kept> for Drift {
    fn from(kept: Kept) -> Self {
        let each = kept.into_iter();
        Self(
            each.map(|(name, (standing, count))| (name.into(), standing, count))
                .collect(),
        )
    }
}

impl From<Drift> for Kept {
    fn from(drift: Drift) -> Self {
        let each = drift.0.into_iter();
        each.map(|(name, standing, count)| (name.into(), (standing, count)))
            .collect()
    }
}

impl Drift {
    /// Counts one. Gives whether it was new.
    pub fn see(&mut self, shape: &Shape) -> bool {
        self.count(&shape.name, shape.standing, 1)
    }

    fn count(&mut self, name: &str, standing: Standing, times: u64) -> bool {
        let at = self.0.binary_search_by(|(known, ..)| (**known).cmp(name));
        match at {
            Ok(at) => {
                if let Some((_, _, count)) = self.0.get_mut(at) {
                    *count += times;
                }
                false
            }
            Err(_) if self.0.len() >= MOST => false,
            Err(at) => {
                self.0.reserve_exact(1);
                self.0.insert(at, (name.into(), standing, times));
                true
            }
        }
    }

    /// Adds what was counted elsewhere. Gives the forms that are new.
    pub fn add(&mut self, other: Self) -> Vec<Shape> {
        let mut new = Vec::new();
        for (name, standing, count) in other.0 {
            if self.count(&name, standing, count) {
                let name = name.into();
                new.push(Shape { name, standing });
            }
        }
        new
    }

    /// Nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, by name.
    pub fn list(&self) -> Vec<ShapeCount> {
        let counted = |(name, standing, count): &(Box<str>, Standing, u64)| ShapeCount {
            shape: name.to_string(),
            standing: *standing,
            count: *count,
        };
        self.0.iter().map(counted).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(name: &str) -> Shape {
        Shape {
            name: name.to_owned(),
            standing: Standing::Observed,
        }
    }

    #[test]
    fn counts_add_up_and_what_is_new_is_told_once() {
        let (mut all, mut more) = (Drift::default(), Drift::default());
        assert!(all.see(&shape("a")));
        assert!(!all.see(&shape("a")));
        more.see(&shape("a"));
        more.see(&shape("b"));
        assert_eq!(all.add(more.clone()), [shape("b")]);
        assert_eq!(all.add(more), []);
        let counts: Vec<u64> = all.list().iter().map(|each| each.count).collect();
        assert_eq!(counts, [4, 2]);
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let mut drift = Drift::default();
        for n in 0..1000 {
            drift.see(&shape(&n.to_string()));
        }
        assert_eq!(drift.list().len(), MOST);
    }
}
