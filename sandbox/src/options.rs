//! Everything about the simulated vendor that can be set. A scenario file holds these as data.

use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use crate::durations::{JobMs, Lognormal};

/// Options of the simulated vendor; `{}` is a healthy vendor with the defaults below.
///
/// Where public sources disagree about the vendor, the switch is in [`Dialect`]. Everything that no
/// source tells (durations, limits in practice, archive layout) is our assumption and can be set.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Task ids, durations and archive contents follow from it.
    pub seed: u64,
    /// The only project.
    pub project_token: String,
    /// A token that may do everything.
    pub oauth_token: String,
    /// Further tokens that may do everything.
    pub oauth_tokens: Vec<String>,
    /// Tokens that are known but may not use these routes: 403.
    pub forbidden_tokens: Vec<String>,
    /// The only key of the organisation at the simulated Mixpeek, with ADMIN permission.
    pub mixpeek_api_key: String,
    /// Archives are encrypted with it; links are signed with it.
    pub archive_secret: String,
    /// Shown in answers.
    pub project_id: u64,
    /// Shown in answers.
    pub requesting_user: String,
    /// Where sources disagree: a table, or the name of a preset ([`Dialect::named`]).
    #[serde(deserialize_with = "word_or_table")]
    pub dialect: Dialect,
    /// Least milliseconds between two API calls; 0 switches the limit off.
    pub rate_interval_ms: i64,
    /// Outstanding event-days of retrievals; 0 switches the limit off.
    pub scan_budget_days: u64,
    /// From these times on (Unix milliseconds, ascending) it is another: nobody says that it stays.
    pub scan_budget_moves: Vec<(i64, u64)>,
    /// What one retrieval costs, in event-days (a CCPA one at most 365).
    pub project_age_days: u64,
    /// Group keys of the project: lower the ids per deletion to floor(2000 / (groups + 1)).
    pub data_groups: u64,
    /// Ids per retrieval.
    pub retrieval_limit: usize,
    /// Ids per deletion when there are no group keys.
    pub deletion_limit: usize,
    /// Status of a refusal of too many ids.
    pub too_many_status: u16,
    /// Ids that the vendor refuses, without saying which.
    pub bad_ids: Vec<String>,
    /// When the days of a retrieval stop being outstanding.
    pub scans_freed: ScansFreed,
    /// How long tasks take.
    pub job_ms: JobMs,
    /// How long tasks take as a whole, if it is to be drawn so; `job_ms` then counts for nothing.
    pub job_lognormal: Option<Lognormal>,
    /// These tasks (1 = the first ever created) end as FAILURE.
    pub fail_tasks: Vec<u64>,
    /// These tasks end as REVOKED when they would have started.
    pub revoke_tasks: Vec<u64>,
    /// So many first polls of each task answer NOT_FOUND.
    pub lag_not_found_polls: u64,
    /// After that, the words for the next polls of each task, whatever its state.
    pub status_words: Vec<String>,
    /// Fewest and most events of a subject.
    pub events_per_subject: [u64; 2],
    /// How archives are encrypted.
    pub archive_cipher: Cipher,
    /// Members of an archive.
    pub archive_layout: Layout,
    /// How long a signed link works.
    pub link_ttl_ms: i64,
    /// How status callbacks arrive.
    pub callbacks: Callbacks,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            project_token: "sandbox-project-token".into(),
            oauth_token: "sandbox-oauth-token".into(),
            oauth_tokens: Vec::new(),
            forbidden_tokens: Vec::new(),
            mixpeek_api_key: "sk_sandbox-mixpeek".into(),
            archive_secret: "sandbox-archive-secret".into(),
            project_id: 1_978_118,
            requesting_user: "operator@example.com".into(),
            dialect: Dialect::default(),
            rate_interval_ms: 1_000,
            scan_budget_days: 1_826,
            scan_budget_moves: Vec::new(),
            project_age_days: 365,
            data_groups: 0,
            retrieval_limit: 2_000,
            deletion_limit: 1_999,
            too_many_status: 400,
            bad_ids: Vec::new(),
            scans_freed: ScansFreed::default(),
            job_ms: JobMs::default(),
            job_lognormal: None,
            fail_tasks: Vec::new(),
            revoke_tasks: Vec::new(),
            lag_not_found_polls: 0,
            status_words: Vec::new(),
            events_per_subject: [1, 6],
            archive_cipher: Cipher::default(),
            archive_layout: Layout::default(),
            link_ttl_ms: 14 * 86_400_000,
            callbacks: Callbacks::default(),
        }
    }
}

impl std::fmt::Debug for Options {
    // A tester may have put tokens of his own into these fields.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// One switch per point on which public sources disagree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dialect {
    /// 201 (official OpenAPI) or 200 (working clients).
    pub create_status: u16,
    /// `results` of a create: an object (OpenAPI) or a list (GDPR API overview).
    pub create_shape: CreateShape,
    /// What a task id looks like.
    pub task_id_kind: TaskIdKind,
    /// Where the link of a finished retrieval is.
    pub link_field: LinkField,
    /// The link stands in double quotes and blanks (observed by a working client).
    pub quoted_link: bool,
    /// 204 (documented) or 200 with JSON (sample in the overview).
    pub cancel_answer: CancelAnswer,
    /// Whether collections are served without their last slash too.
    pub collection_slash: CollectionSlash,
    /// Which form of an item's path exists.
    pub item_slash: ItemSlash,
    /// What the other form answers: 301 or 404.
    pub item_slash_miss: u16,
    /// An unknown task: 200 with the word NOT_FOUND (documented) or HTTP 404 (third party).
    pub not_found: NotFound,
    /// Case of compliance_type in answers.
    pub compliance_case: Case,
    /// Form of error bodies.
    pub error_body: ErrorBody,
    /// Status of a deletion with all the fields of the official OpenAPI.
    pub full_deletion_status: bool,
    /// One id with a running deletion refuses the whole batch with 409 (observed).
    pub conflict_guard: bool,
    /// The same in version 2.0, of which nothing is public.
    pub conflict_guard_v2: bool,
    /// Retry-After on each 429, word for word; none is documented.
    pub retry_after: Option<String>,
    /// Form of `date_requested`.
    pub date_form: DateForm,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            create_status: 201,
            create_shape: CreateShape::default(),
            task_id_kind: TaskIdKind::default(),
            link_field: LinkField::default(),
            quoted_link: false,
            cancel_answer: CancelAnswer::default(),
            collection_slash: CollectionSlash::default(),
            item_slash: ItemSlash::default(),
            item_slash_miss: 301,
            not_found: NotFound::default(),
            compliance_case: Case::default(),
            error_body: ErrorBody::default(),
            full_deletion_status: true,
            conflict_guard: true,
            conflict_guard_v2: false,
            retry_after: None,
            date_form: DateForm::default(),
        }
    }
}

impl Dialect {
    /// A preset: `official` speaks as the vendor's OpenAPI document does, to the letter; `arazzo` as
    /// the published Arazzo workflow expects it: 200, and a `download_url` that is always there.
    pub fn named(name: &str) -> Option<Self> {
        let slashless = Self {
            collection_slash: CollectionSlash::Both,
            ..Self::default()
        };
        match name {
            "official" => Some(Self {
                link_field: LinkField::Results,
                ..slashless
            }),
            "arazzo" => Some(Self {
                create_status: 200,
                link_field: LinkField::DownloadUrl,
                ..slashless
            }),
            _ => None,
        }
    }
}

fn word_or_table<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Dialect, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Name(String),
        Table(Map<String, Value>),
    }
    match Given::deserialize(from)? {
        Given::Name(name) => Dialect::named(&name)
            .ok_or_else(|| D::Error::custom("a dialect's name is \"official\" or \"arazzo\"")),
        // Read in a second step, so that a misspelt switch is named in the error.
        Given::Table(table) => {
            serde_json::from_value(Value::Object(table)).map_err(D::Error::custom)
        }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $(#[$first_doc:meta])* $first:ident = $first_word:literal, $($(#[$each_doc:meta])* $each:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $(#[$first_doc])* #[default] #[serde(rename = $first_word)] $first,
            $($(#[$each_doc])* #[serde(rename = $word)] $each),*
        }

        impl $name {
            /// The word in options, answers and the ledger.
            pub fn as_str(self) -> &'static str {
                match self { Self::$first => $first_word, $(Self::$each => $word),* }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Shape of `results` in a create answer.
    CreateShape { /** `{"task_id": ..}` */ Object = "object", /** `[{"tracking_id": ..}]` */ Array = "array" }
}
words! {
    /// What a task id looks like.
    TaskIdKind {
        /** 19 digits in a string */ Nanoseconds = "nanoseconds",
        /** a UUID */ Uuid = "uuid",
        /** 19 digits as a JSON number */ Number = "number",
    }
}
words! {
    /// Where the link of a finished retrieval is.
    LinkField {
        /** observed */ Result = "result",
        /** official OpenAPI */ Results = "results",
        /** published Arazzo workflow */ DownloadUrl = "download_url",
        /** overview */ DestinationUrl = "destination_url",
        /** callback page */ ResultsUrl = "results_url",
    }
}
words! {
    /// Answer to a cancel.
    CancelAnswer { /** empty */ NoContent = "204", /** 200 with JSON */ Json = "json" }
}
words! {
    /// Whether a collection's path needs its last slash.
    CollectionSlash {
        /** 301 without it, as the host's other routes */ Required = "required",
        /** served without it too: the OpenAPI document writes none */ Both = "both",
    }
}
words! {
    /// Which form of an item's path exists.
    ItemSlash {
        /** with and without */ Both = "both",
        /** only with */ Required = "required",
        /** only without */ Forbidden = "forbidden",
    }
}
words! {
    /// How an unknown task is told.
    NotFound { /** HTTP 200 and a word */ Word = "200", /** HTTP 404 */ Status = "404" }
}
words! {
    /// Case of a word.
    Case { /** GDPR */ Upper = "upper", /** gdpr */ Lower = "lower" }
}
words! {
    /// Form of error bodies.
    ErrorBody { /** documented envelope */ Json = "json", /** plain text */ Text = "text", /** a page */ Html = "html" }
}
words! {
    /// Form of `date_requested`; all naive UTC but the last.
    DateForm { /** documented sample */ Micros = "micros", /** whole seconds */ Seconds = "seconds", /** with a Z */ Zulu = "zulu" }
}
words! {
    /// When the days of a retrieval stop being outstanding. No source tells.
    ScansFreed {
        /** when the task ends */ AtEnd = "at_end",
        /** day by day, evenly over the task's time */ Gradually = "gradually",
    }
}
words! {
    /// How archives are encrypted.
    Cipher {
        /** traditional, what public clients can read */ ZipCrypto = "zipcrypto",
        /** AES-128 */ Aes128 = "aes128",
        /** AES-192 */ Aes192 = "aes192",
        /** AES-256 */ Aes256 = "aes256",
        /** not at all */ None = "none",
    }
}

words! {
    /// What is wrong with a callback that somebody else made up.
    Forged {
        /** nothing is made up */ No = "no",
        /** another key signed it */ Key = "key",
        /** the body was changed after it was signed */ Body = "body",
        /** a header is missing */ Unsigned = "unsigned",
        /** another processor says so, signed by it */ Domain = "domain",
        /** signed, but for another receiver */ Url = "url",
    }
}

/// How status callbacks arrive. A healthy vendor tells each state once, at once, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Callbacks {
    /// So long after the state was reached.
    pub late_ms: i64,
    /// Each is made twice at the same time, byte for byte.
    pub twice: bool,
    /// The newest first.
    pub newest_first: bool,
    /// Before each real one comes one that is not the vendor's.
    pub forged: Forged,
}

/// Members of an archive. The vendor documents none of this: it is the sandbox's own layout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Layout {
    /// Events are spread over so many files.
    pub event_files: usize,
    /// A file of profiles.
    pub profiles: bool,
    /// A README that says whose layout this is.
    pub readme: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            event_files: 1,
            profiles: true,
            readme: true,
        }
    }
}
