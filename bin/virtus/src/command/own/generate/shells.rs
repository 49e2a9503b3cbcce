//! Completion scripts. They only find out where the command begins; the program itself, asked by its command
//! `complete`, knows the rest.

use crate::globals;
use crate::persona::Persona;

/// All names that the program is called by.
const PROGRAMS: &str = "virtus virsh virt-admin";

/// The options that take a value as a shell's pattern, `-c|--connect|…`, and all of them as words.
fn options() -> (String, String) {
    let (mut with_value, mut all) = (Vec::new(), Vec::new());
    for option in globals::of(Persona::Virtus) {
        let names = option.names();
        if option.needs_value() {
            with_value.extend(names.clone());
        }
        all.extend(names);
    }
    (with_value.join("|"), all.join(" "))
}

pub(super) fn bash() -> String {
    let (with_value, all) = options();
    format!(
        r#"# completion of virtus, virsh and virt-admin for bash
_virtus() {{
    local cur prev cword words
    if declare -F _comp_initialize >/dev/null; then
        _comp_initialize -n =: -- "$@" || return
    elif declare -F _init_completion >/dev/null; then
        _init_completion -n =: || return
    else
        words=("${{COMP_WORDS[@]}}") cword=$COMP_CWORD cur=${{COMP_WORDS[COMP_CWORD]}}
    fi
    # what the program is told before the command: which daemon, and which of its selves
    local at=1 line proposals
    local -a before=()
    while ((at < cword)); do
        case ${{words[at]}} in
            -c | --connect) before+=("${{words[at]}}" "${{words[at + 1]}}"); at=$((at + 2)) ;;
            --connect=* | -r | --readonly) before+=("${{words[at]}}"); at=$((at + 1)) ;;
            {with_value}) at=$((at + 2)) ;;
            -*) at=$((at + 1)) ;;
            admin) [[ ${{words[0]}} == *virtus ]] || break; before+=(admin); at=$((at + 1)) ;;
            *) break ;;
        esac
    done
    COMPREPLY=()
    if ((at >= cword)) && [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "{all}" -- "$cur")
        return
    fi
    local -a typed=("${{words[@]:at:cword-at+1}}")
    proposals=$("${{words[0]}}" -q "${{before[@]}}" complete -- "${{typed[@]}}" 2>/dev/null </dev/null)
    while IFS= read -r line; do
        [[ -n $line ]] && COMPREPLY+=("$line")
    done <<<"$proposals"
    [[ ${{#COMPREPLY[@]}} -eq 1 && ${{COMPREPLY[0]}} == */ ]] && compopt -o nospace 2>/dev/null
    declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "$cur"
}}
complete -F _virtus {PROGRAMS}
"#
    )
}

pub(super) fn zsh() -> String {
    let (with_value, all) = options();
    format!(
        r#"#compdef {PROGRAMS}
# completion of virtus, virsh and virt-admin for zsh
local at=2 line
local -a before proposals
while ((at < CURRENT)); do
    case ${{words[at]}} in
        -c | --connect) before+=("${{words[at]}}" "${{(Q)words[at + 1]}}"); ((at += 2)) ;;
        --connect=* | -r | --readonly) before+=("${{(Q)words[at]}}"); ((at += 1)) ;;
        {with_value}) ((at += 2)) ;;
        -*) ((at += 1)) ;;
        admin) [[ ${{words[1]}} == *virtus ]] || break; before+=(admin); ((at += 1)) ;;
        *) break ;;
    esac
done
if ((at >= CURRENT)) && [[ ${{words[CURRENT]}} == -* ]]; then
    proposals=({all})
else
    proposals=("${{(@f)$("${{words[1]}}" -q "${{before[@]}}" complete -- "${{(@Q)words[at,CURRENT]}}" 2>/dev/null </dev/null)}}")
fi
compadd -- "${{(@)proposals:#}}"
"#
    )
}

pub(super) fn fish() -> String {
    let (with_value, all) = options();
    let with_value = with_value.replace('|', " ");
    format!(
        r#"# completion of virtus, virsh and virt-admin for fish
function __virtus_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l at 2
    set -l before
    while test $at -le (count $words)
        switch $words[$at]
            case -c --connect
                set -a before $words[$at] $words[(math $at + 1)]
                set at (math $at + 2)
            case '--connect=*' -r --readonly
                set -a before $words[$at]
                set at (math $at + 1)
            case {with_value}
                set at (math $at + 2)
            case '-*'
                set at (math $at + 1)
            case admin
                string match -q '*virtus' $words[1]; or break
                set -a before admin
                set at (math $at + 1)
            case '*'
                break
        end
    end
    if test $at -gt (count $words); and string match -q -- '-*' $current
        string split ' ' -- '{all}'
        return
    end
    $words[1] -q $before complete -- $words[$at..-1] $current 2>/dev/null </dev/null
end
for program in {PROGRAMS}
    complete -c $program -f -a '(__virtus_complete)'
end
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell that is installed reads its script without a complaint.
    fn reads(shell: &str, script: &str) {
        use std::io::Write;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(script.as_bytes()).unwrap();
        match std::process::Command::new(shell).arg("-n").arg(file.path()).output() {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
            Err(_) => eprintln!("skipped: there is no {shell}"),
        }
    }

    #[test]
    fn shells_read_their_scripts() {
        reads("bash", &bash());
        reads("zsh", &zsh());
        reads("fish", &fish());
    }
}
