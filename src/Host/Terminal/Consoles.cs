using Spectre.Console;

namespace VmSim.Host.Terminal;

/// <summary>Consoles: coloured and as wide as the window on a terminal, plain and 80 columns wide when piped or with NO_COLOR.</summary>
public static class Consoles
{
    /// <summary>Columns when the output is not a terminal.</summary>
    public const int PlainWidth = 80;

    /// <summary>A console that writes to <paramref name="output"/>.</summary>
    public static IAnsiConsole For(TextWriter output)
    {
        bool terminal = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected;
        bool colours = terminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = colours ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = colours ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(output),
        });
        if (!terminal)
        {
            console.Profile.Width = PlainWidth;
        }

        return console;
    }
}
