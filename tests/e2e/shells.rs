//! What is generated for other programs, as those programs read it.

use std::process::{Command, Stdio};

use virtus_tests::{Outcome, World, ensure};

pub(crate) fn manuals_render_without_warnings(world: &mut World) -> Outcome {
    for (name, command) in [
        ("virtus", "dominfo"),
        ("virsh", "dominfo"),
        ("virt-admin", "server-list"),
        ("virtus-admin", "server-list"),
    ] {
        let page = world.called("virtus", &["generate", "man", name])?;
        ensure!(page.ok, "{page:?}");
        let file = world.file(&format!("{name}.1"), &page.out)?;
        let shown = Command::new("man")
            .args(["--warnings=w", "-E", "UTF-8", "-l", &file])
            .env("MANWIDTH", "80")
            .stdin(Stdio::null())
            .output()?;
        let (text, warnings) =
            (String::from_utf8_lossy(&shown.stdout), String::from_utf8_lossy(&shown.stderr));
        ensure!(shown.status.success() && warnings.is_empty(), "{name}: {warnings}");
        ensure!(text.contains(command), "{name} does not tell of {command}");
    }
    Ok(())
}

/// The script for a shell, in a file.
fn script(world: &World, shell: &str, name: &str) -> Outcome<String> {
    let script = world.called("virtus", &["generate", shell])?;
    ensure!(script.ok, "{script:?}");
    world.file(name, &script.out)
}

/// What a shell prints that is no terminal.
fn says(world: &World, shell: &[&str], program: &str) -> Outcome<String> {
    let path = format!("{}:{}", world.own_path()?, std::env::var("PATH").unwrap_or_default());
    let (name, arguments) = shell.split_first().ok_or("no shell")?;
    let done = Command::new(name)
        .args(arguments)
        .arg(program)
        .env("PATH", path)
        .env("HOME", world.home())
        .env("LIBVIRT_DEFAULT_URI", "qemu:///system")
        .stdin(Stdio::null())
        .output()?;
    let complaints = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success() && complaints.is_empty(), "{name}: {complaints}");
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// What is typed, and what it may become.
const TYPED: [(&[&str], &[&str]); 5] = [
    (&["virtus", "dominf"], &["dominfo"]),
    (&["virtus", "domstate", "al"], &["alpha"]),
    (&["virtus", "-c", "test:///default", "domstate", "te"], &["test"]),
    (&["virtus", "admin", "server-li"], &["server-list"]),
    (&["virtus", "wait", "alpha", "--for", "sh"], &["shutdown"]),
];

pub(crate) fn bash_completes(world: &mut World) -> Outcome {
    world.define("alpha")?;
    let file = script(world, "bash", "virtus.bash")?;
    for (words, proposals) in TYPED {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let program = format!(
            "source {file}; COMP_WORDS=({}) COMP_CWORD={} COMP_LINE=x; _virtus; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            quoted.join(" "),
            words.len() - 1
        );
        let proposed = says(world, &["bash", "--norc", "-c"], &program)?;
        let proposed: Vec<&str> = proposed.lines().map(str::trim_end).collect();
        ensure!(proposed == proposals, "{words:?}: {proposed:?}");
    }
    Ok(())
}

pub(crate) fn fish_completes(world: &mut World) -> Outcome {
    world.define("alpha")?;
    let file = script(world, "fish", "virtus.fish")?;
    for (words, proposals) in TYPED {
        let program = format!("source {file}; complete -C '{}'", words.join(" "));
        let proposed = says(world, &["fish", "--no-config", "-c"], &program)?;
        let proposed: Vec<&str> = proposed.lines().map(str::trim_end).collect();
        ensure!(proposed == proposals, "{words:?}: {proposed:?}");
    }
    Ok(())
}

/// zsh completes at a terminal only.
pub(crate) fn zsh_completes(world: &mut World) -> Outcome {
    world.define("alpha")?;
    script(world, "zsh", "_virtus")?;
    let mut zsh = world.shell("zsh -f")?;
    let home = world.home().display().to_string();
    zsh.send(&format!(
        "PS1='ready> '; unsetopt zle_bracketed_paste; fpath=({home} $fpath); autoload -Uz compinit; compinit -u -D; echo lo''aded\n"
    ))?;
    zsh.expect("loaded", 60)?;
    for (words, proposals) in TYPED {
        zsh.send(&words.join(" "))?;
        zsh.send("\t")?;
        // put before it what has it printed, and what is seen of the typing is not the sum
        zsh.send("\u{1}print -r -- sum$((20+2)):'\u{5}'\n")?;
        zsh.expect("sum22:", 20)?;
        let (proposal, before) =
            (proposals.concat(), words.split_last().map_or(&[][..], |(_, before)| before));
        zsh.expect(&format!("{} {proposal}", before.join(" ")), 20)?;
    }
    Ok(())
}
