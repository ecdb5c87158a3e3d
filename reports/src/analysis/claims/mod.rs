//! Published claims, each set beside what an outcome measured: a pure function
//! of claim and outcome.

mod agreement;
mod best;
mod lines;
mod losses;

pub use agreement::Agreement;
pub use lines::{Line, Measured, Told};

use self::agreement::told_in;
use super::Found;
use crate::claims::{Claim, Published};

/// A file of claims beside an outcome.
#[derive(Clone, Debug)]
pub struct Beside {
    /// Whose they are.
    pub name: String,
    /// Where they were published.
    pub about: String,
    /// A row for each of its claims, in its order; none is left out.
    pub rows: Vec<Judged>,
}

/// A claim, and what became of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The claim.
    pub claim: Claim,
    /// What was measured of it; empty where nothing was.
    pub lines: Vec<Line>,
    /// What became of it.
    pub standing: Standing,
    /// Why, in words; may be empty.
    pub why: String,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Five repeats or more say so of each of its figures.
    Confirmed,
    /// They say otherwise, or do not suffice.
    NotConfirmed,
    /// The system's own code or documents say otherwise.
    RefutedBySource,
    /// It cannot be true by its own figures.
    ContradictsItself,
    /// Something was measured, and in other conditions.
    NotComparable,
    /// Nothing was.
    NotMeasured,
}

impl Standing {
    /// In the order in which they are counted.
    pub const ALL: [Self; 6] = [
        Self::Confirmed,
        Self::NotConfirmed,
        Self::RefutedBySource,
        Self::ContradictsItself,
        Self::NotComparable,
        Self::NotMeasured,
    ];

    /// Its words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::NotConfirmed => "not confirmed",
            Self::RefutedBySource => "refuted by source",
            Self::ContradictsItself => "contradicts itself",
            Self::NotComparable => "not comparable",
            Self::NotMeasured => "not measured",
        }
    }
}

impl Beside {
    /// Whether anything was measured of any of them.
    #[must_use]
    pub fn has_lines(&self) -> bool {
        self.rows.iter().any(|row| !row.lines.is_empty())
    }

    /// How many there are of each standing, none left out that occurs.
    #[must_use]
    pub fn counts(&self) -> Vec<(Standing, usize)> {
        let of = |standing| self.rows.iter().filter(|row| row.standing == standing).count();
        let all = Standing::ALL.into_iter().map(|standing| (standing, of(standing)));
        all.filter(|(_, n)| *n > 0).collect()
    }

    /// `44 claims of the article: 2 confirmed, 12 not comparable, 30 not measured`.
    #[must_use]
    pub fn summary(&self) -> String {
        let counts = self.counts();
        let each: Vec<String> =
            counts.iter().map(|(one, n)| format!("{n} {}", one.word())).collect();
        let claims = if self.rows.len() == 1 { "claim" } else { "claims" };
        format!("{} {claims} of {}: {}", self.rows.len(), self.name, each.join(", "))
    }
}

/// Each file beside what was found.
pub(super) fn beside(found: &Found<'_>, files: &[&Published]) -> Vec<Beside> {
    let rows = |file: &Published| file.claims.iter().map(|claim| judged(found, claim)).collect();
    let one = |file: &&Published| Beside {
        name: file.name.clone(),
        about: file.about.clone(),
        rows: rows(file),
    };
    files.iter().map(one).collect()
}

fn judged(found: &Found<'_>, claim: &Claim) -> Judged {
    let lines = lines::of(found, claim);
    let (standing, why) = standing(claim, &lines);
    Judged { claim: claim.clone(), lines, standing, why }
}

/// What is known of a claim without measuring stands whatever was measured.
fn standing(claim: &Claim, lines: &[Line]) -> (Standing, String) {
    if let Some(why) = &claim.refuted {
        return (Standing::RefutedBySource, why.clone());
    }
    if let Some(sum) = &claim.contradicts {
        return (Standing::ContradictsItself, sum.clone());
    }
    let comparable: Vec<&Line> = lines.iter().filter(|line| line.differs.is_empty()).collect();
    match (comparable.as_slice(), lines) {
        ([], []) => (Standing::NotMeasured, not_measured(claim)),
        ([], lines) => (Standing::NotComparable, differences(lines)),
        (comparable, _) => compared(comparable),
    }
}

fn not_measured(claim: &Claim) -> String {
    match (&claim.unmeasured, &claim.run) {
        (Some(why), _) => why.clone(),
        (None, Some(run)) => format!("this run has no such cell; schedbench run {run} has"),
        (None, None) => "this run has no such cell".to_owned(),
    }
}

/// What differs, each once.
fn differences(lines: &[Line]) -> String {
    let mut all: Vec<&str> = Vec::new();
    for differs in lines.iter().flat_map(|line| &line.differs) {
        if !all.contains(&differs.as_str()) {
            all.push(differs);
        }
    }
    all.join("; ")
}

/// It is confirmed where every figure of every line agrees.
fn compared(lines: &[&Line]) -> (Standing, String) {
    let mut against = Vec::new();
    let mut open = Vec::new();
    for line in lines {
        for told in &line.told {
            let said = |why: &str| format!("{}: {} {why}", line.label, told.metric.title);
            match &told.agreement {
                Agreement::Agrees => {}
                Agreement::Differs(why) => against.push(said(why)),
                // It is of the trials, alike for all figures of the line.
                Agreement::TooFew(why) => open.push(format!("{}: {why}", line.label)),
                Agreement::Open(why) => open.push(said(why)),
            }
        }
    }
    open.dedup();
    let why = if against.is_empty() { open } else { against };
    if why.is_empty() {
        let told = lines.iter().flat_map(|line| &line.told);
        let n = told.map(|told| told_in(&told.measured, told.n)).min().unwrap_or(0);
        return (Standing::Confirmed, format!("in each figure, over {n} repeats and more"));
    }
    (Standing::NotConfirmed, why.join("; "))
}
