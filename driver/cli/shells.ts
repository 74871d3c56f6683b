import * as path from "node:path";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

// Not bin/canary.js, which compiles a checkout whose sources have changed: a press of Tab is no time for that.
const MAIN = path.resolve(__dirname, "../main.js");
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

// The scripts ask this very program, so that they work for a clone as well as for an installed command, and never go stale. They pass
// on what was typed as it is: nothing of a line that is not finished yet is evaluated.

/** Needs no bash-completion; understands bash 3.2 and newer. */
const bash = (ask: string): string => `# canary: completion for bash
_canary() {
  local line cur="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  while IFS= read -r line; do
    case "$line" in
      :files) while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur"); compopt -o filenames 2>/dev/null ;;
      :folders) while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$cur"); compopt -o filenames 2>/dev/null ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <(${ask} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _canary canary
`;

const zsh = (ask: string): string => `#compdef canary
# canary: completion for zsh
_canary() {
  local line value
  local -a found
  while IFS= read -r line; do
    case "$line" in
      :files) _files; return ;;
      :folders) _files -/; return ;;
      *) value="\${line%%$'\\t'*}"; found+=("\${value//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done < <(${ask} "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe 'canary' found
}
compdef _canary canary
`;

const fish = (ask: string): string => `# canary: completion for fish
function __canary_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in (${ask} $words[2..-1] 2>/dev/null)
    switch $line
      case ':files'
        __fish_complete_path (commandline -ct)
      case ':folders'
        __fish_complete_directories (commandline -ct)
      case '*'
        echo $line
    end
  end
end
complete -c canary -f -a '(__canary_complete)'
`;

const SCRIPTS: Readonly<Record<Shell, (ask: string) => string>> = { bash, zsh, fish };

/** A script for a shell to read: `source <(canary completion bash)`. */
export const scriptFor = (shell: Shell): string => SCRIPTS[shell](`${quote(process.execPath)} ${quote(MAIN)} complete --`);
