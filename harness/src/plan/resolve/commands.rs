//! The command pair of a fault: two argument lists, for no shell.

use super::bounds::Bounds;
use crate::plan::{Commands, FaultKind};
use crate::scenario::{self, At, ScenarioError};

/// In an argument, they are the name of something that has no place there.
const SECRET_WORDS: &[&str] = &["password", "passwd", "secret", "token"];

/// The pair, if the fault is of that kind.
pub(super) fn of(
    bounds: &Bounds<'_>,
    fault: &scenario::Fault,
) -> Result<Option<Commands>, ScenarioError> {
    let kind = *fault.kind;
    let both = [("hurt", &fault.hurt), ("heal", &fault.heal)];
    if kind != FaultKind::Command {
        let written = both.into_iter().find_map(|(name, list)| Some((name, list.as_ref()?)));
        return match written {
            None => Ok(None),
            Some((name, list)) => Err(bounds.text.error(
                &list.span,
                format!("`{name}` has no meaning with kind = \"{}\"", kind.name()),
                "expected kind = \"command\" with it",
            )),
        };
    }
    let [hurt, heal] = both.map(|(name, list)| {
        let list = list.as_ref().ok_or_else(|| {
            let expected = format!(
                "expected {name} = [\"systemctl\", \"{}\", \"redis\"] with kind = \"command\"",
                if name == "hurt" { "stop" } else { "start" }
            );
            bounds.text.error(&fault.kind.span, format!("missing key `{name}`"), expected)
        })?;
        arguments(bounds, list)
    });
    Ok(Some(Commands { hurt: hurt?, heal: heal? }))
}

fn arguments(
    bounds: &Bounds<'_>,
    list: &At<Vec<At<String>>>,
) -> Result<Vec<String>, ScenarioError> {
    let Some(program) = list.first().filter(|program| !program.is_empty()) else {
        return Err(bounds.text.error(
            &list.span,
            "a command without a program",
            "expected a program and its arguments, such as [\"systemctl\", \"stop\", \"redis\"]",
        ));
    };
    if let ([_], Some((first, _))) = (list.as_slice(), program.split_once(' ')) {
        return Err(bounds.text.error(
            &program.span,
            "a command line in one argument",
            format!("expected each argument by itself, [\"{first}\", …]: no shell divides it"),
        ));
    }
    for argument in list.iter() {
        if argument.chars().any(char::is_control) {
            return Err(bounds.text.error(
                &argument.span,
                "a control character in an argument",
                "expected text; put what is longer in a script of its own",
            ));
        }
        let lower = argument.to_ascii_lowercase();
        if SECRET_WORDS.iter().any(|word| lower.contains(word)) {
            return Err(bounds
                .text
                .secret_error(
                    &list.span,
                    &list.span,
                    "what looks like a password in a command",
                    "expected it in the environment, which the command has",
                )
                .help("A scenario is copied into every result, so it holds no secret."));
        }
    }
    Ok(list.iter().map(|argument| argument.value.clone()).collect())
}
