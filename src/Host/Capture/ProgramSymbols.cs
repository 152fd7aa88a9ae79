using ELFSharp.ELF;
using ELFSharp.ELF.Sections;
using ELFSharp.ELF.Segments;

namespace VmSim.Host.Capture;

/// <summary>The functions of a program or library, from the symbol tables of its ELF file.</summary>
internal sealed class ProgramSymbols
{
    private readonly (ulong Start, ulong Size, string Name)[] _functions;
    private readonly (ulong Offset, ulong Bytes, ulong Address)[] _loads;

    private ProgramSymbols((ulong, ulong, string)[] functions, (ulong, ulong, ulong)[] loads)
    {
        _functions = functions;
        _loads = loads;
    }

    /// <summary>Reads a file.</summary>
    /// <returns>Null if it is not there, or no ELF file of 64 bits that can be read.</returns>
    public static ProgramSymbols? Read(string path)
    {
        try
        {
            if (!File.Exists(path) || !ELFReader.TryLoad<ulong>(path, out ELF<ulong> file))
            {
                return null;
            }

            using (file)
            {
                (ulong, ulong, string)[] functions = [.. file.GetSections<SymbolTable<ulong>>()
                    .SelectMany(table => table.Entries)
                    .Where(symbol => symbol is { Type: SymbolType.Function, Value: > 0 } && symbol.Name.Length > 0)
                    .Select(symbol => (symbol.Value, symbol.Size, symbol.Name))
                    .OrderBy(symbol => symbol.Value).ThenBy(symbol => symbol.Name.Length)
                    .ThenBy(symbol => symbol.Name, StringComparer.Ordinal)
                    .DistinctBy(symbol => symbol.Value)];
                return new ProgramSymbols(
                    functions,
                    [.. file.Segments.Where(segment => segment.Type == SegmentType.Load)
                        .Select(segment => (Convert.ToUInt64(segment.Offset), (ulong)segment.FileSize, segment.Address))]);
            }
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException or InvalidDataException or ArgumentException
            or InvalidOperationException or OverflowException or FormatException or IndexOutOfRangeException or InvalidCastException)
        {
            // A damaged file has no symbols that anybody could use.
            return null;
        }
    }

    /// <summary>The address, as it stands in the file, of a byte of the file; null if none is loaded there.</summary>
    public ulong? AddressOf(ulong offset)
    {
        foreach ((ulong start, ulong bytes, ulong address) in _loads)
        {
            if (offset >= start && offset - start < bytes)
            {
                return address + (offset - start);
            }
        }

        return null;
    }

    /// <summary>The function that holds an address; null if none is known to.</summary>
    public string? FunctionAt(ulong address)
    {
        int low = 0;
        int high = _functions.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            if (_functions[middle].Start <= address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return high >= 0 && address - _functions[high].Start < Math.Max(1, _functions[high].Size) ? _functions[high].Name : null;
    }
}
