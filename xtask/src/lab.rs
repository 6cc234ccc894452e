//! `lab` and `up`: build the page and the binary, then run it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::{
    interrupt,
    tools::{self, say},
};

/// What a build is for.
#[derive(Clone, Copy, PartialEq)]
pub enum Build {
    /// To be run and tested here: quick to build.
    Quick,
    /// To be measured and given away: the smallest page and the fastest binary, whatever they cost to build.
    Dist,
}

pub fn lab(args: &[String]) -> Result<()> {
    let (mut check, mut http) = (false, String::from("127.0.0.1:8080"));
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--check" => check = true,
            "--http" => http = args.next().context("--http needs HOST:PORT")?.clone(),
            other => bail!("lab does not know {other}; it takes --check and --http HOST:PORT"),
        }
    }
    let binary = build(Build::Quick)?;
    if check {
        return check_page(&binary);
    }
    say(&format!("the lab is at http://{http}/ (Ctrl-C ends it)"));
    let status = Command::new(binary).args(["serve", "--http", &http]).status()?;
    ensure!(status.success(), "kafka-lab serve ended with {status}");
    Ok(())
}

pub fn up(args: &[String]) -> Result<()> {
    let status = Command::new(build(Build::Quick)?).arg("up").args(args).status()?;
    ensure!(status.success(), "kafka-lab up ended with {status}");
    Ok(())
}

/// Builds the page, then the binary that holds it. Returns the binary.
pub fn build(build: Build) -> Result<PathBuf> {
    let sh = tools::shell()?;
    tools::ensure_page(&sh)?;
    build_page(&sh, build)?;
    build_binary(&sh, build)
}

/// The binary with the page that is there, however old: for what nobody looks at in a browser.
pub fn build_for_clients(kind: Build) -> Result<PathBuf> {
    if !crate::root().join("target/page/index.html").exists() {
        return build(kind);
    }
    build_binary(&tools::shell()?, kind)
}

pub fn build_binary(sh: &Shell, build: Build) -> Result<PathBuf> {
    let (profile, usually) = match build {
        Build::Quick => ("release", "2 minutes the first time, then seconds"),
        Build::Dist => ("dist", "5 minutes"),
    };
    say(&format!("building kafka-lab (usually {usually})"));
    cmd!(sh, "cargo build --profile {profile} --package kafka-lab").quiet().run()?;
    Ok(crate::root().join("target").join(profile).join("kafka-lab"))
}

/// `trunk build` into `target/page`, which the binary embeds.
pub fn build_page(sh: &Shell, build: Build) -> Result<()> {
    let page = crate::root().join("target/page/index.html");
    // Says what for the page that is there was built. Trunk empties the folder, so it lies beside.
    let stamp = crate::root().join("target/page.is-small");
    let begun = SystemTime::now();
    let built = std::fs::metadata(&page).and_then(|page| page.modified());
    if let Ok(built) = built
        && newest(&PAGE_SOURCES.map(|source| crate::root().join(source)))? < built
        && (build == Build::Quick || stamp.exists())
    {
        say("the page is up to date");
        return Ok(());
    }
    sh.remove_path(&stamp)?;
    // NO_COLOR=1, as some terminals set it, is a value that trunk 0.21 refuses.
    let trunk = |args: &[&str]| cmd!(sh, "trunk build --offline {args...}").env_remove("NO_COLOR").quiet().run();
    match build {
        Build::Quick => {
            say("building the page (usually 3 minutes the first time, then one)");
            trunk(&[])?;
        }
        Build::Dist => {
            tools::ensure_wasm_opt(sh);
            say("building the small page (usually 6 minutes)");
            trunk(&["--release"])?;
        }
    }
    compress(&crate::root().join("target/page"), build)?;
    if build == Build::Dist {
        sh.write_file(stamp, "")?;
    }
    // What is edited while the page is built is newer than it.
    std::fs::File::options().write(true).open(page)?.set_modified(begun)?;
    Ok(())
}

/// Leaves a twin of each large file, compressed with brotli, for the server to send.
fn compress(folder: &Path, build: Build) -> Result<()> {
    // The last tenth costs ten times the time.
    let quality = if build == Build::Dist { 11 } else { 9 };
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ["wasm", "js", "css"].iter().any(|known| ending == *known)) {
            let mut twin = path.clone().into_os_string();
            twin.push(".br");
            let params = brotli::enc::BrotliEncoderParams { quality, lgwin: 24, ..Default::default() };
            let plain = std::fs::read(&path)?;
            brotli::BrotliCompress(&mut plain.as_slice(), &mut std::fs::File::create(twin)?, &params)?;
        }
    }
    Ok(())
}

/// What the page is made of.
const PAGE_SOURCES: [&str; 7] = ["Cargo.lock", "Cargo.toml", "Trunk.toml", "core", "lessons", "static", "web"];

/// When the newest of these files, or of the files below these folders, was written.
fn newest(paths: &[PathBuf]) -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for path in paths {
        let about = std::fs::metadata(path).with_context(|| path.display().to_string())?;
        // A folder's own time tells of files that are gone.
        newest = newest.max(about.modified()?);
        if about.is_dir() {
            let below: Vec<PathBuf> = std::fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
            newest = newest.max(self::newest(&below)?);
        }
    }
    Ok(newest)
}

/// Serves on a free port, fetches the page, its script and its WASM, and ends the server it started.
fn check_page(binary: &Path) -> Result<()> {
    let (_server, address) = serve(binary)?;
    let page = get(&address, "/")?;
    let assets: Vec<&str> = page
        .split(['"', '\''])
        .filter(|part| part.starts_with('/') && (part.ends_with(".js") || part.ends_with(".wasm")))
        .collect();
    ensure!(assets.iter().any(|a| a.ends_with(".wasm")), "the page names no WASM file");
    for asset in &assets {
        let body = get(&address, asset)?;
        ensure!(!body.is_empty(), "{asset} is empty");
    }
    ensure!(get(&address, "/healthz").is_ok(), "/healthz does not answer");
    for asset in assets.iter().filter(|asset| asset.ends_with(".wasm")) {
        let sent = get_with(&address, asset, "Accept-Encoding: gzip, br\r\n")?;
        ensure!(sent.len() < get(&address, asset)?.len(), "{asset} is not sent compressed");
    }
    println!("lab --check: page served at {address}, {} assets fetched", assets.len());
    Ok(())
}

/// A server on a free port whose page answers, and its address.
pub fn serve(binary: &Path) -> Result<(KillOnDrop, String)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    let server = KillOnDrop(Command::new(binary).args(["serve", "--http", &address]).stdin(Stdio::null()).spawn()?);
    poll(Duration::from_secs(20), || get(&address, "/").ok().filter(|page| page.contains("<title")))
        .context("the page was not served within 20 s")?;
    Ok((server, address))
}

/// A GET over plain HTTP/1.1; the body, read as text where it is text.
fn get(address: &str, path: &str) -> Result<String> {
    get_with(address, path, "").map(|body| String::from_utf8_lossy(&body).into_owned())
}

fn get_with(address: &str, path: &str, headers: &str) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\n\r\n")?;
    let mut reader = BufReader::new(stream);
    let mut status = String::new();
    reader.read_line(&mut status)?;
    ensure!(status.contains(" 200 "), "GET {path}: {}", status.trim());
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest)?;
    let end = rest.windows(4).position(|four| four == b"\r\n\r\n").context("an answer without an end of its head")?;
    Ok(rest.split_off(end + 4))
}

/// Asks until there is an answer, the time is over, or the run is interrupted.
pub fn poll<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() > end || interrupt::came() {
            return None;
        }
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// Ends the process it started, by pid, however the check ends.
pub struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
