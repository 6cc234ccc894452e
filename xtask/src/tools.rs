//! Sets up the tools the project needs, each only when it is missing, and says what it does.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

const TRUNK: &str = "0.21.14";
const BINARYEN: &str = "132.0.0";
const AXE: &str = "4.14.1";

/// What of the optional tools is there. What is absent was printed with the command that installs it.
pub struct Tools {
    pub chromium: Option<PathBuf>,
    pub chromedriver: Option<PathBuf>,
    pub kcat: Option<PathBuf>,
    pub node: Option<PathBuf>,
}

/// A shell in the project's root that finds the tools installed here before others of the same name.
pub fn shell() -> Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(crate::root());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(home().join("bin")).chain(std::env::split_paths(&path));
    sh.set_var("PATH", std::env::join_paths(dirs)?);
    Ok(sh)
}

/// Everything for building the page: required.
pub fn ensure_page(sh: &Shell) -> Result<()> {
    if !cmd!(sh, "rustup target list --installed").quiet().read()?.contains("wasm32-unknown-unknown") {
        say("installing the WASM target with rustup");
        cmd!(sh, "rustup target add wasm32-unknown-unknown").run()?;
    }
    if !version_is(sh, "trunk", TRUNK) {
        say("installing trunk (usually 2 to 3 minutes, once)");
        // It serves and downloads nothing here, so it needs no TLS.
        cargo_install(sh, &["trunk", "--no-default-features", "--version", TRUNK])?;
    }
    let bindgen = locked_version("wasm-bindgen")?;
    if !version_is(sh, "wasm-bindgen", &bindgen) {
        say("installing wasm-bindgen-cli (usually a minute, once)");
        cargo_install(sh, &["wasm-bindgen-cli", "--version", &bindgen])?;
    }
    Ok(())
}

/// Everything, with the optional tools of the tests.
pub fn ensure_all() -> Result<Tools> {
    let sh = shell()?;
    ensure_page(&sh)?;
    let names = ["chromium", "chromedriver", "kcat"];
    let missing: Vec<&str> = names.into_iter().filter(|name| which(name).is_none()).collect();
    if !missing.is_empty() {
        let packages: Vec<&str> =
            missing.iter().map(|&n| if n == "chromedriver" { "chromium-driver" } else { n }).collect();
        if which("apt-get").is_some() && cmd!(sh, "id -u").quiet().read().is_ok_and(|id| id == "0") {
            say(&format!("installing {} with apt", packages.join(", ")));
            let installed = cmd!(sh, "apt-get update -q").quiet().ignore_stdout().run().and_then(|()| {
                cmd!(sh, "apt-get install -qy {packages...}")
                    .env("DEBIAN_FRONTEND", "noninteractive")
                    .quiet()
                    .ignore_stdout()
                    .run()
            });
            if let Err(error) = installed {
                say(&format!("apt failed ({error}); going on without"));
            }
        } else {
            say(&format!(
                "not found: {}. On Debian: apt-get install {}. Their tests are skipped.",
                missing.join(", "),
                packages.join(" ")
            ));
        }
    }
    let tools = Tools {
        chromium: which("chromium"),
        chromedriver: which("chromedriver"),
        kcat: which("kcat"),
        node: which("node"),
    };
    if tools.node.is_none() {
        say("not found: node. The golden traces on wasm32 are skipped; install Node.js 20 or newer to run them.");
    }
    Ok(tools)
}

/// wasm-opt only makes the small page smaller, so its absence is said and not fatal.
pub fn ensure_wasm_opt(sh: &Shell) {
    if which("wasm-opt").is_some() {
        return;
    }
    if which("npm").is_none() {
        say("not found: wasm-opt (npm install -g binaryen). The page is built without it and is larger.");
        return;
    }
    say("installing wasm-opt from the npm package binaryen");
    let package = format!("binaryen@{BINARYEN}");
    if let Err(error) = cmd!(sh, "npm install --silent --no-fund --no-audit -g {package}").quiet().run() {
        say(&format!("npm failed ({error}); the page is built without wasm-opt and is larger"));
    }
}

/// The accessibility checker, a script that the browser tests run in the page; kept in `target`.
pub fn ensure_axe(sh: &Shell) -> Option<PathBuf> {
    let home = crate::root().join("target/axe");
    let script = home.join("node_modules/axe-core/axe.min.js");
    if !script.is_file() {
        if which("npm").is_none() {
            say("not found: npm, which fetches axe-core. The accessibility test is skipped.");
            return None;
        }
        say("fetching axe-core with npm");
        let package = format!("axe-core@{AXE}");
        if let Err(error) =
            cmd!(sh, "npm install --silent --no-fund --no-audit --prefix {home} {package}").quiet().run()
        {
            say(&format!("npm failed ({error}); the accessibility test is skipped"));
        }
    }
    script.is_file().then_some(script)
}

/// Installs a tool for this project alone, whatever versions of it there are elsewhere: with the dependencies its authors
/// locked, or, where a mirror lacks one of them, with what cargo finds.
fn cargo_install(sh: &Shell, args: &[&str]) -> Result<()> {
    let home = home();
    let built = crate::root().join("target/tools");
    // It runs for seconds and is compiled for minutes, so it is not optimized.
    let install = |args: &[&str]| {
        cmd!(sh, "cargo install --root {home} --target-dir {built} {args...}")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
            .run()
    };
    let locked: Vec<&str> = args.iter().copied().chain(["--locked"]).collect();
    if let Err(error) = install(&locked) {
        say(&format!("{error}; once more, with other versions of what {} needs", args[0]));
        install(args).with_context(|| format!("cargo install {}", args.join(" ")))?;
    }
    sh.remove_path(built)?;
    Ok(())
}

/// Where this project's own tools are, for all its clones.
fn home() -> PathBuf {
    cargo_home().join("kafka-lab")
}

fn cargo_home() -> PathBuf {
    let set = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    set.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"))).unwrap_or_default()
}

fn version_is(sh: &Shell, tool: &str, version: &str) -> bool {
    which(tool).is_some()
        && cmd!(sh, "{tool} --version")
            .quiet()
            .ignore_stderr()
            .read()
            .is_ok_and(|out| out.split_whitespace().any(|w| w == version))
}

/// The version of a package in Cargo.lock: wasm-bindgen's library and command must be the same.
fn locked_version(package: &str) -> Result<String> {
    let lock = std::fs::read_to_string(crate::root().join("Cargo.lock")).context("reading Cargo.lock")?;
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{package}\""));
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    match version {
        Some(version) => Ok(version.to_owned()),
        None => bail!("Cargo.lock does not hold {package}"),
    }
}

/// The first executable of that name among this project's tools, on PATH, or among cargo's own.
pub fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let dirs = std::iter::once(home().join("bin")).chain(std::env::split_paths(&path));
    dirs.chain([cargo_home().join("bin")]).map(|dir| dir.join(name)).find(|file| file.is_file())
}

pub fn say(what: &str) {
    eprintln!("\x1b[1m==> {what}\x1b[0m");
}
