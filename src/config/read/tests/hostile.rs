//! Texts that nobody meant to write.

use proptest::prelude::*;

use super::{EXAMPLE, KNOWN, SECRET, remote_but};
use crate::config::parse;

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "(?s).{0,400}") {
        let loaded = parse(&text, "x.toml".as_ref(), &KNOWN);
        loaded.findings.iter().for_each(|finding| drop(finding.to_string()));
    }

    #[test]
    fn mutated_documents_never_panic(
        cuts in prop::collection::vec((0..EXAMPLE.len(), 0_usize..40, "[\\[\\]{}\"'=#\\\\\nаé\r\ta0.-]{0,4}"), 1..8)
    ) {
        let mut text = EXAMPLE.to_owned();
        for (at, length, insert) in cuts {
            let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let (start, end) = (boundary(at), boundary(at + length));
            text.replace_range(start..end, &insert);
        }
        let loaded = parse(&text, "x.toml".as_ref(), &KNOWN);
        for finding in &loaded.findings {
            prop_assert!(finding.line >= 1 && finding.column >= 1);
            drop(finding.to_string());
        }
    }

    #[test]
    fn a_secret_is_told_by_no_finding_of_a_mutated_document(at in 0_usize..200, insert in "[\\[\\]{}\"'=\n ]{1,2}") {
        // A mistake within the secret's own line may cut the secret in two, so it is put elsewhere.
        let line = format!("token_secret = \"{SECRET}\"\n");
        let mut text = remote_but(line.trim_end()).replace("token_secret_file = \"token\"\n", &line);
        let own = text.find(&line).unwrap();
        let at = if (own..own + line.len()).contains(&at) { 0 } else { at.min(text.len()) };
        text.insert_str(at, &insert);
        for finding in parse(&text, "x.toml".as_ref(), &KNOWN).findings {
            prop_assert!(!finding.to_string().contains(SECRET), "{}\n{}", text, finding);
        }
    }
}
