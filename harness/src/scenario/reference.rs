//! `docs/scenarios.md`: the reference of scenarios, made from the schema, whose
//! text is the doc comments of [`super::settings`].

use std::fmt::Write;

use schedbench_reports::metrics;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::parts::Part;
use super::settings::{
    Brokers, ExternalBroker, Fault, Load, Objective, Retry, Settings, Stage, Task, Workers,
};
use super::trials::Trial;
use super::{BUILT_IN, read};

const BEGINNING: &str = "\
# Scenarios

<!-- Made from the schema: `UPDATE_DOCS=1 cargo test -p schedbench --test scenario_docs` -->

A scenario says what to measure: which systems, under which load, with which
tasks. `schedbench list` shows the built-in ones, `schedbench list ramp` prints
one to start your own from, and `schedbench check mine.toml` shows what it
resolves to without running it. A name that ends in `.toml` or starts with `/`
is a file; any other is a built-in scenario.

Every field can be changed on the command line with `--set field=value`, as in
`--set load.warmup=2s` or `--set 'task.delay={ fixed = \"10 ms\" }'`. The
commonest have an option of their own: `--systems`, `--profiles`, `--clusters`,
`--loads` (or `--rate`), `--duration`, `--warmup`, `--repeats`, `--seed`,
`--pacing`; of a scenario with trials, `--quick` for one repeat, `--trials N`
for N, and `--matrix full` for every system in every trial. Lists take commas:
`--loads 1k,20k`. Changes are recorded in the result.

`--quick` is for one who is in a hurry: one repeat of a scenario with trials, or
what the scenario itself says. Where it has parts, a change of the load is for
those whose mode has the field and in which nothing is hurt; where all of them
are hurt, for all whose mode has it.

A scenario never holds a URL or a password, because it is copied into every
result: it names the environment variable that holds it.

For completion in an editor: `schedbench schema > scenario.schema.json`, and
`#:schema ./scenario.schema.json` as the scenario's first line.
";

/// The reference, as Markdown.
pub(super) fn reference() -> String {
    let schema = super::schema::schema();
    let mut page = BEGINNING.to_owned();
    built_in(&mut page);
    let mut put = |heading: &str, note: &str, name: &str, order: Vec<String>| {
        let definition = if name.is_empty() { &schema } else { &schema["$defs"][name] };
        let _ = write!(page, "\n## {heading}\n\n");
        let text = sentence(definition);
        let _ = writeln!(page, "{text}{note}\n");
        fields(&mut page, definition, &order);
        alternatives(&mut page, &schema, definition, &order);
    };
    put("Top of the file", "", "", order::<Settings>());
    put("`[load]`", LOAD, "Load", order::<Load>());
    put("A stage of `load.stages`", "", "Stage", order::<Stage>());
    put("`[task]`", "", "Task", order::<Task>());
    put("`[retry]`", "", "Retry", order::<Retry>());
    put("`[workers]`", "", "Workers", order::<Workers>());
    put("`[[fault]]`", "", "Fault", order::<Fault>());
    put("`[[trial]]`", "", "Trial", order::<Trial>());
    put("`[[part]]`", "", "Part", order::<Part>());
    put("`[objective]`", "", "Objective", order::<Objective>());
    put("`[brokers]`", "", "Brokers", order::<Brokers>());
    put("`[brokers.redis]`", BROKER, "ExternalBroker", order::<ExternalBroker>());
    units(&mut page, &schema);
    objectives(&mut page);
    page
}

const BROKER: &str = " The other brokers have the same.";
const LOAD: &str =
    " Which fields there are depends on `mode`; a field of another mode is an error.";

const OBJECTIVES: &str = "
## Objectives

```toml
objectives = [
  \"p99 < 50 ms at 10k\",
  \"failures <= 0.1 % at 50k of kafka\",
  \"capacity >= 20k of redis-asynq/everysec\",
  \"recovery < 5 s in broker-kill\",
  \"lost == 0\",
]
```

A metric, a comparison (`<`, `<=`, `>`, `>=`, `==`) and a value with its unit, then in any order:

| | |
|---|---|
| `at` 10k | at this load of the scenario; of a share of a capacity `at` 50 %. Left out: at each load, of a search at the highest rate that is held, of a soak in its long cell |
| `of` kafka, `of` kafka/rf3 | of this system, or this profile. Left out: of each but `noop` |
| `in` broker-kill | in this trial, or in this part of a scenario that has parts. Left out: in each |

Metrics are those of [claims.md](claims.md#metrics), `capacity`, and:

| short | is |
|---|---|
{short}

What decides, over repeats: of a percentile the merged histogram, of failures their sum, of a
time of a trial the median, of a count of the ledger each repeat by itself, of all else the
mean. An interval or range stands beside it, and where the bound lies in that, it is said. A
value known only as `> 2 s` fails every bound up to 2 s, and leaves a longer one open. A fault
without an impact took no time. Each objective is judged for each system, wherever it is
demanded, and the worst place stands for all.

`passed`, `failed` or `not judged`: no valid cell, too few tasks beyond a percentile, a system
that was left out and is named by `of`, tasks missing without a proof of their loss. What is not
judged has not passed: the exit code is 3, as for what failed. A measurement that cannot be
believed (4), a system that failed altogether (1) and a signal (130, 143) come first
([decision 0043](decisions/0043-an-objective-that-nobody-can-judge-has-not-passed.md)).
What the plan has no cell for is refused before anything starts; `--set objectives=[]` runs
without any. Of a scenario with parts an objective that names none is asked of each part which
has cells for it, and stands there once for each; `check` shows which.
";

fn built_in(page: &mut String) {
    let _ = write!(page, "\n## Built-in scenarios\n\n| name | shows |\n|---|---|\n");
    for built_in in BUILT_IN {
        let summary = read(built_in.name, built_in.text.as_bytes(), &[])
            .map(|scenario| scenario.settings.summary.value)
            .unwrap_or_default();
        let _ = writeln!(page, "| `{}` | {} |", built_in.name, cell(&summary));
    }
    if let Some(ramp) = BUILT_IN.iter().find(|built_in| built_in.name == "ramp") {
        let _ = write!(page, "\n`ramp` in full:\n\n```toml\n{}```\n", ramp.text);
    }
}

/// The fields of a table in the order of their definition, which the schema
/// does not keep: read from what serde expects instead of a wrong one.
fn order<T: DeserializeOwned>() -> Vec<String> {
    let Err(error) = toml::from_str::<T>("\"?\" = 0") else { return Vec::new() };
    let expected = error.message().split_once("expected").map_or("", |(_, expected)| expected);
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn fields(page: &mut String, table: &Value, order: &[String]) {
    page.push_str("| field | value | if left out | |\n|---|---|---|---|\n");
    let required = |name: &str| {
        table["required"].as_array().is_some_and(|all| all.iter().any(|field| field == name))
    };
    for name in order {
        let field = &table["properties"][name];
        let otherwise = match &field["default"] {
            _ if required(name) => "required".to_owned(),
            Value::String(text) => format!("`\"{text}\"`"),
            Value::Number(number) => format!("`{number}`"),
            _ => String::new(),
        };
        let _ = writeln!(
            page,
            "| `{name}` | {} | {otherwise} | {} |",
            value_in_words(field),
            cell(&sentence(field))
        );
    }
}

/// The words and tables that fields of this table can be.
fn alternatives(page: &mut String, schema: &Value, table: &Value, order: &[String]) {
    for name in order {
        let field = &table["properties"][name];
        let Some(definition) = referred(field).map(|name| &schema["$defs"][name]) else {
            continue;
        };
        let Some(choices) = definition["oneOf"].as_array() else { continue };
        let _ = write!(page, "\nWhat `{name}` can be:\n\n");
        for choice in choices {
            let key = choice["const"].as_str().map(|word| format!("`\"{word}\"`"));
            let key = key.unwrap_or_else(|| {
                let keys = choice["properties"].as_object().into_iter().flatten();
                keys.map(|(key, _)| format!("`{{ {key} = … }}`")).collect()
            });
            let _ = writeln!(page, "- {key}: {}", sentence(choice));
        }
    }
}

fn units(page: &mut String, schema: &Value) {
    page.push_str("\n## Values\n\n| value | written as |\n|---|---|\n");
    for name in ["Duration", "Rate", "Number", "Size", "Share"] {
        let text = cell(&sentence(&schema["$defs"][name]));
        let _ = writeln!(page, "| {} | {text} |", name.to_lowercase());
    }
}

fn objectives(page: &mut String) {
    let (before, after) = OBJECTIVES.split_once("{short}\n").unwrap_or((OBJECTIVES, ""));
    page.push_str(before);
    for (short, name) in metrics::SHORT_NAMES {
        let _ = writeln!(page, "| `{short}` | `{name}` |");
    }
    page.push_str(after);
}

/// The definition that a field is, or is a list of.
fn referred(field: &Value) -> Option<&str> {
    let direct = field["$ref"].as_str().or_else(|| field["anyOf"][0]["$ref"].as_str());
    direct?.rsplit('/').next()
}

fn value_in_words(field: &Value) -> String {
    if field["type"] == "array" {
        return match value_in_words(&field["items"]).as_str() {
            "text" => "list of names".to_owned(),
            "rate or share" => "list of rates or shares".to_owned(),
            item => format!("list of {item}s"),
        };
    }
    match (referred(field), field["type"].as_str()) {
        (Some(name @ ("Duration" | "Rate" | "Number" | "Size" | "Share")), _) => {
            name.to_lowercase()
        }
        (Some("RateOrShare"), _) => "rate or share".to_owned(),
        (Some("FaultKind" | "Matrix" | "Mode" | "PacingKind" | "Side" | "Spacing"), _) => {
            "a word, below".to_owned()
        }
        (Some("DelayKind" | "WorkKind"), _) => "below".to_owned(),
        (Some("Stage"), _) => "stage".to_owned(),
        (Some("Demanded"), _) => "objective".to_owned(),
        (Some("Fault" | "Part" | "Trial"), _) => "table".to_owned(),
        (Some(_), _) => "table, below".to_owned(),
        (None, Some("integer")) => "number".to_owned(),
        (None, Some("string")) => "text".to_owned(),
        (None, _) => String::new(),
    }
}

/// A description on one line.
fn sentence(definition: &Value) -> String {
    definition["description"]
        .as_str()
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Text that does not end its cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
