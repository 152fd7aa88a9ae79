using System.Text;

namespace VmSim.Core.Traces.Import.Perf;

/// <summary>perf's own records, as perf script shows them with --show-task-events, --show-mmap-events and --show-lost-events.</summary>
/// <remarks>tools/perf/util/event.c, perf_event__fprintf and its callees.</remarks>
internal readonly ref struct PerfRecords(PerfRecording recording, ImportSummary summary, bool namesProcesses)
{
    /// <summary>Takes a record.</summary>
    /// <returns>False if it does not say what such a record says.</returns>
    public bool TryTake(string name, PerfLine line)
    {
        switch (name)
        {
            case "PERF_RECORD_FORK":
                return TryFork(line.Text);
            case "PERF_RECORD_EXIT":
                return TryExit(line.Text);
            case "PERF_RECORD_COMM":
                return TryName(line.Text);
            case "PERF_RECORD_MMAP" or "PERF_RECORD_MMAP2":
                return TryMapping(line.Text);
            case "PERF_RECORD_LOST" or "PERF_RECORD_LOST_SAMPLES":
                return TryLost(line.Text);
            default:
                ImportSummary.Add(summary.Records, name);
                return true;
        }
    }

    /// <summary>(29058:29060):(29058:29058): the new process and thread, then those that made them.</summary>
    private bool TryFork(ReadOnlySpan<byte> text)
    {
        if (!TryPair(ref text, out ulong process, out ulong thread) || !text.StartsWith(":"u8))
        {
            return false;
        }

        text = text[1..];
        if (!TryPair(ref text, out ulong parent, out ulong maker))
        {
            return false;
        }

        if (recording.FindProcess(parent) is not null && recording.Get(parent, maker, -1) is { } known)
        {
            recording.Fork(known, thread, process, namesProcesses);
        }
        else
        {
            ImportSummary.Add(summary.Records, "PERF_RECORD_FORK of others");
        }

        return true;
    }

    private bool TryExit(ReadOnlySpan<byte> text)
    {
        if (!TryPair(ref text, out _, out ulong thread))
        {
            return false;
        }

        recording.Exit(thread);
        return true;
    }

    /// <summary>exec: NAME:PID/TID when a program begins, : NAME:PID/TID when a thread gets another name.</summary>
    private bool TryName(ReadOnlySpan<byte> text)
    {
        int colon = text.LastIndexOf((byte)':');
        if (colon < 0)
        {
            return false;
        }

        ReadOnlySpan<byte> rest = text[(colon + 1)..];
        if (!PerfText.TryDecimal(ref rest, out ulong process) || !rest.StartsWith("/"u8))
        {
            return false;
        }

        rest = rest[1..];
        bool isRead = PerfText.TryDecimal(ref rest, out ulong thread);
        if (isRead && text.StartsWith(" exec:"u8) && recording.Get(process, thread, -1) is { } known)
        {
            known.Process.Execute(known);
        }

        return isRead;
    }

    /// <summary>
    /// 423/423: [0x558dde756000(0x1000) @ 0x1000 fe:00 11724177 2146526946]: r-xp /tmp/t; -1/0 is the kernel's.
    /// </summary>
    private bool TryMapping(ReadOnlySpan<byte> text)
    {
        PerfText.SkipBlanks(ref text);
        bool isKernel = text.StartsWith("-1/"u8);
        if (isKernel)
        {
            ImportSummary.Add(summary.Records, "mappings of the kernel");
            return true;
        }

        if (!PerfText.TryDecimal(ref text, out ulong process) || !text.StartsWith("/"u8))
        {
            return false;
        }

        text = text[1..];
        if (!PerfText.TryDecimal(ref text, out ulong thread) || !text.StartsWith(": ["u8) || !TryRange(text[3..], out PerfMapping mapping))
        {
            return false;
        }

        Take(recording.Get(process, thread, -1), mapping);
        return true;
    }

    private void Take(PerfThread? thread, PerfMapping mapping)
    {
        if (thread is null)
        {
            ImportSummary.Add(summary.Records, "mappings of others");
            return;
        }

        thread.Process.Stacks.Mapped(mapping);
        switch (thread.Call?.Form?.Number)
        {
            case 9:
                thread.Call.Path = mapping.Path.StartsWith('/') ? mapping.Path : null;
                ImportSummary.Add(summary.Records, "mappings within mmap");
                break;
            case null or 30 or 59 or 322:
                thread.Process.Mapped(thread, mapping);
                break;
            default:
                ImportSummary.Add(summary.Records, $"mappings within {thread.Call.Name}");
                break;
        }
    }

    private static bool TryRange(ReadOnlySpan<byte> text, out PerfMapping mapping)
    {
        mapping = default;
        if (!PerfText.TryHex(ref text, out ulong start) || !text.StartsWith("("u8))
        {
            return false;
        }

        text = text[1..];
        if (!PerfText.TryHex(ref text, out ulong bytes) || !text.StartsWith(") @ "u8))
        {
            return false;
        }

        text = text[4..];
        int close = text.IndexOf("]: "u8);
        if (!PerfText.TryHex(ref text, out ulong offset) || close < 0)
        {
            return false;
        }

        close = text.IndexOf("]: "u8);
        ReadOnlySpan<byte> rest = text[(close + 3)..];
        int blank = rest.IndexOf((byte)' ');
        if (blank < 1)
        {
            return false;
        }

        ReadOnlySpan<byte> rights = rest[..blank];
        ulong protection = (rights.Contains((byte)'r') ? 1UL : 0) | (rights.Contains((byte)'w') ? 2UL : 0)
            | (rights.Contains((byte)'x') ? 4UL : 0);

        // PERF_RECORD_MMAP says r or x alone: of data, or of code, which can be read too.
        protection |= rights.Length == 1 ? 1UL : 0;
        string path = Encoding.UTF8.GetString(rest[(blank + 1)..].TrimEnd((byte)' '));
        mapping = new PerfMapping(start, bytes, offset, protection, rights.EndsWith("s"u8), path);
        return path.Length > 0;
    }

    private bool TryLost(ReadOnlySpan<byte> text)
    {
        int at = text.LastIndexOf("lost "u8);
        ReadOnlySpan<byte> rest = at < 0 ? default : text[(at + 5)..];
        bool isRead = PerfText.TryDecimal(ref rest, out ulong count);
        summary.Lost += isRead ? (long)Math.Min(count, int.MaxValue) : 0;
        return isRead;
    }

    private static bool TryPair(ref ReadOnlySpan<byte> text, out ulong first, out ulong second)
    {
        second = 0;
        first = 0;
        if (!text.StartsWith("("u8))
        {
            return false;
        }

        text = text[1..];
        if (!PerfText.TryDecimal(ref text, out first) || !text.StartsWith(":"u8))
        {
            return false;
        }

        text = text[1..];
        if (!PerfText.TryDecimal(ref text, out second) || !text.StartsWith(")"u8))
        {
            return false;
        }

        text = text[1..];
        return true;
    }
}
