using System.Globalization;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>What the descriptors of a process are, as far as the log has the calls that open and close them.</summary>
internal sealed class StraceDescriptors
{
    private const int Most = 1 << 20;
    private const string MemoryFile = "memfd:";
    private const string ProcessFile = "pidfd:";
    private readonly Dictionary<int, string> _names;
    private readonly Dictionary<string, int> _memoryFiles;

    /// <summary>No descriptors.</summary>
    public StraceDescriptors()
    {
        _names = [];
        _memoryFiles = new Dictionary<string, int>(StringComparer.Ordinal);
    }

    /// <summary>A copy, as fork makes it; names of memory files stay unique among all copies.</summary>
    public StraceDescriptors(StraceDescriptors other)
    {
        _names = new Dictionary<int, string>(other._names);
        _memoryFiles = other._memoryFiles;
    }

    /// <summary>A file was opened.</summary>
    public void Open(ulong descriptor, string path)
    {
        if (_names.Count < Most)
        {
            _names[(int)descriptor] = path;
        }
    }

    /// <summary>A file in memory was made; two of one name are two files.</summary>
    public void OpenMemory(ulong descriptor, string name)
    {
        int count = _memoryFiles.GetValueOrDefault(name) + 1;
        if (_memoryFiles.Count < Most)
        {
            _memoryFiles[name] = count;
        }

        Open(descriptor, count == 1 ? MemoryFile + name : string.Create(CultureInfo.InvariantCulture, $"{MemoryFile}{name} #{count}"));
    }

    /// <summary>A descriptor of a process was opened.</summary>
    public void OpenProcess(ulong descriptor, ulong process) =>
        Open(descriptor, string.Create(CultureInfo.InvariantCulture, $"{ProcessFile}{process}"));

    /// <summary>A descriptor was closed.</summary>
    public void Close(ulong descriptor) => _names.Remove((int)descriptor);

    /// <summary>A descriptor was copied.</summary>
    public void Duplicate(ulong from, ulong to)
    {
        if (_names.TryGetValue((int)from, out string? name))
        {
            Open(to, name);
        }
    }

    /// <summary>The process that a descriptor stands for; -1 if it is not known.</summary>
    public long ProcessOf(ulong descriptor) =>
        _names.GetValueOrDefault((int)descriptor) is { } name && name.StartsWith(ProcessFile, StringComparison.Ordinal)
            ? long.Parse(name.AsSpan(ProcessFile.Length), CultureInfo.InvariantCulture)
            : -1;

    /// <summary>The name of a mapping's file.</summary>
    /// <param name="descriptor">Its descriptor.</param>
    /// <param name="printed">The path that strace printed with it (-y); null for none.</param>
    public string NameOf(int descriptor, string? printed)
    {
        string? known = _names.GetValueOrDefault(descriptor);
        return known is not null && known.StartsWith(MemoryFile, StringComparison.Ordinal) ? known
            : printed ?? known ?? string.Create(CultureInfo.InvariantCulture, $"descriptor {descriptor}");
    }
}
