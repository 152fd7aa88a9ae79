using Spectre.Console;
using Spectre.Console.Rendering;

namespace VmSim.Host.Terminal;

/// <summary>Consoles: coloured and as wide as the window on a terminal, plain and 80 columns wide when piped or with NO_COLOR.</summary>
public static class Consoles
{
    /// <summary>Columns when the output is not a terminal.</summary>
    public const int PlainWidth = 80;

    /// <summary>A console that writes to <paramref name="output"/>.</summary>
    public static IAnsiConsole For(TextWriter output)
    {
        bool terminal = IsTerminal(output);
        bool colours = terminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = colours ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = colours ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(colours ? PlainWriter.Below(output) : output),
        });
        console.Pipeline.Attach(new PlainText());
        if (!terminal)
        {
            console.Profile.Width = PlainWidth;
        }

        return console;
    }

    /// <summary>Whether what is written goes to a terminal.</summary>
    public static bool IsTerminal(TextWriter output) => PlainWriter.IsOver(output, Console.Out) && !Console.IsOutputRedirected;

    /// <summary>Takes control characters out of what is shown, where colours are let through.</summary>
    private sealed class PlainText : IRenderHook
    {
        public IEnumerable<IRenderable> Process(RenderOptions options, IEnumerable<IRenderable> renderables) =>
            renderables.Select(item => new PlainItem(item));
    }

    private sealed class PlainItem(IRenderable item) : IRenderable
    {
        public Measurement Measure(RenderOptions options, int maxWidth) => item.Measure(options, maxWidth);

        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => item.Render(options, maxWidth).Select(segment =>
            segment.IsControlCode || segment.IsLineBreak ? segment : new Segment(PlainWriter.Plain(segment.Text), segment.Style));
    }
}
