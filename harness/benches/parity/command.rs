//! What is started to run a native tool, as data: it can be looked at, shown,
//! and started.

use std::path::PathBuf;

use schedbench_contract::Secret;

/// Where a tool finds its broker, and what it finds there. All of it is text,
/// so that a document can say `PORT`.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: String,
    pub(crate) user: String,
    pub(crate) password: Secret,
    /// Database or virtual host.
    pub(crate) database: String,
    /// The queue, topic or table of this round.
    pub(crate) queue: String,
    /// A private directory for files.
    pub(crate) dir: PathBuf,
    /// What Redis calls the adapter's script.
    pub(crate) script: String,
    /// How long is measured, ms.
    pub(crate) measure_ms: u64,
}

impl Place {
    /// The place of a document.
    pub(crate) fn shown(measure_ms: u64) -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: "PORT".into(),
            user: "USER".into(),
            password: Secret("PASSWORD".into()),
            database: "DATABASE".into(),
            queue: "QUEUE".into(),
            dir: "DIR".into(),
            script: "SHA1".into(),
            measure_ms,
        }
    }

    /// A file of the private directory.
    pub(crate) fn file(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }
}

/// What runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// A class of some jars.
    Java {
        /// `PerfTest`'s, otherwise Kafka's.
        perf_test: bool,
        class: &'static str,
    },
    /// A program of this name, on PATH.
    Named(&'static str),
    /// The Go program beside this file.
    Asynq,
    /// The Python program beside this file, run by the worker's interpreter.
    Celery,
}

/// A command line, what the program reads, and what is written for it before.
/// Secrets are in its environment, its input and its files, never in `args`.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) program: Program,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(&'static str, Secret)>,
    pub(crate) stdin: Secret,
    pub(crate) files: Vec<(&'static str, Secret)>,
}

impl Command {
    pub(crate) fn new<'a>(program: Program, args: impl IntoIterator<Item = &'a str>) -> Self {
        let args = args.into_iter().map(str::to_owned).collect();
        let (env, files) = (Vec::new(), Vec::new());
        Self { program, args, env, stdin: Secret(String::new()), files }
    }

    /// As a person would type it, at a [`Place::shown`]: secrets are words
    /// there.
    pub(crate) fn shown(&self) -> String {
        let mut text = String::new();
        for (name, content) in &self.files {
            text.push_str(&format!("cat > DIR/{name} <<'END'\n{}\nEND\n", content.0.trim_end()));
        }
        for (name, value) in &self.env {
            text.push_str(&format!("{name}={} ", quoted(&value.0)));
        }
        text.push_str(&match self.program {
            Program::Java { perf_test: true, class } => {
                format!("java {} -cp 'PERF-TEST-JARS/*' {class}", super::tools::JVM.join(" "))
            }
            Program::Java { perf_test: false, class } => {
                format!("java {} -cp 'KAFKA-JARS/*' {class}", super::tools::JVM.join(" "))
            }
            Program::Named(name) => name.to_owned(),
            Program::Asynq => "./asynq-native".to_owned(),
            Program::Celery => "python native.py".to_owned(),
        });
        let mut rest = self.args.as_slice();
        while let Some(arg) = rest.first() {
            text.push(' ');
            text.push_str(&quoted(arg));
            let times = repeats(rest);
            if times > 1 {
                let (second, more) = (quoted(&rest[1]), times - 1);
                text.push_str(&format!(" {second} …and both {more} times more"));
                rest = &rest[2 * times..];
            } else {
                rest = &rest[1..];
            }
        }
        if !self.stdin.0.is_empty() {
            text.push_str(&format!(" <<< {}", quoted(self.stdin.0.trim_end())));
        }
        text
    }
}

/// How often the first two words come one after the other.
fn repeats(words: &[String]) -> usize {
    let pair = words.get(..2).unwrap_or_default();
    words.chunks_exact(2).take_while(|two| *two == pair).count()
}

/// A word as a shell reads it; long ones are cut, for what they would show is
/// the same byte again and again.
fn quoted(word: &str) -> String {
    const LONGEST: usize = 400;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    let cut: String = word.chars().take(LONGEST).collect();
    let word = if cut.len() < word.len() { format!("{cut}…") } else { cut };
    if !word.is_empty() && word.chars().all(plain) {
        return word;
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
