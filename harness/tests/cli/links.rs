//! Faults on the links of real processes: what each does to the goodput, and
//! that it does it no longer than it was to.

use schedbench_contract::MomentKind;

use crate::faults::{done_between, had_an_impact, outcome, scenario, seconds, trial, whole_bins};
use crate::harness::cells_of;
use crate::place::Place;

#[test]
fn a_narrow_link_and_then_a_broker_that_is_asked_to_end() {
    let place = Place::new();
    let narrow = "kind = \"bandwidth\"\non = \"worker-broker\"\nbytes = \"16 kB\"\n\
                  at = \"2 s\"\nfor = \"1 s\"";
    let faults = format!("{narrow}\n[[fault]]\nkind = \"terminate\"\non = \"broker\"");
    let outcome = outcome(&place, &scenario("\"redis-asynq\"", 9, &faults));
    let [cell] = cells_of(&outcome, "redis-asynq")[..] else { panic!("one cell") };
    assert!(cell.counts.balances && cell.error.is_none(), "{cell:?}");
    assert_eq!(cell.counts.lost, 0, "{:?}", cell.counts);
    let words: Vec<&str> = cell.trials.iter().map(|trial| trial.fault.as_str()).collect();
    let narrow = "bandwidth worker-broker to 16 kB/s at 2 s for 1 s";
    assert_eq!(words, [narrow, "terminate broker at 6 s for 2 s"]);
    let done = &cell.series.columns["throughput"];
    let at = |second: f64| done[((second - cell.series.start_s) / cell.series.bin_s) as usize];
    // A task is more than 100 B on that road; 5k/s would need 500 kB.
    let (before, narrowed) = (done_between(cell, 0.5, 1.9), done_between(cell, 2.3, 2.9));
    assert!(narrowed < 0.2 * before, "{before}/s, then {narrowed}/s: {done:?}");
    assert_eq!(at(7.0), Some(0.0), "{done:?}");
    let proxy = outcome.host.proxy.expect("what the proxy costs is measured");
    assert!(proxy.through_p50_s > 0.0 && proxy.straight_p50_s > 0.0, "{proxy:?}");
    let page = schedbench_reports::html::render(&outcome);
    assert!(page.contains("a round trip of 100 B takes"), "and said");
    place.wait_until_nothing_is_left("after two faults");
}

#[test]
fn a_partition_is_lived_through() {
    let place = Place::new();
    let text = scenario("\"redis-asynq\"", 9, "kind = \"black-hole\"\non = \"links\"");
    let outcome = outcome(&place, &text);
    let (cell, trial) = trial(&outcome);
    assert_eq!(trial.fault, "black-hole links at 6 s for 2 s");
    let done = &cell.series.columns["throughput"];
    let bin = ((7.0 - cell.series.start_s) / cell.series.bin_s) as usize;
    assert_eq!(done[bin], Some(0.0), "{done:?}");
    had_an_impact(cell, trial);
    assert_eq!(cell.counts.lost, 0, "{:?}", cell.counts);
    place.wait_until_nothing_is_left("after a fault");
}

/// Kafka tells its clients where its nodes are, so that they would walk around
/// a proxy that it does not know of.
///
/// No more than `window` tasks are on their way without an answer: offers end
/// with the confirmations, and go on with them.
#[test]
fn kafka_tells_its_clients_to_come_through_the_proxy() {
    let place = Place::new();
    let workers_alone = "[[fault]]\nkind = \"black-hole\"\non = \"worker-broker\"\n\
                         at = \"12 s\"\nfor = \"2 s\"\n";
    let text = scenario("\"kafka\"", 20, "kind = \"black-hole\"\non = \"links\"")
        .replace("5k", "1k")
        .replace("prefetch = 16", "prefetch = 16\nwindow = 200");
    let outcome = outcome(&place, &(text + workers_alone));
    let [cell] = cells_of(&outcome, "kafka")[..] else { panic!("one cell") };
    assert!(cell.counts.balances && cell.error.is_none(), "{cell:?}");
    let [both, _] = cell.trials.as_slice() else { panic!("two trials: {:?}", cell.trials) };
    // At 1k/s an interval is 2 s, of which the baseline has three: too few to
    // say more. In time is within 1 s of due, so that of 2 s in the hole the
    // first cannot be, however soon Kafka is back.
    assert!(seconds(both, "served.in_fault") < 0.5, "{both:?}");
    let series = &cell.series.columns;
    for from in [6.0, 12.0] {
        assert_eq!(done_between(cell, from + 0.9, from + 1.9), 0.0, "{:?}", series["throughput"]);
        assert!(done_between(cell, from + 2.0, from + 6.0) > 0.0, "{:?}", series["throughput"]);
    }
    let offered = |from: f64| {
        let bins = whole_bins(cell, "offered", from + 0.9, from + 1.9);
        bins.iter().sum::<f64>() / bins.len() as f64
    };
    let (cut_off, goes_on) = (offered(6.0), offered(12.0));
    assert!(cut_off < 100.0, "{cut_off}/s while nobody confirms: {:?}", series["offered"]);
    assert!(goes_on > 500.0, "{goes_on}/s while workers hear nothing: {:?}", series["offered"]);
    assert_eq!(cell.counts.lost, 0, "{:?}", cell.counts);
    place.wait_until_nothing_is_left("after two faults");
}

/// A primary whose replicas hear nothing vouches for nothing, and its clients
/// and sentinels notice no more than that.
#[test]
fn a_primary_that_is_cut_off_confirms_nothing() {
    let place = Place::new();
    let fault = "kind = \"black-hole\"\non = \"between-brokers\"";
    let text = scenario("\"redis-asynq/sentinel-wait\"", 10, fault).replace("5k", "500");
    let outcome = outcome(&place, &text.replace("[load]", "clusters = true\n[load]"));
    let (cell, trial) = trial(&outcome);
    assert_eq!(trial.fault, "black-hole between-brokers at 6 s for 2 s");
    let [ok, unknown] = [cell.counts.grid.ok, cell.counts.grid.unknown];
    let vouched: u64 = ok.iter().sum();
    assert!(vouched > 3_000, "{:?}", cell.counts);
    assert!(unknown.iter().sum::<u64>() > 0, "{:?}", cell.counts);
    assert_eq!(cell.counts.lost, 0, "{:?}", cell.counts);
    let ends = [MomentKind::Disconnected, MomentKind::Broker];
    let told = cell.moments.iter().filter(|mark| ends.contains(&mark.kind));
    assert_eq!(told.count(), 0, "{:?}", cell.moments);
    place.wait_until_nothing_is_left("after a fault");
}

#[test]
fn a_slow_road_shows_in_the_latency() {
    let place = Place::new();
    let fault = "kind = \"delay\"\ndelay = \"500 ms\"\non = \"producer-broker\"";
    let text = scenario("\"redis-asynq\"", 13, fault).replace("5k", "1k");
    let outcome = outcome(&place, &text.replace("for = \"2 s\"", "for = \"6 s\""));
    let (cell, _) = trial(&outcome);
    let (p50, start, width) = (&cell.series.columns["p50"], cell.series.start_s, cell.series.bin_s);
    let least = |from: f64, to: f64| {
        let begins = |bin: usize| start + width * bin as f64;
        let within = |bin: &usize| begins(*bin) >= from && begins(bin + 1) <= to;
        let bins = (0..p50.len()).filter(within).filter_map(|bin| p50[bin]);
        bins.reduce(f64::min).unwrap_or_else(|| panic!("a P50 from {from} to {to}: {p50:?}"))
    };
    // The best of its moments: a busy machine has others, of 50 ms and more.
    // What is under way when the road is healed arrives then.
    let (before, during) = (least(0.0, 6.0), least(6.1, 11.4));
    assert!(before < 0.5 && during >= 0.5, "{before} s, then {during} s");
    assert_eq!(cell.counts.lost, 0, "{:?}", cell.counts);
    place.wait_until_nothing_is_left("after a fault");
}

/// The positive control of what is not shown above: each of these does to the
/// goodput, or to connections, what it is there for, and nothing for longer.
#[test]
fn each_way_to_hurt_a_link_shows_while_it_lasts() {
    let place = Place::new();
    let fault = |kind: &str, at: u32, more: &str| {
        format!("[[fault]]\nkind = \"{kind}\"\non = \"links\"\nat = \"{at} s\"\n{more}\n")
    };
    let second = "for = \"1 s\"\n";
    let more = [
        // Clients hear nothing and are heard.
        fault("black-hole", 5, &format!("{second}side = \"from-broker\"")),
        // Connections that exist go on when others are refused: these are reset.
        fault("refuse", 8, second),
        fault("reset", 8, ""),
        // No connection lives long enough to sign in.
        fault("cut", 11, &format!("{second}bytes = \"20 B\"")),
        // Clients are not heard, and hear what the broker still says.
        fault("black-hole", 14, &format!("{second}side = \"to-broker\"")),
    ];
    let slice = "kind = \"slice\"\non = \"links\"\nbytes = \"2 B\"";
    let text = scenario("\"redis-asynq\"", 17, slice)
        .replace("rates = [\"5k\"]", "rates = [\"1k\"]")
        .replace("at = \"6 s\"\nfor = \"2 s\"", "at = \"2 s\"\nfor = \"1 s\"");
    let outcome = outcome(&place, &(text + &more.concat()));
    let [cell] = cells_of(&outcome, "redis-asynq")[..] else { panic!("one cell") };
    assert!(cell.counts.balances && cell.error.is_none(), "{:?}", cell.error);
    // What begins together is one trial.
    assert_eq!(cell.trials.len(), 5, "{:?}", cell.trials);
    assert_eq!(cell.counts.lost, 0, "{:?}", cell.counts);
    let done = |from, to| done_between(cell, from, to);
    // 2 B a millisecond are 2 kB/s, of which 1k/s would need 100 kB and more.
    let (before, sliced) = (done(0.5, 1.9), done(2.3, 2.9));
    assert!(sliced < 0.2 * before, "{before}/s, then {sliced}/s in slices");
    // Half open, refused and reset, cut at once, half open the other way.
    for second in [5.0, 8.0, 11.0, 14.0] {
        assert_eq!(done(second + 0.3, second + 0.95), 0.0, "at {second} s");
    }
    // Between them it goes on: each was over when it was said to be.
    for second in [4.0, 7.0, 10.0, 13.0, 16.0] {
        assert!(done(second, second + 1.0) > 0.0, "from {second} s");
    }
    let lost = |from: f64, who: &str| {
        let of_it = |mark: &&schedbench_reports::outcome::Mark| {
            let is_then = (from..from + 1.2).contains(&mark.at_s);
            mark.kind == MomentKind::Disconnected && is_then && mark.text.starts_with(who)
        };
        cell.moments.iter().filter(of_it).count()
    };
    for who in ["connection ", "worker 1 ", "worker 2 "] {
        assert!(lost(8.0, who) > 0, "{who}was reset: {:?}", cell.moments);
        assert!(lost(11.0, who) > 0, "{who}was cut: {:?}", cell.moments);
    }
    place.wait_until_nothing_is_left("after six faults");
}
