//! The page in a headless Chromium: no error, no request, series, hover,
//! toggles, phone, dark, print. The steps are in `browser/page.cjs`.

mod outcomes;

use std::path::Path;
use std::process::Command;

#[test]
fn the_page_works_in_a_browser() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    assert!(
        scripts.join("node_modules/playwright-core").is_dir() && Path::new(&chromium).exists(),
        "this test needs chromium ({chromium}, or CHROMIUM) and playwright-core: run scripts/setup, \
         or `npm ci` in {}",
        scripts.display()
    );
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    std::fs::create_dir_all(&dir).expect("target is writable");
    for (name, outcome) in outcomes::all() {
        let page = schedbench_reports::html::render(&outcome);
        std::fs::write(dir.join(format!("{name}.html")), page).expect("target is writable");
    }
    let run = Command::new("node")
        .arg(scripts.join("page.cjs"))
        .arg(&dir)
        .output()
        .expect("node is installed: run scripts/setup");
    assert!(
        run.status.success(),
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
}
