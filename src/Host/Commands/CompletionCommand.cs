using System.CommandLine;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim completion</c>: prints what makes a shell complete vmsim's commands, options, keys and names.</summary>
/// <remarks>
/// The shell asks the program itself, by the parser's directive <c>[suggest:POSITION]</c>, so that it knows what this build knows. What it
/// answers holds the letters that stand anywhere in it; the scripts keep what begins with them, and leave Windows' spellings of help out.
/// </remarks>
internal static class CompletionCommand
{
    private static readonly Dictionary<string, string> Scripts = new(StringComparer.Ordinal)
    {
        ["bash"] = """
            # vmsim's completion for bash. Add to ~/.bashrc: source <(vmsim completion bash)
            _vmsim() {
                local line="${COMP_LINE:0:COMP_POINT}" word found
                word="${line##*[[:space:]]}"
                COMPREPLY=()
                while IFS= read -r found; do
                    if [[ "$found" == "$word"* && "$found" != /* ]]; then
                        COMPREPLY+=("$found")
                    fi
                done < <(vmsim "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)
                if (( COMP_CWORD > 1 )) && [[ "$word" != -* && "$word" != *=* ]]; then
                    compopt -o filenames
                    while IFS= read -r found; do
                        COMPREPLY+=("$found")
                    done < <(compgen -f -- "$word")
                fi
                if [[ "$word" == *=* && "$COMP_WORDBREAKS" == *=* ]]; then
                    COMPREPLY=("${COMPREPLY[@]#"${word%"${word##*=}"}"}")
                elif [[ "${COMPREPLY[0]}" == *= ]]; then
                    compopt -o nospace
                fi
            }
            complete -F _vmsim vmsim
            """,
        ["zsh"] = """
            #compdef vmsim
            # vmsim's completion for zsh. Add to ~/.zshrc, after compinit: source <(vmsim completion zsh)
            _vmsim() {
                local -a found keys
                found=("${(@f)$(vmsim "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
                found=("${(@)found:#/*}")
                keys=("${(@M)found:#*=}")
                found=("${(@)found:#*=}")
                compadd -S '' -- "${(@)keys}"
                compadd -- "${(@)found:#}"
                if (( CURRENT > 2 )) && [[ "$words[CURRENT]" != -* && "$words[CURRENT]" != *=* ]]; then
                    _files
                fi
            }
            compdef _vmsim vmsim
            """,
        ["fish"] = """
            # vmsim's completion for fish. Write it to ~/.config/fish/completions/vmsim.fish
            function __vmsim_suggest
                set -l line (commandline -cp)
                vmsim "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null | string match -v '/*'
            end
            complete -c vmsim -a '(__vmsim_suggest)'
            """,
    };

    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> shell = new("shell") { HelpName = "shell", Description = string.Join(", ", Scripts.Keys) };
        shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        Command command = new("completion", "Prints what makes a shell complete commands, options, keys of settings, names and files.")
        {
            shell,
        };
        command.SetAction(parsed =>
        {
            output.WriteLine(Scripts[parsed.GetValue(shell)!].ReplaceLineEndings("\n"));
            return ExitCodes.Ok;
        });
        return command;
    }
}
