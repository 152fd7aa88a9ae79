using System.Globalization;
using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Traces;

namespace VmSim.Host.Capture;

/// <summary>
/// Passes the records of a raw trace on, and puts functions and lines in the place of the addresses in its call sites, by the files that
/// are mapped there at that point of the trace.
/// </summary>
internal sealed class SiteWriter(IVmtSink target, SourceLines lines) : IVmtSink
{
    private readonly Dictionary<int, string> _files = [];
    private readonly SortedList<ulong, (ulong End, string Path, ulong Offset)> _areas = [];
    private readonly Dictionary<(string Path, ulong Offset, bool IsInner), string> _frames = [];

    /// <inheritdoc/>
    public void Write(in VmtRecord record)
    {
        Follow(record);
        if (record.Kind == VmtKind.Site)
        {
            string[] frames = [.. record.Text!.Split(CallSite.Separator).Select((address, at) => FrameOf(address, isInner: at == 0))];
            target.Write(VmtRecord.Site(record.Number, string.Join(CallSite.Separator, frames)));
            return;
        }

        target.Write(record);
    }

    private void Follow(in VmtRecord record)
    {
        switch (record.Kind)
        {
            case VmtKind.File:
                _files[record.FileId] = record.Text!;
                break;
            case VmtKind.InitialMap or VmtKind.Map:
                Remove(record.Start, record.Bytes);
                if (_files.TryGetValue(record.FileId, out string? path))
                {
                    _areas[record.Start] = (record.Start + record.Bytes, path, record.Offset);
                }

                break;
            case VmtKind.Unmap:
                Remove(record.Start, record.Bytes);
                break;
            case VmtKind.Exec:
                _areas.Clear();
                break;
            default:
                break;
        }
    }

    /// <summary>Takes a range out of the areas; what is left of one on both sides stays.</summary>
    private void Remove(ulong start, ulong bytes)
    {
        ulong end = start + bytes;
        for (int at = LastFrom(end - 1); at >= 0; at--)
        {
            ulong from = _areas.Keys[at];
            (ulong to, string path, ulong offset) = _areas.Values[at];
            if (to <= start)
            {
                break;
            }

            _areas.RemoveAt(at);
            if (to > end)
            {
                _areas[end] = (to, path, offset + (end - from));
            }

            if (from < start)
            {
                _areas[from] = (start, path, offset);
            }
        }
    }

    /// <summary>The place of the last area that begins at or below an address; -1 if there is none.</summary>
    private int LastFrom(ulong address)
    {
        int low = 0;
        int high = _areas.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            (low, high) = _areas.Keys[middle] <= address ? (middle + 1, high) : (low, middle - 1);
        }

        return high;
    }

    private string FrameOf(string text, bool isInner)
    {
        if (!ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong address))
        {
            return text;
        }

        int at = LastFrom(address);
        if (at < 0 || _areas.Values[at].End <= address)
        {
            return new VirtAddr(address).ToString();
        }

        (_, string path, ulong offset) = _areas.Values[at];
        (string Path, ulong Offset, bool IsInner) key = (path, offset + (address - _areas.Keys[at]), isInner);
        if (!_frames.TryGetValue(key, out string? frame))
        {
            frame = Describe(path, key.Offset, isInner);
            _frames.Add(key, frame);
        }

        return frame;
    }

    /// <summary>A frame's function and line. A caller's return address lies behind its call, perhaps on the next line.</summary>
    private string Describe(string path, ulong offset, bool isInner)
    {
        string module = string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(path).Replace(' ', '_')}+0x{offset:x}");
        ProgramSymbols? symbols = lines.SymbolsOf(path);
        if (symbols?.AddressOf(offset) is not { } address)
        {
            return module;
        }

        ulong inside = isInner || address == 0 ? address : address - 1;
        string function = symbols.FunctionAt(inside) ?? "";
        string source = lines.Find(path, inside) ?? module;
        string place = source.Replace(' ', '_');
        string frame = (function.Length > 0 ? $"{function} {place}" : place).Replace(CallSite.Separator, ',');
        return frame.Length <= CallSite.FrameLengthMax ? frame : frame[..CallSite.FrameLengthMax].Trim();
    }
}
