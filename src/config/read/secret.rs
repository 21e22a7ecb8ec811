//! Secrets, from one of three places.

use secrecy::SecretString;

use super::report::Report;
use super::section::{Section, Text};
use super::{file, mask};

/// The keys that one secret may be given by.
pub(super) struct Sources {
    pub file: &'static str,
    pub inline: &'static str,
    pub environment: &'static str,
    /// What it is, for messages.
    pub what: &'static str,
}

/// Reads a secret from exactly one of its sources; a line's end at its end is not part of it.
pub(super) fn read(
    section: &Section<'_>,
    sources: &Sources,
    report: &mut Report<'_>,
) -> Option<SecretString> {
    let Sources {
        file,
        inline,
        environment,
        what,
    } = sources;
    let given: Vec<&'static str> = [*file, *inline, *environment]
        .into_iter()
        .filter(|key| section.get(key).is_some())
        .collect();
    match given.as_slice() {
        [] => {
            report
                .error(
                    section.span.clone(),
                    format!("{} lacks the {what}", section.shape.name),
                )
                .help(format!(
                    "add one of `{file}`, `{inline}` and `{environment}`"
                ))
                .is_absence();
            return None;
        }
        [_] => {}
        [first, others @ ..] => {
            for other in others {
                report
                    .error(
                        section.key_span(other),
                        format!("the {what} is given by `{first}` and by `{other}`"),
                    )
                    .help("keep one of them");
            }
        }
    }
    // Each is read, so that what is wrong with any is told at once.
    let from_file = section
        .string(file, report)
        .and_then(|path| from_file(&path, inline, report));
    let from_inline = section.string(inline, report).and_then(|secret| {
        warn_of_public_configuration(section, sources, report);
        filled(secret.value, &secret, what, report)
    });
    let from_environment = section
        .string(environment, report)
        .and_then(|name| from_environment(&name, inline, report));
    from_file.or(from_inline).or(from_environment)
}

fn from_file(path: &Text<'_>, inline: &str, report: &mut Report<'_>) -> Option<SecretString> {
    let path = path.clone().not_empty(report)?;
    if mask::is_identifier(path.value) {
        report
            .error(
                path.span,
                "this looks like the secret itself, where the name of a file is wanted",
            )
            .help(format!(
                "write the secret to a file of its own, or use `{inline}`"
            ));
        return None;
    }
    let file_path = report.relative(path.value);
    let bytes = file::read(&file_path, &path.span, report)?;
    file::warn_if_public(&file_path, &path.span, report);
    match String::from_utf8(bytes) {
        Ok(text) => filled(
            &text,
            &path,
            &format!("secret in {}", file_path.display()),
            report,
        ),
        Err(_) => {
            report.error(path.span, format!("{} is not text", file_path.display()));
            None
        }
    }
}

fn from_environment(
    name: &Text<'_>,
    inline: &str,
    report: &mut Report<'_>,
) -> Option<SecretString> {
    let name = name.clone().not_empty(report)?;
    if mask::is_identifier(name.value) {
        report
            .error(
                name.span,
                "this looks like the secret itself, where the name of a variable is wanted",
            )
            .help(format!(
                "set a variable of the environment, or use `{inline}`"
            ));
        return None;
    }
    // Such names make the standard library panic on some systems, and are not set on any.
    let possible = !name.value.contains(['=', '\0']);
    match possible.then(|| std::env::var(name.value)) {
        Some(Ok(value)) => filled(&value, &name, &format!("value of ${}", name.value), report),
        Some(Err(std::env::VarError::NotUnicode(_))) => {
            report.error(
                name.span,
                format!("the value of ${} is not text", name.value),
            );
            None
        }
        _ => {
            report
                .error(
                    name.span,
                    format!("the environment variable {} is not set", name.value),
                )
                .help("with systemd: Environment= or EnvironmentFile= in the unit; or use a file");
            None
        }
    }
}

fn filled(
    secret: &str,
    place: &Text<'_>,
    what: &str,
    report: &mut Report<'_>,
) -> Option<SecretString> {
    let secret = secret.trim_end_matches(['\r', '\n']);
    if secret.trim().is_empty() {
        report.error(place.span.clone(), format!("the {what} is empty"));
        return None;
    }
    if secret.chars().any(char::is_control) {
        report
            .error(
                place.span.clone(),
                format!("the {what} has more than one line or characters that cannot be sent"),
            )
            .help("nothing but the secret may be there");
        return None;
    }
    Some(secret.into())
}

fn warn_of_public_configuration(section: &Section<'_>, sources: &Sources, report: &mut Report<'_>) {
    let path = report.path();
    if std::fs::metadata(path).is_ok_and(|metadata| file::is_public(&metadata)) {
        report
            .warning(
                section.key_span(sources.inline),
                format!("everyone may read the {} in this file", sources.what),
            )
            .help(format!(
                "chmod o-r {}, or move it to a file of its own: `{}`",
                path.display(),
                sources.file
            ));
    }
}
