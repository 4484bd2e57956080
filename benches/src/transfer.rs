//! Whole transfers over a network: the server runs in a process of its own.

mod bare_hyper;
mod bare_lists;
mod bare_ureq;
mod client;
mod growth;
mod large;
mod long_line;
mod measure;
mod memory;
#[cfg(feature = "peers")]
mod opendal_client;
mod ours;
mod parts;
mod plots;
mod signing;
mod signing_hyper;
mod signing_ureq;
mod small;
mod tasks;
mod walk;

use std::net::SocketAddr;

pub use self::{client::Failed, plots::plot};

use crate::row::Row;

/// What a client process is asked to do.
pub type Task = Box<dyn FnOnce() -> Result<(), Failed>>;

/// Gives the rows of one module; true for the quick run.
pub type Measure = fn(bool) -> Result<Vec<Row>, Failed>;

/// What is measured, by the name that `--only` takes.
pub const MODULES: &[(&str, Measure)] = &[
    ("small", small::rows),
    ("large", large::rows),
    ("long-upload", long_line::upload_rows),
    ("long-read", long_line::read_rows),
    ("memory", memory::rows),
    ("walk", walk::rows),
    ("long-walk", long_line::walk_rows),
    ("long-delete", long_line::delete_rows),
    ("growth", growth::rows),
];

/// The task of a client process that these arguments name: a task, the server, and the task's own.
///
/// # Errors
/// When they name none.
pub fn task(arguments: &[&str]) -> Result<Task, Failed> {
    let [name, server, rest @ ..] = arguments else { return Err("no task".into()) };
    let run = match *name {
        "small" => small::task,
        "upload" => tasks::upload,
        "download" => tasks::download,
        "download-ahead" => tasks::download_ahead,
        "walk" => tasks::walk,
        "parts" => tasks::parts,
        _ => return Err(format!("no task {name}").into()),
    };
    let server: SocketAddr = server.parse()?;
    let rest: Vec<String> = rest.iter().map(|text| (*text).to_owned()).collect();
    Ok(Box::new(move || run(server, &rest.iter().map(|text| &**text).collect::<Vec<_>>())))
}
