namespace VmSim.Host.Reporting;

/// <summary>One line on stderr that is written over again and again, and gone at the end; nothing when stderr is not a terminal.</summary>
internal sealed class StatusLine(TextWriter error) : IDisposable
{
    private readonly bool _shown = ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected;
    private int _width;

    /// <summary>Shows a text in place of the last.</summary>
    public void Show(string text)
    {
        if (_shown)
        {
            error.Write($"\r{text.PadRight(_width)}");
            _width = text.Length;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_width > 0)
        {
            error.Write($"\r{new string(' ', _width)}\r");
        }
    }
}
