//! What the script needs, embedded once as JSON: where points lie and what
//! they say. Texts stand in one list, since linear and logarithmic drawings
//! of a chart say the same.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use crate::charts::{Drawn, Series};

/// Collects charts while the page is made.
#[derive(Default)]
pub(super) struct Data {
    texts: Vec<String>,
    known: HashMap<String, usize>,
    charts: Vec<Json>,
}

impl Data {
    /// The number that the next chart gets.
    pub(super) fn next(&self) -> usize {
        self.charts.len()
    }

    /// Adds a drawn chart: per series its look, then x, y and text of each dot.
    pub(super) fn add(&mut self, series: &[Series], drawn: &Drawn) {
        let mut rows = Vec::new();
        for (series, places) in series.iter().zip(&drawn.places) {
            let mut row = vec![json!(series.style)];
            for (dot, place) in series.dots.iter().zip(places) {
                if let (Some((x, y)), false) = (place, dot.tip.is_empty()) {
                    let text = self.text(&dot.tip);
                    row.extend([json!(x), json!(y), json!(text)]);
                }
            }
            rows.push(Json::Array(row));
        }
        self.charts.push(Json::Array(rows));
    }

    fn text(&mut self, text: &str) -> usize {
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        self.texts.push(text.to_owned());
        self.known.insert(text.to_owned(), self.texts.len() - 1);
        self.texts.len() - 1
    }

    /// The JSON, safe inside a `<script>`: no `<` and no line separators.
    pub(super) fn json(&self) -> String {
        json!({ "t": self.texts, "c": self.charts })
            .to_string()
            .replace('<', "\\u003c")
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029")
    }
}
