//! What a crate costs whoever builds on it: the smallest program that uses it, in the smallest
//! feature set, built from nothing in a folder of its own with the versions of the root's lock.

use std::{
    collections::BTreeSet,
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use crate::row::{Row, Rows};

struct Program {
    package: &'static str,
    main: &'static str,
    /// What it needs beside the crate.
    needs: &'static str,
}

const PROGRAMS: [Program; 3] = [
    Program { package: "cos-proto", main: include_str!("../programs/cos-proto.rs"), needs: "" },
    Program {
        package: "cos-tokio",
        main: include_str!("../programs/cos-tokio.rs"),
        needs: "tokio = { version = \"1\", default-features = false, features = [\"rt\"] }\n",
    },
    Program {
        package: "cos-blocking",
        main: include_str!("../programs/cos-blocking.rs"),
        needs: "",
    },
];
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const NAME: &str = "smallest";
const COULD_GO: &str = "Could go: `time` with time-core, time-macros, deranged, num-conv and \
    powerfmt, for a parser of two date forms of our own; `hex` and `base64`, for some lines each. \
    Kept: a library that others look after is worth a second of build time.";

/// Build time, size and dependencies of each crate.
pub fn rows() -> Rows {
    let mut rows = Vec::new();
    for program in &PROGRAMS {
        let folder = Folder::with(program)?;
        let begun = Instant::now();
        cargo(&folder.0, &["build", "--release", "--offline", "--quiet"])?;
        let built = begun.elapsed().as_secs_f64();
        let size = fs::metadata(folder.0.join("target/release").join(NAME))?.len();
        let package = program.package;
        let dependencies = dependencies(package)?;
        rows.push(Row::new(format!("build a program on {package}, from nothing"), "s", built));
        rows.push(Row::new("… its binary, stripped", "KiB", size as f64 / 1024.0));
        let count = Row::new("… crates it depends on", "", dependencies.len() as f64);
        let names = dependencies.into_iter().collect::<Vec<_>>().join(", ");
        rows.push(if package == "cos-proto" {
            count.note(format!("{names}. {COULD_GO}"))
        } else {
            count
        });
    }
    Ok(rows)
}

/// A package with one program, which is removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn with(program: &Program) -> Result<Self, Box<dyn Error>> {
        let name = format!("{}-{}", program.package, std::process::id());
        let folder = Self(env::temp_dir().join(name));
        fs::create_dir_all(folder.0.join("src"))?;
        fs::write(folder.0.join("src/main.rs"), program.main)?;
        let root = fs::canonicalize(ROOT)?;
        let Program { package, needs, .. } = program;
        let manifest = format!(
            "[package]\nname = \"{NAME}\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
             {package} = {{ path = \"{}\", default-features = false }}\n{needs}\n\
             [profile.release]\nstrip = true\n",
            root.join(package).display(),
        );
        fs::write(folder.0.join("Cargo.toml"), manifest)?;
        fs::copy(root.join("Cargo.lock"), folder.0.join("Cargo.lock"))?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is only a temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The crates that a package links on this platform without features, but for itself.
fn dependencies(package: &str) -> Result<BTreeSet<String>, Box<dyn Error>> {
    let arguments = ["tree", "--package", package, "--edges", "normal", "--prefix", "none"];
    let tree = cargo(Path::new(ROOT), &[&arguments[..], &["--locked", "--offline"]].concat())?;
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    Ok(names.filter(|name| *name != package).map(str::to_owned).collect())
}

/// Runs cargo as its user would: what this program was itself run with must not change the build.
fn cargo(folder: &Path, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let output = Command::new("cargo")
        .args(arguments)
        .current_dir(folder)
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("CARGO_BUILD_TARGET_DIR")
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
