//! The socket in the cluster's folder by which the command line reaches a running supervisor: one JSON line each way.

use std::{
    fs::{self, Permissions},
    io::{BufRead, BufReader, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream as StdUnixStream},
    path::{Path, PathBuf},
    time::Duration,
};

use lab_core::view::Action;
use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;

use super::{Handle, status::Status};
use crate::{
    failure::{Failure, Outcome, While},
    node::channel,
};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    Status,
    Act { act: Action },
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Reply {
    pub error: Option<String>,
    pub status: Option<Status>,
}

/// Socket names are at most 108 bytes long; a longer one goes through the open folder.
fn socket_path(dir: &Path) -> Outcome<(PathBuf, Option<fs::File>)> {
    let path = dir.join("control.sock");
    if path.as_os_str().len() < 100 {
        return Ok((path, None));
    }
    let folder = fs::File::open(dir).doing(|| format!("cannot use the folder {}", dir.display()))?;
    let fd = std::os::fd::AsRawFd::as_raw_fd(&folder);
    Ok((PathBuf::from(format!("/proc/self/fd/{fd}/control.sock")), Some(folder)))
}

/// Serves the socket until the process ends. The folder's lock is held, so an old socket is nobody's.
pub fn serve(dir: &Path, handle: Handle) -> Outcome {
    let (path, _folder) = socket_path(dir)?;
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path).doing(|| format!("cannot make {}", path.display()))?;
    // Whoever can write here can kill processes: the owner only.
    fs::set_permissions(&path, Permissions::from_mode(0o600)).doing(|| format!("cannot protect {}", path.display()))?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let handle = handle.clone();
            tokio::spawn(async move {
                let (mut lines, mut writer) = channel::split(stream);
                while let Some(request) = lines.next::<Request>().await {
                    let reply = match request {
                        Ok(Request::Status) => Reply { status: handle.status().await, error: None },
                        Ok(Request::Act { act }) => Reply { error: handle.act(act).await.err(), status: None },
                        Err(error) => Reply { error: Some(error.to_string()), status: None },
                    };
                    if writer.send(&reply).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    Ok(())
}

/// Asks the supervisor of the cluster in `dir`.
pub fn ask(dir: &Path, request: &Request) -> Outcome<Reply> {
    let none = || {
        Failure::new(format!("no cluster is running in {}", dir.display()))
            .next("Start one with `kafka-lab up`, or say where it is with --dir.")
    };
    let (path, _folder) = socket_path(dir).map_err(|_| none())?;
    let mut stream = StdUnixStream::connect(&path).map_err(|_| none())?;
    let what = || "the supervisor does not answer".to_owned();
    stream.set_read_timeout(Some(Duration::from_secs(30))).doing(what)?;
    let mut line = serde_json::to_vec(request).expect("plain data");
    line.push(b'\n');
    stream.write_all(&line).doing(what)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).doing(what)?;
    serde_json::from_str(&answer).doing(what)
}
