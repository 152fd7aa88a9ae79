using System.Diagnostics;
using System.Globalization;
using VmSim.Core.Programs;
using VmSim.Host.Files;

namespace VmSim.Host.Capture;

/// <summary>
/// Finds the functions and source lines of addresses in programs and libraries, each once: functions by their symbols, lines by addr2line
/// of binutils, if it is installed and the file has lines.
/// </summary>
internal sealed class SourceLines : IDisposable
{
    /// <summary>What to tell when lines could not be looked for.</summary>
    public const string Missing = "note: call sites are without source lines; addr2line finds them: apt-get install binutils";

    /// <summary>Programs whose addr2line is kept running; more are asked once an address.</summary>
    private const int ProgramsKept = 16;

    private readonly Dictionary<string, Process?> _tools = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ProgramSymbols?> _symbols = new(StringComparer.Ordinal);
    private readonly Dictionary<(string, ulong), string?> _lines = [];
    private readonly string? _tool = CaptureTools.Find("addr2line");
    private readonly Action _end;

    /// <summary>Begins.</summary>
    public SourceLines()
    {
        _end = End;
        Leftovers.Add(_end);
    }

    /// <summary>Whether an address had symbols, and nobody could be asked for its line.</summary>
    public bool IsToolMissing { get; private set; }

    /// <summary>The symbols of a file; null if it has none that can be read.</summary>
    public ProgramSymbols? SymbolsOf(string path)
    {
        if (!_symbols.TryGetValue(path, out ProgramSymbols? symbols))
        {
            symbols = Path.IsPathFullyQualified(path) ? ProgramSymbols.Read(path) : null;
            _symbols.Add(path, symbols);
        }

        return symbols;
    }

    /// <summary>
    /// The line of an address, as <c>file:line</c> without folders; null where nobody knows, and in the C library, whose lines nobody looks
    /// for.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="address">The address as it stands in the file.</param>
    public string? Find(string path, ulong address)
    {
        if (_lines.TryGetValue((path, address), out string? line))
        {
            return line;
        }

        if (!CallSite.IsOfLibrary(Path.GetFileName(path)) && SymbolsOf(path) is not null)
        {
            IsToolMissing |= _tool is null;
            line = _tool is null ? null : Ask(path, address);
        }

        _lines.Add((path, address), line);
        return line;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Leftovers.Forget(_end);
        End();
    }

    private string? Ask(string path, ulong address)
    {
        if (!_tools.TryGetValue(path, out Process? tool))
        {
            tool = _tools.Count < ProgramsKept ? Start(path) : null;
            _tools.Add(path, tool);
        }

        try
        {
            tool?.StandardInput.WriteLine(address.ToString("x", CultureInfo.InvariantCulture));
            return Shortened(tool?.StandardOutput.ReadLine());
        }
        catch (IOException)
        {
            // It has ended; what it did not say nobody knows.
            return null;
        }
    }

    private Process? Start(string path)
    {
        ProcessStartInfo start = new(_tool!)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("-e");
        start.ArgumentList.Add(path);
        try
        {
            Process? process = Process.Start(start);
            if (process is not null)
            {
                process.StandardInput.AutoFlush = true;
                process.ErrorDataReceived += static (_, _) => { };
                process.BeginErrorReadLine();
            }

            return process;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    /// <summary>"/home/me/pool.c:212 (discriminator 3)" as "pool.c:212"; null for "??:0" and "pool.c:?".</summary>
    private static string? Shortened(string? answer)
    {
        string text = answer?.Split(" (discriminator")[0] ?? "";
        int colon = text.LastIndexOf(':');
        string line = text[(colon + 1)..];
        bool isNumber = line.Length > 0 && line != "0" && line.All(char.IsAsciiDigit);
        return colon <= 0 || !isNumber || text.StartsWith("??", StringComparison.Ordinal)
            ? null
            : $"{Path.GetFileName(text[..colon])}:{line}";
    }

    private void End()
    {
        foreach (Process? tool in _tools.Values)
        {
            try
            {
                tool?.StandardInput.Close();
                tool?.Kill();
            }
            catch (Exception reason) when (reason is InvalidOperationException or IOException or System.ComponentModel.Win32Exception)
            {
                // It has ended already.
            }

            tool?.Dispose();
        }

        _tools.Clear();
    }
}
