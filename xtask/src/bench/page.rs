//! The simulator's speed in Chromium, and the page's frame times.

use std::path::Path;

use anyhow::Result;

use crate::{
    chromium::Chromium,
    lab,
    tools::{self, say},
};

/// Simulated seconds a second in Chromium, from the page as it is served, and how long a frame of the page takes with a large cluster.
pub fn chromium(binary: &Path) -> Result<()> {
    let (Some(chromedriver), Some(_)) = (tools::which("chromedriver"), tools::which("chromium")) else {
        say("no chromium or chromedriver: the simulator's speed in the page is skipped");
        return Ok(());
    };
    let (server, address) = lab::serve(binary)?;
    let page = Chromium::open(&chromedriver, &format!("http://{address}/"))?;
    for linger in [5, 100] {
        let run = format!("return window.lab.bench({{scenario: 'three-brokers', seconds: 60, linger: {linger}}})");
        page.eval(&run)?; // warm: the browser compiles WASM twice, the second time for speed
        let out = page.eval(&run)?;
        let ratio = out["sim_ms"].as_f64().unwrap_or(0.0) / out["wall_ms"].as_f64().unwrap_or(1.0).max(1.0);
        println!(
            "simulator, Chromium, linger {linger} ms: {ratio:.1} times real time ({} frames, hash {}; aim 25)",
            out["frames"],
            out["hash"].as_str().unwrap_or_default()
        );
    }
    drop(page);
    let page = Chromium::open(&chromedriver, &format!("http://{address}/#scenario=nine-brokers"))?;
    let out = page.eval(FRAME_TIMES)?;
    println!(
        "page, 9 brokers x 24 partitions x RF 3, playing: a frame takes {} ms of script and layout (median; p95 {}), \
         {} ms from frame to frame (median; p95 {})",
        out["work"][0], out["work"][1], out["between"][0], out["between"][1]
    );
    drop(server);
    Ok(())
}

/// Plays for five seconds. Work is from the beginning of a frame until the page is idle again: a message posted in a
/// frame's first callback is delivered after script, style and layout of that frame.
const FRAME_TIMES: &str = "
    const button = name => [...document.querySelectorAll('button')].find(b => (b.ariaLabel ?? b.textContent) === name);
    for (let i = 0; i < 200 && !button('Play'); i++) await new Promise(r => setTimeout(r, 50));
    button('Play').click();
    const between = [], work = [], channel = new MessageChannel();
    let last = 0, began = 0;
    channel.port1.onmessage = () => work.push(performance.now() - began);
    const end = performance.now() + 5000;
    await new Promise(done => requestAnimationFrame(function frame(now) {
        if (last) between.push(now - last);
        last = now;
        began = performance.now();
        channel.port2.postMessage(0);
        performance.now() < end ? requestAnimationFrame(frame) : done();
    }));
    const stats = a => { a.sort((x, y) => x - y); return [.5, .95].map(q => +a[Math.floor(a.length * q)].toFixed(1)); };
    return {between: stats(between), work: stats(work)};";
