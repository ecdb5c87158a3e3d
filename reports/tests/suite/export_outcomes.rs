//! The page's made-up outcomes, hostile one included, through everything that
//! is text: file, schema, terminal, exports, logs.

use schedbench_reports::analysis::analyse;
use schedbench_reports::{export, hlog, load, save, schema, terminal};
use unicode_width::UnicodeWidthStr as _;

use crate::outcomes;

#[test]
fn all_that_is_text_takes_them() {
    let written = jsonschema::validator_for(&schema::result_schema()).unwrap();
    let summarised = jsonschema::validator_for(&export::json_schema()).unwrap();
    for outcome in [
        outcomes::ramp(),
        outcomes::in_flight(),
        outcomes::delays(),
        outcomes::faulted(),
        outcomes::drill(),
        outcomes::partial(),
        outcomes::invalid(),
        outcomes::broken(),
        outcomes::hostile(),
        outcomes::empty(),
    ] {
        let text = save::to_json(&outcome);
        let finite = match load::parse(text.as_bytes()) {
            Ok(again) => {
                assert_eq!(save::to_json(&again), text);
                assert!(written.is_valid(&serde_json::from_str(&text).unwrap()));
                true
            }
            // JSON has no NaN: the hostile one cannot be written so that it
            // is read again, and the error says where it stands.
            Err(error) => {
                assert!(matches!(error.fault, load::Fault::NotFinite { .. }), "{error}");
                false
            }
        };

        let analysis = analyse(&outcome);
        for line in terminal::render(&outcome, &analysis, false, 80).lines() {
            assert!(line.width() <= 80, "{line}");
        }
        let summary = export::json(&outcome, &analysis);
        assert_eq!(summarised.is_valid(&serde_json::from_str(&summary).unwrap()), finite);
        assert!(!export::markdown(&outcome, &analysis).contains("<script"));
        assert!(export::csv(&outcome).ends_with("\r\n"));
        for cell in &outcome.cells {
            assert!(!hlog::file_name(cell).contains(['/', '\\', '\0']));
            // A damaged histogram is an error; a panic it is not.
            let _ = hlog::to_hlog(&outcome.run, cell);
        }
    }
}
