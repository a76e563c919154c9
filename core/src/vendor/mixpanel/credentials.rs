//! Where a project's credentials come from: the environment of the program, or its caller.

use super::{Builder, Mixpanel, Region};
use crate::error::{Error, ErrorKind, Result};

const PREFIX: &str = "DSRKIT_MIXPANEL";

impl Mixpanel {
    /// Starts from `DSRKIT_MIXPANEL_PROJECT_TOKEN`, `_OAUTH_TOKEN`, `_REGION`, `_ARCHIVE_SECRET`
    /// and `_BASE_URL`. Each may be given as a file's name in a variable ending in `_FILE` instead.
    pub fn from_env() -> Result<Builder> {
        from(&|name| std::env::var(name).ok())
    }
}

impl Builder {
    /// Replaces both tokens, everything else being kept.
    pub fn tokens(
        mut self,
        project_token: impl Into<String>,
        oauth_token: impl Into<String>,
    ) -> Self {
        self.project_token = project_token.into();
        self.oauth_token = oauth_token.into();
        self
    }
}

fn from(environment: &dyn Fn(&str) -> Option<String>) -> Result<Builder> {
    let required = |name| {
        value(environment, name)?.ok_or_else(|| {
            let name = format!("{PREFIX}_{name}");
            config(format!("{name} (or {name}_FILE) is not set"))
        })
    };
    let mut builder = Mixpanel::builder(required("PROJECT_TOKEN")?, required("OAUTH_TOKEN")?);
    if let Some(region) = value(environment, "REGION")? {
        builder = builder.region(Region::parse(&region)?);
    }
    if let Some(secret) = value(environment, "ARCHIVE_SECRET")? {
        builder = builder.archive_secret(secret);
    }
    if let Some(url) = value(environment, "BASE_URL")? {
        builder = builder.base_url(url);
    }
    Ok(builder)
}

/// A variable's value, or that of the file it names. An empty one counts as not set.
fn value(environment: &dyn Fn(&str) -> Option<String>, name: &str) -> Result<Option<String>> {
    let name = format!("{PREFIX}_{name}");
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    let file = match (set(&name), set(&format!("{name}_FILE"))) {
        (Some(_), Some(_)) => {
            return Err(config(format!(
                "both {name} and {name}_FILE are set; keep one"
            )));
        }
        (value, None) => return Ok(value),
        (None, Some(file)) => file,
    };
    let bytes = std::fs::read(file)
        .map_err(|error| config(format!("{name}_FILE cannot be read: {}", error.kind())))?;
    let text = String::from_utf8(bytes).map_err(|_| config(format!("{name}_FILE is not text")))?;
    // One line end belongs to the file, not to the secret.
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Some(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}

fn config(message: String) -> Error {
    Error::new(ErrorKind::Config, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(variables: &[(&str, &str)]) -> Result<Mixpanel> {
        from(&|asked| {
            let name = asked.strip_prefix("DSRKIT_MIXPANEL_")?;
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        })?
        .build()
    }

    #[test]
    fn values_and_files_with_one_line_end() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("oauth");
        std::fs::write(&path, "oauth\r\n").expect("written");
        let path = path.to_str().expect("text");
        let project = built(&[
            ("PROJECT_TOKEN", "token"),
            ("OAUTH_TOKEN_FILE", path),
            ("REGION", "eu"),
            ("ARCHIVE_SECRET", ""),
        ])
        .expect("built");
        assert_eq!(project.region(), Some(Region::Eu));
        assert_eq!(project.oauth_token.expose(), "oauth");
        assert!(project.archive_secrets.is_empty());
    }

    #[test]
    fn what_is_missing_or_given_twice_is_named_without_its_value() {
        let token = ("PROJECT_TOKEN", "canary");
        for (variables, says) in [
            (
                vec![token],
                "OAUTH_TOKEN (or DSRKIT_MIXPANEL_OAUTH_TOKEN_FILE) is not set",
            ),
            (vec![token, ("PROJECT_TOKEN_FILE", "canary")], "keep one"),
            (
                vec![token, ("OAUTH_TOKEN_FILE", "/canary/none")],
                "cannot be read",
            ),
            (
                vec![token, ("OAUTH_TOKEN", "o"), ("REGION", "mars")],
                "region",
            ),
        ] {
            let error = built(&variables).expect_err("refused").to_string();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
