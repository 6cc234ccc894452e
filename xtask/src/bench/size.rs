//! What the page weighs.

use anyhow::Result;
use xshell::{Shell, cmd};

/// What the page weighs on the wire.
pub fn size() -> Result<()> {
    let page = crate::root().join("target/page");
    for entry in std::fs::read_dir(page)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "wasm") {
            let plain = std::fs::metadata(&path)?.len();
            let sh = Shell::new()?;
            let packed = cmd!(sh, "gzip -9 -c {path}").quiet().output()?.stdout.len();
            let sent = std::fs::metadata(path.with_extension("wasm.br"))?.len();
            let [plain, packed, sent] = [plain as f64, packed as f64, sent as f64].map(|bytes| bytes / 1e6);
            println!(
                "page: WASM {plain:.2} MB; as it is sent, with brotli, {sent:.2} MB (aim 1.5); gzip {packed:.2} MB"
            );
        }
    }
    Ok(())
}
