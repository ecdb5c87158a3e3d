//! What `schedbench report` does with a result of 300 cells: ten systems at six
//! loads, five repeats. Its files are left in `target/tmp/largest`, for the
//! program itself and a browser (`node page.cjs --time`) to be timed with.

#[path = "../tests/outcomes/mod.rs"]
mod outcomes;

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use schedbench_reports::analysis::analyse;
use schedbench_reports::{html, load, save};

fn report(criterion: &mut Criterion) {
    let outcome = outcomes::largest();
    assert_eq!(outcome.cells.len(), 300);
    let text = save::to_json(&outcome);
    let page = html::render(&outcome);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("largest");
    std::fs::create_dir_all(&dir).expect("target is writable");
    for (name, content) in [("result.json", &text), ("report.html", &page)] {
        std::fs::write(dir.join(name), content).expect("target is writable");
        println!("{name}: {} bytes in {}", content.len(), dir.display());
    }

    let mut group = criterion.benchmark_group("report");
    group.sample_size(20);
    group.bench_function("read", |b| {
        b.iter(|| load::parse(black_box(text.as_bytes())).expect("its own text"));
    });
    group.bench_function("analyse", |b| b.iter(|| analyse(black_box(&outcome))));
    group.bench_function("page", |b| b.iter(|| html::render(black_box(&outcome))));
    group.finish();
}

criterion_group!(benches, report);
criterion_main!(benches);
