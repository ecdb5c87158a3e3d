//! Interval logs: HdrHistogram's own reader opens them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use proptest::prelude::*;
use schedbench_reports::hlog::{HlogError, Unreadable, decode, file_name, to_hlog};
use schedbench_reports::outcome::{Cell, Histogram, Value};

use crate::example;

fn cell() -> Cell {
    let p99 = Value::Is(0.006);
    let mut cell = example::cell("redis-asynq/everysec", 20_000.0, 2, 20_000.0, p99, 0.0001);
    cell.histograms = [
        ("enqueue_latency".to_owned(), example::histogram(&[500, 70_000], 0)),
        ("start_latency".to_owned(), example::histogram(&[1_900_000, 2_100_000, 6_200_000], 20)),
    ]
    .into();
    cell.number = 17;
    cell
}

#[test]
fn the_header_is_that_of_format_1_3() {
    let run = example::outcome(vec![], vec![]).run;
    let log = to_hlog(&run, &cell()).unwrap();
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(
        lines[..9],
        [
            "#[Histogram log format version 1.3]",
            "#[Logged with schedbench 0.1.0, run 7f3a]",
            "#[Cell: redis-asynq/everysec, 20000/s, repeat 2]",
            "#[Values: ns, completed only; at +inf: no success within 2 s of due, or refused]",
            "#[StartTime: 1795408200.000 (seconds since epoch), 2026-11-23T04:30:00Z]",
            "#[BaseTime: 1795408200.000 (seconds since epoch)]",
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"",
            "#[MaxValueDivisor: 1000000.000]",
            "#[Untagged: start_latency, the headline; it comes again with its tag]",
        ]
    );
    assert!(lines[9].starts_with("43.500,10.000,6.201,HISTFAAA"), "{}", lines[9]);
    assert_eq!(lines[10], "#[AtInfinity: enqueue_latency 0]");
    assert!(lines[11].starts_with("Tag=enqueue_latency,43.500,10.000,0.070,HISTFAAA"));
    assert_eq!(lines[12], "#[AtInfinity: start_latency 20]");
    assert_eq!(lines[13], format!("Tag=start_latency,{}", lines[9]));
    assert_eq!(lines.len(), 14);
}

#[test]
fn the_crates_own_reader_gives_the_values_back() {
    let run = example::outcome(vec![], vec![]).run;
    let log = to_hlog(&run, &cell()).unwrap();
    let entries: Vec<_> = IntervalLogIterator::new(log.as_bytes()).map(Result::unwrap).collect();
    let epoch = Duration::from_secs(1_795_408_200);
    assert_eq!(entries[..2], [LogEntry::StartTime(epoch), LogEntry::BaseTime(epoch)]);
    let LogEntry::Interval(start_latency) = &entries[4] else { panic!("{:?}", entries[4]) };
    assert_eq!(start_latency.tag().unwrap().as_str(), "start_latency");
    assert_eq!(start_latency.duration(), Duration::from_secs(10));
    let bytes = STANDARD.decode(start_latency.encoded_histogram()).unwrap();
    let values: hdrhistogram::Histogram<u64> =
        Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
    assert_eq!(values, decode(&cell().histograms["start_latency"]).unwrap());
    assert_eq!(values.len(), 3);
    assert_eq!(values.value_at_quantile(0.5), values.highest_equivalent(2_100_000));
}

#[test]
fn names_and_dates_of_any_kind_leave_the_log_readable() {
    let mut run = example::outcome(vec![], vec![]).run;
    run.started = "yesterday\nTag=x".to_owned();
    run.id = "a\nb".to_owned();
    let mut cell = cell();
    cell.key.system = "a\r\nb".to_owned();
    cell.window.duration_s = f64::NAN;
    let moved = cell.histograms.remove("start_latency").unwrap();
    cell.histograms = [("start latency,\n#x".to_owned(), moved)].into();
    let log = to_hlog(&run, &cell).unwrap();
    let entries: Vec<_> = IntervalLogIterator::new(log.as_bytes()).map(Result::unwrap).collect();
    let [LogEntry::Interval(headline), LogEntry::Interval(tagged)] = &entries[..] else {
        panic!("{entries:?}")
    };
    assert_eq!(headline.tag(), None);
    assert_eq!(tagged.tag().unwrap().as_str(), "start_latency__#x");
    run.started = "0001-01-01T00:00:00Z".to_owned();
    assert!(!to_hlog(&run, &cell).unwrap().contains("StartTime:"));
}

#[test]
fn file_names_are_plain() {
    let mut cell = cell();
    assert_eq!(file_name(&cell), "redis-asynq-everysec-20000-s-repeat-2-cell-17.hlog");
    cell.key.variant = Some("delay 10 µs/../x".to_owned());
    cell.key.system = "../..".to_owned();
    let name = file_name(&cell);
    assert!(!name.contains('/') && !name.starts_with('.'), "{name}");
}

#[test]
fn a_damaged_histogram_is_named() {
    let run = example::outcome(vec![], vec![]).run;
    let mut cell = cell();
    let histogram = cell.histograms.get_mut("start_latency").unwrap();
    histogram.data = "no base64!".to_owned();
    assert_eq!(decode(histogram), Err(Unreadable::NotBase64));
    let error = to_hlog(&run, &cell).unwrap_err();
    assert!(matches!(&error, HlogError::Histogram { name, .. } if name == "start_latency"));
    assert_eq!(error.to_string(), "histogram start_latency: not base64");
}

fn damaged(bytes: &[u8]) -> Histogram {
    Histogram { data: STANDARD.encode(bytes), count: 0, at_infinity: 0, early: 0 }
}

proptest! {
    #[test]
    fn no_bytes_make_decode_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(decode(&damaged(&bytes)).is_err());
    }

    /// Zlib's checksum catches most damage, so the V2 bytes are damaged before
    /// they are packed.
    #[test]
    fn no_damage_under_the_checksum_makes_decode_panic(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        use std::io::{Read as _, Write as _};
        let good = STANDARD.decode(&example::histogram(&[1, 1_000, 1 << 40], 0).data).unwrap();
        let mut plain = Vec::new();
        flate2::read::ZlibDecoder::new(&good[8..]).read_to_end(&mut plain).unwrap();
        for (place, byte) in places {
            let place = place.index(plain.len());
            plain[place] = byte;
        }
        let mut packed = good[..8].to_vec();
        let mut zlib = flate2::write::ZlibEncoder::new(&mut packed, flate2::Compression::fast());
        zlib.write_all(&plain).unwrap();
        zlib.finish().unwrap();
        let _ = decode(&damaged(&packed));
    }
}
