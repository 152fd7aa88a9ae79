namespace VmSim.Host.Terminal;

/// <summary>
/// One line on stderr that is written over again and again, and gone at the end. When stderr is not a terminal there is a new line every
/// 30 seconds, for logs, or with <c>VMSIM_PROGRESS=lines</c> every second.
/// </summary>
internal sealed class StatusLine(TextWriter messages) : IDisposable
{
    private static readonly bool IsTerminal = !Console.IsErrorRedirected;
    private static readonly bool IsImpatient = Environment.GetEnvironmentVariable("VMSIM_PROGRESS") == "lines";
    private static readonly long LinePeriodMilliseconds = IsImpatient ? 1_000 : 30_000;
    private readonly TextWriter _line = PlainWriter.Below(messages);
    private readonly bool _shown = PlainWriter.IsOver(messages, Console.Error);
    private long _nextLine = Environment.TickCount64 + (IsImpatient ? 0 : LinePeriodMilliseconds);
    private int _width;

    /// <summary>Shows a text in place of the last.</summary>
    public void Show(string text)
    {
        if (!_shown)
        {
            return;
        }

        if (IsTerminal)
        {
            _line.Write($"\r{PlainWriter.Plain(text).PadRight(_width)}");
            _width = text.Length;
        }
        else if (Environment.TickCount64 >= _nextLine)
        {
            messages.WriteLine(text);
            _nextLine = Environment.TickCount64 + LinePeriodMilliseconds;
        }
    }

    /// <summary>Writes a line that stays.</summary>
    public void Say(string text)
    {
        Clear();
        messages.WriteLine(text);
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();

    private void Clear()
    {
        if (_width > 0)
        {
            _line.Write($"\r{new string(' ', _width)}\r");
            _width = 0;
        }
    }
}
