using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces.Import;

/// <summary>What importers write through: keeps the current thread, collapses references and numbers files.</summary>
/// <param name="sink">Takes the records.</param>
/// <param name="summary">Counts calls and threads.</param>
/// <param name="sets">Sets of the filter that collapses references.</param>
/// <param name="keepsLoads">Whether loads behind a store to their page are records of their own, so that counts of both are right.</param>
public sealed class TraceEmitter(IVmtSink sink, ImportSummary summary, int sets, bool keepsLoads = false)
{
    /// <summary>Call sites that are told apart.</summary>
    internal const int SitesMax = 1 << 16;

    private const int FirstInitialFile = 1001;
    private readonly PageFilter _filter = new(sink, sets, keepsLoads);
    private readonly Dictionary<string, int> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _sites = new(StringComparer.Ordinal);
    private string? _site;
    private long _sitesLeftOut;
    private int _nextFile = 1;
    private int _nextInitialFile = FirstInitialFile;
    private int _written = -1;

    /// <summary>The thread that what follows belongs to.</summary>
    public int CurrentThread { get; set; }

    /// <summary>Writes the line with which a trace begins.</summary>
    public void Header(string name) => sink.Write(VmtTextWriter.Header(name, sets));

    /// <summary>A mapping that stands before the first instruction, wherever its record stands.</summary>
    public void InitialMap(ulong start, ulong length, ulong protection, ulong flags, string? path, ulong offset, string? name)
    {
        int file = path is null ? -1 : FileId(path, ref _nextInitialFile);
        sink.Write(VmtRecord.Mapping(
            VmtKind.InitialMap, start, length, protection, flags, file, offset, string.IsNullOrEmpty(name) ? null : InLine(name)));
    }

    /// <summary>A reference of the current thread to <paramref name="size"/> bytes; it counts on each page it touches.</summary>
    public void Reference(VmtKind kind, ulong address, uint size)
    {
        EnsureThread();
        ulong page = address >> PageSizes.BaseShift;
        _filter.Reference(kind, page);
        ulong last = (address + Math.Max(size, 1) - 1) >> PageSizes.BaseShift;
        while (page < last)
        {
            _filter.Reference(kind, ++page);
        }
    }

    /// <summary>The kernel read or wrote a buffer for the current thread.</summary>
    public void KernelAccess(bool isStore, ulong address, ulong bytes)
    {
        bytes = Math.Min(bytes, VmtTextReader.MaxKernelBytes);
        if (bytes == 0 || address + bytes < address)
        {
            return;
        }

        EnsureThread();
        _filter.Pass(VmtRecord.KernelAccess(isStore, address, bytes));
    }

    /// <summary>From where the current thread makes its next call, the innermost frame first; none if that is not known.</summary>
    public void CallFrom(IReadOnlyList<string> frames)
    {
        ArgumentNullException.ThrowIfNull(frames);
        string text = string.Join(CallSite.Separator, frames.Select(AsFrame).Where(frame => frame.Length > 0).Take(CallSite.FramesMax));
        _site = text.Length > 0 ? text : null;
    }

    /// <summary>A memory-management call of the current thread, or its clone or fork.</summary>
    /// <param name="record">The call.</param>
    /// <param name="name">The name it is counted by; null if it does not count.</param>
    public void Call(VmtRecord record, string? name)
    {
        EnsureThread();
        _filter.Empty();
        WriteSite();
        sink.Write(record);
        if (name is not null)
        {
            summary.Count(name);
        }
    }

    /// <summary>mmap of the current thread, or another call that maps.</summary>
    public void Map(ulong start, ulong length, ulong protection, ulong flags, string? path, ulong offset, string? name = "mmap")
    {
        if (length == 0 || start + (length - 1) < start)
        {
            return;
        }

        EnsureThread();
        _filter.Empty();
        int file = path is null ? -1 : FileId(path, ref _nextFile);
        Call(VmtRecord.Mapping(VmtKind.Map, start, length, protection, flags, file, offset), name);
    }

    /// <summary>The end of a thread.</summary>
    public void Exit(int thread)
    {
        _filter.Empty();
        sink.Write(VmtRecord.Exit((ulong)thread));
    }

    /// <summary>A new program in the same process; its initial maps follow.</summary>
    public void Execute()
    {
        EnsureThread();
        _filter.Empty();
        sink.Write(VmtRecord.Exec());
        summary.Count("execve");
    }

    /// <summary>A line that begins with #, behind what came before.</summary>
    public void Comment(string line)
    {
        _filter.Empty();
        sink.Write(VmtRecord.Comment(line));
    }

    /// <summary>Hands on what is pending.</summary>
    public void Finish()
    {
        _filter.Empty();
        summary.Threads = Math.Max(summary.Threads, 1);
        if (_sitesLeftOut > 0)
        {
            summary.Notes.Add($"there are more than {SitesMax:N0} call sites; {_sitesLeftOut:N0} calls are without theirs.");
        }
    }

    private void EnsureThread()
    {
        if (_written == CurrentThread)
        {
            return;
        }

        _filter.Empty();
        _written = CurrentThread;
        summary.Threads = Math.Max(summary.Threads, CurrentThread + 1);
        sink.Write(VmtRecord.Thread((ulong)CurrentThread));
    }

    private void WriteSite()
    {
        if (_site is not { } site)
        {
            return;
        }

        _site = null;
        if (!_sites.TryGetValue(site, out int number))
        {
            if (_sites.Count == SitesMax)
            {
                _sitesLeftOut++;
                return;
            }

            number = _sites.Count + 1;
            _sites.Add(site, number);
            sink.Write(VmtRecord.Site((ulong)number, site));
        }

        sink.Write(VmtRecord.CalledFrom((ulong)number));
    }

    /// <summary>A frame as it can stand in a record: of one line, without separators, and not too long.</summary>
    private static string AsFrame(string frame)
    {
        string line = InLine(frame.Replace(CallSite.Separator, ',')).Trim();
        return line.Length <= CallSite.FrameLengthMax ? line : line[..CallSite.FrameLengthMax].TrimEnd();
    }

    private int FileId(string path, ref int next)
    {
        if (!_files.TryGetValue(path, out int id))
        {
            id = next++;
            _files.Add(path, id);
            sink.Write(VmtRecord.File(id, InLine(path)));
        }

        return id;
    }

    /// <summary>A name as it can stand at the end of a line: what would be lost or end it is written as strace writes it.</summary>
    private static string InLine(string name)
    {
        string plain = name.Length > 0 && name[0] == ' ' ? "\\040" + name[1..] : name;
        return plain.Replace("\n", "\\n", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal);
    }
}
