//! The directory of a run: `<out>/<scenario>/<UTC>-<short id>/`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use schedbench_reports::claims::Published;
use schedbench_reports::outcome::{Cell, Outcome, Run};
use schedbench_reports::{hlog, html, save};

/// Where a run leaves what it found.
#[derive(Clone, Debug)]
pub struct Results {
    directory: PathBuf,
}

impl Results {
    /// Creates the directory of a run and points `latest` beside it to it.
    ///
    /// # Errors
    /// The directory cannot be made or written.
    pub fn create(out: &Path, scenario: &str, stamp: &str, id: &str) -> Result<Self> {
        let parent = out.join(scenario);
        let name = format!("{stamp}-{id}");
        let directory = parent.join(&name);
        fs::create_dir_all(directory.join("hlog"))
            .and_then(|()| fs::create_dir_all(directory.join("logs")))
            .with_context(|| format!("cannot create {}", directory.display()))?;
        point_latest(&parent, &name)
            .with_context(|| format!("cannot set {}", parent.join("latest").display()))?;
        Ok(Self { directory })
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where children's logs go.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.directory.join("logs")
    }

    /// The page.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.directory.join("report.html")
    }

    /// Keeps the scenario's text beside its outcome.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep_scenario(&self, text: &str) -> Result<()> {
        self.write("scenario.toml", text.as_bytes())
    }

    /// Writes the outcome so far; a reader never sees half of it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep_outcome(&self, outcome: &Outcome) -> Result<()> {
        self.write("result.json", save::to_json(outcome).as_bytes())
    }

    /// Exports a cell's histograms for HdrHistogram's own tools.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep_histograms(&self, run: &Run, cell: &Cell) -> Result<()> {
        let text = hlog::to_hlog(run, cell).context("cannot write a histogram log")?;
        let directory = self.directory.join("hlog");
        save::write_atomically(&directory, &hlog::file_name(cell), text.as_bytes())
            .with_context(|| format!("cannot write into {}", directory.display()))?;
        Ok(())
    }

    /// Removes the histograms of a cell that is no longer in the outcome.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn remove_histograms(&self, cell: &Cell) -> Result<()> {
        let path = self.directory.join("hlog").join(hlog::file_name(cell));
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))
    }

    /// Renders the page, with these claims set beside its figures.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn render(&self, outcome: &Outcome, claims: &[Published]) -> Result<()> {
        self.write("report.html", html::render_beside(outcome, claims).as_bytes())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        save::write_atomically(&self.directory, name, bytes)
            .with_context(|| format!("cannot write {}", self.directory.join(name).display()))?;
        Ok(())
    }
}

/// Replaces the `latest` link in one step, so that it never points nowhere.
fn point_latest(parent: &Path, name: &str) -> io::Result<()> {
    let fresh = parent.join(format!(".latest-{name}"));
    std::os::unix::fs::symlink(name, &fresh)?;
    fs::rename(&fresh, parent.join("latest"))
}
