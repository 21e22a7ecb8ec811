//! Secrets: from a file, from the environment, or from the configuration itself.

use std::path::Path;

use secrecy::SecretString;

use super::reader::{Reader, Section, Spanned};

/// The keys of one secret.
#[derive(Clone, Copy)]
pub(super) struct SecretKeys {
    pub(super) file: &'static str,
    pub(super) environment: &'static str,
    pub(super) literal: &'static str,
}

pub(super) const TOKEN: SecretKeys = SecretKeys {
    file: "token_secret_file",
    environment: "token_secret_env",
    literal: "token_secret",
};

pub(super) const PASSWORD: SecretKeys = SecretKeys {
    file: "password_file",
    environment: "password_env",
    literal: "password",
};

/// Reads the one that is set.
pub(super) fn read(section: &Section<'_>, keys: SecretKeys) -> Option<SecretString> {
    let file = section.string(keys.file);
    let environment = section.string(keys.environment);
    let literal = section.string(keys.literal);
    let reader = section.reader;
    let SecretKeys { file: file_key, environment: environment_key, literal: literal_key } = keys;

    match (file, environment, literal) {
        (None, None, None) => {
            // A key of the wrong type has been found already.
            let is_there = [file_key, environment_key, literal_key]
                .into_iter()
                .any(|key| section.item(key).is_some());
            if !is_there {
                reader.error_with(
                    section.span.clone(),
                    format!("{} has no secret", section.name),
                    format!("set one of {file_key}, {environment_key} or {literal_key}"),
                );
            }
            None
        }
        (Some(path), None, None) => from_file(reader, file_key, &path),
        (None, Some(variable), None) => from_environment(reader, environment_key, &variable),
        (None, None, Some(literal)) => from_configuration(reader, literal_key, literal),
        (file, environment, literal) => {
            let second = [file, environment, literal].into_iter().flatten().nth(1);
            reader.error_of_secret(
                second.map_or(section.span.clone(), |second| second.span),
                format!("{} has more than one secret", section.name),
                format!("keep one of {file_key}, {environment_key} or {literal_key}"),
            );
            None
        }
    }
}

fn from_file(reader: &Reader<'_>, key: &str, path: &Spanned<String>) -> Option<SecretString> {
    let full = resolve(reader.path, &path.value);
    let span = path.span.clone();
    let content = match std::fs::read_to_string(&full) {
        Ok(content) => content,
        Err(error) => {
            reader.error_of_secret(
                span,
                format!("{key}: {} cannot be read: {error}", full.display()),
                "the file holds the secret alone; it must be readable for the user that proxfleet runs as",
            );
            return None;
        }
    };
    if is_readable_by_all(&full) {
        reader.warning_of_secret(
            span.clone(),
            format!("{key}: {} is readable for every user of this machine", full.display()),
            format!("chmod o-r {}", full.display()),
        );
    }
    let secret = content.trim();
    if secret.is_empty() {
        reader.error_of_secret(span, format!("{key}: {} is empty", full.display()), "write the secret into it");
        return None;
    }
    Some(SecretString::from(secret))
}

fn from_environment(reader: &Reader<'_>, key: &str, variable: &Spanned<String>) -> Option<SecretString> {
    match std::env::var(&variable.value).ok().filter(|secret| !secret.trim().is_empty()) {
        Some(secret) => Some(SecretString::from(secret.trim())),
        None => {
            reader.error_of_secret(
                variable.span.clone(),
                format!("{key}: the environment variable {} is not set", variable.value),
                "set it for the process, or use a file",
            );
            None
        }
    }
}

fn from_configuration(reader: &Reader<'_>, key: &str, literal: Spanned<String>) -> Option<SecretString> {
    if literal.value.trim().is_empty() {
        reader.error_of_secret(literal.span, format!("{key} is empty"), "write the secret into it");
        return None;
    }
    if is_readable_by_all(reader.path) {
        reader.warning_of_secret(
            literal.span,
            format!("{key}: this file is readable for every user of this machine"),
            format!("chmod o-r {}, or keep the secret in a file of its own", reader.path.display()),
        );
    }
    Some(SecretString::from(literal.value.trim()))
}

fn is_readable_by_all(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o004 != 0)
}

/// Relative paths are relative to the folder of the configuration.
pub(super) fn resolve(config: &Path, path: &str) -> std::path::PathBuf {
    config.parent().unwrap_or(Path::new(".")).join(path)
}
