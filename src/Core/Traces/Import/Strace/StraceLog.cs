namespace VmSim.Core.Traces.Import.Strace;

/// <summary>
/// One file of strace's output, line by line: joins lines that a message of strace, or output of the program, cut in two, and passes over
/// stack traces, dumps and tables.
/// </summary>
internal sealed class StraceLog(StracePass pass, ImportSummary summary, string file, long process)
{
    private byte[]? _cut;
    private long _cutLine;
    private int _cutLines;
    private bool _isCutByMessage;
    private bool _isTable;
    private string[]? _frames;

    /// <summary>The process whose file it is; -1 for a file of all processes.</summary>
    public long Process => process;

    /// <summary>Whether the lines so far begin with process ids.</summary>
    public bool HasProcesses { get; private set; }

    /// <summary>Takes the next line.</summary>
    /// <param name="line">The line.</param>
    /// <param name="number">Its number.</param>
    /// <param name="frames">The frames of the stack that is printed behind it, the innermost first; null for none.</param>
    public void Take(ReadOnlySpan<byte> line, long number, string[]? frames = null)
    {
        summary.Lines++;
        _frames = frames;
        if (line.Contains((byte)0x1B))
        {
            line = WithoutColours(line);
        }

        if (_cut is { } cut)
        {
            _cut = null;
            if (_isCutByMessage || GoesOn(line))
            {
                TakeWhole([.. cut, .. line], _cutLine, _cutLines + 1);
                return;
            }

            RefuseCut(cut);
        }

        TakeWhole(line, number, lines: 1);
    }

    /// <summary>The file has ended.</summary>
    public void Finish()
    {
        if (_cut is { } cut)
        {
            RefuseCut(cut);
        }
    }

    private void RefuseCut(byte[] cut) =>
        pass.Refuse(new StracePlace(file, _cutLine), cut, pass.Allowed(StraceTaken.Incomplete), _cutLines);

    private void TakeWhole(ReadOnlySpan<byte> line, long number, int lines)
    {
        StraceMessage message = StraceMessage.Find(line);
        if (message.Kind != StraceMessageKind.None)
        {
            pass.Family.Tell(message, StraceMessage.Is32Bit(line));
            if (!line[..message.Start].Trim((byte)' ').IsEmpty)
            {
                (_cut, _cutLine, _cutLines, _isCutByMessage) = (line[..message.Start].ToArray(), number, lines, true);
            }

            return;
        }

        _isTable |= line.StartsWith("% time "u8);
        if (line.IsEmpty || _isTable || StraceStacks.IsFrame(line) || line.StartsWith(" | "u8) || line.StartsWith(" * "u8))
        {
            return;
        }

        StraceLine parsed = StraceLine.Parse(line);
        HasProcesses |= parsed.Process >= 0;
        StraceTaken taken = parsed.Text.IsEmpty
            ? StraceTaken.Foreign
            : pass.Take(parsed.Process >= 0 ? parsed.Process : process, parsed.Text, new StracePlace(file, number), _frames);
        if (taken == StraceTaken.Incomplete)
        {
            (_cut, _cutLine, _cutLines, _isCutByMessage) = (line.ToArray(), number, lines, false);
        }
        else if (taken != StraceTaken.Used)
        {
            pass.Refuse(new StracePlace(file, number), line, pass.Allowed(taken), lines);
        }
    }

    /// <summary>Whether a line goes on with a call whose beginning what the program wrote followed on the line before.</summary>
    private static bool GoesOn(ReadOnlySpan<byte> line) =>
        line.StartsWith(")"u8) || line.StartsWith(", "u8) || line.StartsWith(" <unfinished ...>"u8);

    /// <summary>Leaves out what --color writes: escape sequences that end in m.</summary>
    private static byte[] WithoutColours(ReadOnlySpan<byte> line)
    {
        List<byte> kept = new List<byte>(line.Length);
        for (int i = 0; i < line.Length; i++)
        {
            int end = line[i] == 0x1B && i + 1 < line.Length && line[i + 1] == (byte)'[' ? line[i..].IndexOf((byte)'m') : -1;
            if (end < 0)
            {
                kept.Add(line[i]);
            }
            else
            {
                i += end;
            }
        }

        return [.. kept];
    }
}
