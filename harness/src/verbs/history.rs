//! `schedbench history`: the trend of each figure over all outcomes in a
//! directory.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use schedbench_reports::history::{Entry, Strand, TOLD_FROM, history};
use schedbench_reports::numbers::Medium;
use schedbench_reports::{html, load};

use super::outcomes::Wrong;
use super::report::write_whole;
use crate::cli::HistoryArgs;
use crate::run::{Exit, shown};
use crate::voice;

/// How deep outcomes may lie: `results/<scenario>/<run>/result.json`, and one
/// more for a directory of several such.
const DEEPEST: usize = 4;

/// Writes the page and names each change; what cannot be read is told and left
/// out, so that one damaged file does not hide a hundred others.
///
/// # Errors
/// There is no outcome that can be read ([`Wrong`]: exit code 2), or the page
/// cannot be written.
pub fn run(args: &HistoryArgs, out: &mut impl Write) -> Result<ExitCode> {
    let mut files = Vec::new();
    collect(&args.directory, DEEPEST, &mut files);
    let mut entries = Vec::new();
    let mut left_out = Vec::new();
    for file in &files {
        let entry = load::read(file).map_err(|error| error.to_string()).and_then(|outcome| {
            let name = shown(file);
            Entry::of(&name, &outcome).map_err(|error| format!("{name}: {error}"))
        });
        match entry {
            Ok(entry) => entries.push(entry),
            Err(why) => left_out.push(why),
        }
    }
    for why in &left_out {
        voice::tell(&format!("left out: {why}"));
    }
    let directory = shown(&args.directory);
    if entries.is_empty() {
        let what = match files.len() {
            0 => format!("{directory} holds no result.json"),
            n => format!("{directory} holds {n} result.json, none of which can be read"),
        };
        return Err(Wrong::Untold(what).into());
    }
    let strands = history(entries);
    for strand in &strands {
        writeln!(out, "{}", plain(&html::strand_title(strand)))?;
        for line in lines(strand) {
            writeln!(out, "  {line}")?;
        }
    }
    let path = args.out.clone().unwrap_or_else(|| args.directory.join("history.html"));
    write_whole(&path, html::history(&directory, &strands, &left_out).as_bytes())?;
    writeln!(out, "History: {}", shown(&path))?;
    Ok(Exit::Good.into())
}

fn lines(strand: &Strand) -> Vec<String> {
    let mut changes = html::changes(strand, Medium::Terminal);
    changes.sort_by(|a, b| b.0.cmp(a.0));
    if changes.is_empty() {
        return vec![if strand.trends.is_empty() {
            "no figure has a valid number in two runs".to_owned()
        } else if strand.runs.len() < TOLD_FROM {
            format!("too few runs to tell a change, about {TOLD_FROM} are needed")
        } else {
            "no figure has changed past the noise of its runs".to_owned()
        }];
    }
    changes.iter().map(|(_, sentence)| plain(sentence)).collect()
}

/// Text out of a file, without anything a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Every `result.json` below; links are left out, since `latest` is one of the
/// others again.
fn collect(directory: &Path, deep: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && deep > 0 {
            collect(&entry.path(), deep - 1, files);
        } else if kind.is_file() && entry.file_name() == "result.json" {
            files.push(entry.path());
        }
    }
}
