//! Compiles the library that is loaded into programs, and writes it into the crate. Where it cannot be had, the reason
//! goes there in its place, and the crate says it when it is asked for a clock.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=preload.rs");
    println!("cargo::rerun-if-changed=src/layout.rs");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let library = out.join("session_clock.so");
    let expression = match supported().and_then(|target| compile(&target, &library)) {
        Ok(()) => format!("Ok(include_bytes!({:?}))", library.display().to_string()),
        Err(reason) => format!("Err({reason:?})"),
    };
    fs::write(out.join("library.rs"), expression)?;
    Ok(())
}

/// The target, if the library has code for it.
fn supported() -> Result<String, String> {
    let part = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    let target = env::var("TARGET").map_err(|error| error.to_string())?;
    let system = [part("OS"), part("ENV"), part("ARCH"), part("POINTER_WIDTH")];
    match system.each_ref().map(String::as_str) {
        ["linux", "gnu", "x86_64" | "aarch64", "64"] => Ok(target),
        _ => Err(format!(
            "a program's clock can be moved on Linux with glibc (x86_64 and aarch64), and this is {target}"
        )),
    }
}

fn compile(target: &str, library: &Path) -> Result<(), String> {
    let rustc = env::var("RUSTC").map_err(|error| error.to_string())?;
    let mut command = Command::new(rustc);
    command.args(["--edition=2024", "--crate-name=session_clock", "--crate-type=cdylib", "--target", target]);
    command.args(["-Copt-level=2", "-Cpanic=abort", "-Coverflow-checks=off", "-Cstrip=symbols"]);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        command.arg(format!("-Clinker={linker}"));
    }
    let output = command.arg("-o").arg(library).arg("preload.rs").output();
    let output =
        output.map_err(|error| format!("the library that moves clocks was not compiled: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    println!("cargo::warning=the library that moves clocks cannot be compiled for {target}");
    Err(format!("the library that moves clocks could not be compiled for {target}: {}", said.trim()))
}
