//! Other people at the same vendor: they ask for deletions, and look at what became of ours.

use dsrkit_sandbox as vendor;
use dsrkit_sandbox::Host;

use super::time::START;
use super::world::World;

/// Their token.
pub const TOKEN: &str = "others-token";

impl World {
    /// Other people ask for a deletion.
    pub fn others(&self, ids: &[String]) {
        let body = serde_json::json!({"distinct_ids": ids, "compliance_type": "GDPR"});
        let request = request("POST", "/api/app/data-deletions/v3.0/", body.to_string());
        let now = START + self.time.now();
        let reply = self.state().vendor.handle(Host::Api, &request, now);
        self.note(|| format!("others -> {}", reply.status));
    }

    /// What the vendor itself says about a task, at the end.
    pub fn asked(&self, kind: dsrkit::Kind, task: &str) -> serde_json::Value {
        let mut state = self.state();
        let options = state.vendor.options();
        let looks = options.lag_not_found_polls + options.status_words.len() as u64 + 1;
        let bare = options.dialect.item_slash == vendor::ItemSlash::Forbidden;
        let slash = if bare { "" } else { "/" };
        let path = format!("/api/app/data-{kind}s/v3.0/{task}{slash}");
        let (mut said, mut clean) = (serde_json::Value::Null, 0);
        // Faults and words that are left over come first.
        while clean < looks {
            let now = state.vendor.last_now_ms().max(START + self.time.now()) + 2000;
            let get = request("GET", &path, String::new());
            let reply = state.vendor.handle(Host::Api, &get, now);
            if state.vendor.ledger().last().unwrap().fault.is_none() {
                let body: serde_json::Value =
                    serde_json::from_slice(&reply.body).unwrap_or_default();
                said = body["results"].clone();
                clean += 1;
            }
        }
        said
    }
}

/// A request of other people.
fn request(method: &str, path: &str, body: String) -> vendor::Request {
    let project = vendor::Options::default().project_token;
    vendor::Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: format!("token={project}"),
        headers: vec![("authorization".into(), format!("Bearer {TOKEN}"))],
        body: body.into_bytes(),
    }
}
