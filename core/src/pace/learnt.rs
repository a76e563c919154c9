//! What the schedule has learnt of a project, and its form in the journal.

use serde::{Deserialize, Serialize};

use super::hazard::Ages;
use super::scans::Scans;
use crate::model::action::Kind;
use crate::model::drift::Drift;

/// The version of the text; another one is learnt anew.
const VERSION: u32 = 1;

/// What is known about a project's jobs and its room. Only hints: nothing wrong in it can do more
/// than make a look early or late, within the bounds of the settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Learnt {
    version: u32,
    retrievals: Ages,
    deletions: Ages,
    /// The limit on outstanding scans.
    pub scans: Scans,
    /// Which forms the vendor sends. Nothing is decided by it.
    #[serde(default)]
    pub drift: Drift,
}

impl Learnt {
    /// How long jobs of a kind take.
    pub fn jobs(&self, kind: Kind) -> &Ages {
        match kind {
            Kind::Retrieval => &self.retrievals,
            Kind::Deletion => &self.deletions,
        }
    }

    /// The same, to learn.
    pub fn jobs_mut(&mut self, kind: Kind) -> &mut Ages {
        match kind {
            Kind::Retrieval => &mut self.retrievals,
            Kind::Deletion => &mut self.deletions,
        }
    }

    /// Reads it; what is damaged or of another version is learnt anew.
    pub fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str::<Self>(text).ok())
            .filter(|found| found.version == VERSION && found.is_sound())
            .unwrap_or_default()
    }

    /// Writes it.
    pub fn text(&self) -> String {
        let current = Self {
            version: VERSION,
            ..self.clone()
        };
        // Numbers and lists of numbers: nothing that could fail.
        serde_json::to_string(&current).unwrap_or_default()
    }

    fn is_sound(&self) -> bool {
        self.retrievals.is_sound() && self.deletions.is_sound() && self.scans.is_sound()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::Compliance;
    use crate::pace::scans::Running;
    use crate::settings::Settings;

    #[test]
    fn it_comes_back_and_damage_is_learnt_anew() {
        let mut learnt = Learnt::default();
        learnt.jobs_mut(Kind::Deletion).end(3_600_000);
        let settings = Settings::default();
        let job = Running {
            compliance: Compliance::Gdpr,
            age: 0,
            seen_at: 0,
        };
        let scans = &mut learnt.scans;
        scans.accepted(&settings, 0, Compliance::Gdpr, &[]);
        scans.refused(&settings, 1000, Compliance::Gdpr, &[job; 4]);
        scans.accepted(&settings, 60_000, Compliance::Gdpr, &[job; 4]);
        let text = learnt.text();
        let again = Learnt::read(Some(&text));
        assert_eq!(again.text(), text);
        assert_eq!(again.jobs(Kind::Deletion), learnt.jobs(Kind::Deletion));
        let fresh = Learnt::default();
        for damaged in [
            "",
            "{}",
            "null",
            &text[..text.len() - 5],
            &text.replace("\"version\":1", "\"version\":2"),
            &text.replace("1.0", "-1.0"),
            &text.replace("1.0", "1e999"),
            &text.replace("1.0", "\"x\""),
            &text.replace("5.0", "-5.0"),
        ] {
            assert_eq!(Learnt::read(Some(damaged)), fresh, "{damaged}");
        }
        assert_eq!(Learnt::read(None), fresh);
    }

    #[test]
    fn the_text_stays_small() {
        let mut learnt = Learnt::default();
        for n in 0..5000 {
            learnt.jobs_mut(Kind::Retrieval).end(n * 1_500_000);
            learnt.jobs_mut(Kind::Deletion).end(n * 1_500_000);
        }
        assert!(learnt.text().len() < 3000, "{}", learnt.text().len());
    }
}
