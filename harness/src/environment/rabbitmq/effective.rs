//! What a node's configuration comes to, asked from the node: what is written in
//! its files is the smaller part of what decides a result.

use std::io;

use super::erlang;
use super::node::Node;

/// Parameters of its applications, as Erlang's modules ask for them.
const PARAMETERS: &[(&str, &str)] = &[
    ("rabbit", "vm_memory_high_watermark"),
    ("rabbit", "heartbeat"),
    ("rabbit", "credit_flow_default_credit"),
    ("rabbit", "queue_index_embed_msgs_below"),
    ("rabbit", "msg_store_file_size_limit"),
    ("rabbit", "dead_letter_worker_consumer_prefetch"),
    ("rabbit", "collect_statistics"),
    ("rabbit", "collect_statistics_interval"),
    ("ra", "wal_max_size_bytes"),
    ("ra", "segment_max_entries"),
    ("kernel", "net_ticktime"),
];
/// What it tells only by a function.
const FUNCTIONS: &[(&str, &str)] = &[
    ("disk_free_limit", "rabbit_disk_monitor:get_disk_free_limit()"),
    ("erlang", "erlang:system_info(otp_release)"),
    ("schedulers", "erlang:system_info(schedulers_online)"),
];

/// Names and values, each as Erlang writes it; `undefined` is a parameter that
/// nobody has set.
///
/// # Errors
/// The node does not answer, or says something else.
pub(super) fn settings(node: &Node) -> io::Result<Vec<(String, String)>> {
    read(&erlang::evaluate(node, &question())()?)
}

fn question() -> String {
    let parameters = PARAMETERS.iter().map(|(application, key)| {
        format!("{{\"{key}\", application:get_env({application}, {key}, undefined)}}")
    });
    let functions = FUNCTIONS.iter().map(|(name, call)| format!("{{\"{name}\", {call}}}"));
    let all: Vec<String> = parameters.chain(functions).collect();
    // Not a list of pairs: how one is written depends on what is in it.
    format!(
        "lists:flatten([io_lib:format(\"~s=~0p;\", [K, V]) || {{K, V}} <- [{}]])",
        all.join(", ")
    )
}

/// Reads `"name=value;name=value;"`, quoted as Erlang quotes a string.
fn read(said: &str) -> io::Result<Vec<(String, String)>> {
    let other = || io::Error::other(format!("it says {said}"));
    let text = said.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(other)?;
    let text = text.replace("\\\"", "\"");
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').ok_or_else(other)?;
        Ok((name.to_owned(), value.to_owned()))
    };
    text.split_terminator(';').map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_anything_else_is_told() {
        let said = r#""heartbeat=60;credit_flow_default_credit={400,200};erlang=\"25\";""#;
        let pairs = [("heartbeat", "60"), ("credit_flow_default_credit", "{400,200}")];
        let mut expected = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        expected.push(("erlang".into(), "\"25\"".into()));
        assert_eq!(read(said).expect("an answer"), expected);
        assert_eq!(read("\"\"").expect("an answer"), []);
        for other in ["", "{error, 3}", "\"heartbeat\"", "[104, 101]"] {
            let said = read(other).expect_err("no answer").to_string();
            assert!(said.contains(other), "{said}");
        }
    }
}
